"""The list of calls: one row per call, newest first, quick however long it is."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bridge.call.model import Reason
from bridge.errors import Refused
from bridge.events import News
from bridge.seal.note import seal_call_record
from bridge.store.tables import CALL, HEARD
from tests.store.house import START, House, Take, claim, file_call, joined, row


def test_a_call_told_twice_is_one_row(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    first = file_call(house.store, recipient, reason=Reason.CANCELLED)
    assert file_call(house.store, recipient, reason=Reason.NO_ANSWER, supersede=True) == first
    assert row(house.store, first).reason == "cancelled"
    assert house.news == [News("row", recipient.mailbox_id, first.hex())]


def test_a_call_that_was_forwarded_has_its_row_where_it_ended(house: House) -> None:
    boss, desk = house.store.mailboxes.recipient("1001"), house.store.mailboxes.recipient("1002")
    first = file_call(house.store, boss)
    assert file_call(house.store, desk) == first, "the first wins, unless the call goes on"
    second = file_call(house.store, desk, supersede=True)
    assert house.store.calls.row(first) is None
    assert row(house.store, second).extension == "1002"
    told = [(news.mailbox_id, news.row_id) for news in house.news[1:]]
    assert told == [(boss.mailbox_id, first.hex()), (desk.mailbox_id, second.hex())]


def test_a_forwarded_call_that_has_a_note_keeps_it_and_gets_a_second_row(house: House) -> None:
    boss, desk = house.store.mailboxes.recipient("1001"), house.store.mailboxes.recipient("1002")
    first = file_call(house.store, boss)
    take = Take(house.store, boss, first)
    asyncio.run(take.finish())
    second = file_call(house.store, desk, supersede=True)
    assert [kept.id for kept in row(house.store, first).notes] == [take.id]
    assert row(house.store, second).notes == []


def test_a_record_for_somebody_else_is_never_filed(house: House) -> None:
    mine, other = house.store.mailboxes.recipient("1001"), house.store.mailboxes.recipient("1002")
    call_id = os.urandom(16)
    sealed = seal_call_record(call_id, mine, {"v": 1})

    def filed(call_id: bytes, mailbox_id: str, sealed: bytes) -> None:
        house.store.calls.file(call_id, mailbox_id, "1", Reason.BUSY, START, sealed)

    for args in (
        (os.urandom(16), mine.mailbox_id, sealed),
        (call_id, other.mailbox_id, sealed),
        (call_id, mine.mailbox_id, sealed[:20]),
        (call_id, mine.mailbox_id, b""),
    ):
        with pytest.raises(ValueError, match="a call record"):
            filed(*args)
    assert house.store.calls.rows([mine.mailbox_id, other.mailbox_id], None) == ([], None)


def test_each_member_has_marks_of_his_own_and_a_new_note_takes_them_off(house: House) -> None:
    store = house.store
    anna, bert = joined(store, "Anna", "1001"), joined(store, "Bert", "1001")
    recipient = store.mailboxes.recipient("1001")
    call_id = file_call(store, recipient)
    store.calls.mark_heard(call_id, anna.id, True)
    asyncio.run(Take(store, recipient, call_id).finish(speech=False))
    assert row(store, call_id, anna.id).heard, "where nobody spoke there is nothing new to hear"
    asyncio.run(Take(store, recipient, call_id).finish())
    assert not row(store, call_id, anna.id).heard
    for _ in range(2):
        store.calls.mark_heard(call_id, anna.id, True)
    assert (row(store, call_id, anna.id).heard, row(store, call_id, bert.id).heard) == (True, False)
    store.calls.mark_heard(call_id, anna.id, False)
    assert not row(store, call_id, anna.id).heard
    with pytest.raises(Refused, match="no such row"):
        store.calls.mark_heard(bytes(16), anna.id, True)


def test_pages_of_several_mailboxes_follow_each_other_without_gap_while_calls_come_in(house: House) -> None:
    store = house.store
    recipients = [store.mailboxes.recipient(extension) for extension in ("1001", "1002", "1003")]
    filed = [
        file_call(store, recipients[number % 2], str(number), at=START + timedelta(seconds=number // 4))
        for number in range(40)
    ]
    file_call(store, recipients[2], "not mine", at=START)
    boxes = [recipient.mailbox_id for recipient in recipients[:2]]
    seen: list[bytes] = []
    cursor, pages = None, 0
    while True:
        rows, cursor = store.calls.rows(boxes, None, cursor, 7)
        seen += [found.id for found in rows]
        pages += 1
        file_call(store, recipients[0], f"new {pages}", at=START + timedelta(hours=pages))
        if cursor is None:
            break
    by_age = sorted(filed, key=lambda call_id: (filed.index(call_id) // 4, call_id), reverse=True)
    assert seen == by_age
    assert pages == 6
    assert store.calls.rows([], None) == ([], None)


@pytest.mark.thorough
def test_a_hundred_thousand_rows_are_listed_in_no_time(house: House) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    recipient = store.mailboxes.recipient("1001")
    claim(store, anna, recipient.mailbox_id)
    sealed = bytes(600)
    rows = [
        {
            "id": number.to_bytes(16),
            "mailbox_id": recipient.mailbox_id,
            "linkedid": str(number),
            "received_at": number // 3,
            "reason": "busy",
            "sealed": sealed,
            "epoch": 1,
            "stale": False,
        }
        for number in range(100_000)
    ]
    marks = [{"user_id": anna.id, "call_id": number.to_bytes(16)} for number in range(100_000) if number % 10]
    with store._database.write() as connection:
        connection.execute(insert(CALL), rows)
        connection.execute(insert(HEARD), marks)

    def best_ms(ask: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
        return min(times) * 1000

    newest = best_ms(lambda: store.calls.rows([recipient.mailbox_id], anna.id, limit=50))
    deep = best_ms(lambda: store.calls.rows([recipient.mailbox_id], anna.id, (100, bytes(16)), 50))
    print(f"50 of 100,000: newest {newest:.1f} ms, deep {deep:.1f} ms")
    assert store.calls.rows([recipient.mailbox_id], anna.id, (100, bytes(16)), 50)[0][0].id == (299).to_bytes(
        16
    )
    assert max(newest, deep) < 100
    with store._database.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT received_at, id FROM call WHERE mailbox_id = 'x'"
            " AND (received_at, id) < (1, x'00') ORDER BY received_at DESC, id DESC LIMIT 50"
        ).all()
    assert len(plan) == 1
    assert plan[0][-1].startswith("SEARCH call USING COVERING INDEX ix_call_list")


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", "1001@default", "ü", "x" * 41, "1001\n", "1001\0", "'; --"]
)
def test_a_mailbox_is_never_named_by_anything_odd(name: str, house: House) -> None:
    with pytest.raises(Refused, match="mailbox name"):
        house.store.mailboxes.recipient(name)
    with pytest.raises(Refused, match="mailbox name"):
        house.store.mailboxes.add(name)
    assert house.store.mailboxes.all() == []


def test_the_mailbox_of_a_first_missed_call_can_be_named_later(house: House) -> None:
    store = house.store
    recipient = store.mailboxes.recipient("1001")
    assert store.mailboxes.recipient("1001") == recipient
    named = store.mailboxes.add("1001", "  Anna's desk ")
    assert (named.id, named.name, named.public) == (recipient.mailbox_id, "Anna's desk", recipient.public)
    assert store.mailboxes.add("1001") == named == store.mailboxes.get(named.id)
    for odd in ("", "  ", "x" * 81, "a\nb", "a\u202eb", "a\u2028b", "\ud800"):
        with pytest.raises(Refused, match="name"):
            store.mailboxes.add("1001", odd)


def test_a_dialplan_gone_wrong_cannot_make_mailboxes_without_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.mailboxes.MOST", 3)
    for extension in "123":
        house.store.mailboxes.recipient(extension)
    with pytest.raises(Refused, match="too many mailboxes"):
        house.store.mailboxes.recipient("4")
    assert house.store.mailboxes.recipient("3").epoch == 0
