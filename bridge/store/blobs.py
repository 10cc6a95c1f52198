"""Sealed notes as files: DATA/notes/<2 hex>/<32 hex>.sn1, written by appending, read whole or in part."""

import os
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from bridge.errors import Refused, StoreError
from bridge.store.disk import sync_folder
from bridge.store.writeback import MANY, Writeback

FOLDER = "notes"
SUFFIX = ".sn1"
NEW = ".new"
"""End of a file that is not whole yet; nobody takes it for a note."""

PAGE = os.sysconf("SC_PAGESIZE")

_BEGIN = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND


class Blobs:
    """``store.blobs``: where the file of a note is and what is in it."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._place = os.fspath(self._folder)

    def make_folders(self) -> None:
        """Make all folders that notes lie in, durably, so that no caller waits for it. Raises StoreError."""
        try:
            for first in range(256):
                (self._folder / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"folders of notes: {error.strerror}") from None

    def path(self, note_id: bytes) -> Path:
        """Return where a note lies; the path is made of its id alone."""
        name = note_id.hex()
        return self._folder / name[:2] / (name + SUFFIX)

    def open(self, note_id: bytes) -> BinaryIO:
        """Return a note's file; what is read from it stays one version even if its head is rewritten.

        Raises Refused(``no such note``) and StoreError.
        """
        try:
            return self.path(note_id).open("rb")
        except FileNotFoundError:
            raise Refused("no such note") from None
        except OSError as error:
            raise StoreError(f"note: {error.strerror}") from None

    def size(self, note_id: bytes) -> int:
        """Return the bytes of a note as it is now. Raises Refused(``no such note``) and StoreError."""
        with self.open(note_id) as file:
            return os.fstat(file.fileno()).st_size

    def read(self, note_id: bytes, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from ``start`` up to (not with) ``end``; fewer if the note has fewer.

        Raises Refused(``no such note``) and StoreError.
        """
        with self.open(note_id) as file:
            try:
                file.seek(start)
                return file.read() if end is None else file.read(max(0, end - start))
            except OSError as error:
                raise StoreError(f"note: {error.strerror}") from None

    def create(self, note_id: bytes, start: bytes) -> "BlobWriter":
        """Begin a new note's file with ``start`` (head and first records). Raises StoreError."""
        # As text: each Path costs more than opening the file.
        name = note_id.hex()
        folder = f"{self._place}/{name[:2]}"
        path = f"{folder}/{name}{SUFFIX}"
        try:
            try:
                handle = os.open(path, _BEGIN, 0o600)
            except FileNotFoundError:
                self.make_folders()
                handle = os.open(path, _BEGIN, 0o600)
        except OSError as error:
            raise StoreError(f"note cannot be begun: {error.strerror}") from None
        writer = BlobWriter(handle, folder)
        try:
            writer.append(start)
        except StoreError:
            writer.close()
            self.remove(note_id)
            raise
        return writer

    def remove(self, note_id: bytes) -> None:
        """Delete a note's file, and what a crash left of writing it; none is fine. Raises StoreError."""
        path = self.path(note_id)
        try:
            path.with_suffix(NEW).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"note cannot be removed: {error.strerror}") from None

    def all_ids(self) -> Iterator[bytes]:
        """Yield the ids of all files that are named like notes."""
        for path in self._folder.glob(f"??/*{SUFFIX}"):
            if len(path.stem) == 32 and path.parent.name == path.stem[:2]:
                try:
                    yield bytes.fromhex(path.stem)
                except ValueError:
                    continue

    def put(self, note_id: bytes, parts: Iterator[bytes]) -> int:
        """Write a new note that is there as a whole, durably; return its size. Waits for the disk.

        Raises StoreError.
        """
        path = self.path(note_id)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(path.parent.parent)
        except OSError as error:
            raise StoreError(f"note cannot be begun: {error.strerror}") from None
        return self.replace(note_id, parts)

    def replace(self, note_id: bytes, parts: Iterator[bytes]) -> int:
        """Write a note's file anew: new file, fsync, rename, fsync of the folder. Returns its size.

        Only for a note that is closed; whoever reads the old file goes on reading the old one. Raises
        StoreError.
        """
        path = self.path(note_id)
        new = path.with_suffix(NEW)
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                size = file.tell()
                os.fsync(file.fileno())
            new.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise StoreError(f"note cannot be rewritten: {error.strerror}") from None
        return size

    def cut(self, note_id: bytes, size: int) -> None:
        """Drop what a crash left behind ``size`` and make the rest durable. Raises StoreError."""
        try:
            handle = os.open(self.path(note_id), os.O_WRONLY)
            try:
                if os.fstat(handle).st_size > size:
                    os.ftruncate(handle, size)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StoreError(f"note cannot be mended: {error.strerror}") from None


