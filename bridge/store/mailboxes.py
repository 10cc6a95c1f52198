"""Mailboxes, their public keys and their members. Claims are in ``claims``."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, func, select

from bridge.errors import Refused
from bridge.seal.curve import new_keypair
from bridge.seal.note import Recipient
from bridge.store import tables
from bridge.store.access import Act, write_change
from bridge.store.claims import Claims
from bridge.store.database import Database
from bridge.store.envelopes import Envelopes
from bridge.store.members import WRAP_BYTES, Member, MemberState, belongs, member_of, require_member, state_of
from bridge.store.names import Clock, check_extension, check_name, new_id, seconds_of
from bridge.store.secret import ServerSecret

MOST = 10_000
"""Mailboxes of one house. A dialplan gone wrong (one per caller) is stopped before it fills the disk."""


_RECIPIENT = """
    SELECT mailbox.id, mailbox.epoch, public FROM mailbox
    JOIN mailbox_key ON mailbox_id = mailbox.id AND mailbox_key.epoch = mailbox.epoch WHERE extension = ?
"""

_SEEN = """
    mailbox.id, extension, mailbox.name, private, epoch, (
        SELECT public FROM mailbox_key AS present
        WHERE present.mailbox_id = mailbox.id AND present.epoch = mailbox.epoch),
    EXISTS (SELECT 1 FROM claim WHERE claim.mailbox_id = mailbox.id)
"""

_ALL = f"SELECT {_SEEN} FROM mailbox ORDER BY extension"  # noqa: S608 - made of constants

_OF_USER = f"""
    SELECT {_SEEN}, user.public IS NOT NULL, EXISTS (
        SELECT 1 FROM mailbox_wrap AS held
        WHERE held.mailbox_id = mailbox.id AND held.epoch = mailbox.epoch AND held.user_id = user.id)
    FROM member JOIN mailbox ON mailbox.id = member.mailbox_id JOIN user ON user.id = member.user_id
    WHERE user.id = ? ORDER BY extension
"""  # noqa: S608 - made of constants

_READABLE = """
    SELECT mailbox.id FROM member JOIN mailbox ON mailbox.id = member.mailbox_id
    WHERE member.user_id = ? AND (NOT mailbox.private OR EXISTS (
        SELECT 1 FROM mailbox_wrap AS held
        WHERE held.mailbox_id = mailbox.id AND held.epoch = mailbox.epoch AND held.user_id = member.user_id))
    ORDER BY mailbox.extension
"""


class MailboxState(StrEnum):
    """``unclaimed``: the server holds the key. ``claim_offered``: a member has been given it, and the server
    still holds it. ``private``: only members hold it."""

    UNCLAIMED = "unclaimed"
    CLAIM_OFFERED = "claim_offered"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``public`` is the X25519 key of the present ``epoch``."""

    id: str
    extension: str
    name: str
    state: MailboxState
    epoch: int
    public: bytes


@dataclass(frozen=True, slots=True)
class Membership:
    """A mailbox as one user sees it."""

    mailbox: Mailbox
    state: MemberState


@dataclass(frozen=True, slots=True)
class Wrap:
    """One epoch's mailbox key, closed for one member; ``public`` is that epoch's public key."""

    mailbox_id: str
    epoch: int
    public: bytes
    wrap: bytes


