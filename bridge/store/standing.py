"""How a user stands to many mailboxes at once: by one query each, however many there are."""

from bridge.store.database import Database

_BELONGS = "SELECT 1 FROM member WHERE user_id = ? AND mailbox_id = ?"

_OPENS = """
    SELECT 1 FROM mailbox JOIN mailbox_wrap AS held
        ON held.mailbox_id = mailbox.id AND held.epoch = mailbox.epoch
    WHERE mailbox.private AND held.user_id = ? AND mailbox.id = ?
"""

_WAITING = """
    SELECT mine.mailbox_id, count(*) FROM member AS mine
    JOIN mailbox ON mailbox.id = mine.mailbox_id AND mailbox.private
    JOIN mailbox_wrap AS held
        ON held.mailbox_id = mailbox.id AND held.epoch = mailbox.epoch AND held.user_id = mine.user_id
    JOIN member AS other ON other.mailbox_id = mailbox.id
    JOIN user ON user.id = other.user_id AND user.public IS NOT NULL
        AND user.id NOT IN (SELECT user_id FROM recovery)
    WHERE mine.user_id = ? AND NOT EXISTS (
        SELECT 1 FROM mailbox_wrap AS theirs WHERE theirs.mailbox_id = mailbox.id
        AND theirs.epoch = mailbox.epoch AND theirs.user_id = other.user_id)
    GROUP BY mine.mailbox_id
"""

_PEOPLE = """
    SELECT mine.mailbox_id, count(*) FROM member AS mine
    JOIN mailbox ON mailbox.id = mine.mailbox_id
    JOIN member AS other ON other.mailbox_id = mailbox.id
    JOIN user ON user.id = other.user_id AND user.login_verifier IS NOT NULL
    WHERE mine.user_id = ? AND (NOT mailbox.private OR EXISTS (
        SELECT 1 FROM mailbox_wrap AS held WHERE held.mailbox_id = mailbox.id
        AND held.epoch = mailbox.epoch AND held.user_id = other.user_id))
    GROUP BY mine.mailbox_id
"""

_OLDER = """
    SELECT mailbox.id FROM member JOIN mailbox ON mailbox.id = member.mailbox_id AND mailbox.private
    WHERE member.user_id = ? AND (
        EXISTS (SELECT 1 FROM call WHERE call.mailbox_id = mailbox.id AND call.epoch < mailbox.epoch)
        OR EXISTS (SELECT 1 FROM note WHERE note.mailbox_id = mailbox.id AND note.epoch < mailbox.epoch))
"""


class Standing:
    """``store.standing``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def belongs(self, user_id: str, mailbox_id: str) -> bool:
        """Return whether the mailbox was given to the user, in whatever state he is."""
        return self._any(_BELONGS, user_id, mailbox_id)

    def opens(self, user_id: str, mailbox_id: str) -> bool:
        """Return whether the mailbox is private and the user is one of its members."""
        return self._any(_OPENS, user_id, mailbox_id)

    def waiting(self, user_id: str) -> dict[str, int]:
        """Return how many people with a key wait for approval, by id of each mailbox that the user opens.

        Mailboxes for which nobody waits are left out.
        """
        return dict(self._database.ask(_WAITING, user_id))

    def people(self, user_id: str) -> dict[str, int]:
        """Return how many people see the rows of each mailbox of the user; members who are programs are none.

        Mailboxes that nobody sees are left out.
        """
        return dict(self._database.ask(_PEOPLE, user_id))

    def older(self, user_id: str) -> frozenset[str]:
        """Return the ids of the user's private mailboxes in which something still wants a new envelope."""
        return frozenset(mailbox_id for (mailbox_id,) in self._database.ask(_OLDER, user_id))

    def _any(self, query: str, *values: str) -> bool:
        return bool(self._database.ask(query, *values))
