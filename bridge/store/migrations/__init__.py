"""Forward-only changes of the database, each in a transaction with its number.

A change is a module with ``STATEMENTS``. Add new ones at the end of the list; never edit a released one.
"""

from sqlalchemy import Connection

from bridge.errors import Unready
from bridge.store.database import Database
from bridge.store.migrations import (
    m0001_first,
    m0002_outbox,
    m0003_taken,
    m0004_deleted,
    m0005_passkey,
    m0006_members,
    m0007_handling,
    m0008_recovery,
    m0009_callers,
)

MIGRATIONS: list[tuple[str, ...]] = [
    change.STATEMENTS
    for change in (
        m0001_first,
        m0002_outbox,
        m0003_taken,
        m0004_deleted,
        m0005_passkey,
        m0006_members,
        m0007_handling,
        m0008_recovery,
        m0009_callers,
    )
]

NEWEST = len(MIGRATIONS)
"""The version that this program reads and writes."""


def migrate(database: Database) -> None:
    """Bring the database to ``NEWEST``; several processes may try at once.

    Raises Unready when a newer program has written it, StoreError when it cannot be written.
    """
    with database.read() as connection:
        version = version_of(connection)
    while version < NEWEST:
        with database.write() as connection:
            version = version_of(connection)
            if version >= NEWEST:
                break
            for statement in MIGRATIONS[version]:
                connection.exec_driver_sql(statement)
            version += 1
            connection.exec_driver_sql("DELETE FROM version")
            connection.exec_driver_sql("INSERT INTO version (number) VALUES (?)", (version,))
    if version > NEWEST:
        raise Unready(
            f"the database has version {version} and this program knows {NEWEST}: it was written by a newer "
            "Aftertone. Install that one, or restore a backup made before"
        )


def version_of(connection: Connection) -> int:
    """Return the number of the last change made; 0 for an empty database."""
    there = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'version'").scalar()
    if there is None:
        return 0
    return int(connection.exec_driver_sql("SELECT number FROM version").scalar_one())
