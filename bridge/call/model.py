"""The nouns of one unanswered call, and what a telephone leg tells about it. Values only."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

MAILBOX_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,40}")
"""How the dialplan may name a mailbox: an extension, as telephones know it."""

SAMPLE_RATE = 8000
"""Samples per second of every narrow-band leg (RFC 3551 section 4.5.14)."""

FRAME_SAMPLES = 160
"""Samples of one 20-ms frame, the packet time Asterisk uses on AudioSocket."""


class Reason(StrEnum):
    """Why nobody answered; the public words of the row and of the API."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    DND = "dnd"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Presentation(StrEnum):
    """What the caller allows to be shown (RFC 3323 privacy, Asterisk CALLERID(pres)). ``untold``: the PBX
    kept the call for us while we were away, and not its caller."""

    ALLOWED = "allowed"
    RESTRICTED = "restricted"
    UNAVAILABLE = "unavailable"
    UNTOLD = "untold"


class Codec(StrEnum):
    """G.711 law in which a narrow-band note is stored (RFC 3551 names)."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class Ended(StrEnum):
    """Why a take ended; stands in the note's final meta record. ``cut_off`` is a reader's word only."""

    CALLER_HANGUP = "caller_hangup"
    FINISH_KEY = "finish_key"
    SILENCE = "silence"
    LIMIT = "limit"
    PICKED_UP = "picked_up"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Party:
    """A caller as the PBX gave him. Hostile text: never a key, a file name, a log line."""

    number: str
    name: str
    presentation: Presentation


@dataclass(frozen=True, slots=True)
class Call:
    """One unanswered call as the dialplan tells it.

    ``linkedid`` is Asterisk's LINKEDID with the peer's address in front: one row per value.
    ``mailbox`` is the extension named by the dialplan. ``rang_at`` is UTC, when the ringing began.
    """

    linkedid: str
    mailbox: str
    caller: Party
    dialled: str
    forwarded_from: str | None
    group: bool
    reason: Reason
    rang_at: datetime
    rang_s: float
    codec: Codec = Codec.PCMU
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound from the caller: 16-bit little-endian PCM at 8 kHz, some 250 or 500 ms at a time."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """One DTMF digit, told at its end: ``0``-``9``, ``*``, ``#``, ``A``-``D`` (RFC 4733 section 3.2)."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """The prompt given to ``Leg.play`` has been sent to its end (not after ``Leg.stop``)."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The caller is gone, or the wire is. Always the last event."""


Event = Audio | Digit | Played | Hangup


class Prompt(Protocol):
    """Sound for the caller as frames."""

    def frames(self) -> Iterator[bytes]:
        """Yield frames of FRAME_SAMPLES 16-bit little-endian samples (320 bytes each)."""


class Leg(Protocol):
    """One telephone caller on one wire."""

    @property
    def call(self) -> Call:
        """Who, whom, why."""

    async def listen(self, hear: Callable[[Event], None]) -> None:
        """Tell ``hear`` each event in its order and at once; return after Hangup. One listener only.

        What ``hear`` raises ends the listening and is raised here.
        """

    def play(self, prompt: Prompt) -> None:
        """Start a prompt and return at once; a prompt that still plays is replaced."""

    def stop(self) -> None:
        """End the prompt that plays; no Played follows."""

    async def hang_up(self, kept: bool) -> None:
        """Give the caller back to the PBX; ``kept`` is what the PBX will be told of the note."""


class Desk(Protocol):
    """Where connectors bring their calls: the session side of every connector."""

    async def offered(self, call: Call) -> bool:
        """File the missed call and say whether the caller may record now (False: to the fallback)."""

    async def answer(self, leg: Leg) -> bool:
        """Run the whole session of one leg; True when a note was kept (or none was wanted)."""

    async def missed(self, call: Call) -> bool:
        """File a call whose caller gave up while it rang; False when that must be tried again later."""


class Connector(Protocol):
    """One way in which telephone callers reach us."""

    async def serve(self, desk: Desk) -> None:
        """Take calls until cancelled."""
