"""Whoever ends the bridge at whatever moment finds each message once: as a note, or still in the spool, never
twice."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.errors import StoreError
from bridge.intake import folder, taker
from bridge.intake.note import sealed_note
from bridge.store import taken
from bridge.store.blobs import Blobs
from bridge.store.database import Database
from tests.intake.inbox import Inbox, bring, rounds, takeover
from tests.intake.spool import Spool

CALLERS = ["Caller 0", "Caller 1"]


class Killed(BaseException):
    """The process ends here."""


class Fate:
    """Ends the process at the n-th step that leaves a trace on the disk, before or behind it."""

    def __init__(self, at: int, *, behind: bool) -> None:
        self.steps = 0
        self.happened = False
        self._at = at
        self._behind = behind

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def fated(*args: Any, **words: Any) -> Any:
            self.steps += 1
            if self.steps == self._at and not self._behind:
                self._end()
            result = step(*args, **words)
            if self.steps == self._at and self._behind:
                self._end()
            return result

        return fated

    def _end(self) -> None:
        self.happened = True
        raise Killed


def meet(fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put fate around everything that changes disk or database."""

    class Os:
        unlink = staticmethod(fate.around(os.unlink))
        link = staticmethod(fate.around(os.link))

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    monkeypatch.setattr(folder, "os", Os())
    monkeypatch.setattr(Blobs, "put", fate.around(Blobs.put))
    monkeypatch.setattr(taken.Taken, "_begin", fate.around(taken.Taken._begin))
    monkeypatch.setattr(taken.Taken, "_insert", fate.around(taken.Taken._insert))
    monkeypatch.setattr(Database, "sync", fate.around(Database.sync))
    monkeypatch.setattr(taker, "sealed_note", fate.around(sealed_note))


def fates() -> Iterator[tuple[int, bool]]:
    for at in range(1, 50):
        yield at, False
        yield at, True


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["import", pytest.param("takeover", marks=pytest.mark.long)])
def test_at_every_step(inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    work = (
        (lambda: bring(inbox, spool, remove=True))
        if way == "import"
        else (lambda: rounds(takeover(inbox, spool)))
    )
    happened = 0
    for at, behind in fates():
        for _ in CALLERS:
            spool.put("ulaw")
        spool.put("ulaw", duration="")
        spool.callers = 0
        fate = Fate(at, behind=behind)
        with monkeypatch.context() as patched:
            meet(fate, patched)
            try:
                work()
            except Killed:
                happened += 1
        inbox.house.open_again().recover()
        work()
        if not fate.happened:
            break
        assert inbox.callers() == CALLERS, (at, behind)
        # Where nothing is left to remove, a gap is left to app_voicemail, which closes it by itself.
        assert [name[7:] for name in spool.names()] == [".txt", ".ulaw"], (at, behind)
        assert spool.callers_left() == ["Caller 2"], (at, behind)
        assert len(inbox.blobs()) == 2, (at, behind)
        start_again(inbox, spool)
    assert happened > 15


def start_again(inbox: Inbox, spool: Spool) -> None:
    """Forget everything, so that the next fate meets the same callers."""
    for path in spool.folder().iterdir():
        path.unlink()
    with inbox.store._database.write() as connection:
        for table in ("heard", "note", "call", "taken", "outbox"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    for blob in inbox.blobs():
        blob.unlink()


def test_a_disk_that_refuses_the_row_keeps_the_message_and_the_next_round_takes_it(
    inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put()

    def refuse(*_: object) -> None:
        raise StoreError("database: disk I/O error")

    work = takeover(inbox, spool)
    with monkeypatch.context() as broken:
        broken.setattr(Database, "sync", refuse)
        rounds(work)
        assert work.status.why == "database: disk I/O error"
    assert spool.names() == ["msg0000.txt", "msg0000.wav"]
    rounds(work)
    assert (work.status.why, inbox.callers(), spool.names()) == ("", ["Caller 0"], [])
