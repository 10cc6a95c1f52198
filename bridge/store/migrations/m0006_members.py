"""Who was let in or removed, and who made a mailbox's key and when."""

STATEMENTS = (
    "ALTER TABLE access ADD COLUMN about_id TEXT",
    # Missing for keys that are older than this.
    "ALTER TABLE mailbox_key ADD COLUMN made_at INTEGER",
    "ALTER TABLE mailbox_key ADD COLUMN made_by TEXT",
)
