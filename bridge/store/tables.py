"""The rows of the house as SQLModel tables. ``migrations`` makes them; a test holds the two together.

Times are whole seconds since 1970 UTC (the format tells nobody more). Ids of calls and notes are 16 random
bytes, the SN1 note ids. Nothing of a caller is clear in any of these columns.
"""

from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """Somebody who may read. ``public`` is missing until he has joined.

    ``handle`` is the folded name by which he logs in. ``login_salt``, ``login_verifier`` and
    ``recovery_verifier`` (SHA-256 of the login secrets of passphrase and recovery code) are missing for
    members who are programs, the last also for who has no recovery code.
    """

    id: str = Field(primary_key=True)
    name: str
    handle: str = Field(unique=True)
    public: bytes | None = None
    login_salt: bytes | None = None
    login_verifier: bytes | None = None
    recovery_verifier: bytes | None = None
    created_at: int


class Keyslot(SQLModel, table=True):
    """The user key, closed by a passphrase, passkey or recovery code."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)
    slot: bytes


class PasskeyRow(SQLModel, table=True):
    """A credential that logs in the owner of its keyslot, and goes with it (``bridge.store.passkeys``).

    ``public_key`` is COSE (RFC 9052). ``counter``: how often it has signed, as it last said; 0 for those that
    do not count. ``name`` is its owner's word for it, ``used_at`` the last login.
    """

    __tablename__ = "passkey"

    id: bytes = Field(primary_key=True)
    keyslot_id: int = Field(foreign_key="keyslot.id", unique=True, ondelete="CASCADE")
    credential_id: bytes = Field(unique=True)
    public_key: bytes
    counter: int
    name: str
    added_at: int
    used_at: int | None = None


class Invite(SQLModel, table=True):
    """A one-time link that has not been used; only its hash is here."""

    token_hash: bytes = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)
    expires_at: int


class LoginSession(SQLModel, table=True):
    """An open session; only the hash of its token is here. ``kind`` is ``cookie`` or ``bearer``."""

    __tablename__ = "session"

    token_hash: bytes = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)
    kind: str
    expires_at: int = Field(index=True)


class Mailbox(SQLModel, table=True):
    """An extension's mailbox. ``epoch`` is the present one; ``private`` once a member has claimed it.

    Rows older than ``keep_days`` go; None keeps them for ever.
    """

    id: str = Field(primary_key=True)
    extension: str = Field(unique=True)
    name: str
    epoch: int
    private: bool
    created_at: int
    keep_days: int | None = None


class MailboxKey(SQLModel, table=True):
    """The public key of one epoch of a mailbox, who made it (nobody: the server) and when."""

    __tablename__ = "mailbox_key"

    mailbox_id: str = Field(foreign_key="mailbox.id", primary_key=True)
    epoch: int = Field(primary_key=True)
    public: bytes
    made_at: int | None = None
    made_by: str | None = None


class ServerCopy(SQLModel, table=True):
    """The private key of an unclaimed mailbox, closed with the server secret (see ``secret``)."""

    __tablename__ = "server_copy"

    id: int | None = Field(default=None, primary_key=True)
    mailbox_id: str = Field(foreign_key="mailbox.id", unique=True)
    closed: bytes


class Claim(SQLModel, table=True):
    """A wrap of epoch 0 offered to a member who has not yet confirmed that it opens."""

    mailbox_id: str = Field(foreign_key="mailbox.id", primary_key=True)
    user_id: str = Field(foreign_key="user.id", primary_key=True)
    wrap: bytes


class Member(SQLModel, table=True):
    """A user who belongs to a mailbox; whether he can open it is told by his wraps."""

    mailbox_id: str = Field(foreign_key="mailbox.id", primary_key=True)
    user_id: str = Field(foreign_key="user.id", primary_key=True, index=True)


class MailboxWrap(SQLModel, table=True):
    """One epoch's mailbox key, closed for one member."""

    __tablename__ = "mailbox_wrap"

    mailbox_id: str = Field(foreign_key="mailbox.id", primary_key=True)
    epoch: int = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", primary_key=True, index=True)
    wrap: bytes


