"""The whole way with real parts: a caller speaks, and the key holder hears exactly that; nothing else can."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from bridge.phone.pbx import Pbx
from tests.installation import Installation
from tests.pbx.sipphone import Phone, Script
from tests.pbx.sound import FRAME, RATE, decode, encode, frames
from tests.pbx.stage import quiet_line, telephones
from tests.pbx.whole import BREATH_S, Said, closing_heard, compare, note_from, speak, until_tone

pytestmark = pytest.mark.pbx

BOXES = [str(number) for number in range(1001, 1041)]
LONGEST_WAIT_S = 3.5
"""Promised from the end of the ringing to the end of the tone."""

"""A note is being finished for a moment after its caller hung up."""

SLACK = 10.0
"""Times are promises of the bench; here only their order is held."""


@pytest.fixture(scope="module")
def house(pbx: Pbx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation whose reader owns every mailbox, and the PBX pointed at it."""
    with Installation(tmp_path_factory.mktemp("house")) as house:
        house.add_reader(*BOXES)
        pbx.set_global("AFTERTONE_AGI", house.agi)
        yield house


def test_the_sentence_spoken_is_the_sentence_heard(pbx: Pbx, house: Installation) -> None:
    async def story() -> Said:
        async with AsyncExitStack() as stack:
            phones = await telephones(stack, pbx, {"1001": Script()})
            said = await note_from(pbx, "1001", 1, 3.0, number="4930111", display="Anna Weber")
            assert len(phones["1001"].calls) == 1
            return said

    said = asyncio.run(story())
    [row] = house.finished_rows("4930111")
    assert (row["mailbox"], row["from_name"], row["reason"]) == ("1001", "Anna Weber", "no_answer")
    [note] = row["notes"]
    assert note["ended"] == "caller_hangup"
    tag, stored = house.open(str(note["id"]))
    assert tag == 7
    compare(stored, said)
    assert abs(float(note["seconds"]) - len(stored) / 8000) < 0.001
    assert said.wait_s < LONGEST_WAIT_S * SLACK


def test_an_a_law_call_is_stored_in_a_law_without_loss(pbx: Pbx, house: Installation) -> None:
    said = asyncio.run(note_from(pbx, "1002", 2, 2.0, number="4930112", codec="PCMA"))
    [row] = house.finished_rows("4930112")
    [note] = row["notes"]
    tag, stored = house.open(str(note["id"]))
    assert tag == 6
    compare(stored, said)


def test_twenty_callers_at_once_are_not_mixed_up(pbx: Pbx, house: Installation) -> None:
    numbers = [f"49301200{index:02}" for index in range(20)]

    async def story() -> list[Said]:
        async with AsyncExitStack() as stack:
            phones = [await stack.enter_async_context(Phone(pbx.sip_port, number)) for number in numbers]
            calls = [await phone.call(f"10{10 + index}") for index, phone in enumerate(phones)]
            return await asyncio.gather(*(speak(c, 100 + i, 2.0 + i % 3) for i, c in enumerate(calls)))

    said = asyncio.run(story())
    rows = {str(row["from_number"]): row for row in house.finished_rows(*numbers)}
    for index, number in enumerate(numbers):
        assert rows[number]["mailbox"] == f"10{10 + index}"
        [note] = rows[number]["notes"]
        _, stored = house.open(str(note["id"]))
        compare(stored, said[index])


def test_hash_sends_the_note_and_a_closing_tone_says_so(pbx: Pbx, house: Installation) -> None:
    async def story() -> Said:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, "4930113"))
            call = await phone.call("1003")
            said = await speak(call, 3, 2.0, hang_up=False)
            await call.digit("#")
            await call.until("ended")
            assert closing_heard(call)
            return said

    said = asyncio.run(story())
    [row] = house.finished_rows("4930113")
    [note] = row["notes"]
    assert note["ended"] == "finish_key"
    _, stored = house.open(str(note["id"]))
    compare(stored, said)


def test_a_caller_presses_one_and_his_note_is_urgent_and_whole(pbx: Pbx, house: Installation) -> None:
    async def story() -> Said:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, "4930129"))
            call = await phone.call("1003")
            said = await speak(call, 33, 2.0, hang_up=False)
            await call.digit("1")
            await asyncio.sleep(BREATH_S)
            await call.hang_up()
            return said

    said = asyncio.run(story())
    [row] = house.finished_rows("4930129")
    [note] = row["notes"]
    assert (note["urgent"], note["ended"]) == (True, "caller_hangup")
    _, stored = house.open(str(note["id"]))
    compare(stored, said)


