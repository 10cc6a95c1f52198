"""Tones of exchanges, fax machines and keys, as a line brings them: none is a note.

What each was judged to be is told at the end of the run.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Codec
from bridge.media.speech import Heard
from bridge.media.tones import EXCERPT, Tones
from tests.media.corpus import TONES, Sound, Table, at, noisy, tone

SECONDS = 12
LEVELS = (-35, -25, -15, -6)
"""dBFS. Two sinusoids together clip above -6, which no exchange sends (E.180 clause 6: about -13)."""

BEGINS = (0.0, 0.13, 0.29)
"""Where in its cadence a take begins, against the recorder's half seconds."""

LOUDEST_NOISE = -34
"""dBFS; a line that hisses louder than this is a fault."""


def takes(name: str, level: float) -> list[tuple[Sound, Codec]]:
    """Return a tone at one level: clean, noisy, of an exchange whose clock is off; in both laws."""
    rng = np.random.default_rng(180)
    clean = [tone(TONES[name], SECONDS, begin_s=begin) for begin in BEGINS]
    off = [tone(TONES[name], SECONDS, off=off) for off in (0.985, 1.015)]
    hiss = [noisy(sound, level, max(20, level - LOUDEST_NOISE), rng) for sound in clean]
    pure = [at(sound, level) for sound in clean + off]
    return [*((sound, Codec.PCMU) for sound in pure + hiss), (pure[0], Codec.PCMA)]


@pytest.mark.thorough
def test_no_tone_is_taken_for_speech() -> None:
    table = Table()
    for name, level in itertools.product(TONES, LEVELS):
        for sound, codec in takes(name, level):
            table.judge(name, sound, codec)
    table.show()
    for name in TONES:
        assert table.rate(name, Heard.SPEECH) == 0, name


def test_tones_are_called_tones() -> None:
    table = Table()
    for name in TONES:
        verdict = table.judge(name, at(tone(TONES[name], 4 * SECONDS), -15))
        assert verdict.heard is Heard.TONE, name


@pytest.mark.parametrize("hz", [120, 180, 240, 300])
def test_what_is_pure_at_the_pitch_of_a_voice_is_no_tone_of_an_exchange(hz: float) -> None:
    """Somebody hums: below E.180's lowest frequency nothing is taken for a tone, however often it comes."""
    hum = at(tone([((hz,), 0.4), ((), 0.2)], SECONDS), -20)
    assert Table().judge("hum", hum).heard is Heard.SPEECH


@pytest.mark.thorough
@given(st.lists(st.lists(st.integers(-32768, 32767), min_size=4, max_size=4), min_size=1, max_size=11))
def test_no_sound_breaks_the_detector(values: list[list[int]]) -> None:
    tones = Tones(0.95)
    judged = 0
    for value in values:
        if tones.take(np.resize(np.array(value, np.int16), EXCERPT)):
            judged = len(tones.judge())
    assert len(tones.judge()) == min(judged, 4) + len(values) % 4
