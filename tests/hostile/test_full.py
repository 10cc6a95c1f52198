"""More callers at once than the house may record."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import house_at, opened, row_of, talker, until_kept
from tests.pbx.whole import compare

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]


def test_the_third_caller_of_two_is_filed_and_hears_a_voice_and_the_fourth_is_recorded_again(
    pbx: Pbx, tmp_path: Path
) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            first, second = [await talker(stack, pbx, f"80110{number}") for number in (1, 2)]
            third = await talker(stack, pbx)
            begun = time.monotonic()
            await third.dial("801103")
            await third.call.until("answered")
            await third.hears_something(begun, 10.0)
            health = await asyncio.to_thread(httpx.get, f"{house.url}/health", timeout=10)
            assert health.json() == {"ready": True, "recording": True, "pbx": "off"}, (
                "being full is no failure"
            )
            assert row_of(await asyncio.to_thread(house.rows), third.number)["notes"] == []
            await first.hang_up()
            await asyncio.to_thread(until_kept, house, first.number)
            fourth = await talker(stack, pbx, "801104")
            await asyncio.sleep(0.8)
            for one in (second, fourth, third):
                await one.hang_up()
            for one in (first, second, fourth):
                note = await asyncio.to_thread(until_kept, house, one.number)
                compare(opened(house, note), one.said())
            assert len(await asyncio.to_thread(house.rows)) == 4

    with house_at(pbx, 0, tmp_path, MAX_CALLS="2") as house:
        asyncio.run(story())
        log = house.log()
        assert log.count("a caller goes to the fallback: as many callers as allowed are recording") == 1
        assert "NOT RECORDING" not in log
