"""Deleting over HTTP: for every member's page at once, with a log that the members read and nobody else."""

import httpx

from bridge.events import News
from tests.loop import in_loop
from tests.web.town import API, Town


async def listed(page: httpx.AsyncClient, show: str) -> list[str]:
    rows = (await page.get(f"{API}/rows", params={"show": show})).json()["rows"]
    return [row["id"] for row in rows]


async def acts(page: httpx.AsyncClient, town: Town) -> list[tuple[str, str, int]]:
    told = (await page.get(f"{API}/mailboxes/{town.box('1001').id}/log")).json()
    return [(entry["act"], entry["user"], entry["count"]) for entry in told["entries"]]


def test_a_member_deletes_brings_back_and_erases_and_others_pages_are_told(town: Town) -> None:
    @in_loop
    async def story() -> None:
        rows = [town.call("1001", minutes=minute) for minute in range(3)]
        box = town.box("1001").id
        town.clock.turn(hours=1)
        async with town.page_of(town.alice) as page:
            town.news.clear()
            listener = town.events.listen(lambda news: True)
            told = await page.post(f"{API}/rows/deleted", json={"ids": rows[:2], "deleted": True})
            assert told.json() == {"changed": 2}
            assert {(await anext(aiter(listener))).row_id for _ in range(2)} == set(rows[:2])
            assert (await listed(page, "present"), set(await listed(page, "deleted"))) == (
                [rows[2]],
                set(rows[:2]),
            )
            told = await page.post(f"{API}/rows/deleted", json={"ids": rows[:1], "deleted": False})
            assert told.json() == {"changed": 1}
            told = await page.post(f"{API}/rows/erase", json={"ids": rows})
            assert told.json() == {"changed": 1}, "two of them are not deleted"
            assert set(await listed(page, "present")) == {rows[0], rows[2]}
            assert (await page.get(f"{API}/rows/{rows[1]}")).status_code == 404
            assert News("row", box, rows[1]) in listener.waiting()
            town.events.leave(listener)
            assert await acts(page, town) == [
                ("erased", "alice", 1), ("restored", "alice", 1), ("deleted", "alice", 2)
            ]  # fmt: skip

    story()


def test_everything_of_one_caller_is_told_as_one_and_not_of_whom(town: Town) -> None:
    @in_loop
    async def story() -> None:
        rows = [town.call("1001", minutes=minute) for minute in range(3)]
        town.clock.turn(hours=1)
        async with town.page_of(town.alice) as page:
            for some in (rows[:2], rows[2:]):
                told = await page.post(f"{API}/rows/erase", json={"ids": some, "erasure": "ab" * 16})
                assert told.json() == {"changed": len(some)}
            assert await acts(page, town) == [("erased_caller", "alice", 3)]
            for wrong in ("", "ab", "AB" * 16, 5):
                told = await page.post(f"{API}/rows/erase", json={"ids": rows, "erasure": wrong})
                assert told.status_code == 422

    story()


def test_whoever_is_no_member_deletes_nothing_and_is_not_told_whether_there_was_anything(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        town.clock.turn(hours=1)
        for who in (town.carol, town.bob):
            async with town.page_of(who) as page:
                for path, body in (("deleted", {"deleted": True}), ("erase", {})):
                    told = [
                        await page.post(f"{API}/rows/{path}", json={"ids": [each], **body})
                        for each in (row, "0" * 32)
                    ]
                    assert {(each.status_code, each.text) for each in told} == {(200, '{"changed":0}')}
        async with town.page_of(town.alice) as page:
            assert await listed(page, "present") == [row]
            assert await acts(page, town) == []

    story()


def test_too_many_rows_or_strange_ones_are_refused(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page:
            for ids in ([], ["0" * 32] * 201, ["nothing"], ["0" * 31], "0" * 32):
                assert (await page.post(f"{API}/rows/erase", json={"ids": ids})).status_code == 422, ids

    story()


def test_the_log_says_who_listened_and_who_saved_a_file(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        note = (await town.note("1001", row)).id.hex()
        async with town.page_of(town.alice) as page:
            await page.get(f"{API}/notes/{note}/blob")
            await page.get(f"{API}/notes/{note}/blob", headers={"Range": "bytes=5-9"})
            assert (await page.post(f"{API}/notes/{note}/log", json={"act": "saved"})).status_code == 200
            assert (await page.post(f"{API}/notes/{note}/log", json={"act": "erased"})).status_code == 422
            assert await acts(page, town) == [("saved", "alice", 1), ("played", "alice", 1)]
            told = (await page.get(f"{API}/mailboxes/{town.box('1001').id}/log")).json()
            assert {entry["row_id"] for entry in told["entries"]} == {row}
            assert told["next"] is None

    story()


def test_a_long_log_is_read_page_by_page(town: Town) -> None:
    @in_loop
    async def story() -> None:
        rows = [town.call("1001", minutes=minute) for minute in range(60)]
        async with town.page_of(town.alice) as page:
            for row in rows:
                await page.post(f"{API}/rows/deleted", json={"ids": [row], "deleted": True})
            path = f"{API}/mailboxes/{town.box('1001').id}/log"
            first = (await page.get(path)).json()
            rest = (await page.get(path, params={"before": first["next"]})).json()
            assert [entry["row_id"] for entry in first["entries"] + rest["entries"]] == rows[::-1]
            assert (len(first["entries"]), rest["next"]) == (50, None)

    story()
