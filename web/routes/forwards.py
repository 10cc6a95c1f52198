"""Taking a note to another mailbox: announced, sent in pieces, kept. The sender's page has sealed it anew."""

from typing import Annotated

from fastapi import Query, Request

from bridge.errors import Refused
from bridge.intake.uploads import Begun, Origin, Upload
from bridge.seal.note import Recipient
from bridge.store.uploads import Source
from web.answers import ApiError, hex_id, not_found
from web.asked import Forward
from web.auth import Caller, Who, readable, spend
from web.house import Here, House
from web.told_calls import Arrived, Forwarded

CONFLICTS = ("old key", "other bytes", "taken already", "being kept")
STATUS = {"too long": 413, "disk full": 507, "too many uploads": 503}


async def begin(mailbox_id: str, asked: Forward, who: Who, house: Here) -> Arrived:
    """Announce a note that was made of ``note_id``, a note of mine, for any mailbox of the house.

    Answers how many bytes are here; again with the same bytes goes on where it was. 409 ``old key``: fetch
    the mailbox's key again and seal anew, with a new id and a new K.
    """
    origin = _origin(house, who, asked.note_id)
    box = house.store.mailboxes.get(mailbox_id)
    if box is None:
        raise not_found()
    begun = Begun(bytes.fromhex(asked.id), bytes.fromhex(asked.call_id), asked.call, asked.head, asked.size)
    try:
        upload = house.uploads.resumed(who.user.id, begun)
        if upload is None:
            spend(house, [("forward user", who.user.id)])
            upload = house.uploads.begin(begun, origin, Recipient(box.id, box.epoch, box.public))
    except Refused as refused:
        raise _refusal(refused) from None
    return Arrived(at=upload.at)


async def add(
    note_id: str, request: Request, who: Who, house: Here, at: Annotated[int, Query(ge=0, le=1 << 40)] = 0
) -> Arrived:
    """Take the next bytes, which begin at ``at``: ``application/octet-stream``, at most 64 KiB of it."""
    upload = _mine(house, who, note_id)
    try:
        return Arrived(at=house.uploads.add(upload, at, await request.body()))
    except Refused as refused:
        raise _refusal(refused) from None


async def finish(note_id: str, who: Who, house: Here) -> Forwarded:
    """Keep the note when all of it is here; its row is then in the other mailbox, for all its members."""
    upload = _mine(house, who, note_id)
    try:
        news = await house.uploads.finish(upload)
    except Refused as refused:
        raise _refusal(refused) from None
    for piece in news:
        house.events.publish(piece)
    return Forwarded(row_id=upload.begun.call_id.hex())


def _origin(house: House, who: Caller, note_id: str) -> Origin:
    """Return what is clear of a note that the caller may read. Raises ApiError."""
    note = house.store.notes.get(bytes.fromhex(note_id))
    if note is None or note.mailbox_id not in readable(house, who):
        raise not_found()
    row = house.store.calls.row(note.call_id)
    if row is None:
        raise not_found()
    if note.state != "kept":
        raise ApiError(409, "being recorded", "This note is still being spoken.")
    source = Source(note.call_id, note.mailbox_id, who.user.id)
    return Origin(source, row.reason, note.speech, note.cut_off, note.started_at)


def _mine(house: House, who: Caller, note_id: str) -> Upload:
    found = house.uploads.mine(who.user.id, hex_id(note_id))
    if found is None:
        raise not_found()
    return found


def _refusal(refused: Refused) -> ApiError:
    if refused.word in CONFLICTS:
        return ApiError(409, refused.word, refused.user)
    status = STATUS.get(refused.word, 422)
    return ApiError(status, refused.word, refused.user, {"Retry-After": "10"} if status == 503 else None)
