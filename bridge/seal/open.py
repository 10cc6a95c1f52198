"""The reader of sealed notes (FORMAT.md): for key holders and tests, never on the server's own paths.

What was asked for (note id and mailbox) decides, never what the blob says of itself. Every failure is
``Refused`` with a word of FORMAT.md, "Order of checks"; what a key holder gets is never a wrong plaintext.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeGuard

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import Refused
from bridge.seal.curve import public_of
from bridge.seal.derive import nonce, open_envelopes, stream_cipher
from bridge.seal.layout import (
    FINAL,
    RECORD_HEADER,
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    STREAM_POSTER,
    RecordHeader,
    next_record,
    split_envelopes,
    split_head,
)

MAX_META = 64 << 10
"""Largest plaintext of a stream 2 record: ours have a few hundred bytes, more than this is an attack."""

_MOST_SECONDS = 0xFFFFFFFF / 1000
"""What the time field of a record can tell."""

_SAMPLES_PER_MS = {"audio/PCMU": 8, "audio/PCMA": 8}


@dataclass(frozen=True, slots=True)
class Gap:
    """A record of the media that was passed over in damaged mode.

    ``at`` is where in ``media`` its ``length`` bytes are missing. Index, length and ``t_ms`` are what its
    header claims; nothing vouches for them.
    """

    index: int
    t_ms: int
    length: int
    at: int


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note in clear. Its ``repr`` shows nothing of it.

    ``media`` is the plaintext of stream 0 as a whole, ``meta`` the JSON of stream 2 merged (later keys win),
    ``peaks`` one byte per 100 ms. ``cut_off``: the end is missing, by a crash or because somebody deleted
    it (the two cannot be told apart).
    """

    media: bytes = field(repr=False)
    meta: dict[str, object] = field(repr=False)
    peaks: bytes = field(repr=False)
    cut_off: bool
    gaps: list[Gap]
    note_key: bytes = field(repr=False)
    last_t_ms: int

    @property
    def seconds(self) -> float:
        """How long the note is: as its end tells, else counted from the records that are there."""
        told = self.meta.get("seconds")
        if _is_number(told) and 0 <= told <= _MOST_SECONDS and not self.cut_off:
            return float(told)
        per_ms = _SAMPLES_PER_MS.get(str(self.meta.get("type")))
        if per_ms is not None:
            return len(self.media) / per_ms / 1000
        return self.last_t_ms / 1000


def open_note(
    blob: bytes,
    *,
    note_id: bytes,
    mailbox_id: str,
    secret: bytes,
    envelopes: Sequence[bytes] | None = None,
    damaged: bool = False,
) -> OpenedNote:
    """Open a whole note or call record with the raw X25519 private key of a mailbox epoch.

    ``envelopes`` are those of the note's row, which stand before those in the blob (a head is rewritten
    later than its row). ``damaged`` passes over records of stream 0 whose tag fails and lists them as gaps.
    Raises Refused with a word of FORMAT.md.
    """
    head = split_head(blob)
    mailbox = mailbox_id.encode()
    if head.note_id != note_id or head.mailbox_id != mailbox:
        raise Refused("not this note")
    sealed_to = head.envelopes if envelopes is None else split_envelopes(b"".join(envelopes))
    note_key = open_envelopes(sealed_to, note_id, mailbox, head.commit, secret, public_of(secret))
    reader = _Reader(note_key, note_id, mailbox, damaged)
    torn = reader.read(memoryview(blob)[head.size :])
    return reader.note(cut_off=torn or reader.incomplete())


def open_row(
    records: Sequence[bytes],
    *,
    note_id: bytes,
    mailbox_id: str,
    secret: bytes,
    commit: bytes,
    envelopes: Sequence[bytes],
) -> OpenedNote:
    """Open the copies of records (streams 2 and 3) that a note's row keeps; its blob is not needed.

    ``media`` is empty; ``cut_off`` says that the row has no final meta record. Raises as ``open_note``.
    """
    mailbox = mailbox_id.encode()
    sealed_to = split_envelopes(b"".join(envelopes))
    note_key = open_envelopes(sealed_to, note_id, mailbox, commit, secret, public_of(secret))
    reader = _Reader(note_key, note_id, mailbox, damaged=False)
    torn = reader.read(memoryview(b"".join(records)))
    return reader.note(cut_off=torn or not reader.ended(STREAM_META))


class _Stream:
    """One stream while it is read."""

    def __init__(self, cipher: AESGCM) -> None:
        self.cipher = cipher
        self.count = 0
        self.ended = False
        self.payloads: list[bytes] = []


