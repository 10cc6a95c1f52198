"""Older rows and notes are sealed to the new epoch, and the old envelopes leave every file."""

import asyncio
import os

import pytest

from bridge.errors import Refused
from bridge.seal.keys import new_keypair, public_of, rewrap_envelope
from bridge.seal.note import split_head
from bridge.seal.open import open_note
from bridge.store.blobs import Blobs
from tests.store.house import House, Person, Take, claim, file_call, joined, note, opened, row


class Story:
    """Anna claims a mailbox in which three calls with notes wait, one of them being recorded."""

    def __init__(self, house: House) -> None:
        self.house = house
        store = house.store
        self.anna: Person = joined(store, "Anna", "1001")
        self.recipient = store.mailboxes.recipient("1001")
        self.box = self.recipient.mailbox_id
        self.calls = [file_call(store, self.recipient, str(number)) for number in range(3)]
        self.takes = [Take(store, self.recipient, call_id) for call_id in self.calls]
        for take in self.takes:
            take.speak(2)
        asyncio.run(self.takes[0].finish())
        asyncio.run(self.takes[1].finish())
        self.keys = claim(store, self.anna, self.box)
        self.public = public_of(self.keys[1])

    def rewrapped(self, limit: int = 100) -> list[tuple[bytes, bytes]]:
        return [
            (
                item.id,
                rewrap_envelope(
                    item.envelopes, item.id, self.box, self.keys[item.epoch], item.commit, self.public
                ),
            )
            for item in self.house.store.mailboxes.pending_rewraps(self.box, limit)
        ]

    def put(self, limit: int = 100) -> int:
        return self.house.store.mailboxes.put_envelopes(self.box, self.anna.id, self.rewrapped(limit))


def test_all_notes_open_with_the_new_key_and_the_old_envelopes_are_gone(house: House) -> None:
    story = Story(house)
    store = house.store
    first = story.takes[0]
    old = first.sealer.envelopes[0]
    pending = store.mailboxes.pending_rewraps(story.box, 100)
    assert sorted(item.kind for item in pending) == ["call", "call", "call", "note", "note"]
    assert store.mailboxes.left_to_rewrap(story.box) == 6
    assert len(store.mailboxes.pending_rewraps(story.box, 2)) == 2
    assert story.put(2) == 4
    assert story.put() == 1, "a note that is being recorded waits"
    assert store.mailboxes.pending_rewraps(story.box, 100) == []
    assert store.envelopes.drop_old() == 0
    for key in (0, 1):
        assert opened(store, note(store, first.id), story.keys[key]).media == first.sent

    asyncio.run(story.takes[2].finish())
    assert story.put() == 0
    store.tidy()
    for take in story.takes:
        found = note(store, take.id)
        assert (found.epoch, len(found.envelopes)) == (1, 1)
        assert opened(store, found, story.keys[1]).media == take.sent
        blob = store.blobs.read(take.id)
        assert split_head(blob).envelopes[0].raw == found.envelopes[0]
        assert open_note(blob, note_id=take.id, mailbox_id=story.box, secret=story.keys[1]).media == take.sent
        assert found.size == len(blob)
        with pytest.raises(Refused, match="not sealed to this key"):
            opened(store, found, story.keys[0])
    for call_id in story.calls:
        sealed = row(store, call_id).sealed
        record = open_note(sealed, note_id=call_id, mailbox_id=story.box, secret=story.keys[1])
        assert record.meta["from"] == {"number": "+15550100"}
        assert len(split_head(sealed).envelopes) == 1
    house.open_again()
    files = b"".join(path.read_bytes() for path in house.data.rglob("*") if path.is_file())
    assert old[20:] not in files


def test_a_rewrite_that_dies_halfway_is_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(house)
    story.takes[2].recording.discard()
    assert story.put() == 0
    real = Blobs.replace
    done: list[bytes] = []

    def dies_after(self: Blobs, note_id: bytes, parts: object) -> int:
        size = real(self, note_id, parts)  # type: ignore[arg-type]
        done.append(note_id)
        raise KeyboardInterrupt(size)

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "replace", dies_after)
        with pytest.raises(KeyboardInterrupt):
            house.store.tidy()
    assert len(done) == 1
    store = house.open_again()
    (half,) = [take for take in story.takes if take.id == done[0]]
    assert opened(store, note(store, half.id), story.keys[1]).media == half.sent
    store.tidy()
    for take in story.takes[:2]:
        assert len(note(store, take.id).envelopes) == 1
        assert opened(store, note(store, take.id), story.keys[1]).media == take.sent
    assert not list(house.data.rglob("*.new"))


def test_envelopes_from_strangers_or_for_other_keys_are_refused_whole(house: House) -> None:
    story = Story(house)
    store = house.store
    eve = joined(store, "Eve", "1001", "1002")
    good = story.rewrapped()
    with pytest.raises(Refused, match="not a member"):
        store.mailboxes.put_envelopes(story.box, eve.id, good)
    with pytest.raises(Refused, match="not a member"):
        store.mailboxes.put_envelopes("mb_" + "a" * 16, story.anna.id, good)
    item = store.mailboxes.pending_rewraps(story.box, 1)[0]
    _, other = new_keypair()
    foreign = rewrap_envelope(item.envelopes, item.id, story.box, story.keys[0], item.commit, other)
    future = bytes([2]) + good[0][1][1:]
    for envelope in (
        foreign,
        item.envelopes,
        b"",
        good[0][1][:-1],
        good[0][1] * 2,
        good[0][1] + b"x",
        future,
    ):
        with pytest.raises(Refused, match="envelope"):
            store.mailboxes.put_envelopes(story.box, story.anna.id, [*good[1:], (item.id, envelope)])
    elsewhere = store.mailboxes.recipient("1002")
    theirs = file_call(store, elsewhere, "other")
    for subject in (theirs, os.urandom(16), b"", story.takes[2].id):
        with pytest.raises(Refused, match="no such note"):
            store.mailboxes.put_envelopes(story.box, story.anna.id, [*good, (subject, good[0][1])])
    assert store.mailboxes.left_to_rewrap(story.box) == 6
    assert store.mailboxes.put_envelopes(story.box, story.anna.id, good) == 1
    assert store.mailboxes.put_envelopes(story.box, story.anna.id, good) == 1
    assert len(note(store, story.takes[0].id).envelopes) == 2


def test_an_unclaimed_mailbox_has_nothing_to_rewrap(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    file_call(house.store, recipient)
    assert house.store.mailboxes.pending_rewraps(recipient.mailbox_id) == []
    assert house.store.mailboxes.left_to_rewrap("mb_unknown") == 0
    assert house.store.mailboxes.pending_rewraps("mb_unknown") == []
