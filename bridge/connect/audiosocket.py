"""The AudioSocket server: a connection names an accepted offer with its first message and becomes a Leg."""

import asyncio
import logging
import socket
import uuid
from collections.abc import Awaitable, Callable, Sequence

from bridge.call.model import Leg
from bridge.config import Network
from bridge.connect.door import FIRST_WORD_S, Door, is_peer, listen
from bridge.connect.leg import AudioSocketLeg
from bridge.connect.offers import Offers
from bridge.connect.pulse import Pulse
from bridge.wire.audiosocket import Parser

log = logging.getLogger("aftertone.audiosocket")

ACCEPTS = 64
"""Connections taken at once before the loop may do other work."""

FIRST_READ = 4096

PAUSE_S = 1.0
"""Rest after the system could not give us another connection."""

CLOSE_S = 1.0
"""How long an orderly stop waits for the PBX to close the connections of calls that were given back."""


class _Stranger:
    """A connection whose first message has not come."""

    def __init__(self, sock: socket.socket, late: Callable[["_Stranger"], None]) -> None:
        self.sock = sock
        self.parser = Parser()
        self.timer = asyncio.get_running_loop().call_later(FIRST_WORD_S, late, self)


class AudioSocketServer:
    """Takes connections and hands each named one to ``answer``, which runs the session and says whether a
    note was kept. ``peers`` is the allow-list. Raises SettingError when it cannot listen."""

    def __init__(
        self,
        host: str,
        port: int,
        peers: Sequence[Network],
        offers: Offers,
        answer: Callable[[Leg], Awaitable[bool]],
    ) -> None:
        self._peers = peers
        self._offers = offers
        self._answer = answer
        self._pulse = Pulse()
        self._door: Door[_Stranger] = Door(lambda stranger: self._drop(stranger, "too many are silent"))
        self._sessions: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._listener = listen("AFTERTONE_AUDIOSOCKET", host, port)
        self._loop.add_reader(self._listener, self._accept)

    @property
    def port(self) -> int:
        """The port we listen on."""
        return int(self._listener.getsockname()[1])

    async def close(self) -> None:
        """Take no more connections and end the sessions that still run; each finishes its note."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._door.close()
        for session in tuple(self._sessions):
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._pulse.close(CLOSE_S)

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            sock.setblocking(False)
            if not is_peer(address[0], self._peers):
                log.warning("connection closed: its address is not in PEERS")
                sock.close()
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stranger = _Stranger(sock, self._late)
            self._door.enter(stranger)
            self._loop.add_reader(sock, self._hear, stranger)

    def _pause(self, error: OSError) -> None:
        """Out of files, as a rule: wait until those in the door have left, and do not fill the log."""
        log.error("connections cannot be taken for %g s: %s", PAUSE_S, error.strerror)
        self._loop.remove_reader(self._listener)
        self._loop.call_later(PAUSE_S, self._resume)

    def _resume(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _late(self, stranger: _Stranger) -> None:
        self._drop(stranger, "it did not name its call in time")

    def _drop(self, stranger: _Stranger, why: str) -> None:
        log.warning("connection closed: %s", why)
        self._part(stranger)
        stranger.sock.close()

    def _part(self, stranger: _Stranger) -> None:
        stranger.timer.cancel()
        self._door.leave(stranger)
        self._loop.remove_reader(stranger.sock)

    def _hear(self, stranger: _Stranger) -> None:
        """Read the first message and, when it names an offer, make the connection a leg."""
        try:
            data = stranger.sock.recv(FIRST_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        messages = stranger.parser.feed(data)
        if not data:
            self._drop(stranger, "it ended before it named its call")
        elif not messages and stranger.parser.fault is not None:
            self._drop(stranger, str(stranger.parser.fault))
        elif messages:
            ticket = messages[0].payload
            call = self._offers.claim(ticket)
            if call is None:
                self._drop(stranger, "an unknown, used or expired id")
                return
            self._part(stranger)
            leg = AudioSocketLeg(
                stranger.sock,
                stranger.parser,
                call,
                self._pulse,
                lambda kept: self._offers.settle(ticket, kept),
            )
            leg.take(messages[1:])
            task = self._loop.create_task(self._run(leg, ticket), name=f"call {uuid.UUID(bytes=ticket)}")
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)

    async def _run(self, leg: AudioSocketLeg, ticket: bytes) -> None:
        kept = False
        try:
            kept = await self._answer(leg)
        except Exception:
            log.exception("a session failed; its caller goes to the fallback")
        finally:
            self._offers.settle(ticket, kept)
            await leg.hang_up(kept)
