"""The lamps of the house: each shows what the store counts, whoever changed it, whatever the PBX forgot."""

import asyncio

from bridge.control.ami import Manager
from bridge.control.lamp import Lamp
from bridge.events import Events, News
from bridge.outbox import Delivery, Runner
from bridge.store import Store
from bridge.store.outbox import LAMP

SETTLE_S = 10.0
"""After a lamp that could not be set at once. A PBX that hung works off what it was sent before, on another
thread than what it is sent now: which comes last is not told, and within ten seconds it is over."""


class Lamps:
    """Has every count told that changed, and all of them whenever the PBX was started or came back."""

    def __init__(self, store: Store, events: Events, manager: Manager) -> None:
        self._store = store
        self._events = events
        self._lamp = Lamp(manager)
        self._runner = Runner(store.outbox, {LAMP: Delivery(self._show, SETTLE_S)})
        manager.on_boot(self._show_all)

    async def run(self) -> None:
        """Keep the lamps right until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._runner.run())
            group.create_task(self._listen())

    async def drain(self, deadline_s: float) -> None:
        """Wait, at most so long, until every lamp that can be set is right."""
        await self._runner.drain(deadline_s)

    async def _listen(self) -> None:
        listener = self._events.listen(_changes_a_row)
        try:
            async for _news in listener:
                self._runner.wake()
        finally:
            self._events.leave(listener)

    async def _show(self, mailbox_id: str) -> None:
        # Read now, not when it changed: what is sent last is what is true.
        counts = self._store.unheard_counts(mailbox_id)
        if counts is not None:
            await self._lamp.show(*counts)

    async def _show_all(self) -> None:
        self._lamp.forget()
        # A house of 10,000 mailboxes takes a tenth of a second, which the loop does not have.
        await asyncio.to_thread(self._store.outbox.renew_lamps)
        self._runner.wake()


def _changes_a_row(news: News) -> bool:
    return news.kind == "row"
