"""While the bridge is away the PBX keeps its missed calls; when it is back, each is one row and the PBX keeps
nothing."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import pytest

from bridge.call.policy import party_of
from bridge.connect.journal import FAMILY
from bridge.phone.pbx import AMI_USER, Extension, Pbx
from tests.hostile.test_texts import NAMES
from tests.installation import Installation
from tests.pbx.sipphone import Phone, Script
from tests.pbx.stage import CALLER, quiet_line, telephones
from tests.pbx.whole import note_from

pytestmark = pytest.mark.pbx

FILED_WITHIN_S = 60.0
"""The bridge asks when it is connected to the PBX, in the first second."""

MANY = 400
"""Calls that are in the journal when the bridge is killed while it reads: a second's work."""

DIALPLAN = """include => many

[many]
; whoever is not served is gone at once
exten => _3XXX,1,Set(AFTERTONE_FALLBACK=short)
 same => n,Goto(1${EXTEN:1},1)
; whoever is not served listens to something
exten => _4XXX,1,Set(AFTERTONE_FALLBACK=long)
 same => n,Goto(1${EXTEN:1},1)
; what a hang-up in the middle of the journal's lines leaves to the hangup handler
exten => _5XXX,1,Set(AFTERTONE_ENTRY=aftertone-journal/99)
 same => n,Goto(3${EXTEN:1},1)
; so many calls of mailbox 1004 in the journal
exten => _9XXX,1,Set(LEFT=${EXTEN:1})
 same => n(again),GotoIf($[0${LEFT}=0]?end)
 same => n,Set(CALL=v1,1004,BUSY,17,0,many-${LEFT},${EPOCH},,0,1004,)
 same => n,Set(DB(aftertone-journal/$[${LEFT} % 90 + 10]/m-${LEFT})=${EPOCH},,,,,${CALL})
 same => n,Set(LEFT=$[${LEFT} - 1])
 same => n,Goto(again)
 same => n(end),Hangup()
; a hundred drawers full of keys
exten => 8000,1,Set(LEFT=1500)
 same => n(again),GotoIf($[0${LEFT}=0]?end)
 same => n,Set(DB(aftertone-journal/${LEFT:-2}/${LEFT}${LONG})=x)
 same => n,Set(LEFT=$[${LEFT} - 1])
 same => n,Goto(again)
 same => n(end),Hangup()

[short]
exten => _X.,1,Hangup()
[long]
exten => _X.,1,Wait(120)
"""


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """A PBX of this file's own."""
    own = Pbx(
        tmp_path_factory.mktemp("journal"),
        extensions=[Extension(str(number)) for number in range(1001, 1010)],
        ring_s=1,
        agi="127.0.0.1:9",
        extra=DIALPLAN,
    )
    with own:
        yield own


@pytest.fixture
def pbx(lone: Pbx) -> Pbx:
    """The same with an empty journal and no bridge."""
    lone.command(f"database deltree {FAMILY}")
    lone.set_global("AFTERTONE_AGI", "127.0.0.1:9")
    lone.set_global("AFTERTONE_JOURNAL_CALLER", "no")
    assert kept(lone) == {}
    return lone


def kept(pbx: Pbx) -> dict[str, str]:
    """Return the journal as Asterisk's console shows it."""
    lines = pbx.command(f"database show {FAMILY}").splitlines()
    return {
        line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines if line[:1] == "/"
    }


def house_at(folder: Path, pbx: Pbx, *, ami: bool) -> Installation:
    """Return a bridge, not started, that this PBX will find."""
    access = {"AMI": f"127.0.0.1:{pbx.ami_port}", "AMI_USER": AMI_USER, "AMI_SECRET": pbx.ami_secret}
    house = Installation(folder, **(access if ami else {}))
    pbx.set_global("AFTERTONE_AGI", house.agi)
    return house


