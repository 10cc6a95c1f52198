"""Many callers with every fate there is, while bridge and PBX die and come back: the rows are what they lived
through, none lost, none twice, no note without its row."""

import asyncio
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.phone.pbx import AMI_USER, QUIET, Extension, Pbx
from bridge.phone.pbx import quiet_port as quiet_tcp_port
from tests.hostile import fate, spoken, verdict
from tests.hostile.caller import Caller
from tests.hostile.crowd import Crowd, ManyLines
from tests.hostile.disturbance import Disturber, History
from tests.installation import Installation

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

LINES = 25
"""Callers at a time."""

SETTLE_S = 45.0
"""Until the bridge has read what the PBX noted while it was away."""

DECK = ("worker_killed", "worker_frozen", "bridge_restarted", "power_cut", "pbx_restarted", "pbx_killed")

SHOWN = 20
"""Discrepancies told in full."""

DIALPLAN = """[globals](+)
AFTERTONE_SENTENCE=vm-goodbye
"""
"""A short sentence before the tone, so that calls are short, too."""


def quiet_udp_port() -> int:
    """Return a UDP port that is free, also when its owner comes back after a while."""
    while True:
        port = secrets.choice(QUIET)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Town:
    """A PBX, a house and all who call."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.seed = seed
        self.lots = list(fate.fates(count, seed))
        for name in ("house", "pbx"):
            (folder / name).mkdir()
        ami, secret = quiet_tcp_port(), folder / "ami-secret"
        self.house = Installation(
            folder / "house", AMI=f"127.0.0.1:{ami}", AMI_USER=AMI_USER, AMI_SECRET_FILE=str(secret),
            SILENCE_S="2",
        )  # fmt: skip
        self.pbx = Pbx(
            folder / "pbx",
            extensions=[Extension(box, voicemail=False) for box in fate.BOXES],
            agi=self.house.agi, ring_s=fate.RING_S, sip_port=quiet_udp_port(), extra=DIALPLAN,
        )  # fmt: skip
        self.pbx.ami_port = ami
        secret.write_text(self.pbx.ami_secret, encoding="utf-8")
        self.phones: dict[str, ManyLines] = {}
        self.callers: list[Caller] = []
        self.rows: list[verdict.Row] = []
        self.history = History()

    async def live(self, pauses_s: tuple[float, float]) -> None:
        """Let all callers call, through all disturbances."""
        async with AsyncExitStack() as stack:
            lots = {lot.number: lot for lot in self.lots}
            for box in (*fate.PHONES, fate.QUIET):
                phone = ManyLines(self.pbx.sip_port, box, self.pbx.extension(box).password, lots)
                self.phones[box] = await stack.enter_async_context(phone)
            await self._log_in()
            await asyncio.to_thread(self.pbx.command, f"database put dnd {fate.QUIET} 1")
            crowd = Crowd(self.pbx, self.lots, self.seed, LINES)
            disturber = Disturber(self.house, self.pbx, random.Random(self.seed), crowd, self._log_in)
            self.callers, self.history = crowd.callers, disturber.history
            enough = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(disturber.disturb(DECK, pauses_s, enough))
                await crowd.live()
                enough.set()

    async def _log_in(self) -> None:
        await asyncio.gather(*(phone.register() for phone in self.phones.values()))

    def judge(self) -> list[str]:
        """Return everything that is not as it was lived through, once the rows have settled."""
        end = time.monotonic() + SETTLE_S
        while True:
            self.rows = rows = self.house.rows()
            wrong = list(verdict.rows_are_true(rows, self.callers, self.phones, self.history))
            if not wrong or time.monotonic() > end:
                break
            time.sleep(5.0)
        wrong += verdict.served_if_possible(self.callers, self.history)
        wrong += verdict.notes_have_rows(self.house)
        return wrong + list(spoken.notes_are_true(self.house, rows, self.callers, self.history))

    def lived(self) -> Counter[str]:
        """Count who lived through what, and what is left of it."""
        lived = Counter(verdict.experience(caller, self.phones, self.history) for caller in self.callers)
        lived["rows"] = len(self.rows)
        lived["rows of unknown callers"] = sum(not row["from_number"] for row in self.rows)
        lived["notes"] = sum(len(row["notes"]) for row in self.rows)
        lived["notes cut off"] = sum(note["cut_off"] for row in self.rows for note in row["notes"])
        return lived

    def told(self, wrong: Sequence[str]) -> str:
        """Return what is wrong with all that is needed to understand it."""
        stories = {caller.fate.number: caller.story() for caller in self.callers}
        outages = sorted([*self.history.bridge, *self.history.pbx], key=lambda outage: outage.began)
        lines = [f"seed {self.seed}: {len(wrong)} discrepancies, {dict(self.lived())}", *map(str, outages)]
        for one in wrong[:SHOWN]:
            lines += ["", one, stories.get(one.partition(":")[0], "")]
        return "\n".join([*lines, "", *wrong[SHOWN:]])


def a_town_lives(folder: Path, count: int, seed: int, pauses_s: tuple[float, float]) -> None:
    """Let so many callers call, and hold the rows against what they lived through."""
    town = Town(folder, count, seed)
    with town.pbx:
        town.house.add_reader(*fate.BOXES)
        with town.house:
            asyncio.run(town.live(pauses_s))
            wrong = town.judge()
    print(town.told(wrong))
    assert not wrong, town.told(wrong)
    lived = town.lived()
    assert len(town.callers) == count
    assert lived["notes"] > count / 20 and lived["talked to a person"] > count / 20, "nothing was shown"
    assert town.history.bridge and town.history.pbx, "nothing was disturbed"
    assert "Traceback" not in town.house.log()


def test_rows_equal_what_a_hundred_callers_lived_through(tmp_path: Path) -> None:
    a_town_lives(tmp_path, 120, seed=67, pauses_s=(3.0, 5.0))


@pytest.mark.long
def test_rows_equal_what_a_thousand_callers_lived_through(tmp_path: Path) -> None:
    a_town_lives(tmp_path, 1000, seed=secrets.randbelow(10**6), pauses_s=(2.0, 12.0))
