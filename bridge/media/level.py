"""How loud a caller is: peaks for the waveform, and what is loud enough to be speech.

Levels are judged in windows of 100 ms. Loud is what stands clearly above the line's own noise, which is taken
from the quietest of the last windows; a line cannot be so noisy, nor a caller so quiet, that the threshold
leaves its two bounds. What it is that is loud, ``speech`` judges.
"""

from collections import deque
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from bridge.call.model import SAMPLE_RATE
from bridge.media.g711 import Samples

WINDOW = SAMPLE_RATE // 10
"""Samples of one window."""

WINDOW_S = WINDOW / SAMPLE_RATE

MOST_RMS = 32768 * 10 ** (-30 / 20)
"""Above this everything is loud, also all the time: a caller in a car is heard, too."""

ABOVE_NOISE = 10 ** (8 / 20)
"""Speech stands 8 dB above the noise of a line that is quiet enough for this to tell."""

NOISE_WINDOWS = 30
"""Noise is the quietest of the last 3 s: nobody speaks that long without a breath."""


def windows(samples: Samples) -> tuple[bytes, list[float]]:
    """Return of each window its peak (1 byte, 255 is full scale) and its RMS. The last may be shorter.

    Raises ValueError for no samples.
    """
    short = -len(samples) % WINDOW
    if short:
        # Silence behind the end changes neither the peak of the last window nor its sum of squares.
        samples = np.concatenate((samples, np.zeros(short, np.int16)))
    starts = _starts(len(samples))
    tops = np.maximum.reduceat(samples, starts).tolist()
    bottoms = np.minimum.reduceat(samples, starts).tolist()
    peaks = bytes([min(max(top, -bottom) >> 7, 255) for top, bottom in zip(tops, bottoms, strict=True)])
    # vecdot and math.sqrt: so few numbers cost 4 us less without numpy's own root, and a sum without a copy.
    wide = samples.astype(np.float32).reshape(-1, WINDOW)
    rms = [sqrt(energy / WINDOW) for energy in np.vecdot(wide, wide).tolist()]
    rms[-1] *= sqrt(WINDOW / (WINDOW - short))
    return peaks, rms


@lru_cache(maxsize=64)
def _starts(count: int) -> NDArray[np.intp]:
    """Return where the windows of so many samples begin."""
    return np.arange(0, count, WINDOW)


class Ear:
    """Tells what is loud in one take. Below ``floor_dbfs`` nothing is."""

    def __init__(self, floor_dbfs: float) -> None:
        self._least = 32768 * 10 ** (floor_dbfs / 20)
        self._recent: deque[float] = deque(maxlen=NOISE_WINDOWS)

    def hear(self, levels: list[float]) -> int:
        """Take the RMS of the next windows; return how many of them were loud."""
        count = 0
        for level in levels:
            # Only between the bounds does the noise of the line decide.
            loud = level >= self._least and (level >= MOST_RMS or level >= self._noise() * ABOVE_NOISE)
            self._recent.append(level)
            if loud:
                count += 1
        return count

    def _noise(self) -> float:
        return min(self._recent) if len(self._recent) == NOISE_WINDOWS else 0.0
