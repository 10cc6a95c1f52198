"""Claiming a mailbox: the server gives its key away, sees that it has arrived, and only then forgets it.

    offer_claim     M[0] is wrapped to the member; the server keeps its copy        (may be done again)
    (member)        opens the wrap, makes M[1], wraps it to himself
    confirm_claim   one transaction: wraps of epochs 0 and 1 stand, epoch is 1, the copy is deleted
    wipe            the WAL is emptied, so that no file holds the deleted bytes       (again at every start)

A process that dies between or within any two of these leaves a mailbox that can be claimed, or one that is.
"""

import hmac
import logging

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.seal.keys import claim_proof, mailbox_wrap
from bridge.store import tables
from bridge.store.database import Database
from bridge.store.members import WRAP_BYTES, admit_recovery, check_public
from bridge.store.names import Clock, seconds_of
from bridge.store.secret import ServerSecret

log = logging.getLogger("aftertone.store")


class Claims:
    """``store.claims``; also reached as ``store.mailboxes.offer_claim`` and ``confirm_claim``."""

    def __init__(self, database: Database, secret: ServerSecret, clock: Clock) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def offer(self, mailbox_id: str, user_id: str) -> bytes:
        """Return M[0] wrapped to the user's key, the same bytes each time, until it is confirmed.

        Raises Refused: ``not waiting`` (unknown mailbox, not of it, or not joined), ``claimed``; StoreError.
        """
        with self._database.session() as session:
            mailbox, user_public = _claimant(session, mailbox_id, user_id)
            if mailbox.private:
                raise _claimed()
            offered = session.get(tables.Claim, (mailbox_id, user_id))
            if offered is not None:
                return offered.wrap
            private, public = self._kept(session, mailbox_id)
            wrap = mailbox_wrap(user_public, user_id, mailbox_id, 0, private, public)
            session.add(tables.Claim(mailbox_id=mailbox_id, user_id=user_id, wrap=wrap))
            return wrap

    def confirm(self, mailbox_id: str, user_id: str, proof: bytes, public: bytes, wrap: bytes) -> bool:
        """Make the mailbox private: the user has opened M[0] (``proof``) and made M[1].

        ``public`` is M[1]'s public key, ``wrap`` is M[1] wrapped to the user. Afterwards the server holds no
        key of this mailbox. The same again is fine (an answer was lost), and returns False. Raises Refused:
        ``not waiting``, ``claimed`` (by somebody else, or with another key), ``not offered``, ``proof``,
        ``public key``, ``wraps``; StoreError.
        """
        check_public(public)
        if len(wrap) != WRAP_BYTES:
            raise Refused("wraps")
        with self._database.session() as session:
            mailbox, _public = _claimant(session, mailbox_id, user_id)
            if mailbox.private:
                if not _is_repeated(session, mailbox_id, user_id, public):
                    raise _claimed()
                return False  # or he could have the WAL wiped, and every page told, without end
            self._turn_private(session, mailbox, user_id, proof, public, wrap)
        log.info("mailbox %s: claimed by %s", mailbox_id, user_id)
        self._database.wipe_later()
        self._database.wipe()
        return True

    def _turn_private(
        self,
        session: Session,
        mailbox: tables.Mailbox,
        user_id: str,
        proof: bytes,
        public: bytes,
        wrap: bytes,
    ) -> None:
        offered = session.get(tables.Claim, (mailbox.id, user_id))
        if offered is None:
            raise Refused("not offered")
        private, old_public = self._kept(session, mailbox.id)
        if not hmac.compare_digest(proof, claim_proof(private, user_id)):
            raise Refused("proof", user="The mailbox key was not opened. Try again.")
        if public == old_public:
            raise Refused("public key")
        at = seconds_of(self._clock())
        session.add(
            tables.MailboxKey(mailbox_id=mailbox.id, epoch=1, public=public, made_at=at, made_by=user_id)
        )
        for epoch, bytes_ in ((0, offered.wrap), (1, wrap)):
            session.add(tables.MailboxWrap(mailbox_id=mailbox.id, epoch=epoch, user_id=user_id, wrap=bytes_))
        mailbox.epoch = 1
        mailbox.private = True
        session.add(mailbox)
        session.flush()
        admit_recovery(session, mailbox.id)
        session.exec(delete(tables.Claim).where(col(tables.Claim.mailbox_id) == mailbox.id))
        session.exec(delete(tables.ServerCopy).where(col(tables.ServerCopy.mailbox_id) == mailbox.id))

    def _kept(self, session: Session, mailbox_id: str) -> tuple[bytes, bytes]:
        """Return the private and public key of epoch 0, which the server still holds."""
        closed = session.exec(
            select(tables.ServerCopy.closed).where(tables.ServerCopy.mailbox_id == mailbox_id)
        ).one()
        key = session.get_one(tables.MailboxKey, (mailbox_id, 0))
        return self._secret.open(closed, mailbox_id, 0, key.public), key.public


def _claimant(session: Session, mailbox_id: str, user_id: str) -> tuple[tables.Mailbox, bytes]:
    mailbox = session.get(tables.Mailbox, mailbox_id)
    user = session.get(tables.User, user_id)
    belongs = session.get(tables.Member, (mailbox_id, user_id)) is not None
    if mailbox is None or user is None or user.public is None or not belongs:
        raise Refused("not waiting", user="This user has not joined, or does not belong here.")
    return mailbox, user.public


def _is_repeated(session: Session, mailbox_id: str, user_id: str, public: bytes) -> bool:
    key = session.get(tables.MailboxKey, (mailbox_id, 1))
    mine = session.get(tables.MailboxWrap, (mailbox_id, 1, user_id))
    return key is not None and key.public == public and mine is not None


def _claimed() -> Refused:
    return Refused("claimed", user="Somebody has claimed this mailbox. A member of it must let you in.")
