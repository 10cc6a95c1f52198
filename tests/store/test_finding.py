"""Looking for rows: what fits a wish, page by page, quick however long the list and however rare the row."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from bridge.store import Row, Store
from bridge.store.finding import _PAGES, Cursor, Show
from bridge.store.handling import OPEN, HandlingState
from tests.store.crowd import fill
from tests.store.house import START, House, Take, claim, file_call, joined

LIMIT_MS = 50.0


def everything(store: Store, boxes: Sequence[str], user: str, show: Show | None, limit: int = 7) -> list[Row]:
    """All pages in turn."""
    seen: list[Row] = []
    cursor: Cursor | None = None
    for _ in range(1000):
        rows, cursor = store.calls.rows(boxes, user, cursor, limit, show)
        assert len(rows) <= limit
        seen += rows
        if cursor is None:
            return seen
    raise AssertionError("the list has no end")


def fits(row: Row, show: Show | None, user: str) -> bool:
    """The same question, asked of the row as a reader sees it."""
    noted = any(note.state == "recording" or note.speech is not False for note in row.notes)
    spoken = any(note.state == "kept" and note.speech is not False for note in row.notes)
    there = row.deleted_at is None
    taken = row.handling.state is HandlingState.TAKEN
    elsewhere = row.handling.state is HandlingState.DONE or row.handling.user_id not in (None, user)
    wanted = {
        None: True,
        Show.UNHEARD: there and spoken and not row.heard,
        Show.NOTED: there and noted,
        Show.MISSED: there and not noted,
        Show.OPEN: there and not elsewhere,
        Show.TAKEN: there and taken,
        Show.PRESENT: there,
        Show.DELETED: not there,
    }
    return wanted[show]


@pytest.mark.parametrize("looked_at", [3, 11, 10_000])
def test_what_is_looked_for_is_found_in_order_without_gap_however_little_one_answer_looks_at(
    house: House, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr("bridge.store.finding.LOOKED_AT", looked_at)
    store = house.store
    anna, bert = joined(store, "Anna", "1001"), joined(store, "Bert", "1001")
    recipients = [store.mailboxes.recipient(extension) for extension in ("1001", "1002", "1003")]
    takes = []
    for number in range(36):
        recipient = recipients[number * number % 3]
        call_id = file_call(store, recipient, str(number), at=START + timedelta(seconds=number // 4))
        if number % 3:
            take = Take(store, recipient, call_id)
            takes.append(take)
            if number % 8 != 1:  # one in eight still speaks
                asyncio.run(take.finish(speech=number % 5 != 0))
        if number % 2:
            store.calls.mark_heard(call_id, (anna if number % 4 == 1 else bert).id, True)
        if number % 4 < 2:
            state = HandlingState.DONE if number % 3 == 2 else HandlingState.TAKEN
            store.handling.mark(call_id, (anna if number % 8 < 4 else bert).id, state, OPEN)
        if number % 7 == 0:
            store.deleting.mark([call_id], anna.id, [recipient.mailbox_id], deleted=True)
    boxes = [recipient.mailbox_id for recipient in recipients[:2]]
    for person in (anna, bert):
        all_rows = everything(store, boxes, person.id, None)
        assert all_rows
        for show in Show:
            found = everything(store, boxes, person.id, show)
            assert [row.id for row in found] == [row.id for row in all_rows if fits(row, show, person.id)]
            assert found
    for show in (Show.UNHEARD, Show.OPEN):
        hers, his = ({row.id for row in everything(store, boxes, who.id, show)} for who in (anna, bert))
        assert hers != his


def test_a_version_is_another_after_every_change_that_its_reader_sees_and_only_then(house: House) -> None:
    store = house.store
    anna, bert = joined(store, "Anna", "1001"), joined(store, "Bert", "1001")
    recipient = store.mailboxes.recipient("1001")
    call_id = file_call(store, recipient)
    other = file_call(store, recipient, "2")

    def version(user: str = anna.id) -> str:
        rows, end = store.calls.versions([recipient.mailbox_id], user)
        assert end is None
        assert {row.id for row in rows} == {call_id, other}
        told = {row.id: row.version for row in rows}
        whole = store.calls.row(call_id, user)
        assert whole is not None
        assert whole.version == told[call_id]
        return told[call_id]

    seen = [version()]

    def changed() -> None:
        assert version() not in seen
        seen.append(version())

    take = Take(store, recipient, call_id)
    changed()
    asyncio.run(take.finish())
    changed()
    store.calls.mark_heard(call_id, bert.id, True)
    assert version() == seen[-1], "what another has heard is not mine to see"
    store.calls.mark_heard(call_id, anna.id, True)
    changed()
    for deleted in (True, False):
        assert store.deleting.mark([call_id], bert.id, [recipient.mailbox_id], deleted=deleted)
        if deleted:
            changed()
    assert version() == seen[-2], "it is again what it was"
    store.mailboxes.add("1001", "Anna's desk")
    changed()
    claim(store, anna, recipient.mailbox_id)
    assert version() == seen[-1]
    store.calls.mark_heard(other, anna.id, True)
    assert version() == seen[-1]
    store.calls.mark_heard(call_id, anna.id, False)
    changed()


@pytest.mark.thorough
def test_in_very_many_rows_whatever_is_looked_for_is_answered_in_no_time(house: House) -> None:
    box, user = fill(house, 25_000, unheard=40)

    def best_ms(ask: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
        return min(times) * 1000

    slowest = 0.0
    for show in (None, *Show):
        for before in (None, (7_000, bytes(16))):
            ms = best_ms(partial(house.store.calls.rows, [box], user, before, 50, show))
            slowest = max(slowest, ms)
    slowest = max(slowest, best_ms(lambda: house.store.calls.versions([box], user, None, 200)))
    slowest = max(slowest, best_ms(lambda: house.store.calls.count([box])))
    assert slowest < 10 * LIMIT_MS
    assert house.store.calls.count([box]) == 25_000
    oldest = everything(house.store, [box], user, Show.UNHEARD, 50)
    assert len(oldest) == 40, "all of them at the list's far end"


def test_a_look_reads_indexes_alone(house: House) -> None:
    for show in Show:
        plan = [
            step[-1]
            for step in house.store._database.ask(
                "EXPLAIN QUERY PLAN " + _PAGES[show], *"mu", 1, b"", 0, b"", 9
            )
        ]
        steps = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
        short = ("COVERING INDEX", "ix_note_open", "handling USING PRIMARY KEY")
        assert all(any(each in step for each in short) for step in steps), plan
        assert "(received_at,id)>(?,?) AND (received_at,id)<(?,?)" in steps[0]
