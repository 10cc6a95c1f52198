"""Real voices, the PBX's own prompts in English and German, before a judgement that might call them nothing.

What they were judged to be is told at the end of the run.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.media.speech import Heard
from bridge.phone.pbx import Pbx
from tests.media.corpus import TONES, Sound, Table, at, deeper, hum, noisy, tone, whispered

pytestmark = pytest.mark.pbx

EVERY = 7
"""Prompts of which one is taken: some 50 sentences, which the PBX turns into samples in 3 s."""

SHORTEST_S, LONGEST_S = 1.5, 12
GSM_BYTES_PER_S = 33 * 50

BUSY = at(tone(TONES["de busy"], 6), -15)
HUM = hum(20, 50)

Take = Callable[[Sound, np.random.Generator], Sound]


def at_level(dbfs: float) -> Take:
    return lambda voice, _: at(voice, dbfs)


def over_noise(ratio_db: float) -> Take:
    return lambda voice, rng: noisy(voice, -20, ratio_db, rng)


TAKES: dict[str, Take] = {
    **{f"voice at {dbfs} dBFS": at_level(dbfs) for dbfs in (-30, -25, -15, -6, -3)},
    **{f"voice {ratio} dB above noise": over_noise(ratio) for ratio in (20, 10, 5)},
    "voice over hum, 15 dB above": lambda voice, _: at(voice, -20) + at(HUM, -35)[: len(voice)],
    "voice after a busy tone": lambda voice, _: np.concatenate((BUSY, at(voice, -20))),
    "deeper voice": lambda voice, _: at(deeper(voice, 1.4), -20),
    "child's voice": lambda voice, _: at(deeper(np.tile(voice, 2), 0.75), -20),
}
"""None of these may be lost."""

FAINT: dict[str, tuple[Take, float]] = {
    "voice at -40 dBFS": (at_level(-40), 85),
    "voice at -45 dBFS": (at_level(-45), 60),
    "whisper at -35 dBFS": (lambda voice, rng: noisy(whispered(voice, rng), -35, 10, rng), 100),
    "whisper at -40 dBFS": (lambda voice, rng: noisy(whispered(voice, rng), -40, 10, rng), 90),
    "whisper at -45 dBFS": (lambda voice, rng: noisy(whispered(voice, rng), -45, 10, rng), 60),
}
"""Faint ones, and how many percent of them are found to be speech at least. The sound of all is kept."""


@pytest.fixture(scope="module")
def voices(pbx: Pbx) -> list[Sound]:
    """Sentences of both languages."""
    sounds = Path(pbx.asterisk.data) / "sounds"
    found = []
    for language in ("en", "de"):
        files = sorted((sounds / language).glob("*.gsm"))
        long = [f for f in files if SHORTEST_S < f.stat().st_size / GSM_BYTES_PER_S < LONGEST_S]
        found += [pbx.prompt(f"{language}/{file.stem}") for file in long[::EVERY]]
    return [np.frombuffer(sound, "<i2") / 32768 for sound in found]


def test_no_sentence_is_taken_for_silence_tone_or_noise(voices: list[Sound]) -> None:
    table, rng = Table(), np.random.default_rng(1)
    for voice in voices:
        for kind, take in TAKES.items():
            table.judge(kind, take(voice, rng))
    table.show()
    assert len(voices) > 40
    assert {kind: table.rate(kind, Heard.SPEECH) for kind in TAKES} == dict.fromkeys(TAKES, 100.0)


def test_most_whispers_and_faint_voices_are_notes(voices: list[Sound]) -> None:
    table, rng = Table(), np.random.default_rng(2)
    for voice in voices[::3]:
        for kind, (take, _) in FAINT.items():
            table.judge(kind, take(voice, rng))
    table.show()
    for kind, (_, least) in FAINT.items():
        assert table.rate(kind, Heard.SPEECH) >= least, kind
        assert table.rate(kind, Heard.TONE) == 0, kind


def test_one_short_word_is_kept_but_makes_no_note(pbx: Pbx) -> None:
    """Below a second nothing tells a word from a cough: the row says so, and the sound can be played."""
    table = Table()
    for word in ("en/digits/1", "en/digits/5", "de/digits/1", "de/digits/5"):
        voice = np.frombuffer(pbx.prompt(word), "<i2") / 32768
        assert table.judge(word, at(voice, -20)).heard is Heard.SILENCE
