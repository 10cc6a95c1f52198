"""What an attacker with the note key in hand could write: records and heads bit by bit, beside NoteSealer."""

import os
from dataclasses import dataclass
from pathlib import Path

from bridge.seal.derive import commit_of, nonce, seal_envelope, stream_cipher
from bridge.seal.keys import new_keypair
from bridge.seal.layout import RECORD_HEADER, TAG, build_head
from bridge.seal.note import STREAM_MEDIA, STREAM_META, STREAM_PEAKS, NoteSealer, pad_json
from bridge.seal.open import OpenedNote, open_note

VECTORS = Path(__file__).parents[1] / "vectors"
MAILBOX = "mb_aaaabbbbccccdddd"
FINAL_META = {"ended": "caller_hangup", "kind": "note", "v": 1}


@dataclass
class Told:
    """A whole note and what is in it."""

    note_id: bytes
    private: bytes
    public: bytes
    sealer: NoteSealer
    records: list[bytes]
    media: list[bytes]
    peaks: bytes
    meta: dict[str, object]

    @property
    def head(self) -> bytes:
        """The head of the blob."""
        return self.sealer.head

    @property
    def blob(self) -> bytes:
        """All of it."""
        return self.head + b"".join(self.records)


def tell(segments: list[bytes] | None = None, pair: tuple[bytes, bytes] | None = None) -> Told:
    """A note as the bridge writes it: meta, media by halves of a second, final records, meta at the end."""
    media = [bytes([65 + at]) * 40 for at in range(3)] if segments is None else segments
    private, public = new_keypair() if pair is None else pair
    sealer = NoteSealer(os.urandom(16), MAILBOX, [public])
    start = {"kind": "note", "started_at": "2026-11-22T15:04:05Z", "type": "audio/PCMU", "v": 1}
    end: dict[str, object] = FINAL_META | {"seconds": 1.5, "streams": {"0": len(media) + 1, "3": 1}}
    t_end = 500 * len(media)
    records = [sealer.record(STREAM_META, pad_json(start), 0)]
    records += [sealer.record(STREAM_MEDIA, segment, 500 * at) for at, segment in enumerate(media)]
    records.append(sealer.record(STREAM_MEDIA, b"", t_end, final=True))
    records.append(sealer.record(STREAM_PEAKS, b"\x00\x80\xff", t_end, final=True))
    records.append(sealer.record(STREAM_META, pad_json(end), t_end, final=True))
    return Told(sealer.note_id, private, public, sealer, records, media, b"\x00\x80\xff", start | end)


def hear(told: Told, blob: bytes, *, damaged: bool = False) -> OpenedNote:
    """Open a blob as the note it should be."""
    return open_note(blob, note_id=told.note_id, mailbox_id=MAILBOX, secret=told.private, damaged=damaged)


class Forger:
    """Holds a note key and keeps none of the writer's rules."""

    def __init__(self, note_id: bytes, mailbox: str = MAILBOX, key: bytes | None = None) -> None:
        self.note_id = note_id
        self.mailbox = mailbox.encode()
        self.key = os.urandom(32) if key is None else key
        self.commit = commit_of(self.key, note_id, self.mailbox)

    def envelope(self, public: bytes) -> bytes:
        """An envelope of this key."""
        return seal_envelope(self.key, self.note_id, self.mailbox, public)

    def head(self, *envelopes: bytes) -> bytes:
        """A head with any envelopes."""
        return build_head(self.note_id, self.mailbox, self.commit, list(envelopes))

    def record(self, stream: int, index: int, payload: bytes, *, flags: int = 0, t_ms: int = 0) -> bytes:
        """A record whose tag holds, wherever it stands."""
        header = RECORD_HEADER.pack(len(payload) + TAG, stream, flags, index, t_ms)
        cipher = stream_cipher(self.key, stream, self.note_id, self.mailbox)
        return header + cipher.encrypt(nonce(index, flags), payload, header)
