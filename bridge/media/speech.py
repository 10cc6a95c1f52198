"""Whether somebody speaks in a take: loud enough (``level``), and neither a tone (``tones``) nor even noise.

Even is the hum of mains, the hiss of a line, a fan, a fax machine's data: sound whose level hardly moves for
half a second. A voice moves by 3 dB and more in 99 of 100 half seconds.
A judgement for row, lamp and the end of a forgotten call, never one that decides whether sound is kept.
"""

from dataclasses import dataclass
from enum import StrEnum
from operator import mul

from bridge.media.g711 import Samples
from bridge.media.level import WINDOW, WINDOW_S, Ear
from bridge.media.tones import BATCH, EXCERPT, Tones

BLIP = 2
"""Two loud windows can be too short to be judged: where a tone begins or ends, they belong to it."""

REST = 12
"""Loud segments that are passed over, again and again, once a take is a note and no tone is in it: a tone
that runs on is noticed 8 s after it began, for a third of the work."""


class Heard(StrEnum):
    """What a take was, most of it."""

    SPEECH = "speech"
    TONE = "tone"
    NOISE = "noise"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as speech, in the units of the settings.

    ``min_s``: seconds of it that make a note of a take; with less, the row says that nobody spoke.
    ``floor_dbfs``: what is quieter is silence; a muted telephone's comfort noise lies under -50 dBFS.
    ``tone_purity_percent``: least share of its power that a tone has in its own frequencies.
    ``noise_even_db``: how little the level of noise moves within half a second.
    """

    min_s: float = 1.0
    floor_dbfs: float = -48.0
    tone_purity_percent: float = 95.0
    noise_even_db: float = 2.0


USUAL = Thresholds()
"""The settings' defaults."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was heard, and seconds of speech."""

    heard: Heard
    speech_s: float

    @property
    def speech(self) -> bool:
        """Whether this is a note for somebody, with a lamp."""
        return self.heard is Heard.SPEECH


class Listener:
    """Listens to one take, a segment at a time. What is loud counts as speech at first; that it was a tone
    is known some seconds later, and from then on until something else is heard."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._least = thresholds.min_s / WINDOW_S
        self._even = 10 ** (thresholds.noise_even_db / 20)
        self._ear = Ear(thresholds.floor_dbfs)
        self._tones = Tones(thresholds.tone_purity_percent / 100)
        self._waiting: list[tuple[int, Heard]] = []
        self._before = Heard.SPEECH
        self._windows = {Heard.SPEECH: 0, Heard.TONE: 0, Heard.NOISE: 0}
        self._speaking = True
        self._rest = 0

    def hear(self, samples: Samples, levels: list[float]) -> bool:
        """Take half a second of sound, or the rest of it, with the RMS of its windows (``level.windows``).

        Say whether there was speech in it, as far as is known now.
        """
        loud = self._ear.hear(levels)
        if not loud:
            return False
        whole = levels[: len(samples) // WINDOW]
        top = max(whole, default=0.0)
        even = len(whole) > 2 and top < self._even * min(whole)
        heard = Heard.NOISE if even else Heard.SPEECH
        # No top: it is loud only in the rest, which is too short to be looked at.
        if self._rest or not top:
            self._rest = max(0, self._rest - 1)
            self._windows[heard] += loud
            return not even
        self._waiting.append((loud, heard))
        begin = _middle(whole, whole.index(top)) - EXCERPT // 2
        if self._tones.take(samples[begin : begin + EXCERPT]):
            self._judge(keep=BATCH)
        return self._speaking and not even

    def verdict(self) -> Verdict:
        """Return what it all was. Only once, and nothing is heard after it."""
        self._judge(keep=0)
        speech_s = self._windows[Heard.SPEECH] * WINDOW_S
        if self._enough():
            return Verdict(Heard.SPEECH, speech_s)
        most = max(self._windows, key=self._windows.__getitem__)
        return Verdict(Heard.SILENCE if most is Heard.SPEECH else most, speech_s)

    def _enough(self) -> bool:
        return self._windows[Heard.SPEECH] >= self._least

    def _judge(self, keep: int) -> None:
        """Decide what waits, and count all but the newest ``keep``, which may look different later."""
        tones = self._tones.judge()
        kinds = [Heard.TONE if tone else heard for tone, (_, heard) in zip(tones, self._waiting, strict=True)]
        around = [self._before, *kinds, Heard.SPEECH]
        decided = [_beside(loud, *around[at : at + 3]) for at, (loud, _) in enumerate(self._waiting)]
        count = max(0, len(decided) - keep)
        for (loud, _), heard in zip(self._waiting[:count], decided, strict=False):
            self._windows[heard] += loud
        self._before = around[count]
        self._speaking = Heard.SPEECH in decided[-BATCH:]
        if self._enough() and Heard.TONE not in decided[-BATCH:]:
            self._rest = REST
        del self._waiting[:count]


def _beside(loud: int, before: Heard, heard: Heard, after: Heard) -> Heard:
    """Return what loud sound is, seen with what is beside it: at the edge of a tone, or before the noise in
    its pause, it belongs to the tone, and a voice can be even once, not twice."""
    beside = (before, after)
    if Heard.TONE in beside and (Heard.SPEECH not in beside or loud <= BLIP):
        return Heard.TONE
    if heard is Heard.NOISE and before is after is Heard.SPEECH:
        return Heard.SPEECH
    return heard


def _middle(levels: list[float], top: int) -> int:
    """Return the sample about which the power of the loudest window and those beside it lies: the middle of a
    burst that begins or ends in them."""
    near = range(max(0, top - 1), min(len(levels), top + 2))
    powers = [levels[window] * levels[window] for window in near]
    return int((sum(map(mul, near, powers)) / sum(powers) + 0.5) * WINDOW)
