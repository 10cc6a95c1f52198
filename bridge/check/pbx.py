"""Findings of the PBX: its manager interface, what our user may do there, and the program itself."""

from bridge.check.facts import Dialplan, Facts
from bridge.check.finding import Finding, error, listed, note, ok, warning
from bridge.control.ami import State

OLDEST = 18
"""The first with everything that the dialplan uses."""

ENDED = {18, 19, 21}
"""Versions for which no security fixes are made any more (docs.asterisk.org, Asterisk Versions)."""

CLOCK_S = 3
"""Clocks that differ by more file calls visibly before or after they rang."""

WORKING = (
    *("res_agi", "app_audiosocket", "res_audiosocket", "app_stack", "app_exec", "app_playback"),
    *("func_callerid", "func_channel", "func_db", "func_logic", "func_strings"),
)
"""Without one of these no note is left."""

HELPING = {
    "codec_ulaw": "callers in u-law are not heard",
    "codec_alaw": "callers in A-law are not heard",
    "app_voicemail": "while the bridge is away callers hear goodbye and cannot leave a message",
    "res_pjsip_mwi": "telephones are not told of their lamps",
    "func_cdr": "each lamp that is set leaves two lines in the call records",
}
"""What goes wrong without them, while notes are left all the same."""

ASKING = {
    "func_config": ("dangerous",),
    "func_dialplan": ("context", "dials"),
    "func_env": ("sentence",),
    "func_global": ("sound",),
    "func_pjsip_endpoint": ("dials",),
    "func_strings": ("zone",),
    "func_version": ("version",),
}
"""The functions without which Asterisk would answer these questions with no, and complain in its log."""

NEEDED = {"Originate", "MWIUpdate"}

EVENTS = ("Newchannel", "Newexten", "NewCallerid", "VarSet", "DialBegin", "Hangup", "Cdr", "LocalBridge")
"""Of calls: each of our own questions makes some for whoever may read them."""

AGAIN = "print the dialplan again (aftertone dialplan) into the PBX, then: asterisk -rx 'dialplan reload'"


def unseen(name: str, facts: Facts, command: str) -> Finding:
    """Say why something of the PBX was not looked at, and how the admin looks himself."""
    whys: dict[State, str] = {
        "off": "AMI is off (AFTERTONE_AMI_USER)",
        "away": "the PBX did not answer",
        "refused": "the PBX did not let us in",
        "ready": "the PBX did not answer this question",
    }
    why = whys[facts.pbx.state]
    if facts.pbx.dialplan in (Dialplan.OLD, Dialplan.NONE):
        why = "the PBX has no dialplan that can be asked"
    return note(name, f"not seen: {why}", f"look on the PBX: {command}")


def ami(facts: Facts) -> Finding:
    """Whether the PBX lets us in."""
    found, at = facts.pbx, facts.settings.ami
    if found.state == "off" and facts.service.pbx not in (None, "off"):
        return note(
            "ami",
            "the bridge has an AMI user that this command does not know, so check cannot ask the PBX",
            "run it with the bridge's own settings: a secret that systemd loads (LoadCredential) is for the"
            " service alone; AFTERTONE_AMI_SECRET_FILE in the settings file is for both",
        )
    if found.state == "off":
        return note(
            "ami",
            "off: the lamps of telephones stay dark, and check cannot ask the PBX",
            "aftertone dialplan --manager into the PBX; AFTERTONE_AMI_USER and AFTERTONE_AMI_SECRET_FILE",
        )
    if found.state == "refused" and facts.service.pbx == "ready":
        return note(
            "ami",
            f"the PBX at {at} lets the bridge in and not this check beside it",
            "allowmultiplelogin = yes for this user in the PBX's manager.conf",
        )
    if found.state == "refused":
        return error(
            "ami",
            f"the PBX at {at} does not let us in: {found.why}",
            "compare AFTERTONE_AMI_USER and AFTERTONE_AMI_SECRET with the PBX's manager.conf, and its permit"
            " lines with our address; then: asterisk -rx 'manager reload'",
        )
    if found.state == "away":
        return error(
            "ami",
            f"no answer from the PBX at {at}: {found.why}",
            "start Asterisk; enabled = yes, bindaddr and port in its manager.conf must fit AFTERTONE_AMI",
        )
    return ok("ami", f"the PBX at {at} lets us in")


