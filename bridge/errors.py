"""One tree of errors. Each says who is at fault, whether trying again can help, and what to tell whom.

AftertoneError
  +- PeerError        the other side broke its protocol; its connection ends, no other call is harmed
  |    +- BadFrame    a length, type or value that its wire format does not allow
  |    +- TooMuch     a bounded queue, line or count was exceeded
  +- Refused          a request that is understood and not granted; ``word`` names the rule
  +- SettingError     a setting is missing or wrong: names it, its place and what would be right
  +- StoreError       our own disk or database failed; ``retry`` says whether later may be better
  +- PbxAway          the PBX is not connected, or did not answer in time; later may be better
  +- PbxRefused       the PBX understood and said no; ``said`` has its words
  +- Unready          a thing that must exist first (Asterisk, a package, a key) does not
"""

import re


class AftertoneError(Exception):
    """``str(error)`` is log text: never a number, name, key or sound. ``user`` is for people."""

    retry = False

    def __init__(self, log: str, *, user: str | None = None) -> None:
        super().__init__(log)
        self.user = user if user is not None else log


class PeerError(AftertoneError):
    """The peer did wrong; close its connection with this one line."""


class BadFrame(PeerError):
    """Bytes that the peer's wire format does not allow."""


class TooMuch(PeerError):
    """The peer exceeded a limit that stands beside the queue or buffer it filled."""

    retry = True


class Refused(AftertoneError):
    """Understood and not granted. ``word`` is stable (tests, API clients); the text may change."""

    def __init__(self, word: str, *, user: str | None = None) -> None:
        super().__init__(word, user=user)
        self.word = word


class SettingError(AftertoneError):
    """A setting cannot be used; the text names the setting, where its value came from and what is right."""


class StoreError(AftertoneError):
    """Our disk or database failed."""

    retry = True


class Unready(AftertoneError):
    """Something that must be there first is not; the text says what to do."""


class PbxAway(AftertoneError):
    """The PBX is not there to be asked: no connection, no login, no answer in time."""

    retry = True


class PbxRefused(AftertoneError):
    """The PBX said no. ``said``: its own words, whole; the log gets them without what could be a number."""

    def __init__(self, said: str) -> None:
        words = re.sub(r"[^A-Za-z ,.'-]+", "?", said)[:120]
        super().__init__(f"the PBX says: {words or 'no'}")
        self.said = said
