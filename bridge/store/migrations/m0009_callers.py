"""Address books, and one line in the log for all that was erased of one caller."""

STATEMENTS = (
    """CREATE TABLE addressbook (
        user_id TEXT NOT NULL PRIMARY KEY REFERENCES user (id), version BLOB NOT NULL,
        sealed BLOB NOT NULL)""",
    "ALTER TABLE access ADD COLUMN erasure BLOB",
    "CREATE INDEX ix_access_erasure ON access (erasure) WHERE erasure IS NOT NULL",
)
