"""Challenges that authenticators are to sign: each bound to who asked, good once and not for long."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

LASTS_S = 120.0
"""Seconds to find a security key and to type its PIN."""

MOST = {"login": 4096, "add": 256}
"""Challenges of one kind that wait, some 300 bytes each; the oldest goes. One address can have 120 logins
waiting, and what strangers begin at the door takes no place from members."""

CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Begun:
    challenge: bytes
    by: str
    until: float


class Ceremonies:
    """Kept in memory: a restart within two minutes only means to ask again. ``now`` is monotonic seconds."""

    def __init__(self) -> None:
        self._begun: dict[str, OrderedDict[str, _Begun]] = {kind: OrderedDict() for kind in MOST}

    def begin(self, kind: str, by: str, now: float) -> tuple[str, bytes]:
        """Return the id of a new ceremony, which only who asked learns, and its challenge.

        ``by``: the session that asked; empty at the door.
        """
        begun = self._begun[kind]
        while len(begun) >= MOST[kind]:
            begun.popitem(last=False)
        ceremony, challenge = secrets.token_urlsafe(16), secrets.token_bytes(CHALLENGE_BYTES)
        begun[ceremony] = _Begun(challenge, by, now + LASTS_S)
        return ceremony, challenge

    def take(self, kind: str, ceremony: str, by: str, now: float) -> bytes | None:
        """Return the challenge and forget it; None if it is unknown, used, too old or somebody else's."""
        found = self._begun[kind].pop(ceremony, None)
        if found is None or found.until <= now or not secrets.compare_digest(found.by, by):
            return None
        return found.challenge
