"""A connection to the PBX at work, for as long as a block lasts."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.config import Address
from bridge.control.ami import Manager, State
from tests.control.pbx import SECRET, USER

NOW = 1_800_000_000.0


@asynccontextmanager
async def managed(
    address: Address,
    secret: str = SECRET,
    *,
    user: str = USER,
    tls: ssl.SSLContext | None = None,
    prepare: Callable[[Manager], None] = lambda manager: None,
) -> AsyncIterator[Manager]:
    """Run a Manager; ``prepare`` is called before it runs."""
    manager = Manager(address, user, secret, tls=tls, clock=lambda: NOW)
    prepare(manager)
    running = asyncio.create_task(manager.run())
    try:
        yield manager
        assert not running.done(), "it runs until it is cancelled"
    finally:
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()


async def until(manager: Manager, state: State, deadline_s: float = 45.0) -> None:
    """Wait for a state; raises TimeoutError."""
    await happens(lambda: manager.status.state == state, deadline_s)


async def happens(what: Callable[[], bool], deadline_s: float = 45.0) -> None:
    """Wait for something that nobody announces; raises TimeoutError."""
    async with asyncio.timeout(deadline_s):
        while not what():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)
