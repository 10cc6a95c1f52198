"""Stories of calls that nobody answered, on a PBX with groups, queues and forwards, and the rows they leave.

All stories of one file are told at the same time, each by a caller with a number of his own and with
telephones that no other story of the file has.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from bridge.phone.pbx import Extension, Pbx
from tests.installation import Installation
from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Phone, Script
from tests.pbx.sound import decode
from tests.pbx.stage import quiet_line, telephones
from tests.pbx.whole import TONE_PATIENCE_S, tone_heard

Row = dict[str, Any]

LINES = [str(number) for number in [*range(1001, 1046), 1060]]
QUEUES = ("7101", "7203", "7260", "7304", "7105", "7506", "7107", "7108", "7509", "7410", "7411", "7112")

RING_S = 2

WATCHED_FRAMES = 50
"""Frames in which the tone is looked for: on a slow machine they come many at a time."""

DIALPLAN = """
; a second telephone's contacts, as many as are registered
exten => 2101,1,Gosub(aftertone,watch,1(2101))
 same => n,Dial(${PJSIP_DIAL_CONTACTS(2101)},1)
 same => n,Gosub(aftertone,note,1(2101))
 same => n,Hangup()

; 61AABB: a ring group of the telephones 10AA and 10BB
exten => _61XXXX,1,Gosub(aftertone,watch,1(${EXTEN},group))
 same => n,Dial(PJSIP/10${EXTEN:2:2}&PJSIP/10${EXTEN:4:2},${RING})
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()
; 62AABB: the same of the members' own lines, which have mailboxes; 63AABB: of lines without watch
exten => _62XXXX,1,Gosub(aftertone,watch,1(${EXTEN},group))
 same => n,Dial(Local/10${EXTEN:2:2}@extensions&Local/10${EXTEN:4:2}@extensions,5)
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()
exten => _63XXXX,1,Gosub(aftertone,watch,1(${EXTEN},group))
 same => n,Dial(Local/10${EXTEN:2:2}@plain/n&Local/10${EXTEN:4:2}@plain/n,5)
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()
; 64AABB: the line 10AA follows its owner to the line 10BB; 65AABB: it is forwarded there by the dialplan
exten => _64XXXX,1,Gosub(aftertone,watch,1(10${EXTEN:2:2}))
 same => n,Dial(Local/10${EXTEN:4:2}@extensions,5)
 same => n,Gosub(aftertone,note,1(10${EXTEN:2:2}))
 same => n,Hangup()
exten => _65XXXX,1,Set(REDIRECTING(from-num,i)=10${EXTEN:2:2})
 same => n,Goto(extensions,10${EXTEN:4:2},1)
; 66AABB: the line 10AA; who was transferred there unanswered goes back to 10BB
exten => _66XXXX,1,Gosub(aftertone,watch,1(10${EXTEN:2:2}))
 same => n,Dial(PJSIP/10${EXTEN:2:2},${RING})
 same => n,GotoIf($["${DIALSTATUS}"="ANSWER"]?end)
 same => n,Dial(PJSIP/10${EXTEN:4:2},${RING})
 same => n(end),Gosub(aftertone,note,1(10${EXTEN:2:2}))
 same => n,Hangup()
; 67AA: the mailbox 10AA without any ringing, for transfers into it
exten => _67XX,1,Gosub(aftertone,watch,1(10${EXTEN:2}))
 same => n,Gosub(aftertone,note,1(10${EXTEN:2}))
 same => n,Hangup()
; 60AA: the line 10AA without a watch
exten => _60XX,1,Goto(plain,10${EXTEN:2},1)
; 68AA: the caller listens to something before 10AA rings; 69AA: and hears the whole sentence after it
exten => _68XX,1,Gosub(aftertone,watch,1(10${EXTEN:2}))
 same => n,Answer()
 same => n,Wait(10)
exten => _69XX,1,Set(AFTERTONE_SENTENCE=vm-nobodyavail)
 same => n,Goto(extensions,10${EXTEN:2},1)

; 7xAA: queues of one agent, the telephone 10AA. 71: until a time limit; 72: only while somebody is there;
; 73: room for one caller; 74: the agent is a line with a mailbox; 75: the dialplan goes on afterwards
exten => _7[1-4]XX,1,Gosub(aftertone,watch,1(${EXTEN},group))
 same => n,Answer()
 same => n,Queue(${EXTEN},,,,4)
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()
exten => _75XX,1,Gosub(aftertone,watch,1(${EXTEN},group))
 same => n,Queue(${EXTEN},cr,,,4)
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()

[plain]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},${RING})
 same => n,Gosub(aftertone,note,1(${EXTEN}))
 same => n,Hangup()
"""

SHARED_CONTACTS = """
[2101](leg)
context=internal
auth=2101
aors=2101

[2101]
type=auth
auth_type=userpass
username=2101
password=shared

