"""Rows that go: deleted ones can be brought back for 30 days, erased and expired ones are gone.

What goes for good goes in three steps, so that a crash between them leaves nothing half: the row is marked
and its notes are discarded, from when on nobody is told of them; the blobs are removed; the rows are removed.
``purge`` does the rest of what was marked, every ten seconds. The database overwrites what it removes
(``secure_delete``); a sealed blob is unlinked, and what a disk may keep of it opens with the members' keys
alone.
"""

import logging
import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime

from bridge.errors import Refused, StoreError
from bridge.events import News
from bridge.store.access import Act, write, write_erasure
from bridge.store.blobs import Blobs
from bridge.store.calls import TAKE_ALL_MARKS
from bridge.store.database import Database
from bridge.store.names import Clock, seconds_of
from bridge.store.outbox import ADD, lamp_of

log = logging.getLogger("aftertone.store")

UNDO_DAYS = 30
"""How long a deleted row can be brought back."""

CHORE = 500
"""Rows that one round of chores removes at most: with their blobs about a second, every ten seconds."""

YOUNG_S = 900
"""An erased row as young as this goes when it is no longer: its call may be going on, and who is about to
speak would speak into nothing. A note that comes brings the row back."""

_MAILBOX = "SELECT mailbox_id FROM call WHERE id = ?"
_DELETE = "UPDATE call SET deleted_at = :at WHERE id = :call AND deleted_at IS NULL"
_RESTORE = "UPDATE call SET deleted_at = NULL WHERE id = :call AND deleted_at > :oldest"
_SOON = """
    UPDATE call SET deleted_at = :soon WHERE id = :call AND received_at > :young
    AND (deleted_at > :soon OR :present AND deleted_at IS NULL)
"""
_ERASE = """
    UPDATE call SET deleted_at = 0 WHERE id = :call AND received_at <= :young
    AND NOT EXISTS (SELECT 1 FROM note WHERE call_id = :call AND state = 'recording')
"""
_ERASE_ONCE = f"{_ERASE} AND (deleted_at > 0 OR :present AND deleted_at IS NULL)"
_DISCARD = "UPDATE note SET state = 'discarded' WHERE call_id = :call"
_NOTES = "SELECT id FROM note WHERE call_id = ?"
_DROP_NOTES = "DELETE FROM note WHERE call_id = :call"
_DROP = "DELETE FROM call WHERE id = :call"
_DUE = "SELECT id FROM call WHERE deleted_at IS NOT NULL AND deleted_at <= ? LIMIT ?"
_LIMITED = "SELECT id, keep_days FROM mailbox WHERE keep_days IS NOT NULL"
_KEEP = "UPDATE mailbox SET keep_days = :days WHERE extension = :extension"
_TOO_OLD = """
    SELECT id FROM call WHERE mailbox_id = ? AND received_at <= ? AND deleted_at IS NOT 0
    AND NOT EXISTS (SELECT 1 FROM note WHERE call_id = call.id AND state = 'recording') LIMIT ?
"""

Found = tuple[bytes, str]
"""A row's id and its mailbox's."""


