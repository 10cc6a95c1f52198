"""Passkeys: what the server knows of each beside its keyslot."""

STATEMENTS = (
    # With its keyslot a passkey goes, too: it would log in to notes that it does not open.
    """CREATE TABLE passkey (
        id BLOB NOT NULL PRIMARY KEY,
        keyslot_id INTEGER NOT NULL UNIQUE REFERENCES keyslot (id) ON DELETE CASCADE,
        credential_id BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL, counter INTEGER NOT NULL,
        name TEXT NOT NULL, added_at INTEGER NOT NULL, used_at INTEGER)""",
)
