"""A bridge that does wrong on purpose: FastAGI and AudioSocket in the few ways in which a real one can fail.

The dialplan is tested against it; the real bridge is tested with the same telephones elsewhere.
"""

import asyncio
import struct
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Literal, Self

from tests.pbx.sound import encode, tone

Mode = Literal[
    "record",  # keep the note
    "decline",  # the missed call is filed, no note wanted
    "lose",  # record, then say that nothing was kept
    "drop",  # accept the AudioSocket and close it at once; nothing kept
    "unreachable",  # name an AudioSocket address where nobody listens
    "close",  # close the offer without an answer
    "mute",  # take the offer and never answer
]

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

TONE_HZ = 1000.0
TONE_S = 0.3

ARGUMENTS = (
    *("version", "mailbox", "status", "cause", "dnd", "linkedid", "rang", "codec", "group", "dialled"),
    "redirecting",
)


@dataclass(frozen=True, slots=True)
class Request:
    """One FastAGI request: ``path`` (offer, gone, result), ``lines`` of the header, arguments by name."""

    path: str
    lines: dict[str, str]
    arguments: tuple[str, ...]

    def __getitem__(self, name: str) -> str:
        return self.arguments[ARGUMENTS.index(name)]


@dataclass(slots=True)
class Take:
    """What one AudioSocket connection brought."""

    media: str
    audio: bytearray = field(default_factory=bytearray)
    digits: str = ""


class Peer:
    """Both servers on free ports; an asynchronous context manager. ``mode`` decides by request."""

    def __init__(self, mode: Mode | Callable[[Request], Mode] = "record") -> None:
        self.mode: Callable[[Request], Mode] = mode if callable(mode) else lambda _: mode
        self.requests: list[Request] = []
        self.takes: dict[str, Take] = {}
        self.agi = ""
        self._media_address = ""
        self._modes: dict[str, Mode] = {}
        self._servers: list[asyncio.Server] = []
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._closed = False
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        for handler in (self._agi, self._media):
            accept = partial(self._accept, handler)
            self._servers.append(await asyncio.start_server(accept, "127.0.0.1", 0))
        self.agi, self._media_address = (
            f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in self._servers
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for server in self._servers:
            server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    def told(self, path: str, mailbox: str | None = None) -> list[Request]:
        """Return the requests of one kind so far, of one mailbox when given."""
        return [r for r in self.requests if r.path == path and mailbox in (None, r.arguments[1])]

    async def until(self, path: str, mailbox: str, deadline_s: float = 10.0) -> Request:
        """Wait for a request; raises TimeoutError."""
        async with asyncio.timeout(deadline_s), self._changed:
            await self._changed.wait_for(lambda: bool(self.told(path, mailbox)))
        return self.told(path, mailbox)[0]

    def _accept(self, handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, or close it when it came too late: the PBX keeps a call until its end."""
        if self._closed:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(handler(reader, writer))
        self._open[task] = writer
        task.add_done_callback(lambda done: self._open.pop(done).close())

    async def _agi(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            self.requests.append(request)
            async with self._changed:
                self._changed.notify_all()
            await self._reply(request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the dialplan may leave at any time

    async def _reply(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async def say(name: str, value: str) -> None:
            writer.write(f"SET VARIABLE {name} {value}\n".encode())
            await reader.readline()

        if request.path == "offer":
            mode = self.mode(request)
            if mode == "mute":
                await reader.read()
            if mode == "decline":
                await say("AFTERTONE_ANSWER", "decline")
            if mode in ("decline", "close", "mute"):
                return
            media = str(uuid.uuid4())
            self._modes[media] = mode
            address = "127.0.0.1:9" if mode == "unreachable" else self._media_address
            await say("AFTERTONE_ANSWER", f"record,{media},{address}")
        elif request.path == "result":
            await say("AFTERTONE_KEPT", "yes" if self._modes.get(request.arguments[1]) == "record" else "no")
        elif request.path == "gone":
            await say("AFTERTONE_TOLD", "yes")

    async def _media(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, identity = await read_frame(reader)
            media = str(uuid.UUID(bytes=identity))
            take = self.takes[media] = Take(media)
            if self._modes.get(media) != "drop":
                player = asyncio.create_task(play_tone(writer))
                await collect(reader, take)
                player.cancel()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # AudioSocket has no goodbye: the caller's hang-up is the end of the stream


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read a FastAGI header up to its empty line."""
    lines: dict[str, str] = {}
    while line := (await reader.readuntil()).decode("utf-8", "replace").rstrip("\n"):
        name, _, value = line.partition(": ")
        lines[name] = value
    arguments = [
        lines.get(f"agi_arg_{n}", "") for n in range(1, 1 + sum("agi_arg_" in name for name in lines))
    ]
    return Request(lines["agi_network_script"], lines, tuple(arguments))


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one AudioSocket frame: kind, length (big-endian), payload."""
    kind, length = struct.unpack(">BH", await reader.readexactly(3))
    return kind, await reader.readexactly(length)


async def collect(reader: asyncio.StreamReader, take: Take) -> None:
    """Keep sound and digits until the caller is gone or pressed #."""
    while True:
        kind, payload = await read_frame(reader)
        if kind == 0x10:
            take.audio += payload
        elif kind == 0x03:
            take.digits += payload.decode()
            if take.digits.endswith("#"):
                return


async def play_tone(writer: asyncio.StreamWriter) -> None:
    """Play the tone, then a silent frame now and then, as Asterisk's idle rule wants it."""
    sound = tone(TONE_HZ, TONE_S).astype("<i2").tobytes()
    for start in range(0, len(sound), 320):
        writer.write(struct.pack(">BH", 0x10, 320) + sound[start : start + 320])
        await asyncio.sleep(0.02)
    while True:
        writer.write(struct.pack(">BH", 0x10, 320) + bytes(320))
        await asyncio.sleep(1.0)


def tone_as_heard() -> bytes:
    """Return the tone as u-law, for comparison."""
    return encode(tone(TONE_HZ, TONE_S))
