"""Which messages of another voicemail were taken over, so that none is taken twice."""

STATEMENTS = (
    # Nothing of a message can be read here: id and words are keyed hashes. The note may be gone by now, and
    # its message is not taken again for that; so it is no foreign key.
    """CREATE TABLE taken (
        id BLOB NOT NULL PRIMARY KEY, words BLOB NOT NULL, note_id BLOB NOT NULL, done BOOLEAN NOT NULL)""",
    "CREATE INDEX ix_taken_words ON taken (words)",
)
