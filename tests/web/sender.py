"""Who forwards: a note sealed anew in Python as the page does it, and the requests that take it there."""

import os
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    NoteSealer,
    Recipient,
    pad_json,
    seal_call_record,
)
from tests.web.town import API
from web.answers import to_b64

PIECE = 64 << 10
RECORD = {"v": 1, "kind": "call", "from": {"number": "+1555", "name": "Ada", "presentation": "allowed"}}


@dataclass
class Parcel:
    """A note for a mailbox, whole and sealed."""

    recipient: Recipient
    source: str
    sound: bytes = b"hello " * 3000
    id: bytes = field(default_factory=lambda: os.urandom(16))
    call_id: bytes = field(default_factory=lambda: os.urandom(16))

    def __post_init__(self) -> None:
        seal = NoteSealer(self.id, self.recipient.mailbox_id, [self.recipient.public])
        parts = [seal.record(STREAM_META, pad_json({"v": 1, "kind": "note", "type": "audio/PCMU"}), 0)]
        for at in range(0, len(self.sound), 4000):
            last = at + 4000 >= len(self.sound)
            parts.append(seal.record(STREAM_MEDIA, self.sound[at : at + 4000], at // 8, final=last))
        ms = len(self.sound) // 8
        parts.append(seal.record(STREAM_PEAKS, bytes(len(self.sound) // 800), ms, final=True))
        told = {"ended": "caller_hangup", "seconds": ms / 1000}
        parts.append(seal.record(STREAM_META, pad_json(told), ms, final=True))
        self.head = seal.head
        self.records = b"".join(parts)
        self.call = seal_call_record(self.call_id, self.recipient, RECORD)

    @property
    def announced(self) -> dict[str, Any]:
        return {
            "note_id": self.source,
            "id": self.id.hex(),
            "call_id": self.call_id.hex(),
            "call": to_b64(self.call),
            "head": to_b64(self.head),
            "size": len(self.head) + len(self.records),
        }


async def begin(page: httpx.AsyncClient, parcel: Parcel, **other: Any) -> httpx.Response:
    """Announce it."""
    box = parcel.recipient.mailbox_id
    return await page.post(f"{API}/mailboxes/{box}/forwards", json=parcel.announced | other)


async def put(page: httpx.AsyncClient, parcel: Parcel, at: int, piece: bytes) -> httpx.Response:
    """Send bytes."""
    kind = {"Content-Type": "application/octet-stream"}
    return await page.put(f"{API}/forwards/{parcel.id.hex()}", params={"at": at}, content=piece, headers=kind)


async def rest(page: httpx.AsyncClient, parcel: Parcel, at: int) -> httpx.Response:
    """Send what is missing from ``at`` on; the last answer, or the first that is no good one."""
    whole = parcel.head + parcel.records
    for start in range(at, len(whole), PIECE):
        answer = await put(page, parcel, start, whole[start : start + PIECE])
        if answer.status_code != 200:
            return answer
    return answer


async def done(page: httpx.AsyncClient, parcel: Parcel) -> httpx.Response:
    """Say that all was sent."""
    return await page.post(f"{API}/forwards/{parcel.id.hex()}/done")


async def sent(page: httpx.AsyncClient, parcel: Parcel) -> httpx.Response:
    """Do all of it; the last answer, or the first that is no good one."""
    begun = await begin(page, parcel)
    if begun.status_code != 200:
        return begun
    answer = await rest(page, parcel, begun.json()["at"])
    return answer if answer.status_code != 200 else await done(page, parcel)
