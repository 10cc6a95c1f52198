"""Filters of the list over HTTP: each reader's own, and nobody else's rows by any of them."""

from typing import Any

import httpx
import pytest

from tests.loop import in_loop
from tests.web.town import API, Town


async def listed(client: httpx.AsyncClient, **params: str) -> list[str]:
    """Ids of all pages, asked for two at a time."""
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        answer = await client.get(f"{API}/rows", params={"limit": "2"} | params | more)
        assert answer.status_code == 200
        page = answer.json()
        found += [row["id"] for row in page["rows"]]
        if page["next"] is None:
            return found
        more = {"before": page["next"]}


def test_a_reader_lists_what_is_unheard_noted_or_only_missed(town: Town) -> None:
    @in_loop
    async def story() -> None:
        calls = [town.call("1001", minutes=minute) for minute in range(6)]
        for number in (1, 2, 4):
            await town.note("1001", calls[number])
        foreign = town.call("2002")
        await town.note("2002", foreign)
        async with town.page_of(town.alice) as alice, town.page_of(town.carol) as carol:
            await alice.put(f"{API}/rows/{calls[2]}/heard", json={"heard": True})
            assert await listed(alice, show="unheard") == [calls[4], calls[1]]
            assert await listed(alice, show="noted") == [calls[4], calls[2], calls[1]]
            assert await listed(alice, show="missed") == [calls[5], calls[3], calls[0]]
            assert await listed(alice) == calls[::-1]
            assert await listed(alice, show="noted", mailbox=town.box("1001").id) == [
                calls[4],
                calls[2],
                calls[1],
            ]
            assert await listed(carol, show="unheard") == [foreign]
            assert await listed(carol, show="missed") == []
            for show in ("unheard", "noted", "missed"):
                params = {"show": show, "mailbox": town.box("2002").id}
                assert (await alice.get(f"{API}/rows", params=params)).status_code == 404
        async with town.page_of(town.bob) as bob:
            assert await listed(bob, show="noted") == []

    story()


@pytest.mark.parametrize("show", ["", "all", "UNHEARD", "heard", "unheard'--", "noted,missed"])
def test_a_filter_that_there_is_not_is_refused(town: Town, show: str) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as alice:
            assert (await alice.get(f"{API}/rows", params={"show": show})).status_code == 422

    story()


def test_versions_tell_which_of_my_rows_changed_and_of_no_others(town: Town) -> None:
    @in_loop
    async def story() -> None:
        calls = [town.call("1001", minutes=minute) for minute in range(3)]
        town.call("2002")
        async with town.page_of(town.alice) as alice, town.page_of(town.bob) as bob:

            async def versions(**params: str) -> dict[str, Any]:
                answer = await alice.get(f"{API}/rows/versions", params=params)
                assert answer.status_code == 200
                told: dict[str, Any] = answer.json()
                return told

            first = await versions()
            assert [row["id"] for row in first["rows"]] == calls[::-1]
            assert (first["total"], first["next"]) == (3, None)
            rows = (await alice.get(f"{API}/rows")).json()["rows"]
            assert [row["version"] for row in rows] == [row["version"] for row in first["rows"]]
            await town.note("1001", calls[1])
            second = await versions()
            changed = [a["id"] for a, b in zip(first["rows"], second["rows"], strict=True) if a != b]
            assert changed == [calls[1]]
            page = await versions(limit="2")
            rest = await versions(before=page["next"])
            assert [row["id"] for row in page["rows"] + rest["rows"]] == calls[::-1]
            assert rest["total"] is None
            assert (await bob.get(f"{API}/rows/versions")).json() == {"rows": [], "next": None, "total": 0}
            assert (await alice.get(f"{API}/rows/versions", params={"before": "x"})).status_code == 400
            assert (await alice.get(f"{API}/rows/versions", params={"limit": "201"})).status_code == 422

    story()
