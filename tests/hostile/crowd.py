"""Many callers at a time, and the telephones of those whom they call."""

import asyncio
import re
from collections.abc import Iterator

from bridge.phone.pbx import Pbx
from tests.hostile.caller import Caller, Voices
from tests.hostile.fate import Fate
from tests.pbx.sipmessage import Message
from tests.pbx.sipphone import Phone

LAST_HOPE = 8
"""Of so many lines one is tried although the PBX is known to be away, after a while."""

PATIENCE_S = 1.0


class ManyLines(Phone):
    """A telephone that does with each call what is the caller's fate."""

    def __init__(self, port: int, user: str, password: str, lots: dict[str, Fate]) -> None:
        super().__init__(port, user, password)
        self._lots = lots

    def answered(self, number: str) -> bool:
        """Say whether somebody here took this caller's call."""
        return any(
            call.answered_at is not None and call.invite is not None and caller_of(call.invite) == number
            for call in self.calls
        )

    async def _ring(self, invite: Message) -> None:
        # The script is read before anybody else has a turn.
        self.script = self._lots[caller_of(invite)].script
        await super()._ring(invite)


def caller_of(invite: Message) -> str:
    """Return the number in an INVITE's From."""
    found = re.search(r"sip:(\d+)@", invite.get("From"))
    assert found is not None
    return found[1]


class Crowd:
    """All callers, at most ``lines`` at a time."""

    def __init__(self, pbx: Pbx, lots: list[Fate], seed: int, lines: int) -> None:
        self._port = pbx.sip_port
        self._lots = lots
        self._lines = lines
        self._voices = Voices(seed)
        self.callers: list[Caller] = []
        self._live: set[Caller] = set()
        self._there = asyncio.Event()
        self._there.set()

    async def live(self) -> None:
        """Let every caller have his call."""
        waiting = iter(self._lots)
        async with asyncio.TaskGroup() as group:
            for line in range(self._lines):
                group.create_task(self._line(waiting, line))

    def wait(self) -> None:
        """The PBX goes: hardly anybody calls until it is back."""
        self._there.clear()

    def lose_lines(self) -> None:
        """The PBX has died, and with it every call."""
        for caller in tuple(self._live):
            caller.lose_line()

    def try_again(self) -> None:
        """The PBX is back."""
        self._there.set()

    async def _line(self, waiting: Iterator[Fate], line: int) -> None:
        await asyncio.sleep(line * 0.15)
        for fate in waiting:
            if line % LAST_HOPE:
                await self._there.wait()
            elif not self._there.is_set():
                await asyncio.sleep(PATIENCE_S)
            async with Phone(self._port, fate.number) as phone:
                caller = Caller(phone, fate, self._voices)
                self.callers.append(caller)
                self._live.add(caller)
                await caller.live()
                self._live.discard(caller)
            if caller.call is not None:
                caller.call.rtp.packets.clear()