def test_star_starts_again_and_the_first_take_is_gone(pbx: Pbx, house: Installation) -> None:
    async def story() -> Said:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, "4930114"))
            call = await phone.call("1004")
            await speak(call, 4, 2.0, hang_up=False)
            call.rtp.packets.clear()
            await call.digit("*")
            return await speak(call, 5, 2.0)

    said = asyncio.run(story())
    [row] = house.finished_rows("4930114")
    [note] = row["notes"]
    _, stored = house.open(str(note["id"]))
    # All of it is of the second take, without a hole.
    assert stored.replace(b"\x7f", b"\xff") in said.sent.replace(b"\x7f", b"\xff")
    assert len(stored) > 1.5 * RATE


def test_silence_ends_the_note_and_the_row_says_no_speech(pbx: Pbx, tmp_path: Path) -> None:
    with Installation(tmp_path, SILENCE_S="2") as house:
        house.add_reader("1005")
        pbx.set_global("AFTERTONE_AGI", house.agi)

        async def story() -> None:
            async with AsyncExitStack() as stack:
                phone = await stack.enter_async_context(Phone(pbx.sip_port, "4930115"))
                call = await phone.call("1005")
                await call.until("answered")
                silence = asyncio.create_task(call.send(frames(encode(np.zeros(20 * RATE, np.int16)))))
                await until_tone(call)
                await call.until("ended")
                silence.cancel()
                assert closing_heard(call)

        asyncio.run(story())
        [row] = house.finished_rows()
        [note] = row["notes"]
        assert (note["ended"], note["speech"]) == ("silence", False)
        assert 2.0 <= float(note["seconds"]) < 4.0


OUTCOMES = {
    "1021": (Script(), "no_answer"),
    "1022": (Script(final=480), "no_answer"),
    "1023": (Script(final=486), "busy"),
    "1024": (Script(final=600), "busy"),
    "1025": (Script(final=603), "declined"),
    "1026": (Script(final=404), "unreachable"),
    "1027": (Script(final=488), "failed"),
    "1028": (Script(final=500), "failed"),
    "1029": (Script(final=503), "unreachable"),
}


def test_every_outcome_is_a_row_with_its_reason_and_an_answered_call_is_none(
    pbx: Pbx, house: Installation
) -> None:
    pbx.set_global("AFTERTONE_AGI", house.agi)

    async def story() -> None:
        async with AsyncExitStack() as stack:
            scripts = {number: script for number, (script, _) in OUTCOMES.items()}
            await telephones(stack, pbx, {**scripts, "1030": Script(final=200, talk_s=0.5), "1031": Script()})
            caller = await stack.enter_async_context(Phone(pbx.sip_port, "outside"))
            calls = {
                number: await caller.call(number, from_user=f"4940{number}")
                for number in [*OUTCOMES, "1030", "1031", "1032"]
            }
            await calls["1031"].until("ringing")
            await calls["1031"].cancel()
            await calls["1030"].until("ended")
            for number in [*OUTCOMES, "1032"]:
                await calls[number].until("answered")
                await until_tone(calls[number])
                await calls[number].hang_up()
            await quiet_line(pbx)

    asyncio.run(story())
    told = {str(row["from_number"]): row["reason"] for row in house.finished_rows()}
    wanted = {f"4940{number}": reason for number, (_, reason) in OUTCOMES.items()}
    wanted |= {"49401031": "cancelled", "49401032": "unreachable"}
    assert {number: told[number] for number in wanted} == wanted
    assert "49401030" not in told


def test_nothing_readable_was_ever_on_a_disk(pbx: Pbx, house: Installation) -> None:
    pbx.set_global("AFTERTONE_AGI", house.agi)
    name, number = "Quendolyn Markwart", "49307654321"
    said = asyncio.run(note_from(pbx, "1006", 6, 2.5, number=number, display=name))
    [row] = house.finished_rows(number)
    [note] = row["notes"]
    _, stored = house.open(str(note["id"]))
    compare(stored, said)
    middle = stored[len(stored) // 2 :][:FRAME]
    markers = {
        "u-law": middle,
        "a-law": encode(decode(middle), "PCMA"),
        "PCM": decode(middle).astype("<i2").tobytes(),
        "PCM, big endian": decode(middle).astype(">i2").tobytes(),
        "name": name.encode(),
        "name, UTF-16": name.encode("utf-16-le"),
        "number": number.encode(),
        "number, hex": number.encode().hex().encode(),
    }
    found = [
        (file.name, what)
        for place in (house.data, house.temporary, pbx.folder / "spool")
        for file in place.rglob("*")
        if file.is_file() and not file.is_symlink()
        for what, marker in markers.items()
        if marker in file.read_bytes()
    ]
    assert found == []
    assert name not in house.log()
    assert number not in house.log()
