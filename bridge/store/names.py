"""Ids, tokens, and the rules for names that people and dialplans give."""

import base64
import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

from bridge.call.model import MAILBOX_NAME
from bridge.call.text import is_plain
from bridge.errors import Refused

Clock = Callable[[], datetime]

LONGEST_NAME = 80


def utc_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


def seconds_of(moment: datetime) -> int:
    """Return whole seconds since 1970. Raises ValueError for a time without zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return int(moment.timestamp())


def moment_of(seconds: int) -> datetime:
    """Return the UTC time of ``seconds_of``."""
    return datetime.fromtimestamp(seconds, UTC)


def new_id(prefix: str) -> str:
    """Return ``prefix`` and 16 random base32 characters (80 bits): never reused, told by no name."""
    return prefix + base64.b32encode(secrets.token_bytes(10)).decode().lower()


def new_token() -> str:
    """Return a secret for a link, cookie or header: 32 random bytes as base64url."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def check_extension(extension: str) -> str:
    """Return the extension. Raises Refused(``mailbox name``)."""
    if MAILBOX_NAME.fullmatch(extension) is None:
        raise Refused(
            "mailbox name", user="A mailbox is named by 1 to 40 letters, digits, dots, dashes, + or _."
        )
    return extension


def check_name(name: str) -> str:
    """Return a name as it is shown: trimmed, composed (NFC), one line. Raises Refused(``name``)."""
    shown = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(shown) <= LONGEST_NAME or not all(map(is_plain, shown)):
        raise Refused("name", user=f"A name has 1 to {LONGEST_NAME} visible characters.")
    return shown


def handle_of(name: str) -> str:
    """Return the folded form by which users are told apart and log in; equal for what reads the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
