"""One file with everything that is needed to open the notes again, and the way back.

The file is a plain tar (POSIX.1-1988 ustar headers), not compressed since sealed bytes do not shrink:

    aftertone-backup.json      {"version":1}
    server.secret              opens mailboxes that were not claimed when the backup was made
    aftertone.db               a consistent copy by SQLite's own backup, taken while the bridge runs
    notes/<2 hex>/<32 hex>.sn1 blobs of that copy; of a note that was being recorded, its whole records

Blobs only grow until their note is closed, so what the copy names is there when it is read after the copy. A
restored folder is like one after a power cut: the next start ends notes that were being recorded.
"""

import io
import json
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bridge.errors import Refused, StoreError, Unready
from bridge.seal.layout import scan_records, split_head
from bridge.store.blobs import FOLDER, Blobs
from bridge.store.disk import free_bytes, sync_folder
from bridge.store.migrations import NEWEST
from bridge.store.secret import NAME as SECRET
from bridge.store.secret import SIZE as SECRET_BYTES
from bridge.store.store import DATABASE

VERSION = 1
MANIFEST = "aftertone-backup.json"
_LARGEST_MANIFEST = 4096
_COPY = 1 << 20
_FOREIGN = "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')"
"""Ours have no triggers or views. One could keep a copy of what the program believes it has deleted."""
_BLOB = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{30}}\.sn1)")


def backup(data: Path, file: Path) -> int:
    """Write a backup of a data folder, in use or not; returns the number of notes in it.

    The file has mode 0600 and appears whole under its name. An existing one is not overwritten: it may be the
    only backup that is good. Raises Unready when the data folder holds no Aftertone, Refused (``exists``),
    StoreError when reading or writing fails.
    """
    if not (data / DATABASE).is_file() or not (data / SECRET).is_file():
        raise Unready(f"{data} holds no aftertone data")
    if os.path.lexists(file):
        raise Refused("exists", user=f"{file} is there already and is not overwritten.")
    folder = file.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"backup: folder {folder} does not exist, or cannot be written to")
    new = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    copy = file.with_name(f".{file.name}.{secrets.token_hex(8)}.db")
    try:
        with _private(copy):
            pass
        notes = _copy_database(data / DATABASE, copy)
        with _private(new) as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                _add(tar, MANIFEST, json.dumps({"version": VERSION}).encode())
                _add(tar, SECRET, (data / SECRET).read_bytes())
                with copy.open("rb") as database:
                    _add_file(tar, DATABASE, database, os.fstat(database.fileno()).st_size)
                written = sum(_add_note(tar, Blobs(data), note_id, kept) for note_id, kept in notes)
            out.flush()
            os.fsync(out.fileno())
        new.rename(file)
        sync_folder(folder)
    except (OSError, sqlite3.Error, tarfile.TarError) as error:
        raise StoreError(f"backup to {file}: {_reason(error)}") from error
    finally:
        new.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
    return written


def restore(file: Path, data: Path) -> int:
    """Lay a backup into an empty or missing folder; returns the number of notes.

    Nothing of the archive is believed: only the names above, only plain files, each once, none larger than
    what the disk has room for, the manifest first. The folder is left empty when anything is wrong. Raises
    Refused: ``not empty``, ``not a backup``, ``wrong version``, ``too large``, ``incomplete``; StoreError.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Refused("not empty", user=f"{data} is not empty: a backup is restored into an empty folder.")
    try:
        archive = file.open("rb")
    except OSError as error:
        raise StoreError(f"backup {file} cannot be read: {_reason(error)}") from None
    with archive:
        return _restore(archive, file, data)


def _restore(archive: BinaryIO, file: Path, data: Path) -> int:
    made = not data.exists()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
        (data / FOLDER).mkdir(mode=0o700)
        notes = _lay_out(archive, data)
        _check(data)
        _sync_tree(data)
    except BaseException as error:
        _empty(data, remove=made)
        if isinstance(error, OSError | sqlite3.Error):
            raise StoreError(f"restore of {file} into {data}: {_reason(error)}") from error
        raise
    return notes


def _reason(error: Exception) -> str:
    """Return what went wrong without the name of a file that only the program knows."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _copy_database(source: Path, copy: Path) -> list[tuple[bytes, bool]]:
    """Copy the database; return the ids of its notes and whether each is closed."""
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as still:
        live.execute("PRAGMA busy_timeout = 10000")
        live.backup(still)
        # One file without a WAL beside it; the bridge turns WAL on again when it opens it.
        still.execute("PRAGMA journal_mode = DELETE")
        return [(note_id, state == "kept") for note_id, state in still.execute("SELECT id, state FROM note")]


def _add_note(tar: tarfile.TarFile, blobs: Blobs, note_id: bytes, kept: bool) -> bool:
    """Add one blob; False for a take that was discarded while we were at work."""
    path = blobs.path(note_id)
    name = f"{FOLDER}/{path.parent.name}/{path.name}"
    try:
        file = blobs.open(note_id)
    except Refused:
        if kept:
            raise StoreError(f"note {note_id.hex()} has lost its blob") from None
        return False
    with file:
        if kept:
            _add_file(tar, name, file, os.fstat(file.fileno()).st_size)
        else:
            _add(tar, name, _whole_records(file.read()))
    return True


