"""Sealing older rows and notes to a mailbox's new epoch, as members' pages send new envelopes.

    pending       rows and notes that the present epoch cannot open yet, oldest first
    put           a member's new envelopes: added beside the old ones, which go on to open
    drop_old      once nothing is pending: old envelopes leave rows, then heads of blobs

Only where the one who sends is the only one who reads: nobody here can see whether an envelope opens, and a
member's rubbish must not cost the others their notes. With several members the old one stays, and opens.

Everything can stop anywhere and goes on from the rows, which are the truth.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import Connection, RowMapping, Select, Table, func, literal, select, update
from sqlmodel import Session

from bridge.errors import Refused
from bridge.seal.layout import MAX_HEAD, SUITE, build_head, kid, split_envelopes, split_head
from bridge.store.blobs import Blobs
from bridge.store.database import Database
from bridge.store.members import require_member
from bridge.store.tables import CALL, KEPT, NOTE, TABLES

log = logging.getLogger("aftertone.store")

BATCH = 100
"""Rows of one transaction and blobs of one round: some seconds on a slow disk, so that a stop need not wait
longer for its thread; an old mailbox of thousands is done within the quarter of an hour."""

ENVELOPE_BYTES = 91
_COPY = 1 << 20
_KEYS = TABLES["mailbox_key"]
_WRAPS = TABLES["mailbox_wrap"]
_BOXES = TABLES["mailbox"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A call record or note (``kind``: ``call`` or ``note``); its ``envelope`` is of the old ``epoch``."""

    id: bytes
    kind: str
    commit: bytes
    envelope: bytes = field(repr=False)
    epoch: int


