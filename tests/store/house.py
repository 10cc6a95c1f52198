"""The cast and props of the store's stories: real SQLite, real files, real sealing."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.call.model import Reason
from bridge.events import News
from bridge.seal.keys import claim_proof, mailbox_wrap, new_keypair, open_mailbox_wrap
from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params, recovery_auth
from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    NoteSealer,
    Recipient,
    pad_json,
    seal_call_record,
)
from bridge.seal.open import OpenedNote, open_note
from bridge.store import NoteRow, Recording, Row, Store, open_store

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SEGMENT = 4000

LOW_ORDER = [
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
]
"""Points of Curve25519 with which every shared secret is zero (RFC 7748 section 6.1)."""


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class House:
    """One data folder, opened."""

    data: Path
    clock: Clock = field(default_factory=Clock)
    news: list[News] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = open_store(self.data, events=self.news.append, clock=self.clock)

    def open_again(self) -> Store:
        """Close and open the folder, as a new start does."""
        self.store.close()
        self.store = open_store(self.data, events=self.news.append, clock=self.clock)
        return self.store


@dataclass
class Person:
    """Somebody with a user key."""

    id: str
    name: str
    private: bytes
    public: bytes

    def open_wrap(self, wrap: bytes, mailbox_id: str, epoch: int, public: bytes) -> bytes:
        return open_mailbox_wrap(
            wrap,
            user_private=self.private,
            user_id=self.id,
            mailbox_id=mailbox_id,
            epoch=epoch,
            m_public=public,
        )

    def keys(self, store: Store, mailbox_id: str) -> dict[int, bytes]:
        """The private keys of the mailbox that this person can open, by epoch."""
        return {
            wrap.epoch: self.open_wrap(wrap.wrap, mailbox_id, wrap.epoch, wrap.public)
            for wrap in store.mailboxes.wraps_of(self.id)
            if wrap.mailbox_id == mailbox_id
        }


def joined(store: Store, name: str, *extensions: str) -> Person:
    """A member with a key file."""
    private, public = new_keypair()
    user = store.users.add_with_key(name, extensions, public)
    return Person(user.id, name, private, public)


def joins_by_page(store: Store, name: str, token: str) -> Person:
    """Somebody follows a link and makes keys, as the page does (without Argon2's minute of work)."""
    user = store.users.look_token(token)
    assert user is not None
    private, public = new_keypair()
    salt, secret, code = os.urandom(16), os.urandom(32), os.urandom(20)
    slots = [
        make_keyslot(SlotKind.PASSPHRASE, secret, private, user.id, passphrase_params(salt)),
        make_keyslot(SlotKind.RECOVERY, code, private, user.id),
    ]
    login, recovery = login_auth(secret), recovery_auth(code)
    store.users.join(token, public=public, slots=slots, salt=salt, login=login, recovery=recovery)
    return Person(user.id, name, private, public)


def claim(store: Store, person: Person, mailbox_id: str) -> dict[int, bytes]:
    """Claim a mailbox to the end; returns the private keys of epochs 0 and 1."""
    mailbox = store.mailboxes.get(mailbox_id)
    assert mailbox is not None
    wrap = store.mailboxes.offer_claim(mailbox_id, person.id)
    old = person.open_wrap(wrap, mailbox_id, 0, mailbox.public)
    new, public = new_keypair()
    store.mailboxes.confirm_claim(
        mailbox_id,
        person.id,
        claim_proof(old, person.id),
        public,
        mailbox_wrap(person.public, person.id, mailbox_id, 1, new, public),
    )
    return {0: old, 1: new}


def file_call(
    store: Store,
    recipient: Recipient,
    linkedid: str = "10.0.0.1-1700000000.1",
    *,
    at: datetime = START,
    reason: Reason = Reason.NO_ANSWER,
    supersede: bool = False,
    caller: str = "+15550100",
) -> bytes:
    """File a missed call with a sealed record."""
    call_id = os.urandom(16)
    sealed = seal_call_record(call_id, recipient, {"v": 1, "kind": "call", "from": {"number": caller}})
    return store.calls.file(call_id, recipient.mailbox_id, linkedid, reason, at, sealed, supersede=supersede)


class Take:
    """A take of known sound; ``sent`` is what the caller said so far."""

    def __init__(self, store: Store, recipient: Recipient, call_id: bytes, at: datetime = START) -> None:
        self.recipient = recipient
        self.sealer = NoteSealer(os.urandom(16), recipient.mailbox_id, [recipient.public])
        self.sent = b""
        self.meta = self.sealer.record(
            STREAM_META, pad_json({"v": 1, "kind": "note", "type": "audio/PCMU"}), 0
        )
        self.recording: Recording = store.notes.begin(
            self.sealer.note_id,
            call_id,
            recipient,
            self.sealer.head,
            self.sealer.commit,
            self.sealer.envelopes,
            self.meta,
            at,
        )

    @property
    def id(self) -> bytes:
        return self.sealer.note_id

    @property
    def ms(self) -> int:
        return len(self.sent) // 8

    def segment(self, sound: bytes | None = None) -> bytes:
        sound = os.urandom(SEGMENT) if sound is None else sound
        record = self.sealer.record(STREAM_MEDIA, sound, self.ms)
        self.sent += sound
        return record

    def speak(self, segments: int = 1) -> None:
        for _ in range(segments):
            self.recording.append(self.segment())

    def end(self, sound: bytes = b"the end") -> tuple[bytes, bytes, bytes]:
        """Final records: (all, meta, peaks)."""
        media = self.sealer.record(STREAM_MEDIA, sound, self.ms, final=True)
        self.sent += sound
        peaks = self.sealer.record(STREAM_PEAKS, bytes(range(7)), 0, final=True)
        streams = {str(stream): count for stream, count in self.sealer.counts.items()} | {"2": 2}
        told = {"seconds": self.ms / 1000, "ended": "caller_hangup", "streams": streams}
        meta = self.sealer.record(STREAM_META, pad_json(told), self.ms, final=True)
        return media + peaks + meta, meta, peaks

    async def finish(self, *, speech: bool = True) -> bool:
        records, meta, peaks = self.end()
        return await self.recording.finish(records, meta, peaks, speech)

    def opened(self, store: Store, secret: bytes) -> OpenedNote:
        return opened(store, note(store, self.id), secret)


def note(store: Store, note_id: bytes) -> NoteRow:
    found = store.notes.get(note_id)
    assert found is not None
    return found


def row(store: Store, call_id: bytes, user_id: str | None = None) -> Row:
    found = store.calls.row(call_id, user_id)
    assert found is not None
    return found


def opened(store: Store, found: NoteRow, secret: bytes) -> OpenedNote:
    """Open a note as a key holder does: blob from the disk, envelopes from the row."""
    return open_note(
        store.blobs.read(found.id),
        note_id=found.id,
        mailbox_id=found.mailbox_id,
        secret=secret,
        envelopes=found.envelopes,
    )


def begun(house: House) -> tuple[Take, dict[int, bytes]]:
    """A take in a claimed mailbox, and the mailbox's private keys by epoch."""
    anna = joined(house.store, "Anna", "1001")
    keys = claim(house.store, anna, house.store.mailboxes.recipient("1001").mailbox_id)
    recipient = house.store.mailboxes.recipient("1001")
    return Take(house.store, recipient, file_call(house.store, recipient)), keys


def grown(house: House, take: Take) -> bytes:
    """What of a take is on the disk."""
    return house.store.blobs.read(take.id)


async def until(condition: Callable[[], bool]) -> None:
    """Wait at most 10 s for something that a thread or task of the store brings about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for is on the disk and sets no event
            await asyncio.sleep(0.01)