class CallRow(SQLModel, table=True):
    """One unanswered call. ``sealed`` is its call record, a whole SN1.

    ``epoch`` is the newest to which it is sealed; ``stale`` says that an envelope of an older one is still
    in it. ``deleted_at`` of a row that was deleted; 0 while it is being removed (``bridge.store.deleting``).
    """

    __tablename__ = "call"

    id: bytes = Field(primary_key=True)
    mailbox_id: str = Field(foreign_key="mailbox.id")
    linkedid: str
    received_at: int
    reason: str
    sealed: bytes
    epoch: int
    stale: bool
    deleted_at: int | None = None


class NoteTable(SQLModel, table=True):
    """One take that was kept, or is being recorded.

    ``envelopes``, ``meta`` (stream 2) and ``peaks`` (stream 3) are the bytes as sealed, one after the other;
    the formats tell their own lengths. ``epoch`` and ``stale`` as for calls.
    """

    __tablename__ = "note"

    id: bytes = Field(primary_key=True)
    call_id: bytes = Field(foreign_key="call.id", index=True)
    mailbox_id: str = Field(foreign_key="mailbox.id")
    started_at: int
    state: str
    speech: bool | None = None
    cut_off: bool
    size: int
    epoch: int
    stale: bool
    commit: bytes
    envelopes: bytes
    meta: bytes
    peaks: bytes


class Heard(SQLModel, table=True):
    """A member's mark on a row."""

    user_id: str = Field(foreign_key="user.id", primary_key=True)
    call_id: bytes = Field(foreign_key="call.id", primary_key=True)


class HandlingRow(SQLModel, table=True):
    """Who has taken a row, or has done with it (``bridge.store.handling``); an open one has none."""

    __tablename__ = "handling"

    call_id: bytes = Field(foreign_key="call.id", primary_key=True)
    state: str
    user_id: str
    at: int


class AccessRow(SQLModel, table=True):
    """What somebody did with a row, with ``count`` of them, or to ``about_id``, a user
    (``bridge.store.access``). ``erasure`` names the one wish of which all requests are one line."""

    __tablename__ = "access"

    id: int | None = Field(default=None, primary_key=True)
    mailbox_id: str = Field(foreign_key="mailbox.id")
    user_id: str | None = None
    at: int = Field(index=True)
    act: str
    call_id: bytes | None = None
    count: int
    about_id: str | None = None
    erasure: bytes | None = None


class AddressBookRow(SQLModel, table=True):
    """A user's own names for numbers, sealed in his page to his own key (``bridge.store.addressbook``)."""

    __tablename__ = "addressbook"

    user_id: str = Field(foreign_key="user.id", primary_key=True)
    version: bytes
    sealed: bytes


class TakenRow(SQLModel, table=True):
    """A message of another voicemail that became a note, or is about to (``bridge.store.taken``)."""

    __tablename__ = "taken"

    id: bytes = Field(primary_key=True)
    words: bytes = Field(index=True)
    note_id: bytes
    done: bool


class RecoveryRow(SQLModel, table=True):
    """The user who is the organisation's recovery key (``bridge.store.recovery``), one at most; ``since`` is
    missing while it is off."""

    __tablename__ = "recovery"

    user_id: str = Field(foreign_key="user.id", primary_key=True)
    since: int | None = None


class OutboxRow(SQLModel, table=True):
    """Something that others are still to be told (``bridge.store.outbox``); ``key`` says of what, by kind.

    ``claimed_at`` is there while somebody tells them; ``error`` is the word of the last attempt that failed.
    """

    __tablename__ = "outbox"

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    key: str
    made_at: int
    due_at: float
    attempts: int
    claimed_at: float | None = None
    error: str | None = None


TABLES = SQLModel.metadata.tables
CALL = TABLES["call"]
NOTE = TABLES["note"]
HEARD = TABLES["heard"]
"""The same tables for SQLAlchemy Core, on the call path and where lists are read."""

ERASED = 0
"""``deleted_at`` of a call that is there only until its notes' blobs are gone."""

RECORDING = "recording"
KEPT = "kept"
DISCARDED = "discarded"
"""States of a note. Nobody is shown a discarded one, which is there only until its blob is gone."""
