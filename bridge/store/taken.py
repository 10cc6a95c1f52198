"""Messages that were recorded elsewhere: each becomes one note, however often its taking over is interrupted.

First it is noted which note a message is to become, then the note's blob is written, then note and "done" are
one transaction. Whoever finds a message that was begun and not done removes that blob and begins anew.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select

from bridge.errors import Refused
from bridge.seal.layout import lp
from bridge.seal.note import Recipient
from bridge.store import outbox
from bridge.store.blobs import Blobs
from bridge.store.calls import NEW_NOTE
from bridge.store.database import Database, in_words
from bridge.store.names import seconds_of
from bridge.store.rows import MAILBOX
from bridge.store.secret import ServerSecret
from bridge.store.tables import CALL, KEPT, NOTE

RINGING = timedelta(days=1)
"""How long before its message a call may have begun: a caller waits in a queue, and its PBX's clock is not
ours."""

_ROW_OF = """
    SELECT id, linkedid FROM call WHERE mailbox_id = ? AND received_at >= ?
        AND substr(linkedid, instr(linkedid, ' ') + 1) = ?
    ORDER BY received_at DESC LIMIT 1
"""
_INSERT = in_words(insert(NOTE))
_EPOCH = in_words(
    select(CALL.c.mailbox_id, MAILBOX.c.epoch).join_from(CALL, MAILBOX).where(CALL.c.id == bindparam("call"))
)
_BEGUN = "SELECT note_id, done FROM taken WHERE id = ?"
_BEGIN = """
    INSERT INTO taken (id, words, note_id, done) VALUES (:id, :words, :note_id, 0)
    ON CONFLICT (id) DO UPDATE SET note_id = :note_id WHERE done = 0
"""
_DONE = "UPDATE taken SET done = 1 WHERE id = :id AND note_id = :note_id"


@dataclass(frozen=True, slots=True)
class MessageId:
    """What a message is known by. ``words`` is of its text alone, for what is left when its sound is gone."""

    id: bytes
    words: bytes


@dataclass(frozen=True, slots=True)
class WholeNote:
    """A note whose sound was there as a whole. ``records`` are all of the blob behind ``head``; ``meta`` and
    ``peaks`` the records of streams 2 and 3 among them."""

    id: bytes
    recipient: Recipient
    head: bytes = field(repr=False)
    commit: bytes = field(repr=False)
    envelopes: bytes = field(repr=False)
    records: bytes = field(repr=False)
    meta: bytes = field(repr=False)
    peaks: bytes = field(repr=False)
    speech: bool
    started_at: datetime


class Taken:
    """``store.taken``. Every method raises StoreError when disk or database fails, and may run in any
    thread."""

    def __init__(self, database: Database, blobs: Blobs, secret: ServerSecret) -> None:
        self._database = database
        self._blobs = blobs
        self._secret = secret

    def name(self, words: tuple[str, ...], sound: bytes = b"") -> MessageId:
        """Return what a message is known by: all that identifies it in words, and its sound as it lies
        there."""
        said = b"".join(lp(word.encode("utf-8", "replace")) for word in words)
        known = self._secret.known_by(said)
        return MessageId(self._secret.known_by(known + sound), known)

    def done(self, message: MessageId) -> bool:
        """Return whether the message is a note, or was one."""
        return bool(self._database.ask("SELECT 1 FROM taken WHERE id = ? AND done", message.id))

    def leftover(self, message: MessageId) -> bool:
        """Return whether a text without sound is what a crash left of a message that is a note."""
        return bool(self._database.ask("SELECT 1 FROM taken WHERE words = ? AND done", message.words))

    def row_of(self, mailbox_id: str, linkedid: str, spoken_at: datetime) -> tuple[bytes, str] | None:
        """Return the row of the call that left the message, and its linkedid as it was filed, whichever
        address its PBX had; None if it was not filed."""
        since = seconds_of(spoken_at - RINGING)
        found = self._database.ask(_ROW_OF, mailbox_id, since, linkedid)
        return (bytes(found[0][0]), found[0][1]) if found else None

    def keep(self, message: MessageId, call_id: bytes, note: WholeNote) -> None:
        """Keep the message as a note of a filed call; returns when it is durable. Waits for the disk.

        Raises Refused: ``no such row`` unless ``call_id`` is a row of the note's mailbox, ``old key`` when
        that has a newer one by now, ``taken already``.
        """
        self._begin(message, note.id)
        self._blobs.put(note.id, iter((note.head, note.records)))
        try:
            self._insert(message, call_id, note)
        except Refused:
            self._blobs.remove(note.id)
            raise
        self._database.sync()

    def _begin(self, message: MessageId, note_id: bytes) -> None:
        with self._database.write_soon() as connection:
            found = connection.execute(_BEGUN, (message.id,)).fetchone()
            if found is not None and found[1]:
                raise Refused("taken already")
            connection.execute(_BEGIN, {"id": message.id, "words": message.words, "note_id": note_id})
        if found is not None:
            self._blobs.remove(found[0])

    def _insert(self, message: MessageId, call_id: bytes, note: WholeNote) -> None:
        row = {
            "id": note.id,
            "call_id": call_id,
            "mailbox_id": note.recipient.mailbox_id,
            "started_at": seconds_of(note.started_at),
            "state": KEPT,
            "speech": note.speech,
            "cut_off": False,
            "size": len(note.head) + len(note.records),
            "epoch": note.recipient.epoch,
            "stale": False,
            "commit": note.commit,
            "envelopes": note.envelopes,
            "meta": note.meta,
            "peaks": note.peaks,
        }
        with self._database.write_soon() as connection:
            found = connection.execute(_EPOCH, {"call": call_id}).fetchone()
            if found is None or found[0] != note.recipient.mailbox_id:
                raise Refused("no such row")
            if found[1] != note.recipient.epoch:
                raise Refused("old key")
            connection.execute(_INSERT, row)
            if note.speech:
                for statement in NEW_NOTE:
                    connection.execute(statement, {"call": call_id})
            connection.execute(outbox.ADD, outbox.lamp_of(note.recipient.mailbox_id))
            connection.execute(_DONE, {"id": message.id, "note_id": note.id})
