"""A device was lost: the key in it opens nothing later, and everything older is still its owner's."""

import asyncio
import os
import sqlite3
from dataclasses import dataclass, replace

import pytest

from bridge.errors import Refused
from bridge.seal.keys import mailbox_wrap, new_keypair, public_of
from bridge.seal.keyslot import (
    SlotKind,
    login_auth,
    make_keyslot,
    open_keyslot,
    passphrase_params,
    recovery_auth,
)
from bridge.seal.note import STREAM_META, NoteSealer, pad_json
from bridge.store import Store, newkeys
from bridge.store.access import Act
from bridge.store.epochs import NextKey
from bridge.store.newkeys import Secrets
from bridge.store.store import DATABASE
from tests.store.house import House, Person, Take, claim, file_call, joined


@dataclass
class Own:
    """A user key with what opens it, as a page makes them."""

    person: Person
    auth: bytes
    code: bytes
    slots: list[bytes]
    salt: bytes

    @classmethod
    def make(cls, user_id: str, name: str) -> "Own":
        private, public = new_keypair()
        salt, secret, code = os.urandom(16), os.urandom(32), os.urandom(20)
        slots = [
            make_keyslot(SlotKind.PASSPHRASE, secret, private, user_id, passphrase_params(salt)),
            make_keyslot(SlotKind.RECOVERY, code, private, user_id),
        ]
        return cls(Person(user_id, name, private, public), login_auth(secret), code, slots, salt)

    @property
    def recovery(self) -> bytes:
        return recovery_auth(self.code)


class Story:
    """Anna reads 1001 together with Bert and 1002 alone; 1003 is nobody's yet, and she waits for 1004."""

    def __init__(self, house: House) -> None:
        self.house = house
        store = house.store
        user, token = store.users.add("Anna", ["1001", "1002", "1003", "1004"])
        self.own = own = Own.make(user.id, "Anna")
        store.users.join(
            token,
            public=own.person.public,
            slots=own.slots,
            salt=own.salt,
            login=own.auth,
            recovery=own.recovery,
        )
        self.anna = own.person
        self.bert = joined(store, "Bert", "1001", "1004")
        self.shared, self.hers, self.nobodys, self.berts = (
            store.mailboxes.recipient(f"100{n}").mailbox_id for n in (1, 2, 3, 4)
        )
        self.keys = {box: claim(store, self.anna, box) for box in (self.shared, self.hers)}
        claim(store, self.bert, self.berts)
        store.mailboxes.offer_claim(self.nobodys, self.anna.id)
        wraps = [
            (epoch, mailbox_wrap(self.bert.public, self.bert.id, self.shared, epoch, key, public_of(key)))
            for epoch, key in self.keys[self.shared].items()
        ]
        store.mailboxes.approve(self.shared, self.anna.id, self.bert.id, self.bert.public, wraps)
        self.staying = store.sessions.open(self.anna.id, "cookie")
        self.lost = store.sessions.open(self.anna.id, "cookie")
        self.program = store.sessions.open(self.anna.id, "bearer")

    @property
    def store(self) -> Store:
        return self.house.store

    def secrets(self) -> tuple[Own, Secrets]:
        """What her page makes: new keys, wraps of all she holds, and a next key for each box she reads."""
        new = Own.make(self.anna.id, "Anna")
        wraps = [
            (box, epoch, mailbox_wrap(new.person.public, self.anna.id, box, epoch, key, public_of(key)))
            for box, keys in self.keys.items()
            for epoch, key in keys.items()
        ]
        following = [
            (self.shared, self.next_key(self.shared, new.person, self.bert)),
            (self.hers, self.next_key(self.hers, new.person)),
        ]
        made = Secrets(new.person.public, new.slots, new.salt, new.auth, new.recovery, wraps, following)
        return new, made

    def next_key(self, box: str, *people: Person, epoch: int = 2) -> NextKey:
        private, public = new_keypair()
        wraps = [(who.id, mailbox_wrap(who.public, who.id, box, epoch, private, public)) for who in people]
        return NextKey(epoch, public, wraps)

    def note(self, extension: str) -> Take:
        recipient = self.store.mailboxes.recipient(extension)
        take = Take(self.store, recipient, file_call(self.store, recipient, os.urandom(4).hex()))
        take.speak(1)
        asyncio.run(take.finish())
        return take

    def stored(self) -> list[str]:
        """All that is kept of users and keys."""
        names = (
            *("user", "keyslot", "session", "mailbox", "mailbox_key", "mailbox_wrap", "claim", "access"),
            "addressbook",
        )
        with sqlite3.connect(self.house.data / DATABASE) as database:
            found = [f"{name} {row}" for name in names for row in database.execute(f"SELECT * FROM {name}")]  # noqa: S608
        database.close()
        return found


