"""Whose call a message is of: told by the mark that our dialplan leaves in it, else by its own words.

``Set(VM_CATEGORY=aftertone PRESENTATION OFFER)`` before VoiceMail() puts into the message's text what the
bridge was offered, as it was offered (dialplan/aftertone.conf). So a message of a call that the bridge knows
goes to that row, and one of a call that it missed makes the row that it would have made.
"""

from bridge.call.model import Call, Reason
from bridge.call.policy import party_of, readable
from bridge.connect import offer
from bridge.errors import BadFrame
from bridge.wire.agi import Request
from bridge.wire.voicemail import MessageText

MARK = "aftertone"

PEER = "spool"
"""In the place of the PBX's address, for a call that we know from its message alone."""


def marked(text: MessageText, mailbox: str) -> Call | None:
    """Return the call that was offered for this mailbox; None where nobody marked the message, or it is a
    copy of another mailbox's."""
    mark, _, rest = text.category.partition(" ")
    presentation, _, arguments = rest.partition(" ")
    if mark != MARK or not arguments:
        return None
    fields = {
        "callerid": text.number,
        "calleridname": text.name,
        "callingpres": str(offer.presentation_bits(presentation)),
        "rdnis": text.rdnis,
    }
    try:
        call = offer.call_of(Request("spool", tuple(arguments.split(",")), fields), PEER, text.at)
    except BadFrame:
        return None
    return call if call.mailbox == mailbox else None


def unmarked(text: MessageText, mailbox: str, linkedid: str) -> Call:
    """Return the call of a message without a mark, as well as its text tells; ``linkedid`` is made for it.

    Why nobody answered is not known then, and whether the number was withheld neither: the classic voicemail
    told it to its listener all the same.
    """
    return Call(
        linkedid=f"{PEER} {linkedid}",
        mailbox=mailbox,
        caller=party_of(text.number, text.name, 0),
        dialled="",
        forwarded_from=readable(text.rdnis) or None,
        group=False,
        reason=Reason.NO_ANSWER,
        rang_at=text.at,
        rang_s=0.0,
    )
