"""The JSON that goes out of calls, their notes, and what was done with them."""

from typing import Literal

from pydantic import BaseModel


class NoteOut(BaseModel):
    """One note of a row. ``meta`` and ``peaks`` are sealed records with their headers."""

    id: str
    state: Literal["recording", "kept"]
    started_at: str
    speech: bool | None
    cut_off: bool
    size: int
    epoch: int
    commit: str
    envelopes: list[str]
    meta: list[str]
    peaks: list[str]


class HandlingOut(BaseModel):
    """How far a row is for all members of its mailbox, and whose doing that is (``mine``: the asker's).

    ``at``: since when. ``user`` is null when he is no member any more, and all of them are while it is open.
    """

    state: Literal["open", "taken", "done"]
    user_id: str | None
    user: str | None
    mine: bool
    at: str | None


class RowOut(BaseModel):
    """One missed call with its notes; ``sealed`` is its whole call record. ``version`` is another whenever
    anything of the row is."""

    id: str
    mailbox_id: str
    extension: str
    mailbox_name: str
    received_at: str
    reason: str
    sealed: str
    heard: bool
    handling: HandlingOut
    deleted_at: str | None
    notes: list[NoteOut]
    version: str


class Rows(BaseModel):
    """Newest first; ``next`` goes into ``before`` for the older ones."""

    rows: list[RowOut]
    next: str | None


class VersionOut(BaseModel):
    """Enough to see whether a row that is known is still as it was."""

    id: str
    version: str


class Versions(BaseModel):
    """Newest first; ``next`` as for rows. ``total``: all rows there are, told with the first page."""

    rows: list[VersionOut]
    next: str | None
    total: int | None


class Changed(BaseModel):
    """How many rows are otherwise now; those that are not mine, or were so already, are none of them."""

    changed: int


class Listed(BaseModel):
    """A mailbox to which a note can be sealed with ``public``, the key of ``epoch``."""

    id: str
    extension: str
    name: str
    private: bool
    epoch: int
    public: str


class Directory(BaseModel):
    """By extension; ``next`` goes into ``after`` for the further ones."""

    mailboxes: list[Listed]
    next: str | None


class Arrived(BaseModel):
    """How many bytes of the note are here; the next ones begin there."""

    at: int


class Forwarded(BaseModel):
    """The row in the other mailbox."""

    row_id: str


class LogEntry(BaseModel):
    """What a member, or the server by itself (no ``user``), did with one row, with ``count`` of them, or with
    somebody (``about``) or the key of the mailbox."""

    at: str
    act: Literal[
        "played",
        "opened",
        "saved",
        "exported",
        "forwarded",
        "received",
        "deleted",
        "restored",
        "erased",
        "erased_caller",
        "expired",
        "added",
        "approved",
        "removed",
        "left",
        "new_key",
        "new_device",
        "taken_over",
        "done",
    ]
    row_id: str | None
    count: int
    user_id: str | None
    user: str | None
    about: str | None


class LogPage(BaseModel):
    """Newest first; ``next`` goes into ``before`` for the older ones."""

    entries: list[LogEntry]
    next: int | None


class Heard(BaseModel):
    """The mark as it now stands."""

    heard: bool
