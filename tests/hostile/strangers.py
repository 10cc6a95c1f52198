"""Strangers at a TCP port: what they send, and how they are got rid of."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

CHUNK = 1 << 16

Address = tuple[str, int]


def address_of(text: str) -> Address:
    """Split ``host:port``."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def raise_file_limit(wanted: int = 8192) -> None:
    """Let this process hold a thousand connections on each port."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


@dataclass(frozen=True, slots=True)
class Stranger:
    """Sends ``pieces``, one each ``pause_s``; then hangs up, or waits for the other side to do it."""

    name: str
    pieces: Sequence[bytes]
    pause_s: float = 0.0
    hangs_up: bool = False


async def visit(address: Address, stranger: Stranger, deadline_s: float) -> bytes:
    """Be that stranger; return what was answered until the connection was closed.

    Raises AssertionError when it is still open after ``deadline_s``.
    """
    reader, writer = await asyncio.open_connection(*address)
    answer = bytearray()
    talk = asyncio.create_task(_talk(writer, stranger))
    try:
        if stranger.hangs_up:
            await talk
            return b""
        async with asyncio.timeout(deadline_s):
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(CHUNK):
                    answer += data
    except TimeoutError:
        raise AssertionError(f"{stranger.name}: still open after {deadline_s} s") from None
    finally:
        talk.cancel()
        await asyncio.gather(talk, return_exceptions=True)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return bytes(answer)


async def _talk(writer: asyncio.StreamWriter, stranger: Stranger) -> None:
    with contextlib.suppress(ConnectionError):
        for piece in stranger.pieces:
            for at in range(0, len(piece), CHUNK):
                writer.write(piece[at : at + CHUNK])
                await writer.drain()
            await asyncio.sleep(stranger.pause_s)


@asynccontextmanager
async def crowd(address: Address, words: Sequence[bytes]) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold one connection for each of ``words``, in their order, that says it and then nothing."""
    streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        for word in words:
            reader, writer = await asyncio.open_connection(*address)
            streams.append((reader, writer))
            with contextlib.suppress(ConnectionError):
                writer.write(word)
        yield [reader for reader, _ in streams]
    finally:
        for _, writer in streams:
            writer.transport.abort()
        await asyncio.sleep(0)


async def until_closed(readers: Sequence[asyncio.StreamReader], deadline_s: float) -> None:
    """Wait until the other side has closed every connection; raises AssertionError."""

    async def end_of(reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(CHUNK):
                pass

    try:
        async with asyncio.timeout(deadline_s):
            await asyncio.gather(*map(end_of, readers))
    except TimeoutError:
        left = sum(not reader.at_eof() and reader.exception() is None for reader in readers)
        raise AssertionError(f"{left} of {len(readers)} are open after {deadline_s} s") from None
