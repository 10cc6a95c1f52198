"""Sealing older rows and notes to a mailbox's new epoch, as members' pages send new envelopes.

    pending       rows and notes that the present epoch cannot open yet, oldest first
    put           a member's new envelopes: added beside the old ones, which go on to open
    drop_old      once nothing is pending: old envelopes leave rows, then heads of blobs

Only where the one who sends is the only one who reads: nobody here can see whether an envelope opens, and a
member's rubbish must not cost the others their notes. With several members the old one stays, and opens: a
reader who has all epochs' keys tries the newest first.

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

MOST = 16
"""Envelopes beside each other on one row, where old ones stay: the first, which the bridge or an only reader
made, and the newest. A head has room for 700, and a list must not carry as many."""

ENVELOPE_BYTES = 91
_COPY = 1 << 20
_KEYS = TABLES["mailbox_key"]
_WRAPS = TABLES["mailbox_wrap"]
_BOXES = TABLES["mailbox"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A call record or note (``kind``: ``call`` or ``note``) with all its envelopes, one after the other; the
    newest is of the old ``epoch``."""

    id: bytes
    kind: str
    commit: bytes
    envelopes: bytes = field(repr=False)
    epoch: int


class Envelopes:
    """``store.envelopes``; also ``store.mailboxes.pending_rewraps`` and ``put_envelopes``."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def pending(self, mailbox_id: str, limit: int = BATCH, skip: int = 0) -> list[Pending]:
        """Return up to ``limit`` that the present epoch cannot open; notes being recorded come later.

        Always in the same order: who cannot open some of them passes over as many with ``skip``, and comes to
        an end.
        """
        with self._database.read() as connection:
            epoch = _present(connection, mailbox_id)
            older = CALL.c.mailbox_id == mailbox_id, CALL.c.epoch < epoch
            calls = connection.execute(
                select(CALL.c.id, CALL.c.sealed, CALL.c.epoch)
                .where(*older)
                .order_by(CALL.c.epoch, CALL.c.id)
                .limit(limit)
                .offset(skip)
            ).all()
            if skip and not calls:
                skip -= int(connection.execute(select(func.count()).where(*older)).scalar_one())
            notes = connection.execute(
                select(NOTE.c.id, NOTE.c.commit, NOTE.c.envelopes, NOTE.c.epoch)
                .where(NOTE.c.mailbox_id == mailbox_id, NOTE.c.epoch < epoch, NOTE.c.state == KEPT)
                .order_by(NOTE.c.epoch, NOTE.c.id)
                .limit(max(0, limit - len(calls)))
                .offset(0 if calls else skip)
            ).all()
        found = []
        for call_id, sealed, sealed_epoch in calls:
            head = split_head(sealed)
            packed = b"".join(envelope.raw for envelope in head.envelopes)
            found.append(Pending(call_id, "call", head.commit, packed, sealed_epoch))
        for note_id, commit, packed, sealed_epoch in notes:
            found.append(Pending(note_id, "note", commit, packed, sealed_epoch))
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
                (box, epoch, _kids(connection, box)[epoch])
                for box in sorted({*calls, *notes})
                if not _left(connection, box)
                for epoch in [_present(connection, box)]
            ]
        for mailbox_id, epoch, present in ready:
            done += self._drop_calls(mailbox_id, epoch, present)
            done += self._drop_notes(mailbox_id, epoch, present)
        return done

    def _drop_calls(self, mailbox_id: str, epoch: int, present: bytes) -> int:
        with self._database.write() as connection:
            rows = connection.execute(_stale_rows(CALL, mailbox_id, epoch)).mappings().all()
            for row in rows:
                sealed = _with_envelopes(row["sealed"], lambda old: _named(old, present))
                connection.execute(
                    update(CALL).where(CALL.c.id == row["id"]).values(sealed=sealed, stale=False)
                )
        return len(rows)

    def _drop_notes(self, mailbox_id: str, epoch: int, present: bytes) -> int:
        with self._database.read() as connection:
            rows = connection.execute(_stale_rows(NOTE, mailbox_id, epoch)).mappings().all()
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


def _stale_rows(table: Table, mailbox_id: str, epoch: int) -> Select[Any]:
    """Only of this epoch: another may have begun meanwhile, and its envelopes are not ours to drop."""
    here = table.c.mailbox_id == mailbox_id, table.c.epoch == epoch
    return select(table).where(*here, table.c.stale).limit(BATCH)


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


def _beside(packed: bytes, envelope: bytes) -> bytes:
    """Return envelopes with one more; of very many in between, the oldest but the first go."""
    found = [each.raw for each in split_envelopes(packed)]
    kept = found if len(found) < MOST else [found[0], *found[2 - MOST :]]
    return b"".join([*kept, envelope])


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
        both = _beside(row[1], envelope)
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
        sealed = _with_envelopes(row[1], lambda old: _beside(old, envelope))
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
