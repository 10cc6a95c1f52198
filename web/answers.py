"""What every answer of the API has in common: the form of an error, bytes as base64url, times in UTC."""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi.responses import JSONResponse
from pydantic import PlainValidator, WithJsonSchema

from bridge.errors import AftertoneError
from bridge.store.addressbook import MOST_BYTES

ID = re.compile(r"[0-9a-f]{32}")


class ApiError(AftertoneError):
    """An answer that is not the wished one. ``word`` is stable for clients, ``message`` is for people."""

    def __init__(
        self, status: int, word: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(word, user=message)
        self.status = status
        self.word = word
        self.headers = dict(headers or {})


def not_found() -> ApiError:
    """Return the one answer for what does not exist and for what is somebody else's: they look alike."""
    return ApiError(404, "not found", "There is nothing at this address.")


def too_many(wait_s: float) -> ApiError:
    """Return the refusal of a caller who asks too often; ``wait_s`` seconds until the next try."""
    seconds = max(1, math.ceil(wait_s - 0.001))
    return ApiError(
        429,
        "too many attempts",
        f"Too many attempts. Try again in {seconds} seconds.",
        {"Retry-After": str(seconds)},
    )


def error_answer(error: ApiError) -> JSONResponse:
    """Return the JSON form of an error: ``{"error": word, "message": for people}``."""
    return JSONResponse({"error": error.word, "message": error.user}, error.status, error.headers)


def to_b64(data: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_b64(text: str) -> bytes:
    """Read base64url without padding, strictly: one text for one value. Raises ValueError."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64url") from None
    if to_b64(data) != text:
        raise ValueError("not base64url without padding")
    return data


def _bytes_of(least: int, most: int) -> PlainValidator:
    def read(value: object) -> bytes:
        if not isinstance(value, str) or len(value) > most * 2:
            raise ValueError("not base64url")
        data = from_b64(value)
        if not least <= len(data) <= most:
            raise ValueError("of a wrong length")
        return data

    return PlainValidator(read)


_SCHEMA = WithJsonSchema({"type": "string", "description": "base64url without padding"})
Key = Annotated[bytes, _bytes_of(32, 32), _SCHEMA]
"""A public key, a proof, an answer, what a login shows: 32 bytes."""
Wrap = Annotated[bytes, _bytes_of(80, 80), _SCHEMA]
"""HPKE of 32 bytes: enc 32, ciphertext 32, tag 16."""
Sealed = Annotated[bytes, _bytes_of(1, 1024), _SCHEMA]
"""A keyslot or an envelope: some 100 to 200 bytes, and room for a later suite."""

ClientData = Annotated[bytes, _bytes_of(1, 4096), _SCHEMA]
"""What a browser says it asked an authenticator for: some 150 bytes, and whatever browsers come to add."""
Attestation = Annotated[bytes, _bytes_of(1, 16384), _SCHEMA]
"""A new credential: some 200 to 1000 bytes, and room for certificates that nobody reads."""
AuthenticatorData = Annotated[bytes, _bytes_of(37, 2048), _SCHEMA]
"""37 bytes, and what extensions say."""
Signature = Annotated[bytes, _bytes_of(1, 1024), _SCHEMA]
CredentialId = Annotated[bytes, _bytes_of(1, 1023), _SCHEMA]
UserHandle = Annotated[bytes, _bytes_of(1, 64), _SCHEMA]
"""Lengths of WebAuthn, sections 5.4.3 and 5.8.3."""


Book = Annotated[bytes, _bytes_of(1, MOST_BYTES), _SCHEMA]
"""An address book."""

CallRecord = Annotated[bytes, _bytes_of(1, 32 << 10), _SCHEMA]
"""A whole call record: some 700 bytes, and as much again for each line that somebody wrote to it."""
NoteHead = Annotated[bytes, _bytes_of(1, 512), _SCHEMA]
"""The head of a note with one envelope: some 170 bytes."""


def utc(moment: datetime) -> str:
    """Return RFC 3339 in UTC with Z, to the second unless there is a fraction."""
    text = moment.astimezone(UTC).isoformat(timespec="auto")
    return text.replace("+00:00", "Z")


def hex_id(text: str) -> bytes:
    """Return the 16 bytes of a row's or note's id. Raises ApiError 404 for anything else: no hint why."""
    if not ID.fullmatch(text):
        raise not_found()
    return bytes.fromhex(text)
