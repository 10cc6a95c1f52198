"""Sound files of classic voicemail as samples of 8 kHz: which of a message's files is best, and what is in
it.

Decoded here and in memory: no temporary file, no program that would be given a name or a byte of a caller.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from bridge.call.model import SAMPLE_RATE, Codec
from bridge.errors import Refused
from bridge.media import g711, gsm, riff
from bridge.media.g711 import Samples

LONGEST_S = 3600
"""Seconds of one message, as of one note (NOTE_LIMIT_S)."""

MOST_BYTES = LONGEST_S * SAMPLE_RATE * 2 + 4096
"""A file of that length in 16-bit PCM with its header; a larger one is not read at all."""


@dataclass(frozen=True, slots=True)
class Sound:
    """``codec`` is the law in which ``samples`` are stored with the least loss (none, for a call in
    G.711)."""

    codec: Codec
    samples: Samples = field(repr=False)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE


def _ulaw(file: bytes) -> Sound:
    return Sound(Codec.PCMU, g711.decode(file, Codec.PCMU))


def _alaw(file: bytes) -> Sound:
    return Sound(Codec.PCMA, g711.decode(file, Codec.PCMA))


def _linear(file: bytes) -> Sound:
    if len(file) % 2:
        raise Refused("sound cut off")
    return _heard(np.frombuffer(file, "<i2").astype(np.int16, copy=False))


def _gsm(file: bytes) -> Sound:
    return _heard(gsm.decode(gsm.frames_of(file)))


def _wav(file: bytes) -> Sound:
    wav = riff.read(file)
    if (wav.channels, wav.rate) != (1, SAMPLE_RATE):
        raise Refused("sound of another kind")
    match wav.tag, wav.bits:
        case riff.PCM, 16:
            return _linear(wav.data)
        case riff.ULAW, 8:
            return _ulaw(wav.data)
        case riff.ALAW, 8:
            return _alaw(wav.data)
        case riff.GSM, _:
            return _heard(gsm.decode(gsm.frames_of_wav(wav.data)))
    raise Refused("sound of another kind")


_READERS: dict[str, Callable[[bytes], Sound]] = {
    **dict.fromkeys(("ulaw", "ul", "mu", "ulw", "pcm"), _ulaw),
    **dict.fromkeys(("alaw", "al", "alw"), _alaw),
    "wav": _wav,
    **dict.fromkeys(("sln", "slin", "raw"), _linear),
    **dict.fromkeys(("WAV", "wav49"), _wav),
    "gsm": _gsm,
}
"""By the ends of file names that Asterisk's format modules write, the best first."""

_OTHERS = frozenset(
    (
        "g719",
        "g722",
        "g723",
        "g723sf",
        "g726-16",
        "g726-24",
        "g726-32",
        "g726-40",
        "g729",
        "ilbc",
        "mp3",
        "ogg",
    )
) | {
    "opus",
    "siren7",
    "siren14",
    "spx",
    "vox",
    "wav16",
    *(f"sln{khz}" for khz in (12, 16, 24, 32, 44, 48, 96, 192)),
}
"""The same sound in a form that is not read here."""


def best(kinds: Collection[str]) -> str:
    """Return the one to read of the ends of a message's sound files.

    Raises Refused: ``a file of another kind`` (a film, say, which would be lost with the message), ``no
    sound``, ``sound of another kind`` (none that can be read).
    """
    if set(kinds) - _READERS.keys() - _OTHERS:
        raise Refused("a file of another kind")
    for kind in _READERS:
        if kind in kinds:
            return kind
    raise Refused("sound of another kind" if kinds else "no sound")


def read(kind: str, file: bytes) -> Sound:
    """Return the sound of a file whose name ends with ``.kind``.

    Raises Refused: ``no sound`` (empty), ``sound too long``, ``sound cut off``, ``sound damaged``, ``sound of
    another kind``.
    """
    sound = _READERS[kind](file)
    if not len(sound.samples):
        raise Refused("no sound")
    if sound.seconds > LONGEST_S:
        raise Refused("sound too long")
    return sound


def _heard(samples: Samples) -> Sound:
    """Choose the law: the one in which the caller spoke gives every sample back as it is."""
    for law in Codec:
        if np.isin(samples, g711.VALUES[law]).all():
            return Sound(law, samples)
    return Sound(Codec.PCMU, samples)
