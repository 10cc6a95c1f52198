"""News between the parts of one process: publish to many, ask one.

``publish`` never waits: each listener has a bounded queue; when it is full the oldest is dropped and the
listener is told so, and a page then fetches its list again. Who has news never fails by who hears them.
``ask`` hands a command to whoever answers that
kind and waits for its result until a deadline.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from bridge.errors import Refused, StoreError

log = logging.getLogger("aftertone.events")

QUEUE = 64
"""Events kept for a slow listener. A page needs none of the past once it refetches, so little is enough."""


@dataclass(frozen=True, slots=True)
class News:
    """Something changed. ``mailbox_id`` says who may know; ``row_id`` what to fetch again.

    ``kind``: ``row`` (a row is new or changed), ``status`` (the bridge's own state), ``missed`` (this
    listener was too slow: fetch everything again), ``full`` (this listener gives way to another).
    """

    kind: str
    mailbox_id: str | None = None
    row_id: str | None = None


class Listener:
    """One subscriber's queue."""

    def __init__(self, wanted: Callable[[News], bool]) -> None:
        self._wanted = wanted
        self._queue: dict[News, None] = {}
        self._overrun = False
        self._ready = asyncio.Event()
        self._closed = False

    def offer(self, news: News) -> None:
        """Take one piece of news if it is wanted; drop the oldest when full.

        What already waits to be heard is not told twice: who hears it looks anew in any case.
        """
        if self._closed or news in self._queue:
            return
        try:
            if not self._wanted(news):
                return
        except StoreError as error:
            # Whether it may know cannot be found out now: it is told of nothing but that it missed something.
            log.error("a listener could not be told: %s", error)
            self._overrun = True
            self._ready.set()
            return
        if len(self._queue) >= QUEUE:
            del self._queue[next(iter(self._queue))]
            self._overrun = True
        self._queue[news] = None
        self._ready.set()

    def close(self) -> None:
        """End the stream after what is queued."""
        self._closed = True
        self._ready.set()

    def waiting(self) -> list[News]:
        """Take everything that waits to be heard, without waiting for more."""
        news = [News("missed")] if self._overrun else list(self._queue)
        self._overrun = False
        self._queue.clear()
        return news

    async def __aiter__(self) -> AsyncIterator[News]:
        """Yield news until closed."""
        while True:
            if self._overrun:
                yield self.waiting()[0]
            elif self._queue:
                news = next(iter(self._queue))
                del self._queue[news]
                yield news
            elif self._closed:
                return
            else:
                self._ready.clear()
                await self._ready.wait()


class Events:
    """The one board of a process."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._ended = False
        self._answers: dict[str, Callable[[object], Awaitable[object]]] = {}

    def publish(self, news: News) -> None:
        """Tell everybody who wants it; never blocks."""
        for listener in tuple(self._listeners):
            listener.offer(news)

    def listen(self, wanted: Callable[[News], bool]) -> Listener:
        """Subscribe; give it back with ``leave``."""
        listener = Listener(wanted)
        if self._ended:
            listener.close()
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Unsubscribe; unknown listeners are ignored."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream; who asks again gets a new one."""
        for listener in tuple(self._listeners):
            listener.close()

    def end(self) -> None:
        """End every stream, also those to come: a page that asks again at once must not delay the stop."""
        self._ended = True
        self.close()

    def answer(self, kind: str, handler: Callable[[object], Awaitable[object]]) -> None:
        """Name the one who carries out commands of this kind."""
        if kind in self._answers:
            raise ValueError(f"two answer for {kind}")
        self._answers[kind] = handler

    async def ask(self, kind: str, command: object, deadline_s: float) -> object:
        """Have a command carried out.

        Raises Refused("not available") when nobody answers that kind here, Refused("no answer in time") after
        ``deadline_s`` seconds; the handler's own errors come through.
        """
        handler = self._answers.get(kind)
        if handler is None:
            raise Refused("not available", user="This server cannot do that.")
        try:
            async with asyncio.timeout(deadline_s):
                return await handler(command)
        except TimeoutError:
            raise Refused("no answer in time", user="The telephone system did not answer in time.") from None
