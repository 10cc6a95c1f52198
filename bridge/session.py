"""The desk where every connector brings its calls: files them, admits who may record, keeps who does.

Time comes from one ticker for all conversations.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.call import machine, steps
from bridge.call.flood import MOST, Flood
from bridge.call.model import Call, Leg, Presentation
from bridge.call.policy import OFFER_VALID_S, may_record
from bridge.conversation import Conversation, Filed
from bridge.errors import Refused, StoreError
from bridge.media.speech import USUAL, Thresholds
from bridge.record import call_record
from bridge.seal.note import Recipient, seal_call_record
from bridge.store import Store
from bridge.store.disk import free_bytes
from bridge.take import new_sealer

log = logging.getLogger("aftertone.session")

SETTLE_S = 0.55
"""On a stop: legs are drained every 500 ms at the latest, and what was said before it belongs to the note."""

LAST_BYTES = 64 << 20
"""Room that missed calls do not take either, once notes have stopped at MIN_FREE (or half of that, if it is
less): the database needs it to go on at all, and a row has 2 KB, so they stop 500,000 calls later."""

TICK_S = 0.25
"""How late a deadline may be noticed; the limits it serves are seconds and minutes."""


class SessionSettings(Protocol):
    """What sessions need of the settings; seconds and bytes."""

    @property
    def data(self) -> Path: ...
    @property
    def max_calls(self) -> int: ...
    @property
    def min_free(self) -> int: ...
    @property
    def note_limit_s(self) -> float: ...
    @property
    def silence_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A call that may record, while its sound is on its way."""

    filed: Filed
    until: float