def test_the_lost_key_opens_nothing_later_and_the_new_one_everything(house: House) -> None:
    story = Story(house)
    store = house.store
    old = [story.note("1001"), story.note("1002")]
    new, secrets = story.secrets()
    ended, boxes = store.newkeys.take(story.anna.id, story.own.auth, secrets, story.staying)
    assert (ended, sorted(boxes)) == (2, sorted([story.shared, story.hers]))
    assert store.sessions.user(story.staying) is not None
    assert store.sessions.user(story.lost) is store.sessions.user(story.program) is None

    slots = store.users.slots(story.anna.id)
    assert sorted(slots) == sorted(new.slots)
    assert open_keyslot(slots[1], new.code, new.person.public, story.anna.id) == new.person.private
    assert store.users.check_login("Anna", story.own.auth) is None
    assert store.users.check_login("Anna", story.own.recovery) is None
    assert store.users.check_login("Anna", new.auth) == store.users.check_login("Anna", new.recovery)
    assert store.users.check_login("Anna", new.auth) is not None

    for box in (story.shared, story.hers):
        keys = new.person.keys(store, box)
        assert sorted(keys) == [0, 1, 2]
        assert {epoch: keys[epoch] for epoch in (0, 1)} == story.keys[box]
        for wrap in store.mailboxes.wraps_of(story.anna.id):
            with pytest.raises(Refused, match="mailbox key"):
                story.anna.open_wrap(wrap.wrap, wrap.mailbox_id, wrap.epoch, wrap.public)
    hers = new.person.keys(store, story.shared)
    assert story.bert.keys(store, story.shared) == hers
    later = story.note("1001")
    assert later.opened(store, hers[2]).media == later.sent
    for key in story.keys[story.shared].values():
        with pytest.raises(Refused, match="not sealed to this key"):
            later.opened(store, key)
    assert old[0].opened(store, hers[1]).media == old[0].sent

    told = [(entry.act, entry.user_name) for entry in store.access.page(story.shared, limit=2)]
    assert told == [(Act.NEW_DEVICE, "Anna"), (Act.NEW_KEY, "Anna")]
    # What nobody has claimed is offered anew, and where she waits she waits with the new key.
    offered = store.mailboxes.offer_claim(story.nobodys, story.anna.id)
    unclaimed = store.mailboxes.get(story.nobodys)
    assert unclaimed is not None
    assert public_of(new.person.open_wrap(offered, story.nobodys, 0, unclaimed.public)) == unclaimed.public
    waiting = {who.name: who.public for who in store.mailboxes.members(story.berts)}
    assert waiting["Anna"] == new.person.public


