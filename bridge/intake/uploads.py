"""Sealed notes that come in pieces over HTTP: bounded, resumed while this process lives, checked at once.

Who sends one has sealed it for a mailbox that he need not be able to read. Nothing of it can be opened here;
what can be checked is in ``frames``. A page that lost the connection asks how far it came by beginning again
with the same bytes; after a restart of the bridge it seals anew.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bridge.errors import Refused, StoreError
from bridge.events import News
from bridge.intake.frames import Frames, check_call_record, check_head
from bridge.intake.thread import to_the_end
from bridge.seal.layout import STREAM_META, Head
from bridge.seal.note import Recipient
from bridge.store import Store
from bridge.store.uploads import Arrival, Source, Staged

MOST = 32
"""Notes on their way at once: each is so for a second or two, and they lie on the disk, not in memory."""

MOST_OF_ONE = 3
"""Of one user: three tabs. The one that was idle longest gives way to a fourth."""

IDLE_S = 600.0
"""An upload of which nothing more comes is thrown away."""

SECOND_BYTES = 8150
"""Of a note in G.711: 8,000 samples, the frames of two records, ten peaks with theirs."""

SLACK_BYTES = 64 << 10
"""Head and meta, and a caller who was cut off a moment after the limit."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What is announced: ``sealed`` is the call record, ``head`` the note's, ``size`` the whole note's bytes
    with its head."""

    note_id: bytes
    call_id: bytes
    sealed: bytes = field(repr=False)
    head: bytes = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The note that was sealed anew: what is clear of it stays as it was."""

    source: Source
    reason: str
    speech: bool | None
    cut_off: bool
    started_at: datetime


@dataclass(slots=True)
class Upload:
    """One note on its way. ``row_id`` once it is kept; ``keeping`` while a thread does that."""

    begun: Begun
    origin: Origin
    recipient: Recipient
    head: Head
    frames: Frames
    staged: Staged
    touched: float
    keeping: bool = False
    kept: bool = False

    @property
    def at(self) -> int:
        """Bytes that are here."""
        return self.staged.size


