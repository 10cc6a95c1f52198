"""What every Leg must hold, told as stories. Another connector adds its line to LINES and nothing else."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from bridge.call.model import Audio, Digit, Event, Hangup, Leg, Played
from bridge.connect.pulse import DRAIN_S
from bridge.media.prompt import CLOSING, RECORD
from tests.connect.pbx import Caller, OpenDesk, all_of, frame, running
from tests.loop import in_loop


@dataclass
class Line:
    """A leg, the caller at its far end, and what the PBX will be told."""

    leg: Leg
    caller: Caller
    kept: Callable[[], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def audiosocket() -> AsyncIterator[Line]:
    desk = OpenDesk()
    async with running(desk) as pbx:
        caller, media = await pbx.call()

        @asynccontextmanager
        async def kept() -> AsyncIterator[str]:
            yield await pbx.result(media)

        yield Line(await desk.legs.get(), caller, kept)


LINES = [audiosocket]
on_every_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
MakeLine = Callable[[], AbstractAsyncContextManager[Line]]


class Steps:
    """A prompt whose frames are numbered."""

    def __init__(self, first: int, count: int) -> None:
        self.numbers = range(first, first + count)

    def frames(self) -> Iterator[bytes]:
        return (frame(number) for number in self.numbers)


async def first_of(leg: Leg) -> Event:
    first: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
    listening = asyncio.create_task(leg.listen(first.set_result))
    try:
        return await first
    finally:
        listening.cancel()


def sound(events: list[Event]) -> bytes:
    return b"".join(event.pcm for event in events if isinstance(event, Audio))


@on_every_line
@in_loop
async def test_a_leg_knows_its_call(line: MakeLine) -> None:
    async with line() as at:
        assert at.leg.call.mailbox == "1001"
        assert at.leg.call.caller.number == "+4930123456"


@on_every_line
@in_loop
async def test_every_sample_arrives_in_order_and_the_hangup_is_last(line: MakeLine) -> None:
    async with line() as at:
        said = [frame(number) for number in range(150)]
        for start in range(0, 150, 5):
            at.caller.say(*said[start : start + 5])
            await asyncio.sleep(0.01)
        at.caller.hang_up()
        events = await all_of(at.leg)
        assert sound(events) == b"".join(said)
        assert events[-1] == Hangup()
        assert events.count(Hangup()) == 1


@on_every_line
@in_loop
async def test_a_pbx_that_dies_takes_nothing_of_what_it_had_brought(line: MakeLine) -> None:
    async with line() as at:
        said = [frame(number) for number in range(40)]
        at.caller.say(*said)
        await at.caller.writer.drain()
        at.caller.reset()
        events = await all_of(at.leg)
        assert sound(events) == b"".join(said)
        assert events[-1] == Hangup()


@on_every_line
@in_loop
async def test_a_digit_stands_between_the_sounds_around_it(line: MakeLine) -> None:
    async with line() as at:
        at.caller.say(frame(1), frame(2))
        at.caller.press("*")
        at.caller.press("5")
        at.caller.say(frame(3))
        at.caller.hang_up()
        assert await all_of(at.leg) == [
            Audio(frame(1) + frame(2)),
            Digit("*"),
            Digit("5"),
            Audio(frame(3)),
            Hangup(),
        ]


@on_every_line
@in_loop
async def test_a_tone_is_heard_whole_at_its_pace_and_then_played_is_told(line: MakeLine) -> None:
    async with line() as at:
        loop = asyncio.get_running_loop()
        started = loop.time()
        at.leg.play(RECORD)
        assert await first_of(at.leg) == Played()
        assert len(RECORD) * 0.02 - 0.03 < loop.time() - started < 10 * len(RECORD) * 0.02
        assert await at.caller.hear_tone() == b"".join(RECORD.frames())


@on_every_line
@in_loop
async def test_what_comes_after_the_tone_comes_after_played(line: MakeLine) -> None:
    """The caller speaks all the time; nothing is lost or twice at the border."""
    async with line() as at:
        at.leg.play(RECORD)
        said = []
        events = asyncio.create_task(all_of(at.leg))
        heard = 0
        for number in range(60):
            said.append(frame(number))
            at.caller.say(said[-1])
            await asyncio.sleep(0.01)
        at.caller.hang_up()
        told = await events
        border = told.index(Played())
        assert sound(told) == b"".join(said)
        heard = len(sound(told[:border])) // 320
        assert 10 < heard < 60
        assert told.count(Played()) == 1


@on_every_line
@in_loop
async def test_a_second_prompt_takes_the_place_of_the_first(line: MakeLine) -> None:
    async with line() as at:
        at.leg.play(Steps(1, 200))
        await asyncio.sleep(0.1)
        at.leg.play(CLOSING)
        assert await first_of(at.leg) == Played()
        heard = await at.caller.hear_out()
        assert heard.endswith(b"".join(CLOSING.frames()))
        assert len(heard) < 320 * 100


@on_every_line
@in_loop
async def test_who_hears_that_a_prompt_was_played_may_play_the_next_at_once(line: MakeLine) -> None:
    async with line() as at:
        told: list[Event] = []

        def hear(event: Event) -> None:
            told.append(event)
            if event == Played() and told.count(Played()) == 1:
                at.leg.play(CLOSING)

        at.leg.play(RECORD)
        listening = asyncio.create_task(at.leg.listen(hear))
        assert await at.caller.hear_out() == b"".join((*RECORD.frames(), *CLOSING.frames()))
        at.caller.hang_up()
        await listening
        assert told == [Played(), Played(), Hangup()]


@on_every_line
@in_loop
async def test_a_listener_that_fails_hears_of_it_and_the_rest_waits_for_another(line: MakeLine) -> None:
    async with line() as at:

        def fail(_: Event) -> None:
            raise RuntimeError("an error of ours")

        at.caller.say(frame(1))
        with pytest.raises(RuntimeError, match="an error of ours"):
            await at.leg.listen(fail)
        at.caller.say(frame(2))
        at.caller.hang_up()
        assert await all_of(at.leg) == [Audio(frame(2)), Hangup()]


@on_every_line
@in_loop
async def test_what_is_said_while_nobody_listens_is_told_first(line: MakeLine) -> None:
    async with line() as at:
        at.caller.say(frame(1))
        await asyncio.sleep(2 * DRAIN_S)
        at.caller.press("5")
        at.caller.hang_up()
        await asyncio.sleep(2 * DRAIN_S)
        assert await all_of(at.leg) == [Audio(frame(1)), Digit("5"), Hangup()]


@on_every_line
@in_loop
async def test_a_stopped_prompt_is_silent_and_tells_nothing(line: MakeLine) -> None:
    async with line() as at:
        at.leg.play(Steps(1, 200))
        await asyncio.sleep(0.1)
        at.leg.stop()
        assert len(await at.caller.hear_out()) < 320 * 100
        at.caller.hang_up()
        assert await all_of(at.leg) == [Hangup()]


@on_every_line
@in_loop
async def test_a_muted_caller_is_not_cut_off(line: MakeLine) -> None:
    """Asterisk ends an AudioSocket after two seconds without a message."""
    async with line() as at:
        for _ in range(3):
            async with asyncio.timeout(1.5):
                assert await at.caller.hear() == (0x10, bytes(320))
        assert at.leg.call.linkedid == "127.0.0.1 1.1"


@pytest.mark.parametrize("kept", [True, False])
@on_every_line
@in_loop
async def test_giving_the_caller_back_ends_the_leg_and_tells_the_pbx(line: MakeLine, kept: bool) -> None:
    async with line() as at:
        events = asyncio.create_task(all_of(at.leg))
        at.caller.say(frame(1))
        await asyncio.sleep(2 * DRAIN_S)
        await at.leg.hang_up(kept)
        assert await events == [Audio(frame(1)), Hangup()]
        assert (await at.caller.gone())[-1] == 0
        async with at.kept() as told:
            assert told == ("yes" if kept else "no")


@on_every_line
@in_loop
async def test_hanging_up_twice_and_playing_into_a_dead_line_harm_nobody(line: MakeLine) -> None:
    async with line() as at:
        at.caller.hang_up()
        assert await all_of(at.leg) == [Hangup()]
        at.leg.play(RECORD)
        at.leg.stop()
        await at.leg.hang_up(True)
        await at.leg.hang_up(False)
        async with at.kept() as told:
            assert told == "yes"


@on_every_line
@in_loop
async def test_a_caller_who_never_listens_does_not_make_us_hoard(line: MakeLine) -> None:
    async with line() as at:
        at.caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(40):
            at.leg.play(Steps(1, 4))
            await asyncio.sleep(0.02)
        at.caller.say(struct.pack("<160h", *range(160)))
        at.caller.hang_up()
        told = await all_of(at.leg)
        assert sound(told) == struct.pack("<160h", *range(160))
        assert told[-1] == Hangup()
