"""Who has taken a call into his hands, and which are done."""

STATEMENTS = (
    # An open row has none. Who it was may be gone while what he did still stands, so he is no foreign key.
    # The table is its own index: lists ask for every row that they look at.
    """CREATE TABLE handling (
        call_id BLOB NOT NULL PRIMARY KEY REFERENCES call (id), state TEXT NOT NULL, user_id TEXT NOT NULL,
        at INTEGER NOT NULL) WITHOUT ROWID""",
)
