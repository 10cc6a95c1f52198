"""What opened a user's notes and was given up is in no file of the data folder afterwards."""

import os
from pathlib import Path

import pytest

from bridge.errors import StoreError
from bridge.seal.keys import mailbox_wrap, new_keypair
from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params
from bridge.store import open_store
from bridge.store.database import Database
from bridge.store.epochs import NextKey
from tests.store.house import House
from tests.store.test_newkeys import Story


def holding(data: Path, secret: bytes) -> list[str]:
    return [path.name for path in data.rglob("*") if path.is_file() and secret in path.read_bytes()]


def new_passphrase(story: Story) -> bytes:
    """Change it and return the end of its slot."""
    own, salt, secret = story.own, os.urandom(16), os.urandom(32)
    slot = make_keyslot(
        SlotKind.PASSPHRASE, secret, own.person.private, own.person.id, passphrase_params(salt)
    )
    story.store.users.change_passphrase(
        own.person.id, own.recovery, slot=slot, salt=salt, login=login_auth(secret), staying=story.staying
    )
    return slot[-40:]


def test_the_slot_of_an_old_passphrase_is_in_no_file_once_the_store_has_tidied(house: House) -> None:
    story = Story(house)
    given_up = [story.own.slots[0][-40:], new_passphrase(story)]
    new_passphrase(story)
    assert all(holding(house.data, old) for old in given_up)
    house.store.tidy()
    assert [holding(house.data, old) for old in given_up] == [[], []]


def test_the_slot_of_a_removed_passkey_is_in_no_file_either(house: House) -> None:
    story = Story(house)
    anna = story.anna
    slot = make_keyslot(SlotKind.PASSKEY, os.urandom(32), anna.private, anna.id)
    kept = house.store.passkeys.add(
        anna.id, credential_id=b"hers", public_key=b"", counter=0, name="hers", slot=slot
    )
    house.store.passkeys.remove(anna.id, kept.id)
    house.store.tidy()
    assert holding(house.data, slot[-40:]) == []


def test_nor_is_what_a_lost_device_could_open(house: House) -> None:
    story = Story(house)
    wrap = house.store.mailboxes.wraps_of(story.anna.id)[0].wrap
    assert holding(house.data, wrap)
    _, made = story.secrets()
    house.store.newkeys.take(story.anna.id, story.own.recovery, made, story.staying)
    house.store.tidy()
    assert [holding(house.data, old) for old in (wrap, *(slot[-40:] for slot in story.own.slots))] == [[]] * 3


def test_nor_are_the_wraps_of_who_was_removed(house: House) -> None:
    story = Story(house)
    anna, bert, box = story.anna, story.bert, story.shared
    held = house.store.mailboxes.wraps_of(bert.id)
    [wrap] = [each.wrap for each in held if (each.mailbox_id, each.epoch) == (box, 1)]
    private, public = new_keypair()
    mine = mailbox_wrap(anna.public, anna.id, box, 2, private, public)
    house.store.epochs.remove(box, anna.id, bert.id, NextKey(2, public, [(anna.id, mine)]))
    house.store.tidy()
    assert holding(house.data, wrap) == []


def test_a_reader_in_the_way_puts_the_wiping_off_and_what_fails_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(house)
    old = story.own.slots[0][-40:]
    other = open_store(house.data)
    with other._database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar_one()
        new_passphrase(story)
        house.store.tidy()
        assert holding(house.data, old)
    other.close()

    def fail(_database: Database) -> bool:
        raise StoreError("disk")

    monkeypatch.setattr(Database, "empty_wal", fail)
    with pytest.raises(StoreError):
        house.store.tidy()
    monkeypatch.undo()
    house.store.tidy()
    assert holding(house.data, old) == []


def test_nothing_is_wiped_where_nothing_was_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    Story(house)
    house.store.tidy()
    wiped: list[Database] = []

    def wipe(database: Database) -> bool:
        wiped.append(database)
        return True

    monkeypatch.setattr(Database, "empty_wal", wipe)
    house.store.tidy()
    assert wiped == []