[2101]
type=aor
max_contacts=3
"""

GROUPS = ("610102", "610304", "610506", "610708", "620910", "621112", "631314", "631516", "621718", "612021",
          "622425", "612627", "632829", "613132", "613435", "614142")  # fmt: skip
BOXES = [*LINES, "2101", *GROUPS, *QUEUES]


def queues() -> str:
    """Return queues.conf: the kind of a queue and its agent are in its number."""
    settings = {
        "71": "member => PJSIP/10{0}",
        "72": "member => PJSIP/10{0}\njoinempty=paused,invalid,unavailable\nleavewhenempty=paused",
        "73": "member => PJSIP/10{0}\nmaxlen=1",
        "74": "member => Local/10{0}@extensions/n",
        "75": "member => PJSIP/10{0}",
    }
    parts = [
        f"[{queue}]\nstrategy=ringall\ntimeout=1\nretry=1\n{settings[queue[:2]].format(queue[2:])}\n"
        for queue in QUEUES
    ]
    return "[general]\npersistentmembers=no\n" + "".join(parts)


def new_pbx(folder: Path, ring_s: int = RING_S, agi: str = "127.0.0.1:9") -> Pbx:
    """Return a PBX with groups, queues and forwards, not yet started."""
    extensions = [Extension(number) for number in LINES]
    dialplan = "include => houses\n\n[internal](+)\ninclude => houses\n\n[houses]" + DIALPLAN
    return Pbx(folder, extensions=extensions, ring_s=ring_s, agi=agi, extra=dialplan,
              extra_pjsip=SHARED_CONTACTS)  # fmt: skip


class Scene:
    """What one story has: telephones of its own, and a caller whose ``number`` nobody else has."""

    def __init__(self, pbx: Pbx, stack: AsyncExitStack, number: str) -> None:
        self.pbx = pbx
        self.number = number
        self._stack = stack
        self._caller: Phone | None = None

    async def phones(self, **scripts: Script | None) -> list[Phone]:
        """Log in telephones, given as ``_1001=Script()``."""
        named = {name.removeprefix("_"): script for name, script in scripts.items()}
        return list((await telephones(self._stack, self.pbx, named)).values())

    async def phone(self, number: str, password: str) -> Phone:
        """Log in one more telephone of a number."""
        phone = await self._stack.enter_async_context(Phone(self.pbx.sip_port, number, password))
        await phone.register()
        return phone

    async def call(self, extension: str, **more: Any) -> Call:
        """Call from outside with the story's own number."""
        if self._caller is None:
            self._caller = await self._stack.enter_async_context(Phone(self.pbx.sip_port, self.number))
        return await self._caller.call(extension, **more)

    def forward_to(self, extension: str, **more: Any) -> Script:
        """Return a script that forwards to an extension of the same PBX."""
        return Script(final=302, contact=f"sip:{extension}@127.0.0.1:{self.pbx.sip_port}", **more)


async def until_loud(call: Call) -> None:
    """Wait for the tone's first sound; with no sentence before it, it is the first of all."""
    await call.until("answered")
    async with asyncio.timeout(TONE_PATIENCE_S):
        while not any(is_loud(call, packet.payload) for packet in call.rtp.packets[-WATCHED_FRAMES:]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def leave_nothing(call: Call) -> None:
    """Wait for the end of the tone, and hang up without a word."""
    await until_loud(call)
    async with asyncio.timeout(TONE_PATIENCE_S):
        while any(is_loud(call, packet.payload) for packet in call.rtp.packets[-3:]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert tone_heard(call, within_s=3.0)
    await call.hang_up()


def is_loud(call: Call, sound: bytes) -> bool:
    """Say whether a frame is a tone's."""
    return int(abs(decode(sound, call.codec)).max(initial=0)) > 1000


Story = Callable[[Scene], Awaitable[Any]]


@dataclass(slots=True)
class Told:
    """What became of each story: its rows, and what it returned. Its own error is raised where asked.

    ``everything``: the rows of all these stories, those with numbers of the house's own telephones, too.
    """

    everything: list[Row]
    rows_of: dict[str, list[Row]]
    results: dict[str, Any]

    def rows(self, story: Story) -> list[Row]:
        """Return the rows of a story's caller, oldest first."""
        self.result(story)
        return self.rows_of[story.__name__]

    def row(self, story: Story) -> Row:
        """Return the only row of a story's caller."""
        [row] = self.rows(story)
        return row

    def result(self, story: Story) -> Any:
        """Return what a story returned."""
        result = self.results[story.__name__]
        if isinstance(result, BaseException):
            raise result
        return result


class Stage:
    """A PBX and a house in which stories are told."""

    def __init__(self, pbx: Pbx, house: Installation) -> None:
        self.pbx = pbx
        self.house = house
        self._numbers = count(49301000)
        self._old: set[str] = set()

    def tell(self, stories: Sequence[Story]) -> Told:
        """Tell all stories at once, and read the rows when the PBX has no call left."""
        numbers = {story.__name__: str(next(self._numbers)) for story in stories}
        results = asyncio.run(self._tell(stories, numbers))
        rows = [row for row in self.rows() if row["id"] not in self._old]
        self._old |= {row["id"] for row in rows}
        by_number = {name: [row for row in rows if row["from_number"] == number]
                     for name, number in numbers.items()}  # fmt: skip
        return Told(rows, by_number, dict(zip(numbers, results, strict=True)))

    def rows(self) -> list[Row]:
        """Return every row, oldest first; there is none that the reader cannot see."""
        rows = self.house.finished_rows()[::-1]
        with sqlite3.connect(f"file:{self.house.data}/aftertone.db?mode=ro", uri=True) as database:
            [(all_of_them,)] = database.execute("SELECT count(*) FROM call").fetchall()
        database.close()
        assert len(rows) == all_of_them, "a row in a mailbox that no story expects"
        return rows

    async def _tell(self, stories: Sequence[Story], numbers: dict[str, str]) -> list[Any]:
        async with AsyncExitStack() as stack:
            scenes = [story(Scene(self.pbx, stack, numbers[story.__name__])) for story in stories]
            results = await asyncio.gather(*scenes, return_exceptions=True)
            await quiet_line(self.pbx)
            return results


def seconds(row: Row) -> float:
    """Return when the row says that the ringing began, in seconds of the epoch."""
    return datetime.fromisoformat(row["rang_at"]).timestamp()


async def next_second() -> None:
    """Wait until the clock shows another second: the PBX tells times in whole ones."""
    await asyncio.sleep(1.05 - time.time() % 1)
