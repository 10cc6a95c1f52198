"""Notes that somebody else has sealed and sends in pieces: staged beside the notes, then kept as a whole.

While a note is on its way its file stands in a folder of its own, and nobody takes it for a note. To be kept
it gets a second name among the notes, then its rows are one transaction, then the first name goes. So the
first name says "not done", and ``clear`` after a crash looks whether there are rows: if not, both names go.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert

from bridge.errors import Refused, StoreError
from bridge.events import News
from bridge.seal.note import Recipient
from bridge.store.access import Act, write
from bridge.store.blobs import SUFFIX, Blobs
from bridge.store.database import Database, in_words
from bridge.store.disk import sync_folder
from bridge.store.names import Clock, seconds_of
from bridge.store.outbox import ADD, lamp_of
from bridge.store.tables import CALL, KEPT, NOTE

FOLDER = "uploads"

_CALL = in_words(insert(CALL))
_NOTE = in_words(insert(NOTE))
_EPOCH = "SELECT epoch FROM mailbox WHERE id = ?"
_THERE = """
    SELECT EXISTS (SELECT 1 FROM call WHERE id IN (?1, ?2))
        OR EXISTS (SELECT 1 FROM note WHERE id IN (?1, ?2))
"""
_SAME = 'SELECT 1 FROM note WHERE id = ? AND call_id = ? AND "commit" = ?'
_HAS_ROW = "SELECT 1 FROM note WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Source:
    """The row that was sealed anew, and by whom."""

    call_id: bytes
    mailbox_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A note with a call record of its own, both sealed to ``recipient``. ``meta`` and ``peaks`` are the
    records of streams 2 and 3. ``speech``, ``cut_off``, ``reason`` and ``started_at`` are those of the note
    that it was made of."""

    call_id: bytes
    sealed: bytes = field(repr=False)
    reason: str
    note_id: bytes
    recipient: Recipient
    commit: bytes = field(repr=False)
    envelopes: bytes = field(repr=False)
    meta: bytes = field(repr=False)
    peaks: bytes = field(repr=False)
    size: int
    speech: bool | None
    cut_off: bool
    started_at: datetime
    source: Source


class Staged:
    """The file of a note that is on its way. ``size``: its bytes so far."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self.size = 0
        self._handle = handle

    def append(self, data: bytes) -> None:
        """Write all of it or nothing. Raises StoreError."""
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._handle, data[written:], self.size + written)
        except OSError as error:
            raise StoreError(f"upload: {error.strerror}") from None
        self.size += len(data)

    def holds(self, at: int, data: bytes) -> bool:
        """Say whether these bytes stand there already. Raises StoreError."""
        try:
            return at + len(data) <= self.size and os.pread(self._handle, len(data), at) == data
        except OSError as error:
            raise StoreError(f"upload: {error.strerror}") from None

    def sync(self) -> None:
        """Make it durable, cut to its size. Waits for the disk. Raises OSError."""
        os.ftruncate(self._handle, self.size)
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file; doing it again does nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Uploads:
    """``store.uploads``. Every method raises StoreError when disk or database fails."""

    def __init__(self, database: Database, blobs: Blobs, data: Path, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._folder = data / FOLDER
        self._clock = clock

    def stage(self, note_id: bytes) -> Staged:
        """Begin the file of a note. Raises Refused(``taken already``): one is on its way.

        Whether there is such a note ``keep`` alone says: it may be one that the sender must not know of.
        """
        path = self._folder / (note_id.hex() + SUFFIX)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            return Staged(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise Refused("taken already", user="This note is here already.") from None
        except OSError as error:
            raise StoreError(f"upload cannot be begun: {error.strerror}") from None

    def drop(self, staged: Staged) -> None:
        """Let its first name go: it was kept, or is not wanted any more."""
        staged.close()
        with suppress(OSError):  # ``clear`` does it later
            staged.path.unlink(missing_ok=True)

    def keep(self, staged: Staged, arrival: Arrival) -> list[News]:
        """Keep a note that is whole, durably, and return what is to be published; again does nothing more.

        Waits for the disk: belongs into a thread. Raises Refused: ``old key`` (the mailbox has a newer one by
        now), ``no such mailbox``, ``taken already``.
        """
        if not self._database.ask(_SAME, arrival.note_id, arrival.call_id, arrival.commit):
            self._name(staged, arrival.note_id)
            try:
                self._write(arrival)
            except (Refused, StoreError):
                self._blobs.remove(arrival.note_id)
                raise
        self._database.sync()
        self.drop(staged)
        return [News("row", arrival.recipient.mailbox_id, arrival.call_id.hex())]

    def clear(self) -> None:
        """Throw away what was on its way when the last process ended; for the one process that records."""
        try:
            for path in self._folder.glob(f"*{SUFFIX}"):
                note_id = bytes.fromhex(path.stem)
                if not self._database.ask(_HAS_ROW, note_id):
                    self._blobs.remove(note_id)
                path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._folder}: {error}") from None

    def _name(self, staged: Staged, note_id: bytes) -> None:
        path = self._blobs.path(note_id)
        try:
            staged.sync()
            sync_folder(self._folder)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.link(staged.path, path)
            sync_folder(path.parent)
        except FileExistsError:
            raise Refused("taken already", user="This note is here already.") from None
        except OSError as error:
            raise StoreError(f"upload cannot be kept: {error.strerror}") from None

    def _write(self, arrival: Arrival) -> None:
        now, recipient, source = self._clock(), arrival.recipient, arrival.source
        with self._database.write_soon() as connection:
            found = connection.execute(_EPOCH, (recipient.mailbox_id,)).fetchone()
            if found is None:
                raise Refused("no such mailbox")
            if found[0] != recipient.epoch:
                raise Refused("old key")
            if connection.execute(_THERE, (arrival.note_id, arrival.call_id)).fetchone()[0]:
                raise Refused("taken already", user="This note is here already.")
            connection.execute(_CALL, _call_row(arrival, now))
            connection.execute(_NOTE, _note_row(arrival))
            connection.execute(ADD, lamp_of(recipient.mailbox_id))
            acts: Sequence[tuple[str, Act, bytes]] = (
                (source.mailbox_id, Act.FORWARDED, source.call_id),
                (recipient.mailbox_id, Act.RECEIVED, arrival.call_id),
            )
            for mailbox_id, act, call_id in acts:
                write(connection, now, mailbox_id, source.user_id, act, call_id)


def _call_row(arrival: Arrival, now: datetime) -> dict[str, object]:
    return {
        "id": arrival.call_id,
        "mailbox_id": arrival.recipient.mailbox_id,
        # No call of a PBX has this name: each forwarding is a row of its own.
        "linkedid": f"forward@{arrival.call_id.hex()}",
        "received_at": seconds_of(now),
        "reason": arrival.reason,
        "sealed": arrival.sealed,
        "epoch": arrival.recipient.epoch,
        "stale": False,
        "deleted_at": None,
    }


def _note_row(arrival: Arrival) -> dict[str, object]:
    return {
        "id": arrival.note_id,
        "call_id": arrival.call_id,
        "mailbox_id": arrival.recipient.mailbox_id,
        "started_at": seconds_of(arrival.started_at),
        "state": KEPT,
        "speech": arrival.speech,
        "cut_off": arrival.cut_off,
        "size": arrival.size,
        "epoch": arrival.recipient.epoch,
        "stale": False,
        "commit": arrival.commit,
        "envelopes": arrival.envelopes,
        "meta": arrival.meta,
        "peaks": arrival.peaks,
    }
