"""The organisation's recovery key: off by default, let in by members alone, gone when turned off."""

import asyncio
import sqlite3

import pytest

from bridge.errors import Refused, SettingError
from bridge.seal.curve import new_keypair
from bridge.seal.keys import mailbox_wrap, public_of
from bridge.store.access import Act
from bridge.store.epochs import NextKey
from bridge.store.members import MemberState
from bridge.store.recovery import NAME
from bridge.store.users import User
from tests.store.house import LOW_ORDER, START, House, Person, Take, claim, file_call, joined


def let_in(house: House, by: Person, extension: str, public: bytes) -> None:
    """What a member's page does when somebody agrees."""
    box = house.store.mailboxes.recipient(extension).mailbox_id
    found = house.store.recovery.now()
    assert found is not None
    wraps = [
        (epoch, mailbox_wrap(public, found.user_id, box, epoch, secret, public_of(secret)))
        for epoch, secret in by.keys(house.store, box).items()
    ]
    house.store.mailboxes.approve(box, by.id, found.user_id, public, wraps)


def private_box(house: House, name: str, extension: str) -> Person:
    person = joined(house.store, name, extension)
    claim(house.store, person, house.store.mailboxes.recipient(extension).mailbox_id)
    return person


def test_it_is_off_then_waits_in_private_mailboxes_and_opens_what_members_give_it(house: House) -> None:
    anna = private_box(house, "Anna", "1001")
    carl = joined(house.store, "Carl", "2002")
    house.store.mailboxes.add("3003")
    assert house.store.recovery.now() is None
    private, public = new_keypair()
    user = house.store.recovery.turn_on(public)
    found = house.store.recovery.now()
    assert found is not None
    assert (found.since, found.public, list(found.waits.values()), found.opens) == (
        START,
        public,
        ["1001"],
        {},
    )
    assert house.store.mailboxes.wraps_of(user.id) == []
    assert house.store.mailboxes.readable_by(user.id) == [], "nothing before a member agrees"
    assert house.store.standing.waiting(anna.id) == {}, "it is told of by itself, and is nobody who waits"
    shop = house.store.mailboxes.recipient("2002").mailbox_id
    with pytest.raises(Refused, match="not waiting"):
        house.store.mailboxes.offer_claim(shop, user.id)
    claim(house.store, carl, shop)
    let_in(house, anna, "1001", public)
    found = house.store.recovery.now()
    assert found is not None
    assert (list(found.opens.values()), list(found.waits.values())) == (["1001"], ["2002"])
    box = house.store.mailboxes.recipient("1001").mailbox_id
    key = Person(user.id, NAME, private, public)
    assert key.keys(house.store, box) == anna.keys(house.store, box)
    states = {member.name: member.state for member in house.store.mailboxes.members(box)}
    assert states == {"Anna": MemberState.MEMBER, NAME: MemberState.MEMBER}
    assert house.store.standing.people(anna.id) == {}, "a key is nobody with whom calls are shared"


def test_turned_off_it_has_nothing_left_and_gets_nothing_until_another_is_turned_on(house: House) -> None:
    anna = private_box(house, "Anna", "1001")
    _, public = new_keypair()
    first = house.store.recovery.turn_on(public)
    let_in(house, anna, "1001", public)
    token = house.store.sessions.open(first.id, "bearer")
    [wrap] = house.store.mailboxes.wraps_of(first.id)[:1]
    assert list(house.store.recovery.turn_off().opens.values()) == ["1001"]
    assert house.store.recovery.now() is None
    assert house.store.sessions.user(token) is None
    assert house.store.mailboxes.of_user(first.id) == []
    assert house.store.mailboxes.wraps_of(first.id) == []
    assert wrap.wrap not in b"".join(file.read_bytes() for file in house.data.glob("aftertone.db*"))
    private_box(house, "Carl", "2002")
    assert house.store.mailboxes.of_user(first.id) == []
    with pytest.raises(Refused, match="no recovery key"):
        house.store.recovery.turn_off()
    _, other = new_keypair()
    assert house.store.recovery.turn_on(other).id == first.id
    found = house.store.recovery.now()
    assert found is not None
    assert (found.public, found.opens, list(found.waits.values())) == (other, {}, ["1001", "2002"])


def test_the_same_key_twice_is_one_and_another_needs_the_first_to_go(house: House) -> None:
    private_box(house, "Anna", "1001")
    _, public = new_keypair()
    user = house.store.recovery.turn_on(public)
    assert house.store.recovery.turn_on(public) == user
    with pytest.raises(Refused, match="recovery key on"):
        house.store.recovery.turn_on(new_keypair()[1])
    for bad in (b"short", LOW_ORDER[0]):
        with pytest.raises(Refused, match="public key"):
            house.store.recovery.turn_on(bad)
    found = house.store.recovery.now()
    assert found is not None
    assert found.public == public


def test_a_file_that_cannot_be_written_turns_nothing_on(house: House) -> None:
    def fails(_user: User) -> None:
        raise SettingError("key file: exists already")

    with pytest.raises(SettingError):
        house.store.recovery.turn_on(new_keypair()[1], fails)
    assert house.store.recovery.now() is None
    with sqlite3.connect(house.data / "aftertone.db") as database:
        assert database.execute("SELECT count(*) FROM user").fetchone() == (0,)


def test_somebody_who_is_called_so_already_is_not_taken_for_it(house: House) -> None:
    joined(house.store, NAME.upper(), "1001")
    with pytest.raises(Refused, match="user name taken"):
        house.store.recovery.turn_on(new_keypair()[1])


def test_a_mailbox_that_a_key_had_opened_is_given_another_after_it_was_turned_off(house: House) -> None:
    store = house.store
    anna, carl = private_box(house, "Anna", "1001"), private_box(house, "Carl", "2002")
    private, public = new_keypair()
    user = store.recovery.turn_on(public)
    let_in(house, anna, "1001", public)
    box = store.mailboxes.recipient("1001").mailbox_id
    held = Person(user.id, NAME, private, public).keys(store, box)
    assert store.epochs.outgrown(anna.id) == frozenset(), "it is a member like any other"
    store.recovery.turn_off()
    assert store.epochs.outgrown(anna.id) == {box}
    assert store.epochs.outgrown(carl.id) == frozenset(), "his it never had"
    told = store.access.page(box)[0]
    assert (told.act, told.user_name, told.about_name) == (Act.REMOVED, None, NAME)

    house.clock.turn(hours=-3)  # the log's order counts, whatever the clock did
    secret, next_public = new_keypair()
    wrap = mailbox_wrap(anna.public, anna.id, box, 2, secret, next_public)
    store.epochs.renew(box, anna.id, NextKey(2, next_public, [(anna.id, wrap)]))
    assert store.epochs.outgrown(anna.id) == frozenset()
    take = Take(store, store.mailboxes.recipient("1001"), file_call(store, store.mailboxes.recipient("1001")))
    take.speak(1)
    asyncio.run(take.finish())
    for key in held.values():
        with pytest.raises(Refused, match="not sealed to this key"):
            take.opened(store, key)
