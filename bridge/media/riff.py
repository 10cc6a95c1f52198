"""WAV as telephones' recorders write it (RIFF, RFC 2361): where the format and the sound are. Hostile
bytes."""

from dataclasses import dataclass, field

from bridge.errors import Refused

PCM = 1
ALAW = 6
ULAW = 7
GSM = 49

CHUNKS = 64
"""Chunks looked at: Asterisk writes two or three."""

_FORMAT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Wav:
    """``tag`` is the format's number (above), ``rate`` samples a second, ``bits`` those of a sample."""

    tag: int
    channels: int
    rate: int
    bits: int
    data: bytes = field(repr=False)


def read(file: bytes) -> Wav:
    """Return what a WAV holds.

    Raises Refused: ``sound damaged`` (no WAV, or lengths that do not fit), ``sound cut off`` (the sound is
    longer than the file).
    """
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        raise Refused("sound damaged")
    at, form = 12, b""
    for _ in range(CHUNKS):
        name, size = file[at : at + 4], int.from_bytes(file[at + 4 : at + 8], "little")
        at += 8
        if len(file) < at:
            break
        if name == b"data":
            return _wav(form, file[at : at + size], size)
        if name == b"fmt ":
            form = file[at : at + size]
        at += size + size % 2
    raise Refused("sound damaged")


def _wav(form: bytes, data: bytes, size: int) -> Wav:
    if len(form) < _FORMAT_BYTES:
        raise Refused("sound damaged")
    if len(data) < size:
        raise Refused("sound cut off")
    two = [int.from_bytes(form[at : at + 2], "little") for at in (0, 2, 14)]
    return Wav(two[0], two[1], int.from_bytes(form[4:8], "little"), two[2], data)
