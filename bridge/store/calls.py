"""Unanswered calls: filing them, listing them, marking them heard."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, select

from bridge.call.model import Reason
from bridge.errors import Refused
from bridge.events import News
from bridge.seal.layout import kid, split_head
from bridge.store.database import Database, in_words
from bridge.store.finding import Cursor, Show, count, page
from bridge.store.handling import FORGET, REOPEN
from bridge.store.names import seconds_of
from bridge.store.outbox import ADD, lamp_of
from bridge.store.rows import Row, Version, read_rows, read_versions
from bridge.store.tables import CALL, HEARD, NOTE, TABLES

MOST_ROWS = 200
"""Rows of one answer of a list."""

UNTOLD = "away@"
"""In front of the linkedid of a row that does not tell its caller: the PBX had kept the call for us without
him. Whoever tells of the call with him makes the row anew."""

_KEYS = TABLES["mailbox_key"]
_SAME_CALL = in_words(
    select(CALL.c.id, CALL.c.mailbox_id, CALL.c.linkedid).where(
        or_(CALL.c.linkedid == bindparam("linkedid"), CALL.c.linkedid == bindparam("untold"))
    )
)
_HAS_NOTE = in_words(select(NOTE.c.id).where(NOTE.c.call_id == bindparam("call")))
_EPOCHS = in_words(select(_KEYS.c.epoch, _KEYS.c.public).where(_KEYS.c.mailbox_id == bindparam("mailbox_id")))
_INSERT = in_words(insert(CALL))
_MAILBOX_OF = in_words(select(CALL.c.mailbox_id).where(CALL.c.id == bindparam("call")))
_DROP = in_words(delete(CALL).where(CALL.c.id == bindparam("call")))
_MARK = in_words(insert(HEARD))
_UNMARK = in_words(
    delete(HEARD).where(HEARD.c.user_id == bindparam("user_id"), HEARD.c.call_id == bindparam("call_id"))
)
TAKE_MARKS = in_words(delete(HEARD).where(HEARD.c.call_id == bindparam("call")))
"""A new note under a call is heard by nobody yet."""
BRING_BACK = "UPDATE call SET deleted_at = NULL WHERE id = :call AND deleted_at > 0"
"""A new note under a deleted row: somebody spoke, and nobody has decided to throw that away."""
NEW_NOTE = (TAKE_MARKS, BRING_BACK, REOPEN)
"""What of a row's marks is over when somebody has spoken under it."""
TAKE_ALL_MARKS = (TAKE_MARKS, FORGET)
"""What goes in front of a row that goes."""


