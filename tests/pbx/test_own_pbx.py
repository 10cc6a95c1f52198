"""The PBX that demo and tests bring with them: where it comes from, what it leaves behind, what it opens."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from bridge.errors import Unready
from bridge.phone import asterisk
from bridge.phone.pbx import Pbx

pytestmark = pytest.mark.pbx

SCRIPT = Path(asterisk.__file__).with_name("get-asterisk.sh")


def test_the_version_that_came_is_told_and_new_enough(pbx: Pbx) -> None:
    assert asterisk.major(pbx.version) >= asterisk.OLDEST
    assert re.search(r"Asterisk [\d.]+", pbx.command("core show version"))


def test_german_and_english_sentences_are_there_and_differ(pbx: Pbx) -> None:
    english, german = pbx.prompt("en/vm-nobodyavail"), pbx.prompt("de/vm-nobodyavail")
    assert english != german
    assert all(2.0 < len(sound) / 16000 < 3.5 for sound in (english, german))
    with pytest.raises(Unready, match="no prompt"):
        pbx.prompt("de/no-such-sentence")


def test_unpacking_again_is_done_in_a_moment_and_changes_nothing(pbx: Pbx) -> None:
    target = asterisk.default_cache()
    if not (target / ".complete").exists():
        pytest.skip("this host runs an installed Asterisk")
    before = (target / "run-asterisk").stat()
    run = subprocess.run([str(SCRIPT), str(target)], capture_output=True, text=True, timeout=10, check=True)
    assert run.stdout.startswith("Asterisk ")
    assert (target / "run-asterisk").stat() == before


def test_two_pbxs_live_side_by_side_and_leave_nothing_running(tmp_path: Path) -> None:
    with Pbx(tmp_path / "one") as one, Pbx(tmp_path / "two") as two:
        pids = {one.pid, two.pid}
        assert one.sip_port != two.sip_port
        one.set_global("MARK", "one")
        assert "MARK=one" in one.command("dialplan show globals")
        assert "MARK=one" not in two.command("dialplan show globals")
    assert not any(alive(pid) for pid in pids)


def test_every_port_with_a_number_is_on_loopback_only(tmp_path: Path) -> None:
    with Pbx(tmp_path / "pbx") as own:
        listening = sockets_of(own.pid)
    assert ("127.0.0.1", own.sip_port) in listening
    assert ("127.0.0.1", own.ami_port) in listening
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    # the PBX's resolver binds one port of the kernel's choice, wherever its transports are bound
    assert all(host == "127.0.0.1" or port >= first_ephemeral for host, port in listening)


def test_configuration_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    with Pbx(tmp_path / "pbx") as own:
        assert own.folder.stat().st_mode & 0o777 == 0o700
        assert all(file.stat().st_mode & 0o077 == 0 for file in (own.folder / "etc").iterdir())
        passwords = [one.password for one in own.extensions]
    assert len(set(passwords)) == len(passwords)
    assert not any(password in repr(own.extensions) for password in passwords)


def test_a_start_after_an_interrupted_run_ends_the_one_left_over(tmp_path: Path) -> None:
    left = Pbx(tmp_path / "pbx")
    left.start()
    old = left.pid
    with Pbx(tmp_path / "pbx") as again:
        assert again.pid != old
        assert left._process is not None
        assert left._process.wait(5) is not None
        assert "MARK" not in again.command("dialplan show globals")


def test_a_start_after_a_power_cut_works(tmp_path: Path) -> None:
    first = Pbx(tmp_path / "pbx")
    first.start()
    first.kill()
    assert (tmp_path / "pbx" / "run" / "asterisk.ctl").exists()
    with Pbx(tmp_path / "pbx") as again:
        assert "aftertone" in again.command("dialplan show aftertone")


def test_a_folder_too_deep_for_a_unix_socket_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with Pbx(deep) as own:
        assert own.command("core show uptime")
        run = own._short_run
        assert run is not None
    assert not run.exists()


def test_a_pbx_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    found = asterisk.find()
    (tmp_path / "modules").mkdir()
    bare = asterisk.Asterisk(found.program, tmp_path / "modules", found.data, found.version)
    broken = Pbx(tmp_path / "pbx", found=bare)
    with pytest.raises(Unready, match=r"ended at once; its log ends: .*chan_pjsip.so - Required"):
        broken.start()
    with pytest.raises(Unready, match="not running"):
        _ = broken.pid


def fake_asterisk(folder: Path, version: str) -> Path:
    """Put a program named asterisk there that knows only its version."""
    folder.mkdir()
    program = folder / "asterisk"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return program


def test_an_asterisk_that_is_too_old_or_lacks_a_module_is_refused_by_name(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in asterisk.NEEDED:
        (modules / f"{name}.so").touch()
    program = fake_asterisk(tmp_path / "bin", "Asterisk 16.28.0")
    old = asterisk.Asterisk(program, modules, tmp_path, "Asterisk 16.28.0~dfsg-0+deb11u4")
    with pytest.raises(Unready, match="older than 18"):
        asterisk.checked(old)
    good = asterisk.Asterisk(program, modules, tmp_path, "Asterisk certified/18.9-cert5")
    assert asterisk.checked(good) is good
    (modules / "app_audiosocket.so").unlink()
    with pytest.raises(Unready, match="app_audiosocket"):
        asterisk.checked(good)
    with pytest.raises(Unready, match="no version"):
        asterisk.major("Asterisk GIT-master")


def test_a_host_that_is_no_debian_gets_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "realpath", "dirname", "mkdir", "cat"):
        (tools / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(asterisk, "PROGRAM_FOLDERS", str(tools))
    with pytest.raises(Unready) as told:
        asterisk.find(tmp_path / "cache")
    assert "this works on Debian only" in told.value.user
    assert "install Asterisk 18 or newer" in told.value.user
    assert not (tmp_path / "cache").exists()


def test_the_script_names_no_host(pbx: Pbx) -> None:
    text = SCRIPT.read_text()
    assert "://" not in text
    assert not re.search(r"\b[a-z0-9-]+\.(org|com|net|de|io)\b", text)


def alive(pid: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sockets_of(pid: int) -> set[tuple[str, int]]:
    """Return host and port of every UDP and listening TCP socket of a process (proc(5))."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        found = re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink()))
        if found:
            inodes.add(found[1])
    found_sockets: set[tuple[str, int]] = set()
    for table, listening in (("udp", {"07"}), ("tcp", {"0A"})):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and fields[3] in listening:
                host, port = fields[1].split(":")
                found_sockets.add((socket.inet_ntoa(bytes.fromhex(host)[::-1]), int(port, 16)))
    return found_sockets
