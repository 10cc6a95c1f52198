"""The supervisor against real processes: a worker that hangs, dies, cannot start, or stops in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge import supervisor
from bridge.supervisor import Watch, back_off, final

WORKER = """
import os, sys, time
beat = int(os.environ["AFTERTONE_HEARTBEAT_FD"])
mode, log = sys.argv[1:]
if mode == "steady":
    os.write(beat, b".")
with open(log, "a") as out:
    print(os.getpid(), file=out)
starts = len(open(log).readlines())
if mode == "settings":
    sys.exit(78)
if mode == "dies-once" and starts == 1:
    os.write(beat, b"."); sys.exit(3)
while True:
    os.write(beat, b".")
    time.sleep(0.1)
"""


def start(mode: str, log: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from bridge.supervisor import Supervisor;"
        "sys.exit(Supervisor([sys.executable, '-c', *sys.argv[1:]]).run())"
    )
    return subprocess.Popen([sys.executable, "-c", code, WORKER, mode, str(log)], stderr=subprocess.PIPE)


def workers(log: Path, count: int, deadline_s: float) -> list[int]:
    """Return the pids of the workers so far, once there are ``count``."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        pids = [int(line) for line in log.read_text().split()] if log.exists() else []
        if len(pids) >= count:
            return pids
        time.sleep(0.02)
    raise AssertionError(f"no {count} workers within {deadline_s} s")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def stop(process: subprocess.Popen[bytes]) -> str:
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=10)
    return told.decode()


@pytest.mark.thorough
def test_a_frozen_worker_is_killed_and_replaced_within_five_seconds(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    parent = start("steady", log)
    (first,) = workers(log, 1, 10)
    os.kill(first, signal.SIGSTOP)
    frozen_at = time.monotonic()
    second = workers(log, 2, 10)[1]
    assert time.monotonic() - frozen_at < 5
    assert gone(first)
    assert "killed" in stop(parent)
    assert gone(second)


def test_a_worker_that_dies_is_replaced_and_a_stop_leaves_none(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    parent = start("dies-once", log)
    _, second = workers(log, 2, 10)
    assert "ended with 3" in stop(parent)
    assert gone(second)


def test_settings_that_cannot_work_end_the_service_at_once(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    parent = start("settings", log)
    parent.communicate(timeout=10)
    assert parent.returncode == supervisor.EXIT_SETTINGS
    assert len(workers(log, 1, 1)) == 1


def test_a_heartbeat_moves_the_deadline() -> None:
    watch = Watch(started=100.0)
    assert not watch.hung(159.9)
    assert watch.hung(160.0)
    watch.beat = 120.0
    assert not watch.hung(122.9)
    assert watch.hung(123.0)


def test_the_pause_before_a_new_start_grows_and_stays_small() -> None:
    pauses = [back_off(number) for number in range(10)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.0, 5.0)


def test_bad_settings_after_a_good_start_are_tried_again() -> None:
    assert final(supervisor.EXIT_SETTINGS, ever_ready=False)
    assert not final(supervisor.EXIT_SETTINGS, ever_ready=True)
    assert final(0, ever_ready=True)
    assert not final(-9, ever_ready=True)


def test_the_supervisor_imports_nothing_heavy() -> None:
    heavy = {"asyncio", "ssl", "importlib.metadata", "numpy", "sqlmodel", "fastapi"}
    code = f"import bridge.cli, sys; print(*({heavy} & set(sys.modules)))"
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert told.split() == [], "all that serve loads, beside its worker"
