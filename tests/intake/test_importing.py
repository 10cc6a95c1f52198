"""Old mailboxes become notes: once, in the right row, with their sound, and nothing goes unless asked."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import Refused
from bridge.intake import taker
from bridge.intake.importing import Import
from bridge.intake.limits import Limits
from bridge.media import sound
from tests.intake.inbox import Inbox, bring
from tests.intake.spool import CAPTURED, SPOKEN_AT, Spool, later
from tests.store.house import joined

KINDS = {"default": "wav", "ulaw": "ulaw", "alaw": "alaw", "slin": "slin", "gsm": "gsm", "wav": "wav"}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_looking_first_changes_nothing_and_tells_all(inbox: Inbox, spool: Spool) -> None:
    for kind in KINDS:
        spool.put(kind)
    before = snapshot(spool.path)
    report = bring(inbox, spool, go=False, remove=True)
    assert (report.total.taken, report.total.removed, report.total.left) == (6, 0, [])
    assert snapshot(spool.path) == before
    assert inbox.rows() == []
    assert inbox.blobs() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_any_format_is_a_note_with_its_caller_time_and_sound(
    inbox: Inbox, spool: Spool, kind: str
) -> None:
    spool.put(kind, callerid='"Anna Weber" <+4930111>', rdnis="1009")
    assert bring(inbox, spool).total.taken == 1
    (row,) = inbox.rows()
    record = inbox.record(row)
    assert record["from"] == {"number": "+4930111", "name": "Anna Weber", "presentation": "allowed"}
    assert (record["forwarded_from"], row.reason, row.heard) == ("1009", "no_answer", False)
    assert row.received_at == datetime.fromtimestamp(SPOKEN_AT, UTC)
    wanted = sound.read(KINDS[kind], (CAPTURED / f"{kind}.{KINDS[kind]}").read_bytes())
    if kind == "gsm":
        assert np.corrcoef(inbox.heard(row), wanted.samples)[0, 1] > 0.99
    else:
        assert np.array_equal(inbox.heard(row), wanted.samples)
    assert inbox.note(row).meta["seconds"] == round(wanted.seconds, 3)
    assert row.notes[0].speech


def test_the_same_messages_are_no_notes_again_wherever_they_lie_by_then(inbox: Inbox, spool: Spool) -> None:
    first, second = spool.put(), spool.put()
    assert bring(inbox, spool).total.taken == 2
    for path in [*first.parent.glob("msg0001.*")]:
        path.rename(spool.folder(name="Old") / path.name.replace("0001", "0000"))
    third = spool.put()
    report = bring(inbox, spool)
    assert (report.total.known, report.total.taken) == (2, 1)
    assert inbox.callers() == ["Caller 0", "Caller 1", "Caller 2"]
    assert (first.exists(), second.exists(), third.exists()) == (True, True, True)


def test_two_messages_of_one_caller_in_one_second_are_two_notes(inbox: Inbox, spool: Spool) -> None:
    for kind in ("ulaw", "gsm"):
        spool.put(kind, origtime="1700000000", callerid="4930111", msg_id="")
    assert bring(inbox, spool).total.taken == 2
    assert len(inbox.rows()) == 2


def test_what_was_asked_to_go_goes_and_the_rest_moves_up(inbox: Inbox, spool: Spool) -> None:
    for number in range(40):
        spool.put("ulaw", duration="" if number in (1, 38) else "2")
    report = bring(inbox, spool, remove=True)
    assert (report.total.taken, report.total.removed) == (38, 38)
    assert [left.path for left in report.total.left] == [
        "default/1001/INBOX/msg0000",
        "default/1001/INBOX/msg0001",
    ]
    assert spool.names() == ["msg0000.txt", "msg0000.ulaw", "msg0001.txt", "msg0001.ulaw"]
    assert spool.callers_left() == ["Caller 1", "Caller 38"]
    assert len(inbox.callers()) == 38


def test_many_messages_go_in_one_run_though_each_removal_moves_the_others(
    inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(80):
        spool.put("ulaw")
    written = max(path.stat().st_ctime for path in spool.folder().iterdir())
    monkeypatch.setattr("tests.intake.inbox.later", lambda: written + taker.SETTLE_S + 0.001)
    assert bring(inbox, spool, remove=True).total.removed == 80
    assert spool.names() == []


def test_heard_messages_are_heard_by_who_belongs_to_the_mailbox_and_thrown_away_ones_stay_away(
    inbox: Inbox, spool: Spool
) -> None:
    for name in ("INBOX", "Urgent", "Old", "Work", "Deleted", "Greetings", "tmp"):
        spool.put(folder=spool.folder(name=name))
    assert bring(inbox, spool).total.taken == 4
    assert [row.heard for row in inbox.rows()] == [True, True, False, False]
    assert inbox.store.unheard_counts(inbox.mailbox_id) == ("1001", 2, 2)
    assert [inbox.note(row).meta.get("urgent") for row in inbox.rows()].count(True) == 1


def test_a_mailbox_that_is_not_here_is_made_and_told_beforehand(inbox: Inbox, spool: Spool) -> None:
    spool.put(folder=spool.folder("1002"))
    spool.put(folder=spool.folder("1003", "Old"))
    spool.folder("1004")
    work = Import(inbox.store, spool.path)
    assert (work.new_mailboxes(), work.nobodys(), work.count()) == (["1002", "1003"], ["1003"], 2)
    assert bring(inbox, spool).total.taken == 2
    assert inbox.store.mailboxes.by_extension("1003") is not None
    assert inbox.store.mailboxes.by_extension("1004") is None


def test_one_mailbox_can_be_chosen_and_a_wrong_name_is_told(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    spool.put(folder=spool.folder("1002"))
    assert bring(inbox, spool, "1001").total.taken == 1
    assert inbox.store.mailboxes.by_extension("1002") is None
    with pytest.raises(Refused) as refused:
        bring(inbox, spool, "1009")
    assert "There is no mailbox 1009" in str(refused.value.user)


def test_two_people_with_one_number_in_two_contexts_do_not_share_a_mailbox(
    inbox: Inbox, spool: Spool
) -> None:
    spool.put()
    spool.put(folder=spool.folder(context="sales"))
    report = bring(inbox, spool)
    assert report.total.taken == 0
    assert all("1001@" in left.why for left in report.total.left)
    assert bring(inbox, spool, "1001@sales").total.taken == 1
    assert inbox.callers() == ["Caller 1"]


def test_a_number_that_sip_escaped_and_a_name_that_means_harm_are_only_text(
    inbox: Inbox, spool: Spool
) -> None:
    spool.put(callerid=r'"<svg/onload=\\"x\\">${SHELL(id)}" <anonymous>')
    spool.put(callerid="Unknown")
    assert bring(inbox, spool).total.taken == 2
    unknown, hidden = (inbox.record(row)["from"] for row in inbox.rows())
    assert hidden == {"number": "", "name": "", "presentation": "restricted"}
    assert unknown == {"number": "", "name": "", "presentation": "unavailable"}


def test_nothing_of_a_message_is_readable_in_the_data_folder(inbox: Inbox, spool: Spool) -> None:
    text = spool.put("ulaw", callerid='"Wilhelmine Unverwechselbar" <4930987654>')
    words = text.read_bytes(), text.with_suffix(".ulaw").read_bytes()
    bring(inbox, spool)
    inbox.store.tidy()
    kept = b"".join(path.read_bytes() for path in inbox.house.data.rglob("*") if path.is_file())
    for secret in (b"Unverwechselbar", b"4930987654", words[0][100:130], words[1][8000:8050]):
        assert secret not in kept
    assert str(SPOKEN_AT).encode() + b"-" not in kept


def test_a_house_that_is_almost_full_breaks_off_and_tells(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    work = Import(inbox.store, spool.path, clock=later)
    report = asyncio.run(work.run(act=True, removes=True, limits=Limits(1 << 62), step=lambda: None))
    assert report.broken == "the disk is almost full"
    assert spool.names() == ["msg0000.txt", "msg0000.wav"]


def test_a_member_who_comes_later_hears_it_as_new(inbox: Inbox, spool: Spool) -> None:
    spool.put(folder=spool.folder(name="Old"))
    bring(inbox, spool)
    bert = joined(inbox.store, "Bert", "1001")
    (row,) = inbox.store.calls.rows([inbox.mailbox_id], bert.id)[0]
    assert not row.heard
