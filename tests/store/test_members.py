"""Who belongs to a mailbox, who lets him in, and what he sees before and after."""

import pytest

from bridge.errors import Refused
from bridge.seal.keys import mailbox_wrap, public_of
from bridge.store.mailboxes import MailboxState
from bridge.store.members import MemberState
from tests.store.house import House, claim, joined, joins_by_page


def test_two_claim_at_once_and_the_second_waits_to_be_let_in(house: House) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    user, token = store.users.add("Bert", ["1001"])
    box = store.mailboxes.recipient("1001").mailbox_id
    assert [(who.name, who.state) for who in store.mailboxes.members(box)] == [
        ("Anna", MemberState.WAITING),
        ("Bert", MemberState.INVITED),
    ]
    with pytest.raises(Refused, match="not waiting"):
        store.mailboxes.offer_claim(box, user.id)
    bert = joins_by_page(store, "Bert", token)
    store.mailboxes.offer_claim(box, bert.id)
    keys = claim(store, anna, box)
    with pytest.raises(Refused, match="claimed"):
        claim(store, bert, box)
    assert store.mailboxes.wraps_of(bert.id) == []
    states = {who.name: who.state for who in store.mailboxes.members(box)}
    assert states == {"Anna": MemberState.MEMBER, "Bert": MemberState.WAITING}

    publics = {wrap.epoch: wrap.public for wrap in store.mailboxes.wraps_of(anna.id)}
    wraps = [
        (epoch, mailbox_wrap(bert.public, bert.id, box, epoch, key, publics[epoch]))
        for epoch, key in keys.items()
    ]
    for bad in (
        wraps[:1],
        wraps[1:],
        [*wraps, wraps[0]],
        [*wraps, (2, wraps[0][1])],
        [(0, b"short"), wraps[1]],
    ):
        with pytest.raises(Refused, match="wraps"):
            store.mailboxes.approve(box, anna.id, bert.id, bert.public, bad)
    with pytest.raises(Refused, match="not a member"):
        store.mailboxes.approve(box, bert.id, bert.id, bert.public, wraps)
    store.mailboxes.approve(box, anna.id, bert.id, bert.public, wraps)
    with pytest.raises(Refused, match="member already"):
        store.mailboxes.approve(box, anna.id, bert.id, bert.public, [(0, bytes(80)), (1, bytes(80))])
    assert bert.keys(store, box) == keys
    (seen,) = store.mailboxes.of_user(bert.id)
    assert (seen.state, seen.mailbox.state) == (MemberState.MEMBER, MailboxState.PRIVATE)


def test_a_stranger_or_an_invited_one_cannot_be_approved(house: House) -> None:
    store = house.store
    anna, eve = joined(store, "Anna", "1001"), joined(store, "Eve", "1002")
    invited, _ = store.users.add("Bert", ["1001"])
    box = store.mailboxes.recipient("1001").mailbox_id
    claim(store, anna, box)
    for nobody in (eve.id, invited.id, "us_" + "a" * 16):
        with pytest.raises(Refused, match="not waiting"):
            store.mailboxes.approve(box, anna.id, nobody, bytes(32), [(0, bytes(80)), (1, bytes(80))])
    with pytest.raises(Refused, match="not a member"):
        store.mailboxes.approve("mb_" + "a" * 16, anna.id, eve.id, eve.public, [])


def test_rows_are_for_members_and_before_the_claim_for_everybody_who_may_claim(house: House) -> None:
    store = house.store
    anna, bernd = joined(store, "Anna", "1002", "1001"), joined(store, "Bernd", "1001")
    eve = joined(store, "Eve", "1003")
    first, second, third = (store.mailboxes.recipient(name).mailbox_id for name in ("1001", "1002", "1003"))
    seen = store.mailboxes.readable_by
    assert (seen(anna.id), seen(bernd.id), seen(eve.id)) == ([first, second], [first], [third])
    keys = claim(store, anna, first)
    assert (seen(anna.id), seen(bernd.id)) == ([first, second], []), "who waits sees nothing"
    wraps = [
        (epoch, mailbox_wrap(bernd.public, bernd.id, first, epoch, key, public_of(key)))
        for epoch, key in keys.items()
    ]
    store.mailboxes.approve(first, anna.id, bernd.id, bernd.public, wraps)
    assert seen(bernd.id) == [first]
    assert seen("us_" + "a" * 16) == []
