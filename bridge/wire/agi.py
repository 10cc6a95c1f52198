"""FastAGI: Asterisk asks over TCP, one request a connection (docs.asterisk.org, AGI).

Asterisk sends lines ``agi_name: value`` and an empty line; then we send commands and it answers each with a
line that begins with three digits. ``HANGUP`` alone on a line tells that the channel is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.errors import BadFrame, PeerError, TooMuch

LINE_LIMIT = 4096
"""Bytes of one line. A SIP header that long is refused by PJSIP before it gets here."""

LINES_LIMIT = 64
"""Lines of one request: Asterisk sends 24 and one for each argument."""

REPLY_LIMIT = 65536
"""Bytes of one line of an answer: a drawer of the journal tells its keys in 4 KB, and its dialplan sees to
that; calls that end at the same moment may each add theirs."""

REPLIES_LIMIT = 64
"""Lines in answer to one command; a failed one is answered with its usage in several lines."""

_NAME = re.compile(rb"agi_[a-z0-9_]{1,40}")
_SAFE = re.compile(r"[,A-Za-z0-9_.:\-\[\]]{0,200}")
_REPLY = re.compile(rb"([0-9]{3}) (?:result=(-?[0-9]{1,9})(?: \((.*)\))?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``script`` is the path of the agi:// address, ``args`` the dialplan's arguments; the
    other headers stand in ``fields`` without ``agi_``. All of it is the peer's text."""

    script: str
    args: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)


class _Lines:
    """Bytes to lines without their end; ``fault`` as in the parsers below."""

    def __init__(self, most: int, longest: int = LINE_LIMIT) -> None:
        self.fault: PeerError | None = None
        self._most = most
        self._longest = longest
        self._seen = 0
        self._rest = b""

    def begin(self) -> None:
        """Count from here: as many lines again are allowed."""
        self._seen = 0

    def split(self, data: bytes) -> list[bytes]:
        """Return the whole lines; the piece after them is kept for the next call."""
        if self.fault is not None:
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        good: list[bytes] = []
        for line in lines:
            self._seen += 1
            if len(line) > self._longest:
                self.fault = TooMuch("a line is longer than allowed")
            elif self._seen > self._most:
                self.fault = TooMuch("more lines than allowed")
            if self.fault is not None:
                return good
            good.append(line.removesuffix(b"\r"))
        if len(self._rest) > self._longest:
            self.fault = TooMuch("a line is longer than allowed")
        return good


class RequestParser:
    """Bytes in, one Request out; keeps at most LINES_LIMIT lines of LINE_LIMIT bytes.

    ``feed`` does not raise; a fault ends the request and stands in ``fault`` (a PeerError).
    """

    def __init__(self) -> None:
        self._lines = _Lines(LINES_LIMIT)
        self._fields: dict[str, str] = {}
        self._fault: PeerError | None = None
        self._done = False

    @property
    def fault(self) -> PeerError | None:
        """What the peer did wrong, if anything."""
        return self._fault if self._done else self._fault or self._lines.fault

    def feed(self, data: bytes) -> Request | None:
        """Take bytes as they came; return the request once, when its empty line has come. What follows it
        (HANGUP, when the caller was quick) is passed over."""
        if self._done or self.fault is not None:
            return None
        for line in self._lines.split(data):
            if not line:
                self._done = True
                return self._request()
            self._take(line)
            if self._fault is not None:
                return None
        return None

    def _take(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            self._fault = BadFrame("a line that is no header")
            return
        key = name[4:].decode("ascii")
        if key in self._fields:
            # A caller's name that smuggled in a line must not change another value.
            self._fault = BadFrame("a header twice")
            return
        self._fields[key] = value.strip(b" ").decode("utf-8", "replace")

    def _request(self) -> Request:
        args: list[str] = []
        while (arg := self._fields.pop(f"arg_{len(args) + 1}", None)) is not None:
            args.append(arg)
        return Request(self._fields.pop("network_script", ""), tuple(args), self._fields)


@dataclass(frozen=True, slots=True)
class Reply:
    """How a command went. ``code``: 200 done, 510 unknown, 511 the channel is dead, 520 wrong usage.
    ``result`` is what the command says of itself, ``value`` the text that stands in brackets behind it."""

    code: int
    result: int = 0
    value: str = field(default="", repr=False)


class ReplyParser:
    """Bytes in, the answers to commands out."""

    def __init__(self) -> None:
        self._lines = _Lines(REPLIES_LIMIT, REPLY_LIMIT)

    @property
    def fault(self) -> PeerError | None:
        """What the peer did wrong, if anything."""
        return self._lines.fault

    def begin(self) -> None:
        """Say that a command is on its way."""
        self._lines.begin()

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes as they came; return how each command went that was answered."""
        return [_reply(found) for line in self._lines.split(data) if (found := _REPLY.match(line))]


def _reply(found: re.Match[bytes]) -> Reply:
    code, result, value = found.groups()
    return Reply(int(code), int(result or 0), (value or b"").decode("utf-8", "replace"))


def command(verb: str, *arguments: str) -> bytes:
    """Return a command with its arguments in quotes.

    Raises ValueError for what is no text of one line: another command could stand in the next.
    """
    if not re.fullmatch(r"[A-Z]+( [A-Z]+)*", verb) or not all(word.isprintable() for word in arguments):
        raise ValueError("not fit for a command")
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in arguments)
    return " ".join((verb, *(f'"{word}"' for word in quoted))).encode() + b"\n"


def set_variable(name: str, value: str) -> bytes:
    """Return the command that sets a channel variable.

    Raises ValueError for text that could end the line or the argument: only our own words go this way.
    """
    if not re.fullmatch(r"[A-Z_]{1,40}", name) or not _SAFE.fullmatch(value):
        raise ValueError("not fit for a channel variable")
    return f'SET VARIABLE {name} "{value}"\n'.encode("ascii")
