"""AudioSocket, Asterisk's TCP protocol for one call's sound (docs.asterisk.org, AudioSocket).

A message is kind (1 byte), length (2 bytes, big endian), payload. The PBX begins with the call's UUID, then
sends 16-bit little-endian PCM at 8 kHz, usually 320 bytes each 20 ms, and a DTMF digit at its end. The
caller's hang-up is the end of the TCP stream; a message of kind 0 means the same.
"""

from typing import NamedTuple

from bridge.call.model import FRAME_SAMPLES
from bridge.errors import BadFrame, PeerError

HANGUP = 0x00
UUID = 0x01
DIGIT = 0x03
SOUND = 0x10
FAULT = 0xFF

HEADER = 3
SOUND_LIMIT = 3200
"""Bytes of one sound message: 200 ms, twice the longest packet time a telephone is known to use."""

DIGITS = frozenset(b"0123456789*#ABCD")

_SIZES = {HANGUP: (0, 0), UUID: (16, 16), DIGIT: (1, 1), SOUND: (0, SOUND_LIMIT), FAULT: (0, 16)}
"""Shortest and longest payload of the kinds we take. The kinds 0x11 to 0x18 are other sample rates: the
dialplan never asks for them, so they are as wrong as an unknown kind."""


class Message(NamedTuple):
    """One whole message; sounds that follow each other may be one message with their joined payload."""

    kind: int
    payload: bytes


def sound(pcm: bytes) -> bytes:
    """Return one sound message. Raises ValueError beyond SOUND_LIMIT or for half a sample."""
    if len(pcm) > SOUND_LIMIT or len(pcm) % 2:
        raise ValueError("not the samples of one message")
    return bytes((SOUND, len(pcm) >> 8, len(pcm) & 0xFF)) + pcm


SILENCE = sound(bytes(2 * FRAME_SAMPLES))
"""One silent message of 20 ms."""

GOODBYE = bytes((HANGUP, 0, 0))
"""What gives the call back to the dialplan."""


def _equal_sounds(buffer: bytes) -> int:
    """Return the length of one message where ``buffer`` holds nothing but sounds of that one length, at
    least two and the last perhaps unfinished; else 0.

    A quarter of a second of a caller's sound is twelve such messages: to look at all their headers at once
    takes 3 us, to take them one by one 10.
    """
    if len(buffer) < 2 * HEADER or buffer[0] != SOUND:
        return 0
    size = buffer[1] << 8 | buffer[2]
    step = HEADER + size
    whole = len(buffer) // step
    if whole < 2 or size > SOUND_LIMIT or size & 1:
        return 0
    end = whole * step
    equal = (
        buffer[0:end:step] == buffer[0:1] * whole
        and buffer[1:end:step] == buffer[1:2] * whole
        and buffer[2:end:step] == buffer[2:3] * whole
    )
    return step if equal else 0


class Parser:
    """Bytes in, messages out; keeps at most one unfinished message.

    ``feed`` does not raise. The first fault ends the stream: it stands in ``fault`` (a PeerError), messages
    before it are still given out, bytes after it are passed over. The first message must be the UUID, and
    only the first.
    """

    def __init__(self) -> None:
        self.fault: PeerError | None = None
        self._rest = b""
        self._named = False

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes as they came; return the messages they complete, in order."""
        if self.fault is not None:
            return []
        buffer = self._rest + data if self._rest else data
        messages: list[Message] = []
        at, end = 0, len(buffer)
        # Once for each feed: looking again behind every message would let a peer cost us a square.
        if self._named and (step := _equal_sounds(buffer)):
            at = end - end % step
            size = step - HEADER
            pcm = b"".join([buffer[start : start + size] for start in range(HEADER, at, step)])
            messages.append(Message(SOUND, pcm))
        while end - at >= HEADER:
            kind = buffer[at]
            size = buffer[at + 1] << 8 | buffer[at + 2]
            # Sound of an even, allowed length in a named stream needs no further look.
            if (kind != SOUND or size > SOUND_LIMIT or size & 1 or not self._named) and self._wrong(
                kind, size
            ):
                break
            after = at + HEADER + size
            if after > end:
                break
            payload = buffer[at + HEADER : after]
            if kind == DIGIT and payload[0] not in DIGITS:
                self.fault = BadFrame("a digit that no telephone has")
                break
            self._named = True
            messages.append(Message(kind, payload))
            at = after
        self._rest = b"" if self.fault else buffer[at:]
        return messages

    def _wrong(self, kind: int, size: int) -> bool:
        """Judge a header before its payload is there, so that a long claim is never waited for."""
        least, most = _SIZES.get(kind, (1, 0))
        if least > most:
            self.fault = BadFrame("an unknown kind of message")
        elif not least <= size <= most or (kind == SOUND and size % 2):
            self.fault = BadFrame("a length that its kind of message does not have")
        elif self._named == (kind == UUID):
            self.fault = BadFrame("the call's id twice" if self._named else "sound before the call's id")
        return self.fault is not None
