"""Sound files of classic voicemail: each format as the real one wrote it, and what is no sound at all."""

import hashlib
import io
import math
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Codec
from bridge.errors import Refused
from bridge.media import gsm, riff, sound
from bridge.media.g711 import decode, encode
from tests.pbx.sound import RATE, Pcm, babble, likeness
from tests.pbx.sound import encode as as_heard

CAPTURED = Path(__file__).parent.parent / "intake" / "captured"


def spoken(seconds: float) -> Pcm:
    """Return what was spoken when the captured messages were recorded."""
    rng = np.random.default_rng(7)
    n = round(seconds * RATE)
    loudness = 0.25 + 0.75 * np.abs(np.sin(2 * math.pi * 2.5 * np.arange(n) / RATE))
    return (rng.normal(0.0, 3000.0, n).clip(-9000, 9000) * loudness).astype(np.int16)


SPOKEN = spoken(2.0)[RATE // 2 : -RATE // 2]


def captured(name: str) -> bytes:
    return (CAPTURED / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("default.wav", Codec.PCMU),
        ("ulaw.ulaw", Codec.PCMU),
        ("slin.slin", Codec.PCMU),
        ("alaw.alaw", Codec.PCMA),
        ("wav.wav", Codec.PCMA),
    ],
)
def test_without_loss_the_very_bytes_that_the_caller_sent_come_back(name: str, codec: Codec) -> None:
    read = sound.read(name.split(".")[1], captured(name))
    assert read.codec is codec
    stored = encode(read.samples, codec)
    sent = as_heard(spoken(2.0), codec)
    assert sent.replace(b"\x7f", b"\xff")[:RATE] in stored.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize("name", ["default.gsm", "default.WAV", "gsm.gsm"])
def test_gsm_is_what_was_spoken_as_far_as_gsm_goes(name: str) -> None:
    read = sound.read(name.split(".")[1], captured(name))
    # Noise in the rhythm of speech is the worst that GSM can be asked for; another's has nothing of it.
    assert likeness(read.samples, SPOKEN) > 0.5
    assert likeness(read.samples, babble(8, 2.0)[RATE // 2 : -RATE // 2]) < 0.1
    assert 2.0 < read.seconds < 3.5


def test_both_forms_of_gsm_are_the_same_sound() -> None:
    file, wav = (sound.read(kind, captured(f"default.{kind}")).samples for kind in ("gsm", "WAV"))
    assert np.array_equal(file[: len(wav)], wav)


def test_every_bit_of_a_gsm_frame_means_what_it_means_to_asterisk() -> None:
    """The digest is of what Asterisk's own decoder makes of these 200 frames of noise (``file convert``)."""
    frames = bytearray(np.random.default_rng(1).integers(0, 256, 33 * 200, np.uint8).tobytes())
    for at in range(0, len(frames), 33):
        frames[at] = 0xD0 | frames[at] & 0x0F
    mine = gsm.decode(gsm.frames_of(bytes(frames))).astype("<i2").tobytes()
    assert (
        hashlib.sha256(mine).hexdigest() == "dda0ff5df1eaccbe95e7207ba8c72d6345a4bdf1cdd1053f6d789a1e95f9a97a"
    )


def test_the_best_file_of_a_message_is_read() -> None:
    assert sound.best({"WAV", "gsm", "wav"}) == "wav"
    assert sound.best({"gsm", "g722"}) == "gsm"
    for kinds, word in (
        ({"g722"}, "sound of another kind"),
        (set(), "no sound"),
        ({"wav", "h264"}, "a file of another kind"),
        ({"wav", "exe"}, "a file of another kind"),
    ):
        with pytest.raises(Refused) as refused:
            sound.best(kinds)
        assert refused.value.word == word


def wav(samples: bytes, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(width)
        made.setframerate(rate)
        made.writeframes(samples)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "file", "word"),
    [
        ("wav", b"", "sound damaged"),
        ("wav", b"RIFF\0\0\0\0WAVE", "sound damaged"),
        ("wav", wav(b""), "no sound"),
        ("wav", wav(bytes(800))[:-1], "sound cut off"),
        ("wav", wav(bytes(800), rate=16000), "sound of another kind"),
        ("wav", wav(bytes(800), channels=2), "sound of another kind"),
        ("wav", wav(bytes(800), width=1), "sound of another kind"),
        ("wav", wav(b"")[:12] + b"LIST\xff\xff\xff\xff" * 4, "sound damaged"),
        ("gsm", b"", "no sound"),
        ("gsm", bytes(33), "sound damaged"),
        ("gsm", b"\xd0" * 40, "sound damaged"),
        ("sln", b"\0", "sound cut off"),
        ("ulaw", b"", "no sound"),
        ("ulaw", bytes(3601 * 8000), "sound too long"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(kind: str, file: bytes, word: str) -> None:
    with pytest.raises(Refused) as refused:
        sound.read(kind, file)
    assert refused.value.word == word


@given(st.binary(max_size=300), st.sampled_from(["wav", "WAV", "gsm", "sln", "ulaw", "alaw"]))
def test_any_bytes_are_sound_or_refused(data: bytes, kind: str) -> None:
    for file in (data, wav(b"")[:20] + data, b"\xd0" + data[:32].ljust(32, b"\0")):
        try:
            assert len(sound.read(kind, file).samples)
        except Refused as refused:
            assert "sound" in refused.word


def test_g711_in_a_wav_is_taken_as_it_is() -> None:
    codes = bytes(range(256))
    for tag, codec in ((riff.ULAW, Codec.PCMU), (riff.ALAW, Codec.PCMA)):
        head = b"fmt \x10\0\0\0" + b"".join(
            number.to_bytes(size, "little")
            for number, size in ((tag, 2), (1, 2), (8000, 4), (8000, 4), (1, 2), (8, 2))
        )
        body = b"WAVE" + head + b"data" + len(codes).to_bytes(4, "little") + codes
        read = sound.read("wav", b"RIFF" + len(body).to_bytes(4, "little") + body)
        assert read.codec is codec
        assert np.array_equal(read.samples, decode(codes, codec))
