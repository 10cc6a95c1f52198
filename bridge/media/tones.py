"""Tones of telephone exchanges and machines, told from voices by what all of them share.

ITU-T E.180 and its supplement 2 list the busy, congestion, dial and ringing tones of some two hundred
countries, Q.35 the special information tones, T.30 the fax machine's CNG and CED, Q.23 the keys. No table of
them is needed: all are one or two sinusoids at once, as no voice is for long, and they come back unaltered,
with the same frequencies and the same level. A voice can hold a pure low vowel or hum, but not thrice alike.
Above the pitch of any voice, where special information, fax and keys lie, one burst is enough.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bridge.call.model import SAMPLE_RATE
from bridge.media.g711 import Samples

EXCERPT = 512
"""Samples that are looked at of one loud moment, 64 ms: frequencies 90 Hz apart are two, and a burst of
100 ms, the shortest in use, fills it."""

STRIDE = 4
"""Only every fourth sample is looked at: a quarter of the work, and what was a sinusoid stays one, though at
another frequency."""

POINTS = EXCERPT // STRIDE
FREQUENCIES = POINTS // 2 + 1

STRONGEST = 8
"""Frequencies (15.6 Hz each) that hold all power of two sinusoids behind a Hann window, four for each."""

LOWEST_TURN = math.cos(2 * math.pi * 320 / SAMPLE_RATE)
"""How like its predecessor a sample is at 320 Hz, more so below. Tones begin at 340 Hz (E.180 clause 4), and
what is pure below is the pitch of a voice."""

VOICE_TURN = math.cos(2 * math.pi * 800 / SAMPLE_RATE)
"""The same at 800 Hz: above it no voice is as pure as a tone."""

ALIKE = 0.9
"""Cosine of two power spectra that are the same tone; voices reach it for one pair in ten."""

SAME_POWER = 10 ** (1.5 / 10)
"""A tone comes back within 1.5 dB, also where an excerpt holds the end of a burst; the noise of a line 20 dB
below moves it by a tenth of that."""

PARTNERS = 2
"""How many others must be alike: one chance likeness is frequent in speech (2 %), two were not found in
2400 s of it."""

BATCH = 4
"""Excerpts judged together, and earlier ones they are compared with: a tone with silences comes back in its
next burst. Numpy's cost is per call, hence not one by one."""


def _transform() -> NDArray[np.float32]:
    """Return the matrix that makes of samples the parts of their spectrum behind a Hann window: all cosines,
    then all sines. A product with it costs half of an FFT of so few points."""
    turns = np.outer(np.arange(POINTS), np.arange(FREQUENCIES)) * (2 * np.pi / POINTS)
    window = np.hanning(POINTS)[:, np.newaxis]
    return np.concatenate((np.cos(turns) * window, np.sin(turns) * window), axis=1).astype(np.float32)


_TRANSFORM = _transform()


class Tones:
    """Tells tones among the loud moments of one take. ``purity`` is the least share (0 to 1) of its power
    that a tone has in its ``STRONGEST`` frequencies."""

    def __init__(self, purity: float) -> None:
        self._purity = purity
        self._excerpts = np.empty((BATCH, EXCERPT), np.float32)
        self._taken = 0
        self._spectra = np.zeros((0, FREQUENCIES), np.float32)
        self._powers = np.zeros(0, np.float32)
        self._found = np.zeros(0, np.bool_)

    def take(self, excerpt: Samples) -> bool:
        """Keep ``EXCERPT`` samples; True when it is time to judge."""
        self._excerpts[self._taken] = excerpt
        self._taken += 1
        return self._taken == BATCH

    def judge(self) -> list[bool]:
        """Say of up to ``BATCH`` earlier excerpts, in the light of what came later, and of those taken since,
        all in their order, whether each is a tone."""
        excerpts = self._excerpts[: self._taken]
        self._taken = 0
        parts = np.square(excerpts[:, ::STRIDE] @ _TRANSFORM)
        density = parts[:, :FREQUENCIES] + parts[:, FREQUENCIES:]
        strongest = np.sort(density, axis=1)[:, -STRONGEST:].sum(axis=1)
        # plus one: what is all zero divides, too
        power = np.vecdot(excerpts, excerpts) + 1
        turn = np.vecdot(excerpts[:, 1:], excerpts[:, :-1]) / power
        pure = (turn < LOWEST_TURN) & (strongest > self._purity * density.sum(axis=1))
        # What is not pure becomes zero: it is like nothing.
        density *= (pure / np.sqrt(np.vecdot(density, density) + 1))[:, np.newaxis]
        spectra = np.concatenate((self._spectra, density))
        powers = np.concatenate((self._powers, power))
        found = np.concatenate((self._found, pure & (turn < VOICE_TURN)))
        if pure.any():
            ratios = powers[:, np.newaxis] / powers
            alike = (spectra @ spectra.T > ALIKE) & (ratios < SAME_POWER) & (ratios > 1 / SAME_POWER)
            # The pure ones are alike themselves, too.
            found |= alike.sum(axis=1) > PARTNERS
        self._spectra, self._powers, self._found = spectra[-BATCH:], powers[-BATCH:], found[-BATCH:]
        tones: list[bool] = found.tolist()
        return tones
