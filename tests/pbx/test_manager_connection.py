"""The AMI connection to an Asterisk of our own, which is stopped, killed, frozen, and spoken to by TLS."""

import asyncio
import datetime
import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge import config
from bridge.config import Address
from bridge.control import ami, link
from bridge.control.ami import Manager
from bridge.control.lamp import through_dialplan
from bridge.errors import SettingError, Unready
from bridge.phone.pbx import AMI_USER, Pbx, free_port
from tests.control.stage import happens, managed, until
from tests.installation import Installation

pytestmark = pytest.mark.pbx

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the PBX speaks TLS, and the CA that its certificate comes from."""

    port: int
    ca: Path


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certify(folder: Path) -> None:
    """Write a CA of our own, and a certificate for 127.0.0.1 with its key."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def builder(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Our CA"))
        made = made.public_key(public).serial_number(x509.random_serial_number())
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        made = made.not_valid_before(now - DAY).not_valid_after(now + DAY)
        return made.add_extension(identifier, critical=False)

    uses = {"digital_signature": True, "key_cert_sign": True, "crl_sign": True}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = x509.KeyUsage(**uses, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False))
    ca = (
        builder("Our CA", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        builder("The PBX", key.public_key())
        .add_extension(names, critical=False)
        .add_extension(by, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("certificates")
    certify(folder)
    return Tls(free_port(socket.SOCK_STREAM), folder / "ca.pem")


@pytest.fixture(scope="module")
def own(tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """A PBX that nobody else's test needs."""
    files = f"tlscertfile={tls.ca.with_name('cert.pem')}\ntlsprivatekey={tls.ca.with_name('key.pem')}"
    manager = f"[general](+)\ntlsenable=yes\ntlsbindaddr=127.0.0.1:{tls.port}\n{files}\n"
    pbx = Pbx(tmp_path_factory.mktemp("own"), manager=manager)
    yield pbx
    pbx.stop()


def address(pbx: Pbx) -> Address:
    return Address("127.0.0.1", pbx.ami_port)


@contextmanager
def running(pbx: Pbx) -> Iterator[None]:
    """Start it when it does not run; whatever a test did to it, the next has a running one."""
    try:
        _ = pbx.pid
    except Unready:
        pbx.start()
    yield


@asynccontextmanager
async def booting(pbx: Pbx) -> AsyncIterator[tuple[Manager, list[str]]]:
    """A connection, and what it did after each boot: it lit a lamp."""
    boots: list[str] = []

    def prepare(manager: Manager) -> None:
        async def lamp() -> None:
            done = await manager.action("Originate", through_dialplan("1001", 1, 0))
            boots.append(done.get("Response"))

        manager.on_boot(lamp)

    async with managed(address(pbx), pbx.ami_secret, user=AMI_USER, prepare=prepare) as manager:
        yield manager, boots


def test_it_is_there_before_asterisk_and_survives_its_stops_and_its_death(own: Pbx) -> None:
    """Each time the lamp is lit anew, by a PBX that is booted: Asterisk takes logins before it is."""
    own.start()
    own.stop()

    async def story() -> None:
        async with booting(own) as (manager, boots):
            await until(manager, "away")
            for times, end in enumerate((own.stop, own.kill, own.stop), 1):
                await asyncio.to_thread(own.start)
                await happens(lambda times=times: len(boots) == times)  # type: ignore[misc]
                assert manager.status.state == "ready"
                await asyncio.to_thread(end)
                await until(manager, "away")
            assert boots == ["Success"] * 3

    asyncio.run(story())


def test_a_frozen_asterisk_is_away_and_comes_back(own: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami, "PING_EVERY_S", 0.2)
    monkeypatch.setattr(ami, "PING_S", 1.0)

    async def story() -> None:
        async with booting(own) as (manager, boots):
            await happens(lambda: bool(boots))
            os.kill(own.pid, signal.SIGSTOP)
            try:
                await until(manager, "away")
                seen = len(boots)
            finally:
                os.kill(own.pid, signal.SIGCONT)
            await happens(lambda: len(boots) > seen and manager.status.state == "ready")
            assert set(boots) == {"Success"}

    with running(own):
        asyncio.run(story())


def test_tls_is_spoken_to_a_pbx_whose_certificate_is_trusted_and_to_no_other(
    own: Pbx, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        "HOME": "/home/admin",
        "AFTERTONE_AMI": f"127.0.0.1:{tls.port}",
        "AFTERTONE_AMI_USER": AMI_USER,
        "AFTERTONE_AMI_SECRET": own.ami_secret,
        "AFTERTONE_AMI_TLS": "on",
        "AFTERTONE_AMI_CA": str(tls.ca),
    }
    context = of(environ)._tls
    assert context is not None

    async def story() -> None:
        async def ends(port: int, host: str, tls: ssl.SSLContext | None, why: str) -> str:
            where = Address(host, port)
            async with managed(where, own.ami_secret, user=AMI_USER, tls=tls) as manager:
                await happens(lambda: why in manager.status.why)
                return manager.status.state

        assert await ends(tls.port, "127.0.0.1", context, "logged in") == "ready"
        stranger = ssl.create_default_context()
        assert await ends(tls.port, "127.0.0.1", stranger, "not trusted") == "refused"
        assert await ends(tls.port, "localhost", context, "not trusted") == "refused", "another's name"
        assert await ends(own.ami_port, "127.0.0.1", context, "does not speak TLS") == "away"
        monkeypatch.setattr(link, "CONNECT_S", 0.5)
        assert await ends(tls.port, "127.0.0.1", None, "no greeting") == "away"

    with running(own):
        asyncio.run(story())


def of(environ: dict[str, str]) -> Manager:
    manager = ami.manager(config.load(environ), lambda: 0.0)
    assert manager is not None
    return manager


def test_a_ca_file_without_a_certificate_is_named(tls: Tls) -> None:
    environ = {"AFTERTONE_AMI_USER": "x", "AFTERTONE_AMI_SECRET": "y", "AFTERTONE_AMI_TLS": "on", "HOME": "/"}
    with pytest.raises(SettingError, match=r"AFTERTONE_AMI_CA .*key.pem holds no certificate"):
        of({**environ, "AFTERTONE_AMI_CA": str(tls.ca.with_name("key.pem"))})
    assert ami.manager(config.load({"HOME": "/"}), lambda: 0.0) is None, "without a user AMI is off"


@pytest.mark.process
def test_monitors_see_how_the_bridge_stands_with_its_pbx(own: Pbx, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(own.ami_secret)
    settings = {"AMI": str(address(own)), "AMI_USER": AMI_USER, "AMI_SECRET_FILE": str(secret)}

    def pbx(house: Installation) -> str:
        answer = httpx.get(f"{house.url}/health")
        assert answer.status_code == 200, "a bridge without its lamps still takes calls"
        return str(answer.json()["pbx"])

    async def story() -> None:
        with Installation(tmp_path, **settings) as house:
            await happens(lambda: pbx(house) == "ready")
            await asyncio.to_thread(own.stop)
            await happens(lambda: pbx(house) == "away")
            await asyncio.to_thread(own.start)
            await happens(lambda: pbx(house) == "ready")
            assert own.ami_secret not in house.log()
        secret.write_text("another")
        with Installation(tmp_path, **settings) as house:
            await happens(lambda: pbx(house) == "refused")
            assert "DOES NOT LET US IN" in house.log()

    with running(own):
        asyncio.run(story())
