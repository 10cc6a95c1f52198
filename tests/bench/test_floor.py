"""The bridge that does nothing is one to a PBX: or its cost would be no floor."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.floor import NullBridge
from tests.connect.pbx import SPEAK_NOW, Pbx, frame
from tests.loop import in_loop

SAID = 120


@dataclass
class Ports:
    """Of the null bridge; the second is known from its first answer."""

    agi_port: int
    audiosocket_port: int = 0


@pytest.mark.thorough
def test_a_caller_of_the_bridge_that_does_nothing_hears_the_tone_and_each_packet_of_his_is_counted(
    tmp_path: Path,
) -> None:
    with NullBridge(tmp_path) as null:
        ports = Ports(int(null.agi.rpartition(":")[2]))

        @in_loop
        async def story() -> None:
            pbx = Pbx(ports)
            answer = await pbx.offer()
            ports.audiosocket_port = int(answer["AFTERTONE_AT"].rpartition(":")[2])
            caller = await pbx.bring(answer["AFTERTONE_MEDIA"])
            assert await caller.hear_tone() == SPEAK_NOW
            for number in range(SAID):
                caller.say(frame(number))
                await asyncio.sleep(0.005)
            caller.hang_up()
            assert await pbx.result(answer["AFTERTONE_MEDIA"]) == "yes"

        story()
        end = time.monotonic() + 10
        while not (packets := null.packets()) and time.monotonic() < end:
            time.sleep(0.05)
        assert packets == [SAID]
        assert null.packets() == []
