"""A telephone for tests: registers, rings or refuses by script, calls with any name and header, hears all.
Its lamp shows what the PBX says.

It speaks to one Asterisk on loopback over UDP and lets tests look at every packet. Not a SIP stack: what a
real network does (loss, retransmission of our own requests) is left to the PBX.
"""

import asyncio
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.pbx.rtp import RtpPort
from tests.pbx.sipcall import PATIENCE_S, Call, Script
from tests.pbx.sipmessage import Message, credentials, reply
from tests.pbx.summary import Summary

__all__ = ["Call", "Phone", "Script"]


class Phone(asyncio.DatagramProtocol):
    """One telephone on a UDP port of its own, an asynchronous context manager. ``port``: the PBX's SIP.

    ``summaries`` are those of its lamp, the newest of which came at ``told_at`` of the loop's clock.
    """

    def __init__(self, port: int, user: str, password: str = "") -> None:
        self.user = user
        self.script = Script()
        self.calls: list[Call] = []
        self.summaries: list[Summary] = []
        self.told_at = 0.0
        self.port = 0
        self._pbx = ("127.0.0.1", port)
        self._password = password
        self._transport: asyncio.DatagramTransport | None = None
        self._by_id: dict[str, Call] = {}
        self._sent: dict[tuple[str, str], bytes] = {}
        self._replies: asyncio.Queue[Message] = asyncio.Queue(100)
        self._tasks: set[asyncio.Task[None]] = set()
        self._rung = asyncio.Condition()
        self._told = asyncio.Condition()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self.calls:
            call.rtp.close()
        if self._transport is not None:
            self._transport.close()

    @property
    def contact(self) -> str:
        """Where the PBX reaches this telephone."""
        return f"<sip:{self.user}@127.0.0.1:{self.port}>"

    def via(self) -> str:
        """A Via line for a new transaction."""
        return f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport"

    def credentials(self, challenge: str, method: str, uri: str) -> str:
        """Answer a digest challenge with this telephone's password."""
        return credentials(challenge, method, uri, self.user, self._password)

    def send(self, message: Message) -> None:
        """Send one message; the last response of each transaction is kept for repeated requests."""
        data = message.bytes()
        if message.status is not None:
            self._sent[message.branch, message.method] = data
        if self._transport is not None:
            self._transport.sendto(data, self._pbx)

    def forget(self, call: Call) -> None:
        """Answer nothing more about a call."""
        self._by_id.pop(call.call_id, None)

    async def rung(self, times: int = 1, deadline_s: float = PATIENCE_S) -> None:
        """Wait until so many calls have come in; raises TimeoutError."""
        async with asyncio.timeout(deadline_s), self._rung:
            await self._rung.wait_for(lambda: len(self.calls) >= times)

    async def lamp(self, new: int, old: int, deadline_s: float = PATIENCE_S) -> None:
        """Wait until the lamp shows these counts; raises AssertionError with what it showed until then."""
        try:
            async with asyncio.timeout(deadline_s), self._told:
                await self._told.wait_for(lambda: self.shows(new, old))
        except TimeoutError:
            shown = self.summaries[-3:]
            raise AssertionError(f"{self.user} shows {shown} and not {new}/{old}") from None

    def shows(self, new: int, old: int) -> bool:
        """Say whether the newest summary has these counts, and the lamp is on for new ones only."""
        if not self.summaries:
            return False
        last = self.summaries[-1]
        return (last.new, last.old, last.waiting) == (new, old, new > 0)

    async def register(self, contact: str | None = None, expires: int = 600) -> None:
        """Log in (``contact`` other than our own makes a dead one). Raises AssertionError when refused."""
        headers = [("Expires", str(expires)), ("Contact", contact or self.contact)]
        await self._ask("REGISTER", f"sip:127.0.0.1:{self._pbx[1]}", f"<sip:{self.user}@127.0.0.1>", headers)

    async def subscribe(self, expires: int = 600) -> None:
        """Ask for one's own message summaries (RFC 3842); raises AssertionError when refused."""
        headers = [("Event", "message-summary"), ("Accept", "application/simple-message-summary"),
                   ("Expires", str(expires)), ("Contact", self.contact)]  # fmt: skip
        uri = f"sip:{self.user}@127.0.0.1:{self._pbx[1]}"
        await self._ask("SUBSCRIBE", uri, f"<{uri}>", headers)

    async def _ask(self, method: str, uri: str, to: str, headers: Sequence[tuple[str, str]]) -> None:
        """Send a request outside of calls, with one's password when the PBX wants it."""
        call_id, authorization = secrets.token_hex(8), ""
        for attempt in (1, 2):
            request = Message(
                f"{method} {uri} SIP/2.0",
                [("Via", self.via()), ("Max-Forwards", "70"), ("From", f"<sip:{self.user}@127.0.0.1>;tag=r"),
                 ("To", to), ("Call-ID", call_id), ("CSeq", f"{attempt} {method}"), *headers],
            )  # fmt: skip
            if authorization:
                request.headers.append(("Authorization", authorization))
            self.send(request)
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._replies.get()
            if answer.status == 200:
                return
            authorization = self.credentials(answer.get("WWW-Authenticate"), method, uri)
        raise AssertionError(f"{method} refused with {answer.status}")

    async def call(
        self,
        extension: str,
        *,
        display: str = "",
        from_user: str | None = None,
        from_header: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        codecs: tuple[str, ...] = ("PCMU",),
    ) -> Call:
        """Call an extension. ``display`` is quoted as RFC 3261 wants it; ``from_header`` is sent as it is."""
        quoted = display.replace("\\", "\\\\").replace('"', '\\"')
        given = from_header or f'"{quoted}" <sip:{from_user or self.user}@127.0.0.1>'
        call = Call(self, secrets.token_hex(8), await RtpPort.open())
        self.calls.append(call)
        self._by_id[call.call_id] = call
        await call.offer(f"sip:{extension}@127.0.0.1:{self._pbx[1]}", given, headers, codecs)
        return call

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one message; each is handled in order of arrival by its own task."""
        message = Message.parse(data)
        if message.status is None and (message.branch, message.method) in self._sent:
            assert self._transport is not None
            self._transport.sendto(self._sent[message.branch, message.method], self._pbx)
            return
        self.keep(asyncio.get_running_loop().create_task(self._handle(message)))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it is done; it is cancelled when the telephone goes."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: Message) -> None:
        call = self._by_id.get(message.get("Call-ID"))
        if message.status is not None:
            if message.method in ("REGISTER", "SUBSCRIBE"):
                self._replies.put_nowait(message)
            elif call is not None:
                await call.response(message)
        elif call is not None:
            await call.request(message)
        elif message.method == "INVITE":
            await self._ring(message)
        elif message.method in ("OPTIONS", "NOTIFY"):
            self.send(reply(message, 200, secrets.token_hex(4)))
            if message.get("Event") == "message-summary" and message.body:
                await self._light(Summary.parse(message.body))

    async def _light(self, summary: Summary) -> None:
        async with self._told:
            self.summaries.append(summary)
            self.told_at = asyncio.get_running_loop().time()
            self._told.notify_all()

    async def _ring(self, invite: Message) -> None:
        script = self.script
        call_id = invite.get("Call-ID")
        call = Call(self, call_id, RtpPort())
        self._by_id[call_id] = call
        self.calls.append(call)
        async with self._rung:
            self._rung.notify_all()
        if script.final == 200:
            call.rtp = await RtpPort.open()
        await call.play_script(invite, script)
