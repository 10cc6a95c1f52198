"""What can be checked of a sealed note that somebody else has sealed, by who cannot open it.

Heads, envelopes and record headers are clear (``bridge.seal.layout``). So it can be told that a reader will
be given what he may ask for: the right ids, an envelope for his key, streams without gaps, each with its end.
Whether it opens, only he can tell. ``Refused`` words are those of FORMAT.md, "Order of checks", and:
``old key`` (the mailbox has another one), ``stream`` (one that no writer of this version has), ``not whole``
(the end is missing), ``too much`` (of what the note's row keeps).
"""

from dataclasses import dataclass, field

from bridge.errors import Refused
from bridge.seal.layout import (
    FINAL,
    MAX_RECORD,
    RECORD_HEADER,
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    STREAM_POSTER,
    SUITE,
    TAG,
    Head,
    RecordHeader,
    kid,
    split_head,
)
from bridge.seal.note import Recipient

BODY = 80
"""Bytes of an envelope's body in suite 1."""

MOST_META = 16 << 10
"""Bytes of all meta records of a note: its row keeps them, and a list reads them. Ours have some 600."""


def check_head(data: bytes, note_id: bytes, recipient: Recipient) -> Head:
    """Return the head that ``data`` is: of this note, with one envelope, which is for the recipient's key.

    Raises Refused as ``split_head`` and: ``not this note``, ``update needed``, ``old key``, ``envelope``,
    ``head length`` (more follows).
    """
    head = split_head(data)
    if head.note_id != note_id or head.mailbox_id != recipient.mailbox_id.encode():
        raise Refused("not this note")
    if len(head.envelopes) != 1 or head.size != len(data):
        raise Refused("head length")
    (envelope,) = head.envelopes
    if envelope.suite != SUITE:
        raise Refused("update needed")
    if envelope.kid != kid(recipient.public):
        raise Refused("old key")
    if len(envelope.body) != BODY:
        raise Refused("envelope")
    return head


def check_call_record(sealed: bytes, call_id: bytes, recipient: Recipient) -> None:
    """Check a whole call record: a head and the final record of stream 2.

    Raises Refused as ``check_head`` and ``Frames``.
    """
    size = split_head(sealed).size
    check_head(sealed[:size], call_id, recipient)
    frames = Frames(len(sealed) - size, most_peaks=0)
    frames.feed(sealed[size:])
    if frames.counts != {STREAM_META: 1}:
        raise Refused("stream")
    frames.close()


@dataclass(slots=True)
class Frames:
    """The records of one note, fed in pieces of any size. ``size``: bytes that they have together.

    ``meta`` and ``peaks`` are the records of streams 2 and 3, for the note's row; ``most_peaks`` bytes of the
    latter are taken.
    """

    size: int
    most_peaks: int
    counts: dict[int, int] = field(default_factory=dict)
    meta: bytearray = field(default_factory=bytearray, repr=False)
    peaks: bytearray = field(default_factory=bytearray, repr=False)
    has_media: bool = False
    _fed: int = 0
    _ended: set[int] = field(default_factory=set)
    _rest: bytearray = field(default_factory=bytearray, repr=False)
    _inside: int = 0
    """Bytes of the present record that are still to come."""
    _copy: bytearray | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next bytes. Raises Refused: the note is none, and nothing more can be fed.

        Words: ``record length``, ``flags``, ``after final``, ``index``, ``empty``, ``stream``, ``too much``,
        ``not whole`` (more bytes than were announced, or a record that does not fit into them).
        """
        self._fed += len(piece)
        if self._fed > self.size:
            raise Refused("not whole")
        at = 0
        while at < len(piece):
            if not self._inside:
                at = self._begin(piece, at)
                continue
            taken = piece[at : at + self._inside]
            if self._copy is not None:
                self._copy += taken
            self._inside -= len(taken)
            at += len(taken)

    def close(self) -> None:
        """Say that all has been fed. Raises Refused(``not whole``): something is missing at the end."""
        open_ends = not self.counts or set(self.counts) != self._ended
        if self._fed != self.size or self._inside or self._rest or open_ends:
            raise Refused("not whole")

    def _begin(self, piece: bytes, at: int) -> int:
        """Take what of a header is there; return where to go on."""
        wanted = RECORD_HEADER.size - len(self._rest)
        self._rest += piece[at : at + wanted]
        if len(self._rest) == RECORD_HEADER.size:
            header = RecordHeader(0, *RECORD_HEADER.unpack(self._rest))
            self._check(header, self.size - (self._fed - len(piece) + at + wanted))
            self._copy = self._kept(header)
            if self._copy is not None:
                self._copy += self._rest
            self._inside = header.length
            self._rest.clear()
        return at + wanted

    def _check(self, header: RecordHeader, left: int) -> None:
        if not TAG <= header.length <= MAX_RECORD:
            raise Refused("record length")
        if header.length > left:
            raise Refused("not whole")
        if header.flags & ~FINAL:
            raise Refused("flags")
        if header.stream > STREAM_POSTER or (not self.counts and header.stream != STREAM_META):
            raise Refused("stream")
        if header.stream in self._ended:
            raise Refused("after final")
        if header.index != self.counts.get(header.stream, 0):
            raise Refused("index")
        if header.length == TAG and not header.final:
            raise Refused("empty")
        self.counts[header.stream] = header.index + 1
        if header.final:
            self._ended.add(header.stream)
        self.has_media |= header.stream == STREAM_MEDIA and header.length > TAG

    def _kept(self, header: RecordHeader) -> bytearray | None:
        kept, most = {
            STREAM_META: (self.meta, MOST_META), STREAM_PEAKS: (self.peaks, self.most_peaks)
        }.get(header.stream, (None, 0))  # fmt: skip
        if kept is not None and len(kept) + RECORD_HEADER.size + header.length > most:
            raise Refused("too much")
        return kept
