"""SIGTERM while callers talk: notes are finished, nobody is sent away, nothing stays behind."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import BOXES, Talker, house_at, missing, opened, row_of, running, talker
from tests.pbx.whole import closing_heard

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]


def test_a_stop_finishes_every_note_and_no_caller_is_asked_to_speak_again(pbx: Pbx, tmp_path: Path) -> None:
    async def story() -> list[Talker]:
        async with AsyncExitStack() as stack:
            talking = list(await asyncio.gather(*(talker(stack, pbx, f"80{box}") for box in BOXES)))
            await asyncio.sleep(1.3)
            worker = house.worker_pid()
            begun = time.monotonic()
            code = asyncio.create_task(asyncio.to_thread(house.stop))
            # The PBX hangs up: without "kept" it would go to the fallback, where callers wait.
            await asyncio.gather(*(one.call.until("ended", 15.0) for one in talking))
            assert all(closing_heard(one.call) for one in talking)
            assert await code == 0
            assert time.monotonic() - begun < 12
            assert not running(worker)
            return talking

    with house_at(pbx, 0, tmp_path) as house:
        talking = asyncio.run(story())
        log = house.log()
        assert "stopping: 10 calls finish their notes" in log
        assert not [line for line in log.splitlines() if " E " in line]
        house.start()
        rows = house.finished_rows()
        assert len(rows) == len(talking)
        for one in talking:
            [note] = row_of(rows, one.number)["notes"]
            assert (note["ended"], note["cut_off"]) == ("stopped", False)
            missing(opened(house, note), one.said())
            assert float(note["seconds"]) > 1.2


def test_a_second_signal_skips_the_wait_and_the_next_start_keeps_the_notes(pbx: Pbx, tmp_path: Path) -> None:
    async def story() -> list[Talker]:
        async with AsyncExitStack() as stack:
            talking = list(await asyncio.gather(*(talker(stack, pbx, f"80{box}") for box in BOXES[:3])))
            await asyncio.sleep(1.3)
            worker = house.worker_pid()
            # frozen, so that an orderly stop would take its whole time
            os.kill(worker, signal.SIGSTOP)
            begun = time.monotonic()
            os.kill(house.supervisor_pid, signal.SIGTERM)
            await asyncio.sleep(0.3)
            assert await asyncio.to_thread(house.stop) != 0
            assert time.monotonic() - begun < 2.5
            assert not running(worker)
            await asyncio.gather(*(one.hears_something(begun, 5.0) for one in talking))
            await asyncio.gather(*(one.hang_up() for one in talking))
            return talking

    with house_at(pbx, 0, tmp_path) as house:
        talking = asyncio.run(story())
        house.start()
        for one in talking:
            [note] = row_of(house.finished_rows(), one.number)["notes"]
            assert note["ended"] == "cut_off"
            missing(opened(house, note), one.said())