def _whole_records(data: bytes) -> bytes:
    try:
        head = split_head(data)
    except Refused:
        return data  # died before its head was whole: the next start of the restored folder drops it
    return data[: head.size + scan_records(data[head.size :])[0]]


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    _add_file(tar, name, io.BytesIO(data), len(data))


def _add_file(tar: tarfile.TarFile, name: str, file: BinaryIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    tar.addfile(member, file)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int


def _lay_out(archive: BinaryIO, data: Path) -> int:
    """Write the members of an archive; returns the number of notes. Raises Refused."""
    seen: set[str] = set()
    notes = 0
    room = free_bytes(data)
    for member in _members(archive):
        if member.name in seen or (not seen and member.name != MANIFEST):
            raise _not_ours()
        seen.add(member.name)
        room -= member.size
        if room < 0:
            raise Refused("too large", user="The disk has not enough room for this backup.")
        if member.name == MANIFEST:
            _check_manifest(archive, member)
        elif member.name == SECRET and member.size == SECRET_BYTES:
            _write(archive, member.size, data / SECRET)
        elif member.name == DATABASE:
            _write(archive, member.size, data / DATABASE)
        elif match := _BLOB.fullmatch(member.name):
            folder = data / FOLDER / match[1]
            folder.mkdir(mode=0o700, exist_ok=True)
            _write(archive, member.size, folder / match[2])
            notes += 1
        else:
            raise _not_ours()
    if not {SECRET, DATABASE} <= seen:
        raise Refused("incomplete", user="This backup ends too early.")
    return notes


def _members(archive: BinaryIO) -> Iterator[_Member]:
    """Yield the members of a tar; the caller reads each one's bytes before he asks for the next.

    ``tarfile`` as a reader would follow extension headers, sparse maps and links; only its parser of the 512
    bytes of one header is used, and whatever is not a plain file is refused.
    """
    while True:
        header = archive.read(tarfile.BLOCKSIZE)
        if header == tarfile.NUL * tarfile.BLOCKSIZE:
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        except (tarfile.TarError, ValueError):
            raise _not_ours() from None
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise _not_ours()
        end = archive.tell() + info.size
        yield _Member(info.name, info.size)
        if archive.tell() != end:
            raise _not_ours()
        archive.seek(-end % tarfile.BLOCKSIZE, os.SEEK_CUR)


def _check_manifest(archive: BinaryIO, member: _Member) -> None:
    if member.size > _LARGEST_MANIFEST:
        raise _not_ours()
    try:
        version = json.loads(archive.read(member.size))["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _not_ours() from None
    if version != VERSION:
        raise Refused("wrong version", user="This backup was written by another version of Aftertone.")


def _write(archive: BinaryIO, size: int, path: Path) -> None:
    with _private(path) as out:
        while size:
            part = archive.read(min(size, _COPY))
            if not part:
                raise Refused("incomplete", user="This backup ends too early.")
            out.write(part)
            size -= len(part)
        out.flush()
        os.fsync(out.fileno())


def _check(data: Path) -> None:
    """Look whether the database is whole, known, and has its blobs. Raises Refused."""
    try:
        with closing(sqlite3.connect(data / DATABASE)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise _not_ours()
            if database.execute(_FOREIGN).fetchone() is not None:
                raise _not_ours()
            (version,) = database.execute("SELECT number FROM version").fetchone()
            kept = [note_id for (note_id,) in database.execute("SELECT id FROM note WHERE state = 'kept'")]
    except (sqlite3.DatabaseError, TypeError, ValueError):
        raise _not_ours() from None
    if not isinstance(version, int) or version < 1:
        raise _not_ours()
    if version > NEWEST:
        raise Refused("wrong version", user="This backup was written by a newer version of Aftertone.")
    blobs = Blobs(data)
    if not all(isinstance(note_id, bytes) and blobs.path(note_id).is_file() for note_id in kept):
        raise Refused("incomplete", user="Notes are missing in this backup.")


def _not_ours() -> Refused:
    return Refused("not a backup", user="This is not a backup of Aftertone, or it is damaged.")


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that nobody else may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file


def _sync_tree(data: Path) -> None:
    for folder in (*(data / FOLDER).iterdir(), data / FOLDER, data):
        sync_folder(folder)


def _empty(data: Path, *, remove: bool) -> None:
    """Take back what a failed restore has laid out."""
    if remove:
        shutil.rmtree(data, ignore_errors=True)
        return
    shutil.rmtree(data / FOLDER, ignore_errors=True)
    for name in (SECRET, DATABASE, DATABASE + "-journal", DATABASE + "-wal", DATABASE + "-shm"):
        (data / name).unlink(missing_ok=True)
