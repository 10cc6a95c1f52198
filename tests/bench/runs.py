"""One run: a crowd into one side, and what it cost. Both sides are measured alike, idle shares off."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tests.bench import crowd
from tests.bench.floor import NullBridge
from tests.bench.house import FIRST_BOX, House
from tests.bench.inbox import Inbox
from tests.bench.meter import Meter, Share, family

SETTLE_S = 1.5
"""After the last hang-up: the group fdatasync comes within one second, and belongs to the notes."""

TONE_WAIT_S = 2.5
"""Between 200 OK and speech: tone and beep end earlier (0.4 s and 1 s), also on a busy machine."""


DELIVERED = crowd.PACKETS * 9 // 10
"""Packets of a note that tells what was said; one that lost its first word to a late tone still costs."""


class Taker(Enum):
    """Who takes the sound of a crowd."""

    VOICEMAIL = auto()
    BRIDGE = auto()
    NULL = auto()


@dataclass(frozen=True, slots=True)
class Side:
    """Where a crowd calls: what the report calls it, the dialplan's prefix, seconds until callers speak."""

    name: str
    prefix: str
    wait_s: float
    taker: Taker


VOICEMAIL = Side("VoiceMail(box,s)", "91", TONE_WAIT_S, Taker.VOICEMAIL)
AFTERTONE = Side("Aftertone, tone only", "92", TONE_WAIT_S, Taker.BRIDGE)
FLOOR = Side("a bridge doing nothing", "95", TONE_WAIT_S, Taker.NULL)


@dataclass(frozen=True, slots=True)
class Run:
    """What one crowd cost. ``notes`` were delivered, ``complete`` of them without a packet missing.

    Packets are RTP packets of 20 ms; ``delays``: seconds from BYE to row.
    """

    callers: int
    notes: int
    complete: int
    sent: int
    received: int
    stored: int
    asterisk_s: float
    bridge_s: float
    asterisk_bytes: int
    bridge_bytes: int
    delays: tuple[float, ...]

    @property
    def asterisk_ms(self) -> float:
        """CPU of Asterisk per delivered note, in milliseconds."""
        return 1000 * self.asterisk_s / max(self.notes, 1)

    @property
    def bridge_ms(self) -> float:
        """CPU of supervisor and worker per delivered note, in milliseconds."""
        return 1000 * self.bridge_s / max(self.notes, 1)

    @property
    def together_ms(self) -> float:
        """CPU of all that a note needs."""
        return self.asterisk_ms + self.bridge_ms


class Bench:
    """A house with its reader; ``run`` sends one crowd. ``idle_s``: how long the idle shares are watched.

    ``null`` takes the crowds of FLOOR.
    """

    def __init__(self, house: House, inbox: Inbox, idle_s: float, null: NullBridge | None = None) -> None:
        self._house = house
        self._inbox = inbox
        self._null = null
        self._asterisk = [house.pbx.pid]
        self._bridge = family(house.bridge_pid)
        self._nobody = [null.pid] if null is not None else []
        time.sleep(SETTLE_S)
        self.asterisk_idle, self.bridge_idle, self._nobody_idle = Share.measured(
            [self._asterisk, self._bridge, self._nobody], idle_s
        )

    def forget(self) -> None:
        """Leave out of the next run what other calls left in the mailboxes."""
        self._inbox.new_notes()
        self._house.voicemails()

    def run(self, side: Side, callers: int) -> Run:
        """Measure one crowd; what it left is read after the measurement."""
        house, inbox = self._house, self._inbox
        inbox.forget_news()
        log = house.log_size()
        asterisk = Meter(self._asterisk, self.asterisk_idle)
        if side.taker is Taker.NULL:
            bridge = Meter(self._nobody, self._nobody_idle)
        else:
            bridge = Meter(self._bridge, self.bridge_idle)
        came = crowd.send(house.pbx, house.folder, side.prefix, callers, side.wait_s)
        received = house.received(callers, log)
        time.sleep(SETTLE_S)
        asterisk_s, asterisk_bytes = asterisk.read()
        bridge_s, bridge_bytes = bridge.read()
        delays: Sequence[float] = ()
        if side.taker is Taker.BRIDGE:
            byes = {str(FIRST_BOX + caller): at for caller, at in came.byes.items()}
            delays = inbox.row_delays(byes)
            packets = [note.packets for note in inbox.new_notes() if not note.cut_off]
        elif self._null is not None and side.taker is Taker.NULL:
            packets = self._null.packets()
        else:
            packets = house.voicemails()
        return Run(
            callers=callers,
            notes=sum(count >= DELIVERED for count in packets),
            complete=packets.count(crowd.PACKETS),
            sent=came.sent,
            received=sum(received),
            stored=sum(packets),
            asterisk_s=asterisk_s,
            bridge_s=bridge_s,
            asterisk_bytes=asterisk_bytes,
            bridge_bytes=0 if side.taker is Taker.VOICEMAIL else bridge_bytes,
            delays=tuple(delays),
        )


def median(runs: Sequence[Run]) -> Run:
    """Return the run that stands for all: medians of cost and size, the worst of what may not be lost."""
    middle = statistics.median
    worst = min(runs, key=lambda run: (run.complete, run.notes, run.stored))
    return Run(
        callers=worst.callers,
        notes=worst.notes,
        complete=worst.complete,
        sent=worst.sent,
        received=worst.received,
        stored=worst.stored,
        asterisk_s=middle(run.asterisk_ms for run in runs) * worst.notes / 1000,
        bridge_s=middle(run.bridge_ms for run in runs) * worst.notes / 1000,
        asterisk_bytes=round(middle(run.asterisk_bytes for run in runs)),
        bridge_bytes=round(middle(run.bridge_bytes for run in runs)),
        delays=tuple(delay for run in runs for delay in run.delays),
    )
