"""G.711 from decoded PCM: the stored bytes are the bytes that were sent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Codec
from bridge.media.g711 import decode, encode

ALL = bytes(range(256))


def test_every_a_law_byte_comes_back() -> None:
    assert encode(decode(ALL, Codec.PCMA), Codec.PCMA) == ALL


def test_every_u_law_byte_comes_back_but_the_second_zero() -> None:
    assert encode(decode(ALL, Codec.PCMU), Codec.PCMU) == ALL.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize(
    ("codec", "code", "sample"),
    [
        # ITU-T G.711 tables 1a to 2b, scaled to 16 bits as Asterisk does.
        (Codec.PCMU, 0x00, -32124),
        (Codec.PCMU, 0x80, 32124),
        (Codec.PCMU, 0xFF, 0),
        (Codec.PCMU, 0xFE, 8),
        (Codec.PCMU, 0x70, -120),
        (Codec.PCMA, 0x2A, -32256),
        (Codec.PCMA, 0xAA, 32256),
        (Codec.PCMA, 0xD5, 8),
        (Codec.PCMA, 0x55, -8),
        (Codec.PCMA, 0x80, 5504),
    ],
)
def test_codes_have_the_values_of_the_standard(codec: Codec, code: int, sample: int) -> None:
    assert decode(bytes((code,)), codec)[0] == sample


@given(st.integers(-32768, 32767), st.sampled_from(Codec))
def test_other_sound_gets_the_nearest_code(sample: int, codec: Codec) -> None:
    stored = int(decode(encode(np.array([sample], np.int16), codec), codec)[0])
    distances = np.abs(decode(ALL, codec).astype(int) - sample)
    assert abs(stored - sample) == distances.min()