def rights(facts: Facts) -> Finding:
    """Whether our AMI user may do what the lamp needs, and nothing else."""
    may = facts.pbx.may
    if may is None:
        return unseen("ami-rights", facts, "asterisk -rx 'manager show user aftertone'")
    if "Originate" not in may:
        return error(
            "ami-rights",
            "our AMI user may not start the lamp's call (Originate)",
            "write = originate for it in the PBX's manager.conf (manager.aftertone.conf), manager reload",
        )
    wide = {name: classes for name, classes in may.items() if classes and name not in NEEDED}
    if wide and "MWIUpdate" in may and all("call" in classes for classes in wide.values()):
        return note(
            "ami-rights",
            "our AMI user may hang up and redirect calls (class call), which MWIUpdate wants",
            "the lamp works without as well: write = originate, where app_minivm is there",
        )
    if wide:
        return warning(
            "ami-rights",
            f"our AMI user may do more than the lamp needs: {listed(tuple(sorted(wide)))}",
            "write = originate, and nothing else, in the PBX's manager.conf (manager.aftertone.conf)",
        )
    return ok("ami-rights", "our AMI user may light lamps and no more")


def events(facts: Facts) -> Finding:
    """Whether our AMI user hears what it must, and nothing that callers can forge."""
    found = facts.pbx
    if found.booted is None:
        return unseen("ami-events", facts, "asterisk -rx 'manager show user aftertone'")
    if not found.booted:
        return error(
            "ami-events",
            "the PBX does not tell our AMI user that it has booted: lamps are lost when it restarts",
            "read = system and eventfilter = ^Event: FullyBooted (manager.aftertone.conf), manager reload",
        )
    if found.overheard:
        return warning(
            "ami-events",
            f"our AMI user hears of calls ({listed(found.overheard)}): callers can write such events",
            "read = system and eventfilter = ^Event: FullyBooted (manager.aftertone.conf), manager reload",
        )
    return ok("ami-events", "our AMI user hears that the PBX has booted, and of no call")


def version(facts: Facts) -> Finding:
    """Which Asterisk it is."""
    number = facts.pbx.version
    if number is None:
        return unseen("pbx-version", facts, "asterisk -rx 'core show version'")
    major, minor = number // 10_000, number // 100 % 100
    told = f"Asterisk {major}.{minor}.{number % 100}"
    if major < OLDEST:
        return error("pbx-version", f"{told} is older than {OLDEST}", "install a supported Asterisk")
    if major in ENDED:
        return warning(
            "pbx-version", f"{told} gets no security fixes any more", "install an LTS version (20 or 22)"
        )
    return ok("pbx-version", told)


def modules(facts: Facts) -> Finding:
    """What the dialplan needs."""
    there = facts.pbx.modules
    if not there:
        return unseen("pbx-modules", facts, "asterisk -rx 'module show'")
    lacking = tuple(name for name in WORKING if not there.get(name, True))
    if lacking:
        return error(
            "pbx-modules",
            f"not loaded: {listed(lacking)}. Callers cannot leave notes",
            f"install them and let modules.conf load them (load = {lacking[0]}.so), then restart Asterisk",
        )
    missed = {name: harm for name, harm in HELPING.items() if not there.get(name, True)}
    if missed:
        return warning(
            "pbx-modules",
            "; ".join(f"{name} is not loaded: {harm}" for name, harm in missed.items()),
            f"install and load them: asterisk -rx 'module load {next(iter(missed))}.so', and modules.conf",
        )
    return ok("pbx-modules", "all that notes, lamp and fallback need are loaded")


def clock(facts: Facts) -> Finding:
    """Whether the PBX's clock is ours: it says when a call began to ring."""
    off = facts.pbx.clock_off_s
    if off is None:
        return unseen("pbx-clock", facts, "date")
    if abs(off) > CLOCK_S:
        way = "ahead of" if off > 0 else "behind"
        return warning("pbx-clock", f"the PBX's clock is {_span(abs(off))} {way} ours", "set both by NTP")
    if facts.pbx.same_zone is False:
        return note("pbx-clock", "the PBX's clock is ours, in another time zone (rows are filed in UTC)")
    return ok("pbx-clock", "the PBX's clock is ours")


def _span(seconds: int) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def dangerous(facts: Facts) -> Finding:
    """Whether dialplan functions that start programs may be called from outside."""
    if facts.pbx.dangerous is None:
        return unseen("live-dangerously", facts, "grep live_dangerously /etc/asterisk/asterisk.conf")
    if facts.pbx.dangerous:
        return error(
            "live-dangerously",
            "live_dangerously is on in asterisk.conf: whoever may use AMI can start programs on the PBX",
            "live_dangerously = no in asterisk.conf, then restart Asterisk",
        )
    return ok("live-dangerously", "live_dangerously is off in asterisk.conf")
