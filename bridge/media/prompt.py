"""What the bridge itself says: two tones, made once, as frames for AudioSocket."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bridge.call.model import FRAME_SAMPLES, SAMPLE_RATE

FADE_S = 0.025
"""Rise and fall of a tone: a hard edge clicks in the ear, and a click is what people call a bad line."""


def _note(parts: dict[int, float], seconds: float) -> NDArray[np.float64]:
    """Return a sum of sines (Hz to share of full scale) with soft edges."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sum([share * np.sin(2 * np.pi * hertz * time) for hertz, share in parts.items()], axis=0)
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / FADE_S)
    shaped: NDArray[np.float64] = wave * np.sin(edge * np.pi / 2) ** 2 * 32767
    return shaped


class Tone:
    """A prompt whose frames are known beforehand."""

    def __init__(self, *notes: NDArray[np.float64]) -> None:
        pcm = np.concatenate(notes).round().astype("<i2").tobytes()
        size = 2 * FRAME_SAMPLES
        self._frames = tuple(pcm[at : at + size].ljust(size, b"\0") for at in range(0, len(pcm), size))

    def frames(self) -> Iterator[bytes]:
        """Yield frames of 320 bytes."""
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


RECORD = Tone(_note({440: 0.16, 880: 0.12}, 0.36))
"""Speak after this: an A with its octave, 0.36 s."""

CLOSING = Tone(_note({660: 0.22}, 0.2), _note({440: 0.22}, 0.24))
"""The note is over: a fifth down, 0.44 s."""
