"""Taken, done, open again: who is first has it, a new note opens what was done, and the log stays calm."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.events import News
from bridge.store import Row
from bridge.store.access import Act
from bridge.store.deleting import YOUNG_S
from bridge.store.handling import OPEN, Handling, HandlingState, Seen, step
from tests.store.house import START, House, Person, Take, file_call, joined, row

S = HandlingState


def cast(house: House) -> tuple[Person, Person, bytes]:
    """Anna and Bert of one mailbox, and a call in it."""
    anna, bert = joined(house.store, "Anna", "1001"), joined(house.store, "Bert", "1001")
    return anna, bert, file_call(house.store, house.store.mailboxes.recipient("1001"))


def seen(found: Row) -> Seen:
    return Seen(found.handling.state, found.handling.user_id)


def acts(house: House) -> list[tuple[Act, str | None]]:
    box = house.store.mailboxes.recipient("1001").mailbox_id
    return [(entry.act, entry.user_name) for entry in house.store.access.page(box)]


def test_the_first_of_two_has_it_and_the_other_is_told_who(house: House) -> None:
    anna, bert, call = cast(house)
    before = row(house.store, call)
    assert before.handling == Handling()
    house.store.handling.mark(call, bert.id, S.TAKEN, OPEN)
    assert house.news[-1] == News("row", before.mailbox_id, call.hex())
    news = len(house.news)
    house.clock.turn(minutes=3)
    with pytest.raises(Refused, match="handled otherwise") as refused:
        house.store.handling.mark(call, anna.id, S.TAKEN, OPEN)
    assert refused.value.user == "Bert has taken this call."
    house.store.handling.mark(call, bert.id, S.TAKEN, OPEN)  # his page did not hear the first answer
    after = row(house.store, call, anna.id)
    assert after.handling == Handling(S.TAKEN, bert.id, "Bert", START)
    assert after.version != before.version
    assert len(house.news) == news, "nothing has changed"
    assert acts(house) == [], "that somebody works is no entry"


def test_taken_given_back_taken_over_done_and_opened_again(house: House) -> None:
    anna, bert, call = cast(house)
    story = [
        (bert, S.TAKEN),
        (bert, S.OPEN),
        (anna, S.TAKEN),
        (bert, S.TAKEN),  # on purpose: he has seen that Anna has it
        (bert, S.DONE),
        (anna, S.OPEN),
        (anna, S.DONE),
    ]
    versions = [row(house.store, call).version]
    for who, state in story:
        house.clock.turn(minutes=1)
        house.store.handling.mark(call, who.id, state, seen(row(house.store, call)))
        now = row(house.store, call)
        expected = (None, None, None) if state is S.OPEN else (who.id, who.name, house.clock.now)
        assert (now.handling.user_id, now.handling.user_name, now.handling.at) == expected
        versions.append(now.version)
    assert versions[0] == versions[2] == versions[6]
    assert len(set(versions)) == len(versions) - 2
    assert acts(house) == [(Act.DONE, "Anna"), (Act.DONE, "Bert"), (Act.TAKEN_OVER, "Bert")]


ANYBODY = st.sampled_from(["anna", "bert"])
ANY_STATE = st.sampled_from(S)
SEEN = st.builds(Seen, ANY_STATE, st.none() | ANYBODY)


@pytest.mark.thorough
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(ANYBODY, ANY_STATE, st.none() | SEEN), max_size=12))
def test_whatever_two_people_wish_only_what_they_saw_is_changed(
    house: House, wishes: list[tuple[str, HandlingState, Seen | None]]
) -> None:
    """Against a model of three lines; ``None`` is a page that saw what is."""
    if house.store.users.by_name("anna") is None:
        joined(house.store, "anna", "1001")
        joined(house.store, "bert", "1001")
    ids = {name: found.id for name in ("anna", "bert") if (found := house.store.users.by_name(name))}
    call = file_call(house.store, house.store.mailboxes.recipient("1001"), str(len(house.news)))
    model = OPEN
    for who, state, saw in wishes:
        user = ids[who]
        told = model if saw is None else Seen(saw.state, ids.get(saw.user_id or ""))
        wished = Seen(state, None if state is S.OPEN else user)
        legal = wished == model or (told == model and step(model, state, user))
        try:
            house.store.handling.mark(call, user, state, told)
        except Refused as refused:
            assert not legal
            assert refused.word == ("no such step" if told == model else "handled otherwise")
        else:
            assert legal
            model = wished
        assert seen(row(house.store, call)) == model


@pytest.mark.parametrize(
    ("saw", "may"),
    [
        (Seen(S.OPEN), {S.TAKEN, S.DONE}),
        (Seen(S.TAKEN, "me"), {S.OPEN, S.DONE}),
        (Seen(S.TAKEN, "you"), {S.TAKEN}),
        (Seen(S.DONE, "me"), {S.OPEN}),
        (Seen(S.DONE, "you"), {S.OPEN}),
    ],
)
def test_the_steps(saw: Seen, may: set[HandlingState]) -> None:
    assert {state for state in S if step(saw, state, "me")} == may


@pytest.mark.parametrize("spoken", [True, False])
def test_who_speaks_under_a_done_row_opens_it_and_one_that_is_taken_stays_taken(
    house: House, spoken: bool
) -> None:
    anna, _, call = cast(house)
    recipient = house.store.mailboxes.recipient("1001")
    other = file_call(house.store, recipient, "2")
    house.store.handling.mark(call, anna.id, S.DONE, OPEN)
    house.store.handling.mark(other, anna.id, S.TAKEN, OPEN)
    for each in (call, other):
        take = Take(house.store, recipient, each)
        take.speak(2)
        asyncio.run(take.finish(speech=spoken))
    assert row(house.store, call).handling.state is (S.OPEN if spoken else S.DONE)
    assert row(house.store, other).handling.state is S.TAKEN


def test_a_note_that_a_crash_cut_off_opens_a_done_row_too(house: House) -> None:
    anna, _, call = cast(house)
    take = Take(house.store, house.store.mailboxes.recipient("1001"), call)
    take.speak(4)
    house.store.handling.mark(call, anna.id, S.DONE, OPEN)
    asyncio.run(house.store.flusher.flush_now())
    house.open_again().recover()
    assert row(house.store, call).handling == Handling()


def test_who_is_gone_has_no_name_and_what_he_had_can_be_taken_over(house: House) -> None:
    anna, bert, call = cast(house)
    house.store.handling.mark(call, bert.id, S.TAKEN, OPEN)
    before = row(house.store, call).version
    with sqlite3.connect(house.data / "aftertone.db") as database:
        database.execute("DELETE FROM member WHERE user_id = ?", (bert.id,))
    now = row(house.store, call)
    assert (now.handling.user_name, now.version != before) == (None, True)
    with pytest.raises(Refused) as refused:
        house.store.handling.mark(call, anna.id, S.TAKEN, OPEN)
    assert refused.value.user == "Somebody who is gone has taken this call."
    house.store.handling.mark(call, anna.id, S.TAKEN, seen(now))
    assert row(house.store, call).handling.user_name == "Anna"


def test_a_row_that_goes_takes_its_state_along_and_then_nothing_can_be_marked(house: House) -> None:
    anna, _, call = cast(house)
    box = house.store.mailboxes.recipient("1001").mailbox_id
    house.store.handling.mark(call, anna.id, S.TAKEN, OPEN)
    house.store.deleting.mark([call], anna.id, [box], deleted=True)
    house.clock.turn(seconds=YOUNG_S)
    assert house.store.deleting.erase([call], anna.id, [box])
    for _ in range(2):
        with pytest.raises(Refused, match="no such row"):
            house.store.handling.mark(call, anna.id, S.DONE, Seen(S.TAKEN, anna.id))
        house.store.tidy()
    with sqlite3.connect(house.data / "aftertone.db") as database:
        assert database.execute("SELECT count(*) FROM handling").fetchone() == (0,)


def test_a_taken_row_whose_call_went_on_to_another_mailbox_goes(house: House) -> None:
    anna, _, call = cast(house)
    house.store.handling.mark(call, anna.id, S.TAKEN, OPEN)
    other = house.store.mailboxes.recipient("2002")
    standing = file_call(house.store, other, at=START + timedelta(seconds=5), supersede=True)
    assert standing != call
    assert house.store.calls.row(call) is None
