"""Houses under attack and callers who talk meanwhile; what a caller heard, and what was kept of him."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bridge.keyholder import sound
from bridge.keyholder.client import Client
from bridge.keyholder.keyring import Keyring
from bridge.phone.pbx import Pbx
from bridge.seal.keyfile import KeyFile
from tests.installation import Installation, parse_wav
from tests.pbx.sipphone import Phone
from tests.pbx.sound import FRAME, babble, decode, encode, frames
from tests.pbx.whole import BREATH_S, Said, compare, until_tone

BOXES = [str(number) for number in range(1101, 1111)]
"""Mailboxes that no VoiceMail knows and whose phones are not there: nothing rings."""

TALK_S = 60.0
"""Speech that every caller has ready."""

LOUD = 300
"""Samples above this are a voice or a tone, not a line's silence."""

POLL_S = 0.05

MEMORY_MB = 150.0
"""What the worker may have held at most, whatever strangers send."""


@contextmanager
def house_at(pbx: Pbx, digit: int, folder: Path, **settings: str) -> Iterator[Installation]:
    """Run an installation that callers of ``8<digit><mailbox>`` reach; its reader owns all mailboxes."""
    with Installation(folder, **settings) as house:
        house.add_reader(*BOXES)
        pbx.set_global(f"HOUSE_{digit}", house.agi)
        yield house


class Talker:
    """A caller who talks from the answer on, without a pause."""

    def __init__(self, phone: Phone, number: str, seed: int) -> None:
        self.phone = phone
        self.number = number
        self.sound = encode(babble(seed, TALK_S))
        self.at_tone = 0
        self._sender: asyncio.Task[None] | None = None

    async def dial(self, extension: str) -> None:
        """Call, and talk as soon as somebody answers."""
        self.call = await self.phone.call(extension, from_user=self.number)
        self._sender = asyncio.create_task(self._talk())

    async def tone(self) -> None:
        """Wait for the tone."""
        await self.call.until("answered")
        await until_tone(self.call)
        self.at_tone = self.call.rtp.sent

    @property
    def sent(self) -> int:
        """Frames spoken so far."""
        return self.call.rtp.sent

    async def hears_something(self, since: float, deadline_s: float) -> float:
        """Return how long after ``since`` (monotonic) the caller heard a voice; raises AssertionError."""
        until = since + deadline_s
        while True:
            for packet in tuple(self.call.rtp.packets):
                if packet.at > since and np.abs(decode(packet.payload)).max(initial=0) > LOUD:
                    return packet.at - since
            assert time.monotonic() < until + 1.0, f"{deadline_s} s of silence"
            await asyncio.sleep(POLL_S)

    async def hang_up(self) -> None:
        """End the talking and then the call, if it has not ended."""
        await self.hush()
        if self.call.ended_at is None:
            await asyncio.sleep(BREATH_S)
            await self.call.hang_up()

    async def hush(self) -> None:
        """Stop talking."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    def said(self, until: int | None = None) -> Said:
        """Return what was spoken, up to a frame."""
        return Said(self.call, self.sound[: (self.sent if until is None else until) * FRAME], self.at_tone, 0)

    async def _talk(self) -> None:
        await self.call.until("answered", 30.0)
        await self.call.send(frames(self.sound))


async def talker(stack: AsyncExitStack, pbx: Pbx, extension: str | None = None) -> Talker:
    """Return a caller with a number and a voice of his own, in a call and past the tone if an extension is
    given."""
    number = f"49{secrets.randbelow(10**10):010}"
    phone = await stack.enter_async_context(Phone(pbx.sip_port, number))
    made = Talker(phone, number, int(number[2:]))
    stack.push_async_callback(made.hush)
    if extension is not None:
        await made.dial(extension)
        await made.tone()
    return made


@asynccontextmanager
async def somebody_talks(
    pbx: Pbx, house: Installation, mark: bytes, lines: int | None = None
) -> AsyncIterator[None]:
    """A real call goes on meanwhile and is whole; the log never holds ``mark``, which strangers send; memory
    is bounded. With ``lines`` the log grows by that many warnings at most, and no error."""
    before = len(house.log().splitlines())
    async with AsyncExitStack() as stack:
        one = await talker(stack, pbx, "801101")
        yield
        assert one.call.ended_at is None, "the caller was sent away"
        await one.hang_up()
    if lines is not None:
        check_log(house, before, lines)
    assert mark.decode() not in house.log()
    note = await asyncio.to_thread(until_kept, house, one.number)
    assert note["ended"] == "caller_hangup"
    compare(opened(house, note), one.said())
    assert peak_memory_mb(house.worker_pid()) < MEMORY_MB


def check_log(house: Installation, before: int, lines: int) -> None:
    """Assert that the log has grown by at most ``lines`` since it had ``before``, and by no error. The lines
    that every call has do not count."""
    new = [line for line in house.log().splitlines()[before:] if " I aftertone.session: " not in line]
    assert len(new) <= lines, new[-1]
    assert not [line for line in new if " E " in line or "Traceback" in line]


def row_of(rows: list[dict[str, Any]], number: str) -> dict[str, Any]:
    """Return the one row of a caller."""
    found = [row for row in rows if row["from_number"] == number]
    assert len(found) == 1, f"{len(found)} rows of one call"
    return found[0]


def opened(house: Installation, note: dict[str, Any]) -> bytes:
    """Return a note's u-law bytes."""
    tag, stored = house.open(str(note["id"]))
    assert tag == 7
    return stored


def all_opened(house: Installation, note_ids: list[str]) -> dict[str, bytes]:
    """Return the u-law bytes of many notes with one login: nobody may log in a hundred times a minute."""
    with Client(KeyFile.load(house.key_file)) as client:
        keyring = Keyring(client)
        keyring.settle()
        return {
            note_id: parse_wav(sound.as_file(sound._opened(keyring, client.blob(note_id), note_id, False)))[1]
            for note_id in note_ids
        }


def missing(stored: bytes, said: Said) -> int:
    """Return how many frames at the end of ``said`` are not in the note, whose rest must be exact.

    u-law's second zero arrives as the first: Asterisk decodes and encodes in between.
    """
    sent, stored = (sound.replace(b"\x7f", b"\xff") for sound in (said.sent, stored))
    at = sent.find(stored[:FRAME])
    assert at >= 0, "the note's first frame was never sent"
    assert at % FRAME == 0
    assert at // FRAME <= said.sent_at_tone + 3, "speech right after the tone is missing"
    common = min(len(stored), len(sent) - at)
    assert stored[:common] == sent[at : at + common], "a frame is missing, doubled or altered"
    return (len(sent) - at - len(stored)) // FRAME


def peak_memory_mb(pid: int) -> float:
    """Return the most memory that a process ever held (VmHWM of proc(5)), in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


async def until_ready(house: Installation) -> None:
    """Wait for /health without holding the loop, on which callers talk."""
    await asyncio.to_thread(house.until_ready)


def running(pid: int) -> bool:
    """Say whether a process is there."""
    return Path(f"/proc/{pid}").exists()


def only_note(row: dict[str, Any]) -> dict[str, Any]:
    [note] = row["notes"]
    assert isinstance(note, dict)
    return note


def until_kept(house: Installation, number: str) -> dict[str, Any]:
    """Wait until a caller's only note is finished."""
    [row] = house.finished_rows(number)
    return only_note(row)
