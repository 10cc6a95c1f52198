"""The systemd unit, judged by systemd's own tools."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docker.engine import HOUSE
from tests.docker.filter import allowed

pytestmark = pytest.mark.container

UNIT = HOUSE / "docker" / "aftertone.service"
MOST_EXPOSED = 1.2
"""On systemd's scale of 0 to 10. What is left is the network, which it is there for, and the root folder."""

PROGRAM = Path(sys.executable).with_name("aftertone")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with this checkout's program in it: ``verify`` wants one that exists."""
    text = UNIT.read_text(encoding="utf-8")
    placed = tmp_path / UNIT.name
    placed.write_text(text.replace("/opt/aftertone/bin/aftertone", str(PROGRAM)), encoding="utf-8")
    return placed


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")


def test_a_line_that_systemd_does_not_know_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text() + "\n[Service]\nProtectEverything=yes\n")
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "ProtectEverything" in told.stderr


def test_the_unit_is_hardly_exposed(unit: Path) -> None:
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(unit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    [score] = re.findall(r"Overall exposure level for aftertone.service: ([0-9.]+)", told.stdout)
    print(f"systemd-analyze security: {score} of 10")
    assert float(score) <= MOST_EXPOSED
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    "line",
    [
        "LimitCORE=0",
        "MemorySwapMax=0",
        "ProtectSystem=strict",
        "Type=notify",
        "WatchdogSec=10",
        "StateDirectory=aftertone",
    ],
)
def test_the_unit_keeps_keys_off_the_disk_and_watches_the_supervisor(line: str) -> None:
    assert line in UNIT.read_text(encoding="utf-8").splitlines()


def test_the_filter_leaves_no_way_to_load_code_into_the_kernel_or_to_look_into_others() -> None:
    left = allowed(UNIT.read_text(encoding="utf-8"))
    assert not left & {"init_module", "kexec_load", "bpf", "mount", "ptrace", "process_vm_readv", "setuid"}
    assert left >= {"read", "accept4", "fdatasync", "setrlimit", "prlimit64"}
