"""What is still to be told to others, and a lamp's counts read from an index alone."""

STATEMENTS = (
    """CREATE TABLE outbox (
        id INTEGER NOT NULL PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, made_at INTEGER NOT NULL,
        due_at REAL NOT NULL, attempts INTEGER NOT NULL, claimed_at REAL, error TEXT)""",
    # At most one that waits and one under way, whoever writes.
    "CREATE UNIQUE INDEX ix_outbox_once ON outbox (kind, key, claimed_at IS NULL)",
    "CREATE INDEX ix_outbox_due ON outbox (due_at) WHERE claimed_at IS NULL",
    # All that the query names, so that it reads nothing else, and what it asks for as it is written there.
    """CREATE INDEX ix_note_lamp ON note (mailbox_id, call_id, state, speech)
        WHERE state = 'kept' AND speech IS NOT 0""",
)
