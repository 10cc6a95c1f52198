"""``make run`` as a newcomer sees it: what it prints, that it ends cleanly, that it can be run again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.phone.pbx import free_port

pytestmark = pytest.mark.pbx

HUNG_UP = "Caller: hung up"
DEADLINE_S = 90.0


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return an environment in which the demo uses this folder and port, and may record on a small disk."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")}
    return {
        **clean,
        "AFTERTONE_DATA": str(folder),
        "AFTERTONE_HTTP": f"127.0.0.1:{port}",
        "AFTERTONE_MIN_FREE": "10MiB",
    }


def run_demo(
    folder: Path, output: Path, *, until: str, ending: signal.Signals = signal.SIGINT
) -> tuple[int, str]:
    """Run the demo until it has printed something, end it, return its exit code and all it printed."""
    with output.open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "bridge.phone.demo"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env=environment(folder, free_port(socket.SOCK_STREAM)),
        )  # fmt: skip
    end = time.monotonic() + DEADLINE_S
    while until not in output.read_text() and demo.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    demo.send_signal(ending)
    code = demo.wait(40)
    return code, output.read_text()


def processes_about(folder: Path) -> list[str]:
    """Return the command lines of processes whose arguments or environment name this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text and int(process.name) != os.getpid():
            found.append(text.decode(errors="replace"))
    return found


def test_the_demo_shows_a_call_becoming_a_note_and_ends_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    code, said = run_demo(folder, tmp_path / "first", until=HUNG_UP)
    assert code == 0, said
    link = re.search(r"http://localhost:\d+/join#\S{20,}", said)
    assert link is not None
    steps = [
        "PBX: Asterisk",
        "Bridge and inbox: ready",
        link[0],
        "Telephone 1001: logged in",
        "Caller: calling 1001, it rings",
        "Caller: the tone; leaving a note",
        HUNG_UP,
        "Everything has ended",
    ]
    assert [said.index(step) for step in steps] == sorted(said.index(step) for step in steps)
    assert processes_about(folder) == []
    assert any(file.stat().st_size > 10_000 for file in (folder / "aftertone").rglob("*.sn1"))
    assert not any(Path(folder / "pbx" / "spool").rglob("*.wav"))

    code, again = run_demo(folder, tmp_path / "second", until="/join#", ending=signal.SIGHUP)
    assert code == 0, again
    assert re.search(r"/join#\S{20,}", again)
    assert processes_about(folder) == [], "a closed terminal leaves nothing running"
    log = (folder / "demo.log").read_text()
    assert "AudioSocket 127.0.0.1:0" not in log
    assert "There is a user of this name" not in log


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = subprocess.run(
            [sys.executable, "-m", "bridge.phone.demo"],
            capture_output=True, text=True, timeout=30, check=False, env=environment(tmp_path / "demo", port),
        )  # fmt: skip
    assert run.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in run.stdout
    assert "AFTERTONE_HTTP=127.0.0.1:8081 make run" in run.stdout
    assert not (tmp_path / "demo").exists()


def test_an_address_that_is_none_is_a_wrong_setting(tmp_path: Path) -> None:
    given = {**environment(tmp_path, 1), "AFTERTONE_HTTP": "eight-thousand"}
    run = subprocess.run(
        [sys.executable, "-m", "bridge.phone.demo"],
        capture_output=True, text=True, timeout=30, check=False, env=given,
    )  # fmt: skip
    assert run.returncode == 78
    assert "host:port" in run.stdout
