"""Beginning a note, and finding one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select

from bridge.errors import Refused
from bridge.events import News
from bridge.seal.note import Recipient
from bridge.store.blobs import Blobs
from bridge.store.closing import Notebook
from bridge.store.database import Database, in_words
from bridge.store.names import seconds_of
from bridge.store.recording import Recording
from bridge.store.rows import MAILBOX, NoteRow, note_row
from bridge.store.tables import CALL, DISCARDED, NOTE, RECORDING

_INSERT = in_words(insert(NOTE))
_MAILBOX_OF = in_words(
    select(CALL.c.mailbox_id, MAILBOX.c.epoch).join_from(CALL, MAILBOX).where(CALL.c.id == bindparam("call"))
)


class Notes:
    """``store.notes``. Every method raises StoreError when disk or database fails."""

    def __init__(
        self, database: Database, blobs: Blobs, notebook: Notebook, publish: Callable[[News], None]
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._notebook = notebook
        self._publish = publish

    def begin(
        self,
        note_id: bytes,
        call_id: bytes,
        recipient: Recipient,
        head: bytes,
        commit: bytes,
        envelopes: Sequence[bytes],
        meta: bytes,
        received_at: datetime,
    ) -> Recording:
        """Begin a take under a filed call: ``head`` and ``meta`` go into the blob here, and into the row.

        ``note_id`` is new; ``meta`` is the sealed record 0 of stream 2 (do not append it again);
        ``received_at`` is when the take begins. The note keeps the recipient's epoch, whatever happens to the
        mailbox meanwhile. The row is durable with the first flush (1 s).

        Raises Refused: ``no such row`` unless ``call_id`` is a row of the same mailbox, ``old key`` when that
        has a newer one by now.
        """
        row = {
            "id": note_id,
            "call_id": call_id,
            "mailbox_id": recipient.mailbox_id,
            "started_at": seconds_of(received_at),
            "state": RECORDING,
            "speech": None,
            "cut_off": False,
            "size": len(head) + len(meta),
            "epoch": recipient.epoch,
            "stale": False,
            "commit": commit,
            "envelopes": b"".join(envelopes),
            "meta": meta,
            "peaks": b"",
        }
        blob = self._blobs.create(note_id, head + meta)
        try:
            recording = Recording(self._notebook, note_id, call_id, recipient.mailbox_id, blob, meta)
            with self._database.write_soon() as connection:
                found = connection.execute(_MAILBOX_OF, {"call": call_id}).fetchone()
                if found is None or found[0] != recipient.mailbox_id:
                    raise Refused("no such row")
                if found[1] != recipient.epoch:
                    raise Refused("old key")
                connection.execute(_INSERT, row)
        except BaseException:
            blob.close()
            self._blobs.remove(note_id)
            raise
        self._notebook.flusher.mark(blob)
        self._publish(News("row", recipient.mailbox_id, call_id.hex()))
        return recording

    def get(self, note_id: bytes) -> NoteRow | None:
        """Return a note's row; whether the asker may see it is told by its ``mailbox_id``."""
        with self._database.read() as connection:
            asked = select(NOTE).where(NOTE.c.id == note_id, NOTE.c.state != DISCARDED)
            found = connection.execute(asked).mappings().one_or_none()
        return note_row(found) if found is not None else None
