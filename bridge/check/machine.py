"""Findings of this machine and of the service on it."""

from bridge.check.facts import Facts, Serving
from bridge.check.finding import Finding, error, listed, ok, warning

NOT_BEFORE = 2025
"""Years before this program: a machine without a battery-backed clock starts in 1970."""

AHEAD_S = 120
"""How far the newest row may lie in the future: rows are filed by this very clock."""


def settings(facts: Facts) -> Finding:
    """Names that nobody reads."""
    if facts.unknown:
        return warning("settings", "; ".join(facts.unknown), "correct the name or take the line out")
    return ok("settings", "every setting is known and can be used")


def secrets(facts: Facts) -> Finding:
    """Files with a secret in them that everybody on this machine may read."""
    if facts.machine.open_files:
        names = listed(facts.machine.open_files)
        return warning(
            "secrets",
            f"every user of this machine may read a secret of ours in {names}",
            f"chmod o-rwx {' '.join(facts.machine.open_files)}",
        )
    return ok("secrets", "no other user of this machine may read a file with a secret of ours")


def clock(facts: Facts) -> Finding:
    """This machine's clock, by what has been filed with it."""
    now = facts.machine.now
    newest = facts.data.survey.newest if facts.data.survey is not None else None
    wrong = now.year < NOT_BEFORE
    if wrong or (newest is not None and newest > now.timestamp() + AHEAD_S):
        why = "which cannot be" if wrong else "which is before the newest row"
        return error("clock", f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, {why}", "set it (NTP)")
    return ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def swap(facts: Facts) -> Finding:
    """Whether keys and sound in memory can be written to a disk."""
    machine = facts.machine
    if not machine.swaps:
        return ok("swap", "memory is not written to a disk: no swap, or an encrypted one")
    if machine.may_swap is False:
        return ok("swap", "this machine swaps, and the service does not (MemorySwapMax=0)")
    return warning(
        "swap",
        f"memory may be written to {listed(machine.swaps)}, which is not known to be encrypted:"
        " sound and keys of calls under way with it",
        "MemorySwapMax=0 in the service's unit (as in docker/aftertone.service), or encrypt the swap",
    )


def core(facts: Facts) -> Finding:
    """Whether a crash would write memory to a disk."""
    if facts.machine.core_limit:
        return warning(
            "core",
            "a crash of the service may write its memory to a disk",
            "LimitCORE=0 in its unit, and start it by `aftertone serve`, which forbids it",
        )
    return ok("core", "a crash writes no memory to a disk")


def service(facts: Facts) -> Finding:
    """Whether the bridge runs, at the settings' address, and records."""
    found, at = facts.service, facts.settings.http
    if found.http is Serving.STRANGER:
        return error("service", f"another program answers at {at}", "stop it, or set another AFTERTONE_HTTP")
    if found.http is Serving.NOBODY and found.locked:
        return error(
            "service",
            f"a bridge serves this data folder and nobody answers at {at}",
            "run check with the settings of the service (--config FILE), or restart the service",
        )
    if found.http is Serving.NOBODY:
        return warning("service", "the bridge does not run", "start it: aftertone serve")
    if found.http is Serving.STARTING:
        return warning("service", "the bridge is not ready", "wait a moment; its log says why if it stays so")
    if not found.locked and facts.data.owner == facts.machine.user:
        return error(
            "service",
            f"the bridge at {at} serves another data folder than {facts.settings.data}",
            "run check with the settings of the service (--config FILE)",
        )
    if found.recording is False:
        return error("service", "the bridge runs and does not record", "its log says why: the disk, mostly")
    return ok("service", f"the bridge runs, answers at {at} and records")
