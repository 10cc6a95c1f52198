"""One RTP port of a test telephone: sends frames at an exact pace and keeps whatever arrives (RFC 3550)."""

import asyncio
import random
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

FRAME_S = 0.02
FRAME_SAMPLES = 160
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
EVENT_TYPE = 101
"""Payload type of telephone-event in every SDP that these telephones write."""

DIGITS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Packet:
    """One received RTP packet; ``at`` is time.monotonic() of its arrival."""

    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes
    at: float


class RtpPort(asyncio.DatagramProtocol):
    """A UDP port on 127.0.0.1 with one stream out and one in. ``sent``: frames of sound sent so far."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.remote: tuple[str, int] | None = None
        self.port = 0
        self.sent = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence = random.randrange(0x8000)
        self._timestamp = random.randrange(0x80000000)
        self._source = random.randrange(0x100000000)

    @classmethod
    async def open(cls) -> Self:
        """Bind a free port."""
        transport, port = await asyncio.get_running_loop().create_datagram_endpoint(
            cls, local_addr=("127.0.0.1", 0)
        )
        port._transport = transport
        port.port = transport.get_extra_info("sockname")[1]
        return port

    def close(self) -> None:
        """Fall silent; later packets of the peer are lost."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep one packet; what is no RTP version 2 is dropped."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        kind, sequence, timestamp = data[1] & 0x7F, *struct.unpack(">HI", data[2:8])
        skip = 12 + 4 * (data[0] & 0x0F)
        self.packets.append(Packet(kind, sequence, timestamp, data[skip:], time.monotonic()))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens over there: as on a real network, the sender does not care."""

    async def send(self, frames: Iterable[bytes], codec: str = "PCMU") -> None:
        """Send G.711 frames, one each 20 ms of the loop's clock, without drift."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for frame in frames:
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._put(PAYLOAD_TYPES[codec], frame)
            self.sent += 1
            self._timestamp += len(frame)
            due += FRAME_S

    async def digit(self, digit: str, length_s: float = 0.1) -> None:
        """Press one key (RFC 4733): packets each 20 ms, the last repeated three times with the end bit."""
        event = DIGITS.index(digit)
        steps = max(1, round(length_s / FRAME_S))
        for step in range(1, steps + 1):
            self._put(EVENT_TYPE, struct.pack(">BBH", event, 10, step * FRAME_SAMPLES))
            await asyncio.sleep(FRAME_S)
        for _ in range(3):
            self._put(EVENT_TYPE, struct.pack(">BBH", event, 0x80 | 10, (steps + 1) * FRAME_SAMPLES))
        self._timestamp += (steps + 1) * FRAME_SAMPLES

    def heard(self) -> bytes:
        """Return the received G.711 bytes in order of sequence; lost packets are left out."""
        sound = [p for p in self.packets if p.payload_type in PAYLOAD_TYPES.values()]
        if not sound:
            return b""
        first = sound[0].sequence
        return b"".join(p.payload for p in sorted(sound, key=lambda p: (p.sequence - first) & 0xFFFF))

    def _put(self, kind: int, payload: bytes) -> None:
        if self._transport is None or self.remote is None:
            return
        header = struct.pack(
            ">BBHII", 0x80, kind, self._sequence & 0xFFFF, self._timestamp & 0xFFFFFFFF, self._source
        )
        self._transport.sendto(header + payload, self.remote)
        self._sequence += 1
