"""Open event streams: how many each user may hold, and how they end with their session."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.events import Events, Listener, News

PER_USER = 8
"""Streams of one user. A browser holds one for all its tabs, so this is eight devices. The oldest gives way
to a ninth: it is mostly a telephone that changed its network and left a dead connection behind."""

MOST = 2000
"""Streams of the process: each has a socket and a small queue; callers need descriptors too."""

PING_S = 15.0
"""Seconds between comments on a quiet stream: below the 30 to 60 s after which proxies give up."""

GATHER_S = 0.2
"""Seconds between two writes to one stream. News on a quiet stream are told at once; what follows closely (a
house where 20 callers hang up every second) is told together, each row once."""

RETRY_MS = 2000
"""How long a browser waits before it connects again by itself."""

FULL = News("full")
"""To a stream that gives way: who came back at once would push out the next, and so on for ever."""


@dataclass(eq=False, slots=True)
class Stream:
    """One listener of one session."""

    user_id: str
    token: str = field(repr=False)
    listener: Listener


class Streams:
    """All open streams of one app, oldest first."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._open: dict[Stream, None] = {}
        self.memberships = 0
        """Counted up by every route that changes who may read what: streams then look again."""

    @property
    def full(self) -> bool:
        """Whether the process has as many as it can hold."""
        return len(self._open) >= MOST

    def begin(self, user_id: str, token: str, wanted: Callable[[News], bool]) -> Stream:
        """Open a stream; a user's oldest ends when he has too many, and is told that this is why."""
        mine = [stream for stream in self._open if stream.user_id == user_id]
        for stream in mine[: max(0, len(mine) + 1 - PER_USER)]:
            stream.listener.offer(FULL)
            self.end(stream)
        stream = Stream(user_id, token, self._events.listen(wanted))
        self._open[stream] = None
        return stream

    def end(self, stream: Stream) -> None:
        """Close one stream; ended ones are ignored."""
        stream.listener.close()
        self._events.leave(stream.listener)
        self._open.pop(stream, None)

    def end_session(self, token: str) -> None:
        """Close every stream of a session that is over."""
        for stream in [stream for stream in self._open if stream.token == token]:
            self.end(stream)

    def end_others(self, user_id: str, token: str) -> None:
        """Close every stream of a user but those of one session."""
        for stream in list(self._open):
            if stream.user_id == user_id and stream.token != token:
                self.end(stream)

    def tell(self, user_id: str, news: News) -> None:
        """Tell one user alone."""
        for stream in self._open:
            if stream.user_id == user_id:
                stream.listener.offer(news)

    def count(self, user_id: str) -> int:
        """Return how many streams a user holds."""
        return sum(stream.user_id == user_id for stream in self._open)

    async def body(
        self, stream: Stream, alive: Callable[[], bool], told: Callable[[News], bytes]
    ) -> AsyncIterator[bytes]:
        """Yield the stream as text/event-stream (HTML standard, section 9.2) until it ends.

        ``alive`` is asked every PING_S, however much there is to tell: a session may have run out. ``told``
        makes an ``event`` of News.
        """
        news = aiter(stream.listener)
        waiting: asyncio.Task[News] | None = None
        now = asyncio.get_running_loop().time
        ask_at = now() + PING_S
        write_at = 0.0
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            yield told(News("status"))
            while True:
                if waiting is None:
                    waiting = asyncio.ensure_future(_next(news))
                await asyncio.wait({waiting}, timeout=max(0.0, ask_at - now()))
                if not waiting.done() or now() >= ask_at:
                    if not alive():
                        return
                    ask_at = now() + PING_S
                if not waiting.done():
                    yield b": ping\n\n"
                    continue
                try:
                    piece = waiting.result()
                except StopAsyncIteration:
                    return
                waiting = None
                await asyncio.sleep(max(0.0, write_at - now()))
                write_at = now() + GATHER_S
                yield b"".join(map(told, dict.fromkeys([piece, *stream.listener.waiting()])))
        finally:
            if waiting is not None:
                waiting.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await waiting
            self.end(stream)


async def _next(news: AsyncIterator[News]) -> News:
    return await anext(news)


def event(kind: str, data: dict[str, object]) -> bytes:
    """Return one event; ``kind`` is a word of ours and JSON has no line breaks."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
