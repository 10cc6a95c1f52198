"""Many callers at once: their sound is read half as often, and no more of it is in danger."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bridge.call.model import Audio, Call, Digit, Event, Party, Played, Presentation, Reason
from bridge.connect.leg import SEGMENT, AudioSocketLeg
from bridge.connect.pulse import CROWD, DRAIN_S, FRAME_S, Pulse
from bridge.media.prompt import RECORD
from bridge.wire.audiosocket import UUID, Parser
from tests.connect.pbx import frame, key, message
from tests.loop import in_loop

CALL = Call(
    "127.0.0.1 1.1",
    "1001",
    Party("", "", Presentation.UNAVAILABLE),
    "",
    None,
    False,
    Reason.BUSY,
    datetime.now(UTC),
    0.0,
)
FRAMES_OF_TWO = 25
"""Ticks of 0.25 s: 12 frames and a half each, so that no drain falls on a frame's edge."""


class Line:
    """A leg whose tone is over, and the PBX's end of it. One ``tick`` is DRAIN_S."""

    def __init__(self, ours: socket.socket, theirs: socket.socket, lead: int) -> None:
        parser = Parser()
        parser.feed(bytes((UUID, 0, 16)) + bytes(16))
        self.leg = AudioSocketLeg(ours, parser, CALL, Pulse(), lambda kept: None)
        self.told: list[Event] = []
        self.leg._hear = self.told.append
        self.far_end = theirs
        self.now = self.leg._loop.time()
        self.leg.play(RECORD)
        while self.leg.play_frame(self.now):
            pass
        assert self.told == [Played()]
        self.ticks = 0
        self.sent = 0
        self.worst_s = 0.0
        self.say(lead)

    def say(self, frames: int) -> None:
        for _ in range(frames):
            self.far_end.send(message(frame(self.sent)))
            self.sent += 1

    def tick(self) -> int:
        """Let a quarter of a second of speech pass; return the bytes that were read at its end."""
        before = self.read
        self.say(FRAMES_OF_TWO // 2 + self.ticks % 2)
        self.ticks += 1
        self.worst_s = max(self.worst_s, self.in_danger_s)
        self.leg.drain(self.now + self.ticks * DRAIN_S, sparing=True)
        return self.read - before

    @property
    def read(self) -> int:
        return sum(len(event.pcm) for event in self.told if isinstance(event, Audio))

    @property
    def in_danger_s(self) -> float:
        """Seconds of what was said and makes no whole segment of what was read."""
        return (320 * self.sent - self.read // SEGMENT * SEGMENT) / (2 * 8000)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The leg's end and the PBX's."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("lead", range(0, FRAMES_OF_TWO, 4))
def test_in_a_crowd_a_caller_is_read_twice_a_second_and_no_more_of_his_speech_is_in_danger(
    pair: tuple[socket.socket, socket.socket], lead: int
) -> None:
    @in_loop
    async def story() -> None:
        line = Line(*pair, lead)
        reads = 0
        for _ in range(40):
            reads += line.tick() > 0
        assert reads <= 22
        # the lead came at once, before the first tick
        assert line.worst_s <= max(0.5, lead * FRAME_S) + DRAIN_S + FRAME_S
        line.leg.fail()

    story()


def test_in_a_crowd_a_key_is_heard_within_half_a_second_and_at_the_next_drain_while_a_tone_plays(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    @in_loop
    async def story() -> None:
        line = Line(*pair, 0)
        for number in range(8):
            line.tick()
            line.far_end.send(key("*"))
            line.tick()
            line.tick()
            assert line.told.count(Digit("*")) == number + 1
        line.leg.play(RECORD)
        for _ in range(4):
            assert line.tick() > 0
        line.leg.fail()

    story()


class Drained:
    """A leg that remembers how it was drained."""

    def __init__(self) -> None:
        self.sparing: bool | None = None

    def drain(self, now: float, *, sparing: bool) -> None:
        self.sparing = sparing

    def play_frame(self, now: float) -> bool:
        return False

    def fail(self) -> None:
        pass


@in_loop
async def test_a_small_house_is_read_at_every_drain() -> None:
    pulse = Pulse()
    legs = [Drained() for _ in range(CROWD + 1)]
    for leg in legs:
        pulse.add(leg)
    pulse._drain(0.0)
    assert all(leg.sparing for leg in legs)
    pulse.remove(legs.pop())
    pulse._drain(DRAIN_S)
    assert not any(leg.sparing for leg in legs)
    for leg in legs:
        pulse.remove(leg)
