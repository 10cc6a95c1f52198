"""GET notes/{id}/blob: the sealed note as it lies on the disk, whole or a range (RFC 9110 section 14)."""

import logging
import os
import re
from collections.abc import AsyncIterator
from typing import BinaryIO, Literal

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bridge.errors import Refused, StoreError
from bridge.store.access import Act
from bridge.store.rows import NoteRow
from web.answers import ApiError, hex_id, not_found
from web.auth import Caller, Who, readable
from web.house import Here, House

log = logging.getLogger("aftertone.web")

CHUNK = 256 << 10
"""Bytes read at once: a note of 30 s, so that the loop is never long away for one reader."""

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


async def blob(
    note_id: str, who: Who, house: Here, request: Request, act: Literal["exported"] | None = None
) -> Response:
    """Return the SN1 of a note; one Range is served, several are answered with the whole.

    The mailbox's log says that its reader ``exported`` it when he says so, else that he listened.
    """
    found = house.store.notes.get(hex_id(note_id))
    if found is None or found.mailbox_id not in readable(house, who):
        raise not_found()
    try:
        file = house.store.blobs.open(found.id)
    except Refused:
        raise not_found() from None
    size = os.fstat(file.fileno()).st_size
    try:
        span = _span(request.headers.get("range"), size)
    except ApiError:
        file.close()
        raise
    start, end = span or (0, size)
    _tell(house, who, found, exported=act is not None)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(
        _chunks(file, start, end), 206 if span else 200, headers, "application/octet-stream"
    )


def _tell(house: House, who: Caller, note: NoteRow, *, exported: bool) -> None:
    """Write into the mailbox's log who has the note now; a full database keeps nobody from hearing it."""
    act = Act.PLAYED if who.kind == "cookie" else Act.OPENED
    try:
        if exported:
            house.store.access.tell_export(note.mailbox_id, who.user.id, note.call_id)
            return
        house.store.access.tell(note.mailbox_id, who.user.id, act, note.call_id)
    except StoreError as error:
        log.warning("a listening is not in the log: %s", error)


def _span(asked: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last; None for the whole. Raises ApiError 416."""
    match = _RANGE.fullmatch(asked.strip()) if asked is not None else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        end = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= end:
        raise ApiError(416, "range", "The note has no such bytes.", {"Content-Range": f"bytes */{size}"})
    return start, end


async def _chunks(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk
