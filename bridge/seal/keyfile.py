"""The key file of a member who is a program: JSON, for its owner only, and the only copy of its key."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import SettingError
from bridge.seal.curve import public_of

_LARGEST = 64 << 10
"""A key file has some 150 bytes; anything large was named by mistake and is not read into memory."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """``server`` is the public URL, ``user`` the user id, ``private`` the raw X25519 user key."""

    server: str
    user: str
    private: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """The user's public key."""
        return public_of(self.private)

    def save(self, path: Path) -> None:
        """Write a new file with mode 0600; an existing one is never overwritten.

        Raises SettingError when the file exists or cannot be written.
        """
        text = json.dumps(
            {"version": 1, "server": self.server, "user": self.user, "sk": self.private.hex()},
            separators=(",", ":"),
        )
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise SettingError(f"key file {path}: exists already and may be somebody's only copy") from None
        except OSError as error:
            raise SettingError(f"key file {path}: cannot be written ({error.strerror})") from None

    @classmethod
    def load(cls, path: Path) -> "KeyFile":
        """Read a key file. Raises SettingError: missing, open to others, or not a key file of version 1."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(_LARGEST)
        except OSError as error:
            raise SettingError(f"key file {path}: cannot be read ({error.strerror})") from None
        if mode & 0o077:
            raise SettingError(f"key file {path}: others may read it; set its mode to 0600")
        try:
            told = json.loads(data)
            version, server, user = told["version"], str(told["server"]), str(told["user"])
            private = bytes.fromhex(told["sk"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise SettingError(f"key file {path}: is not a key file") from None
        if version != 1 or len(private) != 32:
            raise SettingError(f"key file {path}: is not a key file of version 1")
        return cls(server=server, user=user, private=private)
