"""What the machine of a session is told beside the leg's events, and what it asks for. Values only."""

from dataclasses import dataclass

from bridge.call.model import Ended, Event


@dataclass(frozen=True, slots=True)
class Begin:
    """The leg is connected."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """Speech was found in sound that was appended."""


@dataclass(frozen=True, slots=True)
class Due:
    """The deadline has come."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Our store failed while an effect was carried out."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The bridge is asked to end."""


MachineEvent = Event | Begin | Spoke | Due | Broken | Stop


@dataclass(frozen=True, slots=True)
class StartTone:
    """Play the record tone."""


@dataclass(frozen=True, slots=True)
class StartNote:
    """Begin a note: new id, new key."""


@dataclass(frozen=True, slots=True)
class Append:
    """Keep this sound (as in ``Audio``)."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class DiscardNote:
    """Throw the take away: the caller starts again."""


@dataclass(frozen=True, slots=True)
class MarkUrgent:
    """The caller says that this note is urgent; saying it again changes nothing."""


@dataclass(frozen=True, slots=True)
class FinishNote:
    """Finish the note, if one was begun; ``ended`` stands in its meta."""

    ended: Ended


@dataclass(frozen=True, slots=True)
class StartClosing:
    """Play the closing tone."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Give the caller back to the PBX. ``wanted`` is False when the caller asked for no note."""

    wanted: bool = True


Effect = StartTone | StartNote | Append | DiscardNote | MarkUrgent | FinishNote | StartClosing | GiveBack
