"""A thousand open event streams of one mailbox: how soon after the hang-up the last knows of the note."""

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.store import Store, open_store
from bridge.store.sessions import SessionKind
from tests.connect.pbx import Pbx, frame
from tests.installation import Installation
from tests.store.house import claim, joined
from web.streams import PER_USER

STREAMS = 1000
NOTES = 5
LIMIT_S = 1.0
LATE_S = 30.0
"""After that a stream that was told nothing is not waited for."""

SPEECH_S = 1.5

MAILBOX = "1001"


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports of the measured bridge, which is another process."""

    agi_port: int
    audiosocket_port: int


@dataclass(frozen=True, slots=True)
class Figures:
    """For each note the seconds from the hang-up until the median and the last stream knew; ``heard`` counts
    the streams that were told of all notes."""

    streams: int
    medians: list[float]
    worst: list[float]
    heard: int


class Ear:
    """One open stream, which counts what it is told after its greeting."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.told_at = 0.0

    @classmethod
    async def open(cls, address: tuple[str, int], token: str) -> "Ear":
        """Open a stream; raises OSError, IncompleteReadError when it is refused."""
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            f"GET /api/v1/events HTTP/1.1\r\nHost: localhost:{address[1]}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: status")
        return cls(reader, writer)

    async def hear(self) -> None:
        """Note the time of every event of a row until the stream ends."""
        while line := await self._reader.readline():
            if line.startswith(b"event: row"):
                self.told_at = time.monotonic()


def measure(folder: Path, streams: int = STREAMS, notes: int = NOTES) -> Figures:
    """Run a bridge below ``folder``, whose members listen in ``streams`` streams while a caller leaves
    ``notes``."""
    place = folder / "streams"
    place.mkdir(parents=True)
    house = Installation(place)
    with closing(open_store(house.data, events=lambda _news: None)) as store:
        tokens = members(store, streams)
    with house:
        return asyncio.run(_listen(house, tokens, notes))


def members(store: Store, streams: int) -> list[str]:
    """Make as many members of one mailbox as ``streams`` need; return a session for every stream."""
    store.mailboxes.add(MAILBOX, "Bench")
    people = [joined(store, f"member {number}", MAILBOX) for number in range(-(-streams // PER_USER))]
    first, *others = people
    box = store.mailboxes.recipient(MAILBOX).mailbox_id
    epochs = sorted(claim(store, first, box))
    for person in others:
        # The server cannot tell a wrap that opens from another; nobody opens these.
        wraps = [(epoch, os.urandom(80)) for epoch in epochs]
        store.mailboxes.approve(box, first.id, person.id, person.public, wraps)
    each = itertools.chain.from_iterable(itertools.repeat(people, PER_USER))
    return [store.sessions.open(one.id, SessionKind.BEARER) for one in itertools.islice(each, streams)]


async def _listen(house: Installation, tokens: list[str], notes: int) -> Figures:
    pbx = Pbx(Doors(_port(house.agi), _port(house.audiosocket)))
    async with AsyncExitStack() as stack:
        ears = [await Ear.open(("127.0.0.1", _port(house.http)), token) for token in tokens]
        for ear in ears:
            stack.callback(ear.writer.close)
        hearing = [asyncio.create_task(ear.hear()) for ear in ears]
        figures = Figures(len(ears), [], [], len(ears))
        for number in range(notes):
            hung_up = await _note(pbx, f"{number}.1")
            late = await _delays(ears, hung_up)
            figures.medians.append(statistics.median(late))
            figures.worst.append(max(late))
            figures = replace(figures, heard=min(figures.heard, sum(ear.told_at > hung_up for ear in ears)))
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)
    return figures


async def _note(pbx: Pbx, linkedid: str) -> float:
    """Leave a note; return when its caller hung up. By then what is told of its beginning has been told."""
    caller, _ = await pbx.call(linkedid)
    await caller.hear_tone()
    for number in range(round(SPEECH_S * 50)):
        caller.say(frame(number))
        await asyncio.sleep(0.02)
    caller.hang_up()
    return time.monotonic()


async def _delays(ears: Sequence[Ear], since: float) -> list[float]:
    """Wait until every ear was told something; who was not stands with LATE_S."""
    until = since + LATE_S
    while time.monotonic() < until and not all(ear.told_at > since for ear in ears):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return [ear.told_at - since if ear.told_at > since else LATE_S for ear in ears]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def sentences(figures: Figures) -> str:
    """Return what is printed."""
    median, worst = statistics.median(figures.medians), max(figures.worst)
    held = worst <= LIMIT_S and figures.heard == figures.streams
    return (
        f"\n{figures.streams:,} open streams of one mailbox, from the hang-up until told of the note: "
        f"median {median:.2f} s, the last {worst:.2f} s, {figures.heard:,} told of every note "
        f"(limit {LIMIT_S:g} s: {'held' if held else 'NOT HELD'})"
    )