class Sessions:
    """The Desk. ``clock`` is any steady clock in seconds, ``free`` tells the data folder's free bytes,
    ``thresholds`` what is speech."""

    def __init__(
        self,
        store: Store,
        settings: SessionSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[Path], int] = free_bytes,
        thresholds: Thresholds = USUAL,
    ) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self._free = free
        self._thresholds = thresholds
        self._running: set[Conversation] = set()
        self._accepted: dict[tuple[str, str], _Accepted] = {}
        self._flood = Flood()
        self._recipients: dict[str, Recipient] = {}
        self._ticker: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def active(self) -> int:
        """Callers who record now, and those whose sound is still on its way."""
        now = self.clock()
        while self._accepted and next(iter(self._accepted.values())).until <= now:
            del self._accepted[next(iter(self._accepted))]
        return len(self._running) + len(self._accepted)

    def may_record(self) -> tuple[bool, str]:
        """Say whether one more caller may record, and if not why."""
        return self._judge(self.active)

    def able(self) -> tuple[bool, str]:
        """Say whether this bridge records at all, and if not why. Being full for the moment is no failure."""
        return self._judge(0)

    def _judge(self, active: int) -> tuple[bool, str]:
        if self._stopping:
            return False, "the bridge is stopping"
        settings = self.settings
        try:
            free = self._free(settings.data)
        except StoreError as error:
            return False, str(error)
        return may_record(active, settings.max_calls, free, settings.min_free)

    async def offered(self, call: Call) -> bool:
        """File the missed call, whatever becomes of it; say whether the caller may record now.

        Raises StoreError when it could not be filed: the PBX gets no answer then, and keeps the call.
        """
        recording, why = self.may_record()
        filed = None
        # Who may record always has a row: so many as can speak at a time do not flood anybody.
        if recording or not self._flood.is_full(call.mailbox, self.clock()):
            try:
                filed = self.file(call, records=True) if recording or self._has_room(call) else None
            except Refused as refused:
                # The PBX's journal would keep it as long as we refuse it, and fill up with such calls.
                log.error("mailbox %s: a missed call is NOT filed: %s", call.mailbox, refused.user)
                return False
            if filed is None:
                raise StoreError("a missed call is left to the PBX's journal")
        if filed is not None and recording:
            filed.sealer = new_sealer(filed.recipient)
            # Behind all others, so that the first is always the one that ends first.
            self._accepted.pop((call.linkedid, call.mailbox), None)
            self._accepted[call.linkedid, call.mailbox] = _Accepted(filed, self.clock() + OFFER_VALID_S)
            return True
        log.warning("a caller goes to the fallback: %s", why)
        return False

    async def missed(self, call: Call) -> bool:
        """File a call whose caller gave up while it rang; False when that must be tried again later."""
        if self._flood.is_full(call.mailbox, self.clock()):
            return True
        return self._has_room(call) and self._file_or_none(call, records=False) is not None

    def missed_long_ago(self, call: Call) -> bool:
        """File a call that the PBX kept for us; False when that must be tried again later.

        The journal has a bound of its own. Counted among those of this hour, the calls of weeks would leave
        no room for those of now.
        """
        return self._has_room(call) and self._file_or_none(call, records=False, counted=False) is not None

    def _has_room(self, call: Call) -> bool:
        try:
            free = self._free(self.settings.data)
        except StoreError as error:
            log.error("a missed call could not be filed: %s", error)
            return False
        if free < min(self.settings.min_free // 2, LAST_BYTES):
            log.error("THE DISK IS FULL: a missed call of mailbox %s is NOT filed", call.mailbox)
            return False
        return True

    async def answer(self, leg: Leg) -> bool:
        """Run the whole session of one leg; True when a note was kept, or none was wanted."""
        if self._stopping:
            return False
        accepted = self._accepted.pop((leg.call.linkedid, leg.call.mailbox), None)
        filed = accepted.filed if accepted is not None else self._file_or_none(leg.call, records=True)
        if filed is None:
            return False
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        settings = self.settings
        state = machine.State(note_s=settings.note_limit_s, silence_s=settings.silence_s)
        conversation = Conversation(
            leg, filed, state, self._thresholds, self.store, self.clock, self._file_again, task
        )
        self._running.add(conversation)
        self._tick_on()
        try:
            return await conversation.run()
        finally:
            self._running.discard(conversation)

    async def stop(self, grace_s: float = 10.0) -> None:
        """Take no new callers; finish every note as ``stopped`` and play the closing tone. Sessions that are
        still there after ``grace_s`` seconds are cut; their notes are finished all the same."""
        self._stopping = True
        if self._running:
            await asyncio.sleep(SETTLE_S)
        for conversation in tuple(self._running):
            conversation.handle(steps.Stop())
        tasks = [conversation.task for conversation in self._running]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def file(self, call: Call, *, records: bool, counted: bool = True) -> Filed | None:
        """File the call; return None when our store cannot. ``counted``: as one of this hour.

        Raises Refused when there is no mailbox for it, and no room for one more.
        """
        try:
            try:
                filed = self._file(call, records, counted)
            except Refused:
                # The mailbox has got a new key since its last call.
                self._recipients.pop(call.mailbox, None)
                filed = self._file(call, records, counted)
        except StoreError as error:
            log.error("a missed call could not be filed: %s", error)
            return None
        log.info("mailbox %s: missed call, %s", call.mailbox, call.reason)
        return filed

    def _file(self, call: Call, records: bool, counted: bool) -> Filed:
        recipient = self._recipients.get(call.mailbox)
        if recipient is None:
            recipient = self._recipients[call.mailbox] = self.store.mailboxes.recipient(call.mailbox)
        call_id = os.urandom(16)
        row_id = self.store.calls.file(
            call_id,
            recipient.mailbox_id,
            call.linkedid,
            call.reason,
            call.rang_at,
            seal_call_record(call_id, recipient, call_record(call)),
            # The row belongs to the mailbox that takes the call, however often it was forwarded.
            supersede=records,
            untold=call.caller.presentation is Presentation.UNTOLD,
        )
        if counted and row_id == call_id and self._flood.count(call.mailbox, self.clock()):
            log.error("mailbox %s: %d missed calls in an hour, NO MORE are filed", call.mailbox, MOST)
        return Filed(row_id, recipient)

    def _file_or_none(self, call: Call, *, records: bool, counted: bool = True) -> Filed | None:
        try:
            return self.file(call, records=records, counted=counted)
        except Refused as refused:
            log.error("mailbox %s: a missed call could not be filed: %s", call.mailbox, refused.user)
            return None

    def _file_again(self, call: Call) -> Filed | None:
        return self._file_or_none(call, records=True)

    def _tick_on(self) -> None:
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        """Give every conversation the time."""
        self._ticker = None
        now = self.clock()
        for conversation in tuple(self._running):
            try:
                conversation.look_at_clock(now)
            except Exception:
                # One call's error must not take the time away from all others.
                log.exception("a session failed; its note is finished")
                conversation.task.cancel()
        if self._running:
            self._tick_on()
