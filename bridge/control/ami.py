"""The bridge's standing connection to the PBX's manager interface.

It says what is true: ``ready`` only while the PBX answers a ping each PING_EVERY_S, ``refused`` when it does
not let us in, ``away`` otherwise; and it comes back by itself.
"""

import asyncio
import hashlib
import logging
import random
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from bridge.config import Address, Settings
from bridge.control import backoff
from bridge.control.link import Link, connect
from bridge.errors import AftertoneError, PbxAway, PbxRefused, SettingError
from bridge.wire.ami import Fields, Message

log = logging.getLogger("aftertone.ami")

PING_EVERY_S = 5.0
PING_S = 5.0
"""A PBX under full load answered within 0.1 s; a second try would only delay the truth."""

LOGIN_S = 10.0
"""Until the login is answered: Asterisk lets a wrong one wait."""

BOOTED_S = 10.0
"""Until the PBX tells that it is fully booted, at once after the login when it was so before."""

State = Literal["off", "away", "refused", "ready"]
Heard = Callable[[Message], None]
Boot = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Status:
    """``why`` is for logs and people: no secret, no number. ``since``: the clock's seconds."""

    state: State
    why: str
    since: float


class Manager:
    """One AMI user's connection. ``run`` keeps it up; ``clock`` is the wall clock of ``status.since``."""

    def __init__(
        self,
        address: Address,
        user: str,
        secret: str,
        *,
        tls: ssl.SSLContext | None,
        clock: Callable[[], float],
    ) -> None:
        self._address = address
        self._user = user
        self._secret = secret
        self._tls = tls
        self._clock = clock
        self._link: Link | None = None
        self._booted = asyncio.Event()
        self._ready_at: float | None = None
        self._heard: defaultdict[str, list[Heard]] = defaultdict(list)
        self._boots: list[Boot] = []
        self.status = Status("off", "not started", clock())

    def listen(self, event_name: str, callback: Heard) -> None:
        """Have a function called with each event of that name. It must not wait; what it raises is logged."""
        self._heard[event_name.casefold()].append(callback)

    def on_boot(self, callback: Boot) -> None:
        """Have a coroutine function called after each login to a booted PBX, and when it has booted later.

        They are called one after the other, and cancelled when the connection ends meanwhile.
        """
        self._boots.append(callback)

    async def action(self, name: str, fields: Fields = (), *, deadline_s: float = 5.0) -> Message:
        """Have the PBX do something; return its response.

        Raises PbxAway when there is no login, no answer in ``deadline_s`` seconds, or the connection ends
        meanwhile (the PBX may then have done it); PbxRefused when the PBX says no; TooMuch when too many
        wait; ValueError for a value with CR, LF or NUL.
        """
        return await self._ready_link().ask(name, fields, deadline_s)

    async def list(self, name: str, fields: Fields = (), *, deadline_s: float = 5.0) -> list[Message]:
        """Have the PBX tell a list; return its events, all of them or none. Raises as ``action`` does."""
        return await self._ready_link().ask_list(name, fields, deadline_s)

    async def run(self) -> None:
        """Connect, stay connected, come back; until cancelled."""
        failures = 0
        loop = asyncio.get_running_loop()
        self.status = Status("away", "connecting", self._clock())
        try:
            while True:
                self._ready_at = None
                try:
                    await self._stay()
                except (PbxRefused, ssl.SSLCertVerificationError) as error:
                    self._tell("refused", _words(error))
                    wait = backoff.refused_wait_s(random.random())  # noqa: S311 - spreads load, keeps nothing
                except PbxAway as error:
                    lasted_s = 0.0 if self._ready_at is None else loop.time() - self._ready_at
                    failures = backoff.failures_after(failures, lasted_s)
                    self._tell("away", str(error))
                    wait = backoff.wait_s(failures, random.random())  # noqa: S311
                await asyncio.sleep(wait)
        finally:
            self._tell("off", "stopped")

    async def _stay(self) -> None:
        """One connection's life; ends by raising PbxAway, PbxRefused or SSLCertVerificationError."""
        self._booted.clear()
        link = await connect(self._address, self._tls, self._hear)
        boots: asyncio.Task[None] | None = None
        try:
            await self._log_in(link)
            self._link = link
            self._ready_at = asyncio.get_running_loop().time()
            self._tell("ready", "logged in")
            boots = asyncio.create_task(self._run_boots())
            while not await link.over(PING_EVERY_S):
                await self._ping(link)
            raise link.end
        finally:
            self._link = None
            if boots is not None:
                boots.cancel()
                await asyncio.wait({boots})
            await link.close()

    async def _log_in(self, link: Link) -> None:
        challenge = (await link.ask("Challenge", [("AuthType", "MD5")], LOGIN_S)).get("Challenge")
        key = hashlib.md5((challenge + self._secret).encode(), usedforsecurity=False).hexdigest()
        await link.ask("Login", [("AuthType", "MD5"), ("Username", self._user), ("Key", key)], LOGIN_S)

    async def _ping(self, link: Link) -> None:
        answers = link.answers
        try:
            await link.ping(PING_S)
        except PbxAway:
            # it answers one action after the other: while earlier ones get their answers it is not away
            if link.answers == answers or await link.over(0):
                raise
        except PbxRefused:
            log.debug("the PBX answers pings with no: it is there")

    async def _run_boots(self) -> None:
        try:
            async with asyncio.timeout(BOOTED_S):
                await self._booted.wait()
        except TimeoutError:
            log.warning("the PBX does not tell whether it is booted: its AMI user needs read=system")
        while True:
            self._booted.clear()
            for boot in self._boots:
                try:
                    await boot()
                except AftertoneError as error:
                    log.warning("what must follow a start of the PBX failed: %s", error)
                except Exception as error:
                    log.error("what must follow a start of the PBX failed: %s", type(error).__name__)
            await self._booted.wait()

    def _hear(self, message: Message) -> None:
        name = message.get("Event").casefold()
        if name == "fullybooted":
            self._booted.set()
        for callback in self._heard.get(name, ()):
            try:
                callback(message)
            except Exception as error:
                log.error("who listens to an event of the PBX failed: %s", type(error).__name__)

    def _ready_link(self) -> Link:
        if self._link is None:
            why = "the connection broke" if self.status.state == "ready" else self.status.why
            raise PbxAway(why, user="The telephone system is not connected.")
        return self._link

    def _tell(self, state: State, why: str) -> None:
        if (state, why) == (self.status.state, self.status.why):
            return
        self.status = Status(state, why, self._clock())
        if state == "refused":
            log.error("THE PBX AT %s DOES NOT LET US IN: %s", self._address, why)
        elif state == "away":
            log.warning("no connection to the PBX at %s: %s", self._address, why)
        else:
            log.info("AMI %s: %s", state, why)


def manager(settings: Settings, clock: Callable[[], float]) -> Manager | None:
    """Return the connection that the settings name, not yet running; None where AMI is off.

    Raises SettingError when AFTERTONE_AMI_CA holds no certificate.
    """
    if not settings.ami_user:
        return None
    tls: ssl.SSLContext | None = None
    if settings.ami_tls:
        try:
            tls = ssl.create_default_context(cafile=settings.ami_ca)
        except ssl.SSLError:
            raise SettingError(f"AFTERTONE_AMI_CA {settings.ami_ca} holds no certificate (PEM)") from None
    return Manager(settings.ami, settings.ami_user, settings.ami_secret, tls=tls, clock=clock)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted (AFTERTONE_AMI_CA names the CA's file)"
    return f"{error}; AFTERTONE_AMI_USER and AFTERTONE_AMI_SECRET must be as in its manager.conf"
