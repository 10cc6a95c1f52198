"""Forwarding over HTTP: to any mailbox, by who may read the note, never torn or for another key."""

import pytest

from bridge.errors import StoreError
from bridge.seal.layout import RECORD_HEADER, TAG
from bridge.seal.note import Recipient
from bridge.seal.open import open_note
from bridge.store import uploads as staged
from tests.loop import in_loop
from tests.store.house import claim, joined
from tests.web.sender import Parcel, begin, done, put, rest, sent
from tests.web.town import API, Town


async def parcel(town: Town, to: str = "2002", sound: bytes = b"hello " * 3000) -> Parcel:
    """A note of alice's, sealed anew for a mailbox."""
    row = town.call("1001")
    take = await town.note("1001", row)
    return Parcel(town.store.mailboxes.recipient(to), take.id.hex(), sound)


def nothing_is_left(town: Town) -> bool:
    """Whether no upload lies about and 2002 has no row."""
    folder = town.data / staged.FOLDER
    files = list(folder.iterdir()) if folder.exists() else []
    return not files and town.store.calls.count([town.box("2002").id]) == 0


def test_a_forwarded_note_is_a_row_of_the_other_mailbox_at_once_and_opens_there_alone(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town, sound=b"hello " * 40_000)
        listener = town.events.listen(lambda news: news.mailbox_id == town.box("2002").id)
        async with town.page_of(town.alice) as page:
            told = await sent(page, mine)
            assert told.json() == {"row_id": mine.call_id.hex()}
            assert (await anext(aiter(listener))).row_id == mine.call_id.hex()
            assert (await page.get(f"{API}/rows/{mine.call_id.hex()}")).status_code == 404
            assert (await page.get(f"{API}/notes/{mine.id.hex()}/blob")).status_code == 404
        town.events.leave(listener)
        async with town.page_of(town.carol) as page:
            row = (await page.get(f"{API}/rows/{mine.call_id.hex()}")).json()
            blob = (await page.get(f"{API}/notes/{mine.id.hex()}/blob")).content
        (note,) = row["notes"]
        assert (row["reason"], row["heard"], note["state"], note["speech"]) == (
            "no_answer",
            False,
            "kept",
            True,
        )
        opened = open_note(blob, note_id=mine.id, mailbox_id=town.box("2002").id, secret=town.keys["2002"][1])
        assert (opened.media, opened.cut_off) == (mine.sound, False)
        assert town.store.unheard_counts(town.box("2002").id) == ("2002", 1, 0)
        assert not list((town.data / staged.FOLDER).iterdir())

    story()


