"""Rows of the inbox as the API shows them: one call with its notes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, and_, bindparam, select

from bridge.seal.layout import scan_records, split_envelopes
from bridge.store.handling import Handling, HandlingState
from bridge.store.names import moment_of
from bridge.store.tables import CALL, DISCARDED, ERASED, HEARD, NOTE, TABLES

MAILBOX = TABLES["mailbox"]
_HANDLING = TABLES["handling"]
_USER = TABLES["user"]
_MEMBER = TABLES["member"]


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One take. ``meta`` and ``peaks`` are the stored records of streams 2 and 3 with their 14-byte headers.

    ``state``: ``recording`` or ``kept``. ``speech`` is None while recording and after a crash. ``cut_off``:
    a crash or a full disk ended it. ``size`` in bytes (of a finished note). ``epoch`` is the newest to which
    it is sealed; ``envelopes`` stand before those in the blob.
    """

    id: bytes
    call_id: bytes
    mailbox_id: str
    started_at: datetime
    state: str
    speech: bool | None
    cut_off: bool
    size: int
    epoch: int
    commit: bytes
    envelopes: list[bytes] = field(repr=False)
    meta: list[bytes] = field(repr=False)
    peaks: list[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One unanswered call. ``id`` is the SN1 note id of ``sealed``, its call record; ``received_at`` is UTC,
    to the second; ``heard`` is the mark of the user for whom the row was read (False if for nobody);
    ``handling`` is common to all members; ``deleted_at`` is UTC, to the second, of a row that can be brought
    back; ``version`` changes whenever anything else of the row as this user sees it does."""

    id: bytes
    mailbox_id: str
    extension: str
    mailbox_name: str
    received_at: datetime
    reason: str
    sealed: bytes = field(repr=False)
    heard: bool
    handling: Handling
    deleted_at: datetime | None
    notes: list[NoteRow]
    version: str


class Version(NamedTuple):
    """A row's id, and what is another when the row has changed."""

    id: bytes
    version: str


def _with_mailbox() -> Any:
    return select(
        CALL.c.id,
        CALL.c.mailbox_id,
        CALL.c.received_at,
        CALL.c.reason,
        CALL.c.sealed,
        CALL.c.epoch,
        CALL.c.deleted_at,
        MAILBOX.c.extension,
        MAILBOX.c.name,
    ).join(MAILBOX, MAILBOX.c.id == CALL.c.mailbox_id)


_THERE = (CALL.c.id.in_(bindparam("ids", expanding=True)), CALL.c.deleted_at.is_distinct_from(ERASED))
_CALLS = _with_mailbox().where(*_THERE)
_NOTES = (
    select(NOTE)
    .where(NOTE.c.call_id.in_(bindparam("ids", expanding=True)), NOTE.c.state != DISCARDED)
    .order_by(NOTE.c.started_at, NOTE.c.id)
)
_CALLS_BRIEFLY = (
    select(CALL.c.id, CALL.c.epoch, CALL.c.deleted_at, MAILBOX.c.name)
    .join(MAILBOX, MAILBOX.c.id == CALL.c.mailbox_id)
    .where(*_THERE)
)
_STATES = [NOTE.c.id, NOTE.c.state, NOTE.c.speech, NOTE.c.cut_off, NOTE.c.size, NOTE.c.epoch]
"""What of a note changes; they stand before its long columns, of which nothing is read then."""
_NOTES_BRIEFLY = (
    select(NOTE.c.call_id, *_STATES)
    .where(NOTE.c.call_id.in_(bindparam("ids", expanding=True)), NOTE.c.state != DISCARDED)
    .order_by(NOTE.c.started_at, NOTE.c.id)
)
_MARKS = select(HEARD.c.call_id).where(
    HEARD.c.user_id == bindparam("user"), HEARD.c.call_id.in_(bindparam("ids", expanding=True))
)
_HANDLED = (
    select(_HANDLING, _USER.c.name)
    .join(CALL, CALL.c.id == _HANDLING.c.call_id)
    .outerjoin(
        _MEMBER, and_(_MEMBER.c.user_id == _HANDLING.c.user_id, _MEMBER.c.mailbox_id == CALL.c.mailbox_id)
    )
    .outerjoin(_USER, _USER.c.id == _MEMBER.c.user_id)
    .where(_HANDLING.c.call_id.in_(bindparam("ids", expanding=True)))
)
_UNHANDLED = Handling()


def read_rows(connection: Connection, ids: Sequence[bytes], user_id: str | None) -> list[Row]:
    """Return the rows with these ids in this order; ids without a row are passed over."""
    if not ids:
        return []
    notes: dict[bytes, list[NoteRow]] = {}
    states: dict[bytes, list[RowMapping]] = {}
    for found in connection.execute(_NOTES, {"ids": ids}).mappings():
        notes.setdefault(found["call_id"], []).append(note_row(found))
        states.setdefault(found["call_id"], []).append(found)
    heard = set(connection.execute(_MARKS, {"ids": ids, "user": user_id}).scalars())
    handled = _handled(connection, ids)
    rows = {
        found["id"]: Row(
            id=found["id"],
            mailbox_id=found["mailbox_id"],
            extension=found["extension"],
            mailbox_name=found["name"],
            received_at=moment_of(found["received_at"]),
            reason=found["reason"],
            sealed=found["sealed"],
            heard=found["id"] in heard,
            handling=handled.get(found["id"], _UNHANDLED),
            deleted_at=None if found["deleted_at"] is None else moment_of(found["deleted_at"]),
            notes=notes.get(found["id"], []),
            version=_version(
                found,
                states.get(found["id"], []),
                found["id"] in heard,
                handled.get(found["id"], _UNHANDLED),
            ),
        )
        for found in connection.execute(_CALLS, {"ids": ids}).mappings()
    }
    return [rows[row_id] for row_id in ids if row_id in rows]


def read_versions(connection: Connection, ids: Sequence[bytes], user_id: str) -> list[Version]:
    """Return the versions of the rows with these ids in this order; ids without a row are passed over."""
    if not ids:
        return []
    states: dict[bytes, list[RowMapping]] = {}
    for found in connection.execute(_NOTES_BRIEFLY, {"ids": ids}).mappings():
        states.setdefault(found["call_id"], []).append(found)
    heard = set(connection.execute(_MARKS, {"ids": ids, "user": user_id}).scalars())
    handled = _handled(connection, ids)
    versions = {
        found["id"]: _version(
            found, states.get(found["id"], []), found["id"] in heard, handled.get(found["id"], _UNHANDLED)
        )
        for found in connection.execute(_CALLS_BRIEFLY, {"ids": ids}).mappings()
    }
    return [Version(row_id, versions[row_id]) for row_id in ids if row_id in versions]


def _handled(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, Handling]:
    """Return how far rows are that are not open."""
    return {
        found["call_id"]: Handling(
            HandlingState(found["state"]), found["user_id"], found["name"], moment_of(found["at"])
        )
        for found in connection.execute(_HANDLED, {"ids": ids}).mappings()
    }


def _version(call: RowMapping, notes: Sequence[RowMapping], heard: bool, handling: Handling) -> str:
    """Return 16 hex digits of all that can change in a row."""
    marks = (heard, call["deleted_at"], handling)
    told = (
        *marks,
        call["epoch"],
        call["name"],
        [[note[column.name] for column in _STATES] for note in notes],
    )
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def note_row(found: RowMapping) -> NoteRow:
    """Return one row of the table ``note`` as a value."""
    return NoteRow(
        id=found["id"],
        call_id=found["call_id"],
        mailbox_id=found["mailbox_id"],
        started_at=moment_of(found["started_at"]),
        state=found["state"],
        speech=found["speech"],
        cut_off=found["cut_off"],
        size=found["size"],
        epoch=found["epoch"],
        commit=found["commit"],
        envelopes=[envelope.raw for envelope in split_envelopes(found["envelopes"])],
        meta=records_of(found["meta"]),
        peaks=records_of(found["peaks"]),
    )


def records_of(data: bytes, streams: Iterable[int] | None = None) -> list[bytes]:
    """Return whole records, as stored, of all or of the given streams."""
    _whole, headers = scan_records(data)
    return [
        data[header.start : header.end] for header in headers if streams is None or header.stream in streams
    ]
