"""A mailbox is given to somebody who is a user already: a colleague, or who was here before."""

import pytest

from bridge.errors import Refused
from bridge.seal.curve import new_keypair
from bridge.store import giving
from bridge.store.access import Act
from bridge.store.members import MemberState
from bridge.store.recovery import NAME
from tests.store.house import House, claim, joined
from tests.store.test_epochs import Flat


def test_who_was_removed_comes_back_as_one_who_waits_and_is_let_in_with_every_key(house: House) -> None:
    flat = Flat(house)
    bert, carl = flat.others
    flat.remove(bert, flat.anna, carl)
    back = flat.store.giving.add(flat.box, carl.id, "BERT")
    assert (back.user_id, back.state, back.public) == (bert.id, MemberState.WAITING, bert.public)
    assert flat.store.mailboxes.readable_by(bert.id) == []
    assert flat.store.giving.add(flat.box, carl.id, "Bert") == back, "once more changes nothing"
    flat.let_in(bert)
    assert bert.keys(flat.store, flat.box) == flat.keys
    told = [entry for entry in flat.store.access.page(flat.box) if entry.act is Act.ADDED]
    assert [(entry.user_name, entry.about_name) for entry in told] == [("Carl", "Bert")]


def test_only_a_member_adds_somebody_and_only_a_user(house: House) -> None:
    flat = Flat(house)
    eve = joined(house.store, "Eve", "1002")
    for stranger in (eve, flat.dora):
        with pytest.raises(Refused, match="not a member"):
            flat.store.giving.add(flat.box, stranger.id, "Eve")
    for name in ("Nobody", "", "\ud800", "x" * 5000):
        with pytest.raises(Refused, match="no such user"):
            flat.store.giving.add(flat.box, flat.anna.id, name)
    assert "Eve" not in flat.states()


def test_the_admin_gives_a_private_mailbox_to_wait_for_and_a_new_one_to_claim(house: House) -> None:
    store = house.store
    flat = Flat(house)
    eve = joined(store, "Eve", "1002")
    assert store.giving.give("1001", "eve").state is MemberState.WAITING
    assert flat.states()["Eve"] == "waiting"
    assert store.access.page(flat.box)[0].user_name is None, "nobody's page did it"
    store.mailboxes.add("1003")
    for _ in range(2):
        store.giving.give("1003", "Eve")
    box = store.mailboxes.recipient("1003").mailbox_id
    assert sorted(claim(store, eve, box)) == [0, 1]
    assert store.giving.give("1003", "Eve").state is MemberState.MEMBER
    for extension, word in (("1999", "no such mailbox"), ("not one", "mailbox name")):
        with pytest.raises(Refused, match=word):
            store.giving.give(extension, "Eve")


def test_a_recovery_key_that_is_off_is_nobody_and_comes_back_only_while_it_is_on(house: House) -> None:
    flat = Flat(house)
    user = flat.store.recovery.turn_on(new_keypair()[1])
    flat.store.epochs.remove(flat.box, flat.anna.id, user.id)
    assert flat.store.giving.add(flat.box, flat.anna.id, NAME).state is MemberState.WAITING
    flat.store.recovery.turn_off()
    with pytest.raises(Refused, match="no such user"):
        flat.store.giving.add(flat.box, flat.anna.id, NAME)


def test_a_mailbox_has_no_more_members_than_one_new_key_can_be_closed_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = Flat(house)
    joined(house.store, "Eve", "1002")
    monkeypatch.setattr(giving, "MOST", 4)
    with pytest.raises(Refused, match="too many members"):
        flat.store.giving.add(flat.box, flat.anna.id, "Eve")
    flat.store.giving.add(flat.box, flat.anna.id, "Dora")
