"""One call on its leg: events go into the machine, its effects are carried out in order.

The work is synchronous between two events, so a step of the machine and its effects are never interleaved
with another's; the only waiting is for the leg, and at the end for the disk.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.call import machine, steps
from bridge.call.model import Call, Ended, Leg
from bridge.errors import Refused, StoreError
from bridge.media import prompt
from bridge.media.speech import Heard, Thresholds
from bridge.seal.note import NoteSealer, Recipient
from bridge.store import Store
from bridge.take import NoteTake, new_sealer

log = logging.getLogger("aftertone.session")

FINISH_S = 4.0
"""Longest that a caller is held for a disk that does not answer; his note goes on to be finished."""


@dataclass(slots=True)
class Filed:
    """A call that has its row, and to whom what its caller says is sealed.

    ``sealer`` is for his first take: made beside the seal of the call's record it costs half of what it costs
    alone, seconds later.
    """

    row_id: bytes
    recipient: Recipient
    sealer: NoteSealer | None = None


class Conversation:
    """What one caller and the machine do, from the tone to the goodbye.

    ``state`` is a machine that has not begun, ``thresholds`` tell what is speech, ``clock`` is any steady
    clock in seconds; ``file_again`` files the call anew when it cannot be recorded as it was filed; ``task``
    is the one that runs the conversation.
    """

    def __init__(
        self,
        leg: Leg,
        filed: Filed,
        state: machine.State,
        thresholds: Thresholds,
        store: Store,
        clock: Callable[[], float],
        file_again: Callable[[Call], Filed | None],
        task: asyncio.Task[Any],
    ) -> None:
        self._leg = leg
        self._filed = filed
        self._state = state
        self._thresholds = thresholds
        self._store = store
        self._clock = clock
        self._file_again = file_again
        self._take: NoteTake | None = None
        self._finishing: asyncio.Task[None] | None = None
        self._giving_back: asyncio.Task[None] | None = None
        self._noted = False
        self.task = task

    async def run(self) -> bool:
        """Run until the leg's last event; say whether the PBX may count the caller as served."""
        try:
            self.handle(steps.Begin())
            await self._leg.listen(self.handle)
        finally:
            # Cancelled, or an error of ours: what was said is kept all the same.
            self._finish(Ended.STOPPED)
            if self._finishing is not None:
                await asyncio.shield(self._finishing)
            if self._giving_back is None:
                # Or the PBX would ask a caller whose note is kept to speak again.
                await self._leg.hang_up(self._noted)
        if self._giving_back is not None:
            await self._giving_back
        return self._noted

    def handle(self, event: steps.MachineEvent) -> None:
        """Take one event and carry out what follows from it, and what follows from that."""
        events = [event]
        for current in events:
            self._state, effects = machine.step(self._state, current, self._clock())
            for effect in effects:
                try:
                    if self._carry_out(effect):
                        events.append(steps.Spoke())
                except (StoreError, Refused) as error:
                    log.error("a note could not be written: %s", error)
                    events.append(steps.Broken())

    def look_at_clock(self, now: float) -> None:
        """Send DUE when its time has come."""
        due = machine.deadline(self._state)
        if due is not None and now >= due:
            self.handle(steps.Due())

    def _carry_out(self, effect: steps.Effect) -> bool:
        """Do it; True when speech was heard. Raises StoreError."""
        match effect:
            case steps.Append(pcm):
                return self._take is not None and self._take.add(pcm)
            case steps.StartTone():
                self._leg.play(prompt.RECORD)
            case steps.StartNote():
                self._take = self._begin_take()
            case steps.DiscardNote():
                self._discard()
            case steps.MarkUrgent():
                if self._take is not None:
                    self._take.urgent = True
            case steps.FinishNote(ended):
                self._finish(ended)
            case steps.StartClosing():
                self._leg.play(prompt.CLOSING)
            case steps.GiveBack(wanted):
                self._giving_back = asyncio.create_task(self._give_back(wanted))
        return False

    def _begin_take(self) -> NoteTake:
        try:
            return self._take_as_filed()
        except Refused:
            # The mailbox has got a new key since. Or two extensions ring for one call: the other's offer took
            # the row away, but here somebody speaks.
            self._filed = self._file_again(self._leg.call) or self._filed
            return self._take_as_filed()

    def _take_as_filed(self) -> NoteTake:
        filed = self._filed
        sealer, filed.sealer = filed.sealer or new_sealer(filed.recipient), None
        codec = self._leg.call.codec
        return NoteTake(self._store.notes, filed.row_id, filed.recipient, codec, sealer, self._thresholds)

    def _discard(self) -> None:
        take, self._take = self._take, None
        if take is not None:
            take.discard()

    def _finish(self, ended: Ended) -> None:
        """Begin to finish; the disk is waited for in a task, while the closing tone plays."""
        take, self._take = self._take, None
        if take is not None:
            self._finishing = asyncio.create_task(self._finish_take(take, ended))

    async def _finish_take(self, take: NoteTake, ended: Ended) -> None:
        try:
            # Who was given the time and sent no sound at all was served: his row stands, and the PBX's own
            # voicemail would only record the same silence.
            self._noted = await take.finish(ended) or (take.empty and ended is not Ended.STOPPED)
            heard = take.verdict.heard if take.verdict is not None else Heard.SILENCE
            log.info("mailbox %s: %s, %s of %.1f s", self._leg.call.mailbox, ended, heard, take.seconds)
        except StoreError as error:
            log.error("a note could not be finished: %s", error)
            self._noted = take.on_disk

    async def _give_back(self, wanted: bool) -> None:
        try:
            if self._finishing is not None:
                done, _ = await asyncio.wait({self._finishing}, timeout=FINISH_S)
                if not done:
                    log.error("the disk does not answer: a caller goes to the fallback, his note may be kept")
        finally:
            self._noted = self._noted or not wanted
            await self._leg.hang_up(self._noted)
