"""Ending notes together, and flushing open ones: all waiting for the disk happens here, off the loop.

200 callers who hang up at once are one thread that makes their blobs durable and one transaction per batch,
so that the loop goes on serving those who still speak.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, case, delete, update

from bridge.errors import StoreError
from bridge.events import News
from bridge.store.blobs import Blobs, BlobWriter, sync_all
from bridge.store.calls import NEW_NOTE
from bridge.store.database import Database, in_words
from bridge.store.outbox import ADD, lamp_of
from bridge.store.tables import DISCARDED, KEPT, NOTE
from bridge.store.writeback import Writeback

log = logging.getLogger("aftertone.store")

FLUSH_EVERY_S = 1.0
"""At most this much of a caller's speech is lost when the power goes."""

CHORES_EVERY_S = 10.0

BATCH = 64
"""Notes of one transaction: enough to share its fsync, few enough that the first is not kept waiting."""

_KEEP = in_words(
    update(NOTE)
    .where(NOTE.c.id == bindparam("note"))
    .values(
        state=bindparam("kept"),
        speech=bindparam("heard_speech"),
        cut_off=bindparam("is_cut_off"),
        size=bindparam("bytes"),
        meta=case((bindparam("is_cut_off"), NOTE.c.meta), else_=bindparam("all_meta")),
        peaks=case((bindparam("is_cut_off"), NOTE.c.peaks), else_=bindparam("all_peaks")),
    )
)
_DISCARD = in_words(update(NOTE).where(NOTE.c.id == bindparam("note")).values(state=bindparam("discarded")))
_DROP = in_words(delete(NOTE).where(NOTE.c.id == bindparam("note")))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a note ends. ``meta`` and ``peaks`` replace the row's unless the note is cut off."""

    note_id: bytes
    call_id: bytes
    mailbox_id: str
    blob: BlobWriter
    meta: bytes
    peaks: bytes
    speech: bool | None
    cut_off: bool


class Flusher:
    """Makes open notes and new rows durable in a thread, every second; one entry per open note."""

    def __init__(self, database: Database, closing: "Closing", chores: Callable[[], list[News]]) -> None:
        self._database = database
        self._dirty: set[BlobWriter] = set()
        self._closing = closing
        self._chores = chores
        self._writeback = Writeback()

    def mark(self, blob: BlobWriter) -> None:
        """Note that ``blob`` has grown."""
        self._dirty.add(blob)

    async def run(self) -> None:
        """Flush every second, and do the store's slow chores beside that now and then, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(FLUSH_EVERY_S, self.flush_now))
            tasks.create_task(_every(CHORES_EVERY_S, self.do_chores))

    async def do_chores(self) -> None:
        """Write rows that the database refused before, then tidy; what fails is logged and tried again."""
        try:
            await self._closing.again()
            self._closing.publish(await asyncio.to_thread(self._chores))
        except StoreError as error:
            log.error("chores put off: %s", error)

    async def flush_now(self) -> None:
        """Make durable what has grown; failures are logged here and met by the note's next append."""
        dirty, self._dirty = self._dirty, set()
        await asyncio.to_thread(self._sync_all, dirty)

    def _sync_all(self, blobs: set[BlobWriter]) -> None:
        failed = list(sync_all(blobs, self._writeback).values())
        try:
            self._database.sync()
        except StoreError as error:
            failed.append(error)
        for failure in failed:
            log.error("a note or row cannot be made durable: %s", failure)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await work()


class Closing:
    """Ends notes in batches."""

    def __init__(self, database: Database, publish: Callable[[News], None]) -> None:
        self._database = database
        self._publish = publish
        self._waiting: list[tuple[Ending, asyncio.Future[bool]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._refused: list[tuple[Ending, bool]] = []

    async def end(self, ending: Ending) -> bool:
        """Return whether the note is whole, once it is durable. Raises StoreError."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((ending, done))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await done

    async def again(self) -> None:
        """Write what the database refused: those notes are on the disk, and nobody sees them yet.

        Raises StoreError when it refuses again.
        """
        refused, self._refused = self._refused, []
        if refused:
            await asyncio.to_thread(self._write, refused)
            log.warning("%d notes are in the inbox now that the database took them", len(refused))
            self._tell(ending for ending, _ in refused)

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._end_batch(batch)
        finally:
            self._worker = None

    async def _end_batch(self, batch: list[tuple[Ending, asyncio.Future[bool]]]) -> None:
        try:
            whole = await asyncio.to_thread(self._keep, [ending for ending, _ in batch])
        except Exception as error:  # whatever it is, nobody may wait for ever
            for _ending, done in batch:
                if not done.done():
                    done.set_exception(error)
            return
        for (_ending, done), is_whole in zip(batch, whole, strict=True):
            if not done.done():
                done.set_result(is_whole)
        self._tell(ending for ending, _ in batch)

    def publish(self, news: Iterable[News]) -> None:
        """Tell what was done in a thread."""
        for piece in news:
            self._publish(piece)

    def _tell(self, endings: Iterable[Ending]) -> None:
        self.publish(News("row", ending.mailbox_id, ending.call_id.hex()) for ending in endings)

    def _keep(self, endings: list[Ending]) -> list[bool]:
        failed = sync_all([ending.blob for ending in endings])
        for failure in failed.values():
            log.error("the end of a note may be lost: %s", failure)
        for ending in endings:
            ending.blob.close()
        whole = [ending.blob not in failed and not ending.cut_off for ending in endings]
        self._write(list(zip(endings, whole, strict=True)))
        return whole

    def _write(self, endings: list[tuple[Ending, bool]]) -> None:
        """Write their rows, or remember that they are to be written."""
        try:
            self._write_rows(endings)
        except StoreError:
            self._refused += endings
            raise

    def _write_rows(self, endings: list[tuple[Ending, bool]]) -> None:
        with self._database.write_soon() as connection:
            connection.executemany(
                _KEEP,
                [
                    {
                        "note": ending.note_id,
                        "kept": KEPT,
                        "heard_speech": ending.speech,
                        "is_cut_off": not is_whole,
                        "bytes": ending.blob.size,
                        "all_meta": ending.meta,
                        "all_peaks": ending.peaks,
                    }
                    for ending, is_whole in endings
                ],
            )
            spoken = [ending for ending, _ in endings if ending.speech is not False]
            for statement in NEW_NOTE:
                connection.executemany(statement, [{"call": ending.call_id} for ending in spoken])
            connection.executemany(ADD, [lamp_of(mailbox) for mailbox in {e.mailbox_id for e in spoken}])
        # Not as the transaction's own end: it would keep the loop's transactions waiting for the disk.
        self._database.sync()


class Notebook:
    """What every open recording shares."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        flusher: Flusher,
        closing: Closing,
        publish: Callable[[News], None],
    ) -> None:
        self.flusher = flusher
        self.closing = closing
        self._database = database
        self._blobs = blobs
        self._publish = publish

    def forget(self, note_id: bytes, call_id: bytes, mailbox_id: str) -> None:
        """Delete blob and row of a note, so that it never comes back as one that was cut off."""
        try:
            with self._database.write_soon() as connection:
                connection.execute(_DISCARD, {"note": note_id, "discarded": DISCARDED})
            self._publish(News("row", mailbox_id, call_id.hex()))
        finally:
            self._blobs.remove(note_id)
        with self._database.write_soon() as connection:
            connection.execute(_DROP, {"note": note_id})
