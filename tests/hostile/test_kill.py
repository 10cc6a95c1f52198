"""Processes die by SIGKILL while callers talk: the bridge, its supervisor, the PBX."""

import asyncio
import os
import random
import signal
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import (
    BOXES,
    Talker,
    all_opened,
    house_at,
    missing,
    opened,
    row_of,
    running,
    talker,
    until_kept,
    until_ready,
)
from tests.installation import Installation
from tests.pbx.whole import Said

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

HOUSES = 4
"""Houses attacked side by side: the supervisor rests between starts, so one alone would take long."""

LOST_FRAMES = 50
"""One second: at most this much speech may be lost."""

UNREAD_FRAMES = 15
"""What a PBX that is killed has received and not handed on, on a busy machine."""

FALLBACK_S = 5.0


@dataclass(frozen=True, slots=True)
class Victim:
    """A caller whose bridge died: his number and what he had said by then; None: he was not recorded yet."""

    number: str
    said: Said | None


async def round_of_killing(pbx: Pbx, house: Installation, digit: int, rng: random.Random) -> list[Victim]:
    """Two callers talk and a third comes at any moment; the worker dies; all hear the fallback."""
    async with AsyncExitStack() as stack:
        boxes = rng.sample(BOXES, 3)
        talking = await asyncio.gather(*(talker(stack, pbx, f"8{digit}{box}") for box in boxes[:2]))
        late = await talker(stack, pbx)
        before_s = rng.uniform(0.2, 2.5)
        ahead_s = min(before_s, rng.uniform(0.0, 1.0))
        await asyncio.sleep(before_s - ahead_s)
        await late.dial(f"8{digit}{boxes[2]}")
        await asyncio.sleep(ahead_s)
        house.signal_worker(signal.SIGKILL)
        killed_at = time.monotonic()
        victims = [Victim(one.number, one.said()) for one in talking]
        everybody = [*talking, late]
        await asyncio.gather(*(one.call.until("answered") for one in everybody))
        await asyncio.gather(*(one.hears_something(killed_at, FALLBACK_S) for one in everybody))
        await until_ready(house)
        await asyncio.gather(*(one.hang_up() for one in everybody))
        return [*victims, Victim(late.number, None)]


def nothing_is_lost(house: Installation, victims: list[Victim]) -> None:
    """Each call is one row; what was said up to a second before the end opens and is marked cut off."""
    rows = house.finished_rows()
    assert len(rows) == len(victims), "a row for each call and no other"
    stored = all_opened(house, [str(note["id"]) for row in rows for note in row["notes"]])
    for victim in victims:
        row = row_of(rows, victim.number)
        if victim.said is None:
            continue
        spoken = len(victim.said.sent) // 160 - victim.said.sent_at_tone
        assert row["notes"] or spoken <= LOST_FRAMES, "a note is lost"
        for note in row["notes"]:
            assert (note["ended"], note["cut_off"], note["state"]) == ("cut_off", True, "kept")
            assert missing(stored[str(note["id"])], victim.said) <= LOST_FRAMES


