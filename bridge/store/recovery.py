"""The organisation's recovery key: a member of every private mailbox, once a member of it has let it in.

Its private half is in a key file that this server does not keep. It is off until the administrator turns it
on, and nothing here lets it in: the server holds no mailbox key that it could close for it. While it is on,
every member is told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from bridge.errors import Refused
from bridge.store import tables
from bridge.store.access import Act, write_change
from bridge.store.database import Database
from bridge.store.handling import release
from bridge.store.members import admit_recovery, check_public
from bridge.store.names import Clock, handle_of, moment_of, new_id, seconds_of
from bridge.store.users import User

NAME = "Organisation recovery key"
"""What members, logs and commands call it."""

_BOXES = """
    SELECT extension, mailbox.id, EXISTS (
        SELECT 1 FROM mailbox_wrap WHERE mailbox_wrap.mailbox_id = mailbox.id
        AND mailbox_wrap.epoch = mailbox.epoch AND mailbox_wrap.user_id = recovery.user_id)
    FROM recovery JOIN mailbox ON mailbox.private WHERE recovery.since IS NOT NULL ORDER BY extension
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """The key that is on. ``opens`` and ``waits``: private mailboxes (id -> extension) whose members have let
    it in, or have not yet."""

    user_id: str
    public: bytes
    since: datetime
    opens: dict[str, str]
    waits: dict[str, str]


class RecoveryKey:
    """``store.recovery``. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> Recovery | None:
        """Return the key that is on."""
        with self._database.reading() as session:
            row = session.exec(select(tables.RecoveryRow)).one_or_none()
            user = session.get(tables.User, row.user_id) if row is not None else None
            if row is None or row.since is None or user is None or user.public is None:
                return None
            boxes = session.connection().exec_driver_sql(_BOXES).all()
            opens, waits = ({box: name for name, box, lets in boxes if lets is way} for way in (1, 0))
            return Recovery(user.id, user.public, moment_of(row.since), opens, waits)

    def turn_on(self, public: bytes, keep: Callable[[User], None] = lambda user: None) -> User:
        """Turn a key (raw X25519) on; from now on it waits to be let in. The same one again changes nothing.

        ``keep`` writes its file, which names the user's id; when it raises, nothing has happened. Raises
        Refused: ``public key``, ``recovery key on`` (another one is), ``user name taken``.
        """
        check_public(public)
        with self._database.session() as session:
            row = session.exec(select(tables.RecoveryRow)).one_or_none()
            user = self._made(session) if row is None else session.get_one(tables.User, row.user_id)
            row = row or tables.RecoveryRow(user_id=user.id)
            if row.since is not None and user.public != public:
                raise Refused("recovery key on", user="Another recovery key is on: turn it off first.")
            user.public = public
            row.since = row.since or seconds_of(self._clock())
            session.add_all((user, row))
            session.flush()
            admit_recovery(session)
            told = User(user.id, user.name, user.public)
            keep(told)
            return told

    def turn_off(self) -> Recovery:
        """Turn the key off: it is no member any more and gets nothing; returns it as it was.

        What it has been given and somebody has copied stays given, so the mailboxes that it opened have
        outgrown their keys, and their logs say why. Raises Refused(``no recovery key``).
        """
        was = self.now()
        if was is None:
            raise Refused("no recovery key", user="There is no recovery key.")
        with self._database.session() as session:
            for table in (tables.MailboxWrap, tables.Member, tables.LoginSession):
                session.exec(delete(table).where(col(table.user_id) == was.user_id))
            release(session, was.user_id)
            now = self._clock()
            for mailbox_id in was.opens:
                write_change(session, now, mailbox_id, None, Act.REMOVED, was.user_id)
            row = session.get_one(tables.RecoveryRow, was.user_id)
            row.since = None
            session.add(row)
        self._database.wipe_later()
        self._database.wipe()
        return was

    def _made(self, session: Session) -> tables.User:
        handle = handle_of(NAME)
        if session.exec(select(tables.User).where(tables.User.handle == handle)).first() is not None:
            raise Refused("user name taken", user=f"There is a user who is called {NAME}.")
        user = tables.User(id=new_id("us_"), name=NAME, handle=handle, created_at=seconds_of(self._clock()))
        session.add(user)
        session.flush()
        return user
