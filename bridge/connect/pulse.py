"""The two tickers of all AudioSocket legs.

One ticker reads every socket two to four times a second with a plain non-blocking read: a tenth of the
processor time that a callback per 20-ms message costs, which is what lets two cores hold hundreds of
callers. A second ticker of 20 ms sends prompts, and runs only while one plays.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

log = logging.getLogger("aftertone.audiosocket")

DRAIN_S = 0.25
"""With a segment of 0.5 s on top, a crash costs at most 0.75 s of speech; a key or a hang-up is noticed this
late. Ten times a second cost a third more of the bridge's time per note."""

CROWD = 32
"""Legs from which on those that record are read only when a segment of theirs can be whole: half as often, at
no more speech in danger. A key or a hang-up is then noticed in 0.5 s, which few callers need to pay for."""

FRAME_S = 0.02

CATCH_UP = 3
"""Prompt frames sent at once after a late wake-up; beyond that the prompt starts to keep time anew."""


class Ticked(Protocol):
    """A leg as the tickers see it."""

    def drain(self, now: float, *, sparing: bool) -> None:
        """Read what has come; called every DRAIN_S. ``sparing``: not when no segment can be whole."""

    def play_frame(self, now: float) -> bool:
        """Send the next frame of the prompt; False when none plays any more."""

    def fail(self) -> None:
        """End after an error of ours."""


class _Ticker:
    """Calls ``tick(now)`` every ``period`` seconds until it returns False."""

    def __init__(self, period: float, late: int, tick: Callable[[float], bool]) -> None:
        self._period = period
        self._late = late * period
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._at = loop.time() + self._period
            self._timer = loop.call_at(self._at, self._run, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        if not self._tick(now):
            self._timer = None
            return
        self._at += self._period
        if self._at < now - self._late:
            self._at = now + self._period
        self._timer = loop.call_at(self._at, self._run, loop)


class Pulse:
    """Keeps the legs that are connected and those that play."""

    def __init__(self) -> None:
        self._legs: set[Ticked] = set()
        self._playing: set[Ticked] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._drains = _Ticker(DRAIN_S, 0, self._drain)
        self._frames = _Ticker(FRAME_S, CATCH_UP, self._play)

    def add(self, leg: Ticked) -> None:
        """Drain this leg from now on."""
        self._legs.add(leg)
        self._empty.clear()
        self._drains.start()

    def remove(self, leg: Ticked) -> None:
        """Forget this leg; unknown ones are passed over."""
        self._legs.discard(leg)
        self._playing.discard(leg)
        if not self._legs:
            self._empty.set()

    def play(self, leg: Ticked) -> None:
        """Ask this leg for a frame every 20 ms until it has none."""
        self._playing.add(leg)
        self._frames.start()

    async def close(self, grace_s: float) -> None:
        """Let legs that were given back close in peace for ``grace_s`` seconds, then stop both tickers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        for leg in tuple(self._legs):
            leg.fail()
        self._drains.stop()
        self._frames.stop()

    def _drain(self, now: float) -> bool:
        sparing = len(self._legs) > CROWD
        for leg in tuple(self._legs):
            try:
                leg.drain(now, sparing=sparing)
            except Exception:
                # One leg's error must not stop the ticker of all others.
                log.exception("a leg failed and was closed")
                leg.fail()
        return bool(self._legs)

    def _play(self, now: float) -> bool:
        for leg in tuple(self._playing):
            try:
                if not leg.play_frame(now):
                    self._playing.discard(leg)
            except Exception:
                log.exception("a leg failed and was closed")
                leg.fail()
        return bool(self._playing)
