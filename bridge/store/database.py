"""One SQLite file: how it is opened, and the ways of using it. ``read`` and ``write`` go through SQLAlchemy;
``ask`` and ``write_soon``, for what every call needs, go straight to the driver, in a tenth of the time.

The bridge's loop, its flushing thread and a command on the same folder may all use it at once: WAL lets them
read while one writes, and writers wait for each other.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlmodel import Session

from bridge.errors import StoreError

log = logging.getLogger("aftertone.store")

BUSY_MS = 2000
"""Longest wait for another process's commit."""

TURN_S = 0.9
"""Longest wait for another thread's commit. Both waits are below the 3 s after which a worker whose loop
stands still is killed, and all calls with it."""

WIPE_MS = 50
"""Longest wait for readers before the WAL is emptied; it is tried again later."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    # A commit does not wait for the disk (5 to 15 ms on a busy one, seconds on a bad one) while all other
    # writers wait for it; it survives the end of the process, and ``sync`` makes it survive a power cut.
    "PRAGMA synchronous = NORMAL",
    # Nor does it move pages, which waits for the disk as well.
    "PRAGMA wal_autocheckpoint = 0",
    # ON: a key that is forgotten is overwritten, not only unlinked.
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


class Database:
    """The engine of one file. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Open the file, made with mode 0600 when missing (WAL and shared memory take the same mode).

        Raises StoreError.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(f"database {path}: {error.strerror}") from None
        self.engine = _engine(path)
        self._writers = self.engine.execution_options(aftertone_write=True)
        self._writing = threading.Lock()
        self._stalled = False
        self._wal = path.with_name(path.name + "-wal")
        self._syncing = threading.Lock()
        self._unsynced = False
        self._remains = True  # what was deleted before a crash may still stand in the WAL
        self._asking = threading.Lock()
        with _as_store_error():
            self._asked = _driver(path)
            self._soon = _driver(path)

    def ask(self, question: str, *values: object) -> list[Any]:
        """Return all rows of the answer, without a transaction. Raises StoreError."""
        with self._asking:
            try:
                return self._asked.execute(question, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"database: {error}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreError."""
        with _as_store_error(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed, durably, at the end of the block. Never nested.

        Waits for the disk: belongs into a thread where a loop runs. Raises StoreError; then nothing of the
        block has happened, unless it was the disk that failed after the commit.
        """
        with self._turn(), _as_store_error(), self._writers.begin() as connection:
            yield connection
        self._unsynced = True
        self.sync()  # with the turn given back: others, and the loop, commit meanwhile

    @contextmanager
    def write_soon(self) -> Iterator[sqlite3.Connection]:
        """The same, durable after the next ``sync`` or ``write``: for the call path, which must not wait.

        Like the sound of an open note it may be lost when the power goes within the next second. What is
        executed is ``in_words`` of a statement.
        """
        # In one piece: contexts within contexts cost each call a third of its transactions' time.
        self._take_turn()
        try:
            self._soon.execute("BEGIN IMMEDIATE")
            try:
                yield self._soon
                self._soon.execute("COMMIT")
            finally:
                if self._soon.in_transaction:
                    self._soon.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(f"database: {error}") from error
        finally:
            self._writing.release()
        self._unsynced = True

    def _take_turn(self) -> None:
        """Be the only thread that writes. Raises StoreError when another has waited for the disk too long.

        Who has waited in vain waits alone: until the disk answers, the next ones are told at once, or a crowd
        of calls would hold the loop for TURN_S each.
        """
        if not self._writing.acquire(timeout=0 if self._stalled else TURN_S):
            self._stalled = True
            raise StoreError("database: its disk does not answer")
        self._stalled = False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._take_turn()
        try:
            yield
        finally:
            self._writing.release()

    def sync(self) -> None:
        """Make what ``write_soon`` committed durable. Waits for the disk: belongs into a thread.

        Threads may call it at once: each returns when what was committed before its call is durable. Raises
        StoreError.
        """
        with self._syncing:
            if not self._unsynced:
                return
            self._unsynced = False
            try:
                handle = os.open(self._wal, os.O_RDONLY)
                try:
                    os.fdatasync(handle)
                finally:
                    os.close(handle)
            except FileNotFoundError:
                return  # moved into the main file and synced there
            except OSError as error:
                self._unsynced = True
                raise StoreError(f"database: {error.strerror}") from None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The same as ``write``, as a SQLModel session."""
        with self.write() as connection, Session(connection) as session:
            yield session
            session.flush()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The same as ``read``, as a SQLModel session."""
        with self.read() as connection, Session(connection, autoflush=False) as session:
            yield session

    def wipe_later(self) -> None:
        """Have the next ``wipe`` empty the WAL: to be called when a secret was deleted and committed."""
        self._remains = True

    def wipe(self) -> None:
        """Empty the WAL if something deleted may be in it; the next time when a reader is in the way.

        As ``empty_wal``.
        """
        if not self._remains:
            return
        self._remains = False  # before: what is deleted meanwhile is wiped the next time
        emptied = False
        try:
            emptied = self.empty_wal()
        finally:
            self._remains |= not emptied
        if not emptied:
            log.info("the write-ahead log is in use: what was deleted will be wiped from it later")

    def empty_wal(self) -> bool:
        """Bring everything into the main file and cut the WAL to nothing; False when a reader is in the way.

        Only after this is what ``secure_delete`` overwrote gone from every file. Waits for the disk: belongs
        into a thread. Raises StoreError.
        """
        self.checkpoint()  # most of the waiting, while others write
        with self._turn(), _as_store_error(), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout = {WIPE_MS}").close()
            try:
                busy, _pages, _moved = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.execute(f"PRAGMA busy_timeout = {BUSY_MS}").close()
            return not busy

    def checkpoint(self) -> None:
        """Move what readers allow from the WAL into the main file, so that it does not grow for ever."""
        with _as_store_error(), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def close(self) -> None:
        """Close all connections; the last one empties the WAL."""
        self._asked.close()
        self._soon.close()
        self.engine.dispose()


def in_words(statement: ClauseElement) -> str:
    """Return a statement of SQLAlchemy Core as the driver takes it, with its parameters as ``:name``.

    Made once and executed often: building and compiling it costs more than SQLite's own work.
    """
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))


@contextmanager
def _as_store_error() -> Iterator[None]:
    """Turn what the driver says into StoreError. Its texts carry no values (``hide_parameters``)."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"database: {error.orig}") from error
    except sqlite3.Error as error:
        raise StoreError(f"database: {error}") from error


def _driver(path: Path) -> sqlite3.Connection:
    """Return a connection for all threads, one after the other; it begins no transaction of its own."""
    connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma).close()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"isolation_level": None, "timeout": BUSY_MS / 1000},
        hide_parameters=True,
    )

    def set_pragmas(connection: Any, _record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma).close()

    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Begin in our own words: the driver's implicit BEGIN comes late and cannot say IMMEDIATE.

    Writers take the lock at once, since a reader that becomes a writer is refused when others wrote.
    """
    writes = connection.get_execution_options().get("aftertone_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
