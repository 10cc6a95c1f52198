"""What is loud on a line, and what the waveform shows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media.g711 import Samples
from bridge.media.level import WINDOW, WINDOW_S, Ear, windows

RNG = np.random.default_rng(1876)
FLOOR = -48.0


def noise(seconds: float, dbfs: float) -> Samples:
    count = round(seconds * 8000)
    return (RNG.standard_normal(count) * 32768 * 10 ** (dbfs / 20)).clip(-32768, 32767).astype(np.int16)


def loud_s(*sounds: Samples) -> float:
    return Ear(FLOOR).hear(windows(np.concatenate(sounds))[1]) * WINDOW_S


def test_silence_and_comfort_noise_are_not_loud() -> None:
    assert loud_s(np.zeros(80000, np.int16)) == 0
    assert loud_s(noise(10, -58)) == 0


def test_a_click_is_loud_for_a_moment_and_a_sentence_while_it_is_said() -> None:
    click = np.zeros(8000, np.int16)
    click[3000:3010] = 32767
    assert loud_s(click) == WINDOW_S
    talk = [noise(0.4, -25), noise(0.2, -60)] * 4
    assert 1.5 < loud_s(*talk) < 2.5


def test_a_quiet_voice_on_a_clean_line_is_heard() -> None:
    assert loud_s(noise(2, -60), noise(2, -42)) >= 1.8


def test_a_noisy_line_falls_silent_when_nobody_speaks_any_more() -> None:
    ear = Ear(FLOOR)
    ear.hear(windows(noise(5, -38))[1])
    assert not ear.hear(windows(noise(10, -38))[1])
    assert ear.hear(windows(noise(1, -22))[1])


def test_a_loud_even_sound_stays_loud() -> None:
    tone = (np.sin(np.arange(80000) / 3) * 8000).astype(np.int16)
    assert loud_s(tone) > 9.9


def test_peaks_are_a_byte_for_each_tenth_of_a_second() -> None:
    sound = np.zeros(2 * WINDOW + 1, np.int16)
    sound[5], sound[WINDOW + 1], sound[-1] = -32768, 16384, 129
    assert windows(sound)[0] == bytes((255, 128, 1))


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=2500))
def test_no_sound_breaks_the_meter(values: list[int]) -> None:
    peaks, levels = windows(np.array(values, np.int16))
    assert len(peaks) == len(levels) == -(-len(values) // WINDOW)
    assert all(0 <= level <= 32768 for level in levels)
    for number, (peak, level) in enumerate(zip(peaks, levels, strict=True)):
        window = values[number * WINDOW : (number + 1) * WINDOW]
        assert peak == min(max(max(window), -min(window)) >> 7, 255)
        assert level == pytest.approx(math.sqrt(sum(value * value for value in window) / len(window)))
