"""G.711 as tables (ITU-T G.711): PCM that Asterisk decoded becomes the very bytes that the caller sent.

AudioSocket carries 16-bit PCM, also where the telephone spoke G.711. Asterisk's decoding is the standard's,
so the nearest code of each decoded value is the code that was sent: storing as G.711 loses nothing. u-law
alone has two zeros: 0x7f and 0xff both decode to 0 and are stored as 0xff.
"""

import numpy as np
from numpy.typing import NDArray

from bridge.call.model import Codec

Samples = NDArray[np.int16]


def _ulaw_values() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_values() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, mantissa + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _nearest(values: Samples, prefer: int | None) -> NDArray[np.uint8]:
    """Return the code whose value is nearest, for every sample read as an unsigned 16-bit index."""
    order = np.argsort(values, kind="stable")
    rising = values[order].astype(np.int32)
    samples = np.arange(-32768, 32768, dtype=np.int32)
    above = np.searchsorted(rising, samples).clip(1, 255)
    closer_below = samples - rising[above - 1] <= rising[above] - samples
    codes = order[np.where(closer_below, above - 1, above)].astype(np.uint8)
    if prefer is not None:
        codes[samples == values[prefer]] = prefer
    return np.roll(codes, 32768)


VALUES = {Codec.PCMU: _ulaw_values(), Codec.PCMA: _alaw_values()}
"""The sample of each code."""

_CODES = {
    Codec.PCMU: _nearest(VALUES[Codec.PCMU], prefer=0xFF),
    Codec.PCMA: _nearest(VALUES[Codec.PCMA], prefer=None),
}


def encode(samples: Samples, codec: Codec) -> bytes:
    """Return one G.711 byte for each 16-bit sample."""
    return _CODES[codec].take(samples.view(np.uint16)).tobytes()


def decode(codes: bytes, codec: Codec) -> Samples:
    """Return the 16-bit samples of G.711 bytes."""
    return VALUES[codec].take(np.frombuffer(codes, np.uint8))
