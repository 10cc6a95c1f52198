"""The mailboxes of the house as everybody who has joined may see them: to whom something can be sealed."""

from dataclasses import dataclass

from bridge.store.database import Database

MOST = 500
"""Mailboxes of one answer: some 80 KB."""

_PAGE = """
    SELECT mailbox.id, extension, name, private, mailbox.epoch, public FROM mailbox
    JOIN mailbox_key ON mailbox_id = mailbox.id AND mailbox_key.epoch = mailbox.epoch
    WHERE extension > ? ORDER BY extension LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One mailbox. ``public`` is the X25519 key of the present ``epoch``; until it is ``private``, the server
    can open what is sealed to it."""

    id: str
    extension: str
    name: str
    private: bool
    epoch: int
    public: bytes


class Directory:
    """``store.directory``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, after: str = "", limit: int = MOST) -> list[Listed]:
        """Return mailboxes by extension, those after ``after``; at most MOST and one more, which tells that
        there are more. Raises StoreError."""
        found = self._database.ask(_PAGE, after, min(max(limit, 1), MOST + 1))
        return [
            Listed(box, extension, name, bool(private), epoch, public)
            for box, extension, name, private, epoch, public in found
        ]