def until(what: Callable[[], bool], why: Callable[[], str], deadline_s: float = FILED_WITHIN_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end, why()
        time.sleep(0.05)


def call(pbx: Pbx, *extensions: str, hang_up: bool = False) -> None:
    """Call extensions at the same time and hear them out, or hang up at the first word."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
            for one in [await phone.call(extension) for extension in extensions]:
                if hang_up:
                    await one.until("answered")
                    await one.hang_up()
                await one.until("ended", 30.0)
            await quiet_line(pbx)

    asyncio.run(story())


async def gives_up(pbx: Pbx, extension: str) -> None:
    """Hang up while it rings."""
    async with AsyncExitStack() as stack:
        await telephones(stack, pbx, {extension: Script()})
        phone = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
        one = await phone.call(extension)
        await one.until("ringing")
        await one.cancel()
        await quiet_line(pbx)


async def three_callers(pbx: Pbx) -> None:
    """One rings out, one meets a busy telephone, one gives up while it rings."""
    async with AsyncExitStack() as stack:
        await telephones(stack, pbx, {"1001": Script(), "1002": Script(final=486), "1003": Script()})
        phone = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
        first, second, third = [
            await phone.call(extension, display="Anna") for extension in ("3001", "3002", "3003")
        ]
        await third.until("ringing")
        await third.cancel()
        for one in (first, second):
            await one.until("ended", 30.0)
        await quiet_line(pbx)


OUTCOMES = {"1001": "no_answer", "1002": "busy", "1003": "cancelled"}


def test_what_was_missed_while_the_bridge_was_away_are_rows_when_it_is_back(pbx: Pbx, tmp_path: Path) -> None:
    began = time.time()
    asyncio.run(three_callers(pbx))
    ended = time.time()
    there = kept(pbx)
    assert sorted(entry.split(",")[6:8] for entry in there.values()) == [
        ["1001", "NOANSWER"],
        ["1002", "BUSY"],
        ["1003", "CANCEL"],
    ]
    assert not any(CALLER in text or "Anna" in text for item in there.items() for text in item)
    house = house_at(tmp_path, pbx, ami=True)
    with house:
        until(lambda: kept(pbx) == {}, house.log)
        house.add_reader(*OUTCOMES)
        rows = house.finished_rows()
        assert {row["mailbox"]: row["reason"] for row in rows} == OUTCOMES
        assert len(rows) == 3
        for row in rows:
            assert (row["from_number"], row["from_name"], row["presentation"]) == (None, None, "untold")
            assert int(began) <= datetime.fromisoformat(row["rang_at"]).timestamp() <= ended
        assert "caller unknown: bridge was away" in house.run("notes", "--key-file", str(house.key_file))
        house.stop()
        house.start()
        asyncio.run(gives_up(pbx, "1005"))
        until(lambda: "mailbox 1005: missed call, cancelled" in house.log(), house.log)
        assert len(house.finished_rows()) == 3, "the second start found nothing"
        assert kept(pbx) == {}, "a bridge that is there is told itself, also by a caller who is gone"


def test_a_caller_who_is_still_there_when_the_bridge_is_back_is_told_of_by_name(
    pbx: Pbx, tmp_path: Path
) -> None:
    house = house_at(tmp_path, pbx, ami=True)

    async def story() -> None:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
            one = await phone.call("4009", display="Anna")
            await one.until("answered")
            stack.callback(house.stop)
            await asyncio.to_thread(house.start)
            await asyncio.to_thread(until, lambda: kept(pbx) == {}, house.log)
            await asyncio.to_thread(house.add_reader, "1009")
            [before] = await asyncio.to_thread(house.rows)
            assert before["presentation"] == "untold"
            await one.hang_up()
            await quiet_line(pbx)
            [row] = await asyncio.to_thread(house.rows)
            assert (row["from_number"], row["from_name"], row["reason"]) == (CALLER, "Anna", "unreachable")
            assert row["rang_at"] == before["rang_at"]
            assert kept(pbx) == {}

    asyncio.run(story())


def test_callers_whom_the_admin_lets_stand_there_come_through_exactly_and_without_ami(
    pbx: Pbx, tmp_path: Path
) -> None:
    """The PBX is started anew in between, too."""
    pbx.set_global("AFTERTONE_JOURNAL_CALLER", "yes")
    names = {f"49301{index:02}": name for index, name in enumerate(NAMES.values())}

    async def story() -> None:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, CALLER))
            calls = [
                await phone.call("3004", display=name, from_user=number) for number, name in names.items()
            ]
            calls.append(
                await phone.call(
                    "3004",
                    from_user="4930199",
                    headers=[("P-Asserted-Identity", "<sip:4930199@127.0.0.1>"), ("Privacy", "id")],
                )
            )
            for one in calls:
                await one.until("ended", 30.0)
            await quiet_line(pbx)

    asyncio.run(story())
    there = kept(pbx)
    assert len(there) == len(names) + 1
    assert "4930100" in "".join(there.values())
    assert "4930199" not in "".join(there.values()), "who withholds his number does so here as well"
    pbx.stop()
    pbx.start()
    assert kept(pbx) == there
    house = house_at(tmp_path, pbx, ami=False)
    with house:
        house.add_reader("1004", "1006")
        assert len(kept(pbx)) == len(there), "nobody has called yet"
        asyncio.run(note_from(pbx, "1006", 1, 1.0, number="4930222"))
        until(lambda: kept(pbx) == {}, house.log)
        rows = [row for row in house.finished_rows() if row["mailbox"] == "1004"]
        told = {row["from_number"]: row["from_name"] for row in rows}
        assert (len(rows), set(told)) == (len(there), {*names, None})
        for number, name in names.items():
            exact = party_of(number, "".join(letter for letter in name if letter >= " "), 0).name
            assert told[number] == exact or (len(name) > 256 and exact.startswith(told[number])), number
        assert not any("49301" in line for line in house.log().splitlines())
        [seen] = [row for row in house.finished_rows() if row["mailbox"] == "1006"]
        assert len(seen["notes"]) == 1, "who brought the journal has his note like anybody"


def test_a_caller_who_hangs_up_while_the_journal_is_written_is_in_it_all_the_same(pbx: Pbx) -> None:
    """He hears the fallback begin and hangs up: the lines of the journal end between two others."""
    call(pbx, "5009")
    [(key, entry)] = kept(pbx).items()
    assert entry.split(",")[6:8] == ["1009", "CHANUNAVAIL"]
    assert "/99/" not in key


def test_a_bridge_that_hangs_in_an_offer_has_its_one_row_afterwards(pbx: Pbx, tmp_path: Path) -> None:
    house = house_at(tmp_path, pbx, ami=False)
    with house:
        house.add_reader("1007")
        house.signal_worker(signal.SIGSTOP)
        call(pbx, "3007")
        house.until_ready()
        call(pbx, "3008", hang_up=True)
        until(lambda: kept(pbx) == {} and "mailbox 1007: missed call" in house.log(), house.log)
        rows = [row for row in house.finished_rows() if row["mailbox"] == "1007"]
        assert [row["reason"] for row in rows] == ["unreachable"]


def test_a_bridge_that_is_killed_while_it_reads_files_each_call_once(pbx: Pbx, tmp_path: Path) -> None:
    call(pbx, f"9{MANY:03}")
    assert len(kept(pbx)) == MANY
    house = house_at(tmp_path, pbx, ami=True)
    with house:
        for count in (MANY // 8, MANY // 4):
            until(lambda count=count: house.log().count("missed call") > count, house.log)  # type: ignore[misc]
            house.signal_worker(signal.SIGKILL)
            assert len(kept(pbx)) > 0, "it was still reading"
            house.until_ready()
        until(lambda: kept(pbx) == {}, house.log)
        house.add_reader("1004")
        assert len(house.finished_rows()) == MANY


def test_callers_cannot_fill_the_disk_while_nobody_reads(pbx: Pbx, tmp_path: Path) -> None:
    pbx.set_global("LONG", "x" * 240)
    call(pbx, "8000")
    full = kept(pbx)
    assert len(full) == 1500
    call(pbx, "3001", "3002", "3001")
    assert kept(pbx) == full
    house = house_at(tmp_path, pbx, ami=True)
    with house:
        until(lambda: "1500 entries of aftertone-journal" in house.log(), house.log)
        assert kept(pbx) == full, "what is not of the dialplan is not ours to remove"
        assert (pbx.folder / "lib" / "astdb.sqlite3").stat().st_size < 4 << 20
