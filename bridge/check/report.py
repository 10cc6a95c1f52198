"""All findings, in the order in which an admin reads them, as words or as JSON."""

import json
from collections.abc import Callable, Sequence

from bridge.check import dialling, doors, folder, machine, pbx
from bridge.check.facts import Facts
from bridge.check.finding import Finding, Level

NOTHING, SOMETHING, NOT_CHECKED = 0, 1, 2
"""Exit codes: nothing to mend (notes are none), something to mend, could not check."""

CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    machine.settings,
    machine.secrets,
    folder.data,
    folder.database,
    folder.disk,
    machine.clock,
    machine.swap,
    machine.core,
    machine.service,
    doors.origin,
    doors.tls,
    doors.peers,
    pbx.ami,
    doors.ami_wire,
    pbx.rights,
    pbx.events,
    pbx.version,
    pbx.modules,
    pbx.dangerous,
    pbx.clock,
    dialling.dialplan,
    dialling.offers,
    dialling.sound,
    dialling.journal,
    dialling.sentence,
    dialling.lamp,
    folder.lamps,
    dialling.dial_in,
    folder.spool,
    folder.mailboxes,
    folder.lines,
)


def findings(facts: Facts) -> list[Finding]:
    """Return one finding of each check."""
    return [check(facts) for check in CHECKS]


def exit_code(found: Sequence[Finding]) -> int:
    """Return NOTHING or SOMETHING."""
    mended = any(one.level in (Level.WARNING, Level.ERROR) for one in found)
    return SOMETHING if mended else NOTHING


def as_json(found: Sequence[Finding], code: int) -> str:
    """Return the findings for machines: ``result`` is ``ok``, ``mend`` or ``unchecked``."""
    result = {NOTHING: "ok", SOMETHING: "mend", NOT_CHECKED: "unchecked"}[code]
    rows = [{"id": one.id, "level": one.level, "what": one.what, "do": one.do} for one in found]
    return json.dumps({"result": result, "findings": rows}, indent=2)


def as_text(found: Sequence[Finding]) -> str:
    """Return the findings for people: one paragraph each, and what to do below."""
    width = max(len(one.id) for one in found)
    lines = []
    for one in found:
        lines.append(f"{one.level:<8} {one.id:<{width}}  {one.what}")
        if one.do:
            lines.append(f"{'':8} {'':{width}}  -> {one.do}")
    mend = sum(one.level in (Level.WARNING, Level.ERROR) for one in found)
    lines.append(f"{mend or 'nothing'} to mend" + (", marked warning or error" if mend else ""))
    return "\n".join(lines)
