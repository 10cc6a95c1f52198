"""The two tones as a caller hears them."""

import numpy as np
import pytest

from bridge.media.prompt import CLOSING, RECORD, Tone


@pytest.mark.parametrize(("tone", "seconds"), [(RECORD, 0.36), (CLOSING, 0.44)])
def test_a_tone_is_short_soft_edged_and_not_too_loud(tone: Tone, seconds: float) -> None:
    frames = list(tone.frames())
    assert {len(frame) for frame in frames} == {320}
    assert len(frames) == len(tone) == round(seconds / 0.02)
    wave = np.frombuffer(b"".join(frames), "<i2").astype(int)
    assert 4000 < np.abs(wave).max() < 12000
    assert np.abs(wave[:8]).max() < 200
    assert np.abs(wave[-8:]).max() < 200


def test_a_tone_can_be_played_to_many_at_once() -> None:
    first, second = RECORD.frames(), RECORD.frames()
    assert next(first) == next(second)
    assert list(RECORD.frames())[1:] == list(first)


def test_the_record_tone_is_an_a_with_its_octave() -> None:
    wave = np.frombuffer(b"".join(RECORD.frames()), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 8000))
    assert {int(hertz) for hertz in np.argsort(spectrum)[-40:]} <= set(range(425, 456)) | set(range(865, 896))
