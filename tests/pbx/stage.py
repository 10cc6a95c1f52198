"""Setting the scene of a test call: telephones logged in, callers calling, and the end of it all."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from bridge.phone.pbx import Pbx
from tests.pbx.sipphone import Call, Phone, Script

CALLER = "493012345"
"""Number of the outside caller."""

IDLE_POLL_S = 0.05


async def telephones(
    stack: AsyncExitStack, pbx: Pbx, scripts: Mapping[str, Script | None]
) -> dict[str, Phone]:
    """Log in one telephone per extension; a script of None registers a contact where nobody listens."""
    phones = {}
    for number, script in scripts.items():
        phone = Phone(pbx.sip_port, number, pbx.extension(number).password)
        phones[number] = await stack.enter_async_context(phone)
        phone.script = script or Script()
    await asyncio.gather(
        *(p.register("<sip:gone@127.0.0.1:9>" if scripts[n] is None else None) for n, p in phones.items())
    )
    return phones


async def ring(stack: AsyncExitStack, pbx: Pbx, extensions: Sequence[str]) -> list[Call]:
    """Call extensions at the same time, from outside."""
    caller = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
    return [await caller.call(extension) for extension in extensions]


async def quiet_line(pbx: Pbx, deadline_s: float = 45.0) -> None:
    """Wait until the PBX has no call left, so that whatever it had to tell is told.

    A caller of an earlier test who vanished is let go after the endpoint's rtp_timeout of 30 s. Raises
    AssertionError with the calls that were left.
    """
    try:
        async with asyncio.timeout(deadline_s):
            while await active_channels(pbx):  # noqa: ASYNC110  the PBX is another process and rings no bell
                await asyncio.sleep(IDLE_POLL_S)
    except TimeoutError:
        left = await asyncio.to_thread(pbx.command, "core show channels concise")
        raise AssertionError(f"calls are left after {deadline_s:.0f} s:\n{left}") from None


async def active_channels(pbx: Pbx) -> int:
    """Return how many channels the PBX has now."""
    text = await asyncio.to_thread(pbx.command, "core show channels count")
    return int(text.split()[0])
