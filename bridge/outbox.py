"""The runner of the outbox: takes what is due, has it told, and tries again what did not arrive.

Each row is a task, so that one that hangs holds up no other.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bridge.control import backoff
from bridge.errors import AftertoneError, PbxAway, Refused, StoreError
from bridge.store.outbox import Entry, Outbox

log = logging.getLogger("aftertone.outbox")

UNDER_WAY = 16
"""Rows told at once: a PBX sets a lamp in a millisecond, one after the other, and other commands to it must
not wait behind a long line of lamps."""

LOOK_EVERY_S = 2.0
"""How late a change is noticed that another process made; our own wake the runner."""

STORE_AGAIN_S = 1.0
"""After the database has refused."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How rows of one kind are told. ``tell`` is given the key and raises what hindered it.

    ``settle_s``: whoever was told after a failed attempt is told once more so many seconds later, since what
    was thought lost may have arrived last. None: never.
    """

    tell: Callable[[str], Awaitable[None]]
    settle_s: float | None


class Runner:
    """``clock`` gives seconds since 1970, ``dice`` a number in [0, 1) that spreads what failed together."""

    def __init__(
        self,
        outbox: Outbox,
        deliveries: Mapping[str, Delivery],
        *,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._deliveries = deliveries
        self._clock = clock
        self._dice = dice
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._store_failed = False

    def wake(self) -> None:
        """Say that something may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Tell what is due until cancelled; what is then under way is free again after the next start."""
        try:
            while True:
                self._wake.clear()
                pause = self._take()
                if not self._tasks:
                    self._idle.set()
                await wait(self._wake, pause)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self, deadline_s: float) -> None:
        """Wait until nothing is due or under way, at most so long: before a stop."""
        self._idle.clear()
        self.wake()
        await wait(self._idle, deadline_s)

    def _take(self) -> float:
        """Begin what there is room for; return for how long to sleep if nobody wakes us."""
        room = UNDER_WAY - len(self._tasks)
        now = self._clock()
        try:
            for entry in self._outbox.claim(now, room) if room else ():
                task = asyncio.create_task(self._tell(entry))
                self._tasks.add(task)
                task.add_done_callback(self._over)
                self._store_failed = False
            due = self._outbox.next_due(now)
        except StoreError as error:
            self._complain(error)
            return STORE_AGAIN_S
        return LOOK_EVERY_S if due is None else min(LOOK_EVERY_S, due - now)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _tell(self, entry: Entry) -> None:
        delivery = self._deliveries[entry.kind]
        try:
            await delivery.tell(entry.key)
        except AftertoneError as error:
            await self._failed(entry, word_of(error), str(error))
        except Exception as error:
            # A mistake of ours in one kind must not stop the others.
            log.exception("outbox: %s %s", entry.kind, entry.key)
            await self._failed(entry, type(error).__name__, "a mistake of ours")
        else:
            again = entry.unsure and delivery.settle_s is not None
            again_at = self._clock() + (delivery.settle_s or 0.0) if again else None
            await self._settle(lambda: self._outbox.done(entry, again_at))
            if entry.attempts:
                log.log(_level_of(entry.error), "outbox: %s %s arrived after all", entry.kind, entry.key)

    async def _failed(self, entry: Entry, word: str, why: str) -> None:
        wait_s = backoff.wait_s(entry.attempts + 1, self._dice())
        if entry.attempts == 0 or word != entry.error:
            log.log(_level_of(word), "outbox: %s %s is tried again: %s", entry.kind, entry.key, why)
        await self._settle(lambda: self._outbox.failed(entry, word, self._clock() + wait_s))

    async def _settle(self, write: Callable[[], None]) -> None:
        """Write down how it went, as often as it takes: until then nobody else gets the row."""
        while True:
            try:
                write()
            except StoreError as error:
                self._complain(error)
                await asyncio.sleep(STORE_AGAIN_S)
            else:
                self._store_failed = False
                return

    def _complain(self, error: StoreError) -> None:
        if not self._store_failed:
            self._store_failed = True
            log.error("outbox: %s", error)


async def wait(event: asyncio.Event, most_s: float) -> None:
    """Wait for an event, at most so long.

    Not ``asyncio.wait_for``: up to Python 3.11 it forgets that it was cancelled when the event comes at the
    same moment, and whoever stops us would wait for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await event.wait()


def word_of(error: AftertoneError) -> str:
    """Return the stable word under which a failure stands in the row."""
    return error.word if isinstance(error, Refused) else type(error).__name__


def _level_of(word: str | None) -> int:
    """A PBX that is away is told of once, by its connection: not by each of a thousand mailboxes."""
    return logging.DEBUG if word == PbxAway.__name__ else logging.WARNING