class Calls:
    """``store.calls``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, publish: Callable[[News], None]) -> None:
        self._database = database
        self._publish = publish

    def file(
        self,
        call_id: bytes,
        mailbox_id: str,
        linkedid: str,
        reason: Reason,
        received_at: datetime,
        sealed: bytes,
        *,
        supersede: bool = False,
        untold: bool = False,
    ) -> bytes:
        """File a missed call once and return the id of the row that stands.

        ``sealed`` is its call record: a whole SN1 with note id ``call_id`` (16 bytes), for a key of its
        mailbox. The first filing of a ``linkedid`` wins, except with ``supersede`` (the call went on to
        another mailbox): rows of other mailboxes that have no note go, and those with one stay beside the new
        row. So whoever is about to record for this mailbox passes ``supersede=True``; a note can only be
        begun under a row of its own mailbox. ``untold``: the record does not tell the caller, and a later
        filing that does so replaces the row unless it has a note.

        The row survives the end of the process at once and a power cut after the next flush (1 s).

        Raises Refused(``old key``) when the mailbox has a newer one by now, and ValueError unless ``sealed``
        is for this call and mailbox.
        """
        with self._database.write_soon() as connection:
            epoch = _epoch_of(connection, call_id, mailbox_id, sealed)
            standing, gone = _same_call(connection, linkedid, tells=not untold)
            for found_id, found_mailbox in standing:
                if found_mailbox == mailbox_id:
                    return found_id
            if standing and not supersede:
                return standing[0][0]
            gone += [(found, mailbox) for found, mailbox in standing if not _has_note(connection, found)]
            for found_id, _mailbox in gone:
                for statement in (*TAKE_ALL_MARKS, _DROP):
                    connection.execute(statement, {"call": found_id})
            values = {
                "id": call_id,
                "mailbox_id": mailbox_id,
                "linkedid": UNTOLD + linkedid if untold else linkedid,
                "received_at": seconds_of(received_at),
                "reason": str(reason),
                "sealed": sealed,
                "epoch": epoch,
                "stale": False,
                "deleted_at": None,
            }
            connection.execute(_INSERT, values)
        for old_id, old_mailbox in [*gone, (call_id, mailbox_id)]:
            self._publish(News("row", old_mailbox, old_id.hex()))
        return call_id

    def sync(self) -> None:
        """Make all that was filed safe from a power cut. Waits for the disk: belongs into a thread."""
        self._database.sync()

    def row(self, call_id: bytes, user_id: str | None = None) -> Row | None:
        """Return one row, with the marks of ``user_id``. Whether he may see it is the asker's to decide."""
        with self._database.read() as connection:
            found = read_rows(connection, [call_id], user_id)
        return found[0] if found else None

    def rows(
        self,
        mailbox_ids: Sequence[str],
        user_id: str | None,
        before: Cursor | None = None,
        limit: int = 50,
        show: Show | None = None,
    ) -> tuple[list[Row], Cursor | None]:
        """Return the newest rows of some mailboxes and where to go on (None after the last).

        See ``finding.page``: with ``show`` there may be fewer than ``limit``, which is cut to 1 - 200.
        """
        found, following = self._page(mailbox_ids, user_id, before, limit, show)
        with self._database.read() as connection:
            return read_rows(connection, [row_id for _at, row_id in found], user_id), following

    def versions(
        self, mailbox_ids: Sequence[str], user_id: str, before: Cursor | None = None, limit: int = 50
    ) -> tuple[list[Version], Cursor | None]:
        """Return the same page's ids, each with what changes when its row does; nothing sealed is read."""
        found, following = self._page(mailbox_ids, user_id, before, limit, None)
        with self._database.read() as connection:
            return read_versions(connection, [row_id for _at, row_id in found], user_id), following

    def count(self, mailbox_ids: Sequence[str]) -> int:
        """Return how many rows some mailboxes have together."""
        return count(self._database, mailbox_ids)

    def _page(
        self,
        mailbox_ids: Sequence[str],
        user_id: str | None,
        before: Cursor | None,
        limit: int,
        show: Show | None,
    ) -> tuple[list[Cursor], Cursor | None]:
        return page(self._database, mailbox_ids, user_id, before, min(max(limit, 1), MOST_ROWS), show)

    def mark_heard(self, call_id: bytes, user_id: str, heard: bool) -> None:
        """Set or take away a user's mark. Raises Refused(``no such row``)."""
        with self._database.write_soon() as connection:
            found = connection.execute(_MAILBOX_OF, {"call": call_id}).fetchone()
            if found is None:
                raise Refused("no such row")
            mark = {"user_id": user_id, "call_id": call_id}
            connection.execute(_UNMARK, mark)
            if heard:
                connection.execute(_MARK, mark)
            connection.execute(ADD, lamp_of(found[0]))
        self._publish(News("row", found[0], call_id.hex()))


def _same_call(
    connection: sqlite3.Connection, linkedid: str, *, tells: bool
) -> tuple[list[tuple[bytes, str]], list[tuple[bytes, str]]]:
    """Return the rows (id, mailbox) of a call that stand, and those that one who ``tells`` its caller makes
    anew."""
    standing: list[tuple[bytes, str]] = []
    anew: list[tuple[bytes, str]] = []
    words = {"linkedid": linkedid, "untold": UNTOLD + linkedid}
    for found, mailbox, name in connection.execute(_SAME_CALL, words).fetchall():
        known = name == linkedid or not tells or _has_note(connection, found)
        (standing if known else anew).append((bytes(found), mailbox))
    return standing, anew


def _has_note(connection: sqlite3.Connection, call_id: bytes) -> bool:
    return connection.execute(_HAS_NOTE, {"call": call_id}).fetchone() is not None


def _epoch_of(connection: sqlite3.Connection, call_id: bytes, mailbox_id: str, sealed: bytes) -> int:
    try:
        head = split_head(sealed)
    except Refused as refused:
        raise ValueError(f"a call record that is none: {refused.word}") from None
    if head.note_id != call_id or head.mailbox_id != mailbox_id.encode():
        raise ValueError("a call record of another call or mailbox")
    kids = {envelope.kid for envelope in head.envelopes}
    epochs = connection.execute(_EPOCHS, {"mailbox_id": mailbox_id}).fetchall()
    opens = [int(epoch) for epoch, public in epochs if kid(public) in kids]
    if not opens:
        raise ValueError("a call record that no key of its mailbox opens")
    if max(opens) != max(epoch for epoch, _public in epochs):
        raise Refused("old key")
    return max(opens)
