"""While the bridge serves: what VoiceMail recorded in its place becomes a note of the call's own row."""

import asyncio
import logging
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.call.model import Reason
from bridge.intake.limits import Limits
from bridge.intake.takeover import alone
from bridge.media.speech import USUAL, Thresholds
from tests.intake.inbox import Inbox, bring, rounds, takeover
from tests.intake.spool import SPOKEN_AT, Spool
from tests.store.house import claim, file_call, joined

SPOKEN = datetime.fromtimestamp(SPOKEN_AT, UTC)


def mark(
    mailbox: str = "1001", linkedid: str = "pbx-17.4", *, pres: str = "allowed", status: str = "BUSY"
) -> str:
    """What the dialplan sets VM_CATEGORY to before VoiceMail()."""
    return f"aftertone {pres} v1,{mailbox},{status},17,0,{linkedid},{SPOKEN_AT - 20},(ulaw),0,4930555,unknown"


def test_a_call_that_was_filed_gets_the_note_and_stays_one_row(inbox: Inbox, spool: Spool) -> None:
    recipient = inbox.store.mailboxes.recipient("1001")
    call = file_call(
        inbox.store, recipient, "10.0.0.5 pbx-17.4", at=SPOKEN - timedelta(seconds=20), reason=Reason.DECLINED
    )
    inbox.store.calls.mark_heard(call, inbox.anna.id, True)
    inbox.house.news.clear()
    spool.put(category=mark())
    rounds(takeover(inbox, spool))
    (row,) = inbox.rows()
    assert (row.id, row.reason, row.heard) == (call, "declined", False)
    assert inbox.note(row).meta["ended"] == "caller_hangup"
    assert [news.row_id for news in inbox.house.news] == [call.hex()]
    assert spool.names() == []


def test_a_call_that_the_bridge_never_heard_of_makes_the_row_that_it_would_have_made(
    inbox: Inbox, spool: Spool
) -> None:
    spool.put(category=mark(pres="prohib_passed_screen"), rdnis="1009")
    rounds(takeover(inbox, spool))
    (row,) = inbox.rows()
    record = inbox.record(row)
    assert (row.reason, row.received_at) == ("busy", SPOKEN - timedelta(seconds=20))
    assert record["from"] == {"number": "", "name": "", "presentation": "restricted"}
    assert (record["dialled"], record["forwarded_from"], record["rang_s"]) == ("4930555", "1009", 20.0)


@pytest.mark.parametrize(
    ("thresholds", "speech"),
    [
        (USUAL, True),
        (replace(USUAL, min_s=10.0), False),
        (replace(USUAL, floor_dbfs=-15.0), False),
    ],
)
def test_what_counts_as_speech_is_the_admins_word_here_too(
    inbox: Inbox, spool: Spool, thresholds: Thresholds, speech: bool
) -> None:
    """The message is 2 s at about -22 dBFS."""
    spool.put(category=mark())
    rounds(takeover(inbox, spool, Limits(thresholds=thresholds)))
    (row,) = inbox.rows()
    assert row.notes[0].speech is speech


def test_the_marks_of_two_calls_do_not_meet_in_one_row(inbox: Inbox, spool: Spool) -> None:
    for linkedid in ("pbx-17.4", "pbx-17.44", "17.4"):
        spool.put(category=mark(linkedid=linkedid))
    rounds(takeover(inbox, spool))
    assert [len(row.notes) for row in inbox.rows()] == [1, 1, 1]


@pytest.mark.parametrize(
    "category",
    [
        "sales",
        "aftertone",
        "aftertone allowed",
        "aftertone allowed v9,1001",
        mark(mailbox="1002"),
        mark(status="ANSWER"),
        mark() + ",more",
    ],
)
def test_a_mark_that_is_none_of_ours_or_of_another_mailbox_says_nothing(
    inbox: Inbox, spool: Spool, category: str
) -> None:
    file_call(inbox.store, inbox.store.mailboxes.recipient("1001"), "10.0.0.5 pbx-17.4", at=SPOKEN)
    spool.put(category=category)
    rounds(takeover(inbox, spool))
    assert sorted((row.reason, len(row.notes)) for row in inbox.rows()) == [
        ("no_answer", 0),
        ("no_answer", 1),
    ]


def test_only_new_messages_are_taken_and_only_when_nobody_is_at_work_on_them(
    inbox: Inbox, spool: Spool
) -> None:
    spool.put(folder=spool.folder(name="Old"))
    spool.put(folder=spool.folder(name="Urgent"))
    spool.put()
    work = takeover(inbox, spool)
    written = spool.folder().joinpath("msg0000.txt").stat().st_ctime
    work._taker._clock = lambda: written + 1
    rounds(work)
    assert inbox.callers() == []
    work._taker._clock = lambda: written + 6
    rounds(work)
    assert inbox.callers() == ["Caller 1", "Caller 2"]
    assert spool.names(spool.folder(name="Old")) == ["msg0000.txt", "msg0000.wav"]


