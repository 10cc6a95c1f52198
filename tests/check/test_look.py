"""Looking at a real folder, certificate and port, and at a machine made of files; nothing changes by it."""

import http.server
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.check import certificate, look
from bridge.check.facts import Serving
from bridge.check.swap import is_encrypted, may_swap, open_swaps
from bridge.store import open_store
from bridge.store.migrations import NEWEST
from bridge.store.store import DATABASE
from tests.check.good import settings


def test_a_new_house_is_seen_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert not look.data(folder).exists
    store = open_store(folder)
    store.mailboxes.add("1001")
    store.users.add("anna", ["1002"])
    store.recover()
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    found = look.data(folder)
    assert found.exists
    assert (found.mode, found.owner, found.needed) == (0o700, os.geteuid(), NEWEST)
    assert found.has_secret
    assert found.free
    assert found.survey is not None
    assert found.survey.whole
    assert found.survey.version == NEWEST
    assert found.survey.unclaimed == ("1001", "1002")
    assert found.survey.silent == ("1002",)
    assert look.service(settings(DATA=str(folder), HTTP="127.0.0.1:1")).locked
    store.close()
    assert not look.service(settings(DATA=str(folder), HTTP="127.0.0.1:1")).locked
    look.data(folder)
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert before.keys() - {f"{DATABASE}-wal", f"{DATABASE}-shm"} <= after.keys()
    assert after.keys() <= before.keys()


def test_a_database_of_another_version_or_none_at_all_is_told(tmp_path: Path) -> None:
    open_store(tmp_path / "data").close()
    with sqlite3.connect(tmp_path / "data" / DATABASE) as changed:
        changed.execute("UPDATE version SET number = 99")
    changed.close()
    found = look.data(tmp_path / "data")
    assert found.survey is not None
    assert found.survey.version == 99
    (tmp_path / "data" / DATABASE).write_bytes(b"SQLite format 3\0" + bytes(5000))
    broken = look.data(tmp_path / "data")
    assert broken.survey is None
    assert broken.fault
    (tmp_path / "data" / "server.secret").unlink()
    assert not look.data(tmp_path / "data").has_secret
    assert look.data(tmp_path).survey is None
    assert look.data(tmp_path).has_secret


def test_files_with_secrets_that_everybody_may_read_are_named_and_not_told(tmp_path: Path) -> None:
    secret, chosen = tmp_path / "secret", tmp_path / "settings"
    secret.write_text("open-sesame")
    chosen.write_text("AFTERTONE_AMI_SECRET=open-sesame\n")
    for path in (secret, chosen):
        path.chmod(0o644)
    environ = {"AFTERTONE_AMI_SECRET_FILE": str(secret), "AFTERTONE_CONFIG": str(chosen)}
    mine = settings(DATA=str(tmp_path / "none"))
    assert set(look.machine(mine, environ, None).open_files) == {str(secret), str(chosen)}
    for path in (secret, chosen):
        path.chmod(0o640)
    assert look.machine(mine, environ, None).open_files == ()
    chosen.write_text("AFTERTONE_HTTP=127.0.0.1:1\n")
    chosen.chmod(0o644)
    assert look.machine(mine, environ, None).open_files == ()
    chosen.write_text(f"AFTERTONE_AMI_SECRET_FILE={secret}\n")
    secret.chmod(0o644)
    assert look.machine(mine, {}, chosen).open_files == (str(secret),)


def test_the_process_that_serves_a_folder_is_found_by_its_lock_and_its_core_limit_read(
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path / "data")
    store.recover()
    mine = settings(DATA=str(tmp_path / "data"))
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        assert look.machine(mine, {}, None).core_limit == 0
        if hard:
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            assert look.machine(mine, {}, None).core_limit == hard
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        store.close()


def test_a_spool_that_is_closed_or_no_folder_is_told(tmp_path: Path) -> None:
    mine = settings(DATA=str(tmp_path), SPOOL=str(tmp_path / "spool"))
    assert look.machine(mine, {}, None).spool_fault
    (tmp_path / "spool").mkdir()
    assert look.machine(mine, {}, None).spool_fault == ""


def swaps_of(tmp_path: Path, *names: str) -> Path:
    table = tmp_path / "swaps"
    rows = [f"{name.replace(' ', chr(92) + '040')} file 999 0 -2" for name in names]
    table.write_text("\n".join(["Filename Type Size Used Priority", *rows]) + "\n")
    return table


