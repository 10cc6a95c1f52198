"""When a lost PBX is tried again: pure arithmetic, so years pass at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.control import backoff

dice = st.floats(0, 1, exclude_max=True)


@pytest.fixture(autouse=True)
def real_times(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the other stories of this folder need."""
    monkeypatch.undo()


@given(failures=st.integers(1, 10_000_000), dice=dice)
def test_a_pbx_that_is_down_for_years_is_tried_at_least_twice_a_minute(failures: int, dice: float) -> None:
    assert backoff.FIRST_S / 2 <= backoff.wait_s(failures, dice) <= 30


def test_the_waits_double_up_to_half_a_minute() -> None:
    waits = [backoff.wait_s(failures, 0.0) for failures in range(1, 9)]
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 15, 15]


def test_bridges_that_lost_one_pbx_together_do_not_come_back_together() -> None:
    waits = {round(backoff.wait_s(7, number / 100), 2) for number in range(100)}
    assert len(waits) > 90
    assert max(waits) > 1.9 * min(waits)


@given(dice=dice)
def test_a_refused_login_is_repeated_so_seldom_that_nobody_is_banned_for_it(dice: float) -> None:
    """fail2ban's usual rule for Asterisk is five failures in ten minutes; the fourth of ours is past it only
    after two and a half, and a ban of ten minutes ends by itself."""
    assert 45 <= backoff.refused_wait_s(dice) <= 75


def test_a_good_connection_makes_the_next_failure_the_first_again() -> None:
    assert backoff.failures_after(7, lasted_s=3600) == 1
    assert backoff.failures_after(7, lasted_s=0.2) == 8, "a PBX that drops us at once is not good"
    assert backoff.failures_after(0, lasted_s=0.0) == 1
