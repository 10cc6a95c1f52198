"""One request a turn of the loop, so that a crowd of them keeps no caller waiting.

A request's work is done in one go, in milliseconds. Asked for by hundreds at once (all pages of a house after
a restart, or somebody who means harm) it would be seconds in which the loop hears no call and sends no
heartbeat, and a worker without heartbeat is killed, with all calls in it. Here each request waits for a turn
of its own; between two turns the loop looks after calls and clocks.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Turns:
    """Lets requests in one by one, in the order in which they came; outside of all other layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; one with a body waits for a second turn when the body is there."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def receive_in_turn() -> Message:
            message = await receive()
            if message.get("body") and not message.get("more_body", False):
                await self._turn()
            return message

        await self._turn()
        await self._app(scope, receive_in_turn, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next)
            return
        waiting = loop.create_future()
        self._waiting.append(waiting)
        await waiting

    def _next(self) -> None:
        """End a turn. Who is woken here runs in the loop's next round, and so does the end of his turn."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._taken = False
