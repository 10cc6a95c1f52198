"""One connection to the manager interface, from greeting to end: actions out, answers and events in."""

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.config import Address
from bridge.errors import PbxAway, PbxRefused, TooMuch
from bridge.wire.ami import Fields, Message, Parser, action

CONNECT_S = 5.0
"""Until TCP, TLS and the greeting are there."""

READ = 64 * 1024

WAITING = 256
"""Actions without an answer yet: 100 lamps at once, with room. Asterisk answers them one after the other."""

UNSENT = 256 * 1024
"""Bytes that a PBX which does not read is kept; the connection is then as good as dead."""

ITEMS = 10_000
"""Events of one list: a PBX has some thousands of endpoints."""


@dataclass(slots=True)
class _Waiting:
    """Who waits for the answer to one action; ``items`` of a list, None where one response is all."""

    answer: asyncio.Future[Message]
    items: list[Message] | None = None
    begun: bool = field(default=False)


class Link:
    """Made by ``connect``. Once it is over every waiting and every later ``ask`` raises PbxAway.

    ``answers`` counts the responses that came, also those that nobody waited for any more.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Callable[[Message], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._hear = hear
        self._parser = Parser()
        self._waiting: dict[str, _Waiting] = {}
        # nobody who can put text into an event can guess an id, and no id comes again after a reconnect
        self._prefix = secrets.token_hex(8)
        self._count = 0
        self.answers = 0
        self._why: str | None = None
        self._greeted = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())

    async def greeted(self) -> None:
        """Wait for the greeting; raises PbxAway when something else comes or the connection ends."""
        await asyncio.shield(self._greeted)

    async def over(self, wait_s: float) -> bool:
        """Wait for the end at most so long; say whether it came."""
        await asyncio.wait({self._listening}, timeout=wait_s)
        return self._listening.done()

    @property
    def end(self) -> PbxAway:
        """Why it is over, as an error to raise."""
        return PbxAway(self._why or "the connection was closed")

    async def ask(self, name: str, fields: Fields, deadline_s: float) -> Message:
        """Send an action, return its response.

        Raises PbxAway at the connection's end or after the deadline, PbxRefused when the PBX says no, TooMuch
        when WAITING others wait, ValueError for what cannot be sent (``bridge.wire.ami.action``).
        """
        return await self._ask(name, fields, deadline_s)

    async def ping(self, deadline_s: float) -> None:
        """Have the PBX show that it is there. Raises PbxAway and PbxRefused as ``ask`` does; there is always
        room for the one ping at a time, however many others wait."""
        await self._ask("Ping", (), deadline_s, most=WAITING + 1)

    async def ask_list(self, name: str, fields: Fields, deadline_s: float) -> list[Message]:
        """Send an action that is answered by a list of events; return them without the closing one.

        Raises as ``ask`` does; a list that does not come to its end is none: PbxAway.
        """
        items: list[Message] = []
        await self._ask(name, fields, deadline_s, items)
        return items

    async def close(self) -> None:
        """End it now, whatever the other side does."""
        self._finish("we closed the connection")
        self._listening.cancel()
        await asyncio.wait({self._listening})
        self._writer.transport.abort()

    async def _ask(
        self,
        name: str,
        fields: Fields,
        deadline_s: float,
        items: list[Message] | None = None,
        most: int = WAITING,
    ) -> Message:
        fields = list(fields)
        if any(key.casefold() == "actionid" for key, _ in fields):
            raise ValueError("the id of an action is not for its caller to choose")
        self._count += 1
        action_id = f"{self._prefix}-{self._count}"
        data = action(name, [("ActionID", action_id), *fields])
        if self._why is not None:
            raise self.end
        if len(self._waiting) >= most:
            raise TooMuch("too many actions wait for the PBX")
        if self._writer.transport.get_write_buffer_size() > UNSENT:
            self._finish("the PBX does not read")
            raise self.end
        waiting = _Waiting(asyncio.get_running_loop().create_future(), items)
        self._waiting[action_id] = waiting
        try:
            async with asyncio.timeout(deadline_s):
                self._writer.write(data)
                return await waiting.answer
        except TimeoutError:
            raise PbxAway(f"no answer to {name} in {deadline_s:g} s") from None
        finally:
            self._waiting.pop(action_id, None)

    async def _listen(self) -> None:
        why = "the PBX closed the connection"
        try:
            while data := await self._reader.read(READ):
                for message in self._parser.feed(data):
                    self._take(message)
                if self._parser.greeting is not None and not self._greeted.done():
                    self._greeted.set_result(None)
                if self._parser.fault is not None:
                    why = str(self._parser.fault)
                    break
        except (OSError, ssl.SSLError):
            why = "the connection broke"
        finally:
            self._finish(why)

    def _finish(self, why: str) -> None:
        if self._why is not None:
            return
        self._why = why
        for future in [self._greeted, *(waiting.answer for waiting in self._waiting.values())]:
            if not future.done():
                future.set_exception(self.end)
        if not self._greeted.cancelled():
            self._greeted.exception()  # nobody may be waiting for it any more
        self._writer.transport.abort()

    def _take(self, message: Message) -> None:
        waiting = self._waiting.get(message.get("ActionID"))
        if message.kind == "response":
            self.answers += 1
            # an answer to nobody is late, or to nothing we asked
            if waiting is not None and not waiting.answer.done() and not waiting.begun:
                self._respond(waiting, message)
        elif message.kind == "event":
            if waiting is not None and waiting.begun and not waiting.answer.done():
                self._collect(waiting, message)
            else:
                self._hear(message)

    def _respond(self, waiting: _Waiting, message: Message) -> None:
        if message.get("Response") not in ("Success", "Goodbye"):
            waiting.answer.set_exception(PbxRefused(message.get("Message")))
        elif waiting.items is None:
            waiting.answer.set_result(message)
        elif message.get("EventList").casefold() == "start":
            waiting.begun = True
        else:
            waiting.answer.set_exception(PbxRefused("that is not a list"))

    def _collect(self, waiting: _Waiting, message: Message) -> None:
        assert waiting.items is not None  # noqa: S101
        progress = message.get("EventList").casefold()
        if progress == "complete":
            waiting.answer.set_result(message)
        elif progress:
            waiting.answer.set_exception(PbxRefused("the list was cancelled"))
        elif len(waiting.items) >= ITEMS:
            waiting.answer.set_exception(TooMuch("a list is longer than allowed"))
        else:
            waiting.items.append(message)


async def connect(address: Address, tls: ssl.SSLContext | None, hear: Callable[[Message], None]) -> Link:
    """Return a connection that has been greeted; ``hear`` is told every event that belongs to no list.

    Raises PbxAway when there is none within CONNECT_S, ssl.SSLCertVerificationError when the PBX is not who
    it should be.
    """
    link: Link | None = None
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls, limit=READ)
            link = Link(reader, writer, hear)
            await link.greeted()
            return link
    except BaseException as error:
        if link is not None:
            await link.close()
        if isinstance(error, ssl.SSLCertVerificationError | PbxAway):
            raise
        if isinstance(error, ssl.SSLError):
            raise PbxAway("it does not speak TLS") from None
        if isinstance(error, TimeoutError):
            raise PbxAway(f"no greeting in {CONNECT_S:g} s") from None
        if isinstance(error, OSError | UnicodeError):  # a host name may be none at all
            raise PbxAway("nobody answers there") from None
        raise
