"""Giving a mailbox to a user who is there already: to share it with a colleague, or to have somebody back.

Nobody is let in by that. In a private mailbox he waits for a member to approve him; one that is nobody's yet
he may claim, as whoever it was given to when he was added.
"""

from sqlmodel import Session, col, func, select

from bridge.errors import Refused
from bridge.store import tables
from bridge.store.access import Act, write_change
from bridge.store.database import Database
from bridge.store.members import Member, belongs, member_of, require_member
from bridge.store.names import Clock, check_extension
from bridge.store.users import by_handle

MOST = 400
"""People of one mailbox. A new key is closed for all of them in one request."""


class Giving:
    """``store.giving``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def give(self, extension: str, name: str) -> Member:
        """Give the mailbox of an extension to a user; doing it again changes nothing.

        Raises Refused: ``mailbox name``, ``no such mailbox``, ``no such user``, ``too many members``.
        """
        check_extension(extension)
        with self._database.session() as session:
            row = session.exec(
                select(tables.Mailbox).where(tables.Mailbox.extension == extension)
            ).one_or_none()
            if row is None:
                raise Refused("no such mailbox", user=f"There is no mailbox {extension}.")
            return self._add(session, row, None, name)

    def add(self, mailbox_id: str, by: str, name: str) -> Member:
        """Give a private mailbox to a user, as ``by``, a member, wishes; doing it again changes nothing.

        Raises Refused: ``not a member`` (``by``), ``no such user``, ``too many members``.
        """
        with self._database.session() as session:
            return self._add(session, require_member(session, mailbox_id, by), by, name)

    def _add(self, session: Session, row: tables.Mailbox, by: str | None, name: str) -> Member:
        user = by_handle(session, name)
        if user is None or _is_turned_off(session, user.id):
            raise Refused("no such user", user="There is no user of this name.")
        if not belongs(session, row, user.id):
            people = select(func.count()).where(col(tables.Member.mailbox_id) == row.id)
            if session.exec(people).one() >= MOST:
                raise Refused("too many members", user=f"A mailbox has {MOST} members at most.")
            session.add(tables.Member(mailbox_id=row.id, user_id=user.id))
            session.flush()
            write_change(session, self._clock(), row.id, by, Act.ADDED, user.id)
        return member_of(session, row, user)


def _is_turned_off(session: Session, user_id: str) -> bool:
    """Whether the user is a recovery key that is off: it is nobody then, though it has a name."""
    row = session.get(tables.RecoveryRow, user_id)
    return row is not None and row.since is None
