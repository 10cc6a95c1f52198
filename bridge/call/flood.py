"""How many missed calls a mailbox takes in an hour, as a pure function of time."""

HOUR_S = 3600.0

MOST = 1000
"""Rows of one mailbox in an hour. A busy hotline misses some hundreds; beyond that it is a PBX gone wrong, or
somebody who forges calls to bury the real ones."""


class Flood:
    """Counts what was filed for each mailbox in the running hour; at most one entry per mailbox."""

    def __init__(self) -> None:
        self._filed: dict[str, int] = {}
        self._until = 0.0

    def count(self, mailbox: str, now: float) -> bool:
        """Count one new row; True for the one that makes the mailbox full. ``now`` is steady, in seconds."""
        self._begin_hour(now)
        filed = self._filed[mailbox] = self._filed.get(mailbox, 0) + 1
        return filed == MOST

    def is_full(self, mailbox: str, now: float) -> bool:
        """Whether the mailbox has had its share of this hour."""
        self._begin_hour(now)
        return self._filed.get(mailbox, 0) >= MOST

    def _begin_hour(self, now: float) -> None:
        if now >= self._until:
            self._filed.clear()
            self._until = now + HOUR_S
