"""What there is in a data folder, for who only looks: nothing is made, moved forward or locked."""

import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bridge.errors import StoreError
from bridge.store.migrations import NEWEST
from bridge.store.store import DATABASE, LOCK

BUSY_S = 2.0


@dataclass(frozen=True, slots=True)
class Survey:
    """``version``: of the database. ``whole``: SQLite finds nothing wrong with it. ``newest``: when the last
    row was filed (seconds since 1970). Mailboxes by extension; ``silent`` have members and not one row."""

    version: int
    whole: bool
    mailboxes: tuple[str, ...] = ()
    unclaimed: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    failing: int = 0
    newest: int | None = None


def survey(data: Path) -> Survey:
    """Look at a folder's database. Raises StoreError when there is none that can be read."""
    path = data / DATABASE
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_S)) as asked:
            return _survey(asked)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from None


def _survey(asked: sqlite3.Connection) -> Survey:
    [(check,)] = asked.execute("PRAGMA quick_check(1)").fetchall()
    tables = asked.execute("SELECT 1 FROM sqlite_master WHERE name = 'version'").fetchall()
    version = asked.execute("SELECT number FROM version").fetchone()[0] if tables else 0
    if check != "ok" or version != NEWEST:
        return Survey(version, check == "ok")  # which tables there are is for its own version to know

    def extensions(where: str) -> tuple[str, ...]:
        found = asked.execute(f"SELECT extension FROM mailbox WHERE {where} ORDER BY extension")  # noqa: S608
        return tuple(extension for (extension,) in found)

    [(failing, newest)] = asked.execute(
        "SELECT (SELECT count(*) FROM outbox WHERE attempts > 0), (SELECT max(received_at) FROM call)"
    )
    return Survey(
        version,
        whole=True,
        mailboxes=extensions("1"),
        unclaimed=extensions("NOT private"),
        silent=extensions(
            "id IN (SELECT mailbox_id FROM member) AND id NOT IN (SELECT mailbox_id FROM call)"
        ),
        failing=failing,
        newest=newest,
    )


def is_served(data: Path) -> bool:
    """Say whether a process serves the folder now."""
    try:
        handle = os.open(data / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
