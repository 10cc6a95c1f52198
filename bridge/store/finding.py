"""Where the pages of a list begin and end: newest first, all rows or those that a reader looks for."""

import heapq
from collections.abc import Sequence
from enum import StrEnum
from itertools import islice

from bridge.store.database import Database

Cursor = tuple[int, bytes]
"""Where a list goes on: seconds and id of the last row that was given or looked at."""

LOOKED_AT = 10_000
"""Rows that one answer looks at for those that fit: 10 ms. Who has heard all but the oldest of 100,000 is
answered in as many pages as it takes, and no caller waits for the loop meanwhile."""


class Show(StrEnum):
    """What of the list is wanted. A note counts when something was said, or nobody knows, as for the lamp."""

    UNHEARD = "unheard"
    """Rows with a note that the reader has not heard."""
    NOTED = "noted"
    """Rows with a note, also while it is being recorded."""
    MISSED = "missed"
    """Rows without one."""
    PRESENT = "present"
    """All that are not deleted, as none of the above are."""
    OPEN = "open"
    """Rows that are neither done nor taken by somebody else than the reader."""
    TAKEN = "taken"
    """Rows that somebody has taken, whoever it is, and that are not done."""
    DELETED = "deleted"
    """Rows that are deleted and can be brought back."""


# Written as ix_note_lamp and ix_note_open are, so that SQLite sees that they serve.
_SPOKEN = """EXISTS (SELECT 1 FROM note WHERE note.mailbox_id = call.mailbox_id AND note.call_id = call.id
    AND state = 'kept' AND speech IS NOT 0)"""
_NOTED = f"""({_SPOKEN}
    OR id IN (SELECT call_id FROM note WHERE state = 'recording' AND state != 'kept'))"""  # noqa: S608
# Read from ix_call_deleted once per page: the rows themselves are long, and nothing else of them is wanted.
_DELETED = "id IN (SELECT id FROM call WHERE mailbox_id = ?1 AND deleted_at IS NOT NULL)"
# Found by the key of their own small table, once per row that is looked at.
_TAKEN = "EXISTS (SELECT 1 FROM handling WHERE handling.call_id = call.id AND handling.state = 'taken')"
_AWAY = """EXISTS (SELECT 1 FROM handling WHERE handling.call_id = call.id
    AND (handling.state = 'done' OR handling.user_id IS NOT ?2))"""
_FITS = {
    None: "1",
    Show.UNHEARD: f"""NOT {_DELETED} AND {_SPOKEN}
        AND NOT EXISTS (SELECT 1 FROM heard WHERE heard.user_id = ?2 AND heard.call_id = call.id)""",  # noqa: S608
    Show.NOTED: f"NOT {_DELETED} AND {_NOTED}",
    Show.MISSED: f"NOT {_DELETED} AND NOT {_NOTED}",
    Show.PRESENT: f"NOT {_DELETED}",
    Show.OPEN: f"NOT {_DELETED} AND NOT {_AWAY}",
    Show.TAKEN: f"NOT {_DELETED} AND {_TAKEN}",
    Show.DELETED: "deleted_at IS NOT NULL",
}
_PAGES = {
    show: f"""
        SELECT received_at, id FROM call WHERE mailbox_id = ?1
            AND (received_at, id) < (?3, ?4) AND (received_at, id) >= (?5, ?6) AND {fits}
        ORDER BY received_at DESC, id DESC LIMIT ?7
    """  # noqa: S608 - made of constants
    for show, fits in _FITS.items()
}
_LAST = """
    SELECT received_at, id FROM call WHERE mailbox_id = ? AND (received_at, id) < (?, ?)
    ORDER BY received_at DESC, id DESC LIMIT 1 OFFSET ?
"""
_COUNT = "SELECT count(*) FROM call WHERE mailbox_id = ?"
_NEWEST = (1 << 62, b"")
_OLDEST = (-1 << 62, b"")


def page(
    database: Database,
    mailbox_ids: Sequence[str],
    user_id: str | None,
    before: Cursor | None,
    limit: int,
    show: Show | None = None,
) -> tuple[list[Cursor], Cursor | None]:
    """Return time and id of at most ``limit`` rows of some mailboxes, and where to go on.

    Keyset by (received_at, id): a page deep in the past costs as much as the first, and new rows never shift
    it. None follows the last page; with ``show`` others may be short too, or empty (LOOKED_AT).
    Raises StoreError.
    """
    found: list[list[Cursor]] = []
    horizon: Cursor | None = None
    share = max(limit + 1, LOOKED_AT // max(len(mailbox_ids), 1))
    for mailbox_id in mailbox_ids:
        looked = show not in (None, Show.DELETED)
        last = _last(database, mailbox_id, before or _NEWEST, share) if looked else None
        span = (*(before or _NEWEST), *(last or _OLDEST))
        found.append(database.ask(_PAGES[show], mailbox_id, user_id, *span, limit + 1))
        if last is not None:
            horizon = max(last, horizon or last)
    # Beyond the newest end of a look other mailboxes may have rows that were not looked at.
    rows = [
        row
        for row in islice(heapq.merge(*found, reverse=True), limit + 1)
        if horizon is None or row >= horizon
    ]
    return rows[:limit], rows[limit - 1] if len(rows) > limit else horizon


def count(database: Database, mailbox_ids: Sequence[str]) -> int:
    """Return how many rows some mailboxes have. Raises StoreError."""
    return sum(found for mailbox_id in mailbox_ids for (found,) in database.ask(_COUNT, mailbox_id))


def _last(database: Database, mailbox_id: str, before: Cursor, share: int) -> Cursor | None:
    """Return the row up to which one look goes; None when it reaches the mailbox's end."""
    last: list[Cursor] = database.ask(_LAST, mailbox_id, *before, share - 1)
    return last[0] if last else None
