"""What is known of this machine, this data folder and the PBX. None stands for what could not be seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.config import Settings
from bridge.control.ami import State
from bridge.store.survey import Survey


@dataclass(frozen=True, slots=True)
class Certificate:
    """TLS_CERT. ``fault``: why it and TLS_KEY cannot be used, else empty. ``names`` are hosts and addresses,
    in lower case."""

    fault: str = ""
    names: tuple[str, ...] = ()
    begins_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """The data folder. ``mode`` and ``owner`` are those of stat(2), ``fault`` says why the database cannot be
    read, ``needed`` is the database's version of this program."""

    exists: bool
    mode: int = 0o700
    owner: int = 0
    fault: str = ""
    survey: Survey | None = None
    needed: int = 0
    has_secret: bool = True
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """``swaps``: areas that are not known to be encrypted. ``may_swap``: False where the service's cgroup has
    no swap. ``core_limit``: bytes of a core dump of the serving process (of ours when none serves)."""

    now: datetime
    user: int
    swaps: tuple[str, ...] = ()
    may_swap: bool | None = None
    core_limit: int = 0
    open_files: tuple[str, ...] = ()
    spool_fault: str = ""


class Serving(StrEnum):
    """Who answers at HTTP. ``STRANGER``: not an inbox."""

    NOBODY = "nobody"
    STARTING = "starting"
    READY = "ready"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Service:
    """``locked``: a process serves the data folder. The rest is what the service itself says at /health."""

    locked: bool
    http: Serving
    recording: bool | None = None
    pbx: State | None = None


class Dialplan(StrEnum):
    """Which dialplan the PBX has. ``OLD``: one from before there were questions."""

    OURS = "ours"
    OTHER = "other"
    OLD = "old"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Pbx:
    """What AMI and the dialplan's questions told. ``may``: the actions that our user may do, with the classes
    of rights that allow each (none: everybody's). ``overheard``: events of calls that reached us.
    ``clock_off_s``: how far the PBX's clock goes ahead of ours, in seconds. ``journal``: calls are kept there
    for us. ``lamp``: the way by which a lamp could be set, empty for none. ``dials``: a number, and where it
    can be dialled."""

    state: State
    why: str = ""
    may: Mapping[str, frozenset[str]] | None = None
    booted: bool | None = None
    overheard: tuple[str, ...] = ()
    dialplan: Dialplan | None = None
    modules: Mapping[str, bool] = field(default_factory=dict)
    version: int | None = None
    clock_off_s: int | None = None
    same_zone: bool | None = None
    offers: bool | None = None
    sound: bool | None = None
    dangerous: bool | None = None
    sentence: bool | None = None
    journal: bool | None = None
    lamp: str | None = None
    dials: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is looked at."""

    settings: Settings
    unknown: tuple[str, ...]
    data: Data
    machine: Machine
    service: Service
    certificate: Certificate | None
    pbx: Pbx
