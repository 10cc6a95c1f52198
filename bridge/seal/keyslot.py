"""Keyslots: the user key U closed under a passphrase, a passkey or a recovery code (FORMAT.md, "Keys")."""

import hmac
import json
import os
import re
import unicodedata
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import Refused
from bridge.seal.curve import public_of
from bridge.seal.layout import lp

MEMORY_KIB = 65536
PASSES = 3
"""Argon2id's cost (RFC 9106): never less, and a reader refuses a slot that asks for less."""
MEMORY_KIB_MOST = 1 << 20
PASSES_MOST = 64
"""Nor far more: parameters come from the server and must not eat the reader's memory or hour."""

_IV = 12
_SEALED = 48
_CODE_BYTES = 20
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
_READ_AS = str.maketrans("OIL", "011")
_PASSED_OVER = re.compile(r"[-\u2010-\u2015\u2212\s]")
"""Blanks and dashes, also those that word processors put in their place."""


class SlotKind(IntEnum):
    """By what a keyslot is closed; the number stands in its first byte."""

    PASSPHRASE = 1
    PASSKEY = 2
    RECOVERY = 3


def passphrase_params(salt: bytes | None = None) -> str:
    """Return the params of a passphrase slot as JSON, with a new 16-byte salt if none is given."""
    salt = os.urandom(16) if salt is None else salt
    params = {
        "kdf": "argon2id",
        "m_kib": MEMORY_KIB,
        "p": 1,
        "salt": salt.hex(),
        "t": PASSES,
        "v": 19,
    }
    return json.dumps(params, sort_keys=True, separators=(",", ":"))


def passphrase_secret(passphrase: str, params: str) -> bytes:
    """Return s, the 32 bytes that Argon2id makes of a passphrase (NFKC, UTF-8): some 0.2 s and 64 MiB.

    Raises Refused(``passphrase parameters``) for params that are no JSON of ours or too cheap or too dear.
    """
    try:
        told = json.loads(params)
        salt = bytes.fromhex(told["salt"])
        memory, passes = told["m_kib"], told["t"]
        whole = type(memory) is int and type(passes) is int
        known = told["kdf"] == "argon2id" and told["v"] == 19 and told["p"] == 1
        fair = MEMORY_KIB <= memory <= MEMORY_KIB_MOST and PASSES <= passes <= PASSES_MOST
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused("passphrase parameters") from None
    if not (known and whole and fair and len(salt) == 16):
        raise Refused("passphrase parameters")
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=1, memory_cost=memory).derive(text)


def login_auth(secret: bytes) -> bytes:
    """Return what the page shows at login in place of the passphrase; the server keeps only its SHA-256."""
    return _hkdf(secret, b"sn1 login")


def recovery_auth(secret: bytes) -> bytes:
    """Return what the page shows at login for who lost the passphrase: from the 20 bytes of a recovery code.

    160 random bits cannot be guessed, so neither a salt nor a slow derivation stands before it.
    """
    return _hkdf(secret, b"sn1 login recovery")


def make_keyslot(kind: SlotKind, secret: bytes, private: bytes, user_id: str, params: str = "{}") -> bytes:
    """Close the user key ``private`` under ``secret`` and return the slot's bytes.

    ``secret``: s of a passphrase, 32 bytes of a passkey's PRF, or the 20 bytes of a recovery code.
    """
    public = public_of(private)
    iv = os.urandom(_IV)
    sealed = AESGCM(_kek(kind, secret)).encrypt(iv, private, _aad(kind, params.encode(), user_id, public))
    return bytes([kind]) + lp(params.encode()) + iv + sealed


def open_keyslot(slot: bytes, secret: bytes, public: bytes, user_id: str) -> bytes:
    """Return the user key in ``slot``; ``public`` is the pinned public key it must belong to.

    Raises Refused(``wrong secret``) for every failure alike.
    """
    kind, params = slot_params(slot)
    body = slot[3 + len(params.encode()) :]
    try:
        cipher = AESGCM(_kek(kind, secret))
        private = cipher.decrypt(body[:_IV], body[_IV:], _aad(kind, params.encode(), user_id, public))
    except InvalidTag:
        raise _wrong_secret() from None
    if not hmac.compare_digest(public_of(private), public):
        raise _wrong_secret()
    return private


def slot_params(slot: bytes) -> tuple[SlotKind, str]:
    """Return kind and params, for who must derive the secret first. Raises Refused(``wrong secret``)."""
    try:
        kind = SlotKind(slot[0])
        end = 3 + int.from_bytes(slot[1:3])
        params = slot[3:end].decode("utf-8")
    except (ValueError, IndexError):
        raise _wrong_secret() from None
    if len(slot) != end + _IV + _SEALED:
        raise _wrong_secret()
    return kind, params


def new_recovery_code() -> tuple[str, bytes]:
    """Return a new code as people write it down (8 groups of 4 characters) and the 20 bytes it stands for."""
    secret = os.urandom(_CODE_BYTES)
    return show_recovery_code(secret), secret


def show_recovery_code(secret: bytes) -> str:
    """Return the 20 bytes as 8 groups of 4 Crockford characters."""
    number = int.from_bytes(secret)
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(155, -1, -5))
    return "-".join(text[at : at + 4] for at in range(0, 32, 4))


def parse_recovery_code(text: str) -> bytes:
    """Return the 20 bytes of a code as somebody typed it; case, dashes and blanks do not matter.

    O reads 0, I and L read 1. Raises Refused(``recovery code``) if it cannot be one.
    """
    code = _PASSED_OVER.sub("", text.upper()).translate(_READ_AS)
    if len(code) != 32 or any(letter not in _ALPHABET for letter in code):
        raise Refused("recovery code", user="A recovery code has 32 letters and digits.")
    number = 0
    for letter in code:
        number = number << 5 | _ALPHABET.index(letter)
    return number.to_bytes(_CODE_BYTES)


def _kek(kind: SlotKind, secret: bytes) -> bytes:
    return _hkdf(secret, b"sn1 keyslot" + bytes([kind]))


def _aad(kind: SlotKind, params: bytes, user_id: str, public: bytes) -> bytes:
    return b"sn1 keyslot" + bytes([kind]) + lp(params) + lp(user_id.encode()) + public


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _wrong_secret() -> Refused:
    return Refused("wrong secret", user="That did not open your key.")
