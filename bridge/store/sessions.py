"""Open sessions, and the challenges by which members with a key file open one."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, delete, update
from sqlmodel import col

from bridge.store import tables
from bridge.store.database import Database, in_words
from bridge.store.names import Clock, moment_of, new_token, seconds_of, token_hash
from bridge.store.secret import ServerSecret
from bridge.store.users import User

_TABLE = tables.TABLES["session"]
_SLIDE = in_words(
    update(_TABLE).where(_TABLE.c.token_hash == bindparam("hash")).values(expires_at=bindparam("expires"))
)

_WHOSE = """
    SELECT kind, expires_at, user.id, user.name, user.public FROM session JOIN user ON user.id = user_id
    WHERE token_hash = ? AND expires_at > ?
"""


class SessionKind(StrEnum):
    """``cookie``: a page, 30 days from its last use. ``bearer``: a program, 12 hours from the login."""

    COOKIE = "cookie"
    BEARER = "bearer"


LASTS_S = {SessionKind.COOKIE: 30 * 24 * 3600, SessionKind.BEARER: 12 * 3600}

SLIDE_S = 3600
"""A cookie's end is moved at most this often, so that reading writes nothing."""

CHALLENGE_S = 60
MOST_CHALLENGES = 1024
"""Challenges that wait for an answer; the oldest goes. Logins are limited per name and address before."""


class Sessions:
    """``store.sessions``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, secret: ServerSecret, clock: Clock) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def open(self, user_id: str, kind: SessionKind | str) -> str:
        """Open a session and return its token, which is not kept."""
        return self.open_until(user_id, kind)[0]

    def open_until(self, user_id: str, kind: SessionKind | str) -> tuple[str, datetime]:
        """The same, with the time at which it ends (for a cookie: unless it is used before)."""
        kind = SessionKind(kind)
        token = new_token()
        expires = seconds_of(self._clock()) + LASTS_S[kind]
        with self._database.session() as session:
            session.add(
                tables.LoginSession(
                    token_hash=token_hash(token), user_id=user_id, kind=kind, expires_at=expires
                )
            )
        return token, moment_of(expires)

    def user(self, token: str, kind: SessionKind | str | None = None) -> User | None:
        """Return whose session this is; None if it is unknown, over, or of another ``kind`` than asked for.

        A cookie's end moves on.
        """
        now = seconds_of(self._clock())
        answer = self._database.ask(_WHOSE, token_hash(token), now)
        if not answer:
            return None
        found, expires, *user = answer[0]
        if kind is not None and found != kind:
            return None
        if found == SessionKind.COOKIE and now + LASTS_S[SessionKind.COOKIE] - expires >= SLIDE_S:
            self._slide(token, now + LASTS_S[SessionKind.COOKIE])
        return User(*user)

    def close(self, token: str) -> None:
        """End a session; an unknown one is fine."""
        with self._database.session() as session:
            session.exec(
                delete(tables.LoginSession).where(col(tables.LoginSession.token_hash) == token_hash(token))
            )

    def form_mark(self, token: str) -> str:
        """Return the value that a page of this session sends with every change (X-CSRF)."""
        return self._secret.form_mark(token)

    def drop_old(self) -> None:
        """Remove sessions and links that are over."""
        now = seconds_of(self._clock())
        with self._database.session() as session:
            session.exec(delete(tables.LoginSession).where(col(tables.LoginSession.expires_at) <= now))
            session.exec(delete(tables.Invite).where(col(tables.Invite.expires_at) <= now))

    def _slide(self, token: str, expires: int) -> None:
        with self._database.write_soon() as connection:
            connection.execute(_SLIDE, {"hash": token_hash(token), "expires": expires})


@dataclass(frozen=True, slots=True)
class _Asked:
    user_id: str
    answer_hash: bytes
    until: int


class Challenges:
    """``store.challenges``: kept in memory, since a restart within their minute only means to ask again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, _Asked] = OrderedDict()

    def create(self, user_id: str, answer: bytes) -> str:
        """Remember that ``user_id`` was asked for ``answer``; returns the challenge's id."""
        while len(self._asked) >= MOST_CHALLENGES:
            self._asked.popitem(last=False)
        challenge_id = secrets.token_urlsafe(16)
        until = seconds_of(self._clock()) + CHALLENGE_S
        self._asked[challenge_id] = _Asked(user_id, hashlib.sha256(answer).digest(), until)
        return challenge_id

    def take(self, challenge_id: str, answer: bytes) -> str | None:
        """Return the user id if the answer is right and in time; each challenge can be tried once."""
        asked = self._asked.pop(challenge_id, None)
        if asked is None or asked.until <= seconds_of(self._clock()):
            return None
        fits = hmac.compare_digest(hashlib.sha256(answer).digest(), asked.answer_hash)
        return asked.user_id if fits else None
