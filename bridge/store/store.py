"""The store as a whole: a data folder with its database, blobs and server secret."""

import fcntl
import logging
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bridge.errors import StoreError, Unready
from bridge.events import News
from bridge.store.access import Access
from bridge.store.addressbook import AddressBooks
from bridge.store.blobs import FOLDER, Blobs
from bridge.store.calls import Calls
from bridge.store.claims import Claims
from bridge.store.closing import Closing, Flusher, Notebook
from bridge.store.database import Database
from bridge.store.deleting import Deleting
from bridge.store.directory import Directory
from bridge.store.disk import free_bytes
from bridge.store.envelopes import Envelopes
from bridge.store.epochs import Epochs
from bridge.store.giving import Giving
from bridge.store.handling import HandlingMarks
from bridge.store.mailboxes import Mailboxes
from bridge.store.migrations import migrate
from bridge.store.names import Clock, utc_now
from bridge.store.newkeys import NewKeys
from bridge.store.notes import Notes
from bridge.store.outbox import Outbox
from bridge.store.passkeys import Passkeys
from bridge.store.recover import Recovered, recover
from bridge.store.recovery import RecoveryKey
from bridge.store.secret import ServerSecret, load_secret
from bridge.store.sessions import Challenges, Sessions
from bridge.store.standing import Standing
from bridge.store.taken import Taken
from bridge.store.unheard import Counts, unheard_counts
from bridge.store.uploads import Uploads
from bridge.store.users import Users

log = logging.getLogger("aftertone.store")

DATABASE = "aftertone.db"
LOCK = "serve.lock"


def ignore(_news: News) -> None:
    """Tell nobody."""


class Store:
    """All of it, made by ``open_store``. Methods are synchronous, except for ending a recording.

    What every call needs is quick; what members and admins change (``Database.write``) waits for the disk and
    belongs into a thread.
    """

    def __init__(
        self,
        data: Path,
        database: Database,
        secret: ServerSecret,
        publish: Callable[[News], None],
        clock: Clock,
    ) -> None:
        self.data = data
        self._database = database
        self._publish = publish
        self._lock: int | None = None
        self.blobs = Blobs(data)
        self.claims = Claims(database, secret, clock)
        self.envelopes = Envelopes(database, self.blobs)
        self.mailboxes = Mailboxes(database, secret, clock, self.claims, self.envelopes)
        self.standing = Standing(database)
        self.epochs = Epochs(database, clock)
        self.giving = Giving(database, clock)
        self.newkeys = NewKeys(database, clock)
        self.directory = Directory(database)
        self.users = Users(database, self.mailboxes, secret, clock)
        self.passkeys = Passkeys(database, clock)
        self.recovery = RecoveryKey(database, clock)
        self.sessions = Sessions(database, secret, clock)
        self.challenges = Challenges(clock)
        self.taken = Taken(database, self.blobs, secret)
        self.calls = Calls(database, publish)
        self.access = Access(database, clock)
        self.handling = HandlingMarks(database, clock, publish)
        self.addressbooks = AddressBooks(database)
        self.deleting = Deleting(database, self.blobs, clock)
        self.uploads = Uploads(database, self.blobs, data, clock)
        self.outbox = Outbox(database)
        closing = Closing(database, publish)
        self.flusher = Flusher(database, closing, self.tidy)
        notebook = Notebook(database, self.blobs, self.flusher, closing, publish)
        self.notes = Notes(database, self.blobs, notebook, publish)
        database.wipe()

    def recover(self, now: datetime | None = None) -> Recovered:
        """End what a crash left open; to be called once by the process that records, before it does.

        From here on until ``close`` the folder is this process's to record into: raises Unready if another
        one is alive. Raises StoreError.
        """
        self._take_lock()
        self.outbox.free()
        self.blobs.make_folders()
        self.uploads.clear()
        return recover(self._database, self.blobs, self._publish)

    def tidy(self) -> list[News]:
        """Do what takes longer: wipe what was deleted, withdraw old envelopes, drop what is over.

        Called in a thread by ``flusher.run`` every 10 s; returns what is to be published. Raises StoreError.
        """
        self._database.wipe()
        self.sessions.drop_old()
        self.access.drop_old()
        gone = self.deleting.purge()
        self._database.checkpoint()
        # Last: it needs room for a copy of each blob, and a disk without any must not stop the rest.
        self.envelopes.drop_old()
        return gone

    def unheard_counts(self, mailbox_id: str) -> Counts | None:
        """Return how many notes of a mailbox nobody and somebody has heard. Raises StoreError."""
        return unheard_counts(self._database, mailbox_id)

    def free_bytes(self) -> int:
        """Return how much room the folder's disk has, in bytes. Raises StoreError."""
        return free_bytes(self.data)

    def close(self) -> None:
        """Close the database and give the folder back. Open recordings are ended by the next start."""
        self._database.close()
        self._drop_lock()

    def _drop_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        try:
            self._lock = os.open(self.data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._drop_lock()
            raise Unready(f"another aftertone serves {self.data}: stop it first") from None
        except OSError as error:
            raise StoreError(f"{self.data / LOCK}: {error.strerror}") from None


def open_store(data: Path, *, events: Callable[[News], None] = ignore, clock: Clock = utc_now) -> Store:
    """Open a data folder, made (mode 0700) with database and server secret if it is new; migrates forward.

    ``events`` is told what changed, after it is committed. Several processes may have a folder open; only one
    may ``recover`` and record. Raises Unready (server secret missing, database of a newer program, a folder
    that is open to others and not clearly ours to close) and StoreError.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_private(data)
        (data / FOLDER).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"data folder {data}: {error.strerror}") from None
    path = data / DATABASE
    # The secret comes first: a database without its secret would be worth less than none.
    secret = load_secret(data, may_create=not path.exists() or path.stat().st_size == 0)
    database = Database(path)
    try:
        migrate(database)
        return Store(data, database, secret, events, clock)
    except BaseException:
        database.close()
        raise


def _keep_private(data: Path) -> None:
    """Take the folder's rights away from everybody else, as ``mkdir`` of it does. Raises Unready and OSError.

    Only if it is ours and holds nothing or a store: a wrong setting must not close a home or /tmp.
    """
    found = data.stat()
    if not found.st_mode & 0o077:
        return
    ours = found.st_uid == os.geteuid() and ((data / DATABASE).exists() or not any(data.iterdir()))
    if not ours:
        mode = stat.S_IMODE(found.st_mode)
        raise Unready(f"{data} is open to other users of this machine (mode {mode:o}): chmod 700 it first")
    data.chmod(0o700)
    log.warning("%s was open to other users of this machine: closed (mode 700)", data)
