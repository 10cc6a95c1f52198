"""The writer of sealed notes (FORMAT.md): closes records, and cannot open them once it forgot its key."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.seal.derive import NOTE_KEY, commit_of, nonce, seal_envelope, stream_cipher
from bridge.seal.layout import (
    FINAL,
    MAX_RECORD,
    RECORD_HEADER,
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    STREAM_POSTER,
    STREAM_TRANSCRIPT,
    TAG,
    Envelope,
    Head,
    RecordHeader,
    build_head,
    kid,
    scan_records,
    split_envelopes,
    split_head,
)

__all__ = [
    "STREAM_MEDIA",
    "STREAM_META",
    "STREAM_PEAKS",
    "STREAM_POSTER",
    "STREAM_TRANSCRIPT",
    "Envelope",
    "Head",
    "NoteSealer",
    "Recipient",
    "RecordHeader",
    "build_head",
    "kid",
    "pad_json",
    "scan_records",
    "seal_call_record",
    "split_envelopes",
    "split_head",
]

PAD = 256
"""Bytes to whose multiple JSON is padded, so that lengths tell little of names and numbers."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a note is sealed: a mailbox and the public key (32 raw bytes) of its present epoch."""

    mailbox_id: str
    epoch: int
    public: bytes


class NoteSealer:
    """Seals one take. One writer, one key: every start-again, failed pick-up or restart is a new sealer.

    ``note_id`` is 16 random bytes, never used before; ``recipients`` are X25519 public keys. ``key`` fixes
    the note key in tests. ``head`` goes first into the blob; ``commit`` and ``envelopes`` also into its row.
    Raises Refused(``public key``) and ValueError (sizes, no recipient).
    """

    def __init__(
        self, note_id: bytes, mailbox_id: str, recipients: Sequence[bytes], *, key: bytes | None = None
    ) -> None:
        if not recipients:
            raise ValueError("a note without a recipient could never be opened")
        if key is not None and len(key) != NOTE_KEY:
            raise ValueError("a note key has 32 bytes")
        self.note_id = note_id
        self.mailbox_id = mailbox_id
        self._mailbox = mailbox_id.encode()
        self._key: bytes | None = os.urandom(NOTE_KEY) if key is None else key
        self._ciphers: dict[int, AESGCM] = {}
        self._ended: set[int] = set()
        self.counts: dict[int, int] = {}
        self.commit = commit_of(self._key, note_id, self._mailbox)
        self.envelopes = [seal_envelope(self._key, note_id, self._mailbox, public) for public in recipients]
        self.head = build_head(note_id, self._mailbox, self.commit, self.envelopes)

    def make_ready(self) -> None:
        """Make the ciphers of sound, meta and peaks now: together they cost a third of what they cost one by
        one, each when its stream begins."""
        for stream in (STREAM_META, STREAM_MEDIA, STREAM_PEAKS):
            self._ciphers[stream] = self._cipher(stream)

    def record(self, stream: int, payload: bytes, t_ms: int, *, final: bool = False) -> bytes:
        """Return the next record of ``stream``; ``t_ms`` is the milliseconds of media before it.

        Raises ValueError: after the stream's final record, for an empty record that is not final, above
        16 MiB, after ``forget``, or for a stream or time outside its field.
        """
        if stream in self._ended:
            raise ValueError("the stream has had its final record")
        if not payload and not final:
            raise ValueError("an empty record that is not final is not written")
        if len(payload) + TAG > MAX_RECORD:
            raise ValueError("record above 16 MiB")
        if not 0 <= t_ms < 1 << 32:
            raise ValueError("time outside of its field")
        cipher = self._ciphers.get(stream)
        if cipher is None:
            cipher = self._ciphers[stream] = self._cipher(stream)
        index = self.counts.get(stream, 0)
        flags = FINAL if final else 0
        header = RECORD_HEADER.pack(len(payload) + TAG, stream, flags, index, t_ms)
        sealed = cipher.encrypt(nonce(index, flags), payload, header)
        self.counts[stream] = index + 1
        if final:
            self._ended.add(stream)
        return header + sealed

    def forget(self) -> None:
        """Drop the keys: from here on only the recipients can open the note, and nobody can add to it."""
        self._key = None
        self._ciphers.clear()

    def _cipher(self, stream: int) -> AESGCM:
        if self._key is None:
            raise ValueError("the note key is forgotten")
        if not 0 <= stream <= 0xFF:
            raise ValueError("stream outside of its field")
        return stream_cipher(self._key, stream, self.note_id, self._mailbox)


def pad_json(value: object, block: int = PAD) -> bytes:
    """Return ``value`` as UTF-8 JSON, padded with blanks to a multiple of ``block`` bytes.

    Keys are sorted, so that equal values have equal bytes. What UTF-8 cannot say (half surrogates from a
    hostile display name) becomes ``?``: a caller's name never stops the filing of his call. Raises
    ValueError for values that JSON has no word for (NaN).
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    data = text.encode("utf-8", "replace")
    return data + b" " * (-len(data) % block)


def seal_call_record(call_id: bytes, recipient: Recipient, record: Mapping[str, object]) -> bytes:
    """Return a whole SN1 with one record, the final one of stream 2; ``call_id`` (16 bytes) is its note id.

    Raises as NoteSealer and pad_json do.
    """
    sealer = NoteSealer(call_id, recipient.mailbox_id, [recipient.public])
    sealed = sealer.head + sealer.record(STREAM_META, pad_json(record), 0, final=True)
    sealer.forget()
    return sealed
