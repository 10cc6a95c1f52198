"""SPOOL: while the bridge serves, what app_voicemail recorded in its place becomes notes of the right
rows."""

import asyncio
import fcntl
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import StoreError, Unready
from bridge.events import News
from bridge.intake.folder import Place, places
from bridge.intake.limits import Limits
from bridge.intake.taker import Left, Plan, Result, Taker
from bridge.store import Store

log = logging.getLogger("aftertone.intake")

EVERY_S = 5.0
"""Seconds between two looks: with SETTLE_S a message is in the inbox some ten seconds after its caller hung
up."""

MOST_LEFT = 100
"""Messages of which the status tells path and reason; the others are only counted."""

LOCK = "spool.lock"

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Status:
    """How the taking over stands: ``taken`` since the start; ``left`` are messages left alone, with their
    number; ``why`` nothing can be taken now, else empty."""

    taken: int = 0
    left_count: int = 0
    left: tuple[Left, ...] = ()
    why: str = ""


class Takeover:
    """Looks into ``spool`` every few seconds."""

    def __init__(
        self,
        store: Store,
        spool: Path,
        limits: Limits,
        publish: Callable[[News], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.status = Status()
        self._store = store
        self._spool = spool
        self._limits = limits
        self._contexts: Counter[str] = Counter()
        plan = Plan(act=True, removes=True, fresh="skip", admits=self._why_not, limits=limits)
        self._taker = Taker(store, plan, publish=publish, clock=clock)

    async def run(self) -> None:
        """Take over until cancelled; a message under way is then finished by the next start."""
        while True:
            await self.round()
            await asyncio.sleep(EVERY_S)

    async def round(self) -> None:
        """Look once; what fails is told in ``status`` and the log, and tried again in the next round."""
        result, why = Result(), ""
        try:
            with alone(self._store.data):
                found = [place for place in await asyncio.to_thread(list, places(self._spool)) if place.new]
                boxes = {(place.context, place.mailbox) for place in found}
                self._contexts = Counter(mailbox for _context, mailbox in boxes)
                if found and self._store.free_bytes() < self._limits.min_free:
                    raise StoreError("the disk is almost full")
                for place in found:
                    result.add(await self._taker.take(place))
        except Unready:
            return  # an import is at work, and does the same
        except StoreError as error:
            why = str(error)
        except OSError as error:
            why = f"AFTERTONE_SPOOL cannot be read: {error.strerror}"
        except Exception:
            # Whatever is wrong with a message must not end the calls.
            log.exception("taking over failed")
            why = "an error of ours"
        self._tell(result, why)

    def _why_not(self, place: Place, marked: bool) -> str | None:
        """Only what our dialplan left there, or what can only be of a mailbox that is here: another one may
        be read by telephone still."""
        if marked:
            return None
        if self._contexts[place.mailbox] > 1:
            return "mailbox in two contexts"
        known = self._store.mailboxes.by_extension(place.mailbox) is not None
        return None if known else "mailbox not known here"

    def _tell(self, result: Result, why: str) -> None:
        last = self.status
        known = {(left.path, left.why) for left in last.left}
        for left in result.left[:MOST_LEFT]:
            if (left.path, left.why) not in known:
                log.warning("left in the spool: %s: %s", left.path, left.why)
        if why and why != last.why:
            log.error("no messages are taken over from the spool: %s", why)
        if result.taken or result.known:
            log.info("%d messages taken over from the spool, %d removed", result.taken, result.removed)
        taken = last.taken + result.taken
        if why:
            # Not all was looked at: what is left is as it was.
            self.status = replace(last, taken=taken, why=why)
            return
        self._taker.skip = {left.key: left.why for left in result.left if left.lasting}
        self.status = Status(taken, len(result.left), tuple(result.left[:MOST_LEFT]))


@contextmanager
def alone(data: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Be the only process that takes messages into this data folder.

    Raises Unready when another one still does so after ``patience_s``, and StoreError.
    """
    until = time.monotonic() + patience_s
    try:
        handle = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{data / LOCK}: {error.strerror}") from None
    try:
        while not _flocked(handle):
            if time.monotonic() >= until:
                raise Unready(
                    "another process is taking messages over into this data folder: try again later"
                )
            time.sleep(POLL_S)
        yield
    finally:
        os.close(handle)


def _flocked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
