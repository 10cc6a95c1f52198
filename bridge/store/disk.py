"""How much room the disk of the data folder has."""

import os
from pathlib import Path

from bridge.errors import StoreError


def free_bytes(data: Path) -> int:
    """Return the bytes that a user without privileges may still write below ``data``. Raises StoreError."""
    try:
        room = os.statvfs(data)
    except OSError as error:
        raise StoreError(f"data folder: {error.strerror}") from None
    return room.f_bavail * room.f_frsize


def sync_folder(folder: Path | str) -> None:
    """Make the names in a folder durable (rename(2) and open(2) alone are not). Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
