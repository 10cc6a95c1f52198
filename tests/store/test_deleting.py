"""Deleting: it can be undone for 30 days, what is erased is in no file afterwards, and no speech is lost."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from bridge.errors import StoreError
from bridge.events import News
from bridge.store import Row
from bridge.store.access import ERASURE_S, KEPT_DAYS, Act
from bridge.store.blobs import Blobs
from bridge.store.deleting import CHORE, UNDO_DAYS, YOUNG_S
from bridge.store.finding import Show
from bridge.store.unheard import Counts
from tests.store.house import START, House, Person, Take, file_call, joined

QUARTER = timedelta(seconds=YOUNG_S)


def shown(house: House, person: Person, show: Show | None = Show.PRESENT) -> list[Row]:
    box = house.store.mailboxes.recipient("1001").mailbox_id
    return house.store.calls.rows([box], person.id, show=show)[0]


def spoken(house: House, linkedid: str = "1") -> tuple[bytes, Take]:
    """A call with a whole note."""
    recipient = house.store.mailboxes.recipient("1001")
    call_id = file_call(house.store, recipient, linkedid, at=house.clock.now)
    take = Take(house.store, recipient, call_id, at=house.clock.now)
    take.speak(2)
    asyncio.run(take.finish())
    return call_id, take


def lamp(house: House) -> Counts | None:
    return house.store.unheard_counts(house.store.mailboxes.recipient("1001").mailbox_id)


def acts(house: House) -> list[tuple[Act, str | None, int]]:
    box = house.store.mailboxes.recipient("1001").mailbox_id
    return [(entry.act, entry.user_name, entry.count) for entry in house.store.access.page(box)]


def blobs(house: House) -> int:
    return len(list((house.data / "notes").glob("*/*")))


def test_a_deleted_row_is_gone_from_list_and_lamp_and_comes_back_as_it_was(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id, _ = spoken(house)
    [before] = shown(house, anna)
    assert lamp(house) == Counts("1001", 1, 0)
    box = before.mailbox_id
    assert house.store.deleting.mark([call_id], anna.id, [box], deleted=True) == [
        News("row", box, call_id.hex())
    ]
    assert shown(house, anna) == shown(house, anna, Show.UNHEARD) == shown(house, anna, Show.NOTED) == []
    [gone] = shown(house, anna, Show.DELETED)
    assert (gone.deleted_at, gone.version != before.version) == (START, True)
    assert lamp(house) == Counts("1001", 0, 0)
    assert house.store.deleting.mark([call_id], anna.id, [box], deleted=True) == [], "once is enough"
    assert house.store.deleting.mark([call_id], anna.id, [box], deleted=False)
    assert shown(house, anna) == [before]
    assert lamp(house) == Counts("1001", 1, 0)
    assert acts(house) == [(Act.RESTORED, "Anna", 1), (Act.DELETED, "Anna", 1)]


def test_a_deleted_row_is_there_for_thirty_days_and_then_in_no_file(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id, take = spoken(house)
    [row] = shown(house, anna)
    house.store.deleting.mark([call_id], anna.id, [row.mailbox_id], deleted=True)
    house.clock.turn(days=UNDO_DAYS - 1)
    assert house.store.tidy() == []
    assert len(shown(house, anna, Show.DELETED)) == 1
    house.clock.turn(days=1)
    assert house.store.deleting.mark([call_id], anna.id, [row.mailbox_id], deleted=False) == [], "too late"
    assert house.store.tidy() == [News("row", row.mailbox_id, call_id.hex())]
    assert shown(house, anna, None) == []
    assert blobs(house) == 0
    house.store.tidy()
    everything = b"".join(file.read_bytes() for file in house.data.rglob("*") if file.is_file())
    assert row.sealed[200:] not in everything
    assert take.meta not in everything


def test_a_foreign_row_is_neither_deleted_nor_erased(house: House) -> None:
    eve = joined(house.store, "Eve", "2002")
    anna = joined(house.store, "Anna", "1001")
    call_id, _ = spoken(house)
    hers = [house.store.mailboxes.recipient("2002").mailbox_id]
    house.clock.turn(days=1)
    assert house.store.deleting.mark([call_id, bytes(16)], eve.id, hers, deleted=True) == []
    assert house.store.deleting.erase([call_id, bytes(16)], eve.id, hers) == []
    assert len(shown(house, anna)) == 1
    assert acts(house) == []


def test_what_is_erased_cannot_be_brought_back_and_the_log_says_who_did_it(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    rows = [spoken(house, str(number))[0] for number in range(3)]
    box = house.store.mailboxes.recipient("1001").mailbox_id
    house.store.deleting.mark(rows[:2], anna.id, [box], deleted=True)
    house.clock.turn(days=1)
    told = house.store.deleting.erase(rows[:2], anna.id, [box])
    assert {news.row_id for news in told} == {row.hex() for row in rows[:2]}
    house.store.tidy()
    assert [row.id for row in shown(house, anna, None)] == [rows[2]]
    assert blobs(house) == 1
    assert house.store.deleting.mark(rows, anna.id, [box], deleted=False) == []
    assert acts(house) == [(Act.ERASED, "Anna", 2), (Act.DELETED, "Anna", 2)]
    assert lamp(house) == Counts("1001", 1, 0)


def test_what_came_back_while_somebody_was_asked_whether_he_means_it_is_not_erased(house: House) -> None:
    anna, bert = joined(house.store, "Anna", "1001"), joined(house.store, "Bert", "1001")
    recipient = house.store.mailboxes.recipient("1001")
    box = recipient.mailbox_id
    restored, gone = (spoken(house, each)[0] for each in ("restored", "gone"))
    house.clock.turn(seconds=YOUNG_S)
    speaks, restored_young = (
        file_call(house.store, recipient, each, at=house.clock.now) for each in ("speaks", "restored young")
    )
    asked = [restored, gone, speaks, restored_young]
    house.store.deleting.mark(asked, anna.id, [box], deleted=True)
    house.store.deleting.mark([restored, restored_young], bert.id, [box], deleted=False)
    take = Take(house.store, recipient, speaks, at=house.clock.now)
    take.speak(2)
    asyncio.run(take.finish())
    assert house.store.deleting.erase(asked, anna.id, [box]) == [News("row", box, gone.hex())]
    house.clock.turn(days=UNDO_DAYS)
    house.store.tidy()
    assert {row.id for row in shown(house, anna)} == {restored, speaks, restored_young}
    assert acts(house)[0] == (Act.ERASED, "Anna", 1)


def test_everything_of_one_caller_is_one_line_in_each_mailboxs_log(house: House) -> None:
    anna, bert = joined(house.store, "Anna", "1001"), joined(house.store, "Bert", "1001")
    rows = [spoken(house, str(number))[0] for number in range(5)]
    other = house.store.mailboxes.recipient("2002")
    theirs = file_call(house.store, other, "x", at=house.clock.now)
    box = house.store.mailboxes.recipient("1001").mailbox_id
    mine = [box, other.mailbox_id]
    house.clock.turn(days=1)
    wish, another = bytes(range(16)), bytes(16)
    for some in ([rows[0], theirs], rows[1:3], rows[1:3], []):
        house.store.deleting.erase(some, anna.id, mine, wish)
    house.store.deleting.erase(rows[3:4], bert.id, mine, wish)
    house.store.deleting.erase(rows[4:], anna.id, mine, another)
    assert acts(house) == [
        (Act.ERASED_CALLER, "Anna", 1), (Act.ERASED_CALLER, "Bert", 1), (Act.ERASED_CALLER, "Anna", 3)
    ]  # fmt: skip
    [entry] = house.store.access.page(other.mailbox_id)
    assert (entry.act, entry.count, entry.call_id) == (Act.ERASED_CALLER, 1, None)
    assert lamp(house) == Counts("1001", 0, 0)


def test_what_is_erased_weeks_later_under_the_same_id_is_a_line_of_its_own(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    rows = [spoken(house, str(number))[0] for number in range(4)]
    box = house.store.mailboxes.recipient("1001").mailbox_id
    wish = bytes(range(16))
    house.clock.turn(days=1)
    house.store.deleting.erase(rows[:1], anna.id, [box], wish)
    house.clock.turn(seconds=ERASURE_S - 1)
    house.store.deleting.erase(rows[1:2], anna.id, [box], wish)
    house.clock.turn(days=20)
    house.store.deleting.erase(rows[2:], anna.id, [box], wish)
    assert acts(house) == [(Act.ERASED_CALLER, "Anna", 2)] * 2
    [now, _] = house.store.access.page(box)
    assert now.at == house.clock.now


def test_every_deletion_and_every_return_stands_in_the_log(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id, _ = spoken(house)
    box = house.store.mailboxes.recipient("1001").mailbox_id
    for deleted in (True, False, True):
        house.store.deleting.mark([call_id], anna.id, [box], deleted=deleted)
        house.clock.turn(seconds=60)
    assert [act for act, _, _ in acts(house)] == [Act.DELETED, Act.RESTORED, Act.DELETED]


def test_a_call_that_may_still_speak_is_erased_when_it_no_longer_can(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    recipient = house.store.mailboxes.recipient("1001")
    box = recipient.mailbox_id
    silent = file_call(house.store, recipient, "1", at=house.clock.now)
    house.store.deleting.mark([silent], anna.id, [box], deleted=True)
    assert house.store.deleting.erase([silent], anna.id, [box])
    assert shown(house, anna) == []
    house.store.tidy()
    assert len(shown(house, anna, None)) == 1, "nobody knows yet whether he speaks"
    house.clock.turn(seconds=YOUNG_S)
    assert house.store.tidy()
    assert shown(house, anna, None) == []


def test_who_speaks_under_a_deleted_row_brings_it_back(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    recipient = house.store.mailboxes.recipient("1001")
    call_id = file_call(house.store, recipient, "1", at=house.clock.now)
    house.store.deleting.mark([call_id], anna.id, [recipient.mailbox_id], deleted=True)
    take = Take(house.store, recipient, call_id)
    take.speak(2)
    assert house.store.deleting.erase([call_id], anna.id, [recipient.mailbox_id])
    house.clock.turn(seconds=YOUNG_S)
    house.store.tidy()
    asyncio.run(take.finish())
    assert len(shown(house, anna)) == 1
    assert lamp(house) == Counts("1001", 1, 0)


def test_a_crash_while_rows_are_removed_leaves_the_rest_to_the_next_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id, _ = spoken(house)
    box = house.store.mailboxes.recipient("1001").mailbox_id
    house.store.deleting.mark([call_id], anna.id, [box], deleted=True)
    house.clock.turn(days=1)

    def fail(*_: object) -> None:
        raise StoreError("disk")

    monkeypatch.setattr(Blobs, "remove", fail)
    assert len(house.store.deleting.erase([call_id], anna.id, [box])) == 1
    house.store.tidy()
    assert shown(house, anna, None) == [], "the row is not shown, whatever is left of it"
    monkeypatch.undo()
    house.open_again()
    assert blobs(house) == 1
    house.store.tidy()
    assert blobs(house) == 0
    with sqlite3.connect(house.data / "aftertone.db") as database:
        assert database.execute(
            "SELECT (SELECT count(*) FROM call) + (SELECT count(*) FROM note)"
        ).fetchone() == (0,)


def test_a_mailbox_that_keeps_thirty_days_loses_what_is_older_and_says_so(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    old, _ = spoken(house, "old")
    house.clock.turn(days=20)
    new, _ = spoken(house, "new")
    house.store.deleting.keep("1001", 30)
    house.clock.turn(days=9)
    assert house.store.tidy() == []
    house.clock.turn(days=1)
    assert [news.row_id for news in house.store.tidy()] == [old.hex()]
    assert [row.id for row in shown(house, anna, None)] == [new]
    assert acts(house) == [(Act.EXPIRED, None, 1)]
    house.store.deleting.keep("1001", None)
    house.clock.turn(days=400)
    assert house.store.tidy() == []
    assert acts(house) == [], f"entries go after {KEPT_DAYS} days"


def test_very_many_rows_go_in_rounds(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    recipient = house.store.mailboxes.recipient("1001")
    for number in range(CHORE + 20):
        file_call(house.store, recipient, str(number), at=house.clock.now)
    house.store.deleting.keep("1001", 1)
    house.clock.turn(days=2)
    assert len(house.store.tidy()) == CHORE
    assert len(house.store.tidy()) == 20
    assert shown(house, anna, None) == []


def test_the_log_tells_one_listening_once_and_pages_backwards(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id, _ = spoken(house)
    box = house.store.mailboxes.recipient("1001").mailbox_id
    for _ in range(3):
        house.store.access.tell(box, anna.id, Act.PLAYED, call_id)
    house.clock.turn(seconds=601)
    house.store.access.tell(box, anna.id, Act.PLAYED, call_id)
    house.store.access.tell(box, anna.id, Act.SAVED, call_id)
    first = house.store.access.page(box, limit=2)
    rest = house.store.access.page(box, before=first[-1].id)
    assert [entry.act for entry in [*first, *rest]] == [Act.SAVED, Act.PLAYED, Act.PLAYED]
    assert [entry.at - START for entry in rest] == [timedelta(0)]
    assert {entry.call_id for entry in first} == {call_id}
