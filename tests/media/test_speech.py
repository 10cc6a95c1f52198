"""What a take is, while it runs and at its end: speech, a tone, noise, silence."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media.level import windows
from bridge.media.speech import USUAL, Heard, Listener
from tests.media.corpus import (
    TONES,
    Sound,
    Table,
    at,
    coloured,
    hum,
    judged,
    line,
    music,
    noisy,
    segments,
    syllables,
    tone,
    white,
)

RNG = np.random.default_rng(2130)
SECONDS = 15
LEVELS = (-45, -35, -25, -15, -6)
BUSY = TONES["de busy"]


@pytest.mark.thorough
def test_hum_and_noise_are_not_speech_and_music_is_something() -> None:
    """A radio is no silence: somebody may sing to us, and who hears it knows who called."""
    kinds: dict[str, Callable[[], Sound]] = {
        "hum of 50 Hz": lambda: hum(SECONDS, 50),
        "hum of 60 Hz": lambda: hum(SECONDS, 60),
        "hum and hiss": lambda: at(hum(SECONDS, 50), -20) + at(white(SECONDS, RNG), -30),
        "white noise": lambda: white(SECONDS, RNG),
        "pink noise": lambda: coloured(SECONDS, RNG, 0.5),
        "music": lambda: music(SECONDS, RNG),
    }
    table = Table()
    for kind, make in kinds.items():
        for level in LEVELS:
            for _ in range(3):
                table.judge(kind, at(make(), level))
    table.judge("silence", np.zeros(SECONDS * 8000))
    table.show()
    assert table.rate("silence", Heard.SILENCE) == 100
    assert all(table.rate(kind, Heard.SPEECH) == 0 for kind in kinds if kind != "music")
    assert table.rate("music", Heard.SPEECH) == 100


def test_a_click_is_silence() -> None:
    click = np.zeros(8000, np.int16)
    click[3000:3010] = 32767
    assert judged(click, USUAL).heard is Heard.SILENCE


def test_a_second_of_speech_makes_a_note_and_less_does_not() -> None:
    """Short words are kept as they are; the row says that nothing was said, as for a click."""
    for seconds, heard in ((0.6, Heard.SILENCE), (4, Heard.SPEECH)):
        assert Table().judge("words", at(syllables(seconds, RNG), -20)).heard is heard
    short = line(at(syllables(0.6, RNG), -20))
    assert judged(short, replace(USUAL, min_s=0.2)).speech


def heard_at(sound: Sound) -> list[float]:
    """Return the seconds at whose ends the listener heard speech, as it ran."""
    listener = Listener(USUAL)
    return [
        number / 2
        for number, piece in enumerate(segments(line(sound)), 1)
        if listener.hear(piece, windows(piece)[1])
    ]


@pytest.mark.parametrize(
    "name", ["de busy", "us busy", "us reorder", "uk ringback", "us dial", "fax calling"]
)
def test_a_tone_that_runs_on_stops_being_speech_while_it_runs(name: str) -> None:
    """Who hung up behind an analogue gateway leaves its busy tone: the silence rule can end the take."""
    assert max(heard_at(at(tone(TONES[name], 60), -15)), default=0.0) <= 4


def test_after_speech_a_busy_tone_is_noticed_and_the_note_stays_a_note() -> None:
    said = np.concatenate((at(syllables(8, RNG), -20), at(tone(BUSY, 40), -15)))
    assert 8 <= max(heard_at(said)) <= 8 + 10
    assert judged(line(said), USUAL).speech


def test_who_speaks_after_a_tone_is_heard() -> None:
    """The end of a dial tone, then a person: recorded calls begin like this behind some gateways."""
    said = np.concatenate((at(tone(BUSY, 6), -15), at(syllables(6, RNG), -20)))
    assert max(heard_at(said)) > 11
    assert judged(line(said), USUAL).speech


def test_each_threshold_can_be_moved() -> None:
    quiet = line(at(syllables(5, RNG), -55))
    assert not judged(quiet, USUAL).speech
    assert judged(quiet, replace(USUAL, floor_dbfs=-70.0)).speech
    busy = line(noisy(tone(BUSY, 12), -15, 11, RNG))
    assert judged(busy, USUAL).speech
    assert judged(busy, replace(USUAL, tone_purity_percent=80.0)).heard is Heard.TONE
    hiss = line(at(white(12, RNG), -20))
    assert judged(hiss, USUAL).heard is Heard.NOISE
    assert judged(hiss, replace(USUAL, noise_even_db=0.0)).speech


PIECES = st.tuples(st.integers(0, 32767), st.integers(1, 9000))
"""A loudness and for how many samples."""


@given(st.lists(PIECES, min_size=1, max_size=12), st.sampled_from([0.0, 1.0]))
def test_no_sound_breaks_the_judgement(pieces: list[tuple[int, int]], min_s: float) -> None:
    """Also not a take whose last few samples alone are loud, after digital silence."""
    flips = [np.resize(np.array([loud, -loud], np.int16), count) for loud, count in pieces]
    samples = np.concatenate(flips)
    verdict = judged(samples, replace(USUAL, min_s=min_s))
    assert 0 <= verdict.speech_s <= len(samples) / 8000 + 0.1
    assert verdict.speech == (verdict.speech_s >= min_s)


def test_a_take_that_is_loud_only_in_its_last_instant_is_judged() -> None:
    samples = np.concatenate((np.zeros(3200, np.int16), np.full(300, 9000, np.int16)))
    assert judged(samples, USUAL).heard is Heard.SILENCE
