"""The bytes of a sealed note, without any key: heads, envelopes and record headers (FORMAT.md, "Bytes").

Everything here may be read by who holds no key at all; the store uses it to find the last whole record
of a note that a crash cut off. Words of ``Refused`` are those of FORMAT.md, "Order of checks".
"""

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache

from bridge.errors import Refused

MAGIC = b"SN1\x01"
SUITE = 1
"""DHKEM(X25519, HKDF-SHA256) + HKDF-SHA256 + AES-256-GCM (RFC 9180); other numbers are from the future."""

STREAM_MEDIA = 0
STREAM_TRANSCRIPT = 1
STREAM_META = 2
STREAM_PEAKS = 3
STREAM_POSTER = 4

FINAL = 1
"""Flag bit 0: the stream ends with this record. No other bit is known."""

TAG = 16
RECORD_HEADER = struct.Struct(">IBBII")
"""len u32 (of the ciphertext with its tag), stream u8, flags u8, index u32, t_ms u32."""

MAX_RECORD = 16 << 20
"""Largest ciphertext of a record: the longest slice of a camera is far below."""
MAX_HEAD = 64 << 10
"""Largest head: room for some 700 envelopes, and no length field can make a reader wait for 4 GiB."""

NOTE_ID = 16
_FIXED = len(MAGIC) + NOTE_ID + 2
_COMMIT = 32


def lp(data: bytes) -> bytes:
    """Return u16 length, then ``data``. Raises ValueError above 65,535 bytes."""
    if len(data) > 0xFFFF:
        raise ValueError("longer than its length field can tell")
    return len(data).to_bytes(2) + data


@lru_cache(maxsize=1024)
def kid(public: bytes) -> bytes:
    """Return the 8 bytes by which an envelope names the public key it is sealed to."""
    return hashlib.sha256(b"sn1 kid" + bytes([SUITE]) + public).digest()[:8]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One recipient's copy of the note key. ``raw`` is all of its bytes, as database rows keep them."""

    suite: int
    kid: bytes
    body: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the records; ``size`` is its length in bytes."""

    note_id: bytes
    mailbox_id: bytes
    commit: bytes
    envelopes: tuple[Envelope, ...]
    size: int


@dataclass(slots=True)
class RecordHeader:
    """The clear 14 bytes of a record and ``start``, where it begins in the data that was scanned.

    Not frozen: the store makes one of every segment it writes, and that takes a third of the time.
    """

    start: int
    length: int
    stream: int
    flags: int
    index: int
    t_ms: int

    @property
    def final(self) -> bool:
        """Whether the record says that its stream ends here."""
        return bool(self.flags & FINAL)

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.start + RECORD_HEADER.size + self.length


def build_head(note_id: bytes, mailbox_id: bytes, commit: bytes, envelopes: list[bytes]) -> bytes:
    """Return the head of a note. Raises ValueError above 64 KiB or for parts of a wrong size."""
    if len(note_id) != NOTE_ID or len(commit) != _COMMIT:
        raise ValueError("a note id has 16 bytes and a commit 32")
    packed = b"".join(envelopes)
    head = MAGIC + note_id + lp(mailbox_id) + commit + len(packed).to_bytes(4) + packed
    if len(head) > MAX_HEAD:
        raise ValueError("head above 64 KiB: too many recipients")
    return head


def split_head(blob: bytes) -> Head:
    """Take the head of a note apart; its envelopes are split but not opened.

    Raises Refused: ``short head`` (the bytes end within it), ``magic`` (no SN1), ``head length`` (above
    64 KiB, or envelopes that do not fill their length).
    """
    if len(blob) < _FIXED:
        raise Refused("short head")
    if blob[:4] != MAGIC:
        raise Refused("magic")
    mailbox_end = _FIXED + int.from_bytes(blob[_FIXED - 2 : _FIXED])
    start = mailbox_end + _COMMIT + 4
    if start > MAX_HEAD:
        raise Refused("head length")
    if len(blob) < start:
        raise Refused("short head")
    size = start + int.from_bytes(blob[start - 4 : start])
    if size > MAX_HEAD:
        raise Refused("head length")
    if len(blob) < size:
        raise Refused("short head")
    return Head(
        note_id=bytes(blob[4 : 4 + NOTE_ID]),
        mailbox_id=bytes(blob[_FIXED:mailbox_end]),
        commit=bytes(blob[mailbox_end : mailbox_end + _COMMIT]),
        envelopes=split_envelopes(bytes(blob[start:size])),
        size=size,
    )


def split_envelopes(packed: bytes) -> tuple[Envelope, ...]:
    """Take envelopes that follow each other apart. Raises Refused(``head length``) if they do not fit."""
    found = []
    at = 0
    while at < len(packed):
        if len(packed) - at < 11:
            raise Refused("head length")
        end = at + 11 + int.from_bytes(packed[at + 9 : at + 11])
        if end > len(packed):
            raise Refused("head length")
        found.append(Envelope(packed[at], packed[at + 1 : at + 9], packed[at + 11 : end], packed[at:end]))
        at = end
    return tuple(found)


def next_record(data: bytes | memoryview, start: int) -> RecordHeader | None:
    """Return the header of the whole record at ``start``; None when the data ends before the record does.

    Raises Refused: ``record length`` (no tag fits, or above 16 MiB). It is told before ``None`` even if
    nothing follows, so that no reader waits for bytes that may not come.
    """
    if len(data) - start < RECORD_HEADER.size:
        return None
    length, stream, flags, index, t_ms = RECORD_HEADER.unpack_from(data, start)
    if not TAG <= length <= MAX_RECORD:
        raise Refused("record length")
    header = RecordHeader(start, length, stream, flags, index, t_ms)
    return header if header.end <= len(data) else None


def scan_records(data: bytes) -> tuple[int, list[RecordHeader]]:
    """Walk over records by their lengths alone: what of a note that a crash cut off is whole.

    ``data`` begins after the head. Returns the bytes up to which records are whole and their headers.
    A torn or senseless record ends the walk; nothing is judged that takes a key.
    """
    headers: list[RecordHeader] = []
    at = 0
    while True:
        try:
            header = next_record(data, at)
        except Refused:
            header = None
        if header is None:
            return at, headers
        headers.append(header)
        at = header.end
