"""A device was lost with a user's key in it: everything that opened his notes is made anew.

His page makes a new user key with new keyslots, closes every mailbox key that he holds for it, and begins a
new epoch in each mailbox that he reads, so that the lost key opens nothing later. All of it is one
transaction: whoever dies before or after has the old state or the new one, whole.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.seal.keyslot import SlotKind
from bridge.store import addressbook, tables
from bridge.store.access import Act, write_change
from bridge.store.database import Database
from bridge.store.epochs import NextKey, begin, members_changed, members_of
from bridge.store.members import WRAP_BYTES, check_public
from bridge.store.names import Clock
from bridge.store.users import check_login_secrets, check_slots, end_others, fits, void_links

log = logging.getLogger("aftertone.store")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What takes the place of all that opened a user's notes; ``public`` to ``recovery`` as for ``join``.

    ``wraps`` (mailbox id, epoch, wrap) are all mailbox keys that he holds, closed for the new user key;
    ``following`` (mailbox id, key) is the next key of each mailbox that he reads, for all its members.
    ``book`` is his address book closed for the new user key, and before it the version it was made of.
    """

    public: bytes
    slots: Sequence[bytes] = field(repr=False)
    salt: bytes
    login: bytes = field(repr=False)
    recovery: bytes = field(repr=False)
    wraps: Sequence[tuple[str, int, bytes]] = field(repr=False)
    following: Sequence[tuple[str, NextKey]] = field(repr=False)
    book: tuple[bytes, bytes] | None = field(default=None, repr=False)


class NewKeys:
    """``store.newkeys``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, user_id: str, shown: bytes, secrets: Secrets, staying: str) -> tuple[int, list[str]]:
        """Put new keys in the place of a user's old ones and end every session but ``staying`` (a token).

        ``shown`` is the login secret of his passphrase or recovery code as they are now. Returns how many
        sessions were ended, and the ids of the mailboxes that have a new key. Raises Refused: ``wrong
        secret`` (also for a member whose key is in a file), ``public key`` (also for the old one),
        ``keyslots``, ``login``, ``wraps``, and as ``Epochs.remove`` for each mailbox: ``members changed``
        (also when the keys are not exactly those that he holds by now), ``too many epochs``; and as
        ``AddressBooks.put``.
        """
        check_public(secrets.public)
        for _mailbox, key in secrets.following:
            check_public(key.public)
        kinds = check_slots(secrets.slots, secrets.salt)
        check_login_secrets(secrets.login, secrets.recovery, by_code=SlotKind.RECOVERY in kinds)
        given = {(mailbox, epoch): wrap for mailbox, epoch, wrap in secrets.wraps}
        following = dict(secrets.following)
        if (
            len(given) != len(secrets.wraps)
            or len(following) != len(secrets.following)
            or any(len(wrap) != WRAP_BYTES for wrap in given.values())
        ):
            raise Refused("wraps")
        with self._database.session() as session:
            row = session.get_one(tables.User, user_id)
            if not fits(row, shown):
                raise Refused("wrong secret", user="That is not your passphrase or recovery code.")
            if secrets.public == row.public:
                raise Refused("public key")
            self._rewrap(session, user_id, given)
            addressbook.replace(session, user_id, secrets.public, secrets.book)
            row.public = secrets.public
            boxes = _read_by(session, user_id)
            if following.keys() != {box.id for box in boxes}:
                raise members_changed()
            now = self._clock()
            for box in boxes:
                begin(session, now, box, user_id, following[box.id], members_of(session, box))
                write_change(session, now, box.id, user_id, Act.NEW_DEVICE)
            _let_in_by(session, row, secrets)
            ended = end_others(session, user_id, staying)
        self._database.wipe_later()
        log.info("user %s: new keys after a lost device, %d mailboxes", user_id, len(boxes))
        return ended, [box.id for box in boxes]

    @staticmethod
    def _rewrap(session: Session, user_id: str, given: dict[tuple[str, int], bytes]) -> None:
        held = session.exec(select(tables.MailboxWrap).where(tables.MailboxWrap.user_id == user_id)).all()
        if given.keys() != {(each.mailbox_id, each.epoch) for each in held}:
            raise members_changed()
        for each in held:
            each.wrap = given[each.mailbox_id, each.epoch]
            session.add(each)
        # What a claim offers him is closed for the old key, and is offered anew when he asks.
        session.exec(delete(tables.Claim).where(col(tables.Claim.user_id) == user_id))


def _read_by(session: Session, user_id: str) -> list[tables.Mailbox]:
    """The private mailboxes of whose present epoch a user has the key."""
    wrap = tables.MailboxWrap
    return list(
        session.exec(
            select(tables.Mailbox)
            .join(
                wrap, (col(wrap.mailbox_id) == tables.Mailbox.id) & (col(wrap.epoch) == tables.Mailbox.epoch)
            )
            .where(wrap.user_id == user_id, col(tables.Mailbox.private))
            .order_by(col(tables.Mailbox.id))
        )
    )


def _let_in_by(session: Session, row: tables.User, secrets: Secrets) -> None:
    """From now on these keyslots open the user key, and these secrets the door; nothing else does."""
    session.exec(delete(tables.Keyslot).where(col(tables.Keyslot.user_id) == row.id))
    session.add_all(tables.Keyslot(user_id=row.id, slot=slot) for slot in secrets.slots)
    row.login_salt = secrets.salt
    row.login_verifier = hashlib.sha256(secrets.login).digest()
    row.recovery_verifier = hashlib.sha256(secrets.recovery).digest()
    session.add(row)
    void_links(session, row.id)
