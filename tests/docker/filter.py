"""The unit's system-call filter as a container's seccomp profile, so that it can be tried without systemd."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PROT_WRITE, PROT_EXEC = 2, 4
EPERM = 1

WRITE_OR_EXEC: dict[str, list[list[dict[str, Any]]]] = {
    "mmap": [
        [{"index": 2, "value": PROT_EXEC, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
        [{"index": 2, "value": PROT_WRITE, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
    ],
    "mprotect": [[{"index": 2, "value": PROT_EXEC, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]],
    "pkey_mprotect": [[{"index": 2, "value": PROT_EXEC, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]],
}
"""What MemoryDenyWriteExecute= leaves of these calls (systemd.exec(5)); each list of conditions allows."""


@cache
def calls_of(group: str) -> frozenset[str]:
    """Return the system calls of a group such as ``@system-service``, as systemd itself lists them."""
    if not group.startswith("@"):
        return frozenset({group})
    told = subprocess.check_output(["systemd-analyze", "syscall-filter", group], text=True)
    words = [line.strip() for line in told.splitlines()[1:]]
    return frozenset().union(*(calls_of(word) for word in words if word and not word.startswith("#")))


def allowed(unit: str) -> set[str]:
    """Return the calls that the ``SystemCallFilter`` lines of a unit leave, applied in their order."""
    left: set[str] = set()
    for line in unit.splitlines():
        name, _, value = line.partition("=")
        if name == "SystemCallFilter":
            called = set().union(*(calls_of(word) for word in value.lstrip("~").split()))
            left = left - called if value.startswith("~") else left | called
    return left


def write_profile(unit: Path, target: Path) -> None:
    """Write the seccomp profile (OCI runtime specification, Linux, seccomp) of a unit."""
    names = allowed(unit.read_text()) - set(WRITE_OR_EXEC)
    rules: list[dict[str, Any]] = [{"names": sorted(names), "action": "SCMP_ACT_ALLOW"}]
    rules += [
        {"names": [name], "action": "SCMP_ACT_ALLOW", "args": conditions}
        for name, choices in WRITE_OR_EXEC.items()
        for conditions in choices
    ]
    target.write_text(
        json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": EPERM, "syscalls": rules})
    )
