"""Claiming a mailbox, interrupted at every step, and what the files hold afterwards."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from bridge.errors import Refused
from bridge.seal.keys import claim_proof, mailbox_wrap, new_keypair, public_of
from bridge.store import Store, open_store
from bridge.store.mailboxes import MailboxState
from tests.store.house import LOW_ORDER, House, Person, Take, claim, file_call, joined, note, opened


def closed_key(store: Store, mailbox_id: str) -> bytes:
    """The server's copy: nonce, sealed key, tag."""
    with store._database.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT closed FROM server_copy WHERE mailbox_id = ?", (mailbox_id,)
        ).scalar_one()
    return bytes(found)


def holds(data: Path, secret: bytes) -> list[str]:
    return [path.name for path in sorted(data.rglob("*")) if path.is_file() and secret in path.read_bytes()]


@contextmanager
def deaths(store: Store, data: Path, graves: Path) -> Iterator[list[Path]]:
    """Copy the folder before and after every statement, as a process that dies there leaves it."""
    images: list[Path] = []

    def copy(*_args: object) -> None:
        image = graves / str(len(images))
        shutil.copytree(data, image)
        images.append(image)

    engine = store._database.engine
    hooks = ("before_cursor_execute", "after_cursor_execute", "commit")
    for hook in hooks:
        event.listen(engine, hook, copy)
    try:
        yield images
    finally:
        for hook in hooks:
            event.remove(engine, hook, copy)
        copy()


def finish_claim(store: Store, anna: Person, mailbox_id: str, note_id: bytes, said: bytes) -> None:
    """Whatever stage the folder is in, Anna gets to a private mailbox and hears the old note."""
    mailbox = store.mailboxes.get(mailbox_id)
    assert mailbox is not None
    keys = (
        anna.keys(store, mailbox_id)
        if mailbox.state is MailboxState.PRIVATE
        else claim(store, anna, mailbox_id)
    )
    assert sorted(keys) == [0, 1]
    assert opened(store, note(store, note_id), keys[0]).media == said
    assert store.mailboxes.recipient("1001").epoch == 1


@pytest.mark.thorough
def test_a_claim_that_dies_anywhere_can_be_finished_and_then_the_key_is_gone(
    house: House, tmp_path: Path
) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    recipient = store.mailboxes.recipient("1001")
    take = Take(store, recipient, file_call(store, recipient))
    asyncio.run(take.finish())
    secret = closed_key(store, recipient.mailbox_id)
    assert holds(house.data, secret)

    with deaths(store, house.data, tmp_path / "graves") as images:
        claim(store, anna, recipient.mailbox_id)
    assert len(images) > 30
    assert holds(house.data, secret) == []
    stages = set()
    for image in images:
        survivor = open_store(image)
        box = survivor.mailboxes.by_extension("1001")
        assert box is not None
        stages.add(box.state)
        if box.state is MailboxState.PRIVATE:
            assert holds(image, secret) == [], "the next start wipes what the dead one left"
        finish_claim(survivor, anna, recipient.mailbox_id, take.id, take.sent)
        assert holds(image, secret) == []
        survivor.close()
        assert holds(image, secret) == []
    assert stages == set(MailboxState)


@pytest.mark.thorough
def test_a_key_is_forgotten_among_many_mailboxes(house: House) -> None:
    """Pages of the database split and move their cells; no copy may stay in a gap."""
    store = house.store
    extensions = [str(1000 + number) for number in range(120)]
    anna = joined(store, "Anna", *extensions)
    secrets = {}
    for extension in extensions:
        box = store.mailboxes.by_extension(extension)
        assert box is not None
        secrets[box.id] = closed_key(store, box.id)
    claimed = random.Random(4).sample(list(secrets), 40)
    for mailbox_id in claimed:
        claim(store, anna, mailbox_id)
    files = {path: path.read_bytes() for path in house.data.iterdir() if path.is_file()}
    for mailbox_id, secret in secrets.items():
        found = any(secret in data for data in files.values())
        assert found is (mailbox_id not in claimed)


def test_a_reader_in_the_way_puts_the_wiping_off_but_not_the_claim(house: House) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    box = store.mailboxes.recipient("1001").mailbox_id
    secret = closed_key(store, box)
    other = open_store(house.data)
    with other._database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar_one()
        claim(store, anna, box)
        assert anna.keys(store, box).keys() == {0, 1}
        assert holds(house.data, secret)
    store.tidy()
    assert holds(house.data, secret) == []
    other.close()


