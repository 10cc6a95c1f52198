"""AMI, Asterisk's manager interface (docs.asterisk.org, AMI v2 Specification).

The PBX greets with one line. Then each side sends messages: lines ``Name: value`` that end with CR LF, and an
empty line. We send actions; the PBX sends one response to each, which carries the action's id, and events.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from bridge.errors import BadFrame, PeerError, TooMuch

LINE_LIMIT = 32 * 1024
"""Bytes of one line we take. Asterisk's longest are an application's arguments, 8 KiB (its EXT_DATA_SIZE)."""

MESSAGE_LIMIT = 256 * 1024
"""Bytes of one message: a channel's event with its variables has some kilobytes."""

LINES_LIMIT = 1024
"""Lines of one message: Asterisk's longest responses (the names of all actions) have some two hundred."""

SENT_LINE_LIMIT = 1000
"""Bytes of one line we send: Asterisk reads 1,024 with their end, and makes two lines of a longer one."""

SENT_LINES_LIMIT = 120
"""Lines of one action: Asterisk passes over what follows the 128th (its AST_MAX_MANHEADERS)."""

GREETING = re.compile(rb"Asterisk Call Manager[ -~]{0,80}")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_BREAKS = re.compile(r"[\r\n\0]")

Fields = Iterable[tuple[str, str]]
"""Names and values in the order of the wire; a name may come again (``Variable``)."""


class Message(NamedTuple):
    """One message as it came. Values are the peer's text: callers' names and worse stand in them.

    Names are compared without regard to case, as Asterisk does (its versions differ in ``ActionID``).
    """

    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of that name: a line smuggled in later does not change it."""
        wanted = name.casefold()
        return next((value for key, value in self.pairs if key.casefold() == wanted), default)

    def all(self, name: str) -> list[str]:
        """Return every value of that name, in order."""
        wanted = name.casefold()
        return [value for key, value in self.pairs if key.casefold() == wanted]

    @property
    def kind(self) -> str:
        """``response``, ``event`` or ``action``: the name of its first line; empty for anything else."""
        first = self.pairs[0][0].casefold()
        return first if first in ("response", "event", "action") else ""


class Parser:
    """Bytes in, messages out; keeps at most one unfinished message of MESSAGE_LIMIT bytes.

    ``feed`` does not raise. The first fault ends the stream: it stands in ``fault`` (a PeerError), messages
    before it are still given out, bytes after it are passed over. Only CR LF ends a line: a lone CR or LF is
    part of a value that somebody else chose. A line without a colon is passed over for the same reason.
    ``greeted``: the stream begins with the PBX's greeting, which then stands in ``greeting``; False for what
    a client sends.
    """

    def __init__(self, *, greeted: bool = True) -> None:
        self.fault: PeerError | None = None
        self.greeting: str | None = None if greeted else ""
        self._rest = b""
        self._pairs: list[tuple[str, str]] = []
        self._lines = 0
        self._size = 0

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes as they came; return the messages they complete, in order."""
        messages: list[Message] = []
        if self._failed():
            return messages
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if self._too_long(line):
                return messages
            if self.greeting is None:
                self._greet(line)
            elif line:
                self._take(line)
            else:
                if self._pairs:
                    messages.append(Message(tuple(self._pairs)))
                self._pairs, self._lines, self._size = [], 0, 0
            if self._failed():
                return messages
        self._too_long(self._rest)
        return messages

    def _too_long(self, line: bytes) -> bool:
        if len(line) > LINE_LIMIT:
            self._fail(TooMuch("a line is longer than allowed"))
        return self._failed()

    def _failed(self) -> bool:
        return self.fault is not None

    def _greet(self, line: bytes) -> None:
        if GREETING.fullmatch(line):
            self.greeting = line.decode("ascii")
        else:
            self._fail(BadFrame("this is not Asterisk's manager interface"))

    def _take(self, line: bytes) -> None:
        self._lines += 1
        self._size += len(line)
        if self._lines > LINES_LIMIT or self._size > MESSAGE_LIMIT:
            self._fail(TooMuch("a message is longer than allowed"))
            return
        name, colon, value = line.partition(b":")
        if colon and name:
            text = value.removeprefix(b" ").decode("utf-8", "replace")
            self._pairs.append((name.decode("utf-8", "replace"), text))

    def _fail(self, fault: PeerError) -> None:
        self.fault = fault
        self._rest = b""
        self._pairs = []


def action(name: str, fields: Fields = ()) -> bytes:
    """Return one action. ``fields`` stand below its name.

    Raises ValueError for a name that is none, a value with CR, LF or NUL (it would become a second action), a
    line or a count of lines that Asterisk would not read whole.
    """
    lines = [("Action", name), *fields]
    if len(lines) > SENT_LINES_LIMIT:
        raise ValueError("more lines than Asterisk reads of one action")
    if not _NAME.fullmatch(name):
        raise ValueError("not the name of an action")
    return b"".join(_line(key, value) for key, value in lines) + b"\r\n"


def _line(key: str, value: str) -> bytes:
    if not _NAME.fullmatch(key):
        raise ValueError("not the name of a field")
    if _BREAKS.search(value):
        raise ValueError(f"the value of {key} would end its line")
    line = f"{key}: {value}".encode()
    if len(line) > SENT_LINE_LIMIT:
        raise ValueError(f"the value of {key} is longer than Asterisk reads")
    return line + b"\r\n"
