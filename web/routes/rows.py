"""GET rows, rows/versions and rows/{id}: the sealed list, newest first. No blob is read for it."""

import re
from typing import Annotated

from fastapi import Query

from bridge.store.finding import Cursor, Show
from bridge.store.handling import Handling
from bridge.store.rows import NoteRow, Row
from web.answers import ApiError, hex_id, not_found, to_b64, utc
from web.auth import Caller, Who, readable
from web.house import Here, House
from web.told_calls import HandlingOut, NoteOut, RowOut, Rows, VersionOut, Versions

_CURSOR = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})")

MOST = 200
"""Rows of one answer; the store's own limit."""


Limit = Annotated[int, Query(ge=1, le=MOST)]
Before = Annotated[str | None, Query(max_length=60)]


async def rows(
    who: Who,
    house: Here,
    limit: Limit = 50,
    before: Before = None,
    mailbox: Annotated[str | None, Query(max_length=60)] = None,
    show: Show | None = None,
) -> Rows:
    """List rows of all my mailboxes or of one, older than ``before`` (the ``next`` of the last answer).

    ``show``: only those with a note I have not heard (``unheard``), with a note (``noted``), without one
    (``missed``), neither done nor taken by somebody else (``open``), taken by whomever (``taken``), all that
    are not deleted, as none of these are (``present``), or the deleted ones. Such a page may be shorter than
    ``limit``, or empty; the list ends where ``next`` is null.
    """
    mine = readable(house, who)
    if mailbox is not None:
        if mailbox not in mine:
            raise not_found()
        mine = [mailbox]
    found, following = house.store.calls.rows(mine, who.user.id, _cursor(before), limit, show)
    return Rows(rows=[row_out(row, who.user.id) for row in found], next=_text(following))


async def versions(who: Who, house: Here, limit: Limit = MOST, before: Before = None) -> Versions:
    """List the same rows by id and version: who kept rows of an earlier visit sees which still stand."""
    mine = readable(house, who)
    found, following = house.store.calls.versions(mine, who.user.id, _cursor(before), limit)
    return Versions(
        rows=[VersionOut(id=row_id.hex(), version=version) for row_id, version in found],
        next=_text(following),
        total=house.store.calls.count(mine) if before is None else None,
    )


async def row(row_id: str, who: Who, house: Here) -> RowOut:
    """Return one row of a mailbox of mine."""
    return row_out(my_row(house, who, row_id), who.user.id)


def my_row(house: House, who: Caller, row_id: str) -> Row:
    """Return a row that the caller may see. Raises ApiError 404: unknown and foreign ones look alike."""
    found = house.store.calls.row(hex_id(row_id), who.user.id)
    if found is None or found.mailbox_id not in readable(house, who):
        raise not_found()
    return found


def row_out(row: Row, user_id: str) -> RowOut:
    """Return a row as the API shows it to a user."""
    return RowOut(
        id=row.id.hex(),
        mailbox_id=row.mailbox_id,
        extension=row.extension,
        mailbox_name=row.mailbox_name,
        received_at=utc(row.received_at),
        reason=row.reason,
        sealed=to_b64(row.sealed),
        heard=row.heard,
        handling=handling_out(row.handling, user_id),
        deleted_at=utc(row.deleted_at) if row.deleted_at is not None else None,
        notes=[_note_out(note) for note in row.notes],
        version=row.version,
    )


def handling_out(handling: Handling, user_id: str) -> HandlingOut:
    """Return how far a row is, as the API shows it to a user."""
    return HandlingOut(
        state=handling.state.value,
        user_id=handling.user_id,
        user=handling.user_name,
        mine=handling.user_id == user_id,
        at=utc(handling.at) if handling.at is not None else None,
    )


def _note_out(note: NoteRow) -> NoteOut:
    return NoteOut(
        id=note.id.hex(),
        state="recording" if note.state == "recording" else "kept",
        started_at=utc(note.started_at),
        speech=note.speech,
        cut_off=note.cut_off,
        size=note.size,
        epoch=note.epoch,
        commit=to_b64(note.commit),
        envelopes=[to_b64(envelope) for envelope in note.envelopes],
        meta=[to_b64(record) for record in note.meta],
        peaks=[to_b64(record) for record in note.peaks],
    )


def _text(cursor: Cursor | None) -> str | None:
    return f"{cursor[0]}.{cursor[1].hex()}" if cursor is not None else None


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise ApiError(400, "bad cursor", "This is not where a list goes on.")
    return int(match[1]), bytes.fromhex(match[2])
