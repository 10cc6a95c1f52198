"""A mailbox's next epoch: when a member goes, a remaining one makes a key that he has not.

Who leaves makes the key for those who stay himself, so that no note waits for them, and could have kept it:
the mailbox has outgrown it, and the next one of them to look makes another.

The server sees the new public key and one wrap for each who stays, and takes all of it or nothing. A note
that is being recorded keeps the epoch it began with; older rows get new envelopes as after a claim
(``envelopes``). What somebody could read so far, he could have kept: nothing takes that back.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.store import tables
from bridge.store.access import Act, write_change
from bridge.store.database import Database
from bridge.store.handling import release
from bridge.store.members import WRAP_BYTES, MemberState, belongs, check_public, member_of, require_member
from bridge.store.names import Clock, moment_of, seconds_of

log = logging.getLogger("aftertone.store")

MOST = 400
"""Epochs of one mailbox: all their keys must fit into the one request by which a member lets another in."""

_PRESENT = """
    SELECT mailbox.epoch, public FROM mailbox
    JOIN mailbox_key ON mailbox_id = mailbox.id AND mailbox_key.epoch = mailbox.epoch WHERE mailbox.id = ?
"""
_ORIGINS = """
    SELECT mailbox.id, made_at, maker.name FROM member JOIN mailbox ON mailbox.id = member.mailbox_id
    JOIN mailbox_key ON mailbox_key.mailbox_id = mailbox.id AND mailbox_key.epoch = mailbox.epoch
    LEFT JOIN user AS maker ON maker.id = made_by
    WHERE member.user_id = ? AND made_at IS NOT NULL
"""
_OUTGROWN = """
    SELECT mailbox.id FROM member JOIN mailbox ON mailbox.id = member.mailbox_id AND mailbox.private
    JOIN mailbox_key AS present ON present.mailbox_id = mailbox.id AND present.epoch = mailbox.epoch
    WHERE member.user_id = ? AND (made_by IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM mailbox_wrap AS held WHERE held.mailbox_id = mailbox.id
        AND held.epoch = mailbox.epoch AND held.user_id = made_by)
    OR EXISTS (
        SELECT 1 FROM access AS off INDEXED BY ix_access_once
        WHERE off.call_id IS NULL AND off.user_id IS NULL AND off.act = 'removed'
        AND off.mailbox_id = mailbox.id AND NOT EXISTS (
            SELECT 1 FROM access AS made INDEXED BY ix_access_once
            WHERE made.call_id IS NULL AND made.user_id = made_by AND made.act = 'new_key'
            AND made.mailbox_id = mailbox.id AND made.id > off.id)))
"""
"""By what the log says where the administrator has removed somebody, who makes no key: in its order, whatever
the clock did. The index is named, since SQLite would read a mailbox's whole log instead."""