def block(tmp_path: Path, path: Path) -> Path:
    """Make the folder in sysfs of the device on which a file lies."""
    device = path.stat().st_dev
    made = tmp_path / "blocks" / f"{os.major(device)}:{os.minor(device)}"
    made.mkdir(parents=True)
    return made


def test_a_swap_file_counts_unless_it_lies_on_an_encrypted_disk(tmp_path: Path) -> None:
    file = tmp_path / "swap file"
    file.touch()
    table = swaps_of(tmp_path, str(file))
    device = block(tmp_path, file)
    assert open_swaps(table, tmp_path / "blocks") == (str(file),)
    (device / "dm").mkdir()
    (device / "dm" / "uuid").write_text("LVM-xyz")
    (device / "slaves" / "dm-0" / "dm").mkdir(parents=True)
    assert open_swaps(table, tmp_path / "blocks") == (str(file),)
    (device / "slaves" / "dm-0" / "dm" / "uuid").write_text("CRYPT-LUKS2-abc")
    assert open_swaps(table, tmp_path / "blocks") == ()
    (device / "slaves" / "sdb").mkdir()
    assert not is_encrypted(device), "half of it lies in the open"
    assert open_swaps(swaps_of(tmp_path), tmp_path / "blocks") == ()
    assert open_swaps(tmp_path / "none") == ()


def test_a_service_whose_group_has_no_swap_does_not_swap(tmp_path: Path) -> None:
    groups, proc = tmp_path / "cgroup", tmp_path / "proc"
    (proc / "7").mkdir(parents=True)
    (proc / "7" / "cgroup").write_text("0::/system.slice/aftertone.service\n")
    own = groups / "system.slice" / "aftertone.service"
    own.mkdir(parents=True)
    assert may_swap(7, groups, proc) is None
    assert may_swap(8, groups, proc) is None
    (own / "memory.swap.max").write_text("max\n")
    assert may_swap(7, groups, proc) is True
    (own.parent / "memory.swap.max").write_text("0\n")
    assert may_swap(7, groups, proc) is False


def pair(folder: Path, names: list[x509.GeneralName]) -> tuple[Path, Path]:
    """Make a certificate that ends tomorrow, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "never.compared")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    folder.mkdir()
    chain, private = folder / "cert.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    private.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def test_names_and_dates_of_a_certificate_are_read_and_a_foreign_key_is_told(tmp_path: Path) -> None:
    chain, key = pair(tmp_path / "one", [x509.DNSName("Notes.example.org"), x509.DNSName("*.example.org")])
    _, other = pair(tmp_path / "two", [])
    found = certificate.look(chain, key)
    assert found.names == ("notes.example.org", "*.example.org")
    assert found.begins_at is not None
    assert found.ends_at is not None
    assert found.begins_at < datetime.now(UTC) < found.ends_at < datetime.now(UTC) + timedelta(days=2)
    assert "is not the key of" in certificate.look(chain, other).fault
    assert "never.compared" not in certificate.look(*pair(tmp_path / "three", [])).names
    chain.write_text("-----BEGIN CERTIFICATE-----\nrubbish")
    assert certificate.look(chain, key).fault


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Something on an HTTP port that says the same to everybody."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


OURS = b'{"ready":true,"recording":false,"pbx":"away"}'


@pytest.mark.parametrize(
    ("status", "body", "who"),
    [
        (200, OURS, Serving.READY),
        (503, OURS, Serving.STARTING),
        (200, b"<html>It works!</html>", Serving.STRANGER),
        (200, b"[]", Serving.STRANGER),
        (200, b'{"ready":true}', Serving.STRANGER),
        (200, b"\xff\xfe", Serving.STRANGER),
    ],
)
def test_who_answers_is_known_by_what_it_says(tmp_path: Path, status: int, body: bytes, who: Serving) -> None:
    with answering(status, body) as at:
        found = look.service(settings(DATA=str(tmp_path), HTTP=at))
    assert found.http is who
    assert (found.recording, found.pbx) == ((False, "away") if body == OURS else (None, None))


@pytest.mark.process
def test_settings_that_cannot_be_used_are_the_one_finding(tmp_path: Path) -> None:
    environ = {**os.environ, "AFTERTONE_DATA": str(tmp_path), "AFTERTONE_HTTP": "nowhere"}
    told = subprocess.run(
        [sys.executable, "-m", "bridge.cli", "check", "--json"],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    assert '"result": "unchecked"' in told.stdout
    assert "AFTERTONE_HTTP is 'nowhere'; it must be host:port" in told.stdout
    assert list(tmp_path.iterdir()) == []
