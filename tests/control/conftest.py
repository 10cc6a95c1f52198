"""Years of a connection's life in a second."""

import pytest

from bridge.control import ami, backoff


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ping and come back at once; deadlines stay as they are unless a test is about one."""
    monkeypatch.setattr(ami, "PING_EVERY_S", 0.02)
    monkeypatch.setattr(backoff, "FIRST_S", 0.01)
    monkeypatch.setattr(backoff, "LONGEST_S", 0.05)
    monkeypatch.setattr(backoff, "REFUSED_S", 0.05)