def kill_again_and_again(folder: Path, rounds: int, seed: int) -> None:
    """Besiege some houses, each beside a PBX of its own.

    By its source, res_audiosocket closes a connection that is refused (here: of a killed bridge) twice, and
    by then its number may be that of another call's socket: that call ends ("Bad file descriptor", it logs).
    """

    async def story(places: list[tuple[Pbx, Installation]]) -> list[list[Victim]]:
        async def siege(pbx: Pbx, house: Installation, rng: random.Random) -> list[Victim]:
            turns = range(rounds // HOUSES)
            return [v for _ in turns for v in await round_of_killing(pbx, house, 0, rng)]

        sieges = (siege(*place, random.Random(seed * HOUSES + at)) for at, place in enumerate(places))
        return await asyncio.gather(*sieges)

    with ExitStack() as stack:
        places = []
        for number in range(HOUSES):
            own = stack.enter_context(Pbx(folder / f"pbx{number}", ring_s=1, extra=DIRECT))
            places.append((own, stack.enter_context(house_at(own, 0, folder / f"house{number}"))))
        for (_, house), victims in zip(places, asyncio.run(story(places)), strict=True):
            nothing_is_lost(house, victims)


def test_a_bridge_killed_at_any_moment_loses_a_second_at_most(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 20, seed=1)


@pytest.mark.long
def test_a_bridge_killed_a_hundred_times_loses_a_second_at_most(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 100, seed=2)


async def three_talking(stack: AsyncExitStack, pbx: Pbx, prefix: str) -> list[Talker]:
    talking = await asyncio.gather(*(talker(stack, pbx, f"{prefix}{box}") for box in BOXES[:3]))
    await asyncio.sleep(1.7)
    return list(talking)


def test_when_the_whole_service_is_killed_the_next_start_keeps_what_was_said(
    pbx: Pbx, tmp_path: Path
) -> None:
    async def story() -> list[Victim]:
        async with AsyncExitStack() as stack:
            talking = await three_talking(stack, pbx, "80")
            worker = house.worker_pid()
            house.kill()
            os.kill(worker, signal.SIGKILL)
            killed_at = time.monotonic()
            victims = [Victim(one.number, one.said()) for one in talking]
            await asyncio.gather(*(one.hears_something(killed_at, FALLBACK_S) for one in talking))
            await asyncio.gather(*(one.hang_up() for one in talking))
            return victims

    with house_at(pbx, 0, tmp_path) as house:
        victims = asyncio.run(story())
        house.start()
        assert "after a crash: 3 notes were cut off and are kept" in house.log()
        nothing_is_lost(house, victims)


def test_a_worker_whose_supervisor_is_killed_finishes_its_notes_and_goes(pbx: Pbx, tmp_path: Path) -> None:
    async def story() -> list[Victim]:
        async with AsyncExitStack() as stack:
            talking = await three_talking(stack, pbx, "80")
            worker = house.worker_pid()
            house.kill()
            await asyncio.gather(*(one.call.until("ended", 15.0) for one in talking))
            await until_gone(worker)
            return [Victim(one.number, one.said()) for one in talking]

    with house_at(pbx, 0, tmp_path) as house:
        victims = asyncio.run(story())
        house.start()
        for victim in victims:
            note = until_kept(house, victim.number)
            assert (note["ended"], note["cut_off"]) == ("stopped", False)
            assert victim.said is not None
            assert len(opened(house, note)) > 1.5 * 8000
            missing(opened(house, note), victim.said)


def test_a_pbx_killed_in_mid_call_costs_the_note_nothing(pbx: Pbx, tmp_path: Path) -> None:
    own = Pbx(tmp_path / "pbx", ring_s=1, extra=DIRECT)
    with own, house_at(own, 0, tmp_path / "house") as house:

        async def story() -> list[Victim]:
            async with AsyncExitStack() as stack:
                talking = await three_talking(stack, own, "80")
                own.kill()
                victims = [Victim(one.number, one.said()) for one in talking]
                await asyncio.gather(*(one.hush() for one in talking))
                return victims

        for victim in asyncio.run(story()):
            note = until_kept(house, victim.number)
            assert (note["ended"], note["cut_off"]) == ("caller_hangup", False)
            assert victim.said is not None
            assert missing(opened(house, note), victim.said) <= UNREAD_FRAMES


DIRECT = """include => house

[house]
exten => _8XXXXX,1,Set(AFTERTONE_AGI=${HOUSE_${EXTEN:1:1}})
 same => n,Set(AFTERTONE_SENTENCE=beep)
 same => n,Gosub(aftertone,note,1(${EXTEN:2}))
 same => n,Hangup()
"""


async def until_gone(pid: int, deadline_s: float = 15.0) -> None:
    """Wait for the end of a process that is not our child."""
    async with asyncio.timeout(deadline_s):
        while running(pid):  # noqa: ASYNC110  a stranger's end rings no bell
            await asyncio.sleep(0.05)
