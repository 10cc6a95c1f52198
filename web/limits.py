"""How often somebody may try: token buckets in a table of fixed size, and the size and pace of bodies."""

import asyncio
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.answers import ApiError, error_answer

CELLS = 1 << 16
"""Buckets of one limit. Keys fall into cells by a keyed hash: nothing is ever thrown out (which a flood of
other keys could bring about), no name is kept in memory, and two keys in one cell share a bucket."""

MAX_BODY = 64 << 10
"""Largest body in bytes: a hundred new envelopes have some 20 KiB, everything else far less."""

ROOMY = {"/api/v1/me/keys": 1 << 20}
"""Bodies that may be larger: new keys for somebody with hundreds of mailboxes, some 200 bytes each."""

PIECES = "/api/v1/forwards/"
"""Below this address bodies may also be plain bytes: pieces of sealed notes. No form of another site can send
that type either."""

JSON = "application/json"
BYTES = "application/octet-stream"

BODY_S = 20.0
"""Seconds for a whole body: 64 KiB over a slow telephone line, but no connection held for hours."""


ROUNDING = 1e-6
"""Part of a try that sums of times may be wrong by."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``burst`` tries at once, then one each ``every_s`` seconds."""

    burst: int
    every_s: float


PACES: Mapping[str, Pace] = {
    # Guessing at one name from one address: 10 typos in a row are human, then 1,440 a day. Counted for both
    # together, or who knows a name could keep its owner out.
    "login pair": Pace(10, 60.0),
    # The same name from everywhere: more than one guesser may use up, and still only 4,320 guesses a day at a
    # passphrase that each time costs Argon2id.
    "login name": Pace(60, 20.0),
    # One address may stand for an office behind NAT, so it has more, and names still have their own limit.
    "login address": Pace(30, 10.0),
    # Salts and challenges tell nothing, but each costs a query or an HPKE seal.
    "ask address": Pace(60, 2.0),
    # Each forwarding seals a row into somebody's list: thirty in a row are a morning's work, and nobody fills
    # another's list with more than 4,320 a day, his name at each.
    "forward user": Pace(30, 20.0),
    # One-time tokens have 256 bits: this is against load, not against guessing.
    "join address": Pace(30, 10.0),
    # New keys after a lost device begin an epoch in each mailbox of their user, which has only so many: no
    # member must use them up.
    "new keys": Pace(3, 8 * 3600.0),
}


class Limits:
    """All limits of one process."""

    def __init__(self) -> None:
        self._key = os.urandom(16)
        self._cells: dict[str, dict[int, tuple[float, float]]] = {kind: {} for kind in PACES}

    def take(self, kind: str, key: str, now: float) -> float:
        """Count one try of ``key`` at ``now`` (seconds, monotonic).

        Returns 0.0 when it may go on, else the seconds until it may; a refused try is not counted.
        """
        pace, cells, cell = PACES[kind], self._cells[kind], self._cell(key)
        used, at = cells.get(cell, (0.0, now))
        used = max(0.0, used - (now - at) / pace.every_s)
        if used + 1 > pace.burst + ROUNDING:
            cells[cell] = (used, now)
            return (used + 1 - pace.burst) * pace.every_s
        cells[cell] = (used + 1, now)
        return 0.0

    def give_back(self, kind: str, key: str) -> None:
        """Take back the last try: it was a good one, and the next typo must not suffer for it."""
        cell = self._cell(key)
        used, at = self._cells[kind].get(cell, (0.0, 0.0))
        self._cells[kind][cell] = (max(0.0, used - 1), at)

    def _cell(self, key: str) -> int:
        digest = blake2b(key.encode("utf-8", "replace"), key=self._key, digest_size=4).digest()
        return int.from_bytes(digest) % CELLS


def network_of(address: str) -> str:
    """Return whose tries count together: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


class BodyLimit:
    """Refuses bodies that are too large, too slow or not JSON, before anything reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with a watched body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = ROOMY.get(scope["path"], MAX_BODY)
        body = _Watched(receive, most, whole=not _has_body(headers))

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.whole:
                # Nobody reads the rest: it must not trickle in for hours, nor be taken for a request.
                MutableHeaders(raw=message["headers"])["Connection"] = "close"
            await send(message)

        refusal = _refusal(headers, scope["path"], most)
        if refusal is not None:
            await error_answer(refusal)(scope, receive, send_and_close)
        else:
            await self._app(scope, body, send_and_close)


class _Watched:
    """``receive`` of one request, with the body counted and timed. Raises HTTPException 413 and 408."""

    def __init__(self, receive: Receive, most: int, *, whole: bool) -> None:
        self.whole = whole
        self._most = most
        self._receive = receive
        self._size = 0
        self._until = asyncio.get_running_loop().time() + BODY_S

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


def _refusal(headers: Headers, path: str, most: int) -> ApiError | None:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 15:
        return ApiError(400, "bad request", "The length of the body is no number.")
    if int(length) > most:
        return ApiError(413, "too large", f"A request may have at most {most} bytes.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if _has_body(headers) and kind != JSON and not (kind == BYTES and path.startswith(PIECES)):
        return ApiError(415, "json only", "The body must be JSON, with Content-Type: application/json.")
    return None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
