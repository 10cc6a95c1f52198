"""The server secret: one file beside the database, and what is derived from it.

It closes the private keys of unclaimed mailboxes, makes salts for unknown names and marks for forms. It never
enters the database, so that a stolen database alone opens nothing.
"""

import hmac
import logging
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import StoreError, Unready
from bridge.seal.layout import lp

log = logging.getLogger("aftertone.store")

NAME = "server.secret"
SIZE = 32


class ServerSecret:
    """What is made with the secret; the secret itself stays inside."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SIZE:
            raise Unready(f"{NAME} has {len(secret)} bytes where {SIZE} are right: restore it from a backup")
        self._closing = AESGCM(_derive(secret, b"aftertone mailbox key"))
        self._salting = _derive(secret, b"aftertone login salt")
        self._marking = _derive(secret, b"aftertone form mark")
        self._naming = _derive(secret, b"aftertone taken message")

    def close(self, private: bytes, mailbox_id: str, epoch: int, public: bytes) -> bytes:
        """Return nonce, sealed key and tag (60 bytes), for this mailbox, epoch and public key alone."""
        nonce = os.urandom(12)
        return nonce + self._closing.encrypt(nonce, private, _context(mailbox_id, epoch, public))

    def open(self, closed: bytes, mailbox_id: str, epoch: int, public: bytes) -> bytes:
        """Return the private key. Raises StoreError when it was closed by another secret or for another."""
        try:
            return self._closing.decrypt(closed[:12], closed[12:], _context(mailbox_id, epoch, public))
        except (InvalidTag, ValueError):
            raise StoreError(f"{NAME} does not fit this database: both must come from one backup") from None

    def salt_for(self, handle: str) -> bytes:
        """Return 16 bytes that look like a salt and stay the same for one name."""
        return hmac.digest(self._salting, handle.encode("utf-8", "replace"), "sha256")[:16]

    def form_mark(self, token: str) -> str:
        """Return the value by which a page of this session shows that it is ours (against forgery)."""
        return hmac.digest(self._marking, token.encode("utf-8", "replace"), "sha256").hex()[:32]

    def known_by(self, message: bytes) -> bytes:
        """Return 16 bytes by which a message is known again; they tell nothing of it without the secret."""
        return hmac.digest(self._naming, message, "sha256")[:16]


def load_secret(data: Path, *, may_create: bool) -> ServerSecret:
    """Read the secret of a data folder, or make one for a folder that has no database yet.

    Two processes that start at once get the same one. Raises Unready when it is missing beside a database,
    StoreError when it cannot be read or written.
    """
    path = data / NAME
    try:
        if may_create and not path.exists():
            _create(path)
        handle = os.open(path, os.O_RDONLY)
        with os.fdopen(handle, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                log.warning("%s could be read by others (mode %o): set to 600", NAME, mode)
                os.fchmod(file.fileno(), 0o600)
            return ServerSecret(file.read(SIZE + 1))
    except FileNotFoundError:
        raise Unready(
            f"{path} is missing: without it notes of unclaimed mailboxes never open. Restore it from a backup"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None


def _create(path: Path) -> None:
    new = path.with_name(f".{NAME}.{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(SIZE))
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a rename would replace the secret that another process has just made.
        path.hardlink_to(new)
    except FileExistsError:
        log.debug("another process made the server secret first")
    finally:
        new.unlink()


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _context(mailbox_id: str, epoch: int, public: bytes) -> bytes:
    return b"aftertone mailbox key" + lp(mailbox_id.encode("ascii")) + epoch.to_bytes(4) + public
