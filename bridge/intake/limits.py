"""What of the settings the taking over of messages goes by."""

from dataclasses import dataclass

from bridge.config import Settings
from bridge.media.speech import USUAL, Thresholds


@dataclass(frozen=True, slots=True)
class Limits:
    """``min_free``: bytes of disk below which nothing is taken. ``thresholds``: what is speech."""

    min_free: int = 0
    thresholds: Thresholds = USUAL


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings name."""
    thresholds = Thresholds(
        min_s=settings.speech_min_s,
        floor_dbfs=settings.speech_floor_dbfs,
        tone_purity_percent=settings.tone_purity_percent,
        noise_even_db=settings.noise_even_db,
    )
    return Limits(settings.min_free, thresholds)
