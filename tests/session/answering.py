"""A whole answering service: connector, sessions and store, with a member who can open what they make."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bridge.call.model import Codec
from bridge.connect import offers
from bridge.media.g711 import decode, encode
from bridge.seal.open import OpenedNote, open_note
from bridge.session import Sessions
from bridge.store import NoteRow, Row, Store
from bridge.take import NoteTake
from tests.connect.pbx import Caller, Pbx, running
from tests.store.house import House, claim, joined


@dataclass
class Limits:
    """The settings of sessions, short enough for a test."""

    data: Path
    max_calls: int = 250
    min_free: int = 0
    note_limit_s: float = 180.0
    silence_s: float = 10.0


@dataclass
class Service:
    """What runs, and the member's keys by epoch."""

    pbx: Pbx
    sessions: Sessions
    store: Store
    data: Path
    mailbox_id: str
    keys: dict[int, bytes] = field(repr=False)
    taken: int = 0
    """Bytes of sound that all takes have so far."""

    def rows(self) -> list[Row]:
        return self.store.calls.rows([self.mailbox_id], None)[0]

    def row(self) -> Row:
        (row,) = self.rows()
        return row

    def note(self) -> NoteRow:
        (note,) = self.row().notes
        return note

    def opened(self, note: NoteRow) -> OpenedNote:
        return open_note(
            self.store.blobs.read(note.id),
            note_id=note.id,
            mailbox_id=self.mailbox_id,
            secret=self.keys[note.epoch],
        )

    def record(self, row: Row) -> dict[str, Any]:
        opened = open_note(row.sealed, note_id=row.id, mailbox_id=self.mailbox_id, secret=self.keys[1])
        return dict(opened.meta)

    async def settled(self, left: int = 0) -> None:
        """Wait until only so many callers are here any more."""
        until = asyncio.get_running_loop().time() + 10
        while self.sessions.active > left:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.01)

    async def has(self, *said: list[bytes]) -> None:
        """Wait until all that was said has come through the sockets and into the takes."""
        until = asyncio.get_running_loop().time() + 10
        while self.taken < sum(len(frame) for frames in said for frame in frames):
            assert asyncio.get_running_loop().time() < until, "not all that was said has come"
            await asyncio.sleep(0.01)

    def blobs(self) -> list[Path]:
        return list(self.data.glob("notes/*/*"))


@asynccontextmanager
async def answering(data: Path, **limits: Any) -> AsyncIterator[Service]:
    """Run it all on a fresh data folder whose mailbox 1001 a member has claimed."""
    house = House(data)
    store = house.store
    anna = joined(store, "Anna", "1001")
    mailbox = store.mailboxes.by_extension("1001")
    assert mailbox is not None
    keys = claim(store, anna, mailbox.id)
    sessions = Sessions(store, Limits(data, **limits))
    try:
        # How long a caller waits for the outcome is not the question here, and this machine may be busy.
        with patch.object(offers, "OUTCOME_WAIT_S", 20.0):
            async with running(sessions) as pbx:
                service = Service(pbx, sessions, store, data, mailbox.id, keys)
                with patch.object(NoteTake, "add", _counting(service)):
                    yield service
    finally:
        store.close()


def _counting(service: Service) -> Callable[[NoteTake, bytes], bool]:
    add = NoteTake.add

    def counting(self: NoteTake, pcm: bytes) -> bool:
        try:
            return add(self, pcm)
        finally:
            service.taken += len(pcm)

    return counting


def speech(seconds: float, seed: int, codec: Codec = Codec.PCMU) -> list[bytes]:
    """Return frames of loud, distinct sound that is exact in ``codec``, and never even: every third 100 ms
    are softer."""
    codes = np.random.default_rng(seed).integers(0, 256, round(seconds * 50) * 160, np.uint8).tobytes()
    loud = decode(codes, codec)
    soft = np.arange(len(loud)) // 800 % 3 == 2
    pcm = decode(encode(np.where(soft, loud // 4, loud), codec), codec).astype("<i2").tobytes()
    return [pcm[at : at + 320] for at in range(0, len(pcm), 320)]


def heard_as(opened: OpenedNote, codec: Codec = Codec.PCMU) -> bytes:
    """Return a note's sound as the PCM that was sent."""
    return decode(opened.media, codec).astype("<i2").tobytes()


async def say(caller: Caller, frames: list[bytes], every_s: float = 0.002) -> None:
    """Speak ten times faster than people do."""
    for frame in frames:
        caller.say(frame)
        await asyncio.sleep(every_s)


async def begin(service: Service, linkedid: str = "1.1", **fields: str) -> tuple[Caller, str]:
    """Bring a caller to the end of the tone."""
    caller, media = await service.pbx.call(linkedid, **fields)
    assert len(await caller.hear_tone()) > 10 * 320
    return caller, media


def everything_in(folder: Path) -> bytes:
    """Return all bytes of all files."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def silent(count: int) -> list[bytes]:
    return [bytes(320)] * count
