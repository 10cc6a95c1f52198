"""One take of a caller: sound in, sealed records out. Every take has its own note id and key."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from bridge.call.model import SAMPLE_RATE, Codec, Ended
from bridge.media import g711, level
from bridge.media.speech import Listener, Thresholds, Verdict
from bridge.record import note_begun, note_ended
from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    NoteSealer,
    Recipient,
    pad_json,
)
from bridge.store.notes import Notes
from bridge.store.recording import Recording

SEGMENT = SAMPLE_RATE // 2
"""Samples of one media record: 0.5 s, 4000 bytes of G.711 whatever is said (lengths tell nothing)."""

PEAKS = 50
"""Peaks of one peaks record, 5 s: a crash costs the waveform little, and a record's 30 bytes stay small."""


@dataclass(slots=True)
class _Written:
    """What was sealed. A record that the disk refused waits here, because its index must not be missing:
    a reader takes a gap for a forgery."""

    recording: Recording
    waiting: bytes = b""
    any: bool = False

    def add(self, record: bytes) -> None:
        self.waiting += record
        self.recording.append(self.waiting)
        self.waiting = b""
        self.any = True


def new_sealer(recipient: Recipient) -> NoteSealer:
    """Return what seals one take: a new note id and key, and all ciphers. Raises Refused(``public key``)."""
    sealer = NoteSealer(os.urandom(16), recipient.mailbox_id, [recipient.public])
    sealer.make_ready()
    return sealer


class NoteTake:
    """A note while it is spoken. ``codec`` is the law it is stored in; ``sealer`` is new, and for the
    ``recipient``; ``thresholds`` tell what is speech. ``verdict`` is what it was, once it is finished.

    ``urgent`` is the caller's own mark. It stands in the final meta record only, which is as long with it as
    without: whoever has the disk does not learn of it, and a note that a crash cuts off has none.
    """

    verdict: Verdict | None = None
    urgent = False

    def __init__(
        self,
        notes: Notes,
        call_id: bytes,
        recipient: Recipient,
        codec: Codec,
        sealer: NoteSealer,
        thresholds: Thresholds,
    ) -> None:
        """Begin the note in the store. Raises as ``Notes.begin``."""
        now = datetime.now(UTC)
        self.note_id = sealer.note_id
        self._codec = codec
        self._sealer = sealer
        meta = self._sealer.record(STREAM_META, pad_json(note_begun(codec, now)), 0)
        recording = notes.begin(
            self.note_id, call_id, recipient, sealer.head, sealer.commit, sealer.envelopes, meta, now
        )
        self._written = _Written(recording)
        self._recording = recording
        self._listener = Listener(thresholds)
        self._pcm = bytearray()
        self._samples = 0
        self._peaks = bytearray()
        self._peak_records = b""

    def add(self, pcm: bytes) -> bool:
        """Keep 16-bit PCM; say whether speech was found in a segment that this completed.

        Raises StoreError; the sound is not lost by it, ``finish`` tries to write it again.
        """
        self._pcm += pcm
        spoke = False
        while len(self._pcm) >= 2 * SEGMENT:
            piece = bytes(self._pcm[: 2 * SEGMENT])
            del self._pcm[: 2 * SEGMENT]
            t_ms = self._ms()
            codes, heard = self._analyse(piece)
            spoke = spoke or heard
            self._written.add(self._sealer.record(STREAM_MEDIA, codes, t_ms))
            if len(self._peaks) >= PEAKS:
                self._written.add(self._seal_peaks(final=False))
        return spoke

    async def finish(self, ended: Ended) -> bool:
        """Seal what is left and keep the note, at most once. False when there was no sound: it is discarded.

        Raises StoreError; what is on the disk is kept, by a later try or by the next start of the bridge.
        """
        if self.empty:
            self.discard()
            return False
        meta, records = self._seal_end(ended)
        self.verdict = self._listener.verdict()
        whole = await self._recording.finish(
            self._written.waiting + records, meta, self._peak_records, self.verdict.speech
        )
        return whole or self.on_disk

    def _seal_end(self, ended: Ended) -> tuple[bytes, bytes]:
        """Return the final meta record, and the final records of all streams with it."""
        t_ms = self._ms()
        codes, _ = self._analyse(bytes(self._pcm)) if self._pcm else (b"", False)
        self._pcm.clear()
        media = self._sealer.record(STREAM_MEDIA, codes, t_ms, final=True)
        peaks = self._seal_peaks(final=True)
        counts = {stream: self._sealer.counts[stream] for stream in (STREAM_MEDIA, STREAM_PEAKS)}
        told = note_ended(ended, self._samples / SAMPLE_RATE, counts, self.urgent)
        meta = self._sealer.record(STREAM_META, pad_json(told), self._ms(), final=True)
        self._sealer.forget()
        return meta, media + peaks + meta

    def discard(self) -> None:
        """Throw the take away. Raises StoreError."""
        self._sealer.forget()
        self._recording.discard()

    @property
    def empty(self) -> bool:
        """Whether no sound came at all."""
        return not self._samples and not self._pcm

    @property
    def seconds(self) -> float:
        """The sound taken so far."""
        return (self._samples + len(self._pcm) // 2) / SAMPLE_RATE

    @property
    def on_disk(self) -> bool:
        """Whether sound of this take was written, so that it outlives us even unfinished."""
        return self._written.any

    def _ms(self) -> int:
        return self._samples * 1000 // SAMPLE_RATE

    def _analyse(self, pcm: bytes) -> tuple[bytes, bool]:
        samples = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        peaks, levels = level.windows(samples)
        self._peaks += peaks
        self._samples += len(samples)
        return g711.encode(samples, self._codec), self._listener.hear(samples, levels)

    def _seal_peaks(self, *, final: bool) -> bytes:
        record = self._sealer.record(STREAM_PEAKS, bytes(self._peaks), self._ms(), final=final)
        self._peaks.clear()
        self._peak_records += record
        return record
