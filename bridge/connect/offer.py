"""An unanswered call as the dialplan offers it, out of one FastAGI request whose values are checked."""

import re
from datetime import UTC, datetime, timedelta

from bridge.call.model import MAILBOX_NAME, Call, Codec
from bridge.call.policy import party_of, readable, reason_of
from bridge.errors import BadFrame
from bridge.wire.agi import Request

VERSION = "v1"

ARGUMENTS = 11
"""Of an offer or a gone call, empty ones included; dialplan/aftertone.conf writes them (``prepare``)."""

RINGING_LIMIT = timedelta(hours=1)
"""Longest ringing believed. A PBX whose clock is off must not file calls into another day."""

_STATUS = re.compile(r"[A-Z]{0,20}")
_CAUSE = re.compile(r"[0-9]{0,3}")
_FLAG = re.compile(r"[01]?")
_LINKEDID = re.compile(r"[\x21-\x7e]{1,150}")
_EPOCH = re.compile(r"([0-9]{1,11}(\.[0-9]{1,9})?)?")
_CODEC = re.compile(r"[A-Za-z0-9_|()]{0,200}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]{1,20}")
_PRESENTATION = re.compile(r"[0-9]{1,3}")
_PRESENTATION_BITS = {"prohib": 0x20, "unavail": 0x40}


def call_of(request: Request, peer: str, now: datetime) -> Call:
    """Return the call of an ``offer`` or ``gone`` request.

    ``peer`` is the PBX's address (two PBXs may use the same linkedid), ``now`` UTC. Raises BadFrame when a
    value is not what the dialplan sends; the text names the value, never its content.
    """
    if request.args[:1] == (VERSION,) and len(request.args) != ARGUMENTS:
        # A number with line breaks could end the request early, with arguments of the caller's own.
        raise BadFrame("a request without all its arguments")
    args = iter(request.args)

    def arg(name: str, pattern: re.Pattern[str]) -> str:
        return _checked(next(args, ""), name, pattern)

    if next(args, "") != VERSION:
        raise BadFrame(
            "a request of another version: the dialplan file and the bridge do not belong together"
        )
    mailbox = arg("mailbox", MAILBOX_NAME)
    status, cause, dnd = arg("dialstatus", _STATUS), arg("cause", _CAUSE), arg("dnd", _FLAG)
    linkedid = arg("linkedid", _LINKEDID)
    rang_at = _rang_at(arg("ringing time", _EPOCH), now)
    codec = arg("codec", _CODEC)
    group = arg("group", _FLAG) == "1"
    dialled = readable(next(args, ""))
    reason = reason_of(status, int(cause or 0), dnd == "1")
    if reason is None:
        raise BadFrame("a call that was answered, or a status that Dial does not have")
    fields = request.fields
    presentation = _checked(fields.get("callingpres") or "0", "presentation", _PRESENTATION)
    forwarded_from = readable(fields.get("rdnis", ""))
    return Call(
        linkedid=f"{peer} {linkedid}",
        mailbox=mailbox,
        caller=party_of(fields.get("callerid", ""), fields.get("calleridname", ""), int(presentation)),
        dialled=dialled,
        # Asterisk writes "unknown" where there is none; a line that forwarded in vain is not its own origin.
        forwarded_from=None if forwarded_from in ("", "unknown", mailbox) else forwarded_from,
        group=group,
        reason=reason,
        rang_at=rang_at,
        rang_s=round((now - rang_at).total_seconds(), 1),
        codec=_codec_of(codec),
        language=_checked(fields.get("language") or "en", "language", _LANGUAGE),
    )


def presentation_bits(words: str) -> int:
    """Return the number of what the dialplan's CALLERID(pres) has words for; FastAGI tells the number."""
    return next((bits for word, bits in _PRESENTATION_BITS.items() if words.startswith(word)), 0)


def _checked(value: str, name: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise BadFrame(f"{name} is not what the dialplan sends")
    return value


def _rang_at(epoch: str, now: datetime) -> datetime:
    if not epoch:
        return now
    rang_at = datetime.fromtimestamp(float(epoch), UTC)
    return rang_at if now - RINGING_LIMIT <= rang_at <= now else now


def _codec_of(native: str) -> Codec:
    """Return how the caller's sound is stored: A-law as A-law, everything else as u-law."""
    return Codec.PCMA if re.split(r"[|()]+", native.strip("()"))[0] == "alaw" else Codec.PCMU
