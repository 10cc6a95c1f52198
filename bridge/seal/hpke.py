"""HPKE single shot in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

The associated data is always empty: what a message is bound to stands in ``info``.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bridge.errors import Refused

ENC = 32
"""Bytes of the encapsulated key in front of every body."""

KEYS = 1024
"""Public keys kept ready: reading one costs a third of sealing to it, and a house seals to few mailboxes."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal(public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Return enc (32) || ciphertext with its tag, for the holder of ``public`` (32 raw bytes).

    Raises Refused(``public key``) for a key of a wrong length or of low order, whose DH result is zero.
    """
    try:
        return _SUITE.encrypt(plaintext, _read(public), info=info)
    except ValueError:
        raise Refused("public key") from None


def open(private: bytes, info: bytes, body: bytes) -> bytes:  # noqa: A001  (RFC 9180 section 6.1 names it so)
    """Return the plaintext of ``body`` (enc || ciphertext) for the raw 32-byte ``private``.

    Raises Refused(``envelope``) for every failure alike: other key, other info, altered, too short,
    all-zero DH result.
    """
    try:
        return _SUITE.decrypt(body, X25519PrivateKey.from_private_bytes(private), info=info)
    except (InvalidTag, ValueError):
        raise Refused("envelope") from None


@lru_cache(maxsize=KEYS)
def _read(public: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(public)
