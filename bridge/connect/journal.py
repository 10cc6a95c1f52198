"""The journal that the dialplan keeps in AstDB while we are away: read and cleared over a channel's AGI.

Entries lie in drawers: ``/aftertone-journal/DRAWER/KEY`` (``journal`` in dialplan/aftertone.conf). Whoever
writes into the PBX's AstDB may write there, so a value is believed no more than an offer.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import unquote

from bridge.call.model import Call, Party, Presentation
from bridge.connect.offer import call_of, presentation_bits
from bridge.errors import BadFrame
from bridge.wire.agi import Reply, Request, command

FAMILY = "aftertone-journal"

OLDEST = timedelta(days=366)
"""A time before this is a clock that was not set yet."""

LONGEST = 4096
"""Characters of a value; the dialplan's longest, a caller's whole name in percent signs, has 1400."""

NO_APPLICATION = -2
"""What EXEC says of an application that is not there."""

_DRAWER = re.compile(r"[0-9]{1,2}")
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_EPOCH = re.compile(r"[0-9]{1,11}")
_WORDS = re.compile(r"[a-z_]{0,40}")


class Channel(Protocol):
    """A connection of Asterisk that carries out AGI commands for us."""

    async def ask(self, command: bytes) -> Reply:
        """Have a command carried out. Raises BadFrame when it is not."""


class Journal(Protocol):
    """When the journal is read, and where it goes (``bridge.journal``)."""

    def is_due(self) -> bool:
        """Whether the PBX shall be asked for its journal now; who is told so asks it."""

    def broke(self) -> None:
        """Say that a call was told to us and got no answer."""

    def cannot(self, why: str) -> None:
        """Say that the PBX could not be asked."""

    async def read(self, channel: Channel, peer: str) -> None:
        """File and clear what the PBX with this address has kept. Raises BadFrame and StoreError."""


async def begin(channel: Channel) -> bool:
    """Have the PBX bring a channel on which its journal can be read, without the caller of this one having to
    wait for that; False when it has not the application for it. Raises BadFrame."""
    what = f"Local/read@{FAMILY}/n,exten,{FAMILY},wait,1,3,a"
    return (await channel.ask(command("EXEC", "Originate", what))).result != NO_APPLICATION


async def drawers(channel: Channel) -> tuple[list[str], int]:
    """Return the names of all drawers that hold something, and how many others are not of the dialplan.
    Raises BadFrame."""
    return await _names(channel, FAMILY, _DRAWER)


async def keys(channel: Channel, drawer: str) -> tuple[list[str], int]:
    """Return the keys of a drawer's entries, and how many others are not of the dialplan. Raises BadFrame."""
    return await _names(channel, f"{FAMILY}/{drawer}", _KEY)


async def value(channel: Channel, drawer: str, key: str) -> str:
    """Return an entry, empty when it is gone. Raises BadFrame."""
    return await _told(channel, f"DB({FAMILY}/{drawer}/{key})")


async def remove(channel: Channel, drawer: str, key: str) -> None:
    """Take an entry out. Raises BadFrame."""
    await channel.ask(command("DATABASE DEL", FAMILY, f"{drawer}/{key}"))


def call_in(entry: str, peer: str, now: datetime) -> Call:
    """Return the call of an entry: ``EPOCH,PRESENTATION,NUMBER,NAME,FORWARDER,OFFER``.

    ``OFFER`` is what would have been offered, the three before it are percent-encoded, and all four are empty
    where the admin does not let callers stand in AstDB. ``peer`` is the PBX's address, ``now`` UTC. Raises
    BadFrame.
    """
    if len(entry) > LONGEST or entry.count(",") < 5:
        raise BadFrame("an entry that the dialplan did not write")
    epoch, words, number, name, forwarder, offer = entry.split(",", 5)
    if not _EPOCH.fullmatch(epoch) or not _WORDS.fullmatch(words):
        raise BadFrame("an entry that the dialplan did not write")
    told_at = datetime.fromtimestamp(int(epoch), UTC)
    if not now - OLDEST <= told_at <= now:
        told_at = now
    fields = {
        "callerid": unquote(number),
        "calleridname": unquote(name),
        "callingpres": str(presentation_bits(words)),
        "rdnis": unquote(forwarder),
    }
    call = call_of(Request("journal", tuple(offer.split(",")), fields), peer, told_at)
    return call if words else replace(call, caller=Party("", "", Presentation.UNTOLD), forwarded_from=None)


async def _names(channel: Channel, prefix: str, known: re.Pattern[str]) -> tuple[list[str], int]:
    told = [name for name in (await _told(channel, f"DB_KEYS({prefix})")).split(",") if name]
    names = [name for name in told if known.fullmatch(name)]
    return names, len(told) - len(names)


async def _told(channel: Channel, question: str) -> str:
    """Return what a dialplan function of AstDB says. ``DATABASE GET`` would tell a value with its line
    breaks, and so answers of its own making."""
    reply = await channel.ask(command("GET FULL VARIABLE", f"${{FILTER(\\x20-\\x7e,${{{question}}})}}"))
    return reply.value
