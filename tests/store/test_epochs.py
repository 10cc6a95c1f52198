"""A member goes: those who stay have a key that he has not, and he reads nothing at once."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence

import pytest

from bridge.errors import Refused
from bridge.seal.keys import mailbox_wrap, new_keypair, public_of, rewrap_envelope
from bridge.seal.layout import kid, lp, split_head
from bridge.seal.note import Recipient
from bridge.seal.open import open_note
from bridge.store import Store, envelopes, epochs
from bridge.store.access import Act
from bridge.store.epochs import NextKey
from bridge.store.store import DATABASE
from tests.store.house import LOW_ORDER, House, Person, Take, claim, file_call, joined, note, opened, row


class Flat:
    """Anna claimed mailbox 1001 and let Bert and Carl in; Dora waits."""

    def __init__(self, house: House, others: Sequence[str] = ("Bert", "Carl")) -> None:
        self.house = house
        self.anna = joined(house.store, "Anna", "1001")
        self.others = [joined(house.store, name, "1001") for name in others]
        self.dora = joined(house.store, "Dora", "1001")
        self.box = self.recipient.mailbox_id
        self.keys = claim(house.store, self.anna, self.box)
        for other in self.others:
            self.let_in(other)

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def recipient(self) -> Recipient:
        return self.store.mailboxes.recipient("1001")

    def wraps(self, person: Person) -> list[tuple[int, bytes]]:
        return [
            (epoch, mailbox_wrap(person.public, person.id, self.box, epoch, key, public_of(key)))
            for epoch, key in self.keys.items()
        ]

    def let_in(self, person: Person) -> None:
        self.store.mailboxes.approve(self.box, self.anna.id, person.id, person.public, self.wraps(person))

    def next_key(self, *stay: Person, epoch: int | None = None) -> tuple[NextKey, bytes]:
        private, public = new_keypair()
        number = len(self.keys) if epoch is None else epoch
        wraps = [
            (who.id, mailbox_wrap(who.public, who.id, self.box, number, private, public)) for who in stay
        ]
        return NextKey(number, public, wraps), private

    def remove(self, person: Person, *stay: Person, by: Person | None = None) -> None:
        following, private = self.next_key(*stay)
        self.store.epochs.remove(self.box, (by or self.anna).id, person.id, following)
        self.keys[following.epoch] = private

    def states(self) -> dict[str, str]:
        return {who.name: str(who.state) for who in self.store.mailboxes.members(self.box)}

    def rewrap(self, by: Person, limit: int = 100) -> int:
        newest = max(self.keys)
        made = []
        for item in self.store.mailboxes.pending_rewraps(self.box, limit):
            new = rewrap_envelope(
                item.envelopes,
                item.id,
                self.box,
                self.keys[item.epoch],
                item.commit,
                public_of(self.keys[newest]),
            )
            made.append((item.id, new))
        return self.store.mailboxes.put_envelopes(self.box, by.id, made)


def test_who_was_removed_reads_nothing_at_once_and_new_notes_not_even_with_his_key(house: House) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    old = Take(store, flat.recipient, file_call(store, flat.recipient, "1"))
    old.speak(2)
    asyncio.run(old.finish())
    his = bert.keys(store, flat.box)
    session = store.sessions.open(bert.id, "cookie")
    flat.remove(bert, flat.anna, carl)

    assert store.mailboxes.readable_by(bert.id) == []
    assert store.mailboxes.wraps_of(bert.id) == []
    assert store.mailboxes.of_user(bert.id) == []
    assert not store.standing.opens(bert.id, flat.box)
    assert not store.standing.belongs(bert.id, flat.box)
    assert store.sessions.user(session) is not None, "his other mailboxes are still his"
    assert flat.states() == {"Anna": "member", "Carl": "member", "Dora": "waiting"}
    for stranger in (bert, flat.dora):
        with pytest.raises(Refused, match="not a member"):
            store.mailboxes.put_envelopes(flat.box, stranger.id, [])

    recipient = flat.recipient
    assert (recipient.epoch, recipient.public) == (2, public_of(flat.keys[2]))
    new = Take(store, recipient, file_call(store, recipient, "2"))
    new.speak(1)
    asyncio.run(new.finish())
    for person in (flat.anna, carl):
        keys = person.keys(store, flat.box)
        assert keys == flat.keys
        assert new.opened(store, keys[2]).media == new.sent
        assert old.opened(store, keys[1]).media == old.sent
    for key in his.values():
        with pytest.raises(Refused, match="not sealed to this key"):
            new.opened(store, key)


def test_only_exactly_the_next_key_for_exactly_those_who_stay_is_taken(house: House) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    eve = joined(store, "Eve", "1002")
    good, _ = flat.next_key(flat.anna, carl)
    wraps = list(good.wraps)
    before = flat.states(), flat.recipient

    def refused(word: str, following: NextKey | None, *, by: Person = flat.anna, who: Person = bert) -> None:
        with pytest.raises(Refused, match=f"^{word}$"):
            store.epochs.remove(flat.box, by.id, who.id, following)

    refused("members changed", None)
    for epoch in (0, 1, 3, 400):
        refused("members changed", NextKey(epoch, good.public, wraps))
    foreign = flat.next_key(flat.anna, carl, eve)[0]
    refused("members changed", foreign)
    refused("members changed", flat.next_key(flat.anna, carl, bert)[0])
    refused("members changed", flat.next_key(flat.anna, carl, flat.dora)[0])
    refused("members changed", flat.next_key(flat.anna)[0])
    refused("members changed", NextKey(2, good.public, []))
    refused("wraps", NextKey(2, good.public, [*wraps, wraps[0]]))
    refused("wraps", NextKey(2, good.public, [wraps[0], (carl.id, wraps[1][1][:-1])]))
    for bad in (b"", good.public[1:], *LOW_ORDER, public_of(flat.keys[0]), public_of(flat.keys[1])):
        refused("public key", NextKey(2, bad, wraps))
    refused("not a member", good, by=eve)
    refused("not a member", good, by=flat.dora)
    refused("no such member", good, who=eve)
    refused("no such member", None, who=eve)
    refused("members changed", flat.next_key(flat.anna, bert, carl)[0], who=flat.dora)
    assert (flat.states(), flat.recipient) == before
    assert [bert.keys(store, flat.box), carl.keys(store, flat.box)] == [flat.keys] * 2


def test_two_change_the_members_at_once_and_the_slower_one_is_told(house: House) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    annas, _ = flat.next_key(flat.anna, carl)
    carls, private = flat.next_key(flat.anna, carl)
    waiting = flat.wraps(flat.dora)
    store.epochs.remove(flat.box, carl.id, bert.id, carls)
    flat.keys[2] = private
    with pytest.raises(Refused, match="no such member"):
        store.epochs.remove(flat.box, flat.anna.id, bert.id, annas)
    with pytest.raises(Refused, match="wraps"):
        store.mailboxes.approve(flat.box, flat.anna.id, flat.dora.id, flat.dora.public, waiting)
    flat.let_in(flat.dora)
    assert flat.dora.keys(store, flat.box) == flat.keys, "who is let in later gets every epoch"

    too_few, _ = flat.next_key(flat.anna)  # made before Dora was let in
    with pytest.raises(Refused, match="members changed"):
        store.epochs.remove(flat.box, flat.anna.id, carl.id, too_few)
    flat.remove(carl, flat.anna, flat.dora)
    with pytest.raises(Refused, match="not a member"):
        store.epochs.remove(flat.box, carl.id, flat.dora.id, flat.next_key(flat.anna)[0])


def test_members_may_leave_but_not_the_last_one_and_who_waits_goes_without_a_new_key(house: House) -> None:
    flat = Flat(house, ["Bert"])
    store, (bert,) = house.store, flat.others
    store.users.add("Erik", ["1001"])
    erik = store.users.by_name("Erik")
    assert erik is not None
    store.epochs.remove(flat.box, flat.anna.id, erik.id)
    store.epochs.remove(flat.box, flat.anna.id, flat.dora.id)
    assert (flat.recipient.epoch, flat.states()) == (1, {"Anna": "member", "Bert": "member"})
    flat.remove(flat.anna, bert, by=flat.anna)
    assert (flat.recipient.epoch, flat.states()) == (2, {"Bert": "member"})
    following, _ = flat.next_key(bert)
    for key in (following, None, NextKey(3, following.public, [])):
        with pytest.raises(Refused, match="last member"):
            store.epochs.remove(flat.box, bert.id, bert.id, key)
    assert store.mailboxes.readable_by(bert.id) == [flat.box]
    told = [(entry.act, entry.user_name, entry.about_name) for entry in store.access.page(flat.box)]
    assert told == [
        (Act.LEFT, "Anna", None),
        (Act.NEW_KEY, "Anna", None),
        (Act.REMOVED, "Anna", "Dora"),
        (Act.REMOVED, "Anna", "Erik"),
        (Act.APPROVED, "Anna", "Bert"),
    ]
    origin = store.epochs.origins(bert.id)[flat.box]
    assert (origin.by, origin.at) == ("Anna", house.clock())


def test_nobody_is_removed_from_a_mailbox_that_nobody_has_claimed(house: House) -> None:
    anna, bert = joined(house.store, "Anna", "1001"), joined(house.store, "Bert", "1001")
    box = house.store.mailboxes.recipient("1001").mailbox_id
    with pytest.raises(Refused, match="not a member"):
        house.store.epochs.remove(box, anna.id, bert.id)
    assert len(house.store.mailboxes.members(box)) == 2


def test_a_call_in_progress_keeps_its_epoch_and_those_who_stay_read_it(house: House) -> None:
    flat = Flat(house, ["Bert"])
    store, (bert,) = house.store, flat.others
    before = flat.recipient
    take = Take(store, before, file_call(store, before, "1"))
    take.speak(2)
    rung = file_call(store, before, "2")
    flat.remove(bert, flat.anna)
    take.speak(2)
    asyncio.run(take.finish())
    assert note(store, take.id).epoch == 1
    assert take.opened(store, flat.anna.keys(store, flat.box)[1]).media == take.sent

    # Who filed a call or begins a note with the old key is told, and does it again with the new one.
    with pytest.raises(Refused, match="old key"):
        file_call(store, before, "3")
    with pytest.raises(Refused, match="old key"):
        Take(store, before, rung)
    late = Take(store, flat.recipient, rung)
    late.speak(1)
    asyncio.run(late.finish())

    assert flat.rewrap(flat.anna) == 0
    store.tidy()
    for take_ in (take, late):
        assert take_.opened(store, flat.keys[2]).media == take_.sent
        with pytest.raises(Refused, match="not sealed to this key"):
            take_.opened(store, flat.keys[1])  # Anna is the only reader: the old envelopes are gone


def test_old_envelopes_stay_while_several_read_and_a_members_rubbish_hides_nothing(house: House) -> None:
    flat = Flat(house)
    store, (bert, carl) = house.store, flat.others
    recipient = flat.recipient
    take = Take(store, recipient, file_call(store, recipient, "1"))
    take.speak(1)
    asyncio.run(take.finish())
    flat.remove(carl, flat.anna, bert)
    name = kid(public_of(flat.keys[2]))
    junk = [
        (item.id, b"\1" + name + lp(os.urandom(80))) for item in store.mailboxes.pending_rewraps(flat.box)
    ]
    assert store.mailboxes.put_envelopes(flat.box, bert.id, junk) == 0
    store.tidy()
    assert take.opened(store, flat.keys[1]).media == take.sent

    flat.remove(bert, flat.anna)
    items = store.mailboxes.pending_rewraps(flat.box)
    assert [item.epoch for item in items] == [2, 2]
    made = []
    for item in items:
        with pytest.raises(Refused):
            rewrap_envelope(
                item.envelopes, item.id, flat.box, flat.keys[2], item.commit, public_of(flat.keys[3])
            )
        made.append(
            (
                item.id,
                rewrap_envelope(
                    item.envelopes, item.id, flat.box, flat.keys[1], item.commit, public_of(flat.keys[3])
                ),
            )
        )
    assert store.mailboxes.put_envelopes(flat.box, flat.anna.id, made) == 0
    store.tidy()
    found = note(store, take.id)
    assert len(found.envelopes) == 1
    assert opened(store, found, flat.keys[3]).media == take.sent


def test_what_does_not_open_is_passed_over_and_the_rest_comes_to_an_end(house: House) -> None:
    flat = Flat(house, ["Bert"])
    store, (bert,) = house.store, flat.others
    recipient = flat.recipient
    calls = [file_call(store, recipient, str(number)) for number in range(5)]
    for call_id in calls[:3]:
        take = Take(store, recipient, call_id)
        take.speak(1)
        asyncio.run(take.finish())
    flat.remove(bert, flat.anna)
    pending = store.mailboxes.pending_rewraps
    everything = [item.id for item in pending(flat.box)]
    assert len(everything) == 8
    for limit in (1, 3, 5, 8):
        seen: list[bytes] = []
        while items := pending(flat.box, limit, len(seen)):
            seen += [item.id for item in items]
        assert seen == everything
    # Two of them open for nobody; the others are done while those are passed over.
    failed, done = 0, 0
    while items := pending(flat.box, 2, failed):
        good = [item for item in items if item.id not in (everything[0], everything[6])]
        failed += len(items) - len(good)
        done += len(good)
        made = [
            (
                item.id,
                rewrap_envelope(
                    item.envelopes, item.id, flat.box, flat.keys[1], item.commit, public_of(flat.keys[2])
                ),
            )
            for item in good
        ]
        store.mailboxes.put_envelopes(flat.box, flat.anna.id, made)
    assert (failed, done, store.mailboxes.left_to_rewrap(flat.box)) == (2, 6, 2)


def test_a_row_that_lives_through_many_epochs_keeps_its_first_envelope_and_does_not_grow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelopes, "MOST", 4)
    flat = Flat(house, ["Bert", "Carl"])
    store, (bert, carl) = house.store, flat.others
    call_id = file_call(store, flat.recipient, "1")
    first = split_head(row(store, call_id).sealed).envelopes[0].raw
    for _ in range(8):
        flat.remove(bert, flat.anna, carl)
        with sqlite3.connect(house.data / DATABASE) as database:  # he is given the mailbox once more
            database.execute("INSERT INTO member (mailbox_id, user_id) VALUES (?, ?)", (flat.box, bert.id))
        database.close()
        flat.let_in(bert)
        assert flat.rewrap(flat.anna) == 0
        assert flat.rewrap(flat.anna) == 0
    sealed = row(store, call_id).sealed
    found = split_head(sealed).envelopes
    assert (len(found), found[0].raw) == (4, first)
    newest = max(flat.keys)
    assert (newest, row(store, call_id).id) == (9, call_id)
    for key in (flat.keys[1], flat.keys[newest]):
        assert open_note(sealed, note_id=call_id, mailbox_id=flat.box, secret=key).meta["from"]
    assert bert.keys(store, flat.box) == flat.keys


def test_a_mailbox_has_only_so_many_epochs_that_all_can_be_handed_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "MOST", 2)
    flat = Flat(house)
    bert, carl = flat.others
    flat.remove(bert, flat.anna, carl)
    with pytest.raises(Refused, match="too many epochs"):
        flat.remove(carl, flat.anna)
