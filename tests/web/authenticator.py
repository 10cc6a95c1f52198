"""An authenticator of the tests' own, by WebAuthn level 3 and CTAP 2.1; no code of the verifier in it.

What it signs can be bent: every field of client data and authenticator data is an argument.
"""

import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from web.answers import to_b64

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
RP_ID, ORIGIN = "localhost", "http://localhost:8080"


def cbor(value: Any) -> bytes:
    """Encode what authenticators need (RFC 8949)."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes([major << 5 | count])
    for bits, shape in ((24, ">B"), (25, ">H"), (26, ">I")):
        if count < 1 << 8 * struct.calcsize(shape):
            return bytes([major << 5 | bits]) + struct.pack(shape, count)
    raise ValueError("too long")


Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def new_key(algorithm: str) -> Private:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1())


def cose(private: Private) -> dict[int, Any]:
    """The public key as RFC 9053 and RFC 8812 write it."""
    if isinstance(private, rsa.RSAPrivateKey):
        rsa_numbers = private.public_key().public_numbers()
        return {1: 3, 3: -257, -1: _whole(rsa_numbers.n), -2: _whole(rsa_numbers.e)}
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: -8, -1: 6, -2: private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)}
    numbers = private.public_key().public_numbers()
    size = private.key_size // 8
    curve, algorithm = (1, -7) if size == 32 else (2, -35)
    return {
        1: 2,
        3: algorithm,
        -1: curve,
        -2: numbers.x.to_bytes(size),
        -3: numbers.y.to_bytes(size),
    }


def _whole(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def sign(private: Private, message: bytes) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(message)
    return private.sign(message, ec.ECDSA(hashes.SHA256()))


def client_data(
    kind: str, challenge: str, *, origin: str = ORIGIN, cross_origin: bool = False, **more: object
) -> bytes:
    told = {"type": f"webauthn.{kind}", "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
    return json.dumps(told | more).encode()


@dataclass
class Authenticator:
    """One credential of one user. ``counter`` is told with each signature; 0 is one that does not count."""

    user_id: str
    private: Private = field(default_factory=lambda: new_key("ES256"))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    counter: int = 0

    def data(
        self, *, rp_id: str = RP_ID, flags: int = UP | UV, counter: int | None = None, attested: bytes = b""
    ) -> bytes:
        """Authenticator data (WebAuthn section 6.1)."""
        told = self.counter if counter is None else counter
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, told) + attested

    def made(self, ceremony: dict[str, Any], *, flags: int = UP | UV, **bent: Any) -> dict[str, str]:
        """What a browser brings of a new credential, without its slot and name."""
        key = cbor(cose(self.private))
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + key
        rp_id = bent.pop("rp_id", RP_ID)
        data = self.data(rp_id=rp_id, flags=flags | AT, attested=attested)
        said = client_data(bent.pop("kind", "create"), bent.pop("challenge", ceremony["challenge"]), **bent)
        return {
            "ceremony": ceremony["ceremony"],
            "client_data": to_b64(said),
            "attestation": to_b64(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
        }

    def login(self, ceremony: dict[str, Any], **bent: Any) -> dict[str, str]:
        """What a browser brings of an assertion."""
        shape = {name: bent.pop(name) for name in ("rp_id", "flags", "counter") if name in bent}
        data = self.data(**shape)
        private = bent.pop("private", self.private)
        handle = bent.pop("user_handle", self.user_id.encode())
        said = client_data(bent.pop("kind", "get"), bent.pop("challenge", ceremony["challenge"]), **bent)
        return {
            "ceremony": ceremony["ceremony"],
            "credential_id": to_b64(self.credential_id),
            "client_data": to_b64(said),
            "authenticator_data": to_b64(data),
            "signature": to_b64(sign(private, data + hashlib.sha256(said).digest())),
            "user_handle": to_b64(handle),
        }
