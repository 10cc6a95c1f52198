"""Asterisk's side of the two ports, spoken by hand over loopback TCP."""

import asyncio
import contextlib
import ipaddress
import socket
import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.call.model import Audio, Call, Desk, Event, Hangup, Leg
from bridge.config import Address
from bridge.connect import AsteriskConnector
from bridge.media import prompt

FRAME = 320
SPEAK_NOW = b"".join(prompt.RECORD.frames())
NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass
class Ports:
    """The connector's settings: any free ports."""

    agi: Address = field(default_factory=lambda: Address("127.0.0.1", 0))
    audiosocket: Address = field(default_factory=lambda: Address("127.0.0.1", 0))
    peers: tuple[Network, ...] = NETWORKS


def frame(number: int) -> bytes:
    """Return one 20-ms frame that tells its number, in samples that G.711 u-law has exactly: its
    first segment is linear, in steps of 8."""
    return struct.pack("<160h", *[8 * (number % 15 + 1), -8 * (number // 15 % 15 + 1)] * 80)


def message(pcm: bytes) -> bytes:
    return struct.pack(">BH", 0x10, len(pcm)) + pcm


def key(digit: str) -> bytes:
    return b"\x03\x00\x01" + digit.encode()


async def all_of(leg: Leg) -> list[Event]:
    """Listen until the end."""
    told: list[Event] = []
    await leg.listen(told.append)
    return told


class Caller:
    """The PBX's end of one AudioSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self) -> tuple[int, bytes]:
        """Return the next message's kind and payload. Raises IncompleteReadError at the end."""
        kind, size = struct.unpack(">BH", await self.reader.readexactly(3))
        return kind, await self.reader.readexactly(size)

    async def hear_tone(self) -> bytes:
        """Return the samples of a tone, from the first frame that is not silent: until the tone that asks to
        speak is whole, or else goodbye. Raises TimeoutError."""
        heard = b""
        while heard != SPEAK_NOW:
            async with asyncio.timeout(10):
                kind, pcm = await self.hear()
            if kind == 0:
                self.writer.close()
                return heard
            assert kind == 0x10
            if heard or any(pcm):
                heard += pcm
        return heard

    async def hear_out(self) -> bytes:
        """Return the samples of all that is played, until a pause that no silent message can end yet."""
        heard = b""
        while True:
            try:
                async with asyncio.timeout(0.8 if heard else 10):
                    kind, pcm = await self.hear()
            except TimeoutError:
                if not heard:
                    raise
                return heard
            assert kind == 0x10
            if heard or any(pcm):
                heard += pcm

    async def gone(self) -> list[int]:
        """Wait until the bridge closes; return the kinds of the messages that were still said."""
        kinds = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            async with asyncio.timeout(5):
                while True:
                    kinds.append((await self.hear())[0])
                    if kinds[-1] == 0:
                        self.writer.close()
        return kinds

    def say(self, *pcm: bytes) -> None:
        self.writer.write(b"".join(message(piece) for piece in pcm))

    def press(self, digit: str) -> None:
        self.writer.write(key(digit))

    def hang_up(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """End as a process that was killed: the connection is reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Doors(Protocol):
    """The ports of a running connector, of this process or of another."""

    @property
    def agi_port(self) -> int: ...

    @property
    def audiosocket_port(self) -> int: ...


@dataclass
class Pbx:
    """A running connector and what a PBX does with it."""

    connector: Doors
    callers: list[Caller] = field(default_factory=list)

    async def agi(self, script: str, *args: str, **fields: str) -> dict[str, str]:
        """Run one AGI request; return the variables that were set."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.connector.agi_port)
        lines = ["agi_network: yes", f"agi_network_script: {script}"]
        lines += [f"agi_{name}: {value}" for name, value in fields.items()]
        lines += [f"agi_arg_{number}: {arg}" for number, arg in enumerate(args, 1)]
        writer.write(("\n".join(lines) + "\n\n").encode())
        found = {}
        async with asyncio.timeout(5):
            while line := await reader.readline():
                if line.startswith(b"EXEC"):
                    writer.write(b"200 result=-2\n")  # no such application here
                    continue
                _, _, name, value = line.decode().split()
                found[name], *place = value.strip('"').split(",")
                if place:
                    found["AFTERTONE_MEDIA"], found["AFTERTONE_AT"] = place
                writer.write(b"200 result=1\n")
        writer.close()
        return found

    async def offer(self, mailbox: str = "1001", linkedid: str = "1.1", **fields: str) -> dict[str, str]:
        """Offer a call that rang out."""
        args = ("v1", mailbox, "NOANSWER", "0", "0", linkedid, "", "ulaw", "0", mailbox, "")
        told = {"language": "en", "callerid": "+4930123456", "calleridname": "Anna", "callingpres": "0"}
        return await self.agi("offer", *args, **(told | fields))

    async def result(self, media: str) -> str:
        return (await self.agi("result", "v1", media))["AFTERTONE_KEPT"]

    async def knock(self, data: bytes = b"") -> Caller:
        """Connect to the AudioSocket port and say something."""
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.connector.audiosocket_port))
        caller.writer.write(data)
        self.callers.append(caller)
        return caller

    async def bring(self, media: str) -> Caller:
        """Bring an accepted offer's sound."""
        return await self.knock(b"\x01\x00\x10" + uuid.UUID(media).bytes)

    async def call(self, linkedid: str = "1.1", **fields: str) -> tuple[Caller, str]:
        """Offer a call and bring its sound."""
        media = (await self.offer(linkedid=linkedid, **fields))["AFTERTONE_MEDIA"]
        return await self.bring(media), media


@asynccontextmanager
async def running(desk: Desk, **settings: Any) -> AsyncIterator[Pbx]:
    """Run a connector for ``desk``."""
    connector = AsteriskConnector(Ports(**settings))
    serving = asyncio.create_task(connector.serve(desk))
    pbx = Pbx(connector)
    while not connector.listening:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0)
    try:
        yield pbx
    finally:
        for caller in pbx.callers:
            caller.writer.transport.abort()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


class OpenDesk:
    """A desk that takes every call and hands its leg to the test."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.gone: list[Call] = []
        self.legs: asyncio.Queue[Leg] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.record = True

    async def offered(self, call: Call) -> bool:
        self.calls.append(call)
        return self.record

    async def missed(self, call: Call) -> bool:
        self.gone.append(call)
        return True

    async def answer(self, leg: Leg) -> bool:
        self.legs.put_nowait(leg)
        await self.ended.wait()
        return True


async def speaks(desk: OpenDesk, pbx: Pbx, linkedid: str = "good.1") -> None:
    """A call among all that trouble: its sound arrives whole."""
    caller, _ = await pbx.call(linkedid)
    leg = await desk.legs.get()
    caller.say(frame(1), frame(2))
    caller.hang_up()
    assert await all_of(leg) == [Audio(frame(1) + frame(2)), Hangup()]
