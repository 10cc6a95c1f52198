"""Making and recognising sound in tests: G.711 tables of their own, tones, Goertzel, likeness."""

import math
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

RATE = 8000
FRAME = 160


def _ulaw_value(code: int) -> int:
    """Decode one u-law code as ITU-T G.711 table 2a gives it (sign, exponent, mantissa, bias 33 x 4)."""
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - value if code & 0x80 else value - 0x84


def _alaw_value(code: int) -> int:
    """Decode one A-law code as ITU-T G.711 table 1a gives it."""
    code ^= 0x55
    exponent, value = (code & 0x70) >> 4, (code & 0x0F) << 4
    value = value + 8 if exponent == 0 else (value + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


TABLES = {
    "PCMU": np.array([_ulaw_value(code) for code in range(256)], dtype=np.int16),
    "PCMA": np.array([_alaw_value(code) for code in range(256)], dtype=np.int16),
}


def decode(sound: bytes, codec: str = "PCMU") -> Pcm:
    """Return the samples of G.711 bytes."""
    return TABLES[codec][np.frombuffer(sound, dtype=np.uint8)]


def encode(pcm: Pcm, codec: str = "PCMU") -> bytes:
    """Return the nearest G.711 codes of samples."""
    table = TABLES[codec].astype(np.int32)
    order = np.argsort(table, kind="stable")
    middles = (table[order][1:] + table[order][:-1]) / 2
    return order[np.searchsorted(middles, pcm.astype(np.int32))].astype(np.uint8).tobytes()


def tone(hz: float, seconds: float, level: float = 0.3) -> Pcm:
    """Return a sine wave."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * 32767 * np.sin(2 * math.pi * hz * t)).astype(np.int16)


def babble(seed: int, seconds: float) -> Pcm:
    """Return noise with the rhythm of speech, different for every seed, never two equal frames.

    Every half second of it moves by more than 3 dB wherever it begins, as a voice does: what is even is taken
    for noise, and a take of that ends as silence.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    loudness = 0.15 + 0.85 * np.abs(np.sin(math.pi * (1.7 + seed % 7 / 20) * np.arange(n) / RATE))
    return (rng.normal(0.0, 3000.0, n).clip(-9000, 9000) * loudness).astype(np.int16)


def frames(sound: bytes, size: int = FRAME) -> Iterator[bytes]:
    """Cut into whole frames; a rest that fills none is left out."""
    for start in range(0, len(sound) - size + 1, size):
        yield sound[start : start + size]


def power_at(pcm: Pcm, hz: float) -> float:
    """Return how much of the sound's power is at one frequency, 0 to 1 (Goertzel)."""
    x = pcm.astype(np.float64)
    total = float(x @ x)
    if total == 0.0:
        return 0.0
    w = np.exp(-2j * math.pi * hz / RATE * np.arange(len(x)))
    return float(2 * abs(x @ w) ** 2 / (len(x) * total))


def tone_spans(
    pcm: Pcm, hz: float, *, window_s: float = 0.05, share: float = 0.8
) -> list[tuple[float, float]]:
    """Return where a tone sounds, as (start, end) in seconds; silence is not a tone."""
    step = round(window_s * RATE)
    spans: list[tuple[float, float]] = []
    for start in range(0, len(pcm) - step + 1, step):
        window = pcm[start : start + step]
        if np.abs(window).max() > 300 and power_at(window, hz) > share:
            begin, end = start / RATE, (start + step) / RATE
            if spans and abs(spans[-1][1] - begin) < 1e-9:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
    return spans


def likeness(heard: Pcm, wanted: Pcm) -> float:
    """Return the best normalised correlation of ``wanted`` anywhere in ``heard``, -1 to 1."""
    a, b = heard.astype(np.float64), wanted.astype(np.float64)
    if len(a) < len(b) or not b.any():
        return 0.0
    size = 1 << (len(a) + len(b)).bit_length()
    products = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)[: len(a) - len(b) + 1]
    energy = np.concatenate(([0.0], np.cumsum(a * a)))
    norm = np.sqrt(np.maximum(energy[len(b) :] - energy[: -len(b)], 1.0) * float(b @ b))
    return float((products / norm).max())


def read_wav(file: Path) -> Pcm:
    """Return the samples of an 8-kHz mono WAV."""
    with wave.open(str(file)) as source:
        assert (source.getframerate(), source.getnchannels(), source.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(source.readframes(source.getnframes()), dtype="<i2").astype(np.int16)