def test_a_message_that_somebody_is_at_work_on_keeps_its_number_when_others_go(
    inbox: Inbox, spool: Spool
) -> None:
    for _ in range(4):
        spool.put()
    tomorrow = time.time() + 86400
    os.utime(spool.folder() / "msg0002.wav", (tomorrow, tomorrow))
    rounds(takeover(inbox, spool))
    assert inbox.callers() == ["Caller 0", "Caller 1", "Caller 3"]
    assert spool.names() == ["msg0002.txt", "msg0002.wav"]


def test_a_mailbox_that_nobody_has_here_keeps_its_messages_unless_our_dialplan_left_them(
    inbox: Inbox, spool: Spool
) -> None:
    spool.put(folder=spool.folder("1002"))
    spool.put(folder=spool.folder("1003"), category=mark("1003"))
    spool.put(folder=spool.folder(context="sales"))
    work = takeover(inbox, spool)
    rounds(work)
    assert [(left.path, left.why) for left in work.status.left] == [
        ("default/1002/INBOX/msg0000", "mailbox not known here"),
        ("sales/1001/INBOX/msg0000", "mailbox in two contexts"),
    ]
    assert inbox.store.mailboxes.by_extension("1003") is not None
    inbox.store.mailboxes.add("1002")
    rounds(work)
    assert [left.path for left in work.status.left] == ["sales/1001/INBOX/msg0000"]


def test_what_is_left_alone_is_told_once_without_a_word_of_its_caller(
    inbox: Inbox, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool.put(callerid='"Wilhelmine" <4930987654>', duration="")
    spool.put(callerid='"Wilhelmine" <4930987654>')
    work = takeover(inbox, spool)
    rounds(work, 3)
    assert work.status.left_count == 1
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["left in the spool: default/1001/INBOX/msg0000: no duration"]
    assert "Wilhelmine" not in caplog.text and "4930987654" not in caplog.text


def test_a_damaged_message_is_not_read_again_until_it_changes(
    inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = spool.put(duration="")
    work = takeover(inbox, spool)
    rounds(work)
    opened: list[int] = []
    monkeypatch.setattr("bridge.intake.taker.OpenMessage", lambda *_: opened.append(1))
    rounds(work)
    assert not opened
    monkeypatch.undo()
    text.write_text(text.read_text(encoding="utf-8").replace("duration=", "duration=2"), encoding="utf-8")
    rounds(work)
    assert (inbox.callers(), work.status.left_count) == (["Caller 0"], 0)


def test_a_full_disk_leaves_everything_in_the_spool_and_says_so(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    work = takeover(inbox, spool, Limits(min_free=1 << 62))
    rounds(work)
    assert work.status.why == "the disk is almost full"
    assert spool.names() == ["msg0000.txt", "msg0000.wav"]
    assert inbox.rows() == []


def test_a_spool_that_is_not_there_is_told_and_waited_for(inbox: Inbox, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "later")
    work = takeover(inbox, spool)
    rounds(work)
    assert "AFTERTONE_SPOOL cannot be read" in work.status.why
    spool.put()
    rounds(work)
    assert (work.status.why, work.status.taken) == ("", 1)


def test_while_an_import_is_at_work_the_bridge_waits(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    with alone(inbox.house.data):
        rounds(takeover(inbox, spool))
    assert inbox.rows() == []


def test_what_was_imported_before_is_only_removed(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    bring(inbox, spool)
    work = takeover(inbox, spool)
    rounds(work)
    assert (inbox.callers(), spool.names(), work.status.taken) == (["Caller 0"], [], 0)


def test_a_note_that_was_taken_over_opens_with_the_key_of_a_later_owner(inbox: Inbox, spool: Spool) -> None:
    spool.put(folder=spool.folder("1005"), category=mark("1005"))
    rounds(takeover(inbox, spool))
    carl = joined(inbox.store, "Carl", "1005")
    box = inbox.store.mailboxes.by_extension("1005")
    assert box is not None
    keys = claim(inbox.store, carl, box.id)
    theirs = Inbox(inbox.house, carl, box.id, keys)
    (row,) = theirs.rows()
    assert theirs.note(row).meta["type"] == "audio/PCMA"


def test_a_bridge_that_stops_while_it_waits_for_the_folder_leaves_no_lock_there(
    inbox: Inbox, spool: Spool
) -> None:
    """The thread that waits cannot be stopped; left alone, it would go on with a closed folder."""
    spool.put()
    theirs = spool.folder() / ".lock"
    theirs.touch()

    async def story() -> None:
        looking = asyncio.create_task(takeover(inbox, spool).round())
        while not list(spool.folder().glob(".lock-*")) and not looking.done():  # noqa: ASYNC110  a thread's file
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.sleep(0.05)
        assert not looking.done(), "a thread is still at work in the folder"
        theirs.unlink()
        await asyncio.gather(looking, return_exceptions=True)
        assert looking.cancelled()
        assert not list(spool.folder().glob("*lock*"))

    asyncio.run(story())
    rounds(takeover(inbox, spool))
    assert spool.names() == []
