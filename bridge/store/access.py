"""Who did what with a mailbox and its rows, for its members to read. Nothing of a caller stands here."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bridge.store.database import Database
from bridge.store.names import Clock, moment_of, seconds_of
from bridge.store.tables import AccessRow

KEPT_DAYS = 365
"""An entry goes after a year: long enough to ask who it was, and no diary of people for ever."""

ONCE_S = 600
"""Listening of one member to the same note is told once in so many seconds: a player asks in pieces."""

ERASURE_S = 3600
"""So long after its first request what is erased of one caller is one line: tens of thousands of rows."""

MOST = 200
"""Entries of one answer."""

_ADD = """
    INSERT INTO access (mailbox_id, user_id, at, act, call_id, count)
    SELECT :mailbox, :user, :at, :act, :call, :count WHERE NOT :once OR NOT EXISTS (
        SELECT 1 FROM access WHERE call_id = :call AND user_id = :user AND act = :act AND at > :at - :once)
"""
_TAKING_OUT = """
    SELECT id, call_id FROM (SELECT * FROM access WHERE mailbox_id = :mailbox ORDER BY id DESC LIMIT :look)
    WHERE act = :act AND user_id = :user AND at > :at - :once LIMIT 1
"""
_ONE_MORE = "UPDATE access SET call_id = NULL, count = count + 1 WHERE id = :id"
_ADD_MORE = """
    UPDATE access SET count = count + :count
    WHERE erasure = :erasure AND mailbox_id = :mailbox AND user_id = :user AND act = :act AND at > :at - :span
"""
_ADD_ERASURE = """
    INSERT INTO access (mailbox_id, user_id, at, act, count, erasure)
    VALUES (:mailbox, :user, :at, :act, :count, :erasure)
"""
_PAGE = """
    SELECT access.id, at, act, call_id, count, user_id, user.name, about.name FROM access
    LEFT JOIN user ON user.id = access.user_id LEFT JOIN user AS about ON about.id = access.about_id
    WHERE access.mailbox_id = ? AND access.id < ? ORDER BY access.id DESC LIMIT ?
"""
_NEWEST = 1 << 62


class Act(StrEnum):
    """What was done. ``played`` is a page that fetched a note, ``opened`` a program; ``saved`` is what a page
    says of itself, ``exported`` one that takes notes out sealed to somebody else. ``forwarded``: sealed anew
    for another mailbox, which has ``received`` it. ``erased_caller``: removed for good as everything of one
    caller; of whom, nobody is told. ``expired``: the mailbox keeps nothing that old. ``new_key`` is the
    mailbox's; ``added``: given the mailbox, and waits for approval; ``new_device``: a member lost one and has
    another key of his own. ``taken_over``: from another who had it."""

    PLAYED = "played"
    OPENED = "opened"
    SAVED = "saved"
    EXPORTED = "exported"
    FORWARDED = "forwarded"
    RECEIVED = "received"
    DELETED = "deleted"
    RESTORED = "restored"
    ERASED = "erased"
    ERASED_CALLER = "erased_caller"
    EXPIRED = "expired"
    ADDED = "added"
    APPROVED = "approved"
    REMOVED = "removed"
    LEFT = "left"
    NEW_KEY = "new_key"
    NEW_DEVICE = "new_device"
    TAKEN_OVER = "taken_over"
    DONE = "done"


LISTENING = frozenset({Act.PLAYED, Act.OPENED, Act.SAVED})
"""What changes nothing, however often it is done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, about one row (``call_id``), about ``count`` of them, or about a user. ``user_name`` is None
    when nobody did it but the server by itself, or when the user is gone."""

    id: int
    at: datetime
    act: Act
    call_id: bytes | None
    count: int
    user_id: str | None
    user_name: str | None
    about_name: str | None


class Access:
    """``store.access``. Every method raises StoreError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def tell(self, mailbox_id: str, user_id: str, act: Act, call_id: bytes) -> None:
        """Write down what a user has done with one row."""
        with self._database.write_soon() as connection:
            write(connection, self._clock(), mailbox_id, user_id, act, call_id)

    def tell_export(self, mailbox_id: str, user_id: str, call_id: bytes) -> None:
        """Write down that a user takes a note out; of many within ONCE_S one line tells, with their count."""
        now = self._clock()
        values = {"mailbox": mailbox_id, "user": user_id, "act": str(Act.EXPORTED), "at": seconds_of(now)}
        with self._database.write_soon() as connection:
            found = connection.execute(_TAKING_OUT, {**values, "once": ONCE_S, "look": MOST}).fetchone()
            if found is None:
                write(connection, now, mailbox_id, user_id, Act.EXPORTED, call_id)
            elif found[1] != call_id:
                connection.execute(_ONE_MORE, {"id": found[0]})

    def page(self, mailbox_id: str, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Return entries of a mailbox, newest first, older than the entry ``before``."""
        span = (mailbox_id, _NEWEST if before is None else before, min(max(limit, 1), MOST))
        return [
            Entry(entry, moment_of(at), Act(act), *rest)
            for entry, at, act, *rest in self._database.ask(_PAGE, *span)
        ]

    def drop_old(self) -> None:
        """Remove what is older than a year."""
        before = seconds_of(self._clock()) - KEPT_DAYS * 86400
        with self._database.write_soon() as connection:
            connection.execute("DELETE FROM access WHERE at < ?", (before,))


def write(
    connection: sqlite3.Connection,
    now: datetime,
    mailbox_id: str,
    user_id: str | None,
    act: Act,
    call_id: bytes | None = None,
    count: int = 1,
) -> None:
    """Write an entry in the transaction of what it tells; one of LISTENING is told once in ONCE_S."""
    values = {"mailbox": mailbox_id, "user": user_id, "act": str(act), "call": call_id, "count": count}
    once = ONCE_S if act in LISTENING else 0
    connection.execute(_ADD, {**values, "at": seconds_of(now), "once": once})


def write_change(
    session: Session, now: datetime, mailbox_id: str, by: str | None, act: Act, about: str | None = None
) -> None:
    """Write an entry about the mailbox itself or a user of it, in the transaction of what it tells; ``by`` is
    None when the administrator did it on the server's data."""
    session.add(
        AccessRow(
            mailbox_id=mailbox_id, user_id=by, at=seconds_of(now), act=str(act), count=1, about_id=about
        )
    )


def write_erasure(
    connection: sqlite3.Connection, now: datetime, mailbox_id: str, user_id: str, erasure: bytes, count: int
) -> None:
    """Write that a user erased ``count`` more rows of one caller: one line for all requests of ERASURE_S."""
    values = {
        "mailbox": mailbox_id,
        "user": user_id,
        "at": seconds_of(now),
        "act": str(Act.ERASED_CALLER),
        "erasure": erasure,
        "count": count,
        "span": ERASURE_S,
    }
    if not connection.execute(_ADD_MORE, values).rowcount:
        connection.execute(_ADD_ERASURE, values)
