"""The rules of a missed call, as pure functions: why it was missed, who may be shown, whether to record."""

import re

from bridge.call.model import Party, Presentation, Reason
from bridge.call.text import is_readable, shown

OFFER_VALID_S = 10.0
"""How long an accepted offer waits for its sound: the dialplan plays a sentence of about 3 s in between."""

TEXT_LIMIT = 256
"""Characters kept of a number or name; SIP sets no limit, and no telephone shows more."""

_BY_STATUS = {
    "": Reason.CANCELLED,  # the hangup handler ran before Dial had a result
    "CANCEL": Reason.CANCELLED,
    "NOANSWER": Reason.NO_ANSWER,  # rang out, dead contact, 480
    "BUSY": Reason.BUSY,  # 486, 600
    "CONGESTION": Reason.UNREACHABLE,  # 503 (cause 34)
    "DONTCALL": Reason.DECLINED,  # Dial's privacy options
    "TORTURE": Reason.DECLINED,
    "INVALIDARGS": Reason.FAILED,
    "TIMEOUT": Reason.NO_ANSWER,
    "WITHDRAW": Reason.NO_ANSWER,  # taken out of the queue from outside
    "FULL": Reason.BUSY,
    "JOINEMPTY": Reason.UNREACHABLE,
    "LEAVEEMPTY": Reason.UNREACHABLE,
    "JOINUNAVAIL": Reason.UNREACHABLE,
    "LEAVEUNAVAIL": Reason.UNREACHABLE,
}
"""DIALSTATUS of Asterisk's Dial(), where the cause adds nothing, and QUEUESTATUS of its Queue()."""

_BY_CAUSE = {
    0: Reason.UNREACHABLE,
    1: Reason.UNREACHABLE,  # 404
    3: Reason.UNREACHABLE,  # not registered
    20: Reason.UNREACHABLE,  # subscriber absent
    21: Reason.DECLINED,  # 603
    27: Reason.UNREACHABLE,  # destination out of order
}
"""HANGUPCAUSE (Q.850) of CHANUNAVAIL; every other one, such as 58 (488) and 38 (500), is a failure."""

_NOBODY = frozenset({"anonymous", "restricted", "private", "withheld"})
_UNKNOWN = frozenset({"", "unknown", "unavailable"})

_ESCAPED = re.compile(r'\\(["\\])')


def reason_of(dialstatus: str, cause: int, dnd: bool) -> Reason | None:
    """Return why nobody answered, from the three values the dialplan gives (``dialstatus`` of Dial or of
    Queue); None when somebody did answer or the status is none of Asterisk's."""
    if dnd:
        return Reason.DND
    if dialstatus == "CHANUNAVAIL":
        return _BY_CAUSE.get(cause, Reason.FAILED)
    return _BY_STATUS.get(dialstatus)


def readable(text: str) -> str:
    """Return hostile text as one bounded line: what cannot be shown becomes U+FFFD, the rest stays."""
    return shown(text, TEXT_LIMIT, is_readable)


def party_of(number: str, name: str, presentation: int) -> Party:
    """Return the caller as the recipient may see him.

    ``presentation`` is Asterisk's number (bits 5 and 6: 0 allowed, 1 prohibited, 2 unavailable, 3 reserved).
    A caller who withholds his number is known to the PBX; nothing of it is for the recipient, so it is not
    kept at all. Carriers also send "anonymous" as number or name with presentation allowed (RFC 3323).
    Asterisk's PJSIP leaves the escapes of a quoted name (RFC 3261 section 25.1) as they came.
    """
    number, name = readable(number.strip()), readable(_ESCAPED.sub(r"\1", name).strip())
    withheld = number.casefold() in _NOBODY or name.casefold() in _NOBODY
    if withheld or presentation & 0x20:
        return Party("", "", Presentation.RESTRICTED)
    if number.casefold() in _UNKNOWN:
        number = ""
    if name.casefold() in _UNKNOWN:
        name = ""
    if presentation & 0x40 or not number:
        return Party(number, name, Presentation.UNAVAILABLE)
    return Party(number, name, Presentation.ALLOWED)


def may_record(active: int, max_calls: int, free: int, min_free: int) -> tuple[bool, str]:
    """Say whether one more caller may record, and if not why (for the log and the inbox).

    ``free`` and ``min_free`` are bytes of the data folder's file system.
    """
    if free < min_free:
        return False, "the disk is almost full"
    if active >= max_calls:
        return False, "as many callers as allowed are recording"
    return True, ""