def test_half_of_it_is_nothing_of_it(house: House) -> None:
    story = Story(house)
    store = house.store
    _, good = story.secrets()
    box, epoch, wrap = good.wraps[0]
    eve = joined(store, "Eve", "1005")
    foreign = store.mailboxes.recipient("1005").mailbox_id
    claim(store, eve, foreign)
    before = story.stored()

    def refused(word: str, secrets: Secrets, shown: bytes = story.own.auth, who: str = story.anna.id) -> None:
        with pytest.raises(Refused, match=f"^{word}$"):
            store.newkeys.take(who, shown, secrets, story.staying)
        assert story.stored() == before

    refused("wrong secret", good, os.urandom(32))
    refused("wrong secret", good, who=story.bert.id)
    refused("public key", replace(good, public=story.anna.public))
    refused("public key", replace(good, public=bytes(32)))
    refused("keyslots", replace(good, slots=good.slots[:1]))
    refused("keyslots", replace(good, salt=os.urandom(16)))
    refused("login", replace(good, login=b"short"))
    refused("members changed", replace(good, wraps=good.wraps[1:]))
    refused("members changed", replace(good, wraps=[*good.wraps, (foreign, 0, wrap)]))
    refused("wraps", replace(good, wraps=[*good.wraps, good.wraps[0]]))
    refused("wraps", replace(good, wraps=[(box, epoch, wrap[1:]), *good.wraps[1:]]))
    refused("members changed", replace(good, following=good.following[:1]))
    refused("members changed", replace(good, following=[*good.following, (foreign, good.following[0][1])]))
    refused("wraps", replace(good, following=[*good.following, good.following[0]]))
    shared = good.following[0][1]
    for key in (
        replace(shared, epoch=3),
        replace(shared, wraps=shared.wraps[:1]),
        replace(shared, wraps=[*shared.wraps, (eve.id, wrap)]),
    ):
        refused("members changed", replace(good, following=[(story.shared, key), good.following[1]]))
    used = replace(shared, public=public_of(story.keys[story.shared][1]))
    refused("public key", replace(good, following=[(story.shared, used), good.following[1]]))
    store.newkeys.take(story.anna.id, story.own.recovery, good, story.staying)


@pytest.mark.parametrize("step", ["begin", "write_change", "void_links", "end_others"])
def test_whoever_dies_in_the_middle_has_the_old_keys_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    story = Story(house)
    new, secrets = story.secrets()
    before = story.stored()
    real = getattr(newkeys, step)

    def dies(*args: object, **named: object) -> None:
        real(*args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(newkeys, step, dies)
        with pytest.raises(KeyboardInterrupt):
            house.store.newkeys.take(story.anna.id, story.own.auth, secrets, story.staying)
    store = house.open_again()
    assert story.stored() == before
    assert story.anna.keys(store, story.shared) == story.keys[story.shared]
    assert store.users.check_login("Anna", story.own.auth) is not None
    store.newkeys.take(story.anna.id, story.own.auth, secrets, story.staying)
    store = house.open_again()
    assert sorted(new.person.keys(store, story.shared)) == [0, 1, 2]


def test_a_member_removed_meanwhile_means_to_do_it_again(house: House) -> None:
    story = Story(house)
    _, late = story.secrets()
    store = house.store
    store.epochs.remove(story.shared, story.bert.id, story.bert.id, story.next_key(story.shared, story.anna))
    with pytest.raises(Refused, match="members changed"):
        store.newkeys.take(story.anna.id, story.own.auth, late, story.staying)
    story.keys[story.shared] = story.anna.keys(store, story.shared)
    _, secrets = story.secrets()
    following = [(story.shared, story.next_key(story.shared, story.anna, epoch=3)), secrets.following[1]]
    store.newkeys.take(story.anna.id, story.own.auth, replace(secrets, following=following), story.staying)


def book(user_id: str, public: bytes) -> bytes:
    """An address book as its owner's page seals it, as far as the server can tell."""
    sealer = NoteSealer(os.urandom(16), user_id, [public])
    return sealer.head + sealer.record(STREAM_META, pad_json({"kind": "addressbook"}), 0, final=True)


def test_an_address_book_goes_over_to_the_new_key_with_everything_else_or_nothing_does(house: House) -> None:
    story = Story(house)
    store = house.store
    user = store.users.get(story.anna.id)
    assert user is not None
    version = store.addressbooks.put(user, None, book(user.id, story.anna.public))
    new, secrets = story.secrets()
    before = story.stored()
    for wrong, why in (
        (None, "address book changed"),
        ((os.urandom(16), book(user.id, new.person.public)), "address book changed"),
        ((version, book(user.id, story.anna.public)), "address book"),
        ((version, book(story.bert.id, new.person.public)), "address book"),
    ):
        with pytest.raises(Refused) as refused:
            store.newkeys.take(user.id, story.own.auth, replace(secrets, book=wrong), story.staying)
        assert refused.value.word == why
        assert story.stored() == before
    anew = book(user.id, new.person.public)
    store.newkeys.take(user.id, story.own.auth, replace(secrets, book=(version, anew)), story.staying)
    kept = store.addressbooks.get(user.id)
    assert kept is not None
    assert kept.sealed == anew
