"""The organisation's recovery key, where there is one."""

STATEMENTS = (
    # Since when it is on; nothing there: it is off, and its user stays for what the logs tell of him.
    """CREATE TABLE recovery (
        user_id TEXT NOT NULL PRIMARY KEY REFERENCES user (id), since INTEGER)""",
)
