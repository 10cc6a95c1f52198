"""The FastAGI server: the dialplan offers a call, tells of one that is gone, asks what became of a note, or
(``aftertone check``) whether we are there."""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from bridge.call.model import Call, Desk
from bridge.config import ANYWHERE, Network
from bridge.connect import journal
from bridge.connect.door import FIRST_WORD_S, Door, is_peer, listen
from bridge.connect.offer import VERSION, call_of
from bridge.connect.offers import Offers
from bridge.errors import BadFrame, PeerError, StoreError
from bridge.wire.agi import Reply, ReplyParser, Request, RequestParser, set_variable

log = logging.getLogger("aftertone.agi")

REPLY_S = 3.0
"""Seconds in which Asterisk must carry out one command."""

ANSWERING = 512
"""Requests answered at once; each call has one for milliseconds, or for 2 s while its note is finished."""


NOBODY = uuid.UUID(int=0)


class _Connection(asyncio.Protocol):
    """One request and its answer."""

    def __init__(self, server: "AgiServer") -> None:
        self._server = server
        self._request = RequestParser()
        self._replies: ReplyParser | None = None
        self._reply: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = False
        self.here = self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.here = transport.get_extra_info("sockname")[0]
        self.peer = transport.get_extra_info("peername")[0]
        if not is_peer(self.peer, self._server.peers):
            self.drop("its address is not in PEERS")
            return
        self._server.door.enter(self)
        self._timer = asyncio.get_running_loop().call_later(FIRST_WORD_S, self.drop, "no request in time")

    def data_received(self, data: bytes) -> None:
        if self._replies is not None:
            self._hear(self._replies, data)
            return
        request = self._request.feed(data)
        if self._request.fault is not None:
            self.drop(str(self._request.fault))
        elif request is not None:
            self._replies = ReplyParser()
            self._leave_door()
            self._server.begin(self, request)

    def connection_lost(self, error: Exception | None) -> None:
        if self._replies is None and not self._dropped:
            log.warning("connection closed: it ended before its request")
        self._leave_door()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(BadFrame("the connection ended before the answer was taken"))

    async def set(self, name: str, value: str) -> None:
        """Set a channel variable. Raises BadFrame as ``ask`` does."""
        await self.ask(set_variable(name, value))

    async def ask(self, command: bytes) -> Reply:
        """Have a command carried out; one at a time. Raises BadFrame when Asterisk does not do it in REPLY_S
        seconds."""
        if self._transport.is_closing() or self._replies is None:
            raise BadFrame("the connection ended before the answer was given")
        self._reply = asyncio.get_running_loop().create_future()
        self._replies.begin()
        self._transport.write(command)
        try:
            async with asyncio.timeout(REPLY_S):
                reply = await self._reply
        except TimeoutError:
            raise BadFrame("an answer was not taken in time") from None
        if reply.code != 200:
            raise BadFrame(f"an answer was refused with {reply.code}")
        return reply

    def drop(self, why: str) -> None:
        """Close with one log line."""
        log.warning("connection closed: %s", why)
        self._dropped = True
        self._leave_door()
        self._transport.abort()

    def close(self) -> None:
        """Close after what was written."""
        self._transport.close()

    def _hear(self, replies: ReplyParser, data: bytes) -> None:
        heard = replies.feed(data)
        if self._reply is None or self._reply.done():
            return
        if heard:
            self._reply.set_result(heard[0])
        elif replies.fault is not None:
            self._reply.set_exception(replies.fault)

    def _leave_door(self) -> None:
        self._server.door.leave(self)
        if self._timer is not None:
            self._timer.cancel()


class AgiServer:
    """Answers requests with the help of a Desk. ``audiosocket`` is host and port at which the PBX shall bring
    the sound; where the host is a wildcard, the address at which the PBX reached us counts instead. ``kept``
    takes the calls that the PBX kept while we were away.
    """

    def __init__(
        self,
        peers: Sequence[Network],
        offers: Offers,
        desk: Desk,
        audiosocket: tuple[str, int],
        kept: journal.Journal | None = None,
    ) -> None:
        self.peers = peers
        self.door: Door[_Connection] = Door(lambda connection: connection.drop("too many are silent"))
        self._offers = offers
        self._desk = desk
        self._audiosocket = audiosocket
        self._kept = kept
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port. Raises SettingError."""
        sock = listen("AFTERTONE_AGI", host, port)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Connection(self), sock=sock)
        return int(sock.getsockname()[1])

    async def close(self) -> None:
        """Take no more requests and end those that run."""
        self._listener.close()
        self.door.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, connection: _Connection, request: Request) -> None:
        """Answer one request in a task of its own."""
        if len(self._tasks) >= ANSWERING:
            connection.drop("too many requests at once")
            return
        task = asyncio.get_running_loop().create_task(self._answer(connection, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: _Connection, request: Request) -> None:
        try:
            await self._carry_out(connection, request)
        except (PeerError, StoreError) as error:
            log.warning("connection closed: %s", error)
        except Exception:
            log.exception("a request failed; its caller goes to the fallback")
        else:
            return
        finally:
            connection.close()
        if self._kept is not None and request.script in ("offer", "gone"):
            self._kept.broke()

    async def _carry_out(self, connection: _Connection, request: Request) -> None:
        if request.script == "offer":
            await self._offer(connection, request)
        elif request.script == "gone":
            if await self._desk.missed(call_of(request, connection.peer, datetime.now(UTC))):
                await connection.set("AFTERTONE_TOLD", "yes")
        elif request.script == "result":
            await self._result(connection, request)
        elif request.script == "journal" and self._kept is not None:
            await self._kept.read(connection, connection.peer)
        elif request.script == "check":
            # Nobody's call: where the sound would go, with an id that no offer has.
            await connection.set("AFTERTONE_ANSWER", f"check,{NOBODY},{self._sound_at(connection)}")
        else:
            raise BadFrame("a request that we do not know")

    async def _offer(self, connection: _Connection, request: Request) -> None:
        call = call_of(request, connection.peer, datetime.now(UTC))
        await self._reply(connection, call, recording=await self._desk.offered(call))
        if self._kept is not None and self._kept.is_due() and not await journal.begin(connection):
            self._kept.cannot(
                "the PBX has no Originate (app_originate.so), and AFTERTONE_AMI_USER is not set"
            )

    async def _reply(self, connection: _Connection, call: Call, *, recording: bool) -> None:
        if not recording:
            await connection.set("AFTERTONE_ANSWER", "decline")
            return
        # One variable, so that a connection that breaks leaves no half an answer; and every command of a
        # FastAGI server is a round trip that both sides pay for.
        sound_at = self._sound_at(connection)
        await connection.set("AFTERTONE_ANSWER", f"record,{self._offers.expect(call)},{sound_at}")

    def _sound_at(self, connection: _Connection) -> str:
        host, port = self._audiosocket
        if host in ("", *ANYWHERE):
            host = connection.here
        host = f"[{host}]" if ":" in host else host
        return f"{host}:{port}"

    async def _result(self, connection: _Connection, request: Request) -> None:
        version, ticket = (*request.args, "", "")[:2]
        if version != VERSION:
            raise BadFrame("a request of another version")
        try:
            asked = uuid.UUID(ticket).bytes
        except ValueError:
            raise BadFrame("an id that is none") from None
        kept = await self._offers.outcome(asked)
        await connection.set("AFTERTONE_KEPT", "yes" if kept else "no")
        self._offers.told(asked)
