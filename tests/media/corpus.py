"""What callers and exchanges leave on a recorder, made anew: tones, hum, noise, music, whispers; the line."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.call.model import SAMPLE_RATE, Codec
from bridge.media.g711 import Samples, decode, encode
from bridge.media.level import windows
from bridge.media.speech import Heard, Listener, Thresholds, Verdict
from bridge.take import SEGMENT
from tests import figures

Sound = NDArray[np.float64]
"""Samples whose full scale is 1; the level of what is made here is set by ``at``."""

Cadence = Sequence[tuple[tuple[float, ...], float]]
"""Frequencies in Hz that sound together, and for how many seconds; none is a pause."""

SIT_LOW, SIT_HIGH = (913.8, 1370.6, 1776.7), (985.2, 1428.5, 1776.7)

TONES: dict[str, Cadence] = {
    # ITU-T E.180 supplement 2, as national exchanges send them
    "us dial": [((350, 440), 1)],
    "us message waiting dial": [*(((350, 440), 0.1), ((), 0.1)) * 10, ((350, 440), 60)],
    "us busy": [((480, 620), 0.5), ((), 0.5)],
    "us reorder": [((480, 620), 0.25), ((), 0.25)],
    "us ringback": [((440, 480), 2), ((), 4)],
    "us call waiting": [((440,), 0.3), ((), 9.7)],
    "de dial": [((425,), 1)],
    "de busy": [((425,), 0.48), ((), 0.48)],
    "de congestion": [((425,), 0.24), ((), 0.24)],
    "de ringback": [((425,), 1), ((), 4)],
    "at busy": [((420,), 0.4), ((), 0.4)],
    "fr ringback": [((440,), 1.5), ((), 3.5)],
    "it dial": [((425,), 0.2), ((), 0.2), ((425,), 0.6), ((), 1)],
    "es congestion": [((425,), 0.2), ((), 0.2), ((425,), 0.2), ((), 0.2), ((425,), 0.2), ((), 0.6)],
    "uk dial": [((350, 440), 1)],
    "uk busy": [((400,), 0.375), ((), 0.375)],
    "uk congestion": [((400,), 0.4), ((), 0.35), ((400,), 0.225), ((), 0.525)],
    "uk ringback": [((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4), ((), 2)],
    "uk unobtainable": [((400,), 1)],
    "jp dial": [((400,), 1)],
    "jp busy": [((400,), 0.5), ((), 0.5)],
    "jp ringback (modulated)": [((384, 400, 416), 1), ((), 2)],
    "in dial (modulated)": [((375, 400, 425), 1)],
    # Q.35 and E.180 clause 7.2: each part 330 ms; Bellcore GR-674's frequencies beside them
    "special information": [((950,), 0.33), ((1400,), 0.33), ((1800,), 0.33), ((), 1)],
    "us special information, low": [(((f),), 0.276) for f in SIT_LOW] + [((), 1)],
    "us special information, high": [(((f),), 0.38) for f in SIT_HIGH] + [((), 1)],
    # T.30: calling tone, called station
    "fax calling": [((1100,), 0.5), ((), 3)],
    "fax answering": [((2100,), 3), ((), 0.075)],
    # Q.23
    "keys 1590": [
        *(((697, 1209), 0.2), ((), 0.2), ((770, 1336), 0.2), ((), 0.2)),
        *(((852, 1477), 0.2), ((), 0.2), ((941, 1336), 0.2), ((), 0.6)),
    ],
    "key # held": [((941, 1477), 1)],
}


def tone(cadence: Cadence, seconds: float, *, off: float = 1.0, begin_s: float = 0.0) -> Sound:
    """Return a tone as it is repeated, all frequencies times ``off``, beginning somewhere in its cadence."""
    count = round(seconds * SAMPLE_RATE)
    pieces: list[Sound] = []
    while sum(map(len, pieces)) < count + begin_s * SAMPLE_RATE:
        for frequencies, length_s in cadence:
            t = (np.arange(round(length_s * SAMPLE_RATE)) + sum(map(len, pieces))) / SAMPLE_RATE
            pieces.append(np.sum([np.sin(2 * np.pi * f * off * t) for f in frequencies], axis=0) + 0 * t)
    return np.concatenate(pieces)[round(begin_s * SAMPLE_RATE) :][:count]


def hum(seconds: float, mains_hz: float) -> Sound:
    """Return what a bad ground brings from the mains: odd harmonics mostly."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    parts = {1: 1.0, 2: 0.2, 3: 0.7, 5: 0.4, 7: 0.3, 9: 0.1, 11: 0.1}
    waves = [a * np.sin(2 * np.pi * mains_hz * n * t + n) for n, a in parts.items()]
    return np.asarray(np.sum(waves, axis=0))


def white(seconds: float, rng: np.random.Generator) -> Sound:
    return rng.standard_normal(round(seconds * SAMPLE_RATE))


def coloured(seconds: float, rng: np.random.Generator, slope: float) -> Sound:
    """Return noise whose amplitude falls with frequency to the power ``slope`` (0.5: pink), as a line of 300
    to 3400 Hz lets it through."""
    count = round(seconds * SAMPLE_RATE)
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    shape = np.where((frequency > 300) & (frequency < 3400), np.maximum(frequency, 1) ** -slope, 0)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * shape, count)


