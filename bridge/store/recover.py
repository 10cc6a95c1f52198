"""After a crash: notes that nobody goes on recording are ended with what there is of them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, literal_column, select, update

from bridge.errors import Refused, StoreError
from bridge.events import News
from bridge.seal.layout import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    TAG,
    RecordHeader,
    scan_records,
    split_head,
)
from bridge.store.blobs import Blobs
from bridge.store.calls import NEW_NOTE
from bridge.store.database import Database
from bridge.store.outbox import ADD, lamp_of
from bridge.store.rows import records_of
from bridge.store.tables import KEPT, NOTE, RECORDING

log = logging.getLogger("aftertone.store")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found. ``strays``: blobs with sound but without a row (a restored older database?); they are
    left alone, since their heads still open them."""

    kept: int = 0
    discarded: int = 0
    strays: int = 0

    def __bool__(self) -> bool:
        return bool(self.kept or self.discarded or self.strays)

    def __str__(self) -> str:
        return (
            f"{self.kept} notes kept as cut off, {self.discarded} without sound discarded, "
            f"{self.strays} blobs belong to no row and are left alone"
        )


@dataclass(frozen=True, slots=True)
class _Remains:
    """What of a blob is whole."""

    size: int
    headers: list[RecordHeader]
    records: bytes

    @property
    def has_sound(self) -> bool:
        return any(header.stream == STREAM_MEDIA and header.length > TAG for header in self.headers)

    @property
    def cut_off(self) -> bool:
        streams = {header.stream for header in self.headers} | {STREAM_MEDIA, STREAM_META}
        return streams != {header.stream for header in self.headers if header.final}


def recover(database: Database, blobs: Blobs, publish: Callable[[News], None]) -> Recovered:
    """End every note that is marked as recording. Only for the one process that records.

    A torn last record is cut away; a note without sound, or thrown away by its caller, goes; one whose end
    was written whole before its row was is kept as whole. Whoever dies within this does the rest at the next
    start, and so does a note whose blob cannot be read now: it must not keep the others, nor new callers,
    waiting. Raises StoreError.
    """
    with database.read() as connection:
        open_notes = connection.execute(
            select(NOTE.c.id, NOTE.c.call_id, NOTE.c.mailbox_id, NOTE.c.state).where(
                NOTE.c.state != literal_column(f"'{KEPT}'")
            )
        ).all()
    kept = unread = 0
    for note_id, call_id, mailbox_id, state in open_notes:
        try:
            remains = _remains(blobs, note_id) if state == RECORDING else None
        except StoreError as error:
            log.error("note %s is left for the next start: %s", note_id.hex(), error)
            unread += 1
            continue
        if remains is not None and remains.has_sound:
            _keep(database, blobs, note_id, call_id, mailbox_id, remains)
            kept += 1
        else:
            blobs.remove(note_id)
            with database.write() as connection:
                connection.execute(delete(NOTE).where(NOTE.c.id == note_id))
        publish(News("row", mailbox_id, call_id.hex()))
    return Recovered(kept, len(open_notes) - kept - unread, _strays(database, blobs))


def _keep(
    database: Database, blobs: Blobs, note_id: bytes, call_id: bytes, mailbox_id: str, remains: _Remains
) -> None:
    blobs.cut(note_id, remains.size)
    with database.write() as connection:
        connection.execute(
            update(NOTE)
            .where(NOTE.c.id == note_id)
            .values(
                state=KEPT,
                cut_off=remains.cut_off,
                size=remains.size,
                meta=b"".join(records_of(remains.records, {STREAM_META})),
                peaks=b"".join(records_of(remains.records, {STREAM_PEAKS})),
            )
        )
        for statement in NEW_NOTE:
            connection.exec_driver_sql(statement, {"call": call_id})
        connection.exec_driver_sql(ADD, lamp_of(mailbox_id))


def _remains(blobs: Blobs, note_id: bytes) -> _Remains | None:
    try:
        data = blobs.read(note_id)
        head = split_head(data)
    except Refused:
        return None
    records = data[head.size :]
    whole, headers = scan_records(records)
    return _Remains(head.size + whole, headers, records[:whole])


def _strays(database: Database, blobs: Blobs) -> int:
    """Remove blobs that were begun without sound and never had a row; count the others."""
    strays = 0
    with database.read() as connection:
        known = set(connection.execute(select(NOTE.c.id)).scalars())
    for note_id in blobs.all_ids():
        if note_id not in known:
            try:
                remains = _remains(blobs, note_id)
            except StoreError as error:
                log.error("blob %s belongs to no row and cannot be read: %s", note_id.hex(), error)
                continue
            if remains is not None and remains.has_sound:
                strays += 1
                log.warning("blob %s belongs to no row", note_id.hex())
            else:
                blobs.remove(note_id)
    return strays
