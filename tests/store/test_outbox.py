"""What is still to be told: written with the change, claimed by one, and the counts that lamps show."""

import asyncio
import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from bridge.errors import Refused, StoreError
from bridge.store import open_store, unheard
from bridge.store.outbox import ADD, LAMP, Entry, lamp_of
from bridge.store.unheard import Counts
from tests.store.house import START, House, Take, file_call, joined

NOW = START.timestamp()


def spoken(house: House, extension: str = "1001", linkedid: str = "1", *, speech: bool = True) -> bytes:
    """A note under a call of its own; returns the call's id."""
    recipient = house.store.mailboxes.recipient(extension)
    call_id = file_call(house.store, recipient, linkedid)
    asyncio.run(Take(house.store, recipient, call_id).finish(speech=speech))
    return call_id


def box(house: House, extension: str = "1001") -> str:
    return house.store.mailboxes.recipient(extension).mailbox_id


def counts(house: House, extension: str = "1001") -> tuple[int, int]:
    found = house.store.unheard_counts(box(house, extension))
    assert found is not None
    assert found.extension == extension
    return found.new, found.old


def claimed(house: House, limit: int = 100) -> list[Entry]:
    return house.store.outbox.claim(NOW, limit)


def add(house: House, mailbox_id: str) -> None:
    with house.store._database.write_soon() as connection:
        connection.execute(ADD, lamp_of(mailbox_id))


def emptied(house: House) -> None:
    for entry in claimed(house):
        house.store.outbox.done(entry)


def test_a_note_counts_as_new_until_anybody_has_heard_it(house: House) -> None:
    anna, bert = joined(house.store, "Anna", "1001"), joined(house.store, "Bert", "1001")
    assert counts(house) == (0, 0)
    first, second = spoken(house, linkedid="1"), spoken(house, linkedid="2")
    assert counts(house) == (2, 0)
    house.store.calls.mark_heard(first, anna.id, True)
    assert counts(house) == (1, 1)
    house.store.calls.mark_heard(first, bert.id, True)
    assert counts(house) == (1, 1), "heard twice is heard once"
    house.store.calls.mark_heard(second, bert.id, True)
    assert counts(house) == (0, 2)
    house.store.calls.mark_heard(second, bert.id, False)
    assert counts(house) == (1, 1)


