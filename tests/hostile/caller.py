"""A caller who lives through what was drawn for him, and remembers what he heard and said, and when."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from bridge.media.prompt import RECORD
from tests.hostile.fate import Does, Fate
from tests.pbx.sipphone import Call, Phone
from tests.pbx.sound import FRAME, babble, decode, encode
from tests.pbx.whole import find, pcm_of, tone_heard

NO_LINE_S = 5.0
"""A caller of a PBX that says nothing at all, not even 100, tries no longer."""

SILENT_S = 30.0
"""So long nobody waits for a tone or an end: a frozen bridge is noticed in 4 s, and sentences are short."""

POLL_S = 0.1

QUIET_LEVEL = 20.0
"""Standard deviation of a line on which nobody speaks: -64 dBFS."""


class Voices:
    """What callers say: each begins elsewhere in the same long sound, of which no two frames are equal."""

    def __init__(self, seed: int, seconds: float = 600.0) -> None:
        # One seed in seven makes a rhythm that falls in with the 100 ms in which the bridge looks:
        # now and then all of them are equally loud, which no voice is.
        self.loud = encode(babble(7 * seed + 3, seconds))
        rng = np.random.default_rng(seed)
        self.quiet = encode(rng.normal(0.0, QUIET_LEVEL, round(seconds * 8000)).astype(np.int16))
        self._next = 0

    def begin(self) -> int:
        """Return the frame at which one more caller begins."""
        self._next += 1
        return self._next * 7919 % (len(self.loud) // FRAME - 2000)


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone was over: when (monotonic), and how many frames the caller had sent by then."""

    at: float
    sent: int


