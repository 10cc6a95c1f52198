"""GET events: what changed, as it changes (server-sent events)."""

from functools import lru_cache

from fastapi import Response
from fastapi.responses import StreamingResponse

from bridge.events import QUEUE, News
from web.answers import ApiError
from web.auth import Caller, Who, readable
from web.house import Here, House
from web.streams import FULL, event

AGAIN_S = 15.0
"""Seconds after which a stream looks anew whose rows it may tell of, for changes made by another process."""


async def events(who: Who, house: Here) -> Response:
    """Stream ``row`` {row_id, mailbox_id}, ``status`` {recording, pbx} and ``missed`` {}, each as it happens.

    ``full`` {} is the last of a stream that gives way to a newer one of this user: ask now and then instead.
    News of a mailbox reach only who may see its rows at that moment. The stream ends with its session.
    """
    if house.streams.full:
        raise ApiError(503, "too many streams", "Too many pages are open.", {"Retry-After": "30"})

    mine = _Mine(house, who)

    def wanted(news: News) -> bool:
        return news.mailbox_id is None or mine.has(news.mailbox_id)

    def alive() -> bool:
        return house.store.sessions.user(who.token) is not None

    def told(news: News) -> bytes:
        if news.kind == "status":
            return event("status", {"recording": house.recording(), "pbx": house.pbx()})
        return _told_to_all(news)

    stream = house.streams.begin(who.user.id, who.token, wanted)
    return StreamingResponse(
        house.streams.body(stream, alive, told),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},  # nginx would hold events back otherwise
    )


@lru_cache(maxsize=QUEUE)
def _told_to_all(news: News) -> bytes:
    """Return an event that is the same on every stream; hundreds may hear it at once."""
    if news.kind == "row" and news.row_id is not None:
        return event("row", {"row_id": news.row_id, "mailbox_id": news.mailbox_id})
    if news == FULL:
        return event("full", {})
    return event("missed", {})  # also for a mailbox as a whole: fetch everything again


class _Mine:
    """The mailboxes of one stream. Hundreds of callers may hang up at once while hundreds of pages listen, so
    a piece of news costs no query."""

    def __init__(self, house: House, who: Caller) -> None:
        self._house, self._who = house, who
        self._ids: frozenset[str] = frozenset()
        self._seen: tuple[int, float] | None = None

    def has(self, mailbox_id: str) -> bool:
        """Whether news of a mailbox may be told."""
        memberships, now = self._house.streams.memberships, self._house.clock()
        if self._seen is None or self._seen[0] != memberships or now - self._seen[1] > AGAIN_S:
            self._ids = frozenset(readable(self._house, self._who))
            self._seen = memberships, now
        return mailbox_id in self._ids
