"""Calls that end while Asterisk or the bridge ends: nothing twice, nothing lost that anyone lived to tell."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.phone.pbx import Pbx
from tests.installation import Installation
from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Script
from tests.pbx.sound import babble, encode, frames
from tests.pbx.stage import quiet_line
from tests.pbx.truth import Row, Scene, new_pbx, seconds
from tests.pbx.whole import until_tone

pytestmark = pytest.mark.pbx

RINGING, LISTENING, SPEAKING = "1001", "1002", "1003"
"""The lines of three callers: one hears it ring, one hears the sentence, one speaks."""

RING_S = 60


async def three_callers(scene: Scene) -> tuple[list[Call], Call]:
    """Bring each to his place; return their calls, and the first one's as the telephone that rings has it."""
    [phone] = await scene.phones(_1001=Script())
    speaking = await scene.call(SPEAKING)
    await speaking.until("answered")
    sender = asyncio.create_task(speaking.send(frames(encode(babble(1, 30)))))
    speaking.phone.keep(sender)
    await until_tone(speaking)
    await asyncio.sleep(1.0)
    ringing, listening = await scene.call(RINGING), await scene.call("6902")
    await phone.rung()
    await listening.until("answered")
    return [ringing, listening, speaking], phone.calls[0]


def by_mailbox(house: Installation) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in house.finished_rows():
        rows.setdefault(row["mailbox"], []).append(row)
    return rows


@pytest.fixture
def house(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "house")


@pytest.fixture
def pbx(tmp_path: Path, house: Installation) -> Pbx:
    return new_pbx(tmp_path / "pbx", ring_s=RING_S, agi=house.agi)


def test_a_bridge_that_dies_and_comes_back_doubles_and_loses_no_call(pbx: Pbx, house: Installation) -> None:
    async def story() -> float:
        async with AsyncExitStack() as stack:
            (ringing, listening, speaking), rung = await three_callers(Scene(pbx, stack, "49301"))
            died = house.signal_worker(signal.SIGKILL)
            await asyncio.to_thread(another_worker, house, died)
            await rung.refuse(486)
            await ringing.until("answered")
            await until_tone(ringing)
            for call in (ringing, listening, speaking):
                await call.hang_up()
            await quiet_line(pbx)
            return rung.began_at

    with house, pbx:
        house.add_reader(RINGING, LISTENING, SPEAKING)
        pbx.set_global("AFTERTONE_SENTENCE", "none")
        rang_at = asyncio.run(story())
        rows = by_mailbox(house)
    assert {mailbox: len(them) for mailbox, them in rows.items()} == {RINGING: 1, LISTENING: 1, SPEAKING: 1}
    [row] = rows[RINGING]
    assert (row["reason"], row["notes"]) == ("busy", [])
    assert 0 <= rang_at - seconds(row) < 2
    assert rows[LISTENING][0]["notes"] == []
    [note] = rows[SPEAKING][0]["notes"]
    assert note["cut_off"] is True
    assert float(note["seconds"]) > 0.3


def another_worker(house: Installation, died: int) -> None:
    """Wait until another worker than the dead one is ready."""
    while house.worker_pid() == died:
        time.sleep(0.05)
    house.until_ready()


@pytest.mark.parametrize(("end", "told"), [(Pbx.kill, 0), (Pbx.stop, 1)], ids=["killed", "stopped now"])
def test_an_asterisk_that_ends_tells_of_who_rang_if_it_can_and_leaves_the_rest_as_it_was(
    pbx: Pbx, house: Installation, end: Callable[[Pbx], None], told: int
) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            await three_callers(Scene(pbx, stack, "49302"))
            await asyncio.to_thread(end, pbx)
            await asyncio.to_thread(pbx.start)
            [phone] = await Scene(pbx, stack, "49303").phones(_1001=Script())
            again = await Scene(pbx, stack, "49303").call(RINGING)
            await phone.rung()
            await again.cancel()
            await quiet_line(pbx)

    with house, pbx:
        house.add_reader(RINGING, LISTENING, SPEAKING)
        pbx.set_global("AFTERTONE_SENTENCE", "none")
        asyncio.run(story())
        rows = by_mailbox(house)
    after, *before = rows[RINGING]
    assert (after["from_number"], after["reason"]) == ("49303", "cancelled")
    # The caller's or the telephone's half of it is ended first: "cancelled" or "unreachable".
    assert [row["from_number"] for row in before] == ["49302"] * told
    [listened] = rows[LISTENING]
    assert listened["notes"] == []
    [spoke] = rows[SPEAKING]
    [note] = spoke["notes"]
    assert note["ended"] == "caller_hangup"
    assert float(note["seconds"]) > 0.3
