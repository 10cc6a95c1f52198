"""Callers who are gone, behind a line that goes on: what the row says, and when the recorder hangs up."""

import asyncio
from pathlib import Path

import pytest

from bridge.media.prompt import CLOSING
from tests.connect.pbx import Caller
from tests.loop import in_loop
from tests.media.corpus import TONES, Sound, at, hum, line, tone
from tests.pbx.sound import FRAME
from tests.session.answering import answering, begin, heard_as, say, speech

SILENCE_S = 2.0
"""Of the clock; ``say`` brings some 15 s of sound in it, less on a busy machine."""


def frames(sound: Sound) -> list[bytes]:
    """Return what the PBX sends of it."""
    pcm = line(sound).astype("<i2")
    return [pcm[first : first + FRAME].tobytes() for first in range(0, len(pcm) - FRAME + 1, FRAME)]


async def talk(caller: Caller, sound: list[bytes]) -> bytes:
    """Send it until the bridge plays something; return what that was."""
    # Slower than `say` would: on a busy machine ten times as fast as people is soon a flood.
    talking = asyncio.create_task(say(caller, sound, every_s=0.006))
    async with asyncio.timeout(60):
        while not any(first := (await caller.hear())[1]):
            pass
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    return first + await caller.hear_tone()


LINES = {
    **{
        name: at(tone(TONES[name], 60), -13)
        for name in ("de busy", "us reorder", "uk ringback", "us dial", "special information", "fax calling")
    },
    "hum": at(hum(60, 50), -25),
}


@pytest.mark.thorough
@in_loop
async def test_a_line_that_nobody_speaks_on_is_hung_up_and_its_sound_kept(tmp_path: Path) -> None:
    """The callers hung up behind an analogue gateway, which sends their busy tone for minutes."""
    async with answering(tmp_path, silence_s=SILENCE_S) as service:

        async def leave(name: str, number: int) -> None:
            caller, media = await begin(service, f"{number}.1", calleridname=name)
            assert b"".join(CLOSING.frames()) == await talk(caller, frames(LINES[name]))
            assert await service.pbx.result(media) == "yes"

        await asyncio.gather(*(leave(name, number) for number, name in enumerate(LINES, 1)))
        assert len(service.rows()) == len(LINES)
        for row in service.rows():
            (note,) = row.notes
            opened = service.opened(note)
            assert (note.state, note.speech) == ("kept", False)
            assert opened.meta["ended"] == "silence"
            assert opened.seconds < 55
            sent = b"".join(frames(LINES[service.record(row)["from"]["name"]]))
            assert sent.startswith(heard_as(opened))


@pytest.mark.thorough
@in_loop
async def test_what_was_said_before_the_busy_tone_is_a_note(tmp_path: Path) -> None:
    async with answering(tmp_path, silence_s=SILENCE_S) as service:
        caller, media = await begin(service)
        said = speech(3, seed=31)
        assert b"".join(CLOSING.frames()) == await talk(caller, [*said, *frames(LINES["de busy"])])
        assert await service.pbx.result(media) == "yes"
        note = service.note()
        opened = service.opened(note)
        assert (note.speech, opened.meta["ended"]) == (True, "silence")
        assert heard_as(opened).startswith(b"".join(said))
        assert opened.seconds < 55
