"""One AudioSocket connection as a Leg."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from bridge.call.model import SAMPLE_RATE, Audio, Call, Digit, Event, Hangup, Played, Prompt
from bridge.connect.pulse import Pulse
from bridge.errors import PeerError, TooMuch
from bridge.wire.audiosocket import DIGIT, GOODBYE, SILENCE, SOUND, Message, Parser, sound

log = logging.getLogger("aftertone.audiosocket")

READ = 65536
"""Bytes read at once: 4 s of sound. What a frozen process left in the kernel is read in a few drains."""

QUEUE = 600
"""Events kept while nobody listens (a minute of sound and more). Nothing is dropped: a full queue stops the
reading."""

AHEAD_S = 30.0
"""Seconds of sound a peer may be ahead of the clock before it counts as a flood. Behind a long pause of ours
the clock has gone on too, so a real PBX is never ahead by more than its own buffers."""

SEGMENT = SAMPLE_RATE
"""Bytes of the half second in which a note is written, counted from Played on. Sound that is read before its
segment is whole is no safer in our memory than in the kernel's."""

SILENT_FRAME_S = 1.0
"""Asterisk ends an AudioSocket after 2 s without a message in either direction."""

FAR_END_S = 10.0
"""While the caller's sound comes, silence is sent this often only: carriers end calls whose RTP stops, mostly
after 30 s. Each second of it cost Asterisk about 1 ms of processor time a note."""

LINGER_S = 2.0
"""How long a connection that we gave back may take to close; closing at once would reset it, and the PBX
could lose the message that says so."""

_buffer = bytearray(READ)
_view = memoryview(_buffer)


