"""How many notes of a mailbox wait to be heard: what its lamp shows.

A note counts when something was said, or when nobody knows because a crash cut it off; a row that reads "no
speech heard" never does, nor does a deleted one. New is what no member has heard yet, old what one has.
"""

from typing import NamedTuple

from bridge.store.database import Database

_COUNTS = """
    WITH deleted AS (SELECT id FROM call WHERE mailbox_id = ?1 AND deleted_at IS NOT NULL)
    SELECT extension,
        (SELECT count(*) FROM note WHERE mailbox_id = mailbox.id AND state = 'kept' AND speech IS NOT 0
            AND call_id NOT IN deleted),
        (SELECT count(*) FROM note WHERE mailbox_id = mailbox.id AND state = 'kept' AND speech IS NOT 0
            AND call_id NOT IN deleted AND EXISTS (SELECT 1 FROM heard WHERE heard.call_id = note.call_id))
    FROM mailbox WHERE mailbox.id = ?1
"""


class Counts(NamedTuple):
    """What the lamp of an extension's mailbox shows."""

    extension: str
    new: int
    old: int


def unheard_counts(database: Database, mailbox_id: str) -> Counts | None:
    """Return the counts as they are now, None for a mailbox that does not exist. Raises StoreError."""
    for extension, notes, old in database.ask(_COUNTS, mailbox_id):
        return Counts(extension, notes - old, old)
    return None
