"""The text that app_voicemail writes beside each message: ``msgNNNN.txt`` (apps/app_voicemail.c,
leave_voicemail).

Lines ``key=value`` below ``[message]``. Asterisk writes each key once and ``duration`` last, when the message
is whole. Values hold what a caller chose, as it came from SIP; whatever is not written so is refused.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.errors import Refused

TEXT_LIMIT = 16384
"""Bytes. Asterisk's own buffers make some 2 KiB of it at most."""

EARLIEST = datetime(1999, 12, 5, tzinfo=UTC)
"""Asterisk's first release: an older message has a clock that was never set."""

LONGEST_S = 86400
"""Seconds of a message that are believed."""

_SECTION = "[message]"
_KEY = re.compile(r"[a-z_]{1,40}")
_QUOTED = re.compile(r'"(.*)" <([^<>]*)>', re.DOTALL)
_NUMBER = re.compile(r"[0-9+*#]{1,80}")
_ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class MessageText:
    """What the text tells. ``number`` and ``name`` are the caller's own words; ``at`` is UTC, when he began
    to speak; ``category`` is the channel's VM_CATEGORY; ``rdnis`` and ``message_id`` are empty where there is
    none.
    """

    number: str = field(repr=False)
    name: str = field(repr=False)
    at: datetime
    duration_s: int
    rdnis: str = field(repr=False, default="")
    category: str = field(repr=False, default="")
    message_id: str = ""


def parse(data: bytes) -> MessageText:
    """Return the text of a whole message.

    Raises Refused: ``text too long``, ``not a message text``, ``a line twice`` (a caller's name with a line
    break makes lines of its own), ``no duration`` (still being written, or never finished), ``no time``.
    """
    if len(data) > TEXT_LIMIT:
        raise Refused("text too long")
    values = _values(data)
    if "duration" not in values:
        raise Refused("no duration")
    number, name = caller_of(values.get("callerid", ""))
    rdnis = values.get("rdnis", "")
    return MessageText(
        number=number,
        name=name,
        at=_time(values.get("origtime", "")),
        duration_s=_seconds(values["duration"]),
        # "unknown" of leave_voicemail, "Unknown" of msg_create_from_file
        rdnis="" if rdnis.lower() == "unknown" else rdnis,
        category=values.get("category", ""),
        message_id=values.get("msg_id", ""),
    )


def caller_of(callerid: str) -> tuple[str, str]:
    """Return number and name out of what ``ast_callerid_merge`` wrote: ``"name" <number>``, or one of them.

    Either may be empty. A name that Asterisk's buffer of 256 bytes cut off is all that can be told then.
    """
    quoted = _QUOTED.fullmatch(callerid)
    if quoted is not None:
        return quoted[2], _ESCAPED.sub(r"\1", quoted[1])
    if _NUMBER.fullmatch(callerid):
        return callerid, ""
    return "", callerid.removeprefix('"')


def _values(data: bytes) -> dict[str, str]:
    values: dict[str, str] = {}
    inside = False
    for line in data.decode("utf-8", "replace").split("\n"):
        text = line.removesuffix("\r")
        if not text.strip() or text.startswith(";"):
            continue
        if not inside:
            if text.strip() != _SECTION:
                break
            inside = True
            continue
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            raise Refused("not a message text")
        if key in values:
            raise Refused("a line twice")
        values[key] = value.strip()
    if not inside:
        raise Refused("not a message text")
    return values


def _time(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise Refused("no time")
    at = datetime.fromtimestamp(int(text), UTC)
    if at < EARLIEST:
        raise Refused("no time")
    return at


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > LONGEST_S:
        raise Refused("no duration")
    return int(text)
