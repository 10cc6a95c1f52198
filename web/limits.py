"""How often somebody may try: token buckets in a table of fixed size."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

CELLS = 1 << 16
"""Buckets of one limit. Keys fall into cells by a keyed hash: nothing is ever thrown out (which a flood of
other keys could bring about), no name is kept in memory, and two keys in one cell share a bucket."""


ROUNDING = 1e-6
"""Part of a try that sums of times may be wrong by."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``burst`` tries at once, then one each ``every_s`` seconds."""

    burst: int
    every_s: float


PACES: Mapping[str, Pace] = {
    # Guessing at one name from one address: 10 typos in a row are human, then 1,440 a day. Counted for both
    # together, or who knows a name could keep its owner out.
    "login pair": Pace(10, 60.0),
    # The same name from everywhere: more than one guesser may use up, and still only 4,320 guesses a day at a
    # passphrase that each time costs Argon2id.
    "login name": Pace(60, 20.0),
    # One address may stand for an office behind NAT, so it has more, and names still have their own limit.
    "login address": Pace(30, 10.0),
    # Salts and challenges tell nothing, but each costs a query or an HPKE seal.
    "ask address": Pace(60, 2.0),
    # Each forwarding seals a row into somebody's list: thirty in a row are a morning's work, and nobody fills
    # another's list with more than 4,320 a day, his name at each.
    "forward user": Pace(30, 20.0),
    # Who adds somebody to his mailbox learns whether the name exists: thirty colleagues in a row are a new
    # reception, and 48 guesses a day are no way to the list of all names.
    "add member": Pace(30, 1800.0),
    # One-time tokens have 256 bits: this is against load, not against guessing.
    "join address": Pace(30, 10.0),
    # New keys that members wish for one mailbox, for the same reason as below. Where somebody who is gone may
    # have the present one, another is no wish and does not count.
    "mailbox key": Pace(3, 8 * 3600.0),
    # New keys after a lost device begin an epoch in each mailbox of their user, which has only so many: no
    # member must use them up.
    "new keys": Pace(3, 8 * 3600.0),
}


class Limits:
    """All limits of one process."""

    def __init__(self) -> None:
        self._key = os.urandom(16)
        self._cells: dict[str, dict[int, tuple[float, float]]] = {kind: {} for kind in PACES}

    def take(self, kind: str, key: str, now: float) -> float:
        """Count one try of ``key`` at ``now`` (seconds, monotonic).

        Returns 0.0 when it may go on, else the seconds until it may; a refused try is not counted.
        """
        pace, cells, cell = PACES[kind], self._cells[kind], self._cell(key)
        used, at = cells.get(cell, (0.0, now))
        used = max(0.0, used - (now - at) / pace.every_s)
        if used + 1 > pace.burst + ROUNDING:
            cells[cell] = (used, now)
            return (used + 1 - pace.burst) * pace.every_s
        cells[cell] = (used + 1, now)
        return 0.0

    def give_back(self, kind: str, key: str) -> None:
        """Take back the last try: it was a good one, and the next typo must not suffer for it."""
        cell = self._cell(key)
        used, at = self._cells[kind].get(cell, (0.0, 0.0))
        self._cells[kind][cell] = (max(0.0, used - 1), at)

    def _cell(self, key: str) -> int:
        digest = blake2b(key.encode("utf-8", "replace"), key=self._key, digest_size=4).digest()
        return int.from_bytes(digest) % CELLS


def network_of(address: str) -> str:
    """Return whose tries count together: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
