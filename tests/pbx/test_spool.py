"""The real VoiceMail records where the bridge cannot; the bridge takes it over, and the house has one row a
call."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.call.model import Codec
from bridge.intake.limits import Limits
from bridge.intake.takeover import Takeover
from bridge.media import g711
from bridge.phone.pbx import Extension, Pbx
from tests.installation import Installation
from tests.intake.inbox import Inbox
from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Phone, Script
from tests.pbx.sound import RATE, Pcm, babble, decode, encode, frames, likeness
from tests.pbx.stage import CALLER, quiet_line, telephones
from tests.pbx.whole import speak
from tests.store.house import House, claim, joined

pytestmark = pytest.mark.pbx

DIALPLAN = """include => machine
[machine]
exten => _9XXXX,1,Answer()
 same => n,VoiceMail(${EXTEN:1}@default,s)
 same => n,Hangup()
exten => _7XXXX,1,Answer()
 same => n,VoiceMailMain(${EXTEN:1}@default,s)
 same => n,Hangup()
"""

TAKEN_WITHIN_S = 120.0
"""A message is taken some ten seconds after its caller hung up."""

HOLDS_S = 30.0
"""The first caller speaks while the second one is sent to VoiceMail."""


@pytest.fixture(scope="module")
def voicemail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """A PBX of this file's own, whose VoiceMail writes the formats of Asterisk's sample configuration."""
    boxes = [Extension(str(number)) for number in range(1001, 1006)]
    own = Pbx(
        tmp_path_factory.mktemp("voicemail"), extensions=boxes, ring_s=1, agi="127.0.0.1:9", extra=DIALPLAN
    )
    with own:
        formats(own, "wav49|gsm|wav")
        yield own


def formats(pbx: Pbx, names: str) -> None:
    """Have VoiceMail write these formats."""
    file = pbx.folder / "etc" / "voicemail.conf"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines = [f"format={names}" if line.startswith("format=") else line for line in lines]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "reloaded" in pbx.command("module reload app_voicemail.so")


def spool_of(pbx: Pbx) -> Path:
    return pbx.folder / "spool" / "voicemail"


def messages(pbx: Pbx, mailbox: str) -> list[str]:
    return sorted(path.name for path in spool_of(pbx).glob(f"default/{mailbox}/INBOX/*"))


async def leave_message(call: Call, seed: int, seconds: float, silent_s: float) -> Pcm:
    """Wait out sentence and beep in silence, then speak and hang up; return what was said."""
    await call.until("answered")
    await call.send([b"\xff" * 160] * round(silent_s * 50))
    said = babble(seed, seconds)
    await call.send(frames(encode(said)))
    await call.hang_up()
    return said


async def taken_over(house: Installation, mailbox: str) -> dict[str, Any]:
    """Wait for the one row of a mailbox to have its note."""
    async with asyncio.timeout(TAKEN_WITHIN_S):
        while True:
            rows = [row for row in await asyncio.to_thread(house.rows) if row["mailbox"] == mailbox]
            if rows and rows[0]["notes"]:
                [row] = rows
                return row
            await asyncio.sleep(0.5)


def note_of(house: Installation, row: dict[str, Any]) -> Pcm:
    [note] = row["notes"]
    tag, stored = house.open(str(note["id"]))
    assert tag == 7
    return decode(stored)


def inbox_of(mailbox: str, folder: Path, pbx: Pbx) -> tuple[Inbox, Takeover]:
    """Return a mailbox with its owner, and a takeover whose clock is ahead: app_voicemail is given no time to
    finish in peace."""
    house = House(folder / "data")
    anna = joined(house.store, "Anna", mailbox)
    box = house.store.mailboxes.by_extension(mailbox)
    assert box is not None
    inbox = Inbox(house, anna, box.id, claim(house.store, anna, box.id))
    work = Takeover(house.store, spool_of(pbx), Limits(), house.news.append, clock=lambda: time.time() + 60)
    return inbox, work


def test_a_caller_for_whom_the_bridge_is_full_has_one_row_with_his_message(
    voicemail: Pbx, tmp_path: Path
) -> None:
    spool = str(spool_of(voicemail))
    with Installation(tmp_path, SPOOL=spool, MAX_CALLS="1") as house:
        house.add_reader("1001", "1002")
        voicemail.set_global("AFTERTONE_AGI", house.agi)

        async def story() -> tuple[Pcm, dict[str, Any]]:
            async with AsyncExitStack() as stack:
                await telephones(stack, voicemail, {"1002": Script(final=486)})
                phone = await stack.enter_async_context(Phone(voicemail.sip_port, CALLER))
                first = await phone.call("1001")
                speaking = asyncio.create_task(speak(first, 1, HOLDS_S))
                await first.until("answered")
                second = await phone.call("1002", display="Anna Weber", from_user="4930222")
                said = await leave_message(second, 2, 3.0, 4.5)
                row = await taken_over(house, "1002")
                await first.hang_up()
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
                await quiet_line(voicemail)
                return said, row

        said, row = asyncio.run(story())
        assert (row["from_number"], row["from_name"], row["reason"]) == ("4930222", "Anna Weber", "busy")
        heard = note_of(house, row)
        sent = decode(encode(said))[RATE : 2 * RATE]
        at = next(at for at in range(len(heard) - RATE) if np.array_equal(heard[at : at + 160], sent[:160]))
        assert np.array_equal(heard[at : at + RATE], sent), "of three formats the one without loss was taken"
        assert messages(voicemail, "1002") == []
        assert len([row for row in house.finished_rows() if row["mailbox"] == "1002"]) == 1
        log = house.log()
        assert "1 messages taken over from the spool, 1 removed" in log
        assert "4930222" not in log and "Anna" not in log


def test_a_bridge_that_was_away_files_the_call_as_it_was_when_it_comes_back(
    voicemail: Pbx, tmp_path: Path
) -> None:
    formats(voicemail, "gsm")
    voicemail.set_global("AFTERTONE_AGI", "127.0.0.1:9")

    async def story() -> Pcm:
        async with AsyncExitStack() as stack:
            await telephones(stack, voicemail, {"1003": Script(final=603)})
            phone = await stack.enter_async_context(Phone(voicemail.sip_port, CALLER))
            call = await phone.call("1003", display="Bert", from_user="4930333")
            said = await leave_message(call, 3, 3.0, 4.5)
            await quiet_line(voicemail)
            return said

    began = time.time()
    said = asyncio.run(story())
    assert messages(voicemail, "1003") == ["msg0000.gsm", "msg0000.txt"]
    inbox, work = inbox_of("1003", tmp_path, voicemail)
    asyncio.run(work.round())
    [row] = inbox.rows()
    caller = inbox.record(row)["from"]
    assert (caller["number"], caller["name"], row.reason) == ("4930333", "Bert", "declined")
    heard = inbox.heard(row)
    assert likeness(heard, said[RATE : 2 * RATE]) > 0.5
    assert likeness(heard, babble(4, 3.0)[RATE : 2 * RATE]) < 0.1
    assert messages(voicemail, "1003") == []
    assert began - 2 <= row.received_at.timestamp() <= began + 5, "when it rang, not when he spoke"
    inbox.store.close()


def test_callers_and_a_listener_at_work_in_the_same_folder_lose_and_mix_up_nothing(
    voicemail: Pbx, tmp_path: Path
) -> None:
    """Ten callers at once, VoiceMailMain twice (which renumbers), and a takeover that looks all the time."""
    formats(voicemail, "wav")
    inbox, work = inbox_of("1004", tmp_path, voicemail)
    seeds = {f"493044{seed:02}": seed for seed in range(10)}

    async def look() -> None:
        while True:
            await work.round()
            await asyncio.sleep(0.01)

    async def story() -> dict[str, Pcm]:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(voicemail.sip_port, CALLER))
            looking = asyncio.create_task(look())
            calls = {number: await phone.call("91004", from_user=number) for number in seeds}
            said = asyncio.gather(
                *(leave_message(calls[n], seed, 2.0 + seed / 5, 0.8) for n, seed in seeds.items())
            )
            for _ in range(2):
                listener = await phone.call("71004")
                await listener.until("answered")
                await asyncio.sleep(1.0)
                await listener.hang_up()
            sounds = dict(zip(seeds, await said, strict=True))
            await quiet_line(voicemail)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await work.round()
            return sounds

    said = asyncio.run(story())
    rows = {inbox.record(row)["from"]["number"]: row for row in inbox.rows()}
    assert rows.keys() == said.keys()
    assert len(inbox.rows()) == len(seeds)
    for number, sound in said.items():
        sent = g711.decode(encode(sound), Codec.PCMU)[RATE // 2 : RATE]
        assert likeness(inbox.heard(rows[number]), sent) > 0.99, number
    assert (messages(voicemail, "1004"), work.status.left_count) == ([], 0)
    log = (voicemail.folder / "log" / "messages").read_text(encoding="utf-8", errors="replace")
    assert "Failed to lock path" not in log and "lost" not in log
    inbox.store.close()
