"""A whole sound as a sealed note, as ``take`` makes one of a caller who speaks."""

import os
from collections.abc import Iterator

from bridge.call.model import SAMPLE_RATE, Ended
from bridge.media import g711, level
from bridge.media.sound import Sound
from bridge.media.speech import Listener, Thresholds
from bridge.record import note_begun, note_ended
from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    STREAM_PEAKS,
    NoteSealer,
    Recipient,
    pad_json,
)
from bridge.store.taken import WholeNote
from bridge.take import PEAKS, SEGMENT
from bridge.wire.voicemail import MessageText


def sealed_note(
    text: MessageText, sound: Sound, recipient: Recipient, thresholds: Thresholds, *, urgent: bool
) -> WholeNote:
    """Seal a message for a mailbox; ``thresholds`` tell what is speech, ``urgent`` is its caller's mark.

    How it ended is not told by app_voicemail: the caller hung up, mostly.
    """
    sealer = NoteSealer(os.urandom(16), recipient.mailbox_id, [recipient.public])
    begun = sealer.record(STREAM_META, pad_json(note_begun(sound.codec, text.at)), 0)
    listener = Listener(thresholds)
    media, tops = bytearray(), bytearray()
    for at, piece, last in _pieces(sound):
        codes = g711.encode(piece, sound.codec)
        media += sealer.record(STREAM_MEDIA, codes, _ms(at), final=last)
        peaks_here, levels = level.windows(piece)
        tops += peaks_here
        listener.hear(piece, levels)
    peaks = _sealed_peaks(sealer, bytes(tops))
    counts = {stream: sealer.counts[stream] for stream in (STREAM_MEDIA, STREAM_PEAKS)}
    told = note_ended(Ended.CALLER_HANGUP, sound.seconds, counts, urgent)
    ended = sealer.record(STREAM_META, pad_json(told), _ms(len(sound.samples)), final=True)
    sealer.forget()
    return WholeNote(
        id=sealer.note_id,
        recipient=recipient,
        head=sealer.head,
        commit=sealer.commit,
        envelopes=b"".join(sealer.envelopes),
        records=b"".join((begun, media, peaks, ended)),
        meta=begun + ended,
        peaks=peaks,
        speech=listener.verdict().speech,
        started_at=text.at,
    )


def _pieces(sound: Sound) -> Iterator[tuple[int, g711.Samples, bool]]:
    """Yield the first sample's place, the samples, and whether they are the last, of each segment."""
    count = len(sound.samples)
    for at in range(0, count, SEGMENT):
        yield at, sound.samples[at : at + SEGMENT], at + SEGMENT >= count


def _sealed_peaks(sealer: NoteSealer, tops: bytes) -> bytes:
    last = (len(tops) - 1) // PEAKS * PEAKS
    return b"".join(
        sealer.record(STREAM_PEAKS, tops[at : at + PEAKS], _ms(at * level.WINDOW), final=at == last)
        for at in range(0, len(tops), PEAKS)
    )


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
