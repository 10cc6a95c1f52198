"""What every route may reach: one object per app, found in ``request.app.state.house``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from bridge.config import Settings
from bridge.events import Events
from bridge.intake.uploads import Uploads
from bridge.store import Store
from web.ceremonies import Ceremonies
from web.limits import Limits
from web.origin import Origin
from web.pages import Pages
from web.statics import Statics
from web.streams import Streams
from web.told import Pbx


@dataclass(frozen=True, slots=True)
class House:
    """The parts of one web app. ``clock`` gives monotonic seconds; only limits and deadlines use it."""

    store: Store
    events: Events
    settings: Settings
    recording: Callable[[], bool]
    ready: Callable[[], bool]
    pbx: Callable[[], Pbx]
    version: str
    pages: Pages
    statics: Statics
    limits: Limits
    ceremonies: Ceremonies
    streams: Streams
    uploads: Uploads
    clock: Callable[[], float]


def _house(request: Request) -> House:
    found: House = request.app.state.house
    return found


def _origin(request: Request) -> Origin:
    found: Origin = request.state.origin
    return found


Here = Annotated[House, Depends(_house)]
"""A route's parameter: the house it serves."""

From = Annotated[Origin, Depends(_origin)]
"""A route's parameter: how the client reached us."""
