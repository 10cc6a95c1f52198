"""A note from its first byte to the row that shows it."""

import asyncio
import stat

import pytest

from bridge.errors import Refused
from bridge.events import News
from bridge.seal.note import STREAM_MEDIA
from bridge.seal.open import open_note, open_row
from bridge.store import open_store
from tests.store.house import START, House, Take, claim, file_call, joined, note, row


def test_a_caller_speaks_and_the_member_hears_the_same(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    mailbox = house.store.mailboxes.by_extension("1001")
    assert mailbox is not None
    keys = claim(house.store, anna, mailbox.id)
    recipient = house.store.mailboxes.recipient("1001")
    assert recipient.epoch == 1
    call_id = file_call(house.store, recipient)
    take = Take(house.store, recipient, call_id)

    async def story() -> None:
        take.speak(15)
        assert note(house.store, take.id).state == "recording"
        assert await take.finish()

    asyncio.run(story())
    heard = take.opened(house.store, keys[1])
    assert heard.media == take.sent
    assert not heard.cut_off
    assert heard.peaks == bytes(range(7))
    found = row(house.store, call_id, anna.id)
    assert (found.extension, found.reason, found.received_at) == ("1001", "no_answer", START)
    (kept,) = found.notes
    assert (kept.state, kept.speech, kept.cut_off, kept.epoch) == ("kept", True, False, 1)
    assert kept.size == house.store.blobs.size(take.id) == len(house.store.blobs.read(take.id))
    from_row = open_row(
        kept.meta + kept.peaks,
        note_id=kept.id,
        mailbox_id=kept.mailbox_id,
        secret=keys[1],
        commit=kept.commit,
        envelopes=kept.envelopes,
    )
    assert from_row.meta["ended"] == "caller_hangup"
    assert from_row.peaks == bytes(range(7))
    record = open_note(found.sealed, note_id=call_id, mailbox_id=mailbox.id, secret=keys[1])
    assert record.meta["from"] == {"number": "+15550100"}


def test_news_of_a_row_comes_when_it_can_be_read(house: House) -> None:
    seen: list[tuple[str, bool | None]] = []

    def look(news: News) -> None:
        assert news.row_id is not None
        found = store.calls.row(bytes.fromhex(news.row_id))
        assert found is not None
        seen.append((found.notes[0].state, found.notes[0].speech) if found.notes else ("no note", None))

    house.store.close()
    house.store = store = open_store(house.data, events=look)
    recipient = store.mailboxes.recipient("1001")
    take = Take(store, recipient, file_call(store, recipient))
    asyncio.run(take.finish(speech=False))
    assert seen == [("no note", None), ("recording", None), ("kept", False)]


def test_a_star_discards_the_take_and_nothing_of_it_stays(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    call_id = file_call(house.store, recipient)
    first = Take(house.store, recipient, call_id)
    first.speak(3)
    first.recording.discard()
    second = Take(house.store, recipient, call_id)
    asyncio.run(second.finish())
    assert [kept.id for kept in row(house.store, call_id).notes] == [second.id]
    assert not house.store.blobs.path(first.id).exists()
    with pytest.raises(ValueError, match="ended"):
        first.recording.append(first.segment())


def test_a_note_cannot_be_begun_under_a_row_of_another_mailbox(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    other = house.store.mailboxes.recipient("1002")
    call_id = file_call(house.store, recipient)
    with pytest.raises(Refused, match="no such row"):
        Take(house.store, other, call_id)
    assert list(house.store.blobs.all_ids()) == []


def test_a_record_out_of_order_never_reaches_the_blob(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    take = Take(house.store, recipient, file_call(house.store, recipient))
    take.speak()
    before = house.store.blobs.read(take.id)
    lost = take.sealer.record(STREAM_MEDIA, b"lost", 500)
    later = take.sealer.record(STREAM_MEDIA, b"later", 1000)
    for bad in (later, later + lost, lost[:-1], b"\0" * 14, before[-10:]):
        with pytest.raises(ValueError, match=r"order|whole"):
            take.recording.append(bad)
    assert house.store.blobs.read(take.id) == before
    take.recording.append(lost + later)
    assert house.store.blobs.read(take.id) == before + lost + later


def test_folders_and_files_are_for_their_owner_only(house: House) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    take = Take(house.store, recipient, file_call(house.store, recipient))
    asyncio.run(take.finish())
    house.store.recover()
    found = {path.name for path in house.data.rglob("*")}
    assert {"server.secret", "aftertone.db", "aftertone.db-wal", "notes", "serve.lock"} <= found
    for path in (house.data, *house.data.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path.name
