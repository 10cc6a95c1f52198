"""Rows that can be deleted and brought back, how long a mailbox keeps them, and who did what with them."""

STATEMENTS = (
    "ALTER TABLE call ADD COLUMN deleted_at INTEGER",
    # In the order of the list, and with all that the chores ask for: lists and chores read nothing else.
    """CREATE INDEX ix_call_deleted ON call (mailbox_id, received_at DESC, id DESC, deleted_at)
        WHERE deleted_at IS NOT NULL""",
    "ALTER TABLE mailbox ADD COLUMN keep_days INTEGER",
    # Who and what may be gone while what was done still stands, so neither is a foreign key.
    """CREATE TABLE access (
        id INTEGER NOT NULL PRIMARY KEY, mailbox_id TEXT NOT NULL REFERENCES mailbox (id), user_id TEXT,
        at INTEGER NOT NULL, act TEXT NOT NULL, call_id BLOB, count INTEGER NOT NULL)""",
    "CREATE INDEX ix_access_list ON access (mailbox_id, id)",
    "CREATE INDEX ix_access_once ON access (call_id, user_id, act, at)",
    "CREATE INDEX ix_access_at ON access (at)",
)
