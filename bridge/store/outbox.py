"""What is still to be told to others: written in the transaction of the change, taken by a runner later.

A row says "look at this again", not what is to be said: that is read when it is sent. So of one thing there
is at most one row that waits, however often the thing changed, and one that is under way; a change that comes
meanwhile makes the next one that waits. That bounds the table by the number of mailboxes, also while nobody
takes anything out of it because no PBX is named in the settings: rows are written then, too, since a command
or an import beside the bridge does not know whether there is one.
"""

from dataclasses import dataclass

from bridge.store.database import Database

LAMP = "lamp"
"""The kind whose key is a mailbox's id: its counts may have changed."""

ADD = """
    INSERT INTO outbox (kind, key, made_at, due_at, attempts)
    VALUES (:kind, :key, CAST(strftime('%s', 'now') AS INTEGER), 0, 0)
    ON CONFLICT (kind, key, claimed_at IS NULL) DO UPDATE SET due_at = 0 WHERE attempts = 0
"""
"""For the transaction of the change, with ``lamp_of`` as its values. Due at once, unless it waits after a
failure: a change does not bring back a PBX."""

_RENEW = """
    INSERT INTO outbox (kind, key, made_at, due_at, attempts)
    SELECT :kind, id, CAST(strftime('%s', 'now') AS INTEGER), 0, 0 FROM mailbox WHERE true
    ON CONFLICT (kind, key, claimed_at IS NULL) DO UPDATE SET due_at = 0
"""

_DUE = """
    SELECT id, kind, key, attempts, error, error IS NOT NULL AND (attempts > 0 OR due_at = 0)
    FROM outbox AS mine
    WHERE claimed_at IS NULL AND due_at <= ? AND NOT EXISTS (
        SELECT 1 FROM outbox AS busy
        WHERE busy.kind = mine.kind AND busy.key = mine.key AND busy.claimed_at IS NOT NULL)
    ORDER BY due_at, id LIMIT ?
"""

_CLAIM = "UPDATE OR IGNORE outbox SET claimed_at = :now WHERE id = :id AND claimed_at IS NULL"

_HAND_ON = """
    UPDATE outbox SET attempts = :attempts, error = :word
    WHERE claimed_at IS NULL AND (kind, key) = (SELECT kind, key FROM outbox WHERE id = :id)
"""

_BACK = (
    "UPDATE outbox SET claimed_at = NULL, attempts = :attempts, error = :word, due_at = :due WHERE id = :id"
)

_DROP = "DELETE FROM outbox WHERE id = :id"

_FREE = (
    # where one waits beside the one that was under way, it is enough
    """DELETE FROM outbox WHERE claimed_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM outbox AS next
        WHERE next.kind = outbox.kind AND next.key = outbox.key AND next.claimed_at IS NULL)""",
    "UPDATE outbox SET claimed_at = NULL WHERE claimed_at IS NOT NULL",
    "UPDATE outbox SET due_at = 0 WHERE due_at > 0",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row that was claimed: ``attempts`` in a row have failed so far, the last one with ``error``.

    ``unsure``: an attempt that failed may still arrive, later than the next one that does not fail.
    """

    id: int
    kind: str
    key: str
    attempts: int
    error: str | None
    unsure: bool


def lamp_of(mailbox_id: str) -> dict[str, str]:
    """Return the values of ``ADD`` for a mailbox whose counts may have changed."""
    return {"kind": LAMP, "key": mailbox_id}


class Outbox:
    """``store.outbox``. Times are seconds since 1970. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now: float, limit: int) -> list[Entry]:
        """Take what is due, at most ``limit`` rows; nobody else gets them until ``done`` or ``failed``.

        Never a row while another of the same kind and key is under way: what is told last is true last.
        """
        due = [Entry(*found) for found in self._database.ask(_DUE, now, limit)]
        if not due:
            return []
        with self._database.write_soon() as connection:
            return [
                entry
                for entry in due
                if connection.execute(_CLAIM, {"id": entry.id, "now": now}).rowcount == 1
            ]

    def next_due(self, now: float) -> float | None:
        """Return when a row that waits will be due, of those that are not due yet."""
        [(due,)] = self._database.ask(
            "SELECT min(due_at) FROM outbox WHERE claimed_at IS NULL AND due_at > ?", now
        )
        return None if due is None else float(due)

    def done(self, entry: Entry, again_at: float | None = None) -> None:
        """It has arrived: the row goes, or is due once more at ``again_at``; at once after a change."""
        # The word stays with the row, so that a change until then, told earlier, is known to be unsure, too.
        word = entry.error if again_at is not None else None
        with self._database.write_soon() as connection:
            values = {"id": entry.id, "attempts": 0, "word": word, "due": again_at}
            if connection.execute(_HAND_ON, values).rowcount or again_at is None:
                connection.execute(_DROP, values)
            else:
                connection.execute(_BACK, values)

    def failed(self, entry: Entry, word: str, due_at: float) -> None:
        """It has not arrived: the row is due again at ``due_at``; at once if there was a change meanwhile."""
        with self._database.write_soon() as connection:
            values = {"id": entry.id, "attempts": entry.attempts + 1, "word": word, "due": due_at}
            if connection.execute(_HAND_ON, values).rowcount:
                connection.execute(_DROP, values)
            else:
                connection.execute(_BACK, values)

    def failing(self) -> int:
        """Return how many rows have failed and have not arrived since."""
        [(count,)] = self._database.ask("SELECT count(*) FROM outbox WHERE attempts > 0")
        return int(count)

    def renew_lamps(self) -> None:
        """Have the counts of every mailbox told again, at once: the PBX may have forgotten them."""
        with self._database.write_soon() as connection:
            connection.execute(_RENEW, {"kind": LAMP})

    def free(self) -> int:
        """Give back what a killed process had claimed, and make everything due; return how many claims.

        Only for the one process that serves the folder, before it runs. Due at once whatever the rows say:
        the clock may have been set back since.
        """
        with self._database.write_soon() as connection:
            doubled, freed, _hurried = [connection.execute(statement).rowcount for statement in _FREE]
        return doubled + freed
