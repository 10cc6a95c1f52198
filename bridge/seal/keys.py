"""The keys around a note: mailbox wraps, login challenges, claims, new envelopes (FORMAT.md, "Keys").

Keyslots and recovery codes are in ``keyslot``, key files in ``keyfile``; both can be had from here.
"""

import hmac
import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import Refused
from bridge.seal import hpke
from bridge.seal.curve import new_keypair, public_of
from bridge.seal.derive import open_envelopes, seal_envelope
from bridge.seal.keyfile import KeyFile
from bridge.seal.keyslot import (
    SlotKind,
    login_auth,
    make_keyslot,
    new_recovery_code,
    open_keyslot,
    parse_recovery_code,
    passphrase_params,
    passphrase_secret,
    recovery_auth,
    show_recovery_code,
    slot_params,
)
from bridge.seal.layout import SUITE, lp, split_envelopes

__all__ = [
    "KeyFile",
    "SlotKind",
    "answer_challenge",
    "claim_proof",
    "login_auth",
    "login_challenge",
    "mailbox_wrap",
    "make_keyslot",
    "new_keypair",
    "new_recovery_code",
    "open_keyslot",
    "open_mailbox_wrap",
    "parse_recovery_code",
    "passphrase_params",
    "passphrase_secret",
    "public_of",
    "recovery_auth",
    "rewrap_envelope",
    "show_recovery_code",
    "slot_params",
]


def mailbox_wrap(
    user_public: bytes, user_id: str, mailbox_id: str, epoch: int, m_private: bytes, m_public: bytes
) -> bytes:
    """Return one epoch's mailbox key (raw private) closed for one member. Raises Refused(``public key``)."""
    return hpke.seal(user_public, _wrap_info(mailbox_id, epoch, m_public, user_id, user_public), m_private)


def open_mailbox_wrap(
    wrap: bytes, *, user_private: bytes, user_id: str, mailbox_id: str, epoch: int, m_public: bytes
) -> bytes:
    """Return the raw private key in a wrap that belongs to ``m_public``.

    Raises Refused(``mailbox key``) for every failure alike, also for a key of another public key.
    """
    info = _wrap_info(mailbox_id, epoch, m_public, user_id, public_of(user_private))
    try:
        m_private = hpke.open(user_private, info, wrap)
        fits = hmac.compare_digest(public_of(m_private), m_public)
    except (Refused, ValueError):
        fits = False
    if not fits:
        raise Refused("mailbox key", user="The key of this mailbox does not open with yours.")
    return m_private


def login_challenge(user_public: bytes, user_id: str, origin: str) -> tuple[bytes, bytes]:
    """Return (challenge, answer): only the holder of the key file can say the 32 bytes of the answer.

    ``origin`` is the server's public address, which keeps a foreign server from passing challenges on.
    """
    answer = os.urandom(32)
    return hpke.seal(user_public, _login_info(origin, user_id, user_public), answer), answer


def answer_challenge(
    user_private: bytes, user_public: bytes, user_id: str, origin: str, challenge: bytes
) -> bytes:
    """Return the answer. Raises Refused(``challenge``) unless it is for this user and origin."""
    try:
        return hpke.open(user_private, _login_info(origin, user_id, user_public), challenge)
    except Refused:
        raise Refused("challenge") from None


def claim_proof(m_private: bytes, user_id: str) -> bytes:
    """Return the 32 bytes that show the server that this member has opened M[0] and it may be forgotten."""
    info = b"sn1 claim" + lp(user_id.encode())
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(m_private)


def rewrap_envelope(
    envelope: bytes,
    note_id: bytes,
    mailbox_id: str,
    old_private: bytes,
    commit: bytes,
    new_public: bytes,
    *,
    new_private: bytes | None = None,
) -> bytes:
    """Return the envelope of a new epoch for a note whose envelope opens with ``old_private``.

    ``commit`` is checked, so that no foreign note key is handed on. With ``new_private`` the new envelope
    is opened again before it is returned, as everybody must who will drop the old one for it.
    Raises Refused with the words of envelopes (FORMAT.md).
    """
    mailbox = mailbox_id.encode()
    old = split_envelopes(envelope)
    note_key = open_envelopes(old, note_id, mailbox, commit, old_private, public_of(old_private))
    new = seal_envelope(note_key, note_id, mailbox, new_public)
    if new_private is not None:
        open_envelopes(split_envelopes(new), note_id, mailbox, commit, new_private, new_public)
    return new


def _wrap_info(mailbox_id: str, epoch: int, m_public: bytes, user_id: str, user_public: bytes) -> bytes:
    mailbox, user = lp(mailbox_id.encode()), lp(user_id.encode())
    return b"sn1 mailbox key" + bytes([SUITE]) + mailbox + epoch.to_bytes(4) + m_public + user + user_public


def _login_info(origin: str, user_id: str, user_public: bytes) -> bytes:
    return b"sn1 login" + lp(origin.encode()) + lp(user_id.encode()) + user_public
