"""The first tables."""

STATEMENTS = (
    "CREATE TABLE version (number INTEGER NOT NULL)",
    """CREATE TABLE user (
        id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, handle TEXT NOT NULL UNIQUE, public BLOB,
        login_salt BLOB, login_verifier BLOB, recovery_verifier BLOB, created_at INTEGER NOT NULL)""",
    """CREATE TABLE keyslot (
        id INTEGER NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user (id), slot BLOB NOT NULL)""",
    "CREATE INDEX ix_keyslot_user_id ON keyslot (user_id)",
    """CREATE TABLE invite (
        token_hash BLOB NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user (id),
        expires_at INTEGER NOT NULL)""",
    "CREATE INDEX ix_invite_user_id ON invite (user_id)",
    """CREATE TABLE session (
        token_hash BLOB NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user (id),
        kind TEXT NOT NULL, expires_at INTEGER NOT NULL)""",
    "CREATE INDEX ix_session_user_id ON session (user_id)",
    "CREATE INDEX ix_session_expires_at ON session (expires_at)",
    """CREATE TABLE mailbox (
        id TEXT NOT NULL PRIMARY KEY, extension TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        epoch INTEGER NOT NULL, private BOOLEAN NOT NULL, created_at INTEGER NOT NULL)""",
    """CREATE TABLE mailbox_key (
        mailbox_id TEXT NOT NULL REFERENCES mailbox (id), epoch INTEGER NOT NULL, public BLOB NOT NULL,
        PRIMARY KEY (mailbox_id, epoch))""",
    """CREATE TABLE server_copy (
        id INTEGER NOT NULL PRIMARY KEY, mailbox_id TEXT NOT NULL UNIQUE REFERENCES mailbox (id),
        closed BLOB NOT NULL)""",
    """CREATE TABLE claim (
        mailbox_id TEXT NOT NULL REFERENCES mailbox (id), user_id TEXT NOT NULL REFERENCES user (id),
        wrap BLOB NOT NULL, PRIMARY KEY (mailbox_id, user_id))""",
    """CREATE TABLE member (
        mailbox_id TEXT NOT NULL REFERENCES mailbox (id), user_id TEXT NOT NULL REFERENCES user (id),
        PRIMARY KEY (mailbox_id, user_id))""",
    "CREATE INDEX ix_member_user_id ON member (user_id)",
    """CREATE TABLE mailbox_wrap (
        mailbox_id TEXT NOT NULL REFERENCES mailbox (id), epoch INTEGER NOT NULL,
        user_id TEXT NOT NULL REFERENCES user (id), wrap BLOB NOT NULL,
        PRIMARY KEY (mailbox_id, epoch, user_id))""",
    "CREATE INDEX ix_mailbox_wrap_user_id ON mailbox_wrap (user_id)",
    """CREATE TABLE call (
        id BLOB NOT NULL PRIMARY KEY, mailbox_id TEXT NOT NULL REFERENCES mailbox (id),
        linkedid TEXT NOT NULL, received_at INTEGER NOT NULL, reason TEXT NOT NULL, sealed BLOB NOT NULL,
        epoch INTEGER NOT NULL, stale BOOLEAN NOT NULL)""",
    # One row per call and mailbox; a list reads the second index alone. What a partial index asks for is
    # written as the queries write it, or SQLite does not see that it serves.
    "CREATE UNIQUE INDEX ix_call_linkedid ON call (linkedid, mailbox_id)",
    "CREATE INDEX ix_call_list ON call (mailbox_id, received_at DESC, id DESC)",
    "CREATE INDEX ix_call_epoch ON call (mailbox_id, epoch)",
    "CREATE INDEX ix_call_stale ON call (mailbox_id) WHERE stale = 1",
    """CREATE TABLE note (
        id BLOB NOT NULL PRIMARY KEY, call_id BLOB NOT NULL REFERENCES call (id),
        mailbox_id TEXT NOT NULL REFERENCES mailbox (id), started_at INTEGER NOT NULL, state TEXT NOT NULL,
        speech BOOLEAN, cut_off BOOLEAN NOT NULL, size INTEGER NOT NULL, epoch INTEGER NOT NULL,
        stale BOOLEAN NOT NULL, "commit" BLOB NOT NULL, envelopes BLOB NOT NULL, meta BLOB NOT NULL,
        peaks BLOB NOT NULL)""",
    "CREATE INDEX ix_note_call_id ON note (call_id)",
    "CREATE INDEX ix_note_epoch ON note (mailbox_id, epoch)",
    "CREATE INDEX ix_note_stale ON note (mailbox_id) WHERE stale = 1",
    "CREATE INDEX ix_note_open ON note (state) WHERE state != 'kept'",
    """CREATE TABLE heard (
        user_id TEXT NOT NULL REFERENCES user (id), call_id BLOB NOT NULL REFERENCES call (id),
        PRIMARY KEY (user_id, call_id))""",
    "CREATE INDEX ix_heard_call ON heard (call_id)",
)
