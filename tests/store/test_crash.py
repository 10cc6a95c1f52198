"""What stays of a note when the process dies."""

import asyncio
import os
import random
import shutil
from pathlib import Path
from typing import Never

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import StoreError, Unready
from bridge.seal.note import STREAM_MEDIA
from bridge.store import open_store
from bridge.store.blobs import Blobs
from bridge.store.recover import Recovered
from tests.store.house import (
    SEGMENT,
    START,
    House,
    Take,
    begun,
    claim,
    file_call,
    grown,
    joined,
    note,
    opened,
    row,
)


@pytest.fixture
def spoken(house: House) -> tuple[Take, dict[int, bytes]]:
    """A take whose end is in its blob and not yet in its row."""
    take, keys = begun(house)
    take.speak(3)
    take.recording.append(take.end()[0])
    return take, keys


def test_after_a_crash_the_note_is_kept_as_cut_off_and_opens(house: House) -> None:
    take, keys = begun(house)
    take.speak(5)
    with house.store.blobs.path(take.id).open("ab") as file:
        file.write(take.segment()[:77])
    store = house.open_again()
    house.news.clear()
    found = store.recover()
    assert found == Recovered(kept=1)
    assert "1 notes kept as cut off" in str(found)
    kept = note(store, take.id)
    assert (kept.state, kept.cut_off, kept.speech, kept.peaks) == ("kept", True, None, [])
    heard = take.opened(store, keys[1])
    assert heard.cut_off
    assert heard.media == take.sent[: 5 * SEGMENT]
    assert kept.size == store.blobs.size(take.id)
    assert [news.kind for news in house.news] == ["row"]
    assert not store.recover()


def test_a_take_without_sound_is_gone_after_a_crash_and_its_call_stays(house: House) -> None:
    take, _ = begun(house)
    store = house.open_again()
    assert store.recover() == Recovered(discarded=1)
    found = row(store, take.recording.call_id)
    assert found.notes == []
    assert not store.blobs.path(take.id).exists()


def test_a_note_whose_end_was_on_the_disk_before_its_row_is_whole(house: House) -> None:
    take, keys = begun(house)
    take.speak(2)
    take.recording.append(take.end()[0])
    store = house.open_again()
    store.recover()
    kept = note(store, take.id)
    assert not kept.cut_off
    assert not take.opened(store, keys[1]).cut_off
    assert (len(kept.meta), len(kept.peaks)) == (2, 1)


@pytest.mark.thorough
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_blob_torn_at_any_byte_opens_up_to_there(
    house: House, spoken: tuple[Take, dict[int, bytes]], tmp_path: Path, data: st.DataObject
) -> None:
    take, keys = spoken
    image = tmp_path / f"image-{os.urandom(4).hex()}"
    shutil.copytree(house.data, image)
    store = open_store(image)
    path = store.blobs.path(take.id)
    size = data.draw(st.integers(0, path.stat().st_size))
    os.truncate(path, size)
    garbage = data.draw(st.binary(max_size=40))
    with path.open("ab") as file:
        file.write(garbage)
    found = store.recover()
    kept = store.notes.get(take.id)
    assert (found.kept, found.discarded) == ((1, 0) if kept else (0, 1))
    first = len(take.sealer.head) + len(take.meta) + 14 + SEGMENT + 16
    assert (kept is not None) is (size >= first) or bool(garbage)
    if kept is not None and not garbage:
        media = opened(store, kept, keys[1]).media
        assert take.sent.startswith(media)
        assert len(media) >= (size - first) // (14 + SEGMENT + 16) * SEGMENT
    store.close()


def test_a_blob_without_a_row_is_left_alone_if_it_has_sound(house: House) -> None:
    take, _ = begun(house)
    take.speak()
    stray = bytes(16)
    house.store.blobs.create(stray, grown(house, take)).close()
    empty = bytes([1]) * 16
    house.store.blobs.create(empty, take.sealer.head).close()
    asyncio.run(take.finish())
    store = house.open_again()
    assert store.recover() == Recovered(strays=1)
    assert set(store.blobs.all_ids()) == {take.id, stray}


def test_a_blob_that_cannot_be_read_keeps_no_other_note_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, _ = begun(house)
    recipient = house.store.mailboxes.recipient("1001")
    fine = Take(house.store, recipient, file_call(house.store, recipient, "2.2"))
    for take in (broken, fine):
        take.speak()
    store = house.open_again()
    read = Blobs.read

    def fail(blobs: Blobs, note_id: bytes, start: int = 0, end: int | None = None) -> bytes:
        if note_id == broken.id:
            raise StoreError("note: Input/output error")
        return read(blobs, note_id, start, end)

    monkeypatch.setattr(Blobs, "read", fail)
    assert store.recover() == Recovered(kept=1)
    monkeypatch.undo()
    assert store.recover() == Recovered(kept=1)
    kept = [store.notes.get(take.id) for take in (broken, fine)]
    assert [note.state for note in kept if note is not None] == ["kept", "kept"]


def test_a_take_that_was_thrown_away_never_comes_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails just when the caller says that this take is nothing for anybody."""
    take, _ = begun(house)
    take.speak(3)

    def fail(_blobs: Blobs, _note_id: bytes) -> Never:
        raise StoreError("note cannot be removed: Input/output error")

    monkeypatch.setattr(Blobs, "remove", fail)
    with pytest.raises(StoreError, match="cannot be removed"):
        take.recording.discard()
    monkeypatch.undo()
    assert house.store.notes.get(take.id) is None
    assert row(house.store, take.recording.call_id).notes == []
    store = house.open_again()
    assert store.recover() == Recovered(discarded=1)
    assert row(store, take.recording.call_id).notes == []
    assert not store.blobs.path(take.id).exists()
    assert not store.recover()


def test_two_bridges_never_record_into_one_folder(house: House) -> None:
    house.store.recover()
    other = open_store(house.data)
    with pytest.raises(Unready, match="another aftertone serves"):
        other.recover()
    house.store.close()
    other.recover()
    other.close()


def test_random_calls_die_at_random_moments_and_none_is_lost(house: House) -> None:
    dice = random.Random(1)
    anna = joined(house.store, "Anna", "1001")
    keys = claim(house.store, anna, house.store.mailboxes.recipient("1001").mailbox_id)
    said: dict[bytes, bytes] = {}
    for generation in range(8):
        store = house.open_again()
        store.recover()
        recipient = store.mailboxes.recipient("1001")
        for number in range(6):
            take = Take(store, recipient, file_call(store, recipient, f"{generation}.{number}"))
            take.speak(dice.randrange(4))
            match dice.randrange(3):
                case 0:
                    asyncio.run(take.finish())
                case 1 if take.sent:
                    with store.blobs.path(take.id).open("ab") as file:
                        file.write(take.sealer.record(STREAM_MEDIA, b"torn", 0)[: dice.randrange(34)])
                case 2:
                    take.recording.discard()
                    continue
            if take.sent:
                said[take.id] = take.sent
    store = house.open_again()
    store.recover()
    rows, _ = store.calls.rows([recipient.mailbox_id], anna.id, limit=200)
    assert len(rows) == 48
    assert all(found.received_at == START for found in rows)
    kept = {kept.id: kept for found in rows for kept in found.notes}
    assert kept.keys() == said.keys()
    assert set(store.blobs.all_ids()) == said.keys()
    for note_id, sent in said.items():
        assert opened(store, kept[note_id], keys[1]).media == sent
