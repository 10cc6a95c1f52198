"""What Anna finds in her inbox: rows, their records, and the sound of their notes."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.call.model import Codec
from bridge.intake.importing import Import, Report
from bridge.intake.limits import Limits
from bridge.intake.takeover import Takeover
from bridge.media.g711 import Samples, decode
from bridge.seal.open import OpenedNote, open_note
from bridge.store import Row, Store
from tests.intake.spool import Spool, later
from tests.store.house import House, Person, opened

NONE = Limits()
"""The disk is never full, and the settings are the usual ones."""


@dataclass
class Inbox:
    """Anna's mailbox, with its private keys by epoch."""

    house: House
    anna: Person
    mailbox_id: str
    keys: dict[int, bytes] = field(repr=False)

    @property
    def store(self) -> Store:
        return self.house.store

    def rows(self) -> list[Row]:
        """The newest first, with Anna's marks."""
        return self.store.calls.rows([self.mailbox_id], self.anna.id)[0]

    def record(self, row: Row) -> dict[str, Any]:
        secret = self.keys[1]
        return dict(open_note(row.sealed, note_id=row.id, mailbox_id=self.mailbox_id, secret=secret).meta)

    def callers(self) -> list[str]:
        """The names of all callers who left a note, once for each note, sorted."""
        return sorted(self.record(row)["from"]["name"] for row in self.rows() for _ in row.notes)

    def note(self, row: Row) -> OpenedNote:
        (note,) = row.notes
        return opened(self.store, note, self.keys[note.epoch])

    def heard(self, row: Row) -> Samples:
        note = self.note(row)
        return decode(note.media, Codec(str(note.meta["type"]).removeprefix("audio/")))

    def blobs(self) -> list[Path]:
        return [path for path in self.house.data.glob("notes/*/*") if path.is_file()]


def bring(inbox: Inbox, spool: Spool, *wanted: str, go: bool = True, remove: bool = False) -> Report:
    """Import what is wanted."""
    work = Import(inbox.store, spool.path, wanted, clock=later)
    return asyncio.run(work.run(act=go, removes=remove, limits=Limits(), step=lambda: None))


def takeover(inbox: Inbox, spool: Spool, limits: Limits = NONE) -> Takeover:
    """What runs in the bridge, a minute later."""
    return Takeover(inbox.store, spool.path, limits, inbox.house.news.append, clock=later)


def rounds(work: Takeover, count: int = 1) -> None:
    """Let it look so many times."""

    async def look() -> None:
        for _ in range(count):
            await work.round()

    asyncio.run(look())
