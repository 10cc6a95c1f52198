"""Calls that the PBX kept become rows, each once, whoever else tells of them and wherever it breaks off."""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.call import flood
from bridge.errors import BadFrame
from bridge.journal import AGAIN_S, LOOK_EVERY_S, Journal
from bridge.session import LAST_BYTES, Sessions
from bridge.store import Row, mailboxes
from tests.connect.astdb import AstDb
from tests.intake.inbox import Inbox, rounds, takeover
from tests.intake.spool import SPOKEN_AT, Spool
from tests.loop import in_loop
from tests.session.answering import Limits, answering
from tests.store.house import House, claim, joined

PEER = "127.0.0.1"
GIB = 1 << 30


@dataclass
class Bridge:
    """Sessions and a journal over a house whose mailbox 1001 is Anna's."""

    inbox: Inbox
    db: AstDb = field(default_factory=AstDb)
    now: float = 1000.0
    free: int = GIB

    def __post_init__(self) -> None:
        house = self.inbox.house
        self.sessions = Sessions(house.store, Limits(house.data), free=lambda _data: self.free)
        self.journal = Journal(house.store, self.sessions, None, lambda: self.now)

    def read(self) -> None:
        """Have the PBX show its journal."""
        asyncio.run(self.journal.read(self.db, PEER))

    def rows(self) -> list[Row]:
        return self.inbox.rows()

    def callers(self) -> list[dict[str, Any]]:
        return [dict(self.inbox.record(row)["from"]) for row in self.rows()]


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    house = House(tmp_path / "data")
    anna = joined(house.store, "Anna", "1001")
    box = house.store.mailboxes.by_extension("1001")
    assert box is not None
    yield Bridge(Inbox(house, anna, box.id, claim(house.store, anna, box.id)))
    house.store.close()


def kept(
    linkedid: str = "pbx-17.4", caller: str = ",,,", *, at: int = SPOKEN_AT, mailbox: str = "1001"
) -> tuple[str, str]:
    """What the dialplan keeps of a call that rang for 20 s."""
    return linkedid, f"{at},{caller},v1,{mailbox},BUSY,17,0,{linkedid},{at - 20},(ulaw),0,{mailbox},unknown"


UNTOLD = {"number": "", "name": "", "presentation": "untold"}


def test_each_call_is_a_row_with_its_own_time_and_leaves_the_pbx(bridge: Bridge) -> None:
    bridge.db.keep(*kept("pbx-17.4"))
    bridge.db.keep(*kept("pbx-18.104", "allowed,030,Anna,", at=SPOKEN_AT + 3600))
    bridge.read()
    bridge.read()
    assert bridge.db.entries == {}
    rang_at = datetime.fromtimestamp(SPOKEN_AT - 20, UTC)
    assert [row.received_at for row in bridge.rows()] == [rang_at + timedelta(hours=1), rang_at]
    assert bridge.callers() == [{"number": "030", "name": "Anna", "presentation": "allowed"}, UNTOLD]
    assert {row.reason for row in bridge.rows()} == {"busy"}


@pytest.mark.parametrize("broken_at", range(1, 11))
def test_a_reading_that_breaks_anywhere_files_each_call_once(bridge: Bridge, broken_at: int) -> None:
    for number in range(3):
        bridge.db.keep(*kept(f"pbx-17.10{number}"))
    bridge.db.breaks_at = broken_at
    with pytest.raises(BadFrame):
        bridge.read()
    bridge.read()
    assert (bridge.db.entries, len(bridge.rows())) == ({}, 3)


def test_a_bridge_that_ends_between_filing_and_clearing_files_no_second_row(bridge: Bridge) -> None:
    bridge.db.keep(*kept())
    before = dict(bridge.db.entries)
    bridge.read()
    (row,) = bridge.rows()
    bridge.inbox.house.open_again()
    anew = Bridge(bridge.inbox)
    anew.db.entries = before
    anew.read()
    assert ([row.id for row in anew.rows()], anew.db.entries) == ([row.id], {})


