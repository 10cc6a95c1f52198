"""What somebody who is gone leaves behind: a key that he may have kept, and calls that he had taken."""

import asyncio

import pytest

from bridge.errors import Refused
from bridge.store.finding import Show
from bridge.store.handling import OPEN, HandlingState
from tests.store.house import House, Take, file_call, row
from tests.store.test_epochs import Flat


def test_the_key_that_a_leaver_made_for_the_others_is_outgrown_until_one_of_them_makes_another(
    house: House,
) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    assert store.epochs.outgrown(flat.anna.id) == frozenset()
    flat.remove(bert, flat.anna, carl, by=bert)  # he leaves, and keeps what he made
    for who, owed in ((flat.anna, {flat.box}), (carl, {flat.box}), (bert, set())):
        assert store.epochs.outgrown(who.id) == owed, who.name

    first, private = flat.next_key(flat.anna, carl)
    late, _ = flat.next_key(flat.anna, carl)
    for stranger in (bert, flat.dora):
        with pytest.raises(Refused, match="not a member"):
            store.epochs.renew(flat.box, stranger.id, first)
    with pytest.raises(Refused, match="members changed"):
        store.epochs.renew(flat.box, carl.id, flat.next_key(flat.anna, carl, flat.dora)[0])
    store.epochs.renew(flat.box, carl.id, first)
    with pytest.raises(Refused, match="members changed"):
        store.epochs.renew(flat.box, flat.anna.id, late)
    assert store.epochs.outgrown(flat.anna.id) == frozenset()

    take = Take(store, flat.recipient, file_call(store, flat.recipient, "3"))
    take.speak(1)
    asyncio.run(take.finish())
    with pytest.raises(Refused, match="not sealed to this key"):
        take.opened(store, flat.keys[2])
    assert take.opened(store, private).media == take.sent


def test_a_key_that_somebody_else_made_is_not_outgrown_when_a_member_is_removed(house: House) -> None:
    flat = Flat(house)
    bert, carl = flat.others
    flat.remove(bert, flat.anna, carl)
    assert house.store.epochs.outgrown(carl.id) == frozenset()


@pytest.mark.parametrize("leaves", [True, False])
def test_calls_that_somebody_had_taken_who_goes_are_open_again_and_what_he_did_stays_done(
    house: House, leaves: bool
) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    mine, his, done = (file_call(store, flat.recipient, str(n)) for n in range(3))
    store.mailboxes.add("1002")
    store.giving.give("1002", "Bert")
    elsewhere = file_call(store, store.mailboxes.recipient("1002"), "9")
    for call, who, state in (
        (mine, carl, HandlingState.TAKEN),
        (his, bert, HandlingState.TAKEN),
        (done, bert, HandlingState.DONE),
        (elsewhere, bert, HandlingState.TAKEN),
    ):
        store.handling.mark(call, who.id, state, OPEN)
    before = row(store, his).version
    flat.remove(bert, flat.anna, carl, by=bert if leaves else flat.anna)
    states = [row(store, call).handling.state for call in (mine, his, done, elsewhere)]
    assert states == ["taken", "open", "done", "taken"]
    assert row(store, his).version != before, "pages fetch it again"
    found, _ = store.calls.rows([flat.box], flat.anna.id, limit=9, show=Show.OPEN)
    assert [each.id for each in found] == [his]
