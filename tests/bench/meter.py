"""What a process used so far: CPU and memory as the kernel counts them (proc(5))."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return user and system time of these processes together, all their threads included."""
    return sum((int(fields[11]) + int(fields[12])) * TICK_S for fields in map(_stat, pids))


def peak_bytes(pids: Iterable[int]) -> int:
    """Return the sum of the largest resident sizes since ``forget_peaks`` (VmHWM)."""
    return sum(_peak(pid) for pid in pids)


def forget_peaks(pids: Iterable[int]) -> None:
    """Start the peaks anew at what is resident now."""
    for pid in pids:
        (PROC / str(pid) / "clear_refs").write_text("5", encoding="ascii")


def family(pid: int) -> list[int]:
    """Return a process and its children: a supervisor and its worker."""
    others = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [pid, *(other for other in others if _parent(other) == pid)]


@dataclass(frozen=True, slots=True)
class Share:
    """CPU that a process uses with nothing to do, in seconds a second."""

    rate: float

    @classmethod
    def measured(cls, groups: Sequence[list[int]], seconds: float) -> list["Share"]:
        """Watch several groups of processes idle for so long."""
        before, start = [cpu_seconds(pids) for pids in groups], time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - start
        return [cls((cpu_seconds(pids) - then) / passed) for pids, then in zip(groups, before, strict=True)]


class Meter:
    """CPU seconds of some processes from now on, without their idle share."""

    def __init__(self, pids: list[int], idle: Share) -> None:
        self._pids = pids
        self._idle = idle
        self._before = cpu_seconds(pids)
        self._start = time.monotonic()
        forget_peaks(pids)

    def read(self) -> tuple[float, int]:
        """Return CPU seconds and peak bytes so far."""
        used = cpu_seconds(self._pids) - self._before
        return used - self._idle.rate * (time.monotonic() - self._start), peak_bytes(self._pids)


def _stat(pid: int) -> list[str]:
    """Return the fields of a stat line from the third (state) on: the second may hold blanks."""
    return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _peak(pid: int) -> int:
    for line in (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    return 0