def test_an_answer_that_was_lost_is_asked_for_again(house: House) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    box = store.mailboxes.recipient("1001").mailbox_id
    wrap = store.mailboxes.offer_claim(box, anna.id)
    assert store.mailboxes.offer_claim(box, anna.id) == wrap
    mailbox = store.mailboxes.get(box)
    assert mailbox is not None and mailbox.state is MailboxState.CLAIM_OFFERED
    old = anna.open_wrap(wrap, box, 0, mailbox.public)
    new, public = new_keypair()
    sealed = mailbox_wrap(anna.public, anna.id, box, 1, new, public)
    for _ in range(2):
        store.mailboxes.confirm_claim(box, anna.id, claim_proof(old, anna.id), public, sealed)
    assert anna.keys(store, box) == {0: old, 1: new}
    _, other_public = new_keypair()
    with pytest.raises(Refused, match="claimed"):
        store.mailboxes.confirm_claim(box, anna.id, claim_proof(old, anna.id), other_public, sealed)
    with pytest.raises(Refused, match="claimed"):
        store.mailboxes.offer_claim(box, anna.id)


def test_a_member_cannot_keep_the_store_busy_by_confirming_again_and_again(house: House) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    box = store.mailboxes.recipient("1001").mailbox_id
    keys = claim(store, anna, box)
    public = public_of(keys[1])
    sealed = mailbox_wrap(anna.public, anna.id, box, 1, keys[1], public)
    wal = house.data / "aftertone.db-wal"
    assert wal.stat().st_size == 0, "the claim itself has emptied it"
    file_call(store, store.mailboxes.recipient("1001"))
    size = wal.stat().st_size
    for _ in range(3):
        done = store.mailboxes.confirm_claim(box, anna.id, claim_proof(keys[0], anna.id), public, sealed)
        assert not done, "no page is told of what did not happen"
    assert wal.stat().st_size >= size > 0, "and no disk is waited for"


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_a_key_to_which_nothing_can_be_sealed_does_not_become_a_mailboxs(house: House, point: bytes) -> None:
    store = house.store
    eve = joined(store, "Eve", "1001")
    box = store.mailboxes.recipient("1001").mailbox_id
    old = eve.open_wrap(
        store.mailboxes.offer_claim(box, eve.id), box, 0, store.mailboxes.recipient("1001").public
    )
    with pytest.raises(Refused, match="public key"):
        store.mailboxes.confirm_claim(box, eve.id, claim_proof(old, eve.id), point, bytes(80))
    assert file_call(store, store.mailboxes.recipient("1001")), "calls go on to be filed"


def test_who_did_not_open_the_key_cannot_make_the_server_forget_it(house: House) -> None:
    store = house.store
    anna, eve = joined(store, "Anna", "1001"), joined(store, "Eve", "1002")
    box = store.mailboxes.recipient("1001").mailbox_id
    new, public = new_keypair()
    sealed = mailbox_wrap(anna.public, anna.id, box, 1, new, public)
    with pytest.raises(Refused, match="not offered"):
        store.mailboxes.confirm_claim(box, anna.id, bytes(32), public, sealed)
    wrap = store.mailboxes.offer_claim(box, anna.id)
    mailbox = store.mailboxes.get(box)
    assert mailbox is not None
    old = anna.open_wrap(wrap, box, 0, mailbox.public)
    proof = claim_proof(old, anna.id)
    for bad in (bytes(32), b"", claim_proof(old, eve.id), proof[:-1]):
        with pytest.raises(Refused, match="proof"):
            store.mailboxes.confirm_claim(box, anna.id, bad, public, sealed)
    for key, wrapped, word in (
        (bytes(32), sealed, "public key"),
        (public[:-1], sealed, "public key"),
        (mailbox.public, sealed, "public key"),
        (public, sealed[:-1], "wraps"),
    ):
        with pytest.raises(Refused, match=word):
            store.mailboxes.confirm_claim(box, anna.id, proof, key, wrapped)
    for stranger in (eve.id, "us_" + "a" * 16):
        with pytest.raises(Refused, match="not waiting"):
            store.mailboxes.offer_claim(box, stranger)
        with pytest.raises(Refused, match="not waiting"):
            store.mailboxes.confirm_claim(box, stranger, proof, public, sealed)
    mailbox = store.mailboxes.get(box)
    assert mailbox is not None and mailbox.state is MailboxState.CLAIM_OFFERED
