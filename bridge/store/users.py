"""Who may read: invitations, joining, logging in."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.seal.keyslot import SlotKind, passphrase_params, slot_params
from bridge.store import tables
from bridge.store.database import Database
from bridge.store.mailboxes import Mailboxes
from bridge.store.members import check_public
from bridge.store.names import Clock, check_name, handle_of, new_id, new_token, seconds_of, token_hash
from bridge.store.secret import ServerSecret

LINK_S = 24 * 3600
"""Seconds in which a one-time link may be used."""

MOST_SLOTS = 16
LONGEST_SLOT = 1024
AUTH_BYTES = 32
NO_VERIFIER = bytes(32)
"""Stands where there is nothing to compare with, so that comparing takes the same time."""
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class User:
    """``public`` is None until the user has joined."""

    id: str
    name: str
    public: bytes | None


class Users:
    """``store.users``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, mailboxes: Mailboxes, secret: ServerSecret, clock: Clock) -> None:
        self._database = database
        self._mailboxes = mailboxes
        self._secret = secret
        self._clock = clock

    def add(self, name: str, extensions: Sequence[str]) -> tuple[User, str]:
        """Invite somebody to some mailboxes (made if missing); returns him and the token of his link.

        The token is shown once and not kept. Raises Refused: ``name``, ``user name taken``,
        ``mailbox name``, ``too many mailboxes``.
        """
        with self._database.session() as session:
            row = self._new(session, name, extensions, public=None)
            return _seen(row), self._invite(session, row)

    def add_with_key(
        self,
        name: str,
        extensions: Sequence[str],
        public: bytes,
        keep: Callable[[User], None] = lambda user: None,
    ) -> User:
        """Add a member who is a program and has its key (raw X25519) in a file; nothing is claimed here.

        ``keep`` writes that file, which names the user's id; when it raises, there is no such user.
        Raises Refused as ``add``, and ``public key``.
        """
        check_public(public)
        with self._database.session() as session:
            user = _seen(self._new(session, name, extensions, public))
            keep(user)
            return user

    def reissue(self, name: str) -> tuple[User, str]:
        """Return a new token for who has not joined yet; older links are void.

        Raises Refused: ``no such user``, ``joined already``.
        """
        with self._database.session() as session:
            row = by_handle(session, name)
            if row is None:
                raise Refused("no such user")
            if row.public is not None:
                raise Refused(
                    "joined already", user="This user has joined: log in by passphrase or recovery code."
                )
            return _seen(row), self._invite(session, row)

    def get(self, user_id: str) -> User | None:
        """Return a user by id."""
        with self._database.reading() as session:
            row = session.get(tables.User, user_id)
            return _seen(row) if row is not None else None

    def by_name(self, name: str) -> User | None:
        """Return a user by name; case and width of letters do not matter."""
        with self._database.reading() as session:
            row = by_handle(session, name)
            return _seen(row) if row is not None else None

    def all(self) -> list[User]:
        """Return all users, by name."""
        with self._database.reading() as session:
            return [_seen(row) for row in session.exec(select(tables.User).order_by(col(tables.User.handle)))]

    def look_token(self, token: str) -> User | None:
        """Return whom a link is for, without using it up; None if it is unknown, used or too old."""
        with self._database.reading() as session:
            row = self._invited(session, token)
            return _seen(row) if row is not None else None

    def join(
        self,
        token: str,
        *,
        public: bytes,
        slots: Sequence[bytes],
        salt: bytes,
        login: bytes,
        recovery: bytes | None,
    ) -> User:
        """Use a link up: the user's public key, keyslots, login salt (16) and login secrets (32) are his now.

        ``login`` and ``recovery`` are what the page will send at a login by passphrase or by recovery code;
        their SHA-256 is kept. The salt must be that of his passphrase slot, since the same salt is given out
        before login. Raises Refused: ``link`` (unknown, used or too old), ``public key``, ``keyslots`` (a
        passphrase slot with our parameters and one of another kind are needed), ``login`` (of a wrong
        length; or a recovery slot without ``recovery``, or the other way round).
        """
        check_public(public)
        kinds = check_slots(slots, salt)
        check_login_secrets(login, recovery, by_code=SlotKind.RECOVERY in kinds)
        with self._database.session() as session:
            row = self._invited(session, token)
            if row is None:
                raise Refused("link", user="This link has been used or is too old. Ask for a new one.")
            void_links(session, row.id)
            row.public = public
            row.login_salt = salt
            row.login_verifier = hashlib.sha256(login).digest()
            row.recovery_verifier = hashlib.sha256(recovery).digest() if recovery is not None else None
            session.add(row)
            session.add_all(tables.Keyslot(user_id=row.id, slot=slot) for slot in slots)
            return _seen(row)

    def slots(self, user_id: str) -> list[bytes]:
        """Return a user's keyslots; only ever to himself."""
        with self._database.reading() as session:
            rows = session.exec(
                select(tables.Keyslot.slot)
                .where(tables.Keyslot.user_id == user_id)
                .order_by(col(tables.Keyslot.id))
            )
            return list(rows)

    def login_salt(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return salt (hex) and Argon2id parameters (JSON) for a name, whether it exists or not.

        Unknown names, and users who have no passphrase, get a salt made of the name; both ways do the same.
        """
        handle = handle_of(name[:1000])
        made = self._secret.salt_for(handle)
        with self._database.reading() as session:
            row = by_handle(session, handle)
            salt = row.login_salt if row is not None and row.login_salt is not None else made
        params: dict[str, Any] = json.loads(passphrase_params(salt))
        return salt.hex(), params

    def check_login(self, name: str, auth: bytes) -> User | None:
        """Return the user if ``auth`` is the login secret of his passphrase or of his recovery code.

        Both are always compared: a wrong name, a wrong passphrase and a wrong code take the same time.
        """
        with self._database.reading() as session:
            row = by_handle(session, name[:1000])
            return _seen(row) if fits(row, auth) and row is not None else None

    def shows_secret(self, user_id: str, shown: bytes) -> bool:
        """Say whether ``shown`` is the login secret of this user's passphrase or recovery code."""
        with self._database.reading() as session:
            return fits(session.get(tables.User, user_id), shown)

    def change_passphrase(
        self, user_id: str, shown: bytes, *, slot: bytes, salt: bytes, login: bytes, staying: str
    ) -> int:
        """Put a new passphrase in the place of the old one and end every session but ``staying`` (a token);
        returns how many were ended. All or nothing.

        ``shown`` is the login secret of the passphrase or of the recovery code as they are now; ``slot``,
        ``salt`` and ``login`` are those of the new passphrase, as for ``join``. Raises Refused:
        ``wrong secret`` (also for a member whose key is in a file), ``keyslots``, ``login``.
        """
        if len(login) != AUTH_BYTES:
            raise Refused("login")
        with self._database.session() as session:
            row = session.get_one(tables.User, user_id)
            if not fits(row, shown):
                raise Refused("wrong secret", user="That is not your passphrase or recovery code.")
            old = session.exec(select(tables.Keyslot).where(tables.Keyslot.user_id == user_id)).all()
            stays = [each for each in old if slot_params(each.slot)[0] is not SlotKind.PASSPHRASE]
            check_slots([slot, *(each.slot for each in stays)], salt)
            for each in old:
                if each not in stays:
                    session.delete(each)
            session.add(tables.Keyslot(user_id=user_id, slot=slot))
            row.login_salt = salt
            row.login_verifier = hashlib.sha256(login).digest()
            session.add(row)
            ended = end_others(session, user_id, staying)
        self._database.wipe_later()
        return ended

    def end_other_sessions(self, user_id: str, staying: str) -> int:
        """End every session of a user but ``staying`` (a token); returns how many there were."""
        with self._database.session() as session:
            return end_others(session, user_id, staying)

    def _new(
        self, session: Session, name: str, extensions: Sequence[str], public: bytes | None
    ) -> tables.User:
        shown = check_name(name)
        if by_handle(session, shown) is not None:
            raise Refused(
                "user name taken", user="There is a user of this name: `mailbox give` gives him a mailbox."
            )
        row = tables.User(
            id=new_id("us_"),
            name=shown,
            handle=handle_of(shown),
            public=public,
            created_at=seconds_of(self._clock()),
        )
        session.add(row)
        session.flush()
        for extension in dict.fromkeys(extensions):
            mailbox = self._mailboxes.ensure(session, extension)
            session.add(tables.Member(mailbox_id=mailbox.id, user_id=row.id))
        session.flush()
        return row

    def _invite(self, session: Session, row: tables.User) -> str:
        void_links(session, row.id)
        token = new_token()
        expires = seconds_of(self._clock()) + LINK_S
        session.add(tables.Invite(token_hash=token_hash(token), user_id=row.id, expires_at=expires))
        return token

    def _invited(self, session: Session, token: str) -> tables.User | None:
        invite = session.get(tables.Invite, token_hash(token))
        if invite is None or invite.expires_at <= seconds_of(self._clock()):
            return None
        return session.get(tables.User, invite.user_id)


def fits(row: tables.User | None, auth: bytes) -> bool:
    """Say whether a login secret is one of a user's two; both are always compared, with nobody's, too."""
    shown = hashlib.sha256(auth).digest()
    kept = (row.login_verifier, row.recovery_verifier) if row is not None else (None, None)
    same = [hmac.compare_digest(shown, verifier or NO_VERIFIER) for verifier in kept]
    return any(each and verifier is not None for each, verifier in zip(same, kept, strict=True))


def end_others(session: Session, user_id: str, staying: str) -> int:
    """Within a transaction: end every session of a user but ``staying``; returns how many there were."""
    mine = col(tables.LoginSession.user_id) == user_id
    others = mine & (col(tables.LoginSession.token_hash) != token_hash(staying))
    return session.exec(delete(tables.LoginSession).where(others)).rowcount


def _seen(row: tables.User) -> User:
    return User(row.id, row.name, row.public)


def by_handle(session: Session, name: str) -> tables.User | None:
    """Within a transaction: return a user by name; case and width of letters do not matter."""
    try:
        handle = handle_of(name)
        handle.encode()
    except UnicodeEncodeError:
        return None
    return session.exec(select(tables.User).where(tables.User.handle == handle)).one_or_none()


def void_links(session: Session, user_id: str) -> None:
    """Within a transaction: no one-time link of a user's opens anything any more."""
    session.exec(delete(tables.Invite).where(col(tables.Invite.user_id) == user_id))


def check_login_secrets(login: bytes, recovery: bytes | None, *, by_code: bool) -> None:
    """Who has a recovery code must be able to log in by it, or it opens nothing once he is logged out."""
    secrets = [login] if recovery is None else [login, recovery]
    if by_code is (recovery is None) or any(len(secret) != AUTH_BYTES for secret in secrets):
        raise Refused("login")


def check_slots(slots: Sequence[bytes], salt: bytes) -> set[SlotKind]:
    """Two ways in, or losing one loses the notes; and no parameters that would tell a real name from none."""
    if len(salt) != SALT_BYTES or len(slots) > MOST_SLOTS or any(len(slot) > LONGEST_SLOT for slot in slots):
        raise Refused("keyslots")
    try:
        found = [slot_params(slot) for slot in slots]
    except Refused:
        raise Refused("keyslots") from None
    kinds = {kind for kind, _ in found}
    passphrases = [params for kind, params in found if kind is SlotKind.PASSPHRASE]
    if len(kinds) < 2 or passphrases != [passphrase_params(salt)]:
        raise Refused("keyslots", user="A passphrase and a recovery code are needed.")
    return kinds
