"""When the bridge is away, declines or keeps nothing, the caller hears a voice and never sits in silence."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bridge.phone.pbx import Pbx
from tests.pbx.peer import TONE_HZ, TONE_S, Mode, Peer, Request
from tests.pbx.sipphone import Call
from tests.pbx.sound import RATE, Pcm, babble, decode, encode, frames, likeness, read_wav, tone_spans
from tests.pbx.stage import quiet_line, ring

pytestmark = pytest.mark.pbx

SURE = 0.95
"""Correlation at which a sentence counts as heard (G.711 and the PBX's GSM files are the same samples)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller heard, and how long he was served."""

    sound: Pcm
    seconds: float
    call: Call


async def hear(pbx: Pbx, extensions: list[str], speech: Callable[[Call], bytes] | None = None) -> list[Heard]:
    """Call each extension, speak (or be silent), hear out what comes, until the PBX hangs up."""
    async with AsyncExitStack() as stack:
        calls = await ring(stack, pbx, extensions)
        for call in calls:
            await call.until("answered")
        silence = b"\xff" * 160 * 50 * 30
        talk = [asyncio.create_task(c.send(frames(speech(c) if speech else silence))) for c in calls]
        for call in calls:
            await call.until("ended", 30.0)
        for task in talk:
            task.cancel()
        await asyncio.gather(*talk, return_exceptions=True)
        return [
            Heard(decode(c.rtp.heard(), c.codec), (c.ended_at or 0.0) - (c.answered_at or 0.0), c)
            for c in calls
        ]


def in_trouble(trouble: dict[str, Mode]) -> Callable[[Request], Mode]:
    """Behave by mailbox."""
    return lambda request: trouble.get(request["mailbox"], "decline")


def test_without_voicemail_a_spoken_sentence_in_the_callers_language_ends_the_call(
    pbx: Pbx, prompts: dict[str, Pcm]
) -> None:
    trouble: dict[str, Mode] = {
        "1101": "decline",
        "1102": "decline",
        "1103": "close",
        "1104": "lose",
        "1105": "drop",
        "1106": "unreachable",
    }

    async def story() -> dict[str, Heard]:
        async with Peer(in_trouble(trouble)) as peer:
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            return dict(zip(trouble, await hear(pbx, list(trouble), hash_after_two_seconds), strict=True))

    for number, heard in asyncio.run(story()).items():
        language = "de" if number == "1102" else "en"
        assert likeness(heard.sound, prompts[f"{language}/vm-nobodyavail"]) > SURE, number
        assert likeness(heard.sound, prompts[f"{language}/vm-goodbye"]) > SURE, number
        assert heard.seconds < 15, number


def test_with_nobody_at_the_bridges_address_the_caller_hears_at_once_why(
    pbx: Pbx, prompts: dict[str, Pcm]
) -> None:
    pbx.set_global("AFTERTONE_AGI", "127.0.0.1:9")
    [heard] = asyncio.run(hear(pbx, ["1107"]))
    sentence = prompts["en/vm-nobodyavail"]
    assert likeness(heard.sound[: len(sentence) + RATE // 2], sentence) > SURE
    assert likeness(heard.sound, prompts["en/vm-goodbye"]) > SURE


def test_where_voicemail_knows_the_mailbox_it_takes_the_message(pbx: Pbx, prompts: dict[str, Pcm]) -> None:
    speech = babble(7, 4.0)

    async def story() -> tuple[Heard, Request]:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            [call] = await ring(stack, pbx, ["1012"])
            offer = await peer.until("offer", "1012")
            await call.until("answered")
            await beep_over(call, prompts["en/vm-nobodyavail"])
            await call.send(frames(encode(speech)))
            await call.hang_up()
            await quiet_line(pbx)
            return Heard(decode(call.rtp.heard()), 0.0, call), offer

    heard, _ = asyncio.run(story())
    sentence = prompts["en/vm-nobodyavail"]
    assert likeness(heard.sound, sentence) > SURE
    assert likeness(heard.sound, prompts["en/vm-goodbye"]) < SURE
    [message] = Path(pbx.folder / "spool" / "voicemail" / "default" / "1012").glob("INBOX/*.wav")
    assert likeness(read_wav(message), speech[RATE : 3 * RATE]) > SURE


def test_an_admins_own_fallback_is_used(pbx: Pbx, prompts: dict[str, Pcm]) -> None:
    pbx.set_global("AFTERTONE_AGI", "127.0.0.1:9")
    [heard] = asyncio.run(hear(pbx, ["6006"]))
    assert likeness(heard.sound, prompts["en/tt-weasels"]) > SURE
    assert likeness(heard.sound, prompts["en/vm-nobodyavail"]) < SURE


def test_a_bridge_that_freezes_and_is_killed_lets_the_caller_go_on(pbx: Pbx, prompts: dict[str, Pcm]) -> None:
    async def story() -> tuple[Heard, list[Request]]:
        async with AsyncExitStack() as stack:
            frozen = await stack.enter_async_context(Peer("mute"))
            pbx.set_global("AFTERTONE_AGI", frozen.agi)
            [call] = await ring(stack, pbx, ["1108"])
            await frozen.until("offer", "1108")
            assert call.answered_at is None
            new = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", new.agi)
            await frozen.__aexit__(None, None, None)
            await call.until("ended", 30.0)
            await new.until("gone", "1108")
            return Heard(decode(call.rtp.heard()), 0.0, call), new.requests

    heard, later = asyncio.run(story())
    assert likeness(heard.sound, prompts["en/vm-nobodyavail"]) > SURE
    assert [(r.path, r["status"], r["cause"]) for r in later] == [("gone", "CHANUNAVAIL", "3")], (
        "the bridge that came after learns of the call when it ends"
    )


def test_a_kept_note_ends_with_the_call_and_no_further_word(pbx: Pbx, prompts: dict[str, Pcm]) -> None:
    async def story() -> tuple[list[Heard], Peer]:
        async with Peer("record") as peer:
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            return await hear(pbx, ["1013", "1002"], hash_after_two_seconds), peer

    (english, german), peer = asyncio.run(story())
    for heard, sentence in ((english, prompts["en/vm-nobodyavail"]), (german, prompts["de/vm-nobodyavail"])):
        assert likeness(heard.sound, sentence) > SURE
        [(start, end)] = tone_spans(heard.sound, TONE_HZ)
        assert abs((end - start) - TONE_S) <= 0.06
        assert end < 3.5, "the caller may speak within three and a half seconds of the answer"
        assert not np.any(np.abs(heard.sound[round((end + 0.1) * RATE) :]) > 100)
    assert [take.digits for take in peer.takes.values()] == ["#", "#"]
    assert len(peer.told("result")) == 2


def test_an_admin_may_leave_the_sentence_out_but_never_the_fallback(
    pbx: Pbx, prompts: dict[str, Pcm]
) -> None:
    async def story() -> list[Heard]:
        async with Peer(in_trouble({"1104": "record"})) as peer:
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            return await hear(pbx, ["6104", "6107"], hash_after_two_seconds)

    recorded, declined = asyncio.run(story())
    [(_, end)] = tone_spans(recorded.sound, TONE_HZ)
    assert end < 1.5, "the tone comes at once"
    assert likeness(recorded.sound, prompts["en/vm-nobodyavail"]) < SURE
    assert likeness(declined.sound, prompts["en/vm-nobodyavail"]) > SURE


def test_the_bridge_receives_the_callers_sound_to_the_sample(pbx: Pbx) -> None:
    speech = {"PCMU": encode(babble(1, 5.0)), "PCMA": encode(babble(2, 5.0), "PCMA")}

    async def story() -> list[bytes]:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("record"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            [caller] = [c.phone for c in await ring(stack, pbx, ["1014"])]
            calls = [caller.calls[0], await caller.call("1015", codecs=("PCMA",))]
            for call in calls:
                await call.until("answered")
            await asyncio.gather(*(call.send(frames(speech[call.codec])) for call in calls))
            for call in calls:
                await call.hang_up()
            await quiet_line(pbx)
            return [bytes(take.audio) for take in peer.takes.values()]

    takes = asyncio.run(story())
    assert len(takes) == 2
    for codec, sound in speech.items():
        sent = decode(sound, codec).astype("<i2").tobytes()
        tail = sent[-RATE * 2 :]
        assert any(tail in take for take in takes), f"the last second of {codec} came through unchanged"


async def hash_sent(call: Call) -> None:
    """Press the finish key."""
    await call.digit("#")


def hash_after_two_seconds(call: Call) -> bytes:
    """Speak, and press # while speaking goes on."""
    loop = asyncio.get_running_loop()
    loop.call_later(4.5, lambda: call.phone.keep(loop.create_task(hash_sent(call))))
    return encode(babble(3, 30.0))


async def beep_over(call: Call, sentence: Pcm) -> None:
    """Be silent until the sentence and VoiceMail's beep (0.44 s) are over."""
    frame = b"\xff" * 160
    await call.send([frame] * round((len(sentence) / RATE + 1.0) * 50))