class Uploads:
    """All that are on their way into one store. Everything but ``finish`` belongs to the loop and is quick.

    ``min_free``: bytes that the disk keeps free. ``limit_s``: longest note. ``clock``: monotonic seconds.
    """

    def __init__(self, store: Store, min_free: int, limit_s: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._min_free = min_free
        self._limit_s = limit_s
        self._clock = clock
        self._all: dict[bytes, Upload] = {}

    @property
    def most_bytes(self) -> int:
        """Largest note that is taken."""
        return math.ceil(self._limit_s * SECOND_BYTES) + SLACK_BYTES

    def resumed(self, user_id: str, begun: Begun) -> Upload | None:
        """Return the upload that was begun with these very bytes, None for a new one.

        Raises Refused(``other bytes``): the note was begun otherwise, or by somebody else.
        """
        self._drop_idle()
        found = self._all.get(begun.note_id)
        if found is None:
            return None
        if found.begun != begun or found.origin.source.user_id != user_id:
            raise Refused("other bytes", user="This note was sent before, with other bytes.")
        found.touched = self._clock()
        return found

    def begin(self, begun: Begun, origin: Origin, recipient: Recipient) -> Upload:
        """Take the announcement of a new note for ``recipient``, a mailbox as it is now.

        Raises Refused: ``too long`` (above the limit of a note), ``disk full``, ``too many uploads``,
        ``old key``, and as ``frames``. StoreError.
        """
        if begun.size > self.most_bytes:
            seconds = f"{self._limit_s:g}"
            raise Refused("too long", user=f"A note has at most {seconds} seconds here; this one is longer.")
        if begun.note_id == begun.call_id:
            raise Refused("not this note")
        head = check_head(begun.head, begun.note_id, recipient)
        check_call_record(begun.sealed, begun.call_id, recipient)
        self._make_room(origin.source.user_id)
        still = sum(each.begun.size - each.at for each in self._all.values())
        if self._store.free_bytes() - still - begun.size < self._min_free:
            raise Refused("disk full", user="The server's disk is nearly full: no further notes are taken.")
        frames = Frames(begun.size - head.size, most_peaks=math.ceil(self._limit_s * 20) + 4096)
        staged = self._store.uploads.stage(begun.note_id)
        made = Upload(begun, origin, recipient, head, frames, staged, self._clock())
        self._all[begun.note_id] = made
        staged.append(begun.head)
        return made

    def mine(self, user_id: str, note_id: bytes) -> Upload | None:
        """Return an upload that this user has begun."""
        found = self._all.get(note_id)
        return found if found is not None and found.origin.source.user_id == user_id else None

    def add(self, upload: Upload, at: int, piece: bytes) -> int:
        """Take bytes that begin at ``at`` (the head is in front of them) and return how many are here.

        What is here already may come again. Raises Refused: ``other bytes`` (it came otherwise, or there is a
        gap before it) and as ``Frames.feed``, which ends the upload. StoreError: may be sent again.
        """
        upload.touched = self._clock()
        if at != upload.at or upload.kept or upload.keeping:
            if upload.kept or upload.keeping or not upload.staged.holds(at, piece):
                raise Refused("other bytes", user="This note was sent before, with other bytes.")
            return upload.at
        try:
            upload.frames.feed(piece)
            upload.staged.append(piece)
        except (Refused, StoreError):
            # Frames cannot be fed twice: whoever sent it begins anew.
            self._end(upload)
            raise
        return upload.at

    async def finish(self, upload: Upload) -> list[News]:
        """Keep a note that is whole; returns, when that is durable, what is to be published. Again is fine.

        Raises Refused: ``not whole``, ``no sound``, ``old key`` and as ``store.uploads.keep``, which ends the
        upload; StoreError: may be tried again.
        """
        upload.touched = self._clock()
        if upload.kept:
            return []
        if upload.keeping:
            raise Refused("being kept", user="This note is being kept.")
        upload.keeping = True
        try:
            upload.frames.close()
            if not upload.frames.has_media or STREAM_META not in upload.frames.counts:
                raise Refused("no sound")
            news = await to_the_end(self._store.uploads.keep, upload.staged, _arrival(upload))
        except Refused:
            self._end(upload)
            raise
        finally:
            upload.keeping = False
        upload.kept = True
        return news

    def _make_room(self, user_id: str) -> None:
        """Raises Refused(``too many uploads``)."""
        waiting = [each for each in self._all.values() if not each.keeping]
        mine = [each for each in waiting if each.origin.source.user_id == user_id and not each.kept]
        if len(mine) >= MOST_OF_ONE:
            self._end(min(mine, key=lambda each: each.touched))
        elif len(self._all) >= MOST:
            done = [each for each in waiting if each.kept]
            if not done:
                raise Refused("too many uploads", user="Too many notes are being sent just now.")
            self._end(min(done, key=lambda each: each.touched))

    def _drop_idle(self) -> None:
        now = self._clock()
        for each in list(self._all.values()):
            if now - each.touched > IDLE_S and not each.keeping:
                self._end(each)

    def _end(self, upload: Upload) -> None:
        self._all.pop(upload.begun.note_id, None)
        self._store.uploads.drop(upload.staged)


def _arrival(upload: Upload) -> Arrival:
    begun, origin = upload.begun, upload.origin
    return Arrival(
        call_id=begun.call_id,
        sealed=begun.sealed,
        reason=origin.reason,
        note_id=begun.note_id,
        recipient=upload.recipient,
        commit=upload.head.commit,
        envelopes=b"".join(envelope.raw for envelope in upload.head.envelopes),
        meta=bytes(upload.frames.meta),
        peaks=bytes(upload.frames.peaks),
        size=begun.size,
        speech=origin.speech,
        cut_off=origin.cut_off,
        started_at=origin.started_at,
        source=origin.source,
    )