class Envelopes:
    """``store.envelopes``; also ``store.mailboxes.pending_rewraps`` and ``put_envelopes``."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def pending(self, mailbox_id: str, limit: int = BATCH) -> list[Pending]:
        """Return up to ``limit`` that the present epoch cannot open; notes being recorded come later."""
        with self._database.read() as connection:
            epoch = _present(connection, mailbox_id)
            calls = connection.execute(
                select(CALL.c.id, CALL.c.sealed, CALL.c.epoch)
                .where(CALL.c.mailbox_id == mailbox_id, CALL.c.epoch < epoch)
                .order_by(CALL.c.epoch)
                .limit(limit)
            ).all()
            notes = connection.execute(
                select(NOTE.c.id, NOTE.c.commit, NOTE.c.envelopes, NOTE.c.epoch)
                .where(NOTE.c.mailbox_id == mailbox_id, NOTE.c.epoch < epoch, NOTE.c.state == KEPT)
                .order_by(NOTE.c.epoch)
                .limit(max(0, limit - len(calls)))
            ).all()
            kids = _kids(connection, mailbox_id)
        found = []
        for call_id, sealed, sealed_epoch in calls:
            head = split_head(sealed)
            packed = b"".join(envelope.raw for envelope in head.envelopes)
            old = _named(packed, kids[sealed_epoch])
            found.append(Pending(call_id, "call", head.commit, old, sealed_epoch))
        for note_id, commit, packed, sealed_epoch in notes:
            old = _named(packed, kids[sealed_epoch])
            found.append(Pending(note_id, "note", commit, old, sealed_epoch))
        return found

    def left(self, mailbox_id: str) -> int:
        """Return how many the present epoch cannot open, notes being recorded included."""
        with self._database.read() as connection:
            return _left(connection, mailbox_id)

    def put(self, mailbox_id: str, by: str, items: Sequence[tuple[bytes, bytes]]) -> int:
        """Take a member's new envelopes, (id, envelope) each; returns how many are left.

        The member has opened each himself before.
        What has one of this epoch already is passed over (somebody else was faster). Raises Refused:
        ``not a member``, ``envelope`` (not one for the present key), ``no such note`` (not of this mailbox,
        or being recorded); then none of the items is taken. StoreError.
        """
        with self._database.write() as connection:
            with Session(connection) as session:
                require_member(session, mailbox_id, by)
            epoch = _present(connection, mailbox_id)
            present = _kids(connection, mailbox_id)[epoch]
            values = {"epoch": epoch, "stale": _readers(connection, mailbox_id, epoch) == 1}
            for subject, envelope in items:
                _check_envelope(envelope, present)
                if not (
                    _put_note(connection, mailbox_id, subject, envelope, values)
                    or _put_call(connection, mailbox_id, subject, envelope, values)
                ):
                    raise Refused("no such note")
            left = _left(connection, mailbox_id)
        log.info("mailbox %s: %s sealed %d to epoch %d, %d left", mailbox_id, by, len(items), epoch, left)
        return left

    def drop_old(self) -> int:
        """Remove old envelopes from rows and blobs of mailboxes where nothing is left; returns how many.

        At most BATCH rows and as many blobs of each mailbox at a time. Slow (two fsyncs per blob): belongs
        into a thread. Raises StoreError.
        """
        done = 0
        with self._database.read() as connection:
            calls = connection.execute(_stale(CALL)).scalars().all()
            notes = connection.execute(_stale(NOTE)).scalars().all()
            ready = [
                (box, _kids(connection, box)[_present(connection, box)])
                for box in sorted({*calls, *notes})
                if not _left(connection, box)
            ]
        for mailbox_id, present in ready:
            done += self._drop_calls(mailbox_id, present) + self._drop_notes(mailbox_id, present)
        return done

    def _drop_calls(self, mailbox_id: str, present: bytes) -> int:
        with self._database.write() as connection:
            rows = connection.execute(_stale_rows(CALL, mailbox_id)).mappings().all()
            for row in rows:
                sealed = _with_envelopes(row["sealed"], lambda old: _named(old, present))
                connection.execute(
                    update(CALL).where(CALL.c.id == row["id"]).values(sealed=sealed, stale=False)
                )
        return len(rows)

    def _drop_notes(self, mailbox_id: str, present: bytes) -> int:
        with self._database.read() as connection:
            rows = connection.execute(_stale_rows(NOTE, mailbox_id)).mappings().all()
        for row in rows:
            self._rewrite(row, present)
        return len(rows)

    def _rewrite(self, row: RowMapping, present: bytes) -> None:
        """Blob first, then row: until the row says so, whoever dies in between does it all again."""
        kept = _named(row["envelopes"], present)
        try:
            with self._blobs.open(row["id"]) as file:
                size = self._blobs.replace(row["id"], _with_head(file, kept))
        except Refused as refused:
            log.error("note %s: its blob cannot be rewritten: %s", row["id"].hex(), refused.word)
            size = row["size"]
        with self._database.write() as connection:
            connection.execute(
                update(NOTE)
                # Not if somebody has put a newer envelope since we read the row.
                .where(NOTE.c.id == row["id"], NOTE.c.envelopes == row["envelopes"])
                .values(envelopes=kept, stale=False, size=size)
            )


def _stale(table: Table) -> Select[Any]:
    return select(table.c.mailbox_id).where(table.c.stale).distinct()


def _stale_rows(table: Table, mailbox_id: str) -> Select[Any]:
    return select(table).where(table.c.mailbox_id == mailbox_id, table.c.stale).limit(BATCH)


def _present(connection: Connection, mailbox_id: str) -> int:
    epoch = connection.execute(select(_BOXES.c.epoch).where(_BOXES.c.id == mailbox_id)).scalar_one_or_none()
    return int(epoch) if epoch is not None else 0


def _kids(connection: Connection, mailbox_id: str) -> dict[int, bytes]:
    rows = connection.execute(select(_KEYS.c.epoch, _KEYS.c.public).where(_KEYS.c.mailbox_id == mailbox_id))
    return {int(epoch): kid(public) for epoch, public in rows}


def _readers(connection: Connection, mailbox_id: str, epoch: int) -> int:
    wraps = select(func.count()).where(_WRAPS.c.mailbox_id == mailbox_id, _WRAPS.c.epoch == epoch)
    return int(connection.execute(wraps).scalar_one())


def _left(connection: Connection, mailbox_id: str) -> int:
    epoch = literal(_present(connection, mailbox_id))
    counts = (
        select(func.count()).where(table.c.mailbox_id == mailbox_id, table.c.epoch < epoch)
        for table in (CALL, NOTE)
    )
    return sum(int(connection.execute(count).scalar_one()) for count in counts)


def _named(packed: bytes, name: bytes) -> bytes:
    """Return the envelope with this kid; all of them if none has it (never leave a note without one)."""
    mine = [envelope.raw for envelope in split_envelopes(packed) if envelope.kid == name]
    return mine[-1] if mine else packed


def _check_envelope(envelope: bytes, present: bytes) -> None:
    try:
        (found,) = split_envelopes(envelope)
    except (Refused, ValueError):
        raise Refused("envelope") from None
    if len(envelope) != ENVELOPE_BYTES or found.suite != SUITE or found.kid != present:
        raise Refused("envelope")


def _put_note(
    connection: Connection, mailbox_id: str, subject: bytes, envelope: bytes, values: dict[str, int]
) -> bool:
    row = connection.execute(
        select(NOTE.c.epoch, NOTE.c.envelopes).where(
            NOTE.c.id == subject, NOTE.c.mailbox_id == mailbox_id, NOTE.c.state == KEPT
        )
    ).one_or_none()
    if row is None:
        return False
    if row[0] < values["epoch"]:
        both = row[1] + envelope
        connection.execute(update(NOTE).where(NOTE.c.id == subject).values(envelopes=both, **values))
    return True


def _put_call(
    connection: Connection, mailbox_id: str, subject: bytes, envelope: bytes, values: dict[str, int]
) -> bool:
    row = connection.execute(
        select(CALL.c.epoch, CALL.c.sealed).where(CALL.c.id == subject, CALL.c.mailbox_id == mailbox_id)
    ).one_or_none()
    if row is None:
        return False
    if row[0] < values["epoch"]:
        sealed = _with_envelopes(row[1], lambda old: old + envelope)
        connection.execute(update(CALL).where(CALL.c.id == subject).values(sealed=sealed, **values))
    return True


def _with_envelopes(sealed: bytes, change: Callable[[bytes], bytes]) -> bytes:
    head = split_head(sealed)
    packed = change(b"".join(envelope.raw for envelope in head.envelopes))
    return build_head(head.note_id, head.mailbox_id, head.commit, [packed]) + sealed[head.size :]


def _with_head(file: BinaryIO, packed: bytes) -> Iterator[bytes]:
    head = split_head(file.read(MAX_HEAD))
    yield build_head(head.note_id, head.mailbox_id, head.commit, [packed])
    file.seek(head.size)
    while part := file.read(_COPY):
        yield part
