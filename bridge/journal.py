"""Calls that the PBX kept for us while we were away: asked for when we are back, filed, and cleared there.

By AMI, where that is on, at once; else out of the next offer. Where AstDB holds nothing, that is one channel
of a millisecond in LOOK_EVERY_S.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from bridge.call.model import Call
from bridge.connect import journal
from bridge.connect.journal import Channel
from bridge.control.ami import Manager
from bridge.errors import AftertoneError, BadFrame, PbxRefused, Refused
from bridge.outbox import wait
from bridge.store import Store

log = logging.getLogger("aftertone.journal")

LOOK_EVERY_S = 600.0
"""The dialplan keeps calls, too, when only the way between it and us was broken, of which nobody tells us."""

AGAIN_S = 10.0
"""After a reading that did not come or broke off; twice as long after each further one, since a PBX with a
dialplan of before the journal never brings one."""

MOST_DRAWERS = 110
"""A drawer is named by one digit or two."""

MOST_KEYS = 2000
"""Of one drawer: the dialplan's keys fill 4 KB. What is more waits for the next reading."""

ORIGINATE_MS = 3000
"""Until Asterisk gives up: the far end answers before it asks anything of us."""


class Clerk(Protocol):
    """Files calls (``session.Sessions``)."""

    def missed_long_ago(self, call: Call) -> bool:
        """File a call that the PBX kept; False when that must be tried again later."""


class Journal:
    """Has the journal read when it is due. ``clock`` is any steady clock in seconds."""

    def __init__(
        self,
        store: Store,
        clerk: Clerk,
        manager: Manager | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clerk = clerk
        self._manager = manager
        self._clock = clock
        self._due_at = clock()
        self._again_s = AGAIN_S
        self._reading = False
        self._wake = asyncio.Event()
        self._complaint = ""
        self._strange = 0
        if manager is not None:
            manager.on_boot(self._booted)

    def is_due(self) -> bool:
        """Whether the PBX shall be asked for its journal now; who is told so asks it."""
        if self._reading or self._clock() < self._due_at:
            return False
        self._due_at = self._clock() + self._again_s
        self._again_s = min(2 * self._again_s, LOOK_EVERY_S)
        return True

    def broke(self) -> None:
        """Say that a call was told to us and got no answer: the dialplan keeps it."""
        self._due_at = min(self._due_at, self._clock() + AGAIN_S)
        self._wake.set()

    def cannot(self, why: str) -> None:
        """Say that the PBX could not be asked; told once."""
        self._due_at = self._clock() + LOOK_EVERY_S
        if why != self._complaint:
            self._complaint = why
            log.warning("calls that the PBX kept while we were away cannot be asked for: %s", why)

    async def run(self) -> None:
        """Ask by AMI whenever it is due, until cancelled."""
        while self._manager is not None:
            self._wake.clear()
            if self._manager.status.state == "ready" and self.is_due():
                await self._ask(self._manager)
            # What is due and cannot be asked for now is so when the PBX is back, which wakes us.
            pause = max(self._due_at - self._clock(), AGAIN_S if self._clock() >= self._due_at else 0.0)
            await wait(self._wake, pause)

    async def read(self, channel: Channel, peer: str) -> None:
        """File and clear what the PBX with this address has kept; at most one reading at a time.

        Raises BadFrame and StoreError; what was not cleared then is filed already or will be, and is cleared
        by the next reading.
        """
        if self._reading:
            return
        self._reading = True
        self._due_at = self._clock() + AGAIN_S
        try:
            filed, waiting, strange = await self._read(channel, peer)
        finally:
            self._reading = False
        self._due_at = self._clock() + LOOK_EVERY_S
        self._again_s = AGAIN_S
        self._complaint = ""
        if filed or waiting:
            log.info("%d calls that the PBX kept while we were away are filed, %d must wait", filed, waiting)
        if strange and strange != self._strange:
            log.error(
                "%d entries of %s in the PBX's AstDB are not of our dialplan, and stay (database show %s)",
                strange,
                journal.FAMILY,
                journal.FAMILY,
            )
        self._strange = strange

    async def _read(self, channel: Channel, peer: str) -> tuple[int, int, int]:
        """Return how many entries were filed, could not be filed yet, and are none."""
        filed = waiting = 0
        drawers, strange = await journal.drawers(channel)
        for drawer in drawers[:MOST_DRAWERS]:
            keys, others = await journal.keys(channel, drawer)
            strange += others
            done: list[str] = []
            for key in keys[:MOST_KEYS]:
                entry = await journal.value(channel, drawer, key)
                if not entry:
                    continue
                try:
                    call = journal.call_in(entry, peer, datetime.now(UTC))
                except BadFrame:
                    strange += 1
                    continue
                if self._file(call):
                    done.append(key)
                else:
                    waiting += 1
            if done:
                await asyncio.to_thread(self._store.calls.sync)
            for key in done:
                await journal.remove(channel, drawer, key)
            filed += len(done)
        return filed, waiting, strange

    def _file(self, call: Call) -> bool:
        """File a call once, however often we are told of it; False when that must be tried again later."""
        try:
            mailbox_id = self._store.mailboxes.recipient(call.mailbox).mailbox_id
        except Refused as refused:
            log.error("mailbox %s: a call that the PBX kept must wait: %s", call.mailbox, refused.user)
            return False
        own = call.linkedid.partition(" ")[2]
        # The message that VoiceMail recorded of it may have come first, and tells the caller.
        if self._store.taken.row_of(mailbox_id, own, call.rang_at) is not None:
            return True
        return self._clerk.missed_long_ago(call)

    async def _ask(self, manager: Manager) -> None:
        try:
            await manager.action("Originate", by_ami())
        except PbxRefused:
            self.cannot(
                "its dialplan has no context aftertone-journal: give it the aftertone.conf of this version"
            )
        except AftertoneError as error:
            log.debug("asking for the journal: %s", error)

    async def _booted(self) -> None:
        self._due_at = self._clock()
        self._again_s = AGAIN_S
        self._wake.set()


def by_ami() -> list[tuple[str, str]]:
    """Return the fields of the Originate that brings a channel to ``read``; see dialplan/aftertone.conf."""
    return [
        ("Channel", f"Local/read@{journal.FAMILY}/n"),
        ("Context", journal.FAMILY),
        ("Exten", "wait"),
        ("Priority", "1"),
        ("Timeout", str(ORIGINATE_MS)),
    ]
