"""How a command ends when it does not end well."""

import sys
from collections.abc import Callable
from enum import IntEnum

from bridge.call.text import is_plain, shown
from bridge.errors import AftertoneError, Refused, SettingError


class Exit(IntEnum):
    """Exit codes; the package's docstring explains them to users."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_ALLOWED = 3
    NOT_FOUND = 4
    UNOPENED = 5
    AWAY = 6


class Failure(AftertoneError):
    """Ends the command with ``code``; the text is for the user. ``word`` is the server's, if it refused."""

    def __init__(self, code: Exit, text: str, word: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.word = word


def tell(text: str) -> None:
    """Say something to the person, beside the data."""
    print(f"aftertone: {plain(text)}", file=sys.stderr)


def plain(text: str, most: int = 500) -> str:
    """Return text of callers or servers for a terminal: no control, format or line-breaking characters."""
    return shown(text, most, is_plain)


def ending(work: Callable[[], None]) -> int:
    """Do the work of a command and return its exit code, with the reason told."""
    try:
        work()
    except Failure as failure:
        tell(failure.user)
        return failure.code
    except SettingError as error:
        tell(error.user)
        return Exit.USAGE
    except Refused as refused:
        tell(f"this cannot be opened ({refused.word})")
        return Exit.UNOPENED
    return Exit.OK
