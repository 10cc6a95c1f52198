"""How many missed calls a mailbox takes in an hour."""

from bridge.call.flood import HOUR_S, MOST, Flood


def test_a_flooded_mailbox_is_full_until_its_hour_is_over_and_others_are_not() -> None:
    flood = Flood()
    told = [flood.count("1001", 10.0 + number) for number in range(MOST)]
    assert told == [False] * (MOST - 1) + [True], "it is said once that it is full"
    assert flood.is_full("1001", 10.0 + MOST)
    assert not flood.is_full("1002", 10.0 + MOST)
    assert not flood.count("1001", 10.0 + MOST), "and not again"
    assert flood.is_full("1001", 9.9 + HOUR_S)
    assert not flood.is_full("1001", 10.0 + HOUR_S)
