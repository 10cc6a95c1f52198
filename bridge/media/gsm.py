"""GSM full rate as PCM (ETSI EN 300 961, GSM 06.10): the decoder, in the standard's own 16-bit arithmetic.

Only for messages that classic voicemail stored as GSM and nothing else; some 25 times faster than they were
spoken. The standard fixes every bit of the output, and so does this.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from bridge.errors import Refused
from bridge.media.g711 import Samples

FRAME = 33
"""Bytes of one frame of 20 ms in a ``.gsm`` file: a nibble 0xD, then 260 bits, the high bit first."""

PAIR = 65
"""Bytes of two frames in a WAV (format 49): 2 x 260 bits, the low bit first."""

_SUBFRAME = (7, 2, 2, 6, *[3] * 13)
_WIDTHS = (6, 6, 5, 5, 4, 4, 3, 3, *_SUBFRAME * 4)
_MAGIC = 0xD

_QLB = (3277, 11469, 21299, 32767)
_FAC = (18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767)
_LAR = (
    (0, -32, 13107), (0, -32, 13107), (4096, -16, 13107), (-5120, -16, 13107),
    (188, -8, 19223), (-3584, -8, 17476), (-682, -4, 31454), (-2288, -4, 29708),
)  # fmt: skip
"""Twice B, MIC and 1/A of each coefficient (table 4.1 of the standard)."""

_SPANS = ((13, 3, 1), (14, 2, 2), (13, 1, 3), (120, 0, 4))
"""Samples of a frame with the same filter, and quarters of the last frame's coefficients and of this
one's."""

_LAGS = range(40, 121)


def frames_of(data: bytes) -> Iterator[list[int]]:
    """Yield the 76 parameters of each frame of a ``.gsm`` file. Raises Refused(``sound damaged``)."""
    if len(data) % FRAME:
        raise Refused("sound damaged")
    for at in range(0, len(data), FRAME):
        bits = int.from_bytes(data[at : at + FRAME])
        if bits >> 260 != _MAGIC:
            raise Refused("sound damaged")
        left, frame = 260, []
        for width in _WIDTHS:
            left -= width
            frame.append(bits >> left & (1 << width) - 1)
        yield frame


def frames_of_wav(data: bytes) -> Iterator[list[int]]:
    """Yield the parameters of each frame of a WAV's data in format 49; a last half pair has one frame."""
    for at in range(0, len(data) - PAIR + 1, PAIR):
        bits = int.from_bytes(data[at : at + PAIR], "little")
        for _ in range(2):
            frame = []
            for width in _WIDTHS:
                frame.append(bits & (1 << width) - 1)
                bits >>= width
            yield frame


def decode(frames: Iterator[list[int]]) -> Samples:
    """Return the samples of frames."""
    decoder = _Decoder()
    sound = [sample for frame in frames for sample in decoder.frame(frame)]
    return np.array(sound, dtype=np.int16)


def _word(value: int) -> int:
    return 32767 if value > 32767 else max(value, -32768)


def _rounded(one: int, other: int) -> int:
    return (one * other + 16384) >> 15


class _Decoder:
    """What one frame leaves for the next."""

    def __init__(self) -> None:
        self._residual = [0] * 120
        self._lag = 40
        self._ratios = [0] * 8
        self._filter = [0] * 9
        self._emphasis = 0

    def frame(self, parameters: Sequence[int]) -> list[int]:
        """Return 160 samples."""
        ratios = [
            _word(2 * _rounded(inverse, _word(((code + least) << 10) - twice_b)))
            for code, (twice_b, least, inverse) in zip(parameters, _LAR, strict=False)
        ]
        residual = self._residual
        for at in range(8, 76, 17):
            lag, gain, grid, peak, *pulses = parameters[at : at + 17]
            if lag in _LAGS:
                self._lag = lag
            excited = [0] * 40
            excited[grid : grid + 39 : 3] = _pulses(peak, pulses)
            factor, back = _QLB[gain], self._lag
            for one in excited:
                residual.append(_word(one + _rounded(factor, residual[-back])))
        self._residual = residual[-120:]
        return self._spoken(residual[120:], ratios)

    def _spoken(self, residual: list[int], ratios: list[int]) -> list[int]:
        sound: list[int] = []
        at = 0
        for count, before, now in _SPANS:
            mixed = [
                _quarters(old, before) + _quarters(new, now)
                for old, new in zip(self._ratios, ratios, strict=True)
            ]
            sound += self._filtered(residual[at : at + count], [_reflection(ratio) for ratio in mixed])
            at += count
        self._ratios = ratios
        return self._softened(sound)

    def _filtered(self, residual: list[int], reflections: list[int]) -> list[int]:
        stages = list(enumerate(reflections))[::-1]
        state, sound = self._filter, []
        for sample in residual:
            for stage, reflection in stages:
                held = state[stage]
                sample -= (reflection * held + 16384) >> 15
                if not -32768 <= sample <= 32767:
                    sample = _word(sample)
                held += (reflection * sample + 16384) >> 15
                state[stage + 1] = held if -32768 <= held <= 32767 else _word(held)
            state[0] = sample
            sound.append(sample)
        return sound

    def _softened(self, sound: list[int]) -> list[int]:
        last, soft = self._emphasis, []
        for sample in sound:
            last = _word(sample + _rounded(last, 28180))
            soft.append(_word(2 * last) & ~7)
        self._emphasis = last
        return soft


def _pulses(peak: int, pulses: Sequence[int]) -> list[int]:
    exponent = (peak >> 3) - 1 if peak > 15 else 0
    mantissa = peak - (exponent << 3)
    if mantissa == 0:
        exponent, mantissa = -4, 7
    else:
        while mantissa <= 7:
            mantissa, exponent = mantissa << 1 | 1, exponent - 1
        mantissa -= 8
    shift = 6 - exponent
    half = 1 << shift - 1 if shift else 0
    return [_word(_rounded(_FAC[mantissa], (2 * pulse - 7) << 12) + half) >> shift for pulse in pulses]


def _quarters(ratio: int, count: int) -> int:
    """Return so many quarters as the standard adds them: each shifted by itself."""
    return (0, ratio >> 2, ratio >> 1, (ratio >> 2) + (ratio >> 1), ratio)[count]


def _reflection(ratio: int) -> int:
    size = min(abs(ratio), 32767)
    if size < 11059:
        size <<= 1
    elif size < 20070:
        size += 11059
    else:
        size = min((size >> 2) + 26112, 32767)
    return -size if ratio < 0 else size