def music(seconds: float, rng: np.random.Generator) -> Sound:
    """Return a tune with chords below it, plucked: every note has harmonics and fades."""
    count = round(seconds * SAMPLE_RATE)
    sound = np.zeros(count)
    at = 0
    while at < count:
        length = int(SAMPLE_RATE * rng.choice([0.2, 0.4, 0.8]))
        t = np.arange(min(length, count - at)) / SAMPLE_RATE
        root = rng.choice([0, 2, 4, 5, 7, 9, 11])
        for step, loud in ((root, 1.0), (root - 12, 0.5), (root - 8, 0.4), (root - 5, 0.4)):
            pitch = 440 * 2 ** (step / 12)
            for n in range(1, 6):
                sound[at : at + len(t)] += loud / n * np.sin(2 * np.pi * n * pitch * t) * np.exp(-2 * n * t)
        at += length
    return sound


def whispered(voice: Sound, rng: np.random.Generator) -> Sound:
    """Return what a voice says without its pitch: noise through the same mouth (linear prediction of 20 ms at
    a time, its residue replaced by noise of the same power), low tones missing as in a whisper."""
    size, order = 160, 12
    out = np.zeros(len(voice) + order)
    for start in range(0, len(voice) - size + 1, size):
        frame = voice[max(0, start - 80) : start + size + 80]
        frame = frame * np.hanning(len(frame))
        r = np.correlate(frame, frame, "full")[len(frame) - 1 :][: order + 1]
        if r[0] <= 1e-9:
            continue
        r[0] *= 1.001
        matrix = r[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
        a = np.linalg.solve(matrix, r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 0) / len(frame))
        for n, kick in enumerate(rng.standard_normal(size) * gain, start + order):
            out[n] = kick + a @ out[n - order : n][::-1]
    return np.diff(out[order:], prepend=0.0)


def deeper(voice: Sound, factor: float) -> Sound:
    """Return the voice of a larger throat (or with less than 1, of a smaller one), which speaks slower."""
    at = np.arange(0, len(voice) - 1, 1 / factor)
    return np.asarray(np.interp(at, np.arange(len(voice)), voice))


def at(sound: Sound, dbfs: float) -> Sound:
    """Return it with this power while it is loud, 0 dBFS being a square wave of full scale."""
    windows = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = (windows**2).mean(axis=1)
    loud = power[power > power.max() / 100].mean()
    return np.asarray(sound * (10 ** (dbfs / 20) / np.sqrt(loud)))


def noisy(sound: Sound, dbfs: float, ratio_db: float, rng: np.random.Generator) -> Sound:
    """Return it at a level, on a line whose white noise lies so far below."""
    return at(sound, dbfs) + at(white(len(sound) / SAMPLE_RATE, rng), dbfs - ratio_db)


def syllables(seconds: float, rng: np.random.Generator) -> Sound:
    """Return noise with the rhythm of speech: what is not even and not pure."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(coloured(seconds, rng, 1.0) * np.abs(np.sin(2 * np.pi * 1.3 * t)) ** 3)


def line(sound: Sound, codec: Codec = Codec.PCMU) -> Samples:
    """Return it as it arrives over G.711."""
    clipped = (sound * 32768).clip(-32768, 32767).astype(np.int16)
    return decode(encode(clipped, codec), codec)


def segments(samples: Samples) -> Iterator[Samples]:
    """Cut as a take does: half seconds, and the rest."""
    for begin in range(0, len(samples), SAMPLE_RATE // 2):
        yield samples[begin : begin + SAMPLE_RATE // 2]


class Table:
    """Counts what takes were judged to be, a row for each kind of sound."""

    def __init__(self) -> None:
        self._rows: dict[str, Counter[Heard]] = {}

    def judge(self, kind: str, sound: Sound, codec: Codec = Codec.PCMU) -> Verdict:
        """Judge a take of this kind and count it."""
        verdict = judged(line(sound, codec), Thresholds())
        self._rows.setdefault(kind, Counter())[verdict.heard] += 1
        return verdict

    def rate(self, kind: str, heard: Heard) -> float:
        """Return the share of a kind's takes that were judged so, in percent."""
        return 100 * self._rows[kind][heard] / self._rows[kind].total()

    def show(self) -> None:
        """Have the rates printed at the end of the run."""
        heads = "".join(f"{heard:>9}" for heard in Heard)
        figures.show(f"{'percent of takes judged as':34}{'takes':>7}{heads}")
        for kind, counts in self._rows.items():
            rates = "".join(f"{self.rate(kind, heard):9.1f}" for heard in Heard)
            figures.show(f"{kind:34}{counts.total():7}{rates}")


def judged(samples: Samples, thresholds: Thresholds) -> Verdict:
    """Return what a whole take is judged to be, heard as the recorder hears it."""
    listener = Listener(thresholds)
    for begin in range(0, len(samples), SEGMENT):
        piece = samples[begin : begin + SEGMENT]
        listener.hear(piece, windows(piece)[1])
    return listener.verdict()