class AudioSocketLeg:
    """A Leg over a connected, non-blocking socket whose first message, the UUID, was already read.

    ``parser`` goes on where that left off; ``on_kept`` hears what the PBX shall be told of the note.
    """

    def __init__(
        self, sock: socket.socket, parser: Parser, call: Call, pulse: Pulse, on_kept: Callable[[bool], None]
    ) -> None:
        self._sock = sock
        self._parser = parser
        self._call = call
        self._pulse = pulse
        self._on_kept = on_kept
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Event] = deque()
        self._hear: Callable[[Event], None] | None = None
        self._heard_out: asyncio.Future[None] | None = None
        self._frames: Iterator[bytes] | None = None
        self._next: bytes | None = None
        self._outbox = b""
        self._over = False
        self._closes_at: float | None = None
        self._silent_at: float
        self._far_end_at: float
        self._spoken = 0
        self._whole_at = 0.0
        now = self._loop.time()
        self._received = 2 * SAMPLE_RATE * (now - AHEAD_S)
        self._sent(now)
        pulse.add(self)

    @property
    def call(self) -> Call:
        """Who, whom, why."""
        return self._call

    async def listen(self, hear: Callable[[Event], None]) -> None:
        """Tell ``hear`` each event in its order and at once; return after Hangup. One listener only.

        What ``hear`` raises ends the listening and is raised here. It is called from the ticker: a queue
        that wakes a task costs 12 us more for each caller and second.
        """
        while self._queue:
            event = self._queue.popleft()
            hear(event)
            if type(event) is Hangup:
                return
        self._hear, self._heard_out = hear, self._loop.create_future()
        try:
            await self._heard_out
        finally:
            self._hear = None

    def play(self, prompt: Prompt) -> None:
        """Start a prompt and return at once; a prompt that still plays is replaced."""
        if self._over:
            return
        self._frames = iter(prompt.frames())
        self._next = next(self._frames, None)
        self._pulse.play(self)

    def stop(self) -> None:
        """End the prompt that plays; no Played follows."""
        self._frames = self._next = None

    async def hang_up(self, kept: bool) -> None:
        """Give the caller back to the PBX: Hangup is told, the connection closes soon after."""
        self._on_kept(kept)
        if self._over:
            return
        self._write(GOODBYE)
        self._finish()
        if self._closes_at is None:
            self._closes_at = self._loop.time() + LINGER_S

    def drain(self, now: float, *, sparing: bool = False) -> None:
        """Read what has come; keep the connection alive. ``sparing``: a caller who speaks is read only when
        the next segment can be whole, but a prompt that plays is always one that a key may end."""
        if self._closes_at is not None:
            self._linger(now)
            return
        if not sparing or now >= self._whole_at or self._playing:
            self._read(now)
        self._flush()
        if now >= self._silent_at and not self._over and not self._outbox:
            self._write(SILENCE)
            self._sent(now)

    def play_frame(self, now: float) -> bool:
        """Send the next frame of the prompt, and Played behind the last one."""
        if self._over or self._frames is None:
            return False
        self._flush()
        if self._outbox:
            return True
        frame, self._next = self._next, next(self._frames, None)
        if self._next is None:
            # What was spoken before the end of the tone belongs before Played; what comes later behind it.
            self._read(now)
            if not self._playing:
                return False
        if frame is not None:
            self._write(sound(frame))
            self._sent(now)
        if self._next is None and not self._outbox:
            self._frames = None
            self._spoken = 0
            self._put(Played())
        # Who hears of it may have begun the next prompt.
        return self._playing

    @property
    def _playing(self) -> bool:
        return self._frames is not None

    def take(self, messages: Iterable[Message]) -> None:
        """Turn messages into events; also used for those that came with the UUID."""
        pieces: list[bytes] = []
        for message in messages:
            if message.kind == SOUND:
                pieces.append(message.payload)
                continue
            self._put_sound(pieces)
            pieces = []
            if message.kind == DIGIT:
                self._put(Digit(message.payload.decode("ascii")))
            else:
                self._close()
                return
        self._put_sound(pieces)
        if self._parser.fault is not None:
            self._broken(self._parser.fault)

    def fail(self) -> None:
        """End after an error of ours."""
        self._close()

    def _read(self, now: float) -> None:
        if len(self._queue) >= QUEUE:
            return
        try:
            count = self._sock.recv_into(_buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._close()
            return
        self._received += count
        self._silent_at = min(now + SILENT_FRAME_S, self._far_end_at)
        if self._received > 2 * SAMPLE_RATE * now:
            self._broken(TooMuch("sound faster than anybody can speak"))
            return
        self.take(self._parser.feed(bytes(_view[:count])))
        self._whole_at = now + (SEGMENT - self._spoken % SEGMENT) / (2 * SAMPLE_RATE)

    def _linger(self, now: float) -> None:
        """Read into nothing until the PBX closes, or long enough."""
        self._flush()
        try:
            gone = not self._sock.recv_into(_buffer)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone or (self._closes_at is not None and now >= self._closes_at):
            self._pulse.remove(self)
            self._sock.close()

    def _put_sound(self, pieces: list[bytes]) -> None:
        pcm = b"".join(pieces)
        if pcm:
            self._spoken += len(pcm)
            self._put(Audio(pcm))

    def _put(self, event: Event) -> None:
        if self._over:
            return
        if self._hear is None:
            self._queue.append(event)
            return
        try:
            self._hear(event)
        except Exception as error:
            self._end_listening(error)

    def _sent(self, now: float) -> None:
        self._silent_at = now + SILENT_FRAME_S
        self._far_end_at = now + FAR_END_S

    def _write(self, data: bytes) -> None:
        self._outbox += data
        self._flush()

    def _flush(self) -> None:
        """Send what the socket takes. The rest waits; nothing but the goodbye is added to a rest, so it stays
        below two messages."""
        if not self._outbox:
            return
        try:
            sent = self._sock.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            # The reading side learns of the end, behind the sound that came before it.
            self._outbox = b""
            return
        self._outbox = self._outbox[sent:]

    def _broken(self, fault: PeerError) -> None:
        log.warning("connection closed: %s", fault)
        self._close()

    def _close(self) -> None:
        self._finish()
        self._pulse.remove(self)
        self._sock.close()

    def _finish(self) -> None:
        """Hangup is the last event."""
        self._put(Hangup())
        self._over = True
        self._frames = self._next = None
        self._end_listening(None)

    def _end_listening(self, error: Exception | None) -> None:
        self._hear = None
        if self._heard_out is None or self._heard_out.done():
            return
        if error is None:
            self._heard_out.set_result(None)
        else:
            self._heard_out.set_exception(error)
