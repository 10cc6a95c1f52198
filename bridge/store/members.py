"""Who belongs to a mailbox, and what he can open."""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.seal import hpke
from bridge.store import tables

WRAP_BYTES = 80
"""HPKE of 32 bytes: enc 32, ciphertext 32, tag 16."""

PUBLIC_BYTES = 32


_ADMIT = """
    INSERT OR IGNORE INTO member (mailbox_id, user_id)
    SELECT mailbox.id, recovery.user_id FROM mailbox, recovery
    WHERE recovery.since IS NOT NULL AND mailbox.private AND (?1 IS NULL OR mailbox.id = ?1)
"""


class MemberState(StrEnum):
    """``invited``: has not joined yet, no key. ``waiting``: has a key, cannot open the mailbox (in a mailbox
    that is not private: may claim it; in a private one: a member must approve). ``member``: can open it."""

    INVITED = "invited"
    WAITING = "waiting"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a mailbox; ``epochs`` are those he has a wrap of; ``public`` is None before he joins."""

    user_id: str
    name: str
    public: bytes | None
    state: MemberState
    epochs: tuple[int, ...]


def check_public(public: bytes) -> None:
    """Raise Refused(``public key``) unless something can be sealed to this X25519 key.

    To a point of low order nothing can (RFC 7748 section 6.1): such a mailbox would lose every call.
    """
    if len(public) != PUBLIC_BYTES:
        raise Refused("public key")
    hpke.seal(public, b"", b"")


def require_member(session: Session, mailbox_id: str, user_id: str) -> tables.Mailbox:
    """Return the mailbox. Raises Refused(``not a member``) unless the user can open it, or it is unknown."""
    row = session.get(tables.Mailbox, mailbox_id)
    user = session.get(tables.User, user_id)
    if row is None or user is None or member_of(session, row, user).state is not MemberState.MEMBER:
        raise Refused("not a member", user="Only who can open this mailbox may do that.")
    return row


def belongs(session: Session, row: tables.Mailbox, user_id: str) -> bool:
    """Return whether the user was invited to the mailbox, in whatever state he is."""
    return session.get(tables.Member, (row.id, user_id)) is not None


def state_of(*, private: bool, joined: bool, opens: bool) -> MemberState:
    """Return a user's state in a mailbox; ``opens``: he has a wrap of its present epoch."""
    if private and opens:
        return MemberState.MEMBER
    return MemberState.WAITING if joined else MemberState.INVITED


def member_of(session: Session, row: tables.Mailbox, user: tables.User) -> Member:
    """Return a user of the mailbox with what he can open; his state follows from his wraps alone."""
    epochs = session.exec(
        select(tables.MailboxWrap.epoch)
        .where(tables.MailboxWrap.mailbox_id == row.id, tables.MailboxWrap.user_id == user.id)
        .order_by(col(tables.MailboxWrap.epoch))
    ).all()
    state = state_of(private=row.private, joined=user.public is not None, opens=row.epoch in epochs)
    return Member(user.id, user.name, user.public, state, tuple(epochs))


def admit_recovery(session: Session, mailbox_id: str | None = None) -> None:
    """Within a transaction: where a recovery key is on, have it wait for a member of this private mailbox,
    or of each one (None)."""
    session.connection().exec_driver_sql(_ADMIT, (mailbox_id,))
