"""Address books: sealed by their owners' pages to their own keys, and only kept here (FORMAT.md)."""

from dataclasses import dataclass

from sqlmodel import Session

from bridge.errors import Refused
from bridge.seal.layout import SUITE
from bridge.seal.note import kid, scan_records, split_head
from bridge.store import tables
from bridge.store.database import Database
from bridge.store.users import User

MOST_BYTES = 4 << 20
"""Largest address book: 10,000 people, the most that a page keeps, with three numbers and a note each."""

_ENVELOPE = 91
"""Bytes of an envelope of suite 1."""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """A sealed book; ``version`` is its note id, another one with each saving."""

    version: bytes
    sealed: bytes


class AddressBooks:
    """``store.addressbooks``. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> AddressBook | None:
        """Return a user's book; only ever to himself."""
        with self._database.reading() as session:
            row = session.get(tables.AddressBookRow, user_id)
            return AddressBook(row.version, row.sealed) if row is not None else None

    def put(self, user: User, replaces: bytes | None, sealed: bytes) -> bytes:
        """Keep a user's book in the place of the version ``replaces`` (None: he has none yet).

        Returns its version. Raises Refused: ``address book`` (too large, cut off, another user's, or sealed
        to another key than his: all that can be told from outside), ``address book changed`` (another
        device of his has saved meanwhile: it is to be read and merged).
        """
        version = checked(user.id, user.public, sealed)
        with self._database.session() as session:
            row = session.get(tables.AddressBookRow, user.id)
            if (row.version if row is not None else None) != replaces:
                raise book_changed()
            if row is None:
                row = tables.AddressBookRow(user_id=user.id, version=version, sealed=sealed)
            row.version, row.sealed = version, sealed
            session.add(row)
        return version


def replace(session: Session, user_id: str, public: bytes, book: tuple[bytes, bytes] | None) -> None:
    """Within a transaction that gives a user another key: put his book, sealed to that one, in the place of
    the version it was made of (version, sealed); None where he has none.

    Raises Refused as ``AddressBooks.put``.
    """
    row = session.get(tables.AddressBookRow, user_id)
    if (row.version if row is not None else None) != (book[0] if book is not None else None):
        raise book_changed()
    if row is not None and book is not None:
        row.version, row.sealed = checked(user_id, public, book[1]), book[1]
        session.add(row)


def book_changed() -> Refused:
    """Return the refusal of a book that was made of an older one than is kept by now."""
    return Refused("address book changed", user="Another device has changed the address book.")


def checked(user_id: str, public: bytes | None, sealed: bytes) -> bytes:
    """Return the note id of a book that its owner can open, as far as that is seen. Raises Refused."""
    wrong = Refused("address book", user="This is no address book of yours.")
    if len(sealed) > MOST_BYTES or public is None:
        raise wrong
    try:
        head = split_head(sealed)
        whole, records = scan_records(sealed[head.size :])
    except Refused:
        raise wrong from None
    named = [(each.suite, each.kid, len(each.raw)) for each in head.envelopes]
    if head.mailbox_id != user_id.encode() or named != [(SUITE, kid(public), _ENVELOPE)]:
        raise wrong
    if not records or head.size + whole != len(sealed):
        raise wrong
    return head.note_id
