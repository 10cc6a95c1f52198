"""Callers of the whole way: ring, hear the tone, speak, hang up; and what they said, to compare."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np

from bridge.media.prompt import CLOSING, RECORD, Tone
from bridge.phone.pbx import Pbx
from tests.pbx.sipphone import Call, Phone
from tests.pbx.sound import FRAME, RATE, Pcm, babble, decode, encode, frames

TONE_PATIENCE_S = 12.0
FRAME_S = FRAME / RATE

SOFT_END_FRAMES = 3
"""Frames of the tone's soft end, which a test may take for heard before they are sent."""

BREATH_S = 0.3
"""Between a caller's last word and his BYE: the PBX drops the sound it has not handed on when a BYE comes,
and on a busy machine that is more than a frame or two."""


@dataclass(frozen=True, slots=True)
class Said:
    """One caller's call: every frame he sent since the answer, and where the tone ended in what he heard."""

    call: Call
    sent: bytes
    sent_at_tone: int
    wait_s: float


def pcm_of(tone: Tone) -> Pcm:
    """Return a tone of the bridge as samples."""
    return np.frombuffer(b"".join(tone.frames()), "<i2").astype(np.int16)


def find(heard: Pcm, wanted: Pcm, sure: float = 0.95) -> int | None:
    """Return the sample at which ``wanted`` begins in ``heard``, or None."""
    if len(heard) < len(wanted):
        return None
    a, b = heard.astype(np.float64), wanted.astype(np.float64)
    size = 1 << (len(a) + len(b)).bit_length()
    products = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)[: len(a) - len(b) + 1]
    energy = np.concatenate(([0.0], np.cumsum(a * a)))
    norm = np.sqrt(np.maximum(energy[len(b) :] - energy[: -len(b)], 1.0) * float(b @ b))
    likeness = products / norm
    best = int(likeness.argmax())
    return best if likeness[best] > sure else None


def tone_heard(call: Call, tone: Tone = RECORD, *, within_s: float = 1.0) -> bool:
    """Say whether the caller has heard all of the tone by now, in the last second."""
    recent = [packet.payload for packet in call.rtp.packets[-round(within_s / FRAME_S) :]]
    return find(decode(b"".join(recent), call.codec), pcm_of(tone)) is not None


async def until_tone(call: Call, tone: Tone = RECORD) -> None:
    """Wait for the tone; raises TimeoutError."""
    async with asyncio.timeout(TONE_PATIENCE_S):
        while not tone_heard(call, tone):  # noqa: ASYNC110  the sound comes from another process
            await asyncio.sleep(0.1)


async def speak(call: Call, seed: int, seconds: float, *, hang_up: bool = True) -> Said:
    """Send babble of one's own from the answer on, without a pause; hang up ``seconds`` after the tone."""
    await call.until("answered")
    assert call.answered_at is not None
    sound = encode(babble(seed, TONE_PATIENCE_S + seconds + 10), call.codec)
    sender = asyncio.create_task(call.send(frames(sound)))
    first = len(call.rtp.packets)
    await until_tone(call)
    at_tone = call.rtp.sent
    heard_s = (call.rtp.packets[-1].at if call.rtp.packets[first:] else 0.0) - call.answered_at
    await asyncio.sleep(seconds)
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    if hang_up:
        await asyncio.sleep(BREATH_S)
        await call.hang_up()
    return Said(call, sound[: call.rtp.sent * FRAME], at_tone, heard_s)


async def note_from(pbx: Pbx, extension: str, seed: int, seconds: float, **caller: str) -> Said:
    """Make one whole call."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(Phone(pbx.sip_port, "493012345"))
        codecs = (caller.pop("codec", "PCMU"),)
        call = await phone.call(
            extension, codecs=codecs, display=caller.get("display", ""), from_user=caller.get("number")
        )
        return await speak(call, seed, seconds)


def compare(stored: bytes, said: Said) -> None:
    """The note is what was sent, byte for byte, without a hole, from the tone's end to the last word.

    u-law's second zero arrives as the first (0x7f as 0xff): Asterisk decodes and encodes in between.
    """
    sent = said.sent.replace(b"\x7f", b"\xff") if said.call.codec == "PCMU" else said.sent
    stored = stored.replace(b"\x7f", b"\xff") if said.call.codec == "PCMU" else stored
    at = sent.find(stored[:FRAME])
    assert at >= 0, "the note's first frame was never sent"
    assert at % FRAME == 0
    assert stored == sent[at : at + len(stored)], "a frame is missing, doubled or altered"
    assert at // FRAME <= said.sent_at_tone + SOFT_END_FRAMES, "speech right after the tone is missing"
    assert at + len(stored) == len(sent), "speech before the hang-up is missing"


def closing_heard(call: Call) -> bool:
    """Say whether the caller heard the closing tone."""
    return tone_heard(call, CLOSING)