def test_nothing_leaves_the_pbx_before_it_is_safe_here(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[int] = []
    calls = bridge.inbox.store.calls
    sync = calls.sync

    def look_and_sync() -> None:
        there.append(len(bridge.db.entries))
        sync()

    monkeypatch.setattr(calls, "sync", look_and_sync)
    for number in range(3):
        bridge.db.keep(*kept(f"pbx-17.20{number}"))
    bridge.read()
    assert there == [3, 2, 1], "a drawer at a time"


def test_what_others_wrote_into_the_journal_stays_and_is_told_of_once(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.db.keep(*kept())
    bridge.db.entries |= {"07/1.07": "0301234567 Secret", "07/x y": "x", "shop/1": "x", "04/1": "x" * 9999}
    left = dict(bridge.db.entries)
    del left["4/pbx-17.4"]
    with caplog.at_level(logging.INFO):
        bridge.read()
        bridge.read()
    assert bridge.db.entries == left
    assert len(bridge.rows()) == 1
    assert caplog.text.count("4 entries of aftertone-journal in the PBX's AstDB are not of our dialplan") == 1
    assert "Secret" not in caplog.text and "0301234567" not in caplog.text


def test_a_full_disk_lets_calls_wait_in_the_pbx(bridge: Bridge) -> None:
    bridge.db.keep(*kept())
    bridge.free = 0
    bridge.sessions.settings.min_free = GIB  # type: ignore[misc]
    bridge.read()
    assert (len(bridge.db.entries), bridge.rows()) == (1, [])
    bridge.free = LAST_BYTES
    bridge.read()
    assert (len(bridge.db.entries), len(bridge.rows())) == (0, 1)


def test_calls_of_mailboxes_that_there_is_no_room_for_keep_no_others_waiting(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mailboxes, "MOST", 1)
    bridge.db.keep(*kept("pbx-17.10", mailbox="1999"))
    bridge.db.keep(*kept("pbx-17.11"))
    bridge.read()
    assert (list(bridge.db.entries), len(bridge.rows())) == (["10/pbx-17.10"], 1)
    assert "mailbox 1999: a call that the PBX kept must wait: There are 1 mailboxes already" in caplog.text
    monkeypatch.undo()
    bridge.read()
    assert bridge.db.entries == {}


def test_the_calls_of_weeks_take_no_room_from_those_of_now(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "MOST", 5)
    for number in range(10, 30):
        bridge.db.keep(*kept(f"pbx-17.{number}"))
    bridge.read()
    assert len(bridge.rows()) == 20
    assert not bridge.sessions._flood.is_full("1001", bridge.sessions.clock())


MARK = f"aftertone allowed {kept()[1].split(',', 5)[5]}"


@pytest.mark.parametrize("order", ["journal first", "message first"])
def test_call_and_message_of_it_meet_in_one_row_with_its_caller_in_any_order(
    bridge: Bridge, tmp_path: Path, order: str
) -> None:
    spool = Spool(tmp_path / "voicemail")
    spool.put(category=MARK, callerid='"Anna" <030>')
    bridge.db.keep(*kept())
    if order == "journal first":
        bridge.read()
    rounds(takeover(bridge.inbox, spool))
    bridge.read()
    (row,) = bridge.rows()
    assert (len(row.notes), bridge.db.entries, spool.names()) == (1, {}, [])
    assert bridge.callers() == [{"number": "030", "name": "Anna", "presentation": "allowed"}]
    assert row.received_at == datetime.fromtimestamp(SPOKEN_AT - 20, UTC)


@in_loop
async def test_who_is_told_of_when_he_hangs_up_is_no_longer_unknown(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        journal = Journal(service.store, service.sessions, None)
        db = AstDb()
        db.keep(*kept(at=int(time.time())))
        left = dict(db.entries)
        await journal.read(db, PEER)
        assert [service.record(row)["from"] for row in service.rows()] == [UNTOLD]
        args = ("v1", "1001", "BUSY", "17", "0", "pbx-17.4", "", "ulaw", "0", "1001", "")
        assert await service.pbx.agi("gone", *args, callerid="030") == {"AFTERTONE_TOLD": "yes"}
        assert [service.record(row)["from"]["number"] for row in service.rows()] == ["030"]
        db.entries = left
        await journal.read(db, PEER)
        assert [service.record(row)["from"]["number"] for row in service.rows()] == ["030"]


@in_loop
async def test_a_call_that_could_not_be_filed_is_kept_by_the_pbx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(tmp_path) as service:
        args = ("v1", "1001", "CANCEL", "127", "0", "1.1", "", "ulaw", "0", "1001", "")
        service.sessions._free = lambda _data: 0
        service.sessions.settings.min_free = GIB  # type: ignore[misc]
        assert await service.pbx.agi("gone", *args, callerid="030") == {}
        monkeypatch.setattr(flood, "MOST", 0)
        assert await service.pbx.agi("gone", *args, callerid="030") == {"AFTERTONE_TOLD": "yes"}, (
            "who buries a mailbox in calls does not fill the PBX's journal either"
        )


def test_the_journal_is_asked_for_at_the_start_and_then_rarely(bridge: Bridge) -> None:
    journal = bridge.journal
    assert journal.is_due()
    assert not journal.is_due(), "one caller asks for all"
    bridge.now += AGAIN_S
    assert journal.is_due(), "nothing came"
    bridge.now += AGAIN_S
    assert not journal.is_due(), "and soon nobody is bothered any more"
    bridge.now += AGAIN_S
    assert journal.is_due()
    bridge.read()
    bridge.now += LOOK_EVERY_S - 1
    assert not journal.is_due()
    bridge.now += 1
    assert journal.is_due()
    bridge.read()
    journal.broke()
    assert not journal.is_due()
    bridge.now += AGAIN_S
    assert journal.is_due(), "a call got no answer, and may be in the journal"


def test_a_pbx_that_cannot_be_asked_is_told_of_once(bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert bridge.journal.is_due()
        bridge.journal.cannot("it has no Originate")
        bridge.now += LOOK_EVERY_S
    assert caplog.text.count("it has no Originate") == 1


@in_loop
async def test_two_readings_at_once_are_one(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        journal = Journal(service.store, service.sessions, None)
        gate = asyncio.Event()

        class Slow(AstDb):
            async def ask(self, command: bytes) -> Any:
                await gate.wait()
                return await super().ask(command)

        first, second = Slow(), AstDb()
        reading = asyncio.create_task(journal.read(first, PEER))
        await asyncio.sleep(0)
        await journal.read(second, PEER)
        assert second.asked == 0
        assert not journal.is_due()
        gate.set()
        await reading
        assert first.asked == 1
