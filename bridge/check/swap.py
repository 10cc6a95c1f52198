"""Where this machine writes memory when it runs short, and whether that can be read later."""

import os
import re
import stat
from pathlib import Path

SWAPS = Path("/proc/swaps")
BLOCKS = Path("/sys/dev/block")
CGROUPS = Path("/sys/fs/cgroup")

DEPTH = 8
"""Devices upon devices: LVM in LUKS on RAID on partitions are four."""


def open_swaps(swaps: Path = SWAPS, blocks: Path = BLOCKS) -> tuple[str, ...]:
    """Return the areas (proc_swaps(5)) that are not known to be encrypted or in memory."""
    try:
        lines = swaps.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    names = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split()[0]) for line in lines]
    return tuple(name for name in names if not _is_safe(Path(name), blocks))


def _is_safe(area: Path, blocks: Path) -> bool:
    try:
        found = area.stat()
    except OSError:
        return False
    device = found.st_rdev if stat.S_ISBLK(found.st_mode) else found.st_dev
    block = blocks / f"{os.major(device)}:{os.minor(device)}"
    return block.resolve().name.startswith("zram") or is_encrypted(block)


def is_encrypted(block: Path, depth: int = DEPTH) -> bool:
    """Say whether a block device (its folder in sysfs) is dm-crypt's, or stands upon such ones alone."""
    try:
        if (block / "dm" / "uuid").read_text(encoding="ascii").startswith("CRYPT-"):
            return True
    except OSError:
        pass  # not the device mapper's
    below = sorted(block.glob("slaves/*"))
    return bool(below) and depth > 0 and all(is_encrypted(slave, depth - 1) for slave in below)


def may_swap(pid: int, groups: Path = CGROUPS, proc: Path = Path("/proc")) -> bool | None:
    """Say whether a process's memory may be swapped (cgroup v2, memory.swap.max); None when not told."""
    try:
        group = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").rpartition("0::")[2].strip()
        limits = [groups / group.lstrip("/"), *(groups / group.lstrip("/")).parents]
        found = [
            (place / "memory.swap.max").read_text(encoding="ascii").strip()
            for place in limits
            if (place / "memory.swap.max").exists()
        ]
    except OSError:
        return None
    return "0" not in found if found else None
