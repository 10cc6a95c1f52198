"""The container's health check: it asks the service's own settings where to look, and tells what it heard."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.health import HEALTHY, UNHEALTHY
from bridge.phone.pbx import free_port
from tests.installation import Installation


def check(**settings: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")}
    return subprocess.run(
        [sys.executable, "-m", "bridge.health"],
        env={**clean, **{f"AFTERTONE_{name}": value for name, value in settings.items()}},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.process
def test_a_running_service_is_healthy_by_http(tmp_path: Path) -> None:
    with Installation(tmp_path) as house:
        told = check(HTTP=house.http)
    assert told.returncode == HEALTHY, told.stderr
    assert '"ready":true' in told.stdout


def test_nobody_there_is_unhealthy_with_one_line() -> None:
    told = check(HTTP=f"127.0.0.1:{free_port(socket.SOCK_STREAM)}")
    assert told.returncode == UNHEALTHY
    assert "Connection refused" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_stranger_on_the_port_is_unhealthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-m", "bridge.health"],
            env={**os.environ, "AFTERTONE_HTTP": f"0.0.0.0:{port}"}, stderr=subprocess.PIPE,
        ) as asking:  # fmt: skip
            server.settimeout(20)
            with server.accept()[0] as line:
                line.recv(1000)
                line.sendall(b"SIP/2.0 200 OK\r\n\r\n")
            assert asking.stderr is not None
            assert len(asking.stderr.read().splitlines()) == 1
    assert asking.returncode == UNHEALTHY


def test_a_setting_that_cannot_work_is_unhealthy() -> None:
    assert check(HTTP="nowhere").returncode == UNHEALTHY
