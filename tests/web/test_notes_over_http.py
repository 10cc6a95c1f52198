"""Lists and blobs as pages fetch them: pages of rows, ranges of notes, notes that are still being spoken."""

import pytest

from bridge.seal.open import open_note
from tests.loop import in_loop
from tests.web.town import API, Town


def test_a_list_is_read_page_by_page_while_new_calls_come_in(town: Town) -> None:
    @in_loop
    async def story() -> None:
        filed = [town.call("1001", minutes=number // 2) for number in range(11)]
        order = sorted(filed, key=lambda row_id: (filed.index(row_id) // 2, row_id), reverse=True)
        async with town.page_of(town.alice) as page:
            read: list[str] = []
            before: dict[str, str] = {}
            for _ in range(4):
                told = (await page.get(f"{API}/rows", params={"limit": "3"} | before)).json()
                read += [row["id"] for row in told["rows"]]
                town.call("1001", minutes=59)
                if told["next"] is None:
                    break
                before = {"before": told["next"]}
        assert read == order

    story()


def test_one_mailbox_of_several_can_be_listed(town: Town) -> None:
    @in_loop
    async def story() -> None:
        mine = town.call("1001")
        town.call("2002")
        async with town.page_of(town.alice) as page:
            told = (await page.get(f"{API}/rows", params={"mailbox": town.box("1001").id})).json()
            assert [row["id"] for row in told["rows"]] == [mine]
            for foreign in (town.box("2002").id, "mb_aaaaaaaaaaaaaaaa", "1001"):
                answer = await page.get(f"{API}/rows", params={"mailbox": foreign})
                assert answer.status_code == 404

    story()


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "201"}, 422),
        ({"limit": "x' OR 1=1"}, 422),
        ({"before": "1.zz"}, 400),
        ({"before": "x." + "0" * 32}, 400),
        ({"before": "9" * 20 + "." + "0" * 32}, 400),
        ({"before": "1." + "g" * 32}, 400),
        ({"before": "\u0661." + "0" * 32}, 400),
        ({"before": "0." + "0" * 32}, 200),
    ],
)
def test_a_cursor_of_somebodys_own_making_is_refused(town: Town, params: dict[str, str], status: int) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page:
            answer = await page.get(f"{API}/rows", params=params)
        assert answer.status_code == status
        if status != 200:
            assert set(answer.json()) == {"error", "message"}

    story()


RANGES = [
    # Range, status, first and last byte (of a note of N bytes)
    ("bytes=0-9", 206, lambda n: (0, 10)),
    ("bytes=5-", 206, lambda n: (5, n)),
    ("bytes=-7", 206, lambda n: (n - 7, n)),
    ("bytes=-999999999", 206, lambda n: (0, n)),
    ("bytes=10-999999999", 206, lambda n: (10, n)),
    ("bytes=3-2", 200, lambda n: (0, n)),
    ("bytes=0-1,5-6", 200, lambda n: (0, n)),
    ("bytes=-", 200, lambda n: (0, n)),
    ("lines=1-2", 200, lambda n: (0, n)),
    ("bytes=999999999-", 416, None),
    ("bytes=-0", 416, None),
]


@pytest.mark.parametrize(("asked", "status", "span"), RANGES)
def test_a_range_of_a_note_is_the_range_of_its_bytes(
    town: Town, asked: str, status: int, span: object
) -> None:
    @in_loop
    async def story() -> None:
        take = await town.note("1001", town.call("1001"), segments=2)
        whole = town.store.blobs.path(take.id).read_bytes()
        async with town.page_of(town.alice) as page:
            answer = await page.get(f"{API}/notes/{take.id.hex()}/blob", headers={"Range": asked})
        assert answer.status_code == status
        if status == 416:
            assert answer.headers["content-range"] == f"bytes */{len(whole)}"
            return
        assert callable(span)
        start, end = span(len(whole))
        assert answer.content == whole[start:end]
        assert answer.headers["accept-ranges"] == "bytes"
        if status == 206:
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(whole)}"

    story()


def test_a_long_note_comes_whole(town: Town) -> None:
    @in_loop
    async def story() -> None:
        take = await town.note("1001", town.call("1001"), segments=200)
        async with town.page_of(town.alice) as page:
            answer = await page.get(f"{API}/notes/{take.id.hex()}/blob")
        note = open_note(
            answer.content, note_id=take.id, mailbox_id=town.box("1001").id, secret=town.keys["1001"][1]
        )
        assert note.media == take.sent
        assert not note.cut_off

    story()


def test_a_note_that_is_being_spoken_is_there_as_far_as_it_goes(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        take = town.take("1001", row_id)
        take.speak(2)
        async with town.page_of(town.alice) as page:
            ((note,),) = [(await page.get(f"{API}/rows/{row_id}")).json()["notes"]]
            assert (note["state"], note["speech"]) == ("recording", None)
            blob = (await page.get(f"{API}/notes/{note['id']}/blob")).content
        opened = open_note(blob, note_id=take.id, mailbox_id=town.box("1001").id, secret=town.keys["1001"][1])
        assert opened.media == take.sent
        assert opened.cut_off
        take.recording.discard()

    story()


def test_a_take_that_was_spoken_anew_is_gone_for_good(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        take = town.take("1001", row_id)
        take.speak(1)
        take.recording.discard()
        async with town.page_of(town.alice) as page:
            assert (await page.get(f"{API}/rows/{row_id}")).json()["notes"] == []
            assert (await page.get(f"{API}/notes/{take.id.hex()}/blob")).status_code == 404

    story()


def test_the_page_is_written_with_skeletons_that_tell_nothing_of_the_caller(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id, theirs = town.call("1001"), town.call("2002")
        async with town.page_of(town.alice) as page:
            html = (await page.get("/")).text
            assert row_id in html
            assert theirs not in html
        async with town.page_of(town.bob) as page:
            assert row_id not in (await page.get("/")).text
        async with town.client() as stranger:
            answer = await stranger.get("/")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")

    story()
