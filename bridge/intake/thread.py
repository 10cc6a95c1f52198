"""Work in a thread that uses what its caller closes: it is waited for, also by who is cancelled meanwhile."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a thread as asyncio.to_thread, and when cancelled, be so only after its end.

    A thread cannot be cancelled. One that outlived a ``with`` around it would go on with the numbers of
    closed files, which may be other files by then.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError:
                continue
        running.exception()
        raise
