"""When to try again: pure, so that a year of failures is tested in a moment."""

FIRST_S = 0.5
LONGEST_S = 30.0
"""Between two tries to reach a PBX that is away. It boots within seconds; half a minute later is soon enough
for a lamp, and seldom enough for a host that is down all night."""

REFUSED_S = 60.0
"""Between two tries with a user or secret that was refused: Asterisk logs each as an attack, and programs
that read its log ban whoever fails often."""

STEADY_S = 10.0
"""A connection that lasted this long was a good one: what ends it is the first failure again."""


def wait_s(failures: int, dice: float) -> float:
    """Return the seconds to wait after ``failures`` in a row (1 or more); ``dice`` is in [0, 1).

    Twice as long each time, and between half and all of that by the dice: the bridges that lost one PBX at
    one moment do not all come back at one moment.
    """
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 30))
    return longest * (0.5 + dice / 2)


def refused_wait_s(dice: float) -> float:
    """Return the seconds to wait after a refused login."""
    return REFUSED_S * (0.75 + dice / 2)


def failures_after(failures: int, lasted_s: float) -> int:
    """Return how many failures in a row it is now, after a connection that was ready for ``lasted_s``."""
    return 1 if lasted_s >= STEADY_S else failures + 1
