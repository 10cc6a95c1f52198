"""What the PBX tells about itself: by its manager interface, and by questions to its dialplan.

Our AMI user may start a call and hardly anything else. So each question is a call to an extension of the
dialplan's context ``aftertone-check``, and being answered means yes; numbers are found by halving. No value,
and nothing that a caller chose, comes back.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import resources

from bridge.check.facts import Dialplan, Pbx
from bridge.check.pbx import ASKING, CLOCK_S, EVENTS, HELPING, WORKING
from bridge.config import Settings
from bridge.control.ami import Manager, manager
from bridge.control.lamp import Lamp
from bridge.errors import AftertoneError, PbxRefused

LOGIN_S = 12.0
"""Until it is clear whether the PBX lets us in: a connection has five seconds, a wrong login is let wait."""

BOOTED_S = 3.0
"""For the event that the PBX has booted; it comes at once after the login."""

POLL_S = 0.02

CONTEXT = "aftertone-check"

ORIGINATE_MS = 4000
"""Asterisk gives up to connect after two seconds; most questions take one millisecond."""

DEADLINE_S = 6.0

SOUND_S = 4.0

LAMP = "aftertone-check"
"""A mailbox that nobody has: its lamp is set to nothing."""

DIAL_INS = ("*97", "*98", "8500")
"""Numbers of VoiceMailMain: FreePBX's and many others' two, and that of Asterisk's own example."""

NOBODYS = "*9799"
"""A number that nobody has: whoever can dial it has a pattern for everything."""

CONTEXTS = ("from-internal", "internal", "default", "phones", "local", "extensions", "users")
"""Where telephones often are."""

MOST_TELEPHONES = 10
"""Extensions that are asked for their context: Asterisk logs a line for each that is no telephone."""

FORMATS = ("gsm", "wav", "ulaw", "alaw", "g722", "sln", "sln16")

VERSIONS = 1_000_000
"""22.10.1 is 221001."""

FAR_S = 2**31
"""Farther off no clock is believed to be."""

BEFORE = ("not started", "connecting")
"""What a connection says of itself before it knows."""

DIALPLAN_WAY = "MinivmMWI in its dialplan"

STAMP = re.compile(r'^exten => stamp,1,.*"="([0-9a-f]{12})"', re.MULTILINE)


class Questions:
    """The dialplan's questions. Each raises PbxAway when the PBX does not answer the manager interface."""

    def __init__(self, pbx: Manager) -> None:
        self._pbx = pbx

    async def is_so(self, question: str, value: str = "", **more: str) -> bool:
        """Say whether a question is answered."""
        values = {"": value, **{f"_{name.upper()}": text for name, text in more.items()}}
        fields = [
            ("Channel", f"Local/{question}@{CONTEXT}/n"),
            ("Context", CONTEXT),
            ("Exten", "heard" if question == "sound" else "asked"),
            ("Priority", "1"),
            ("Timeout", str(ORIGINATE_MS)),
            # of the near half, which the dialplan never gets when the answer is no
            ("Variable", "CDR_PROP(disable)=1"),
            *(("Variable", f"AFTERTONE_CHECK{name}={text}") for name, text in values.items()),
        ]
        try:
            await self._pbx.action("Originate", fields, deadline_s=DEADLINE_S)
        except PbxRefused:
            return False
        return True

    async def greatest(self, question: Callable[[int], tuple[str, str]], least: int, most: int) -> int:
        """Return the greatest number from ``least`` to below ``most`` that is answered, ``least`` if none."""
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (middle, most) if await self.is_so(*question(middle)) else (least, middle)
        return least


async def look(settings: Settings, mailboxes: Sequence[str], *, serving: bool) -> Pbx:
    """Ask the PBX. ``mailboxes`` are extensions; ``serving``: a bridge runs, that the PBX may look for.

    Raises SettingError when AFTERTONE_AMI_CA holds no certificate.
    """
    pbx = manager(settings, time.time)
    if pbx is None:
        return Pbx("off")
    booted, overheard = asyncio.Event(), dict.fromkeys(EVENTS, False)
    pbx.listen("FullyBooted", lambda _: booted.set())
    for name in EVENTS:
        pbx.listen(name, lambda _, name=name: overheard.update({name: True}))  # type: ignore[misc]
    running = asyncio.create_task(pbx.run())
    try:
        await _until(lambda: pbx.status.why not in BEFORE, LOGIN_S)
        if pbx.status.state != "ready":
            return Pbx(pbx.status.state, pbx.status.why)
        found = await _rights(pbx)
        if "Originate" in (found.may or ()):
            found = await Interview(pbx, found).hold(mailboxes, serving=serving)
        await _until(booted.is_set, BOOTED_S)
    except AftertoneError as error:
        return Pbx("away", str(error))
    finally:
        running.cancel()
        await asyncio.wait({running})
    heard = tuple(name for name, was in overheard.items() if was)
    return replace(found, booted=booted.is_set(), overheard=heard)


