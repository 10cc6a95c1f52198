"""Passkeys: credentials that log a member in, each beside the keyslot that its secret opens.

A passkey belongs to whom its keyslot belongs to, and is gone when that is: whoever replaces a user key
deletes the keyslots of the old one, and its passkeys with them. ``web.webauthn`` looks at what was signed.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from bridge.errors import Refused
from bridge.seal.keyslot import SlotKind, slot_params
from bridge.store.database import Database
from bridge.store.names import Clock, check_name, moment_of, seconds_of
from bridge.store.tables import Keyslot, PasskeyRow

MOST_PASSKEYS = 10
"""Of one user: more than anybody has devices, and with passphrase and code still below MOST_SLOTS."""

PARAMS = "{}"
"""Of a passkey's slot: nothing has to be known before its secret can be had (FORMAT.md, "Keys")."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """``used_at`` is the last login; None before the first."""

    id: bytes
    user_id: str
    credential_id: bytes
    public_key: bytes
    counter: int
    name: str
    added_at: datetime
    used_at: datetime | None


class Passkeys:
    """``store.passkeys``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self, user_id: str, *, credential_id: bytes, public_key: bytes, counter: int, name: str, slot: bytes
    ) -> Passkey:
        """Keep a credential together with the slot that its secret opens.

        Raises Refused: ``name``, ``keyslots`` (no slot of a passkey), ``too many passkeys``,
        ``passkey known`` (somebody has this credential, perhaps another).
        """
        shown = check_name(name)
        _check_slot(slot)
        with self._database.session() as session:
            if len(_rows(session, user_id)) >= MOST_PASSKEYS:
                raise Refused(
                    "too many passkeys", user=f"You have {MOST_PASSKEYS} passkeys. Remove one before."
                )
            if session.exec(select(PasskeyRow.id).where(PasskeyRow.credential_id == credential_id)).first():
                raise Refused("passkey known", user="This passkey is in use here already.")
            kept = Keyslot(user_id=user_id, slot=slot)
            session.add(kept)
            session.flush()
            assert kept.id is not None  # noqa: S101 (the flush gives it one)
            row = PasskeyRow(
                id=secrets.token_bytes(16),
                keyslot_id=kept.id,
                credential_id=credential_id,
                public_key=public_key,
                counter=counter,
                name=shown,
                added_at=seconds_of(self._clock()),
            )
            session.add(row)
            session.flush()
            return _seen(row, user_id)

    def of_user(self, user_id: str) -> list[Passkey]:
        """Return a user's passkeys, oldest first; only ever to himself."""
        with self._database.reading() as session:
            return [_seen(row, user_id) for row in _rows(session, user_id)]

    def find(self, credential_id: bytes) -> Passkey | None:
        """Return the passkey that a browser names at a login."""
        with self._database.reading() as session:
            found = session.exec(
                select(PasskeyRow, Keyslot.user_id)
                .join(Keyslot)
                .where(PasskeyRow.credential_id == credential_id)
            ).first()
            return _seen(*found) if found is not None else None

    def used(self, passkey_id: bytes, counter: int) -> bool:
        """Note a login; False if the passkey is gone, or if its counter did not grow.

        A counter that stands still or falls belongs to a copy, or to the original beside a copy (WebAuthn,
        section 6.1.1). Those that never count say 0.
        """
        grows = or_(col(PasskeyRow.counter) < counter, (col(PasskeyRow.counter) == 0) & (counter == 0))
        noted = (
            update(PasskeyRow)
            .where(col(PasskeyRow.id) == passkey_id, grows)
            .values(counter=counter, used_at=seconds_of(self._clock()))
        )
        with self._database.session() as session:
            return session.exec(noted).rowcount == 1

    def remove(self, user_id: str, passkey_id: bytes) -> bool:
        """Remove a passkey and its slot; False if the user has none of this id.

        Passphrase and recovery code stay, so that the user key always has two ways in.
        """
        mine = (
            select(PasskeyRow.keyslot_id)
            .join(Keyslot)
            .where(PasskeyRow.id == passkey_id, Keyslot.user_id == user_id)
        )
        with self._database.session() as session:
            removed = session.exec(delete(Keyslot).where(col(Keyslot.id).in_(mine))).rowcount == 1
        if removed:
            self._database.wipe_later()
        return removed


def _rows(session: Session, user_id: str) -> list[PasskeyRow]:
    found = (
        select(PasskeyRow)
        .join(Keyslot)
        .where(Keyslot.user_id == user_id)
        .order_by(col(PasskeyRow.keyslot_id))
    )
    return list(session.exec(found))


def _seen(row: PasskeyRow, user_id: str) -> Passkey:
    return Passkey(
        row.id,
        user_id,
        row.credential_id,
        row.public_key,
        row.counter,
        row.name,
        moment_of(row.added_at),
        moment_of(row.used_at) if row.used_at is not None else None,
    )


def _check_slot(slot: bytes) -> None:
    try:
        kind, params = slot_params(slot)
    except Refused:
        raise Refused("keyslots") from None
    if kind is not SlotKind.PASSKEY or params != PARAMS:
        raise Refused("keyslots")
