"""A bridge with lamps inside the test: real store, real connection to the PBX; no web and no calls."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.config import Address
from bridge.control.ami import Manager
from bridge.events import Events
from bridge.lamps import Lamps
from bridge.phone.pbx import AMI_USER, Pbx
from bridge.store import Store, open_store
from tests.pbx.sipphone import Phone
from tests.store.house import Take, file_call, joined

READY_S = 60.0
LAMP_S = 60.0
"""A lamp needs milliseconds, and after a restart of the PBX the seconds until the next try."""


class Bridge:
    """Store, connection and lamps as the service joins them; one member who hears."""

    def __init__(self, folder: Path, pbx: Pbx) -> None:
        events = Events()
        self.store: Store = open_store(folder, events=events.publish)
        self.store.recover()
        address = Address("127.0.0.1", pbx.ami_port)
        self.manager = Manager(address, AMI_USER, pbx.ami_secret, tls=None, clock=time.time)
        self.lamps = Lamps(self.store, events, self.manager)
        self._member = next(iter(user.id for user in self.store.users.all()), "")

    async def note(self, extension: str) -> bytes:
        """File a call with a spoken note; returns the row's id."""
        recipient = self.store.mailboxes.recipient(extension)
        row_id = file_call(self.store, recipient, os.urandom(8).hex())
        await Take(self.store, recipient, row_id).finish()
        return row_id

    def hear(self, row_id: bytes, heard: bool = True) -> None:
        """The member hears a row, or has not."""
        self._member = self._member or joined(self.store, "Anna").id
        self.store.calls.mark_heard(row_id, self._member, heard)

    async def ready(self) -> None:
        """Wait until the PBX has let us in."""
        async with asyncio.timeout(READY_S):
            while self.manager.status.state != "ready":  # noqa: ASYNC110  another process
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bridged(folder: Path, pbx: Pbx) -> AsyncIterator[Bridge]:
    """Run one until the end of the block; its folder may be opened again afterwards."""
    bridge = Bridge(folder, pbx)
    tasks = [asyncio.create_task(bridge.manager.run()), asyncio.create_task(bridge.lamps.run())]
    try:
        await bridge.ready()
        yield bridge
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        bridge.store.close()


def counted(bridge: Bridge, extension: str) -> tuple[int, int]:
    """Return what the lamp of an extension must show."""
    found = bridge.store.unheard_counts(bridge.store.mailboxes.recipient(extension).mailbox_id)
    assert found is not None
    return found.new, found.old


async def phones_of(stack: AsyncExitStack, pbx: Pbx, extensions: Iterable[str]) -> dict[str, Phone]:
    """Log in one telephone each."""
    phones = {
        extension: await stack.enter_async_context(
            Phone(pbx.sip_port, extension, pbx.extension(extension).password)
        )
        for extension in extensions
    }
    await asyncio.gather(*(phone.register() for phone in phones.values()))
    return phones
