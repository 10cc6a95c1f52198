"""A bridge that hangs (SIGSTOP) holds a caller five seconds at most, and the next caller is recorded."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import BOXES, house_at, missing, opened, row_of, talker, until_kept, until_ready
from tests.installation import Installation
from tests.pbx.whole import compare

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

HELD_S = 5.0


async def next_caller_is_recorded(pbx: Pbx, house: Installation, extension: str) -> None:
    await until_ready(house)
    async with AsyncExitStack() as stack:
        one = await talker(stack, pbx, extension)
        await asyncio.sleep(1.2)
        await one.hang_up()
    note = await asyncio.to_thread(until_kept, house, one.number)
    compare(opened(house, note), one.said())


def test_a_bridge_that_hangs_before_the_offer_holds_nobody(pbx: Pbx, tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with AsyncExitStack() as stack:
            callers = [await talker(stack, pbx) for _ in range(3)]
            house.signal_worker(signal.SIGSTOP)
            stopped_at = time.monotonic()
            for one, box in zip(callers, BOXES, strict=False):
                await one.dial(f"80{box}")
            await asyncio.gather(*(one.hears_something(stopped_at, HELD_S) for one in callers))
            held = [await one.hears_something(stopped_at, HELD_S) for one in callers]
            assert max(held) < HELD_S, held
            await until_ready(house)
            await asyncio.gather(*(one.hang_up() for one in callers))
        await next_caller_is_recorded(pbx, house, "801104")
        return [one.number for one in callers]

    with house_at(pbx, 0, tmp_path) as house:
        numbers = asyncio.run(story())
        rows = house.finished_rows()
        assert len(rows) == len(numbers) + 1
        for number in numbers:
            row = row_of(rows, number)
            told = (row["reason"], row["notes"], "problem" in row)
            assert told == ("no_answer", [], False), "the new bridge learned of the call at its end"


def test_a_bridge_that_hangs_in_mid_call_holds_nobody_and_what_was_said_is_kept(
    pbx: Pbx, tmp_path: Path
) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            talking = await asyncio.gather(*(talker(stack, pbx, f"80{box}") for box in BOXES[:3]))
            await asyncio.sleep(1.6)
            house.signal_worker(signal.SIGSTOP)
            stopped_at = time.monotonic()
            said = [one.said() for one in talking]
            held = [await one.hears_something(stopped_at, HELD_S) for one in talking]
            assert max(held) < HELD_S, held
            await until_ready(house)
            await asyncio.gather(*(one.hang_up() for one in talking))
        for one, until_then in zip(talking, said, strict=True):
            [note] = row_of(await asyncio.to_thread(house.finished_rows, one.number), one.number)["notes"]
            assert (note["ended"], note["cut_off"]) == ("cut_off", True)
            assert missing(opened(house, note), until_then) <= 50
        await next_caller_is_recorded(pbx, house, "801104")

    with house_at(pbx, 0, tmp_path) as house:
        asyncio.run(story())
        assert "worker does not answer: killed" in house.log()
