"""The JSON that goes out of people, keys, mailboxes and the server; that of calls is in ``told_calls``."""

from typing import Literal

from pydantic import BaseModel


class Problem(BaseModel):
    """Every error: ``error`` is a stable word, ``message`` is for people."""

    error: str
    message: str


class SaltAnswer(BaseModel):
    """The same shape for every name, known or not."""

    salt: str
    params: str


class UserAnswer(BaseModel):
    """Whose session began."""

    user_id: str


class EndedAnswer(BaseModel):
    """How many other sessions of mine were ended."""

    ended: int


class ChallengeOut(BaseModel):
    """HPKE of 32 bytes; for an unknown user one that nobody can open."""

    challenge_id: str
    challenge: str


class TokenAnswer(BaseModel):
    """A bearer session."""

    token: str
    user_id: str
    expires_at: str


class Myself(BaseModel):
    """``public`` is the X25519 user key."""

    id: str
    name: str
    public: str


class LoginOptions(BaseModel):
    """What a browser asks its authenticators for at a login; ``ceremony`` goes with the answer."""

    ceremony: str
    challenge: str
    rp_id: str


class PasskeyOptions(LoginOptions):
    """What it makes a credential of. ``algorithms`` are COSE numbers, ``known`` the credentials I have."""

    algorithms: list[int]
    known: list[str]


class PasskeyOut(BaseModel):
    """One of my passkeys. ``used_at`` is its last login here."""

    id: str
    credential_id: str
    name: str
    added_at: str
    used_at: str | None


class PasskeysOut(BaseModel):
    """Oldest first."""

    passkeys: list[PasskeyOut]


class WrapOut(BaseModel):
    """A mailbox key closed for me."""

    mailbox_id: str
    epoch: int
    public: str
    wrap: str


class MailboxOut(BaseModel):
    """A mailbox as I stand to it; ``public`` is the key of ``epoch``.

    ``waiting``: how many people wait for a member's approval, told to members. ``older``: some calls or notes
    have no envelope of this epoch yet; a member's page or program makes them. ``keep_days``: what is older is
    removed; null keeps everything. ``key_since`` and ``key_by``: when the present key was made, and by whom;
    null where that is not known. ``outgrown``: somebody who is no member may have the present key; a member
    makes the next one. ``people``: how many see its rows in a page, who asks among them.
    """

    id: str
    extension: str
    name: str
    state: Literal["unclaimed", "claim_offered", "private"]
    my_state: Literal["invited", "waiting", "member"]
    epoch: int
    public: str
    waiting: int
    older: bool
    keep_days: int | None
    key_since: str | None
    key_by: str | None
    outgrown: bool
    people: int


class RecoveryOut(BaseModel):
    """The organisation's recovery key, which is on. Members of ``opens``, of my mailboxes (ids), have let it
    in; it waits for one of each of ``waits``."""

    user_id: str
    public: str
    opens: list[str]
    waits: list[str]


class Me(BaseModel):
    """All that a page needs to unlock. ``csrf`` goes into X-CSRF of every change. ``recovery`` is null while
    there is no such key."""

    user: Myself
    slots: list[str]
    wraps: list[WrapOut]
    mailboxes: list[MailboxOut]
    recovery: RecoveryOut | None
    csrf: str


class JoinMailbox(BaseModel):
    """A mailbox that waits for the one who joins; ``approval``: only a member of it can let him in."""

    id: str
    extension: str
    name: str
    approval: bool


class JoinLooked(BaseModel):
    """Whom a one-time link is for."""

    user_id: str
    name: str
    mailboxes: list[JoinMailbox]


class ClaimOffer(BaseModel):
    """The key that the server made, closed for the claiming member."""

    wrap: str
    epoch: int
    public: str


class ClaimState(BaseModel):
    """How the mailbox stands now."""

    state: Literal["private"]


class MemberOut(BaseModel):
    """``epochs`` are those whose key the user has."""

    user_id: str
    name: str
    public: str | None
    state: Literal["invited", "waiting", "member"]
    epochs: list[int]


class Members(BaseModel):
    """Everybody of a mailbox, and its present key: whoever makes the next one makes it from this answer."""

    epoch: int
    public: str
    members: list[MemberOut]


class RewrapItem(BaseModel):
    """A note or call record that still wants an envelope of the present epoch. ``envelope`` is all that it
    has, one after the other."""

    id: str
    kind: Literal["call", "note"]
    commit: str
    envelope: str


class Rewraps(BaseModel):
    """``left`` counts all that are to be done, these included; ``epoch`` is the present one."""

    epoch: int
    items: list[RewrapItem]
    left: int


class Left(BaseModel):
    """How many are still to be done."""

    left: int


class BookVersion(BaseModel):
    """What names the book that is kept now; the next saving says that it replaces this one."""

    version: str


Pbx = Literal["off", "away", "refused", "ready"]
"""How the bridge stands with the PBX's manager interface; off when it has no user there."""


class OutboxStatus(BaseModel):
    """``failing``: lamps that could not be set at the last attempt and are tried again."""

    failing: int


class Status(BaseModel):
    """``recording`` is false when the disk is nearly full; every line being taken does not count. ``pbx``:
    how the bridge stands with the PBX's manager interface, which lights the lamps."""

    recording: bool
    pbx: Pbx
    outbox: OutboxStatus
    version: str


class Health(BaseModel):
    """For monitors; ``ready`` false comes with status 503. ``pbx`` away or refused: calls are taken, lamps
    are not lit."""

    ready: bool
    recording: bool
    pbx: Pbx


class Session(BaseModel):
    """Whether who asks is logged in."""

    open: bool


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True
