"""One finding: what is so, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``note``: worth knowing, nothing to mend. ``warning``: to be mended. ``error``: something does not
    work, or protects nobody."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """``id`` is stable, for machines; the words are an admin's and may change. No secret, no number or name
    but the extensions of mailboxes. ``do`` is empty where there is nothing to do."""

    id: str
    level: Level
    what: str
    do: str = ""


def ok(name: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Level.OK, what)


def note(name: str, what: str, do: str = "") -> Finding:
    """Worth knowing."""
    return Finding(name, Level.NOTE, what, do)


def warning(name: str, what: str, do: str) -> Finding:
    """To be mended."""
    return Finding(name, Level.WARNING, what, do)


def error(name: str, what: str, do: str) -> Finding:
    """Something does not work, or protects nobody."""
    return Finding(name, Level.ERROR, what, do)


NAMED = 10
"""Things named one by one in a sentence; the others are counted."""


def listed(things: tuple[str, ...]) -> str:
    """Return ``a, b and 3 more``."""
    rest = len(things) - NAMED
    return ", ".join(things[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