class BlobWriter:
    """The open end of one note. ``append`` belongs to the loop, ``sync`` to any thread; both may run."""

    def __init__(self, handle: int, folder: str) -> None:
        self.size = 0
        self._handle = handle
        self.folder = folder
        self._broken = False
        self._durable = 0
        self._named = False
        self._lock = threading.Lock()
        self._syncing = 0
        self._closed = False

    def append(self, data: bytes) -> None:
        """Write ``data`` whole or not at all: what a full disk tore is cut away again.

        Raises StoreError; the same data may be tried again, unless the file could not be mended either.
        """
        if self._closed or self._broken:
            raise StoreError("note: its file is closed")
        try:
            written = os.write(self._handle, data)
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError as error:
            self._mend()
            raise StoreError(f"note: {error.strerror}") from None
        self.size += len(data)

    def _mend(self) -> None:
        try:
            os.ftruncate(self._handle, self.size)
        except OSError:
            self._broken = True

    def begin_sync(self) -> None:
        """Hand what was appended to the disk without waiting for it (Linux does so on this advice).

        When many files are waited for afterwards, they share the commits of the file system's journal: half
        the CPU and time of ``sync`` alone.
        """
        if self._durable < self.size and self._hold():
            try:
                # From the last page that may be half full, so that what was said before stays in memory.
                os.posix_fadvise(self._handle, self._durable & -PAGE, 0, os.POSIX_FADV_DONTNEED)
            finally:
                self._let_go()

    def sync(self) -> None:
        """Make what was appended durable; ``sync_all`` also does so with the file's name. Does nothing once
        closed, or when nothing was appended since.

        Raises StoreError; nothing can be appended after that, since nobody knows what of it is on the disk.
        """
        size = self.size
        if self._durable < size and self._hold():
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                self._broken = True
                raise StoreError(f"note: {error.strerror}") from None
            finally:
                self._let_go()
            self._durable = size

    def sync_name(self, done: set[str]) -> None:
        """Make the file's name durable, unless it is; folders in ``done`` were synced just now.

        Raises StoreError as ``sync``.
        """
        if self._named:
            return
        try:
            if self.folder not in done:
                sync_folder(self.folder)
                done.add(self.folder)
        except OSError as error:
            self._broken = True
            raise StoreError(f"note: {error.strerror}") from None
        self._named = True

    def _hold(self) -> bool:
        """Keep the file open until ``_let_go``; False when it is closed already."""
        with self._lock:
            if self._closed:
                return False
            self._syncing += 1
            return True

    def _let_go(self) -> None:
        with self._lock:
            self._syncing -= 1
            self._release()

    def close(self) -> None:
        """Close the file, at once or when the ``sync`` that runs is done (its number must not be reused)."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._release()

    def _release(self) -> None:
        if self._closed and not self._syncing and self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def sync_all(
    writers: Collection[BlobWriter], writeback: Writeback | None = None
) -> dict[BlobWriter, StoreError]:
    """Make what was appended to many notes durable, with their names; return those that failed.

    Their folders are synced once for all; ``writeback`` helps where there are ``MANY``. Waits for the disk:
    belongs into a thread.
    """
    together = False
    if writeback is not None and len(writers) >= MANY:
        together = writeback.run(next(iter(writers)).folder)
    if not together:
        for writer in writers:
            writer.begin_sync()
    failed: dict[BlobWriter, StoreError] = {}
    folders: set[str] = set()
    for writer in writers:
        try:
            writer.sync()
            writer.sync_name(folders)
        except StoreError as error:
            failed[writer] = error
    return failed
