"""What happens to bridge and PBX while callers call: they die, freeze, stop and come back, many times."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.phone.pbx import Pbx
from tests.hostile.crowd import Crowd
from tests.hostile.scene import running
from tests.installation import Installation

BACK_S = 60.0
POLL_S = 0.05


@dataclass(slots=True)
class Outage:
    """One time in which bridge or PBX was away; times are monotonic. ``harsh``: without leave to finish."""

    what: str
    harsh: bool
    began: float
    ended: float = float("inf")

    def __str__(self) -> str:
        return f"{self.what}: {self.began:.2f} to {self.ended:.2f}"


@dataclass(slots=True)
class History:
    """Every outage so far."""

    bridge: list[Outage] = field(default_factory=list)
    pbx: list[Outage] = field(default_factory=list)


class Disturber:
    """Disturbs bridge and PBX; ``log_in`` logs in the telephones of a PBX that is back."""

    def __init__(
        self,
        house: Installation,
        pbx: Pbx,
        rng: random.Random,
        crowd: Crowd,
        log_in: Callable[[], Awaitable[None]],
    ) -> None:
        self.history = History()
        self._house = house
        self._pbx = pbx
        self._rng = rng
        self._crowd = crowd
        self._log_in = log_in

    async def disturb(
        self, deck: Sequence[str], pauses_s: tuple[float, float], enough: asyncio.Event
    ) -> None:
        """Carry out all of ``deck`` in any order, again and again; what was begun is brought to its end."""
        while True:
            for what in self._rng.sample(deck, len(deck)):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rng.uniform(*pauses_s)):
                        await enough.wait()
                if enough.is_set():
                    return
                await getattr(self, what)()

    async def worker_killed(self) -> None:
        """The bridge's worker dies; its supervisor starts another one."""
        await self._bridge_away("worker killed", True, lambda: self._signal(signal.SIGKILL))

    async def worker_frozen(self) -> None:
        """The bridge's worker hangs; its supervisor kills it for that."""
        worker = self._house.worker_pid()
        await self._bridge_away("worker frozen", True, lambda: os.kill(worker, signal.SIGSTOP), worker)

    async def bridge_restarted(self) -> None:
        """The service is stopped in order, and started after a while."""

        async def stopped() -> None:
            await asyncio.to_thread(self._house.stop)
            await asyncio.sleep(self._rng.uniform(0.0, 2.0))
            await asyncio.to_thread(self._house.start)

        await self._bridge_away("bridge stopped", False, stopped)

    async def power_cut(self) -> None:
        """Supervisor and worker die together, and are started after a while."""

        async def cut() -> None:
            worker = self._house.worker_pid()
            self._house.kill()
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            await asyncio.sleep(self._rng.uniform(0.0, 2.0))
            await asyncio.to_thread(self._house.start)

        await self._bridge_away("power cut", True, cut)

    async def pbx_restarted(self) -> None:
        """An admin restarts Asterisk without waiting for calls to end; it hangs up what it can."""
        await self._pbx_away("PBX restarted", self._pbx.stop)

    async def pbx_killed(self) -> None:
        """Asterisk crashes, and is started."""
        await self._pbx_away("PBX killed", self._pbx.kill)

    def _signal(self, number: int) -> None:
        self._house.signal_worker(number)

    async def _bridge_away(
        self, what: str, harsh: bool, how: Callable[[], Awaitable[None] | None], gone: int | None = None
    ) -> None:
        outage = Outage(what, harsh, time.monotonic())
        self.history.bridge.append(outage)
        doing = how()
        if doing is not None:
            await doing
        while gone is not None and running(gone):  # noqa: ASYNC110  a stranger's end rings no bell
            await asyncio.sleep(POLL_S)
        await self._bridge_ready()
        outage.ended = time.monotonic()

    async def _bridge_ready(self) -> None:
        await asyncio.to_thread(self._house.until_ready, BACK_S)

    async def _pbx_away(self, what: str, how: Callable[[], None]) -> None:
        outage = Outage(what, True, time.monotonic())
        self.history.pbx.append(outage)
        self._crowd.wait()
        await asyncio.to_thread(how)
        self._crowd.lose_lines()
        await asyncio.sleep(self._rng.uniform(0.0, 2.0))
        await asyncio.to_thread(self._pbx.start, BACK_S)
        await self._log_in()
        outage.ended = time.monotonic()
        self._crowd.try_again()
