"""Who has taken a call into his hands, and which are done: common to all members of its mailbox.

A row is open, taken or done. Each step names what its maker saw; where that is not so any more, somebody was
quicker, and nothing happens.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from bridge.errors import Refused
from bridge.events import News
from bridge.store.access import Act, write
from bridge.store.database import Database
from bridge.store.names import Clock, seconds_of

FORGET = "DELETE FROM handling WHERE call_id = :call"
REOPEN = f"{FORGET} AND state = 'done'"
"""A new note under a row that was done: somebody spoke, and nobody has done anything about that yet."""

_ROW = "SELECT mailbox_id FROM call WHERE id = ? AND deleted_at IS NOT 0"
_NOW = "SELECT state, user_id FROM handling WHERE call_id = ?"
_NAME = """
    SELECT user.name FROM user JOIN member ON member.user_id = user.id AND member.mailbox_id = ?
    WHERE user.id = ?
"""
_SET = """
    INSERT INTO handling (call_id, state, user_id, at) VALUES (:call, :state, :user, :at)
    ON CONFLICT (call_id) DO UPDATE SET state = :state, user_id = :user, at = :at
"""
_RELEASE = """
    DELETE FROM handling WHERE state = 'taken' AND user_id = ?1
    AND call_id IN (SELECT id FROM call WHERE ?2 IS NULL OR mailbox_id = ?2)
"""


class HandlingState(StrEnum):
    """How far a call is: nobody looks after it, somebody does, nobody has to any more."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Handling:
    """A row's state; ``user_id`` and ``at`` (UTC, to the second) of who brought it there, None while open.

    ``user_name`` is None as well when he is no member of the mailbox any more."""

    state: HandlingState = HandlingState.OPEN
    user_id: str | None = None
    user_name: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw who wishes a step: the state, and by whom (None: open)."""

    state: HandlingState
    user_id: str | None = None


OPEN = Seen(HandlingState.OPEN)


def step(seen: Seen, state: HandlingState, user_id: str) -> bool:
    """Return whether a member may bring a row from what he saw into a state.

    What another has taken must be taken over before anything else is done with it; what is done must be
    opened again.
    """
    if seen.state is HandlingState.DONE:
        return state is HandlingState.OPEN
    if seen.state is HandlingState.TAKEN and seen.user_id != user_id:
        return state is HandlingState.TAKEN
    return state is not seen.state


class HandlingMarks:
    """``store.handling``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock, publish: Callable[[News], None]) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish

    def mark(self, call_id: bytes, user_id: str, state: HandlingState, seen: Seen) -> None:
        """Bring a row into a state for all members of its mailbox; nothing happens where he has done so.

        Raises Refused: ``no such row``; ``handled otherwise`` when the row is not as it was seen, its text
        says how it is; ``no such step`` (see ``step``).
        """
        moment = self._clock()
        with self._database.write_soon() as connection:
            found = connection.execute(_ROW, (call_id,)).fetchone()
            if found is None:
                raise Refused("no such row")
            mailbox_id: str = found[0]
            now = _now(connection, call_id)
            if now == Seen(state, None if state is HandlingState.OPEN else user_id):
                return
            if now != seen:
                raise Refused("handled otherwise", user=_in_words(connection, mailbox_id, now))
            if not step(seen, state, user_id):
                raise Refused(
                    "no such step", user="Who has taken this call must give it back or be followed."
                )
            if state is HandlingState.OPEN:
                connection.execute(FORGET, {"call": call_id})
            else:
                at = seconds_of(moment)
                values = {"call": call_id, "state": str(state), "user": user_id, "at": at}
                connection.execute(_SET, values)
            if act := _told(seen, state):
                write(connection, moment, mailbox_id, user_id, act, call_id)
        self._publish(News("row", mailbox_id, call_id.hex()))


def release(session: Session, user_id: str, mailbox_id: str | None = None) -> None:
    """Within a transaction: what a user has taken of a mailbox, or of all (None), is open again.

    He is gone and looks after nothing; what he has done stays done.
    """
    session.connection().exec_driver_sql(_RELEASE, (user_id, mailbox_id))


def _now(connection: sqlite3.Connection, call_id: bytes) -> Seen:
    found = connection.execute(_NOW, (call_id,)).fetchone()
    return Seen(HandlingState(found[0]), found[1]) if found is not None else OPEN


def _told(seen: Seen, state: HandlingState) -> Act | None:
    """Return what the mailbox's log says of a step; of most it says nothing."""
    if state is HandlingState.DONE:
        return Act.DONE
    if state is HandlingState.TAKEN and seen.state is HandlingState.TAKEN:
        return Act.TAKEN_OVER
    return None


def _in_words(connection: sqlite3.Connection, mailbox_id: str, now: Seen) -> str:
    if now.state is HandlingState.OPEN:
        return "This call is open again."
    found = connection.execute(_NAME, (mailbox_id, now.user_id)).fetchone()
    who = found[0] if found is not None else "Somebody who is gone"
    done = "has taken this call" if now.state is HandlingState.TAKEN else "has dealt with this call"
    return f"{who} {done}."