def test_both_logs_say_who_did_it_and_what_was_sent_twice_is_one_row(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        async with town.page_of(town.alice) as page:
            assert (await sent(page, mine)).status_code == 200
            again = await begin(page, mine)  # the answer to "done" was lost
            assert again.json() == {"at": len(mine.head + mine.records)}
            assert (await done(page, mine)).json() == {"row_id": mine.call_id.hex()}
            log = (await page.get(f"{API}/mailboxes/{town.box('1001').id}/log")).json()["entries"]
        assert [(entry["act"], entry["user"]) for entry in log] == [("forwarded", "alice")]
        async with town.page_of(town.carol) as page:
            log = (await page.get(f"{API}/mailboxes/{town.box('2002').id}/log")).json()["entries"]
        assert [(entry["act"], entry["user"], entry["row_id"]) for entry in log] == [
            ("received", "alice", mine.call_id.hex())
        ]
        assert town.store.calls.count([town.box("2002").id]) == 1

    story()


def test_only_who_may_read_a_note_forwards_it_and_nobody_meddles_with_anothers_upload(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        for who in (town.carol, town.bob):
            async with town.page_of(who) as page:
                assert (await begin(page, mine)).status_code == 404
        async with town.page_of(town.alice) as page:
            assert (await begin(page, mine)).status_code == 200
        async with town.page_of(town.carol) as page:
            for answer in (await rest(page, mine, len(mine.head)), await done(page, mine)):
                assert (answer.status_code, answer.json()["error"]) == (404, "not found")
        async with town.page_of(town.alice) as page:
            unknown = Parcel(Recipient("mb_aaaaaaaaaaaaaaaa", 1, mine.recipient.public), mine.source)
            assert (await begin(page, unknown)).status_code == 404

    story()


def test_a_connection_that_broke_goes_on_where_it_was_and_other_bytes_are_refused(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        first = len(mine.head)
        async with town.page_of(town.alice) as page:
            assert (await begin(page, mine)).json() == {"at": first}
            assert (await put(page, mine, first, mine.records[:5000])).json() == {"at": first + 5000}
            assert (await put(page, mine, first, mine.records[:5000])).json() == {"at": first + 5000}
            assert (await begin(page, mine)).json() == {"at": first + 5000}
            for at, piece in ((first, b"x" * 5000), (first + 6000, mine.records[6000:])):
                answer = await put(page, mine, at, piece)
                assert (answer.status_code, answer.json()["error"]) == (409, "other bytes")
            other = Parcel(mine.recipient, mine.source, id=mine.id)
            assert (await begin(page, other)).json()["error"] == "other bytes"
            assert (await rest(page, mine, first + 5000)).status_code == 200
            assert (await done(page, mine)).status_code == 200

    story()


def test_a_note_that_is_there_already_is_not_written_over_and_an_announcement_does_not_tell_of_it(
    town: Town,
) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        foreign_row = bytes.fromhex(town.call("2002"))
        foreign = (await town.note("2002", foreign_row.hex())).id
        blob = town.store.blobs.path(bytes.fromhex(mine.source)).read_bytes()
        async with town.page_of(town.alice) as page:
            for ids in (
                {"id": foreign},
                {"call_id": foreign_row},
                {"id": foreign_row},
                {"id": bytes.fromhex(mine.source)},
                {"call_id": bytes.fromhex(mine.source)},
            ):
                there = Parcel(mine.recipient, mine.source, **ids)
                new = Parcel(mine.recipient, mine.source)
                told = [await begin(page, each) for each in (there, new)]
                assert {(answer.status_code, answer.text) for answer in told} == {
                    (200, f'{{"at":{len(new.head)}}}')
                }
                assert (await rest(page, there, len(there.head))).status_code == 200
                answer = await done(page, there)
                assert (answer.status_code, answer.json()["error"]) == (409, "taken already")
        assert town.store.blobs.path(bytes.fromhex(mine.source)).read_bytes() == blob
        assert len(list((town.data / "notes").glob("*/*"))) == 2
        assert town.store.calls.count([town.box("2002").id]) == 1

    story()


def test_a_note_for_another_key_mailbox_or_id_is_refused_before_a_byte_is_kept(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        box = mine.recipient
        wrong = {
            "old key": Parcel(Recipient(box.mailbox_id, 0, town.box("1001").public), mine.source),
            "not this note": Parcel(Recipient(town.box("1001").id, 1, box.public), mine.source),
        }
        async with town.page_of(town.alice) as page:
            for word, one in wrong.items():
                path = f"{API}/mailboxes/{box.mailbox_id}/forwards"
                answer = await page.post(path, json=one.announced)
                assert answer.json()["error"] == word
                assert answer.status_code == (409 if word == "old key" else 422)
            answer = await begin(page, mine, id="0" * 32)
            assert answer.json()["error"] == "not this note"
            answer = await begin(page, mine, call_id="0" * 32)
            assert answer.json()["error"] == "not this note"
        assert nothing_is_left(town)

    story()


def test_a_key_that_changed_on_the_way_sends_the_note_back(town: Town) -> None:
    @in_loop
    async def story() -> None:
        dora = joined(town.store, "dora", "3003")
        mine = await parcel(town, "3003")
        async with town.page_of(town.alice) as page:
            await begin(page, mine)
            await rest(page, mine, len(mine.head))
            claim(town.store, dora, mine.recipient.mailbox_id)
            answer = await done(page, mine)
            assert (answer.status_code, answer.json()["error"]) == (409, "old key")
            anew = Parcel(town.store.mailboxes.recipient("3003"), mine.source)
            assert (await sent(page, anew)).status_code == 200
        assert not town.store.blobs.path(mine.id).exists()

    story()


def without_end(one: Parcel) -> None:
    last = RECORD_HEADER.size + TAG + 256
    one.records = one.records[:-last]


def torn(one: Parcel) -> None:
    one.records = one.records[:-1]


def gap(one: Parcel) -> None:
    start = RECORD_HEADER.size + TAG + 256
    one.records = one.records[:start] + one.records[start + 4000 + 30 :]


def twice(one: Parcel) -> None:
    one.records += one.records[-(RECORD_HEADER.size + TAG + 256) :]


def flags(one: Parcel) -> None:
    one.records = one.records[:5] + b"\2" + one.records[6:]


def endless(one: Parcel) -> None:
    one.records = b"\xff" * 4 + one.records[4:]


def empty(one: Parcel) -> None:
    start = RECORD_HEADER.size + TAG + 256
    one.records = one.records[:start] + RECORD_HEADER.pack(TAG, 0, 0, 0, 0) + bytes(TAG) + one.records[start:]


def foreign_stream(one: Parcel) -> None:
    one.records += RECORD_HEADER.pack(TAG, 9, 1, 0, 0) + bytes(TAG)


WRONG_FRAMES = {
    without_end: "not whole", torn: "not whole", gap: "index", twice: "after final", flags: "flags",
    endless: "record length", empty: "empty", foreign_stream: "stream",
}  # fmt: skip


def test_torn_notes_and_frames_that_no_reader_takes_are_refused(town: Town) -> None:
    @in_loop
    async def story() -> None:
        whole = await parcel(town)
        async with town.page_of(town.alice) as page:
            for spoil, word in WRONG_FRAMES.items():
                one = Parcel(whole.recipient, whole.source)
                spoil(one)
                answer = await sent(page, one)
                assert (answer.status_code, answer.json()["error"]) == (422, word), spoil
                assert (await done(page, one)).status_code == 404
        assert nothing_is_left(town)

    story()


def test_more_than_was_announced_or_than_a_note_may_have_is_refused(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        async with town.page_of(town.alice) as page:
            most = town.app.state.house.uploads.most_bytes
            answer = await begin(page, mine, size=most + 1)
            assert (answer.status_code, answer.json()["error"]) == (413, "too long")
            assert "180 seconds" in answer.json()["message"]
            await begin(page, mine)
            answer = await put(page, mine, len(mine.head), mine.records + b"x" * 100)
            assert answer.json()["error"] == "not whole"
            again = Parcel(mine.recipient, mine.source)
            await begin(page, again)
            answer = await put(page, again, len(again.head), bytes((64 << 10) + 1))
            assert answer.status_code == 413
            form = {"Content-Type": "text/plain"}
            answer = await page.put(f"{API}/forwards/{again.id.hex()}", content=b"x", headers=form)
            assert answer.status_code == 415
            bytes_elsewhere = {"Content-Type": "application/octet-stream"}
            answer = await page.post(f"{API}/rows/erase", content=b"x", headers=bytes_elsewhere)
            assert answer.status_code == 415

    story()


def test_a_disk_that_is_nearly_full_takes_no_further_note(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = await parcel(town)
        uploads = town.app.state.house.uploads
        uploads._min_free = town.store.free_bytes() + (1 << 30)
        async with town.page_of(town.alice) as page:
            answer = await sent(page, mine)
            assert (answer.status_code, answer.json()["error"]) == (507, "disk full")
            assert nothing_is_left(town)
            uploads._min_free = 0
            assert (await sent(page, mine)).status_code == 200

    story()


def test_who_forwards_without_end_waits_and_a_fourth_upload_ends_the_idlest(town: Town) -> None:
    @in_loop
    async def story() -> None:
        first = await parcel(town)
        async with town.page_of(town.alice) as page:
            begun = [first, *(Parcel(first.recipient, first.source) for _ in range(3))]
            for one in begun:
                town.seconds.now += 0.01
                assert (await begin(page, one)).status_code == 200
            assert (await rest(page, begun[0], len(begun[0].head))).status_code == 404
            for one in begun[1:]:
                await rest(page, one, len(one.head))
                assert (await done(page, one)).status_code == 200
            answers = [
                (await sent(page, Parcel(first.recipient, first.source))).status_code for _ in range(27)
            ]
            assert answers == [200] * 26 + [429]
            town.seconds.now += 20
            assert (await sent(page, Parcel(first.recipient, first.source))).status_code == 200

    story()


def test_what_nobody_goes_on_sending_goes_and_what_a_crash_left_goes_at_the_next_start(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def story() -> None:
        left, other = await parcel(town), await parcel(town)
        folder = town.data / staged.FOLDER
        async with town.page_of(town.alice) as page:
            await begin(page, left)
            town.seconds.now += 601
            await begin(page, other)
            assert [each.stem for each in folder.iterdir()] == [other.id.hex()]
            assert (await done(page, left)).status_code == 404
            await rest(page, other, len(other.head))

            def dies(_arrival: object) -> None:
                raise StoreError("the process ends here")

            monkeypatch.setattr(town.store.uploads, "_write", dies)
            monkeypatch.setattr(town.store.blobs, "remove", lambda _id: None)
            assert (await done(page, other)).status_code == 503
            assert town.store.blobs.path(other.id).exists()
        monkeypatch.undo()
        town.store.uploads.clear()
        assert not town.store.blobs.path(other.id).exists()
        assert nothing_is_left(town)

    story()


def test_the_directory_tells_everybody_who_joined_to_whom_he_can_seal(town: Town) -> None:
    @in_loop
    async def story() -> None:
        town.store.mailboxes.add("3003", "Lab")
        async with town.page_of(town.bob) as page:
            told = (await page.get(f"{API}/directory")).json()
            seen = [
                (box["extension"], box["name"], box["private"], box["epoch"]) for box in told["mailboxes"]
            ]
            assert seen == [("1001", "1001", True, 1), ("2002", "2002", True, 1), ("3003", "Lab", False, 0)]
            assert told["next"] is None
            rest = (await page.get(f"{API}/directory", params={"after": "1001"})).json()["mailboxes"]
            assert [box["extension"] for box in rest] == ["2002", "3003"]
            assert set(rest[0]) == {"id", "extension", "name", "private", "epoch", "public"}

    story()


def test_taking_many_notes_out_is_one_line_of_the_log_with_their_number(town: Town) -> None:
    @in_loop
    async def story() -> None:
        takes = [await town.note("1001", town.call("1001")) for _ in range(3)]
        log = f"{API}/mailboxes/{town.box('1001').id}/log"
        async with town.page_of(town.alice) as page:
            blob = f"{API}/notes/{takes[0].id.hex()}/blob"
            await page.get(blob, params={"act": "exported"})
            await page.get(blob, params={"act": "exported"})
            (entry,) = (await page.get(log)).json()["entries"]
            assert (entry["act"], entry["count"]) == ("exported", 1)
            assert entry["row_id"] is not None
            for take in takes[1:]:
                await page.get(f"{API}/notes/{take.id.hex()}/blob", params={"act": "exported"})
            (entry,) = (await page.get(log)).json()["entries"]
            assert (entry["count"], entry["row_id"]) == (3, None)
            town.clock.turn(minutes=11)
            await page.get(blob, params={"act": "exported"})
            assert len((await page.get(log)).json()["entries"]) == 2
            assert (await page.get(blob, params={"act": "erased"})).status_code == 422

    story()
