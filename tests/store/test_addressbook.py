"""Address books: kept as they come, given to their owner, replaced only by who has read what he replaces."""

import os
from pathlib import Path

import pytest

from bridge.backup import backup, restore
from bridge.errors import Refused
from bridge.seal.note import STREAM_MEDIA, STREAM_META, NoteSealer, pad_json
from bridge.store import open_store
from bridge.store.addressbook import MOST_BYTES
from bridge.store.users import User
from tests.store.house import House, Person, joined


def sealed(owner: str, public: bytes, text: bytes = b"{}", *, whole: bool = True) -> bytes:
    """A book as its owner's page seals one; what stands in it is nothing to the store."""
    sealer = NoteSealer(os.urandom(16), owner, [public])
    records = sealer.record(STREAM_MEDIA, text, 0, final=True)
    records += sealer.record(STREAM_META, pad_json({"v": 1, "kind": "addressbook"}), 0, final=True)
    return sealer.head + (records if whole else records[:-1])


def user_of(house: House, person: Person) -> User:
    found = house.store.users.get(person.id)
    assert found is not None
    return found


def test_of_two_devices_that_save_at_once_the_second_must_read_first(house: House) -> None:
    person = joined(house.store, "Anna", "1001")
    anna, books = user_of(house, person), house.store.addressbooks
    assert books.get(anna.id) is None
    first, second, third = (sealed(anna.id, person.public) for _ in range(3))
    version = books.put(anna, None, first)
    assert version == first[4:20]
    with pytest.raises(Refused, match="address book changed"):
        books.put(anna, None, second)
    with pytest.raises(Refused, match="address book changed"):
        books.put(anna, os.urandom(16), second)
    now = books.get(anna.id)
    assert now is not None
    assert (now.version, now.sealed) == (version, first)
    after = books.put(anna, version, second)
    with pytest.raises(Refused, match="address book changed"):
        books.put(anna, version, third)
    assert books.put(anna, after, third) == third[4:20]


def test_only_what_its_owner_can_open_is_kept(house: House) -> None:
    person, other = joined(house.store, "Anna", "1001"), joined(house.store, "Eve", "2002")
    anna, books = user_of(house, person), house.store.addressbooks
    good = sealed(anna.id, person.public)
    two = NoteSealer(os.urandom(16), anna.id, [person.public, other.public])
    suite_two = bytearray(good)
    suite_two[4 + 16 + 2 + len(anna.id) + 32 + 4] = 2
    for bad in (
        b"",
        os.urandom(500),
        good[:60],
        good[:-1],
        good + b"\0",
        bytes(suite_two),
        sealed(anna.id, other.public),
        sealed(other.id, person.public),
        two.head + two.record(STREAM_META, b"{}", 0, final=True),
        two.head,
        sealed(anna.id, person.public, bytes(MOST_BYTES)),
    ):
        with pytest.raises(Refused) as refused:
            books.put(anna, None, bad)
        assert refused.value.word == "address book", bad[:20]
    assert books.get(anna.id) is None
    assert books.put(anna, None, sealed(anna.id, person.public, bytes(MOST_BYTES - 1000)))


def test_a_book_that_was_replaced_is_in_no_file_afterwards(house: House) -> None:
    person = joined(house.store, "Anna", "1001")
    anna, books = user_of(house, person), house.store.addressbooks
    old = sealed(anna.id, person.public, os.urandom(50_000))
    version = books.put(anna, None, old)
    books.put(anna, version, sealed(anna.id, person.public))
    house.store._database.empty_wal()
    everything = b"".join(file.read_bytes() for file in house.data.rglob("*") if file.is_file())
    assert old[300:400] not in everything
    assert old[20_000:20_100] not in everything


def test_a_backup_has_the_address_books_too(house: House, tmp_path: Path) -> None:
    person = joined(house.store, "Anna", "1001")
    book = sealed(person.id, person.public, os.urandom(100_000))
    house.store.addressbooks.put(user_of(house, person), None, book)
    backup(house.data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "other")
    again = open_store(tmp_path / "other")
    found = again.addressbooks.get(person.id)
    again.close()
    assert found is not None
    assert found.sealed == book