class Mailboxes:
    """``store.mailboxes``. Every method raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        secret: ServerSecret,
        clock: Clock,
        claims: Claims,
        envelopes: Envelopes,
    ) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock
        self.offer_claim = claims.offer
        self.confirm_claim = claims.confirm
        self.pending_rewraps = envelopes.pending
        self.put_envelopes = envelopes.put
        self.left_to_rewrap = envelopes.left

    def add(self, extension: str, name: str | None = None) -> Mailbox:
        """Make the mailbox of an extension, or name the one that its first missed call has made.

        Raises Refused: ``mailbox name``, ``name``, ``too many mailboxes``.
        """
        shown = check_name(name) if name is not None else None
        with self._database.session() as session:
            row = self.ensure(session, extension)
            if shown is not None:
                row.name = shown
                session.add(row)
                session.flush()
            return _seen(session, row)

    def get(self, mailbox_id: str) -> Mailbox | None:
        """Return a mailbox by its id."""
        with self._database.reading() as session:
            row = session.get(tables.Mailbox, mailbox_id)
            return _seen(session, row) if row is not None else None

    def by_extension(self, extension: str) -> Mailbox | None:
        """Return a mailbox by its extension."""
        with self._database.reading() as session:
            row = _by_extension(session, extension)
            return _seen(session, row) if row is not None else None

    def all(self) -> list[Mailbox]:
        """Return all mailboxes, by extension."""
        with self._database.read() as connection:
            return [_mailbox(*found) for found in connection.exec_driver_sql(_ALL)]

    def recipient(self, extension: str) -> Recipient:
        """Return to whom a call for this extension is sealed now; makes an unclaimed mailbox if needed.

        Raises Refused: ``mailbox name``, ``too many mailboxes``.
        """
        check_extension(extension)
        found = self._database.ask(_RECIPIENT, extension)
        if found:
            return Recipient(*found[0])
        made = self.add(extension)
        return Recipient(made.id, made.epoch, made.public)

    def of_user(self, user_id: str) -> list[Membership]:
        """Return the mailboxes a user belongs to, by extension, whether he can open them or not."""
        with self._database.read() as connection:
            return [
                Membership(_mailbox(*seen), state_of(private=seen[3], joined=joined, opens=opens))
                for *seen, joined, opens in connection.exec_driver_sql(_OF_USER, (user_id,))
            ]

    def readable_by(self, user_id: str) -> list[str]:
        """Return the ids of the mailboxes whose rows a user may see, by one query: every page is asked about.

        Who waits for approval gets nothing, sealed or not. While a mailbox is not private yet, everybody who
        was given it may claim it and so may see what waits there.
        """
        return [mailbox_id for (mailbox_id,) in self._database.ask(_READABLE, user_id)]

    def members(self, mailbox_id: str) -> list[Member]:
        """Return everybody of a mailbox, by name. Empty for an unknown mailbox."""
        with self._database.reading() as session:
            row = session.get(tables.Mailbox, mailbox_id)
            if row is None:
                return []
            users = session.exec(
                select(tables.User)
                .join(tables.Member, col(tables.Member.user_id) == col(tables.User.id))
                .where(tables.Member.mailbox_id == mailbox_id)
                .order_by(col(tables.User.handle))
            )
            return [member_of(session, row, user) for user in users]

    def wraps_of(self, user_id: str) -> list[Wrap]:
        """Return every mailbox key that a user can open, without what a claim only offers him."""
        with self._database.reading() as session:
            found = session.exec(
                select(tables.MailboxWrap, tables.MailboxKey)
                .where(
                    tables.MailboxWrap.mailbox_id == tables.MailboxKey.mailbox_id,
                    tables.MailboxWrap.epoch == tables.MailboxKey.epoch,
                    tables.MailboxWrap.user_id == user_id,
                )
                .order_by(col(tables.MailboxWrap.mailbox_id), col(tables.MailboxWrap.epoch))
            )
            return [Wrap(wrap.mailbox_id, wrap.epoch, key.public, wrap.wrap) for wrap, key in found]

    def approve(
        self, mailbox_id: str, by: str, user_id: str, public: bytes, wraps: Sequence[tuple[int, bytes]]
    ) -> None:
        """Let a waiting user in: ``by``, a member, has made one wrap of every epoch for his key ``public``.

        Raises Refused: ``not a member`` (``by``), ``member already`` and ``not waiting`` (the user),
        ``key changed`` (the user's is another one by now, and would open none of the wraps), ``wraps`` (an
        epoch is missing or twice, or a wrong size).
        """
        with self._database.session() as session:
            row = require_member(session, mailbox_id, by)
            user = session.get(tables.User, user_id)
            state = member_of(session, row, user).state if user and belongs(session, row, user_id) else None
            if state is MemberState.MEMBER:
                raise Refused("member already", user="Somebody has let this user in already.")
            if user is None or state is not MemberState.WAITING:
                raise Refused("not waiting", user="This user has not joined, or does not belong here.")
            if user.public != public:
                raise Refused(
                    "key changed", user="This user has another key by now: compare its fingerprint first."
                )
            given = dict(wraps)
            if sorted(epoch for epoch, _ in wraps) != list(range(row.epoch + 1)) or any(
                len(wrap) != WRAP_BYTES for wrap in given.values()
            ):
                raise Refused("wraps", user="One key per epoch of the mailbox is needed.")
            for epoch, wrap in given.items():
                session.merge(
                    tables.MailboxWrap(mailbox_id=mailbox_id, epoch=epoch, user_id=user_id, wrap=wrap)
                )
            write_change(session, self._clock(), mailbox_id, by, Act.APPROVED, user_id)

    def ensure(self, session: Session, extension: str) -> tables.Mailbox:
        """Within a transaction: return the mailbox of an extension, making an unclaimed one if needed."""
        row = _by_extension(session, check_extension(extension))
        if row is not None:
            return row
        if session.exec(select(func.count()).select_from(tables.Mailbox)).one() >= MOST:
            raise Refused(
                "too many mailboxes",
                user=f"There are {MOST} mailboxes already; is a pattern of the dialplan too wide?",
            )
        private, public = new_keypair()
        row = tables.Mailbox(
            id=new_id("mb_"),
            extension=extension,
            name=extension,
            epoch=0,
            private=False,
            created_at=seconds_of(self._clock()),
        )
        session.add(row)
        session.flush()
        session.add(tables.MailboxKey(mailbox_id=row.id, epoch=0, public=public))
        closed = self._secret.close(private, row.id, 0, public)
        session.add(tables.ServerCopy(mailbox_id=row.id, closed=closed))
        session.flush()
        return row


def _by_extension(session: Session, extension: str) -> tables.Mailbox | None:
    return session.exec(select(tables.Mailbox).where(tables.Mailbox.extension == extension)).one_or_none()


def _seen(session: Session, row: tables.Mailbox) -> Mailbox:
    key = session.get_one(tables.MailboxKey, (row.id, row.epoch))
    offered = session.exec(select(tables.Claim.user_id).where(tables.Claim.mailbox_id == row.id)).first()
    return _mailbox(row.id, row.extension, row.name, row.private, row.epoch, key.public, offered is not None)


def _mailbox(
    mailbox_id: str, extension: str, name: str, private: bool, epoch: int, public: bytes, offered: bool
) -> Mailbox:
    if private:
        state = MailboxState.PRIVATE
    else:
        state = MailboxState.CLAIM_OFFERED if offered else MailboxState.UNCLAIMED
    return Mailbox(mailbox_id, extension, name, state, epoch, public)
