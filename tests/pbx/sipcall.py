"""One call as a test telephone sees it: what a script does with it, what a test asks of it."""

import asyncio
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.pbx.rtp import RtpPort
from tests.pbx.sipmessage import Message, describe, media_of, reply

if TYPE_CHECKING:
    from tests.pbx.sipphone import Phone

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Script:
    """What a telephone does with an incoming call.

    ``ringing``: provisional status sent at once (None: nothing at all, as a dead telephone);
    ``final``: status sent ``after_s`` later (None: ring until the caller gives up); 200 answers with sound;
    ``contact``: where a 302 points to, ``diversion``: why, in the words of RFC 5806;
    ``talk_s``: an answered call is hung up after that (None: never).
    """

    ringing: int | None = 180
    final: int | None = None
    after_s: float = 0.05
    contact: str = ""
    diversion: str = ""
    talk_s: float | None = None


class Call:
    """One call as a telephone sees it, made or received; its INVITE came or went at ``began_at`` (epoch)."""

    def __init__(self, phone: "Phone", call_id: str, rtp: RtpPort) -> None:
        self.phone = phone
        self.call_id = call_id
        self.began_at = time.time()
        self.rtp = rtp
        self.codec = "PCMU"
        self.provisional: list[tuple[int, float]] = []
        self.status: int | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.invite: Message | None = None
        self._local = ""
        self._remote = ""
        self._target = ""
        self._early = ""
        self._cseq = 1
        self._changed = asyncio.Condition()

    async def until(self, what: str, deadline_s: float = PATIENCE_S) -> None:
        """Wait for ``ringing``, ``answered`` or ``ended``.

        Raises TimeoutError after ``deadline_s``, AssertionError when the call ended and it cannot come.
        """
        tests = {
            "ringing": lambda: any(code >= 180 for code, _ in self.provisional),
            "answered": lambda: self.answered_at is not None,
            "ended": lambda: self.ended_at is not None,
        }
        async with asyncio.timeout(deadline_s), self._changed:
            await self._changed.wait_for(lambda: tests[what]() or self.ended_at is not None)
        assert tests[what](), f"the call ended with status {self.status} before it was {what}"

    async def send(self, frames: Iterable[bytes]) -> None:
        """Speak: G.711 frames of 20 ms in the call's codec."""
        await self.rtp.send(frames, self.codec)

    async def digit(self, digit: str) -> None:
        """Press a key."""
        await self.rtp.digit(digit)

    async def hang_up(self) -> None:
        """Say BYE and wait for its answer; nothing where the call has ended."""
        if self.ended_at is not None:
            return
        self._cseq += 1
        self.phone.send(self._request("BYE", self._cseq))
        await self.until("ended")

    async def cancel(self, *headers: tuple[str, str]) -> None:
        """Give up while it rings, and wait for the 487."""
        assert self.invite is not None
        kept = [
            (n, v) for n, v in self.invite.headers if n in ("Via", "From", "To", "Call-ID", "Max-Forwards")
        ]
        cseq = self.invite.get("CSeq").split(" ")[0]
        uri = self.invite.start.split(" ")[1]
        self.phone.send(Message(f"CANCEL {uri} SIP/2.0", [*kept, ("CSeq", f"{cseq} CANCEL"), *headers]))
        await self.until("ended")

    async def transfer(self, extension: str) -> None:
        """Send the other side to an extension (RFC 3515), unheard, and wait until it has left us."""
        await self._refer(f"<{self._uri_of(extension)}>")

    async def transfer_to(self, other: "Call", extension: str) -> None:
        """Join the other side with ``other``, our call to an extension that may still ring (RFC 3891)."""
        replaces = f"{other.call_id};to-tag={other.remote_tag};from-tag={other.local_tag}"
        await self._refer(f"<{self._uri_of(extension)}?Replaces={quote(replaces, safe='')}>")

    async def refuse(self, status: int) -> None:
        """End a call that rings here."""
        self._respond(status)
        await self._end()

    def vanish(self) -> None:
        """Be gone without a word: no BYE, no more sound, no answers."""
        self.rtp.close()
        self.phone.forget(self)

    @property
    def local_tag(self) -> str:
        """Our tag of the dialog."""
        return self._local.rpartition("tag=")[2]

    @property
    def remote_tag(self) -> str:
        """The other's tag of the dialog, also of an early one."""
        return (self._remote if "tag=" in self._remote else self._early).rpartition("tag=")[2]

    # -- below here: called by the telephone as messages arrive

    async def offer(
        self, uri: str, from_header: str, headers: Sequence[tuple[str, str]], codecs: tuple[str, ...]
    ) -> None:
        """Send the first INVITE."""
        self._local, self._remote, self._target = f"{from_header};tag={secrets.token_hex(4)}", f"<{uri}>", uri
        self.invite = self._request("INVITE", self._cseq)
        self.invite.headers += [*headers, ("Content-Type", "application/sdp")]
        self.invite.body = describe(self.rtp.port, codecs)
        self.phone.send(self.invite)

    async def response(self, message: Message) -> None:
        """Take a response to a request of ours."""
        status = message.status or 0
        if message.method == "BYE":
            await self._end()
        if message.method != "INVITE" or message.get("CSeq") != (self.invite or message).get("CSeq"):
            return
        if status < 200:
            self._early = message.get("To")
            self.provisional.append((status, time.monotonic()))
            if message.body:
                self._hear(message.body)
            await self._tell()
        elif status in (401, 407) and self._cseq == 1:
            self._acknowledge(message)
            await self._authenticate(message)
        elif status >= 300:
            self._acknowledge(message)
            self.status = status
            await self._end()
        else:
            await self._answered(message)

    async def request(self, message: Message) -> None:
        """Take a request inside this call."""
        if message.method == "BYE":
            self.phone.send(reply(message, 200, ""))
            await self._end()
        elif message.method == "CANCEL":
            self.phone.send(reply(message, 200, ""))
            if self.status is None and self.invite is not None:
                self._respond(487)
                await self._end()
        elif message.method != "ACK":
            self.phone.send(reply(message, 200, ""))
            if message.get("Event") == "refer" and not message.body.startswith("SIP/2.0 100"):
                # The other side is on its way: a telephone then leaves the call (RFC 5589 section 6).
                self.phone.keep(asyncio.create_task(self.hang_up()))

    async def play_script(self, invite: Message, script: Script) -> None:
        """Behave as scripted towards an incoming INVITE."""
        self.invite = invite
        self._local = f"{invite.get('To')};tag={secrets.token_hex(4)}"
        self._remote = invite.get("From")
        self._target = target_of(invite)
        self._hear(invite.body)
        if script.ringing is not None:
            self._respond(script.ringing)
        if script.final is None:
            return
        await asyncio.sleep(script.after_s)
        if self.ended_at is not None:
            return
        if script.final == 200:
            self._respond(200, body=describe(self.rtp.port, (self.codec,)))
            self.answered_at = time.monotonic()
            await self._tell()
            if script.talk_s is not None:
                await asyncio.sleep(script.talk_s)
                await self.hang_up()
            return
        headers = [("Contact", f"<{script.contact}>")] if script.contact else []
        headers += [("Diversion", script.diversion)] if script.diversion else []
        self._respond(script.final, *headers)
        await self._end()

    def _respond(self, status: int, *headers: tuple[str, str], body: str = "") -> None:
        assert self.invite is not None
        self.status = status if status >= 200 else None
        contact = [] if any(n == "Contact" for n, _ in headers) else [("Contact", self.phone.contact)]
        self.phone.send(reply(self.invite, status, self.local_tag, *contact, *headers, body=body))

    def _uri_of(self, extension: str) -> str:
        host = self._target.removeprefix("sip:").rpartition("@")[2].partition(";")[0]
        return f"sip:{extension}@{host}"

    async def _refer(self, to: str) -> None:
        self._cseq += 1
        request = self._request("REFER", self._cseq)
        request.headers += [("Refer-To", to), ("Referred-By", self.phone.contact)]
        self.phone.send(request)
        await self.until("ended")

    def _request(self, method: str, cseq: int) -> Message:
        return Message(
            f"{method} {self._target} SIP/2.0",
            [("Via", self.phone.via()), ("Max-Forwards", "70"), ("From", self._local), ("To", self._remote),
             ("Call-ID", self.call_id), ("CSeq", f"{cseq} {method}"), ("Contact", self.phone.contact)],
        )  # fmt: skip

    def _acknowledge(self, message: Message) -> None:
        """ACK a final response; for a refusal in the INVITE's own transaction (RFC 3261 section 17.1.1.3)."""
        ack = self._request("ACK", int(message.get("CSeq").split(" ")[0]))
        ack.headers[3] = ("To", message.get("To"))
        if (message.status or 0) >= 300 and self.invite is not None:
            ack.headers[0] = ("Via", self.invite.get("Via"))
            ack.start = f"ACK {self.invite.start.split(' ')[1]} SIP/2.0"
        self.phone.send(ack)

    async def _authenticate(self, message: Message) -> None:
        assert self.invite is not None
        self._cseq += 1
        name, challenge = ("Authorization", message.get("WWW-Authenticate"))
        if message.status == 407:
            name, challenge = "Proxy-Authorization", message.get("Proxy-Authenticate")
        again = self._request("INVITE", self._cseq)
        old = {n for n, _ in again.headers}
        again.headers += [(n, v) for n, v in self.invite.headers if n not in old]
        again.headers.append((name, self.phone.credentials(challenge, "INVITE", self._target)))
        again.body = self.invite.body
        self.invite = again
        self.phone.send(again)

    async def _answered(self, message: Message) -> None:
        self._remote = message.get("To")
        self._target = target_of(message) or self._target
        self._acknowledge(message)
        if self.answered_at is None:
            self.status = 200
            self._hear(message.body)
            self.answered_at = time.monotonic()
            await self._tell()

    def _hear(self, body: str) -> None:
        found = media_of(body)
        if found is not None:
            self.rtp.remote, self.codec = found

    async def _end(self) -> None:
        if self.ended_at is None:
            self.ended_at = time.monotonic()
            self.rtp.close()
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def target_of(message: Message) -> str:
    """Return the URI of the Contact header."""
    found = re.search(r"<([^>]+)>", message.get("Contact"))
    return found[1] if found else ""
