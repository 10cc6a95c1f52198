"""One take while it is written."""

from bridge.errors import Refused, StoreError
from bridge.seal.layout import STREAM_MEDIA, TAG, RecordHeader, next_record
from bridge.store.blobs import BlobWriter
from bridge.store.closing import Ending, Notebook


class Recording:
    """A note that is being recorded; ends with exactly one of ``finish``, ``cut_off`` or ``discard``.

    After an end further ends do nothing and appends raise. If the process dies instead, the next start ends
    it (``recover``). All methods belong to the event loop's thread.
    """

    def __init__(
        self,
        notebook: Notebook,
        note_id: bytes,
        call_id: bytes,
        mailbox_id: str,
        blob: BlobWriter,
        first_meta: bytes,
    ) -> None:
        self.note_id = note_id
        self.call_id = call_id
        self.mailbox_id = mailbox_id
        self._notebook = notebook
        self._blob = blob
        self._next = {header.stream: header.index + 1 for header in _whole_records(first_meta)}
        self._first_meta = first_meta
        self._has_media = False
        self._ended = False

    @property
    def size(self) -> int:
        """Bytes in the blob."""
        return self._blob.size

    def append(self, record: bytes) -> None:
        """Write one or more whole records, unbuffered; they are on the disk within some 1 s (``flusher``).

        All or nothing: raises StoreError when the disk takes no more, and the blob then ends where it ended
        before. The same record may be tried again; a later one may not (ValueError), since readers refuse a
        stream with a gap: end such a note with ``cut_off``.
        """
        self._append(record)
        self._notebook.flusher.mark(self._blob)

    async def finish(self, records: bytes, meta: bytes, peaks: bytes, speech: bool) -> bool:
        """Keep the note: True when it is whole, False when it is kept but cut off (the end found no room).

        ``records`` are the final records of all streams in the order to be written; ``meta`` is the final
        record of stream 2 among them and ``peaks`` all records of stream 3, as copies for the row. Returns
        when blob and row are durable: notes that finish at the same moment share one fdatasync thread and
        one transaction. ``News`` follows the commit. A cancelled caller does not stop it.

        Raises StoreError when the row could not be written: the flusher tries it again every 10 s, and the
        next start of the bridge keeps the note.
        """
        if self._ended:
            return False
        whole = True
        try:
            self._append(records)
        except StoreError:
            whole = False
        self._ended = True
        ending = Ending(
            self.note_id,
            self.call_id,
            self.mailbox_id,
            self._blob,
            meta=self._first_meta + meta,
            peaks=peaks,
            speech=speech,
            cut_off=not whole,
        )
        return await self._notebook.closing.end(ending)

    async def cut_off(self) -> bool:
        """Keep what there is, marked as cut off; True if that is anything. Raises as ``finish``."""
        if self._ended:
            return False
        if not self._has_media:
            self.discard()
            return False
        self._ended = True
        ending = Ending(
            self.note_id,
            self.call_id,
            self.mailbox_id,
            self._blob,
            meta=b"",
            peaks=b"",
            speech=None,
            cut_off=True,
        )
        await self._notebook.closing.end(ending)
        return True

    def discard(self) -> None:
        """Delete the take, in three steps: marked as discarded, blob, row. If we die or the disk fails in
        between, nobody is shown it any more and the next start goes on.

        Raises StoreError when it could not be done now.
        """
        if self._ended:
            return
        self._ended = True
        self._blob.close()
        self._notebook.forget(self.note_id, self.call_id, self.mailbox_id)

    def _append(self, data: bytes) -> None:
        if self._ended:
            raise ValueError("the recording has ended")
        following = self._next.copy()
        media = False
        for header in _whole_records(data):
            if header.index != following.get(header.stream, 0):
                raise ValueError("a record out of its order would make the note unreadable")
            following[header.stream] = header.index + 1
            media = media or (header.stream == STREAM_MEDIA and header.length > TAG)
        self._blob.append(data)
        self._next = following
        self._has_media = self._has_media or media


def _whole_records(data: bytes) -> list[RecordHeader]:
    found: list[RecordHeader] = []
    at = 0
    while at < len(data):
        try:
            header = next_record(data, at)
        except Refused:
            header = None
        if header is None:
            raise ValueError("not a whole record")
        found.append(header)
        at = header.end
    return found
