"""The real app on a real port, in a thread of its own: for streams and for programs outside."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from bridge.webdoor import GuardedConfig


class Server(uvicorn.Server):
    """uvicorn that leaves signals alone and says when it listens."""

    def __init__(self, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def bound_socket() -> socket.socket:
    """Return a bound socket on a port that the system chose."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


@contextmanager
def serving(app: ASGIApp, bound: socket.socket, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve in a thread until the block ends."""
    settings = GuardedConfig(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    settings.load()
    settings.ssl = tls
    server = Server(settings)
    thread = threading.Thread(target=asyncio.run, args=[server.serve(sockets=[bound])])
    thread.start()
    try:
        assert server.up.wait(10), "the server did not come up"
        yield server
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()
        assert not thread.is_alive(), "the server did not stop"


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for localhost; returns chain and key files."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private.write_bytes(pem)
    return chain, private
