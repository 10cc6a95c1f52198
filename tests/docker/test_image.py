"""What is in the bridge's image, and how a container of it lives: least rights, no tools, clean ends."""

import socket
import time
from collections.abc import Iterator

import pytest

from bridge.phone.pbx import free_port
from tests.docker.conftest import BRIDGE
from tests.docker.engine import Engine

pytestmark = pytest.mark.container

LARGEST = 300_000_000
"""Bytes of the bridge's image: half of it is a slim Debian with Python, a third numpy and SQLAlchemy."""

TOOLS = [
    *("pip", "pip3", "uv", "hatchling", "gcc", "cc", "c++", "g++", "ld", "as", "make", "cmake", "cargo"),
    *("git", "curl", "wget", "npm", "node", "gdb", "strace"),
]
MODULES = ["pip", "setuptools", "wheel", "hatchling", "pyVoIP", "pytest", "playwright"]

STOP_S = 10.0

LEAST = [
    *("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp:size=64m"),
    *(
        "--memory=512m",
        "--memory-swap=512m",
        "--ulimit=core=0",
        "--ulimit=nofile=16384",
        "--ulimit=nproc=4096",
    ),
]


@pytest.fixture(scope="module")
def container(engine: Engine) -> Iterator[str]:
    """A bridge with the least rights, on ports that nobody else has."""
    name = "alone"
    ports = [f"--env=AFTERTONE_{each}=127.0.0.1:0" for each in ("AGI", "AUDIOSOCKET")]
    inbox = f"--env=AFTERTONE_HTTP=127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    engine.run(
        "run", "--detach", "--name", name, *LEAST, *ports, inbox,
        "--volume=alone:/var/lib/aftertone", BRIDGE,
    )  # fmt: skip
    engine.until_healthy(name)
    yield name
    engine.run("rm", "--force", "--volumes", "--time", "1", name)


def inside(engine: Engine, container: str, script: str, code: int | None = 0) -> str:
    return engine.run("exec", container, "sh", "-c", script, code=code)


def test_the_image_is_small_and_says_what_it_is(engine: Engine) -> None:
    image = engine.inspect(BRIDGE)
    print(f"image of the bridge: {image['Size'] / 1e6:.0f} MB")
    assert image["Size"] < LARGEST
    known = image["Config"]
    assert known["User"] == "aftertone"
    assert known["StopSignal"] == "SIGTERM"
    assert known["Volumes"] == {"/var/lib/aftertone": {}}
    assert image["Healthcheck"]["Test"] == ["CMD", "python", "-m", "bridge.health"]
    labels = known["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "GPL-3.0-or-later"
    assert labels["org.opencontainers.image.revision"] == "tests"


def test_nothing_to_build_or_to_load_programs_with_is_left_inside(engine: Engine, container: str) -> None:
    found = inside(engine, container, f"for tool in {' '.join(TOOLS)}; do command -v $tool; done", None)
    assert found == ""
    script = f"import importlib.util as u; print([m for m in {MODULES} if u.find_spec(m)])"
    assert engine.run("exec", container, "python", "-c", script).strip() == "[]"
    assert inside(engine, container, "find / -xdev -type f -perm /6000 2>/dev/null", None) == ""


def test_no_step_of_the_build_left_its_certificates_or_its_home_inside(
    engine: Engine, container: str
) -> None:
    assert inside(engine, container, "ls /run/ca.pem /src /wheel ~root/.cache 2>/dev/null", None) == ""


def test_the_process_is_nobody_special_and_may_change_its_data_only(engine: Engine, container: str) -> None:
    assert inside(engine, container, "id -u; id -g").split() == ["10001", "10001"]
    status = inside(engine, container, "cat /proc/1/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["10001"] * 4
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    writable = "for f in / /etc /usr /opt/aftertone /home /var /var/lib /run; do touch $f/x && echo $f; done"
    assert inside(engine, container, writable, None) == ""
    owner = inside(engine, container, "stat -c '%a %U' /var/lib/aftertone /var/lib/aftertone/server.secret")
    assert owner.splitlines() == ["700 aftertone", "600 aftertone"]
    limits = [line.split() for line in inside(engine, container, "cat /proc/1/limits").splitlines()]
    assert next(words[4:6] for words in limits if words[:3] == ["Max", "core", "file"]) == ["0", "0"]


def test_commands_run_in_the_same_container(engine: Engine, container: str) -> None:
    told = engine.run("exec", container, "aftertone", "user", "add", "anna", "--mailbox", "1001")
    assert "/join#" in told
    assert "aftertone,watch" in engine.run(
        "exec", container, "aftertone", "dialplan", "--agi", "10.0.0.1:4573"
    )


def test_orphans_do_not_stay_as_zombies(engine: Engine, container: str) -> None:
    orphan = "(sleep 0.2 & sleep 0.3 &); echo left"
    assert inside(engine, container, orphan).strip() == "left"
    script = "grep -lE '^State:.*(zombie)|^Name:.*sleep' /proc/[0-9]*/status"
    end = time.monotonic() + 30
    while inside(engine, container, script, None) and time.monotonic() < end:
        time.sleep(0.2)
    assert inside(engine, container, script, None) == ""


def test_a_stop_is_clean_and_soon_and_a_start_goes_on(engine: Engine, container: str) -> None:
    begun = time.monotonic()
    engine.run("stop", "--time", "60", container)
    assert time.monotonic() - begun < STOP_S
    state = engine.inspect(container)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    assert "aftertone.service: stopped" in engine.run("logs", container)
    engine.run("start", container)
    engine.until_healthy(container)
    assert "There is a user" in engine.run(
        "exec", container, "sh", "-c", "aftertone user add anna --mailbox 1001 2>&1", code=None
    )


def test_a_setting_that_cannot_work_ends_the_container_with_a_sentence(engine: Engine) -> None:
    engine.run("run", "--name", "wrong", *LEAST, "--env=AFTERTONE_HTTP=nowhere", BRIDGE, code=78)
    assert "AFTERTONE_HTTP is 'nowhere'; it must be host:port" in engine.run("logs", "wrong")
    engine.run("rm", "--volumes", "wrong")