class _Reader:
    """Checks and opens records in the order in which they stand."""

    def __init__(self, note_key: bytes, note_id: bytes, mailbox: bytes, damaged: bool) -> None:
        self._note_key = note_key
        self._note_id = note_id
        self._mailbox = mailbox
        self._damaged = damaged
        self._streams: dict[int, _Stream] = {}
        self._gaps: list[Gap] = []
        self._media_bytes = 0
        self._last_t_ms = 0
        self._meta: dict[str, object] = {}

    def read(self, data: memoryview) -> bool:
        """Open every whole record; return whether a torn one is left over."""
        at = 0
        while at < len(data):
            header = next_record(data, at)
            if header is None:
                return True
            self._record(header, data[at : header.end])
            at = header.end
        return False

    def ended(self, stream: int) -> bool:
        """Whether the stream's own final record was there."""
        return stream in self._streams and self._streams[stream].ended

    def incomplete(self) -> bool:
        """Whether something that the writer must have written is missing at the end."""
        if not all(stream.ended for stream in self._streams.values()) or not self.ended(STREAM_META):
            return True
        if self._meta.get("kind") != "call" and not self.ended(STREAM_MEDIA):
            return True
        told = self._meta.get("streams")
        if not isinstance(told, dict):
            return False
        here = {str(number): stream.count for number, stream in self._streams.items()}
        return any(_is_number(count) and here.get(name, 0) < count for name, count in told.items())

    def note(self, *, cut_off: bool) -> OpenedNote:
        """Return what was read."""
        return OpenedNote(
            media=self._joined(STREAM_MEDIA),
            meta=self._meta,
            peaks=self._joined(STREAM_PEAKS),
            cut_off=cut_off,
            gaps=self._gaps,
            note_key=self._note_key,
            last_t_ms=self._last_t_ms,
        )

    def _joined(self, stream: int) -> bytes:
        return b"".join(self._streams[stream].payloads) if stream in self._streams else b""

    def _record(self, header: RecordHeader, record: memoryview) -> None:
        if header.flags & ~FINAL:
            raise Refused("flags")
        stream = self._streams.get(header.stream)
        if stream is None:
            cipher = stream_cipher(self._note_key, header.stream, self._note_id, self._mailbox)
            stream = self._streams[header.stream] = _Stream(cipher)
        if stream.ended:
            raise Refused("after final")
        if header.index != stream.count:
            raise Refused("index")
        payload = self._unseal(stream, header, record)
        stream.count += 1
        if payload is None:
            return
        if not payload and not header.final:
            raise Refused("empty")
        stream.ended = header.final
        self._take(stream, header, payload)

    def _unseal(self, stream: _Stream, header: RecordHeader, record: memoryview) -> bytes | None:
        """Return the plaintext; None for a damaged record of the media that may be passed over.

        A damaged record is never believed to be final: its flags are as unproven as its sound.
        """
        aad, sealed = record[: RECORD_HEADER.size], record[RECORD_HEADER.size :]
        try:
            return stream.cipher.decrypt(nonce(header.index, header.flags), sealed, aad)
        except InvalidTag:
            if not (self._damaged and header.stream == STREAM_MEDIA):
                raise Refused("record") from None
        self._gaps.append(Gap(header.index, header.t_ms, header.length - 16, self._media_bytes))
        return None

    def _take(self, stream: _Stream, header: RecordHeader, payload: bytes) -> None:
        if header.stream > STREAM_POSTER:
            return  # from the future: proven to be the writer's, and passed over
        if header.stream == STREAM_META:
            self._meta.update(_parse_meta(payload))
            return
        stream.payloads.append(payload)
        if header.stream == STREAM_MEDIA:
            self._media_bytes += len(payload)
            self._last_t_ms = header.t_ms


def _parse_meta(payload: bytes) -> dict[str, object]:
    """Return the JSON object of a stream 2 record; whoever knows the public key may have written it."""
    if len(payload) > MAX_META:
        raise Refused("meta")
    if not payload.strip(b" \t\r\n"):
        return {}  # a final record may be empty
    try:
        value = json.loads(payload.decode("utf-8"), parse_constant=_no_constant, parse_int=_whole)
        # What cannot be written again (half surrogates, infinities) would stop whoever shows it.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Refused("meta") from None
    if not isinstance(value, dict):
        raise Refused("meta")
    return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(text: str) -> int:
    """A browser has no whole numbers beyond its floating ones; both readers refuse the same."""
    if not math.isfinite(float(text)):
        raise ValueError("too large")
    return int(text)


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("JSON has no such number")