def test_what_is_no_note_never_lights_a_lamp(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    file_call(house.store, recipient, "a missed call without a note")
    spoken(house, linkedid="nobody spoke", speech=False)
    begun = Take(house.store, recipient, file_call(house.store, recipient, "still speaking"))
    begun.speak()
    thrown = Take(house.store, recipient, file_call(house.store, recipient, "thrown away"))
    thrown.speak()
    thrown.recording.discard()
    assert counts(house) == (0, 0)
    assert claimed(house) == []
    asyncio.run(begun.finish())
    assert counts(house) == (1, 0)


def test_two_takes_of_one_call_are_two_notes(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id = spoken(house)
    house.store.calls.mark_heard(call_id, anna.id, True)
    assert counts(house) == (0, 1)
    asyncio.run(Take(house.store, house.store.mailboxes.recipient("1001"), call_id).finish())
    assert counts(house) == (2, 0), "the row is new again, as the page shows it"


def test_a_note_that_a_crash_cut_off_is_counted_and_told(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    take = Take(house.store, recipient, file_call(house.store, recipient))
    take.speak(3)
    house.open_again().recover()
    assert counts(house) == (1, 0)
    assert [entry.key for entry in claimed(house)] == [recipient.mailbox_id]


def test_nobody_can_count_a_mailbox_that_does_not_exist(house: House) -> None:
    assert house.store.unheard_counts("mb_none") is None
    assert house.store.unheard_counts(box(house)) == Counts("1001", 0, 0)


def test_every_change_of_a_count_is_told_and_a_change_that_fails_is_not(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    call_id = spoken(house)
    for change in ((True, 1), (False, 1), (True, 1)):
        emptied(house)
        house.store.calls.mark_heard(call_id, anna.id, change[0])
        assert len(claimed(house)) == change[1]
        house.store.outbox.free()
    emptied(house)
    with pytest.raises(Refused):
        house.store.calls.mark_heard(b"no such row", anna.id, True)
    assert claimed(house) == []


def test_many_changes_of_one_mailbox_wait_as_one_row(house: House) -> None:
    for linkedid in range(20):
        spoken(house, linkedid=str(linkedid))
    spoken(house, "1002", "another")
    entries = claimed(house)
    assert [(entry.kind, entry.key) for entry in entries] == [
        (LAMP, box(house, "1001")),
        (LAMP, box(house, "1002")),
    ]


def test_a_change_while_it_is_told_waits_until_that_is_over(house: House) -> None:
    mailbox = box(house)
    add(house, mailbox)
    [first] = claimed(house)
    add(house, mailbox)
    add(house, mailbox)
    assert claimed(house) == [], "one under way per mailbox: the last told is the last true"
    house.store.outbox.done(first)
    [second] = claimed(house)
    house.store.outbox.done(second)
    assert claimed(house) == []


def test_what_failed_comes_again_when_it_is_due_and_is_counted_until_it_arrives(house: House) -> None:
    outbox = house.store.outbox
    add(house, box(house))
    [entry] = claimed(house)
    outbox.failed(entry, "PbxAway", NOW + 5)
    assert (outbox.failing(), outbox.next_due(NOW)) == (1, NOW + 5)
    assert outbox.claim(NOW + 4.9, 10) == []
    [again] = outbox.claim(NOW + 5, 10)
    assert (again.attempts, again.error) == (1, "PbxAway")
    assert outbox.failing() == 1
    outbox.done(again)
    assert (outbox.failing(), outbox.next_due(0)) == (0, None)


def test_a_change_during_a_failing_attempt_is_tried_at_once_and_nothing_is_doubled(house: House) -> None:
    outbox = house.store.outbox
    add(house, box(house))
    [entry] = claimed(house)
    add(house, box(house))
    outbox.failed(entry, "PbxAway", NOW + 60)
    [again] = claimed(house)
    assert again.attempts == 1
    outbox.failed(again, "PbxAway", NOW + 60)
    assert claimed(house) == []
    [last] = outbox.claim(NOW + 60, 10)
    assert last.attempts == 2


def test_what_arrived_after_a_failure_is_due_once_more_and_a_change_until_then_does_not_wait(
    house: House,
) -> None:
    outbox, mailbox = house.store.outbox, box(house)
    add(house, mailbox)
    [entry] = claimed(house)
    assert not entry.unsure
    outbox.failed(entry, "PbxAway", NOW)
    [entry] = claimed(house)
    add(house, mailbox)
    outbox.done(entry, NOW + 10)
    [entry] = claimed(house)
    assert (entry.attempts, entry.unsure) == (0, True), "the change that waited knows that it is not sure yet"
    outbox.done(entry, NOW + 10)
    assert (outbox.failing(), claimed(house)) == (0, [])
    add(house, mailbox)
    [entry] = claimed(house)
    assert entry.unsure
    outbox.done(entry, NOW + 10)
    [entry] = outbox.claim(NOW + 10, 10)
    assert not entry.unsure
    outbox.done(entry)
    assert outbox.next_due(0) is None


def test_a_change_does_not_hurry_what_waits_after_a_failure(house: House) -> None:
    add(house, box(house))
    [entry] = claimed(house)
    house.store.outbox.failed(entry, "PbxAway", NOW + 5)
    add(house, box(house))
    assert claimed(house) == []


def test_a_bounded_number_is_taken_and_the_longest_waiting_first(house: House) -> None:
    boxes = [box(house, f"{number}") for number in range(1001, 1006)]
    for mailbox in boxes:
        add(house, mailbox)
    assert [entry.key for entry in claimed(house, 3)] == boxes[:3]
    assert [entry.key for entry in claimed(house, 3)] == boxes[3:]


def test_all_mailboxes_can_be_told_again_also_those_that_wait_after_a_failure(house: House) -> None:
    boxes = [box(house, f"{number}") for number in range(1001, 1004)]
    add(house, boxes[0])
    [entry] = claimed(house)
    house.store.outbox.failed(entry, "PbxAway", NOW + 1000)
    add(house, boxes[1])
    [under_way] = claimed(house)
    house.store.outbox.renew_lamps()
    assert sorted(entry.key for entry in claimed(house)) == sorted([boxes[0], boxes[2]])
    house.store.outbox.done(under_way)
    assert [entry.key for entry in claimed(house)] == [boxes[1]]


def test_claims_of_a_killed_process_are_free_after_the_next_start_whatever_the_clock_says(
    house: House,
) -> None:
    boxes = [box(house, f"{number}") for number in range(1001, 1004)]
    for mailbox in boxes:
        add(house, mailbox)
    entries = claimed(house)
    house.store.outbox.failed(entries[0], "PbxAway", NOW + 9e9)
    add(house, boxes[1])
    house.open_again().recover()
    assert sorted(entry.key for entry in claimed(house)) == sorted(boxes)


def test_a_change_is_told_only_if_it_happened(house: House) -> None:
    mailbox = box(house)
    with pytest.raises(ZeroDivisionError), house.store._database.write_soon() as connection:
        connection.execute(ADD, lamp_of(mailbox))
        _ = 1 // 0
    assert claimed(house) == []


def test_a_store_that_is_closed_says_so_and_counts_nothing(house: House) -> None:
    mailbox = box(house)
    house.store.close()
    with pytest.raises(StoreError):
        house.store.unheard_counts(mailbox)
    with pytest.raises(StoreError):
        claimed(house)


def _runner(
    data: str, start: "multiprocessing.synchronize.Barrier", into: "multiprocessing.Queue[list[str]]"
) -> None:
    store = open_store(Path(data))
    start.wait(60)
    got: list[str] = []
    while entries := store.outbox.claim(NOW, 7):
        got += [entry.key for entry in entries]
    into.put(got)
    store.close()


@pytest.mark.process
def test_two_processes_never_both_get_one_row(house: House) -> None:
    boxes = [box(house, f"{number}") for number in range(1001, 1201)]
    house.store.outbox.renew_lamps()
    context = multiprocessing.get_context("spawn")
    start, into = context.Barrier(2), context.Queue()
    runners = [context.Process(target=_runner, args=(str(house.data), start, into)) for _ in range(2)]
    for runner in runners:
        runner.start()
    got = [into.get(timeout=60) for _ in runners]
    for runner in runners:
        runner.join(60)
    assert Counter(got[0] + got[1]) == Counter(boxes)


def test_counting_reads_indexes_alone_however_long_the_list_is(house: House) -> None:
    plan = house.store._database.ask("EXPLAIN QUERY PLAN " + unheard._COUNTS, box(house))
    told = "\n".join(row[-1] for row in plan)
    assert told.count("note USING COVERING INDEX ix_note_lamp") == 2, told
    assert "heard USING COVERING INDEX ix_heard_call" in told
