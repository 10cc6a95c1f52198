"""The inbox over https with certificate files: a real installation, a certificate of our own."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge import webdoor
from bridge.errors import SettingError
from bridge.webdoor import tls_context
from tests.installation import Installation
from tests.loop import in_loop

pytestmark = pytest.mark.process


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, private


def test_with_certificate_files_the_inbox_and_its_links_speak_https_only(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    chain, private = pair
    with Installation(tmp_path / "house", TLS_CERT=str(chain), TLS_KEY=str(private)) as house:
        trust = ssl.create_default_context(cafile=str(chain))
        answer = httpx.get(f"{house.url}/login", verify=trust)
        assert answer.status_code == 200
        # A browser keeps HSTS per host, not per port: on localhost it would break the neighbours.
        assert "strict-transport-security" not in answer.headers
        link = house.run("user", "add", "anna", "--mailbox", "1001").split()[-1]
        assert link.startswith(f"{house.url}/join#")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{house.url.replace('https:', 'http:')}/login")


def test_certificate_files_that_are_none_are_named(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    chain, private = pair
    locked = tmp_path / "locked.pem"
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    cases = [
        (chain, chain, f"AFTERTONE_TLS_KEY {chain} holds no private key"),
        (private, chain, f"AFTERTONE_TLS_CERT {private} holds no certificate"),
        (chain, locked, "needs a passphrase"),
    ]
    for certificate, secret, words in cases:
        with pytest.raises(SettingError) as told:
            tls_context(certificate, secret)
        assert words in str(told.value)
    house = Installation(tmp_path / "house", TLS_CERT=str(chain), TLS_KEY=str(chain))
    house.temporary.mkdir(parents=True)
    assert f"AFTERTONE_TLS_KEY {chain} holds no private key" in house.run("serve", code=78)


@in_loop
async def test_who_never_finishes_the_handshake_is_sent_away(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("here")(scope, receive, send)

    monkeypatch.setattr(webdoor, "HANDSHAKE_S", 0.3)
    settings = webdoor.GuardedConfig(app, log_config=None, lifespan="off")
    settings.load()
    settings.ssl = tls_context(*pair)
    server = webdoor.GuardedServer(settings)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        writer.write(b"\x16\x03\x01")  # a TLS record begins, and goes no further
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - begun < 5
        writer.close()
        trust = ssl.create_default_context(cafile=str(pair[0]))
        async with httpx.AsyncClient(verify=trust) as client:
            assert (await client.get(f"https://localhost:{bound.getsockname()[1]}/")).text == "here"
        server.should_exit = True
        await serving


def test_the_health_check_of_a_container_asks_by_https(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    with Installation(tmp_path, TLS_CERT=str(pair[0]), TLS_KEY=str(pair[1])) as house:
        told = subprocess.run(
            [sys.executable, "-m", "bridge.health"],
            env={"AFTERTONE_HTTP": house.http, "AFTERTONE_TLS_CERT": str(pair[0]),
                 "AFTERTONE_TLS_KEY": str(pair[1])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert '"ready":true' in told.stdout