async def _until(what: Callable[[], bool], deadline_s: float) -> None:
    """Wait for something that nobody announces, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(deadline_s):
            while not what():  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(POLL_S)


async def _rights(pbx: Manager) -> Pbx:
    told = await pbx.action("ListCommands")
    may = {
        name: frozenset(re.split(r"[,\s]+", found[1])) - {"all", "<none>"}
        for name, about in told.pairs
        if (found := re.search(r"\(Priv: ([^()]*)\)", about))
    }
    return Pbx("ready", may=may)


class Interview:
    """All questions to one PBX; ``found`` is what is known of it already."""

    def __init__(self, pbx: Manager, found: Pbx) -> None:
        self._pbx = pbx
        self._asked = Questions(pbx)
        self._found = found

    async def hold(self, mailboxes: Sequence[str], *, serving: bool) -> Pbx:
        """Ask everything; raises PbxAway."""
        lamp = await self._lamp()
        dialplan = await self._dialplan(lamp)
        self._found = replace(self._found, lamp=lamp, dialplan=dialplan)
        if dialplan in (Dialplan.OURS, Dialplan.OTHER):
            await self._modules()
            await self._program()
            if serving:
                await self._ways()
            if self._can("context"):
                self._found = replace(self._found, dials=await self._dials(mailboxes))
        return self._found

    def _can(self, question: str) -> bool:
        """Say whether the PBX has the functions that a question needs."""
        there = self._found.modules
        return all(there.get(name, False) for name, asked in ASKING.items() if question in asked)

    async def _lamp(self) -> str:
        way = "MWIUpdate" if "MWIUpdate" in (self._found.may or ()) else DIALPLAN_WAY
        try:
            await Lamp(self._pbx).show(LAMP, 0, 0)
        except PbxRefused:
            return ""
        return way

    async def _dialplan(self, lamp: str) -> Dialplan:
        if await self._asked.is_so("stamp", stamp()):
            return Dialplan.OURS
        if await self._asked.is_so("here"):
            return Dialplan.OTHER
        return Dialplan.OLD if lamp == DIALPLAN_WAY else Dialplan.NONE

    async def _modules(self) -> None:
        if not await self._asked.is_so("module", "func_module"):
            return  # it is the function that would tell
        names = dict.fromkeys((*WORKING, *HELPING, *ASKING, "app_minivm"))
        there = {name: await self._asked.is_so("module", name) for name in names}
        self._found = replace(self._found, modules=there)

    async def _program(self) -> None:
        found, asked = self._found, self._asked
        if self._can("version"):
            number = await asked.greatest(lambda number: ("version", str(number)), 0, VERSIONS)
            found = replace(found, version=number)
        if self._can("zone"):
            found = replace(found, same_zone=await asked.is_so("zone", time.strftime("%z")))
        found = replace(found, journal=await asked.is_so("journal"))
        if self._can("dangerous"):
            found = replace(found, dangerous=await asked.is_so("dangerous"))
        if self._can("sentence"):
            found = replace(found, sentence=await self._any("sentence", FORMATS))
        self._found = replace(found, clock_off_s=await self._clock_off_s())

    async def _any(self, question: str, values: Sequence[str]) -> bool:
        for value in values:
            if await self._asked.is_so(question, value):
                return True
        return False

    async def _clock_off_s(self) -> int:
        def reaches(ahead_s: int) -> tuple[str, str]:
            return "clock", str(max(0, int(time.time()) + ahead_s))

        late = not await self._asked.is_so(*reaches(-CLOCK_S))
        early = await self._asked.is_so(*reaches(CLOCK_S + 1))
        if not (late or early):
            return 0
        return await self._asked.greatest(reaches, -FAR_S, FAR_S)

    async def _ways(self) -> None:
        offers = await self._asked.is_so("offers")
        sound = await self._sound() if offers and self._can("sound") else None
        self._found = replace(self._found, offers=offers, sound=sound)

    async def _sound(self) -> bool | None:
        mark = secrets.token_hex(8)
        if not await self._asked.is_so("sound", mark):
            return None
        until = time.monotonic() + SOUND_S
        while time.monotonic() < until:
            if await self._asked.is_so("came", mark):
                return True
            if await self._asked.is_so("failed", mark):
                return False
            await asyncio.sleep(POLL_S)
        return False

    async def _dials(self, mailboxes: Sequence[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        telephones = mailboxes[:MOST_TELEPHONES] if self._can("dials") else ()
        for extension in telephones:
            for number in await self._reached("dials", value=extension):
                found[f"{number} from {extension}"] = None
        for context in CONTEXTS:
            for number in await self._reached("context", context=context):
                found[f"{number} in {context}"] = None
        return tuple(found)

    async def _reached(self, question: str, **where: str) -> list[str]:
        numbers = [one for one in DIAL_INS if await self._asked.is_so(question, **where, dials=one)]
        if numbers and await self._asked.is_so(question, **where, dials=NOBODYS):
            return []
        return numbers


def stamp() -> str:
    """Return by what our own dialplan is known."""
    text = resources.files("dialplan").joinpath("aftertone.conf").read_text(encoding="utf-8")
    found = STAMP.search(text)
    assert found is not None  # noqa: S101 - a test holds it
    return found[1]