@dataclass(frozen=True, slots=True)
class NextKey:
    """The key of a mailbox's next epoch: its public half, and its private half closed for each member
    (user id, wrap)."""

    epoch: int
    public: bytes
    wraps: Sequence[tuple[str, bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Since when a mailbox has its present key, and the name of who made it (None: the server)."""

    at: datetime
    by: str | None


class Epochs:
    """``store.epochs``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def remove(self, mailbox_id: str, by: str, user_id: str, following: NextKey | None = None) -> None:
        """Take a user off a mailbox; ``by``, a member, may be himself. All or nothing.

        Calls that he had taken are open again. A member goes with the ``following`` key, closed for every
        member but him; who only waits or is invited goes without. Raises Refused: ``not a member`` (``by``),
        ``no such member`` (the user), ``last member``, ``members changed`` (the key is not the next one, or
        not for exactly those who stay: somebody was let in or removed meanwhile), ``public key``, ``wraps``,
        ``too many epochs``.
        """
        if following is not None:
            check_public(following.public)
        now = self._clock()
        with self._database.session() as session:
            row = require_member(session, mailbox_id, by)
            user = session.get(tables.User, user_id)
            if user is None or not belongs(session, row, user_id):
                raise Refused("no such member")
            if member_of(session, row, user).state is MemberState.MEMBER:
                stay = members_of(session, row) - {user_id}
                # A recovery key is nobody: turned off, it would take the mailbox with it.
                if not stay - set(session.exec(select(col(tables.RecoveryRow.user_id)))):
                    raise Refused("last member", user="Nobody else could read this mailbox then.")
                begin(session, now, row, by, following, stay)
            elif following is not None:
                raise members_changed()
            for table in (tables.MailboxWrap, tables.Member):
                session.exec(
                    delete(table).where(
                        col(table.mailbox_id) == mailbox_id,
                        col(table.user_id) == user_id,
                    )
                )
            release(session, user_id, mailbox_id)
            left = by == user_id
            write_change(
                session, now, mailbox_id, by, Act.LEFT if left else Act.REMOVED, None if left else user_id
            )
        self._database.wipe_later()
        log.info("mailbox %s: %s was removed by %s", mailbox_id, user_id, by)

    def renew(self, mailbox_id: str, by: str, following: NextKey) -> None:
        """Begin the next epoch as ``by``, a member, wishes, for exactly those who are members now.

        Raises Refused as ``remove``; ``members changed`` also when somebody else was faster.
        """
        check_public(following.public)
        now = self._clock()
        with self._database.session() as session:
            row = require_member(session, mailbox_id, by)
            begin(session, now, row, by, following, members_of(session, row))
        log.info("mailbox %s: %s began epoch %d", mailbox_id, by, following.epoch)

    def outgrown(self, user_id: str) -> frozenset[str]:
        """Return the ids of the user's private mailboxes whose present key somebody may have who reads them
        no more: he made it for those who stay, or is a recovery key that was turned off."""
        return frozenset(mailbox_id for (mailbox_id,) in self._database.ask(_OUTGROWN, user_id))

    def present(self, mailbox_id: str) -> tuple[int, bytes]:
        """Return number and public key of the present epoch. Raises Refused(``no such mailbox``)."""
        found = self._database.ask(_PRESENT, mailbox_id)
        if not found:
            raise Refused("no such mailbox")
        return int(found[0][0]), bytes(found[0][1])

    def origins(self, user_id: str) -> dict[str, Origin]:
        """Return where the present keys of a user's mailboxes come from, by id, as far as that is known."""
        return {
            mailbox_id: Origin(moment_of(at), name)
            for mailbox_id, at, name in self._database.ask(_ORIGINS, user_id)
        }


def members_of(session: Session, row: tables.Mailbox) -> set[str]:
    """Within a transaction: return the ids of all who can open a mailbox's present epoch."""
    return set(
        session.exec(
            select(tables.MailboxWrap.user_id).where(
                tables.MailboxWrap.mailbox_id == row.id, tables.MailboxWrap.epoch == row.epoch
            )
        )
    )


def begin(
    session: Session,
    now: datetime,
    row: tables.Mailbox,
    by: str,
    key: NextKey | None,
    stay: Collection[str],
) -> None:
    """Within a transaction: begin the next epoch of a private mailbox, for exactly those who ``stay``.

    Raises Refused as ``Epochs.remove``.
    """
    if key is None or key.epoch != row.epoch + 1:
        raise members_changed()
    if key.epoch > MOST:
        raise Refused("too many epochs", user=f"This mailbox has had {MOST} keys: no more can be made.")
    given = dict(key.wraps)
    if len(given) != len(key.wraps) or any(len(wrap) != WRAP_BYTES for wrap in given.values()):
        raise Refused("wraps")
    if given.keys() != set(stay):
        raise members_changed()
    known = select(tables.MailboxKey.public).where(tables.MailboxKey.mailbox_id == row.id)
    if key.public in session.exec(known).all():
        raise Refused("public key")
    session.add(
        tables.MailboxKey(
            mailbox_id=row.id, epoch=key.epoch, public=key.public, made_at=seconds_of(now), made_by=by
        )
    )
    session.add_all(
        tables.MailboxWrap(mailbox_id=row.id, epoch=key.epoch, user_id=user_id, wrap=wrap)
        for user_id, wrap in given.items()
    )
    row.epoch = key.epoch
    session.add(row)
    session.flush()
    write_change(session, now, row.id, by, Act.NEW_KEY)


def members_changed() -> Refused:
    """Return the refusal of keys that were made for others than those who are members by now."""
    return Refused("members changed", user="Somebody was let in or removed meanwhile. Please try again.")
