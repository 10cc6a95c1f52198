"""X25519 keys as raw 32-byte strings (RFC 7748 section 5)."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def new_keypair() -> tuple[bytes, bytes]:
    """Return a new (private, public) pair."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


def public_of(private: bytes) -> bytes:
    """Return the public key of ``private``. Raises ValueError unless it has 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
