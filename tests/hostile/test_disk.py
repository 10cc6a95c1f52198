"""The disk: nearly full, so that nothing new is recorded; and full in the middle of a sentence."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bridge.keyholder.client import Client
from bridge.phone.pbx import Pbx
from bridge.seal.keyfile import KeyFile
from tests.hostile.scene import house_at, missing, opened, row_of, talker, until_kept
from tests.installation import Installation
from tests.pbx.whole import compare

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

FLOOR = 256 << 20
"""Distance of the disk floor from what is free; other programs may write, but hardly that much."""

PATIENCE_S = 10.0


@asynccontextmanager
async def page_of(house: Installation) -> AsyncIterator[AsyncIterator[str]]:
    """A member's open page: the lines of its event stream."""
    with Client(KeyFile.load(house.key_file)) as client:
        headers = dict(client._http.headers)
        async with (
            httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60) as page,
            page.stream("GET", "/api/v1/events") as stream,
        ):
            assert stream.status_code == 200
            yield stream.aiter_lines()


async def next_status(lines: AsyncIterator[str]) -> str:
    """Return the data of the next status event."""
    async with asyncio.timeout(PATIENCE_S):
        async for line in lines:
            if line == "event: status":
                return await anext(lines)
    raise AssertionError("the stream ended")


def health(house: Installation) -> dict[str, object]:
    told: dict[str, object] = httpx.get(f"{house.url}/health", timeout=PATIENCE_S).json()
    return told


def test_below_the_floor_nothing_is_recorded_and_every_call_is_filed(pbx: Pbx, tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    floor = free.f_bavail * free.f_frsize - FLOOR
    ballast = tmp_path / "ballast"

    async def story() -> None:
        async with AsyncExitStack() as stack:
            lines = await stack.enter_async_context(page_of(house))
            assert await next_status(lines) == 'data: {"recording":true,"pbx":"off"}'
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 2 * FLOOR)
            assert await next_status(lines) == 'data: {"recording":false,"pbx":"off"}'
            assert health(house) == {"ready": True, "recording": False, "pbx": "off"}
            refused = await talker(stack, pbx)
            begun = time.monotonic()
            await refused.dial("801101")
            await refused.call.until("answered")
            await refused.hears_something(begun, PATIENCE_S)
            await refused.hang_up()
            assert row_of(await asyncio.to_thread(house.rows), refused.number)["notes"] == []
            ballast.unlink()
            assert await next_status(lines) == 'data: {"recording":true,"pbx":"off"}'
            one = await talker(stack, pbx, "801101")
            await asyncio.sleep(1.0)
            await one.hang_up()
            note = await asyncio.to_thread(until_kept, house, one.number)
            compare(opened(house, note), one.said())

    with house_at(pbx, 0, tmp_path / "house", MIN_FREE=str(floor)) as house:
        try:
            asyncio.run(story())
        finally:
            ballast.unlink(missing_ok=True)
        log = house.log()
        assert "E aftertone.service: NOT RECORDING: the disk is almost full. Missed calls are still" in log
        assert "recording again" in log


def test_a_disk_that_is_full_in_mid_sentence_keeps_what_was_said(pbx: Pbx, tmp_path: Path) -> None:
    """Files of the worker cannot grow any more: its database and log neither (RLIMIT_FSIZE, EFBIG)."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            one, other = [await talker(stack, pbx, f"80110{number}") for number in (1, 2)]
            await asyncio.sleep(2.2)
            worker = house.worker_pid()
            biggest = max(blob.stat().st_size for blob in (house.data / "notes").glob("*/*"))
            _, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (biggest, hard))
            full_at = time.monotonic()
            said = {caller.number: caller.said() for caller in (one, other)}
            for caller in (one, other):
                await caller.hears_something(full_at, PATIENCE_S)
            assert house.worker_pid() == worker, "the bridge lives on"
            assert health(house)["ready"]
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (hard, hard))
            for caller in (one, other):
                await caller.hang_up()
            await asyncio.to_thread(house.stop)
            await asyncio.to_thread(house.start)
            for number, until_then in said.items():
                [note] = row_of(await asyncio.to_thread(house.finished_rows, number), number)["notes"]
                assert (note["state"], note["ended"]) == ("kept", "cut_off")
                assert missing(opened(house, note), until_then) <= 50

    with house_at(pbx, 0, tmp_path) as house:
        asyncio.run(story())
