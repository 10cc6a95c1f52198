"""What a page is told of its mailboxes at a glance, and what that costs somebody who has two hundred."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from bridge.events import News
from tests.loop import in_loop
from tests.store.house import claim, joined
from tests.web.joiner import OWN, joiner
from tests.web.town import API, Town

MANY = 200
"""Mailboxes of a receptionist in a large house."""

FEW = 12
"""Queries that a request may take, however many mailboxes its user has."""


@contextmanager
def queries() -> Iterator[list[str]]:
    """Count what any database is asked within the block."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_members_are_told_that_somebody_waits_and_nobody_else_is(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as alice, town.page_of(town.bob) as bob:
            (mine,) = (await alice.get(f"{API}/me")).json()["mailboxes"]
            assert mine["waiting"] == 1  # bob
            dora = joiner(town, "Dora", "1001")
            (mine,) = (await alice.get(f"{API}/me")).json()["mailboxes"]
            assert mine["waiting"] == 1  # who has no key yet cannot be let in
            listener = town.events.listen(lambda news: True)
            async with town.client(**OWN) as browser:
                looked = await browser.post(f"{API}/join/look", json={"token": dora.token})
                assert [box["approval"] for box in looked.json()["mailboxes"]] == [True]
                assert (await browser.post(f"{API}/join", json=dora.body)).status_code == 200
            assert await anext(aiter(listener)) == News("row", town.box("1001").id)
            town.events.leave(listener)
            (mine,) = (await alice.get(f"{API}/me")).json()["mailboxes"]
            assert mine["waiting"] == 2
            (his,) = (await bob.get(f"{API}/me")).json()["mailboxes"]
            assert his["waiting"] == 0

    story()


def test_a_page_is_told_which_mailboxes_have_something_to_seal_anew(town: Town) -> None:
    @in_loop
    async def story() -> None:
        erin = joined(town.store, "erin", "5005")
        town.call("5005")
        async with town.page_of(erin) as page, town.page_of(town.alice) as alice:
            assert [box["older"] for box in (await page.get(f"{API}/me")).json()["mailboxes"]] == [False]
            claim(town.store, erin, town.box("5005").id)
            assert [box["older"] for box in (await page.get(f"{API}/me")).json()["mailboxes"]] == [True]
            assert [box["older"] for box in (await alice.get(f"{API}/me")).json()["mailboxes"]] == [False]

    story()


@pytest.mark.thorough
def test_two_hundred_mailboxes_cost_a_request_no_more_than_one(town: Town) -> None:
    @in_loop
    async def story() -> None:
        extensions = [f"{6000 + n}" for n in range(MANY)]
        mia = joined(town.store, "mia", *extensions)
        claim(town.store, mia, town.box("6000").id)
        row_id = town.call("6000")
        note = await town.note("6000", row_id)
        base = f"{API}/mailboxes/{town.box('6000').id}"
        async with town.page_of(mia) as page:
            with queries() as asked:
                assert len((await page.get(f"{API}/me")).json()["mailboxes"]) == MANY
            assert len(asked) <= FEW
            paths = [
                "/",
                f"{API}/rows",
                f"{API}/rows/{row_id}",
                f"{API}/notes/{note.sealer.note_id.hex()}/blob",
            ]
            for path in (*paths, f"{API}/status", f"{base}/members", f"{base}/rewraps"):
                with queries() as asked:
                    assert (await page.get(path)).status_code == 200, path
                assert len(asked) <= FEW, path
            with queries() as asked:
                assert (await page.post(f"{base}/claim", json={})).status_code == 409
            assert len(asked) <= FEW

    story()
