"""The lamp of a mailbox (message waiting, RFC 3842): the PBX is told the counts and tells the telephones.

The mailbox is called ``1001@aftertone`` there, beside VoiceMail's ``1001@default``: Asterisk adds the counts
of all that a telephone's ``mailboxes=`` names, and two who write one name would undo each other's.
"""

import asyncio
from typing import Protocol

from bridge.call.model import MAILBOX_NAME
from bridge.wire.ami import Fields, Message

CONTEXT = "aftertone"
"""Of the mailboxes: what stands behind their @."""

DIALPLAN = "aftertone-lamp"
"""The context in dialplan/aftertone.conf, whose one extension ``show`` reads the three variables.

The mailbox travels as a variable and not as the extension: a name such as ``h`` or ``t`` has a meaning there.
"""

ORIGINATE_MS = 3000
"""Until Asterisk gives up a lamp that is not set; it needs half a millisecond."""


class Pbx(Protocol):
    """What a lamp needs of ``control.ami.Manager``."""

    async def action(self, name: str, fields: Fields = (), *, deadline_s: float = 5.0) -> Message: ...


class Lamp:
    """Shows counts by MWIUpdate where the PBX has it for our user, else by its dialplan's MinivmMWI."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._direct: bool | None = None
        self._probing = asyncio.Lock()

    def forget(self) -> None:
        """It is another PBX, or the same with other modules or rights: find out anew what it can."""
        self._direct = None

    async def show(self, mailbox_extension: str, new: int, old: int) -> None:
        """Set the counts of a mailbox; returns when the PBX has taken them.

        Of one mailbox at most one at a time, or the last to arrive need not be the last that was true. Raises
        PbxAway (it may have taken them), PbxRefused, TooMuch; ValueError for what cannot be.
        """
        if new < 0 or old < 0 or MAILBOX_NAME.fullmatch(mailbox_extension) is None:
            raise ValueError("no counts of a mailbox")
        if await self._is_direct():
            counts = [("NewMessages", str(new)), ("OldMessages", str(old))]
            await self._pbx.action("MWIUpdate", [("Mailbox", f"{mailbox_extension}@{CONTEXT}"), *counts])
        else:
            await self._pbx.action("Originate", through_dialplan(mailbox_extension, new, old))

    async def _is_direct(self) -> bool:
        async with self._probing:
            if self._direct is None:
                # It lists what exists and is allowed to us, one header line for each.
                told = await self._pbx.action("ListCommands")
                self._direct = bool(told.get("MWIUpdate"))
            return self._direct


def through_dialplan(extension: str, new: int, old: int) -> list[tuple[str, str]]:
    """Return the fields of the Originate that sets a lamp.

    Not asynchronous: its response then tells whether the far end was answered, which the dialplan does only
    after MinivmMWI has set the counts.
    """
    variables = {"MAILBOX": extension, "NEW": str(new), "OLD": str(old)}
    return [
        ("Channel", f"Local/show@{DIALPLAN}/n"),
        ("Context", DIALPLAN),
        ("Exten", "shown"),
        ("Priority", "1"),
        ("Timeout", str(ORIGINATE_MS)),
        *(("Variable", f"AFTERTONE_LAMP_{name}={value}") for name, value in variables.items()),
    ]
