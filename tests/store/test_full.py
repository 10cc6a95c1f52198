"""What stays of a note when the disk fills up, fails, or takes its time."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Never

import pytest

from bridge.errors import StoreError
from bridge.store.database import Database
from bridge.store.recover import Recovered
from tests.store.house import (
    House,
    Take,
    begun,
    file_call,
    grown,
    note,
    row,
    until,
)


def test_a_take_that_is_thrown_away_while_the_database_is_full_leaves_no_sound(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, _ = begun(house)
    take.speak(3)

    def refuse(_database: Database) -> Never:
        raise StoreError("database or disk is full")

    monkeypatch.setattr(Database, "write_soon", refuse)
    with pytest.raises(StoreError, match="full"):
        take.recording.discard()
    monkeypatch.undo()
    assert not house.store.blobs.path(take.id).exists()
    assert house.open_again().recover() == Recovered(discarded=1)


class FullDisk:
    """os.write on a disk with so much room; what fits is written, as real disks do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr("bridge.store.blobs.os.write", self)

    def __call__(self, handle: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(handle, data[: self.room])
        self.room -= written
        return written


def test_a_full_disk_tears_no_record_and_the_same_record_may_be_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, keys = begun(house)
    take.speak(2)
    before = grown(house, take)
    record = take.segment()
    disk = FullDisk(monkeypatch, 1234)
    with pytest.raises(StoreError, match="No space left"):
        take.recording.append(record)
    assert grown(house, take) == before
    disk.room = 1 << 20
    take.recording.append(record)
    asyncio.run(take.finish())
    heard = take.opened(house.store, keys[1])
    assert (heard.media, heard.cut_off) == (take.sent, False)


def test_a_full_disk_at_the_end_keeps_the_note_as_cut_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, keys = begun(house)
    take.speak(2)
    said = take.sent
    FullDisk(monkeypatch, 100)
    assert asyncio.run(take.finish()) is False
    kept = note(house.store, take.id)
    assert (kept.state, kept.cut_off, len(kept.meta), kept.peaks) == ("kept", True, 1, [])
    heard = take.opened(house.store, keys[1])
    assert (heard.media, heard.cut_off) == (said, True)


def test_a_note_that_the_database_refused_is_in_the_inbox_without_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, keys = begun(house)
    take.speak(2)

    def refuse(_database: Database) -> Never:
        raise StoreError("database or disk is full")

    async def story() -> None:
        monkeypatch.setattr(Database, "write_soon", refuse)
        with pytest.raises(StoreError, match="full"):
            await take.finish()
        await house.store.flusher.do_chores()
        assert note(house.store, take.id).state == "recording"
        monkeypatch.undo()
        house.news.clear()
        await house.store.flusher.do_chores()
        assert [news.kind for news in house.news] == ["row"]

    asyncio.run(story())
    heard = take.opened(house.store, keys[1])
    assert (heard.media, heard.cut_off) == (take.sent, False)
    assert (note(house.store, take.id).state, note(house.store, take.id).cut_off) == ("kept", False)


def test_a_recording_that_lost_its_disk_is_kept_as_far_as_it_came(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, keys = begun(house)
    take.speak(2)
    said = take.sent
    disk = FullDisk(monkeypatch, 0)
    with pytest.raises(StoreError):
        take.speak()
    assert asyncio.run(take.recording.cut_off())
    assert not asyncio.run(take.recording.cut_off())
    heard = take.opened(house.store, keys[1])
    assert (heard.media, heard.cut_off) == (said, True)
    disk.room = 1 << 20
    silent = Take(house.store, take.recipient, take.recording.call_id)
    assert not asyncio.run(silent.recording.cut_off())
    assert house.store.notes.get(silent.id) is None


def test_no_room_to_begin_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    take, _ = begun(house)
    FullDisk(monkeypatch, 10)
    with pytest.raises(StoreError):
        Take(house.store, take.recipient, take.recording.call_id)
    assert set(house.store.blobs.all_ids()) == {take.id}
    assert len(row(house.store, take.recording.call_id).notes) == 1


def test_a_disk_that_fails_to_flush_ends_the_note_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take, keys = begun(house)
    take.speak(2)

    real = os.fdatasync

    def broken(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink() == house.store.blobs.path(take.id):
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    monkeypatch.setattr("bridge.store.blobs.os.fdatasync", broken)
    asyncio.run(house.store.flusher.flush_now())
    assert "cannot be made durable" in caplog.text
    said = take.sent
    with pytest.raises(StoreError):
        take.speak()
    asyncio.run(take.recording.cut_off())
    assert note(house.store, take.id).cut_off
    assert take.opened(house.store, keys[1]).media == said


def test_what_was_said_is_flushed_within_a_second_or_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, _ = begun(house)
    flushed: list[int] = []
    real = os.fdatasync

    def watched(handle: int) -> None:
        real(handle)
        flushed.append(os.fstat(handle).st_size)

    monkeypatch.setattr("bridge.store.blobs.os.fdatasync", watched)

    async def story() -> None:
        flusher = asyncio.create_task(house.store.flusher.run())
        for _ in range(2):
            take.speak(3)
            await until(lambda: take.recording.size in flushed)
        flusher.cancel()

    asyncio.run(story())


def test_two_hundred_hang_up_at_once_and_the_loop_goes_on(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    takes = []
    for number in range(200):
        takes.append(Take(house.store, recipient, file_call(house.store, recipient, str(number))))
        takes[-1].speak()

    async def story() -> float:
        loop = asyncio.get_running_loop()
        longest = 0.0

        async def pulse() -> None:
            nonlocal longest
            while True:
                before = loop.time()
                await asyncio.sleep(0.005)
                longest = max(longest, loop.time() - before - 0.005)

        watch = asyncio.create_task(pulse())
        assert all(await asyncio.gather(*(take.finish() for take in takes)))
        watch.cancel()
        return longest

    longest = asyncio.run(story())
    print(f"longest pause of the loop: {longest * 1000:.0f} ms")
    assert longest < 2.0
    assert all(note(house.store, take.id).state == "kept" for take in takes)


def test_a_caller_whose_session_is_cancelled_is_kept_all_the_same(house: House) -> None:
    take, keys = begun(house)
    take.speak()

    async def story() -> None:
        ending = asyncio.create_task(take.finish())
        await asyncio.sleep(0)
        ending.cancel()
        await until(lambda: note(house.store, take.id).state == "kept")

    asyncio.run(story())
    assert take.opened(house.store, keys[1]).media == take.sent
