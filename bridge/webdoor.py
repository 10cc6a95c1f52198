"""The door of the inbox's port: who waits for what, how long, and how many at once.

uvicorn limits the size of a request's head, and the web layer that of its body. But uvicorn waits without end
for a head, and for somebody who does not read an answer; a single byte even stops its keep-alive clock. So
whoever lets us wait stands in the same door as on the PBX's ports: with a deadline that no drip of bytes
moves, and a last place. An event stream with nothing to tell waits for us, not for its reader, and stays.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.connect.door import Door
from bridge.errors import SettingError

log = logging.getLogger("aftertone.webdoor")

HANDSHAKE_S = 10.0
"""Seconds for a TLS handshake; whoever is in it stands in no door yet."""

STANDING = 512
"""Connections that let us wait. A body has at most 64 KiB, so they hold 32 MB at the worst."""

Wait = Literal["head", "body", "reader"]

PATIENCE_S: dict[Wait, float] = {
    "head": 10.0,  # longer than uvicorn's 5 s for an idle connection, which then closes without a word
    "body": 25.0,  # the web layer answers 408 after 20 s
    "reader": 30.0,  # for the next 64 KiB of an answer
}
"""Seconds of one wait, from its begin."""

_WHY: dict[Wait, str] = {
    "head": "no request in time",
    "body": "no body in time",
    "reader": "it does not read its answer",
}


class GuardedConfig(uvicorn.Config):
    """uvicorn's configuration with a door that all connections of its server share."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, http=GuardedProtocol, **options)
        self.door: Door[GuardedProtocol] = Door(lambda late: late.drop("too many are silent"), STANDING)


class GuardedServer(uvicorn.Server):
    """uvicorn without its own signal handlers (the service alone decides when to stop), and in a hurry with
    TLS handshakes (uvicorn has no option for that)."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return a context that captures nothing."""
        return nullcontext()

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Serve on these sockets."""
        config, loop = self.config, asyncio.get_running_loop()
        patience = HANDSHAKE_S if config.ssl is not None else None

        def connection() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(config=config, server_state=self.server_state, app_state={})
            return made

        self.servers = [
            await loop.create_server(
                connection,
                sock=sock,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=patience,
                ssl_shutdown_timeout=patience,
            )
            for sock in sockets or ()
        ]
        self.started = True


def tls_context(chain: Path, key: Path) -> ssl.SSLContext:
    """Return what serves https with these PEM files. Raises SettingError naming the one that is wrong."""
    for name, path, mark, what in (
        ("AFTERTONE_TLS_CERT", chain, b"-----BEGIN CERTIFICATE-----", "certificate"),
        ("AFTERTONE_TLS_KEY", key, b"PRIVATE KEY-----", "private key"),
    ):
        try:
            found = mark in path.read_bytes()
        except OSError as error:
            raise SettingError(f"{name} {path} cannot be read: {error.strerror}") from None
        if not found:
            raise SettingError(f"{name} {path} holds no {what} in PEM form")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password function OpenSSL would ask for one on the terminal, if there is one.
        context.load_cert_chain(chain, key, password=lambda: "")
    except (OSError, ssl.SSLError):
        raise SettingError(
            f"AFTERTONE_TLS_KEY {key} is not the key of AFTERTONE_TLS_CERT {chain}, or needs a passphrase, or"
            " one of them is damaged"
        ) from None
    return context


class GuardedProtocol(H11Protocol):
    """One HTTP connection that may not let us wait for ever."""

    config: GuardedConfig
    _wait: Wait | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._enter(None)

    def drop(self, why: str) -> None:
        """Close at once, with one log line."""
        log.warning("connection closed: %s", why)
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        # There are no WebSockets here; uvicorn would log two lines for each who asks, the answer is HTTP's.
        return False

    def _look(self) -> None:
        """Find out whether the client lets us wait, and for what."""
        if self.cycle is None or self.cycle.response_complete:
            # Also what is left of an answer when the connection closes after it.
            self._enter("head")
        elif self.flow.write_paused:
            self._enter("reader")
        else:
            self._enter("body" if self.cycle.more_body else None)

    def _enter(self, wait: Wait | None) -> None:
        if wait == self._wait:
            return
        self._wait = wait
        self.config.door.leave(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait is not None:
            self.config.door.enter(self)
            self._timer = self.loop.call_later(PATIENCE_S[wait], self.drop, _WHY[wait])
