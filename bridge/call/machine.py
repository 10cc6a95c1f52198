"""One take after the other: what a caller's session does, as a table that can be printed.

Theory of operation
===================
The machine knows one caller. It does no I/O and reads no clock: ``step(state, event, now)`` gives the next
state and the effects that the session carries out in order; ``now`` is seconds on any steady clock. What
carrying out an effect brings (speech heard in the sound, a disk that failed) comes back as an event.

READY      The leg is there, nothing was sent yet. Only BEGIN can happen.
TONE       The record tone plays. Sound that arrives belongs to no note and is passed over. The tone's end
           (PLAYED) starts the note; everything that comes after it is kept. ``#`` here means: no note wanted.
RECORDING  Sound is appended. ``#`` or hanging up sends; ``*`` throws this take away and plays the tone again,
           for a new note with a new key; ``1`` marks the take as urgent, which only ``*`` takes back; ten
           seconds without speech, or the time limit, end it. Time is only looked at when DUE comes, which
           whoever drives the machine sends at ``deadline(state)``.
CLOSING    The note is finished (or could not be kept) and the caller hears the closing tone. Nothing that
           happens here changes the note.
ENDED      The leg is being given back. What still trickles in is passed over.

A prompt that never ends (the peer does not read) must not hold a caller: TONE and CLOSING have a deadline of
PROMPT_S. A caller may start again TAKES times; after that ``*`` is a key without meaning, so that nobody
can keep a line and a disk busy for ever.

A pair that the table does not name is an error of ours, not of the caller: ``step`` raises LookupError.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, auto

from bridge.call.model import Audio, Digit, Ended, Hangup, Played
from bridge.call.steps import (
    Append,
    Begin,
    Broken,
    DiscardNote,
    Due,
    Effect,
    FinishNote,
    GiveBack,
    MachineEvent,
    MarkUrgent,
    Spoke,
    StartClosing,
    StartNote,
    StartTone,
    Stop,
)

PROMPT_S = 5.0
"""Longest a tone may take; the tones last below half a second."""

TAKES = 10
"""Takes one caller may begin."""


class Phase(IntEnum):
    """Where a session stands; explained above. Numbers, because they hash five times faster than names and
    the table is asked four times a second for every caller."""

    READY = auto()
    TONE = auto()
    RECORDING = auto()
    CLOSING = auto()
    ENDED = auto()


class Kind(IntEnum):
    """What can happen, as the table's second key."""

    BEGIN = auto()
    AUDIO = auto()
    FINISH_KEY = auto()
    AGAIN_KEY = auto()
    URGENT_KEY = auto()
    OTHER_KEY = auto()
    PLAYED = auto()
    HANGUP = auto()
    SPOKE = auto()
    DUE = auto()
    BROKEN = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class State:
    """``note_s`` and ``silence_s`` are limits in seconds; ``since`` is when the phase began and
    ``quiet_since`` when speech was last heard, on the clock of ``now``."""

    note_s: float
    silence_s: float
    phase: Phase = Phase.READY
    since: float = 0.0
    quiet_since: float = 0.0
    takes: int = 0


Step = tuple[State, tuple[Effect, ...]]
Handler = Callable[[State, MachineEvent, float], Step]


def _enter(state: State, phase: Phase, now: float, *effects: Effect) -> Step:
    return replace(state, phase=phase, since=now, quiet_since=now), effects