class Caller:
    """One caller, one call."""

    def __init__(self, phone: Phone, fate: Fate, voices: Voices) -> None:
        self.fate = fate
        self.began_at = self.began = 0.0
        self.left: float | None = None
        self.lost: float | None = None
        self.unsaid: float | None = None
        self.tones: list[Tone] = []
        self.loud_frames: list[int] = []
        self.trouble = ""
        self.call: Call | None = None
        self._phone = phone
        self._voices = voices
        self._at = voices.begin()
        self._loud = fate.does is not Does.IS_SILENT
        self._spoken = bytearray()
        self._times: list[float] = []
        self._life: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[None] | None = None

    async def live(self) -> None:
        """Make the call, and end it one way or other."""
        self._life = asyncio.create_task(self._carry_out())
        try:
            await asyncio.wait({self._life})
            if not self._life.cancelled() and (error := self._life.exception()) is not None:
                self.trouble = f"{type(error).__name__}: {error}"
        finally:
            await self._hush()
            if self.call is not None:
                if self.fate.does is Does.LEAVES:
                    self._remember_tone(self.call)
                self.call.vanish()

    def lose_line(self) -> None:
        """The PBX is dead: nothing comes any more, and nothing can be said."""
        if self._life is not None and not self._life.done() and self.lost is None:
            self.lost = time.monotonic()
            self._life.cancel()

    @property
    def end(self) -> float | None:
        """When the call was over for its caller (monotonic)."""
        ended = self.call.ended_at if self.call is not None else None
        ends = [at for at in (self.left, self.lost, ended) if at is not None]
        return min(ends, default=None)

    @property
    def rang(self) -> bool:
        """Whether the caller heard that it rings."""
        return self.call is not None and any(code >= 180 for code, _ in self.call.provisional)

    @property
    def spoken(self) -> bytes:
        """Everything that was said since the answer, as u-law in frames of 20 ms."""
        return bytes(self._spoken[: len(self._times) * FRAME])

    def frames_by(self, at: float) -> int:
        """Return how many frames had been said at a time (monotonic)."""
        return bisect_right(self._times, at)

    def loud_between(self, first: int, last: int) -> int:
        """Return how many of these frames were speech."""
        return sum(first <= frame < last for frame in self.loud_frames)

    def story(self) -> str:
        """Tell what the caller went through, in seconds since the call began."""
        call = self.call
        moments: list[tuple[float, str]] = []
        if call is not None:
            moments += [(at, str(code)) for code, at in call.provisional]
            moments += [(at, word) for at, word in ((call.answered_at, "answered"), (call.ended_at, "ended"))
                        if at is not None]  # fmt: skip
        moments += [(tone.at, f"tone (frame {tone.sent})") for tone in self.tones]
        moments += [(at, word) for at, word in ((self.left, "left"), (self.lost, "line dead")) if at]
        told = ", ".join(f"{at - self.began:.2f} {word}" for at, word in sorted(moments))
        status = call.status if call is not None else None
        return f"{self.fate}\n    began {self.began:.2f}: {told}; status {status}; {self.trouble}"

    # -- below here: the call as it goes

    async def _carry_out(self) -> None:
        self.began_at, self.began = time.time(), time.monotonic()
        self.call = call = await self._phone.call(self.fate.mailbox, from_user=self.fate.number)
        if not await self._line():
            return
        match self.fate.does:
            case Does.GIVES_UP_AT_ONCE:
                await self._give_up(call)
            case Does.GIVES_UP:
                with suppress(AssertionError):
                    await call.until("ringing")
                await asyncio.sleep(self.fate.after_s)
                await self._give_up(call)
            case Does.TALKS:
                await self._talk_to_somebody(call)
            case _:
                await self._leave_note(call)

    async def _line(self) -> bool:
        """Wait for the first word of the PBX; say whether there is one."""
        assert self.call is not None
        until = self.began + NO_LINE_S
        while not self.call.provisional and self.call.status is None:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _give_up(self, call: Call) -> None:
        """Cancel; an answer that crosses it is hung up."""
        self.left = time.monotonic()
        if call.answered_at is None and call.ended_at is None:
            cancelling = asyncio.create_task(call.cancel())
            call.phone.keep(cancelling)
            try:
                await call.until("answered")
            except AssertionError:
                return
        await call.hang_up()

    async def _talk_to_somebody(self, call: Call) -> None:
        if not await self._answered(call):
            return
        listening = asyncio.create_task(self._tone(call))
        try:
            await asyncio.wait({listening}, timeout=self.fate.after_s)
        finally:
            listening.cancel()
        self.left = time.monotonic()
        await call.hang_up()

    async def _answered(self, call: Call) -> bool:
        try:
            await call.until("answered", SILENT_S)
        except AssertionError:
            return False
        return True

    async def _leave_note(self, call: Call) -> None:
        fate = self.fate
        if not await self._answered(call):
            return
        self._speak(call)
        if fate.does is Does.LEAVES:
            await asyncio.sleep(fate.after_s)
            await self._leave(call)
            return
        if not await self._tone(call):
            return
        if fate.does is not Does.IS_SILENT:
            await asyncio.sleep(fate.after_s)
        if fate.does is Does.SPEAKS:
            await self._leave(call)
        elif fate.does is Does.FINISHES:
            await self._hush()
            await call.digit("#")
            await call.until("ended", SILENT_S)
        elif fate.does is Does.AGAIN:
            await self._hush()
            self.unsaid = time.monotonic()
            await call.digit("*")
            self._speak(call)
            if await self._tone(call):
                await asyncio.sleep(fate.again_s)
                await self._leave(call)
        else:
            self._loud = False
            await call.until("ended", SILENT_S)

    async def _leave(self, call: Call) -> None:
        self.left = time.monotonic()
        await call.hang_up()

    async def _tone(self, call: Call) -> bool:
        """Wait for the tone; False when the call ended without one. Raises TimeoutError."""
        first = len(call.rtp.packets)
        async with asyncio.timeout(SILENT_S):
            while call.ended_at is None:
                within_s = min(1.0, (len(call.rtp.packets) - first) * 0.02)
                if within_s > 0.3 and tone_heard(call, within_s=within_s):
                    now = time.monotonic()
                    self.tones.append(Tone(now, self.frames_by(now)))
                    return True
                await asyncio.sleep(POLL_S)
        return False

    def _remember_tone(self, call: Call) -> None:
        """Find the tone afterwards, in all that was heard."""
        packets = [packet for packet in call.rtp.packets if packet.payload_type == 0]
        wanted = pcm_of(RECORD)
        at = find(decode(b"".join(packet.payload for packet in packets)), wanted)
        if at is not None:
            last = packets[(at + len(wanted) - 1) // FRAME]
            self.tones.append(Tone(last.at, self.frames_by(last.at)))

    def _speak(self, call: Call) -> None:
        self._sender = asyncio.create_task(call.send(self._frames()))

    async def _hush(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        del self._spoken[len(self._times) * FRAME :]

    def _frames(self) -> Iterator[bytes]:
        while True:
            loud, at = self._loud, (self._at + len(self._times)) * FRAME
            frame = (self._voices.loud if loud else self._voices.quiet)[at : at + FRAME]
            self._spoken += frame
            yield frame
            if loud:
                self.loud_frames.append(len(self._times))
            self._times.append(time.monotonic())
