"""Every second what was said goes to the disk, whatever else the store is about."""

import asyncio
import threading
from unittest.mock import patch

from bridge.events import News
from bridge.store import closing
from bridge.store.store import Store
from tests.loop import in_loop
from tests.store.house import House


@in_loop
async def test_chores_that_take_minutes_keep_nothing_that_was_said_from_the_disk(house: House) -> None:
    """An import of thousands of notes was claimed, and their blobs are written anew one by one."""
    begun, done = threading.Event(), threading.Event()
    flushed = threading.Semaphore(0)

    def long_chores() -> list[News]:
        begun.set()
        done.wait(20)
        return []

    store: Store = house.store
    flusher = closing.Flusher(
        store._database, closing.Closing(store._database, house.news.append), long_chores
    )
    with (
        patch.object(closing, "FLUSH_EVERY_S", 0.02),
        patch.object(closing, "CHORES_EVERY_S", 0.02),
        patch.object(store._database, "sync", flushed.release),
    ):
        running = asyncio.create_task(flusher.run())
        try:
            assert await asyncio.to_thread(begun.wait, 10)
            while flushed.acquire(blocking=False):
                pass
            for _ in range(5):
                assert await asyncio.to_thread(flushed.acquire, timeout=10)
        finally:
            done.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