def _tone(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(replace(state, takes=state.takes + 1), Phase.TONE, now, StartTone())


def _record(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(state, Phase.RECORDING, now, StartNote())


def _append(state: State, event: MachineEvent, _: float) -> Step:
    assert isinstance(event, Audio)  # noqa: S101 - the table's key says so; this tells the type checker
    return state, (Append(event.pcm),)


def _spoke(state: State, _: MachineEvent, now: float) -> Step:
    # Spelt out: ``replace`` takes three times as long, and this happens twice a second for every caller.
    return State(state.note_s, state.silence_s, state.phase, state.since, now, state.takes), ()


def _again(state: State, event: MachineEvent, now: float) -> Step:
    if state.takes >= TAKES:
        return state, ()
    state, effects = _tone(state, event, now)
    return state, (DiscardNote(), *effects)


def _urgent(state: State, _: MachineEvent, __: float) -> Step:
    return state, (MarkUrgent(),)


def _finish(ended: Ended) -> Handler:
    def finish(state: State, _: MachineEvent, now: float) -> Step:
        return _enter(state, Phase.CLOSING, now, FinishNote(ended), StartClosing())

    return finish


def _time_is_up(state: State, event: MachineEvent, now: float) -> Step:
    if now >= state.since + state.note_s:
        return _finish(Ended.LIMIT)(state, event, now)
    if now >= state.quiet_since + state.silence_s:
        return _finish(Ended.SILENCE)(state, event, now)
    return state, ()


def _stuck(state: State, event: MachineEvent, now: float) -> Step:
    return _give_back(state, event, now) if now >= state.since + PROMPT_S else (state, ())


def _hung_up(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(state, Phase.ENDED, now, FinishNote(Ended.CALLER_HANGUP), GiveBack())


def _close(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(state, Phase.CLOSING, now, StartClosing())


def _give_back(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(state, Phase.ENDED, now, GiveBack())


def _unwanted(state: State, _: MachineEvent, now: float) -> Step:
    return _enter(state, Phase.ENDED, now, GiveBack(wanted=False))


def _pass(state: State, _: MachineEvent, __: float) -> Step:
    return state, ()


TABLE: dict[tuple[Phase, Kind], Handler] = {
    (Phase.READY, Kind.BEGIN): _tone,
    #
    (Phase.TONE, Kind.AUDIO): _pass,
    (Phase.TONE, Kind.FINISH_KEY): _unwanted,
    (Phase.TONE, Kind.AGAIN_KEY): _pass,
    (Phase.TONE, Kind.URGENT_KEY): _pass,
    (Phase.TONE, Kind.OTHER_KEY): _pass,
    (Phase.TONE, Kind.PLAYED): _record,
    (Phase.TONE, Kind.HANGUP): _give_back,
    (Phase.TONE, Kind.DUE): _stuck,
    (Phase.TONE, Kind.BROKEN): _close,
    (Phase.TONE, Kind.STOP): _close,
    #
    (Phase.RECORDING, Kind.AUDIO): _append,
    (Phase.RECORDING, Kind.FINISH_KEY): _finish(Ended.FINISH_KEY),
    (Phase.RECORDING, Kind.AGAIN_KEY): _again,
    (Phase.RECORDING, Kind.URGENT_KEY): _urgent,
    (Phase.RECORDING, Kind.OTHER_KEY): _pass,
    (Phase.RECORDING, Kind.HANGUP): _hung_up,
    (Phase.RECORDING, Kind.SPOKE): _spoke,
    (Phase.RECORDING, Kind.DUE): _time_is_up,
    (Phase.RECORDING, Kind.BROKEN): _finish(Ended.STOPPED),
    (Phase.RECORDING, Kind.STOP): _finish(Ended.STOPPED),
    #
    (Phase.CLOSING, Kind.AUDIO): _pass,
    (Phase.CLOSING, Kind.FINISH_KEY): _pass,
    (Phase.CLOSING, Kind.AGAIN_KEY): _pass,
    (Phase.CLOSING, Kind.URGENT_KEY): _pass,
    (Phase.CLOSING, Kind.OTHER_KEY): _pass,
    (Phase.CLOSING, Kind.PLAYED): _give_back,
    (Phase.CLOSING, Kind.HANGUP): _give_back,
    (Phase.CLOSING, Kind.DUE): _stuck,
    (Phase.CLOSING, Kind.BROKEN): _pass,
    (Phase.CLOSING, Kind.STOP): _pass,
    #
    (Phase.ENDED, Kind.AUDIO): _pass,
    (Phase.ENDED, Kind.FINISH_KEY): _pass,
    (Phase.ENDED, Kind.AGAIN_KEY): _pass,
    (Phase.ENDED, Kind.URGENT_KEY): _pass,
    (Phase.ENDED, Kind.OTHER_KEY): _pass,
    (Phase.ENDED, Kind.PLAYED): _pass,
    (Phase.ENDED, Kind.HANGUP): _pass,
    (Phase.ENDED, Kind.DUE): _pass,
    (Phase.ENDED, Kind.BROKEN): _pass,
    (Phase.ENDED, Kind.STOP): _pass,
}
"""SPOKE has a row in RECORDING only: it answers an Append. PLAYED has none there: the tone is over."""

_KINDS: dict[type, Kind] = {
    Audio: Kind.AUDIO,
    Played: Kind.PLAYED,
    Hangup: Kind.HANGUP,
    Begin: Kind.BEGIN,
    Spoke: Kind.SPOKE,
    Due: Kind.DUE,
    Broken: Kind.BROKEN,
    Stop: Kind.STOP,
}
_KEYS = {"#": Kind.FINISH_KEY, "*": Kind.AGAIN_KEY, "1": Kind.URGENT_KEY}


def kind_of(event: MachineEvent) -> Kind:
    """Return the table's key of an event."""
    if isinstance(event, Digit):
        return _KEYS.get(event.digit, Kind.OTHER_KEY)
    return _KINDS[type(event)]


def step(state: State, event: MachineEvent, now: float) -> Step:
    """Take one event at ``now``; return the state after it and what must be done, in order.

    Raises LookupError when the event cannot happen in this state.
    """
    kind = kind_of(event)
    handler = TABLE.get((state.phase, kind))
    if handler is None:
        raise LookupError(f"{kind.name} cannot happen in {state.phase.name}")
    return handler(state, event, now)


def deadline(state: State) -> float | None:
    """Return when DUE must be sent at the latest; None while nothing depends on time."""
    if state.phase in (Phase.TONE, Phase.CLOSING):
        return state.since + PROMPT_S
    if state.phase is Phase.RECORDING:
        return min(state.since + state.note_s, state.quiet_since + state.silence_s)
    return None
