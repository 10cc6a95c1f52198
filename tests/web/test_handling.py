"""Taken, done and open over HTTP: two who take at once, what a row tells each of its readers, who may not."""

import asyncio
from typing import Any

import httpx
import pytest

from bridge.events import News
from bridge.seal.keys import mailbox_wrap
from tests.loop import in_loop
from tests.web.town import API, Town
from web.answers import to_b64

OPEN = {"state": "open"}


async def let_in_bob(town: Town, page: httpx.AsyncClient) -> None:
    """Alice's page approves him."""
    box = town.box("1001")
    wraps = [
        {"epoch": wrap.epoch, "wrap": to_b64(mailbox_wrap(town.bob.public, town.bob.id, box.id, *made))}
        for wrap in town.store.mailboxes.wraps_of(town.alice.id)
        for made in [(wrap.epoch, town.keys["1001"][wrap.epoch], wrap.public)]
    ]
    path = f"{API}/mailboxes/{box.id}/members/{town.bob.id}/approve"
    assert (
        await page.post(path, json={"public": to_b64(town.bob.public), "wraps": wraps})
    ).status_code == 200


async def wish(page: httpx.AsyncClient, row: str, state: str, seen: dict[str, Any]) -> httpx.Response:
    return await page.put(f"{API}/rows/{row}/handling", json={"state": state, "seen": seen})


async def handling(page: httpx.AsyncClient, row: str) -> dict[str, Any]:
    found: dict[str, Any] = (await page.get(f"{API}/rows/{row}")).json()["handling"]
    return found


async def shown(page: httpx.AsyncClient, show: str) -> list[str]:
    return [row["id"] for row in (await page.get(f"{API}/rows", params={"show": show})).json()["rows"]]


def test_of_two_who_take_at_once_one_has_it_and_the_other_learns_who(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        async with town.page_of(town.alice) as hers, town.page_of(town.bob) as his:
            await let_in_bob(town, hers)
            listener = town.events.listen(lambda news: True)
            answers = await asyncio.gather(*(wish(page, row, "taken", OPEN) for page in (his, hers)))
            assert sorted(each.status_code for each in answers) == [200, 409]
            first, late = (town.bob, hers) if answers[0].status_code == 200 else (town.alice, his)
            refusal = next(each for each in answers if each.status_code == 409)
            assert refusal.json() == {
                "error": "handled otherwise",
                "message": f"{first.name} has taken this call.",
            }
            taken = {"state": "taken", "user_id": first.id, "user": first.name, "at": "2026-03-01T12:00:00Z"}
            assert await handling(late, row) == {**taken, "mine": False}
            assert [news for news in listener.waiting() if news.row_id] == [
                News("row", town.box("1001").id, row)
            ]
            town.events.leave(listener)
            mine = his if first is town.bob else hers
            assert await handling(mine, row) == {**taken, "mine": True}
            assert await shown(late, "open") == []
            assert (
                await shown(mine, "open") == await shown(late, "taken") == await shown(mine, "taken") == [row]
            )
            over = await wish(late, row, "taken", {"state": "taken", "user_id": first.id})
            assert (over.status_code, over.json()["mine"]) == (200, True)
            assert (await wish(mine, row, "done", {"state": "taken", "user_id": first.id})).status_code == 409
            assert (await handling(mine, row))["state"] == "taken"

    story()


def test_versions_tell_all_members_of_a_mark(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        async with town.page_of(town.alice) as hers, town.page_of(town.bob) as his:
            await let_in_bob(town, hers)
            before = (await his.get(f"{API}/rows/versions")).json()["rows"]
            assert (await wish(hers, row, "done", OPEN)).json()["state"] == "done"
            after = (await his.get(f"{API}/rows/versions")).json()["rows"]
            assert before[0]["version"] != after[0]["version"]
            assert await shown(his, "open") == await shown(his, "taken") == []

    story()


def test_who_is_no_member_marks_nothing_and_learns_nothing(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        for who in (town.carol, town.bob):
            async with town.page_of(who) as page:
                told = [await wish(page, each, "taken", OPEN) for each in (row, "0" * 32)]
                assert {(each.status_code, each.text) for each in told} == {(404, told[0].text)}
        async with town.page_of(town.alice) as page:
            assert (await handling(page, row))["state"] == "open"

    story()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"state": "taken"},
        {"state": "heard", "seen": OPEN},
        {"state": "taken", "seen": "open"},
        {"state": "taken", "seen": {"state": "taken", "user_id": "x" * 201}},
        {"state": "taken", "seen": OPEN, "user_id": "us_x"},
    ],
)
def test_a_strange_wish_is_refused(town: Town, body: dict[str, Any]) -> None:
    @in_loop
    async def story() -> None:
        row = town.call("1001")
        async with town.page_of(town.alice) as page:
            assert (await page.put(f"{API}/rows/{row}/handling", json=body)).status_code == 422

    story()
