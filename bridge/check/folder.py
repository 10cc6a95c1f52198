"""Findings of the data folder and of what is in it."""

from bridge.check.facts import Facts
from bridge.check.finding import Finding, error, listed, note, ok, warning

GIB = 1024**3


def data(facts: Facts) -> Finding:
    """The data folder: there, and for its owner only."""
    found, folder = facts.data, facts.settings.data
    if not found.exists:
        return warning(
            "data",
            f"there is no data folder {folder} yet, or it may not be looked at",
            "start `aftertone serve` once, or run check with the settings and as the user of the service",
        )
    if found.owner != facts.machine.user:
        return error(
            "data",
            f"{folder} belongs to another user (uid {found.owner})",
            "run every aftertone command as the user of the service",
        )
    if found.mode & 0o077:
        return error("data", f"{folder} is open to other users (mode {found.mode:o})", f"chmod 700 {folder}")
    if not found.has_secret:
        return error(
            "data",
            f"{folder} has a database and no server secret: notes of unclaimed mailboxes never open",
            "restore server.secret from the backup that the database comes from",
        )
    return ok("data", f"{folder} is there, for its owner only")


def database(facts: Facts) -> Finding:
    """The database: readable, whole, and of this version."""
    found = facts.data.survey
    if not facts.data.exists:
        return note("database", "none yet: it is made with the data folder")
    if found is None:
        return error(
            "database",
            f"it cannot be read: {facts.data.fault}",
            "start `aftertone serve` if this is a new folder; else restore a backup (aftertone restore)",
        )
    if not found.whole:
        return error(
            "database", "SQLite finds it damaged", "stop the service and restore a backup (aftertone restore)"
        )
    if found.version > facts.data.needed:
        return error(
            "database",
            f"it has version {found.version} and this program knows {facts.data.needed}",
            "install the newer Aftertone that wrote it, or restore a backup made before",
        )
    if found.version < facts.data.needed:
        return warning(
            "database",
            f"it has version {found.version}; this program makes {facts.data.needed} of it when it starts",
            "restart `aftertone serve` (after `aftertone backup`)",
        )
    return ok("database", f"opens, is whole, and has version {found.version}")


def disk(facts: Facts) -> Finding:
    """Room for notes."""
    free, floor = facts.data.free, facts.settings.min_free
    if free is None:
        return note("disk", "not looked at: there is no data folder yet")
    told = (
        f"{free / GIB:.1f} GiB free, and below {floor / GIB:.2g} GiB (AFTERTONE_MIN_FREE) nothing is recorded"
    )
    if free < floor:
        return error("disk", told, "make room on the disk of the data folder, or lower AFTERTONE_MIN_FREE")
    if free < 2 * floor:
        return warning("disk", told, "make room on the disk of the data folder soon")
    return ok("disk", told)


def mailboxes(facts: Facts) -> Finding:
    """Mailboxes whose key the server still keeps."""
    found = facts.data.survey
    if found is None:
        return note("mailboxes", "not looked at: there is no database to read")
    if found.unclaimed:
        return note(
            "mailboxes",
            f"not yet private: {listed(found.unclaimed)}. The server keeps their keys until somebody joins",
            "aftertone user add NAME --mailbox EXTENSION",
        )
    return ok("mailboxes", f"all {len(found.mailboxes)} are private")


def lines(facts: Facts) -> Finding:
    """Extensions whose calls never came here."""
    silent = facts.data.survey.silent if facts.data.survey is not None else ()
    seen = f"no call has come to {listed(silent)} yet. " if silent else ""
    return note(
        "lines",
        f"{seen}Whether watch and note stand around each Dial of the PBX cannot be asked",
        "ring each extension once and let it ring out: the missed call must appear in its inbox",
    )


def lamps(facts: Facts) -> Finding:
    """Lamps that could not be set."""
    found = facts.data.survey
    if found is not None and found.failing:
        return warning(
            "lamps",
            f"{found.failing} lamps could not be set yet and are tried again",
            "see the findings `ami` and `lamp`; it goes by itself when the PBX takes them",
        )
    return ok("lamps", "no lamp waits to be set again")


def spool(facts: Facts) -> Finding:
    """Whether the folder of VoiceMail's messages can be used."""
    folder = facts.settings.spool
    if folder is None:
        return ok("spool", "AFTERTONE_SPOOL is off: what VoiceMail records in our place stays with it")
    if facts.machine.spool_fault:
        return error(
            "spool",
            f"{folder} cannot be used: {facts.machine.spool_fault}",
            "let the service's user read and write there (dialplan/README.md), or unset AFTERTONE_SPOOL",
        )
    return ok("spool", f"{folder} can be read and written; `aftertone import voicemail` lists what was left")
