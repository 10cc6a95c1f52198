"""A manager interface that fails on purpose, in every way in which a real one can.

The bridge's connection is tried on the real Asterisk elsewhere (tests/pbx/test_manager.py); this one is for
what a real one cannot be made to do at the right moment.
"""

import asyncio
import hashlib
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bridge.config import Address
from bridge.wire.ami import Fields, Message, Parser

USER, SECRET = "aftertone", "correct horse battery staple"
CHALLENGE = "123456789"
BOOTED = [("Event", "FullyBooted"), ("Privilege", "system,all"), ("Status", "Fully Booted")]


def packed(fields: Fields) -> bytes:
    """Return one message of the PBX."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n"


class Session:
    """One connection as the PBX sees it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def tell(self, fields: Fields) -> None:
        """Send an event or another message."""
        self.send(packed(fields))

    def answer(self, action: Message, *fields: tuple[str, str], response: str = "Success") -> None:
        self.tell([("Response", response), ("ActionID", action.get("ActionID")), *fields])

    def reset(self) -> None:
        """End the connection with RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Rule = Callable[[Session, Message], bool]
"""What is done with an action; True when nothing more is to be done with it."""


class FakePbx:
    """An asynchronous context manager on a free port. ``rule`` sees each action first."""

    def __init__(self, rule: Rule = lambda session, action: False) -> None:
        self.rule = rule
        self.greeting = b"Asterisk Call Manager/11.0.0\r\n"
        self.booted = True
        self.actions: list[Message] = []
        self.heard = b""
        self.sessions: list[Session] = []
        self.logins = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and end every connection."""
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.writer.close()
        await self._server.wait_closed()

    async def until(self, what: Callable[[], bool], deadline_s: float = 10.0) -> None:
        """Wait for something that an action or a login brings about; raises TimeoutError."""
        async with asyncio.timeout(deadline_s), self._changed:
            await self._changed.wait_for(what)

    def named(self, name: str) -> list[Message]:
        """Return the actions of that name so far."""
        return [action for action in self.actions if action.get("Action") == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer)
        self.sessions.append(session)
        session.send(self.greeting)
        parser = Parser(greeted=False)
        try:
            while data := await reader.read(65_536):
                self.heard += data
                for action in parser.feed(data):
                    self.actions.append(action)
                    if not self.rule(session, action):
                        self._obey(session, action)
                    async with self._changed:
                        self._changed.notify_all()
        except ConnectionError:
            pass  # what a test does to a connection is its own affair
        finally:
            writer.close()

    def _obey(self, session: Session, action: Message) -> None:
        """Answer as Asterisk does."""
        name = action.get("Action")
        if name == "Challenge":
            session.answer(action, ("Challenge", CHALLENGE))
        elif name == "Login":
            self._let_in(session, action)
        elif name == "Ping":
            session.answer(action, ("Ping", "Pong"))
        else:
            session.answer(action, ("Message", "Invalid/unknown command: x."), response="Error")

    def _let_in(self, session: Session, action: Message) -> None:
        key = hashlib.md5((CHALLENGE + SECRET).encode(), usedforsecurity=False).hexdigest()
        if (action.get("Username"), action.get("Key")) != (USER, key):
            session.answer(action, ("Message", "Authentication failed"), response="Error")
            session.writer.close()
            return
        self.logins += 1
        session.answer(action, ("Message", "Authentication accepted"))
        if self.booted:
            session.tell(BOOTED)
