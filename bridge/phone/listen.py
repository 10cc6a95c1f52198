"""Hearing when a greeting is over and one may speak: a steady tone, then quiet. Sound as pyVoIP gives it."""

import numpy as np
from numpy.typing import NDArray

RATE = 8000
WINDOW = 640
"""80 ms: its FFT tells 12.5 Hz apart, and a voice moves by more than that."""

HOP = 320
"""A new window each 40 ms."""

BINS = 8
"""A tone of two frequencies fills at most so many FFT bins under a Hann window (12.5 Hz each)."""

PURE = 0.9
"""Share of the power in those bins; vowels stay below, as their harmonics do."""

QUIET = 2.0
"""Root mean square of silence in 8-bit steps: pyVoIP's sound has 8 bits, so one step is its own noise."""

STEADY = 6
"""Windows in a row at exactly the same pitch that make a tone: 0.28 s, of a tone that lasts 0.36 s."""


class ToneWatch:
    """Feed it sound; ``over`` becomes true once a tone has sounded and ended."""

    def __init__(self) -> None:
        self.over = False
        self._rest = b""
        self._run = 0
        self._pitch = -1

    def feed(self, sound: bytes) -> None:
        """Take unsigned 8-bit samples at 8 kHz, any number of them."""
        self._rest += sound
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[HOP:]
            self._step(np.frombuffer(window, dtype=np.uint8).astype(np.float64) - 128.0)

    def _step(self, window: NDArray[np.float64]) -> None:
        loud = float(np.sqrt(np.mean(window**2))) > QUIET
        pitch = pitch_of(window) if loud else -1
        if pitch >= 0 and pitch == self._pitch:
            self._run += 1
            return
        self.over |= self._run >= STEADY
        self._run, self._pitch = (1, pitch) if pitch >= 0 else (0, -1)


def pitch_of(window: NDArray[np.float64]) -> int:
    """Return the strongest FFT bin of a pure tone, -1 for any other sound."""
    power = np.abs(np.fft.rfft(window * np.hanning(len(window)))) ** 2
    power[:4] = 0.0
    total = float(power.sum())
    if total == 0.0 or float(np.sort(power)[-BINS:].sum()) / total < PURE:
        return -1
    return int(power.argmax())