class Deleting:
    """``store.deleting``. Every method returns what is to be published afterwards, and raises StoreError."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    def mark(
        self, call_ids: Iterable[bytes], user_id: str, mine: Container[str], *, deleted: bool
    ) -> list[News]:
        """Delete rows of the mailboxes ``mine``, or bring back deleted ones; others stay as they are."""
        now = self._clock()
        at = seconds_of(now)
        values = {"at": at, "oldest": at - UNDO_DAYS * 86400}
        step, act = (_DELETE, Act.DELETED) if deleted else (_RESTORE, Act.RESTORED)
        with self._database.write_soon() as connection:
            changed = _changed(connection, step, call_ids, values, mine)
            _write(connection, now, user_id, act, changed)
        return _news(changed)

    def erase(
        self, call_ids: Iterable[bytes], user_id: str, mine: Container[str], erasure: bytes | None = None
    ) -> list[News]:
        """Remove rows with all their notes for good, those of the last quarter of an hour when it is over.

        A row whose note is being recorded stays, as does one of no mailbox of ``mine``, and one that is not
        deleted: it came back after it was looked at. From now on nobody is told of the others; the next
        ``purge`` takes them from the disk. ``erasure``: these rows belong to everything of one caller,
        deleted or not, and what carries the same 16 random bytes is one line in the log.
        """
        now = self._clock()
        at = seconds_of(now)
        ids = list(call_ids)
        values = {
            "young": at - YOUNG_S,
            "soon": at - UNDO_DAYS * 86400 + YOUNG_S,
            "present": erasure is not None,
        }
        with self._database.write_soon() as connection:
            soon = _changed(connection, _SOON, ids, values, mine)
            gone = _changed(connection, _ERASE_ONCE, ids, values, mine)
            _discard(connection, gone)
            changed = [*soon, *gone]
            if erasure is None:
                _write(connection, now, user_id, Act.ERASED, changed, single=False)
            else:
                for mailbox_id, ids in _by_mailbox(changed).items():
                    connection.execute(ADD, lamp_of(mailbox_id))
                    write_erasure(connection, now, mailbox_id, user_id, erasure, len(ids))
        return _news(changed)

    def keep(self, extension: str, days: int | None) -> None:
        """Have a mailbox keep rows for so many days, None: for ever. Raises Refused: ``no such mailbox``."""
        with self._database.write_soon() as connection:
            values = {"extension": extension, "days": days}
            if not connection.execute(_KEEP, values).rowcount:
                raise Refused("no such mailbox", user=f"There is no mailbox {extension}.")
        self._database.sync()

    def limits(self) -> dict[str, int]:
        """Return the mailboxes that keep their rows for so many days only, by id."""
        return dict(self._database.ask(_LIMITED))

    def purge(self) -> list[News]:
        """Remove what was erased, or deleted 30 days ago, and what its mailbox no longer keeps.

        At most CHORE rows of each at a time. Waits for the disk: belongs into a thread, and into the one that
        writes blobs anew (``Envelopes.drop_old``), or a blob could come back.
        """
        now = self._clock()
        at = seconds_of(now)
        due = self._database.ask(_DUE, at - UNDO_DAYS * 86400, CHORE)
        gone = self._give_up([call_id for (call_id,) in due], now, None)
        for mailbox_id, days in self.limits().items():
            old = self._database.ask(_TOO_OLD, mailbox_id, at - days * 86400, CHORE)
            gone += self._give_up([call_id for (call_id,) in old], now, Act.EXPIRED)
        self._remove(gone)
        if due:  # what only grew old is not worth a stop of all writers, every ten seconds in a large house
            self._database.wipe_later()
        return _news(gone)

    def _give_up(self, call_ids: Sequence[bytes], now: datetime, act: Act | None) -> list[Found]:
        """Mark rows for good; ``act`` is what the log says of it (deleted ones have their line already)."""
        if not call_ids:
            return []
        with self._database.write_soon() as connection:
            gone = _changed(connection, _ERASE, call_ids, {"young": seconds_of(now)})
            _discard(connection, gone)
            if act is not None:
                _write(connection, now, None, act, gone, single=False)
        return gone

    def _remove(self, gone: Sequence[Found]) -> None:
        """Remove blobs and rows of what is marked; what cannot be removed now is tried again by ``purge``."""
        if gone:
            self._database.sync()
        for call_id, _mailbox in gone:
            try:
                for (note_id,) in self._database.ask(_NOTES, call_id):
                    self._blobs.remove(note_id)
            except StoreError as error:
                log.error("row %s is removed later: %s", call_id.hex(), error)
                continue
            with self._database.write_soon() as connection:
                for statement in (*TAKE_ALL_MARKS, _DROP_NOTES, _DROP):
                    connection.execute(statement, {"call": call_id})


def _changed(
    connection: sqlite3.Connection,
    step: str,
    call_ids: Iterable[bytes],
    values: Mapping[str, int],
    mine: Container[str] | None = None,
) -> list[Found]:
    """Take one step with each row of these mailboxes (None: of any); return those that it changed."""
    changed = []
    for call_id in call_ids:
        found = connection.execute(_MAILBOX, (call_id,)).fetchone()
        if found is None or (mine is not None and found[0] not in mine):
            continue
        if connection.execute(step, {**values, "call": call_id}).rowcount:
            changed.append((call_id, found[0]))
    return changed


def _discard(connection: sqlite3.Connection, rows: Iterable[Found]) -> None:
    connection.executemany(_DISCARD, [{"call": call_id} for call_id, _mailbox in rows])


def _write(
    connection: sqlite3.Connection,
    now: datetime,
    user_id: str | None,
    act: Act,
    rows: Iterable[Found],
    *,
    single: bool = True,
) -> None:
    """Have the lamps of these rows' mailboxes told, and write one line into each one's log.

    ``single``: of one row alone the line says which it was.
    """
    for mailbox_id, ids in _by_mailbox(rows).items():
        connection.execute(ADD, lamp_of(mailbox_id))
        write(
            connection, now, mailbox_id, user_id, act, ids[0] if single and len(ids) == 1 else None, len(ids)
        )


def _by_mailbox(rows: Iterable[Found]) -> dict[str, list[bytes]]:
    boxes: dict[str, list[bytes]] = {}
    for call_id, mailbox_id in rows:
        boxes.setdefault(mailbox_id, []).append(call_id)
    return boxes


def _news(rows: Iterable[Found]) -> list[News]:
    return [News("row", mailbox_id, call_id.hex()) for call_id, mailbox_id in rows]
