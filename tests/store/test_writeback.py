"""Many notes written back together: a help that may fail or hang, and that never speaks for a note."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store import writeback
from bridge.store.blobs import Blobs, BlobWriter, sync_all
from bridge.store.writeback import MANY, Writeback


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[list[BlobWriter]]:
    """As many open notes as it is worth it for, each with something that is not on the disk yet."""
    blobs = Blobs(tmp_path)
    (tmp_path / "notes").mkdir()
    writers = [blobs.create(os.urandom(16), b"head") for _ in range(MANY)]
    yield writers
    for writer in writers:
        writer.close()


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the files that were made durable by themselves."""
    sizes: list[int] = []
    real = os.fdatasync

    def watched(handle: int) -> None:
        real(handle)
        sizes.append(os.fstat(handle).st_size)

    monkeypatch.setattr("bridge.store.blobs.os.fdatasync", watched)
    return sizes


def test_what_was_written_back_together_is_still_made_sure_of_note_by_note(
    notes: list[BlobWriter], synced: list[int]
) -> None:
    together = Writeback()
    assert sync_all(notes, together) == {}
    assert synced == [4] * MANY
    assert together.run(notes[0].folder)


def test_a_file_system_that_somebody_else_filled_keeps_no_note_waiting(
    notes: list[BlobWriter], synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Event()
    asked: list[int] = []

    def slow(handle: int) -> None:
        asked.append(handle)
        written.wait(30)

    monkeypatch.setattr(writeback, "_SYNCFS", slow)
    together = Writeback()
    try:
        for said in (1, 2):
            for note in notes:
                note.append(b"said")
            assert sync_all(notes, together) == {}
            assert synced[-MANY:] == [4 + 4 * said] * MANY
        assert len(asked) == 1
    finally:
        written.set()
    until = time.monotonic() + 10
    while not together.run(notes[0].folder):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_note_whose_writing_failed_is_named_and_no_other(
    notes: list[BlobWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, handles = os.fdatasync, iter(range(MANY))

    def failing(handle: int) -> None:
        if next(handles) == 3:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr("bridge.store.blobs.os.fdatasync", failing)
    failed = sync_all(notes, Writeback())
    assert list(failed) == [notes[3]]
    assert "Input/output error" in str(failed[notes[3]])


def test_a_small_house_does_not_have_all_its_programs_written_back(
    notes: list[BlobWriter], synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(writeback, "_SYNCFS", asked.append)
    assert sync_all(notes[:-1], Writeback()) == {}
    assert (asked, synced) == ([], [4] * (MANY - 1))


@pytest.mark.parametrize("away", [True, False])
def test_where_the_system_cannot_notes_are_synced_all_the_same(
    notes: list[BlobWriter], synced: list[int], monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    if away:
        notes[0].folder += ".gone"
        notes[0]._named = True
    else:
        monkeypatch.setattr(writeback, "_SYNCFS", None)
    assert sync_all(notes, Writeback()) == {}
    assert synced == [4] * MANY
