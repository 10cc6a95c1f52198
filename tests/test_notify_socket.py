"""What systemd hears of the service, over a real notification socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.notify_socket import NotifySocket

PATIENCE_S = 20.0

SERVICE = """
import sys
from bridge.supervisor import Supervisor
sys.exit(Supervisor([sys.executable, "-c", sys.argv[1]]).run())
"""

WORKER = """
import os, time
beat = int(os.environ["AFTERTONE_HEARTBEAT_FD"])
assert "NOTIFY_SOCKET" not in os.environ and "WATCHDOG_USEC" not in os.environ
os.write(beat, b".")
time.sleep(0.5)
while True:
    os.write(beat, b"!")
    time.sleep(0.1)
"""

DIES = 'import os; os.write(int(os.environ["AFTERTONE_HEARTBEAT_FD"]), b"!"); os._exit(3)'


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(PATIENCE_S)

    def hear(self) -> str:
        """Return the next message; raises TimeoutError."""
        return self._socket.recv(4096).decode()

    def hear_until(self, wanted: str) -> list[str]:
        """Return everything up to the wanted message."""
        heard = [self.hear()]
        while heard[-1] != wanted:
            heard.append(self.hear())
        return heard

    def silent_for(self, seconds: float) -> bool:
        """Forget what has come, and say whether nothing more comes."""
        self._socket.setblocking(False)
        try:
            while self._socket.recv(4096):
                pass
        except BlockingIOError:
            pass
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(PATIENCE_S)
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "n") if request.param == "file" else f"@aftertone-test-{os.getpid()}")
    yield manager
    manager.close()


def start(manager: Manager, worker: str, limit_s: float = 0.4) -> subprocess.Popen[bytes]:
    asked = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": str(round(limit_s * 1e6))}
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, worker], env={**os.environ, **asked}, stderr=subprocess.DEVNULL
    )


def test_a_service_tells_that_it_is_ready_alive_and_about_to_end(manager: Manager) -> None:
    with start(manager, WORKER) as service:
        before = manager.hear_until("READY=1")
        assert set(before[:-1]) == {"WATCHDOG=1"}, "not ready at the first beat, which comes before the ports"
        assert [manager.hear() for _ in range(5)] == ["WATCHDOG=1"] * 5
        service.send_signal(signal.SIGTERM)
        after = manager.hear_until("STOPPING=1")
        assert set(after[:-1]) <= {"WATCHDOG=1"}


def test_a_frozen_service_falls_silent_so_that_systemd_ends_it(manager: Manager) -> None:
    with start(manager, WORKER) as service:
        manager.hear_until("READY=1")
        service.send_signal(signal.SIGSTOP)
        assert manager.silent_for(1.0), "five times as long as it would have kept quiet"
        service.send_signal(signal.SIGCONT)
        assert manager.hear() == "WATCHDOG=1"
        service.send_signal(signal.SIGTERM)


@pytest.mark.thorough
def test_a_dying_worker_is_no_reason_to_end_the_service_and_readiness_is_told_once(manager: Manager) -> None:
    with start(manager, DIES) as service:
        manager.hear_until("READY=1")
        # by then the pauses between two workers are longer than the watchdog's limit
        begun, heard = time.monotonic(), []
        while time.monotonic() - begun < 2.5:
            heard.append(manager.hear())
        assert set(heard) == {"WATCHDOG=1"}
        assert len(heard) >= 5
        service.send_signal(signal.SIGTERM)


def test_without_systemd_nothing_is_told_and_nothing_is_waited_for() -> None:
    environ = {"HOME": "/nowhere"}
    notify = NotifySocket.take(environ)
    notify.ready()
    notify.alive(1.0)
    assert notify.every_s is None
    assert notify.pause(1.0, 4.0) == 3.0
    assert environ == {"HOME": "/nowhere"}


@pytest.mark.parametrize(
    ("given", "every_s"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
        ({"WATCHDOG_USEC": ""}, None),
    ],
)
def test_the_watchdog_is_fed_only_as_this_process_was_asked(
    given: dict[str, str], every_s: float | None
) -> None:
    environ = {"NOTIFY_SOCKET": "/nowhere/notify", **given}
    notify = NotifySocket.take(environ)
    assert notify.every_s == every_s
    assert environ == {}, "its children were not asked"
    notify.ready()  # a socket that is gone harms nobody


def test_the_watchdog_hears_of_us_in_time_and_not_more_often(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "n"))
    notify = NotifySocket(manager.address, 10.0)
    for now in (100.0, 101.0, 104.9):
        notify.alive(now)
    assert manager.hear() == "WATCHDOG=1"
    assert notify.pause(104.9, 200.0) == pytest.approx(0.1)
    assert manager.silent_for(0.05)
    notify.alive(105.0)
    assert manager.hear() == "WATCHDOG=1"
    manager.close()


def test_a_manager_that_empties_nothing_does_not_hold_the_service(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "n"))
    notify = NotifySocket(manager.address)
    begun = time.monotonic()
    for _ in range(int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 2):
        notify.ready()
    assert time.monotonic() - begun < 10
    manager.close()
