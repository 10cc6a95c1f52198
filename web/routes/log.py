"""GET mailboxes/{id}/log and POST notes/{id}/log: who did what with a mailbox's rows, for its members."""

from typing import Annotated

from fastapi import Query

from bridge.store.access import Act
from web.answers import hex_id, not_found, utc
from web.asked import NoteAct
from web.auth import Who, check_member, readable
from web.house import Here
from web.told import Done
from web.told_calls import LogEntry, LogPage

PAGE = 50


async def read(
    mailbox_id: str, who: Who, house: Here, before: Annotated[int | None, Query(ge=1, le=1 << 53)] = None
) -> LogPage:
    """List what was done, newest first, older than the entry ``before`` (the ``next`` of the last answer)."""
    check_member(house, who, mailbox_id)
    found = house.store.access.page(mailbox_id, before, PAGE + 1)
    entries = [
        LogEntry(
            at=utc(entry.at),
            act=entry.act.value,
            row_id=entry.call_id.hex() if entry.call_id is not None else None,
            count=entry.count,
            user_id=entry.user_id,
            user=entry.user_name,
            about=entry.about_name,
        )
        for entry in found[:PAGE]
    ]
    return LogPage(entries=entries, next=found[PAGE - 1].id if len(found) > PAGE else None)


async def write(note_id: str, asked: NoteAct, who: Who, house: Here) -> Done:
    """Have it written down that I took a note out of here."""
    found = house.store.notes.get(hex_id(note_id))
    if found is None or found.mailbox_id not in readable(house, who):
        raise not_found()
    house.store.access.tell(found.mailbox_id, who.user.id, Act(asked.act), found.call_id)
    return Done()
