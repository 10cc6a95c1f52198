"""The table that ``make bench`` prints, with the limits of the plan beside the ratios."""

import statistics
from collections.abc import Sequence

from tests.bench.runs import Run

RATIO_LIMIT = 1.3
"""Asterisk and bridge together, per note, against ``VoiceMail(box,s)``; tone only on both sides."""

DEFAULT_LIMIT = 0.75
"""The same per delivered note against ``VoiceMail(box,u)``, each with what it says by default."""

BRIDGE_LIMIT_BYTES = 150_000_000
ROW_LIMIT_S = 1.0
"""From hang-up to the row in an open page."""

HEAD = (
    f"{'':<24}{'CPU, ms per note':>31}{'memory, MB':>19}{'RTP packets':>27}{'complete':>10}\n"
    f"{'':<24}{'Asterisk':>10}{'bridge':>9}{'together':>12}{'Asterisk':>11}{'bridge':>8}"
    f"{'sent':>9}{'received':>9}{'stored':>9}{'':>10}"
)


def line(name: str, run: Run) -> str:
    """Return one row of the table."""
    bridge_ms = f"{run.bridge_ms:.1f}" if run.bridge_bytes else "-"
    bridge_mb = f"{run.bridge_bytes / 1e6:.0f}" if run.bridge_bytes else "-"
    return (
        f"{name:<24}{run.asterisk_ms:>10.1f}{bridge_ms:>9}{costs(run):>12.1f}"
        f"{run.asterisk_bytes / 1e6:>11.0f}{bridge_mb:>8}"
        f"{run.sent:>9}{run.received:>9}{run.stored:>9}{f'{run.complete}/{run.callers}':>10}"
    )


def costs(run: Run) -> float:
    """Return the CPU of a note in milliseconds: the idle bridge is no part of VoiceMail."""
    return run.together_ms if run.bridge_bytes else run.asterisk_ms


def ratio(ours: Run, theirs: Run) -> float:
    """Return how many times their CPU per delivered note ours is."""
    return costs(ours) / costs(theirs) if costs(theirs) > 0 else float("inf")


def verdict(figure: float, limit: float, unit: str = "") -> str:
    """Return a figure with its limit."""
    return f"{figure:.2f}{unit} (limit {limit:g}{unit}: {'held' if figure <= limit else 'NOT HELD'})"


def comparison(name: str, ours: Run, theirs: Run, limit: float) -> str:
    """Return the sentence about two crowds of one size."""
    lost = ours.received - ours.stored
    return (
        f"  CPU against {name}: {verdict(ratio(ours, theirs), limit)}; "
        f"bridge {verdict(ours.bridge_bytes / 1e6, BRIDGE_LIMIT_BYTES / 1e6, ' MB')}; "
        f"packets received and not stored: {lost}"
    )


def floor(least: Sequence[Run], ours: Sequence[Run], theirs: Sequence[Run]) -> str:
    """Return the sentence about a bridge that does nothing: of each round one ratio, and their median."""
    low, high = ([ratio(a, b) for a, b in zip(side, theirs, strict=True)] for side in (least, ours))
    asterisk = [run.asterisk_ms / there.asterisk_ms for run, there in zip(least, theirs, strict=True)]
    return (
        f"  CPU against VoiceMail, median of {len(low)} (least to most): "
        f"a bridge doing nothing {_spread(low)}, of which Asterisk {_spread(asterisk)}; "
        f"Aftertone {_spread(high)}"
    )


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def hang_ups(delays: Sequence[float], callers: int) -> str:
    """Return the sentence about hang-up to row."""
    if not delays:
        return "  hang-up to row: no row came"
    ordered = sorted(delays)
    late = ordered[max(0, round(0.99 * len(ordered)) - 1)]
    return (
        f"  hang-up to row in an open page, {len(delays)} of {callers}: median "
        f"{statistics.median(ordered):.3f} s, 99 of 100 within {late:.3f} s, "
        f"worst {verdict(ordered[-1], ROW_LIMIT_S, ' s')}"
    )
