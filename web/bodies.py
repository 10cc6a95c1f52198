"""What a request may bring: its size, its kind, and how long it may take."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.store.addressbook import MOST_BYTES
from web.answers import ApiError, error_answer

MAX_BODY = 64 << 10
"""Largest body in bytes: a hundred new envelopes have some 20 KiB, everything else far less."""

BODY_S = 20.0
"""Seconds for a whole body: 64 KiB over a slow telephone line, but no connection held for hours."""

LARGE_BODY_S = 120.0
"""The same for a large one: 4 MiB at 300 kbit/s."""

JSON = "application/json"
BYTES = "application/octet-stream"
"""No form of another site can send either type."""


@dataclass(frozen=True, slots=True)
class Room:
    """``most`` bytes within ``seconds``; ``bytes_too``: plain bytes as well as JSON."""

    most: int = MAX_BODY
    seconds: float = BODY_S
    bytes_too: bool = False


USUAL = Room()

ROOMY: Mapping[str, Room] = {
    # These two are read by their routes only when they know who sends them.
    # New keys for somebody with hundreds of mailboxes, some 200 bytes each, and his address book in base64.
    "/api/v1/me/keys": Room((1 << 20) + MOST_BYTES * 4 // 3, LARGE_BODY_S),
    "/api/v1/me/addressbook": Room(MOST_BYTES, LARGE_BODY_S, bytes_too=True),
}

PIECES = "/api/v1/forwards/"
"""Below this address: pieces of sealed notes."""


def room_for(path: str) -> Room:
    """Return what a request to this address may bring."""
    return Room(bytes_too=True) if path.startswith(PIECES) else ROOMY.get(path, USUAL)


class BodyLimit:
    """Refuses bodies that are too large, too slow or not JSON, before anything reads them.

    Where sealed bytes are taken, these are as good as JSON.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with a watched body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        room = room_for(scope["path"])
        body = _Watched(receive, room, whole=not _has_body(headers))

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.whole:
                # Nobody reads the rest: it must not trickle in for hours, nor be taken for a request.
                MutableHeaders(raw=message["headers"])["Connection"] = "close"
            await send(message)

        refusal = _refusal(headers, room)
        if refusal is not None:
            await error_answer(refusal)(scope, receive, send_and_close)
        else:
            await self._app(scope, body, send_and_close)


class _Watched:
    """``receive`` of one request, with the body counted and timed. Raises HTTPException 413 and 408."""

    def __init__(self, receive: Receive, room: Room, *, whole: bool) -> None:
        self.whole = whole
        self._most = room.most
        self._receive = receive
        self._size = 0
        self._until = asyncio.get_running_loop().time() + room.seconds

    async def __call__(self) -> Message:
        if self.whole:
            return await self._receive()  # what follows the body is only the disconnect: no deadline
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        self._size += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self._size > self._most:
            raise HTTPException(413)
        return message


def _refusal(headers: Headers, room: Room) -> ApiError | None:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 15:
        return ApiError(400, "bad request", "The length of the body is no number.")
    if int(length) > room.most:
        return ApiError(413, "too large", f"A request may have at most {room.most} bytes.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if _has_body(headers) and kind != JSON and not (room.bytes_too and kind == BYTES):
        return ApiError(415, "json only", "The body must be JSON, with Content-Type: application/json.")
    return None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
