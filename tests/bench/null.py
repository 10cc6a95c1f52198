"""A bridge that does nothing: ``python -m tests.bench.null`` takes every call and throws its sound away.

It answers FastAGI as the dialplan wants it, plays the tone and reads the sound twice a second, with as little
Python as can do that. It checks nothing, files nothing, seals nothing and keeps nothing: Asterisk and this
together are the least that a note costs with any bridge in Python behind this dialplan.

Prints its FastAGI port, and then of each call that ended how many packets of 20 ms it brought.
"""

import asyncio
import socket
import uuid
from collections.abc import Iterator
from typing import cast

import uvloop

from bridge.media.prompt import RECORD
from bridge.wire.audiosocket import HEADER, SILENCE, sound

HERE = "127.0.0.1"
NAMED = HEADER + 16
"""Bytes of the message that names the call, before its sound."""

TONE = [sound(frame) for frame in RECORD.frames()]
FRAME_S = 0.02
DRAIN_S = 0.5
QUIET_S = 1.0
"""Asterisk ends a connection after 2 s without a message."""

_buffer = bytearray(1 << 16)


class Agi(asyncio.Protocol):
    """One question of the dialplan: every call is wanted, every note was kept."""

    def __init__(self, sound_port: int) -> None:
        self._sound_port = sound_port
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._request.endswith(b"\n\n"):
            # What was asked has been done.
            self._transport.close()
            return
        self._request += data
        if not self._request.endswith(b"\n\n"):
            return
        if b"agi_network_script: result\n" in self._request:
            answer = 'AFTERTONE_KEPT "yes"'
        else:
            answer = f'AFTERTONE_ANSWER "record,{uuid.uuid4()},{HERE}:{self._sound_port}"'
        self._transport.write(f"SET VARIABLE {answer}\n".encode())


class Caller:
    """One call's sound."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.tone: Iterator[bytes] = iter(TONE)
        self._bytes = -NAMED
        self._sent_at = now

    def play(self) -> bool:
        """Send the next frame of the tone; False behind the last one."""
        frame = next(self.tone, None)
        if frame is None:
            return False
        self._send(frame)
        return True

    def drain(self, now: float) -> bool:
        """Read what came; False when the call is over."""
        try:
            count = self.sock.recv_into(_buffer)
        except BlockingIOError:
            count = -1
        except OSError:
            count = 0
        if not count:
            print(max(0, self._bytes) // len(SILENCE), flush=True)
            self.sock.close()
            return False
        if count > 0:
            self._bytes += count
            self._sent_at = now
        elif now - self._sent_at >= QUIET_S:
            self._send(SILENCE)
            self._sent_at = now
        return True

    def _send(self, message: bytes) -> None:
        try:
            self.sock.send(message)
        except OSError:
            # A full socket drops a frame of the tone; a closed one is met by the next drain.
            return


class Callers:
    """All calls, with one ticker for the sound and one for the tone."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._all: set[Caller] = set()
        self._playing: set[Caller] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(listener, self._accept)
        self._drain()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        caller = Caller(sock, self._loop.time())
        self._all.add(caller)
        if not self._playing:
            self._loop.call_later(FRAME_S, self._play)
        self._playing.add(caller)

    def _play(self) -> None:
        self._playing = {caller for caller in self._playing if caller.play()}
        if self._playing:
            self._loop.call_later(FRAME_S, self._play)

    def _drain(self) -> None:
        now = self._loop.time()
        self._all = {caller for caller in self._all if caller.drain(now)}
        self._playing &= self._all
        self._loop.call_later(DRAIN_S, self._drain)


async def main() -> None:
    """Serve until the process is ended."""
    listener = socket.create_server((HERE, 0), backlog=256)
    listener.setblocking(False)
    Callers(listener)
    sound_port = listener.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(lambda: Agi(sound_port), HERE, 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
