"""The JSON that comes in: strictly checked, nothing unknown."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from bridge.store import epochs, giving
from bridge.store.handling import HandlingState
from web.answers import (
    Attestation,
    AuthenticatorData,
    Book,
    CallRecord,
    ClientData,
    CredentialId,
    Key,
    NoteHead,
    Sealed,
    Signature,
    UserHandle,
    Wrap,
)

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""A user name as typed; the store folds it. Longer ones are nobody's."""
Token = Annotated[str, Field(min_length=1, max_length=200)]
"""A token or an id: ours have at most 43 characters, and longer ones are nobody's."""
HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Epoch = Annotated[int, Field(strict=True, ge=0, le=0xFFFFFFFF)]
MOST_MEMBERS = giving.MOST
"""Members of one mailbox for whom a key can be made: their wraps fill a body of 64 KiB."""


class Asked(BaseModel):
    """A request. Unknown fields are refused: a mistyped one would be ignored silently."""

    model_config = ConfigDict(extra="forbid")


class LoginStart(Asked):
    """Who wants to log in."""

    name: Name


class Login(Asked):
    """``auth`` is derived in the page from passphrase or recovery code; neither itself ever comes."""

    name: Name
    auth: Key


class ChallengeStart(Asked):
    """The user id in a key file."""

    user: Token


class ChallengeAnswer(Asked):
    """The 32 bytes that only the key opens."""

    challenge_id: Token
    answer: Key


class JoinLook(Asked):
    """The token of a one-time link."""

    token: Token


class Join(Asked):
    """A new user's public key and keyslots. ``login`` and ``recovery`` are what later logins show."""

    token: Token
    public: Key
    slots: Annotated[list[Sealed], Field(min_length=1, max_length=16)]
    salt: HexId
    params: Annotated[str, Field(min_length=2, max_length=500)]
    login: Key
    recovery: Key | None = None


class NewPassphrase(Asked):
    """``auth`` is of the passphrase or recovery code as they are, all else of the passphrase to be."""

    auth: Key
    slot: Sealed
    salt: HexId
    login: Key


class Proof(Asked):
    """``auth`` is of the passphrase or recovery code, as at a login."""

    auth: Key


class NewPasskey(Asked):
    """A credential that was made for this ceremony, and the user key closed under its secret."""

    ceremony: Token
    client_data: ClientData
    attestation: Attestation
    slot: Sealed
    name: Name


class PasskeyLogin(Asked):
    """What an authenticator signed for this ceremony, and whom it takes its holder for."""

    ceremony: Token
    credential_id: CredentialId
    client_data: ClientData
    authenticator_data: AuthenticatorData
    signature: Signature
    user_handle: UserHandle


class ClaimConfirm(Asked):
    """Proof that the offered key opened, and the first key of the member's own."""

    proof: Key
    public: Key
    wrap: Wrap


class AddMember(Asked):
    """Whom a mailbox is given to."""

    name: Name


class EpochWrap(Asked):
    """One epoch's mailbox key, closed for the one who is let in."""

    epoch: Epoch
    wrap: Wrap


class Approve(Asked):
    """One wrap for every epoch; ``public`` is the user's key that they were made for."""

    public: Key
    wraps: Annotated[list[EpochWrap], Field(min_length=1, max_length=epochs.MOST + 1)]


class MemberWrap(Asked):
    """A mailbox key, closed for one who stays."""

    user_id: Token
    wrap: Wrap


class NextKey(Asked):
    """The key of a mailbox's next epoch, and one wrap for everybody who stays a member."""

    epoch: Epoch
    public: Key
    wraps: Annotated[list[MemberWrap], Field(min_length=1, max_length=MOST_MEMBERS)]


class HeldKey(Asked):
    """One of my mailbox keys, closed for my new user key."""

    mailbox_id: Token
    epoch: Epoch
    wrap: Wrap


class MailboxKey(NextKey):
    """The next key of one of my mailboxes."""

    mailbox_id: Token


class BookAnew(Asked):
    """My address book, closed for my new user key, in the place of the version it was made of."""

    replaces: HexId
    sealed: Book


class NewKeys(Asked):
    """``auth`` is of the passphrase or recovery code as they are; all else takes the place of what opened my
    notes. ``wraps`` are all mailbox keys that I hold, ``next`` those of the epochs that begin with it;
    ``book`` is missing where I have none."""

    auth: Key
    public: Key
    slots: Annotated[list[Sealed], Field(min_length=2, max_length=16)]
    salt: HexId
    login: Key
    recovery: Key
    wraps: Annotated[list[HeldKey], Field(max_length=5000)]
    next: Annotated[list[MailboxKey], Field(max_length=5000)]
    book: BookAnew | None = None


class Remove(Asked):
    """``next`` goes with a member; who only waits or is invited had no key, and none is made anew."""

    next: NextKey | None = None


class NewEnvelope(Asked):
    """A note's or call's envelope of the new epoch."""

    id: HexId
    envelope: Sealed


class NewEnvelopes(Asked):
    """A hundred at most in one request."""

    items: Annotated[list[NewEnvelope], Field(min_length=1, max_length=100)]


class TheseRows(Asked):
    """Rows of any of my mailboxes; as many as a list shows at once."""

    ids: Annotated[list[HexId], Field(min_length=1, max_length=200)]


class Erasing(TheseRows):
    """``erasure``: these rows belong to everything of one caller. Requests that carry the same random id are
    one line in the log; whoever the caller is, the id says nothing of him."""

    erasure: HexId | None = None


class DeletedMark(TheseRows):
    """Whether these rows are deleted."""

    deleted: StrictBool


class NoteAct(Asked):
    """What my page did with a note."""

    act: Literal["saved"]


class HandlingSeen(Asked):
    """How far a row was when its reader acted, and by whom: ``state`` and ``user_id`` of its ``handling``."""

    state: HandlingState
    user_id: Token | None = None


class HandlingMark(Asked):
    """How far a row is to be."""

    state: HandlingState
    seen: HandlingSeen


class Forward(Asked):
    """A note made of ``note_id``, one of mine. ``id`` and ``call_id`` are its own and its call record's,
    ``call`` that whole record, ``head`` the note's head, ``size`` its bytes with the head."""

    note_id: HexId
    id: HexId
    call_id: HexId
    call: CallRecord
    head: NoteHead
    size: Annotated[int, Field(strict=True, ge=1, le=1 << 40)]


class HeardMark(Asked):
    """Whether the asking user has heard the row."""

    heard: StrictBool
