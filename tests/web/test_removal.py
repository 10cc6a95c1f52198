"""Taking somebody off a mailbox over the API: who may, what he still gets, and what his open pages hear."""

from typing import Any

import httpx
import pytest

from bridge.events import News
from bridge.seal.keys import mailbox_wrap, new_keypair, public_of
from tests.loop import in_loop
from tests.store.house import Person, joined
from tests.web.test_live import listening, up
from tests.web.town import API, Town
from web.answers import to_b64
from web.limits import PACES


def let_in(town: Town, person: Person, extension: str = "1001") -> None:
    """Alice lets somebody in, with every key there is."""
    box = town.box(extension)
    keys = town.alice.keys(town.store, box.id)
    wraps = [
        (epoch, mailbox_wrap(person.public, person.id, box.id, epoch, key, public_of(key)))
        for epoch, key in keys.items()
    ]
    town.store.mailboxes.approve(box.id, town.alice.id, person.id, person.public, wraps)


def next_key(mailbox_id: str, epoch: int, *stay: Person) -> dict[str, Any]:
    private, public = new_keypair()
    wraps = [
        {
            "user_id": who.id,
            "wrap": to_b64(mailbox_wrap(who.public, who.id, mailbox_id, epoch, private, public)),
        }
        for who in stay
    ]
    return {"epoch": epoch, "public": to_b64(public), "wraps": wraps}


def test_a_removed_member_gets_nothing_more_and_those_who_stay_have_the_next_key(town: Town) -> None:
    @in_loop
    async def story() -> None:
        let_in(town, town.bob)
        row_id = town.call("1001")
        note = await town.note("1001", row_id)
        box = town.box("1001")
        base = f"{API}/mailboxes/{box.id}"
        async with town.page_of(town.alice) as page, town.page_of(town.bob) as his:
            assert (await his.get(f"{API}/rows/{row_id}")).status_code == 200
            told = (await page.get(f"{base}/members")).json()
            assert (told["epoch"], told["public"]) == (1, to_b64(box.public))
            path = f"{base}/members/{town.bob.id}/remove"
            late = await page.post(path, json={"next": next_key(box.id, 1, town.alice)})
            assert (late.status_code, late.json()["error"]) == (409, "members changed")
            answer = await page.post(path, json={"next": next_key(box.id, 2, town.alice)})
            assert (answer.status_code, answer.json()) == (200, {"done": True})

            me = (await his.get(f"{API}/me")).json()
            assert (me["mailboxes"], me["wraps"]) == ([], [])
            for gone in (
                f"{API}/rows/{row_id}",
                f"{API}/notes/{note.id.hex()}/blob",
                f"{base}/members",
                f"{base}/log",
                f"{base}/rewraps",
            ):
                assert (await his.get(gone)).status_code == 404, gone
            assert (await his.get(f"{API}/rows")).json()["rows"] == []
            assert (await his.get(f"{API}/rows/versions")).json()["total"] == 0
            assert (await his.put(f"{API}/rows/{row_id}/heard", json={"heard": True})).status_code == 404
            assert (await his.post(path, json={"next": None})).status_code == 404

            (mine,) = (await page.get(f"{API}/me")).json()["mailboxes"]
            assert (mine["epoch"], mine["key_by"], mine["older"]) == (2, "alice", True)
            assert mine["key_since"] == "2026-03-01T12:00:00Z"
            entries = (await page.get(f"{base}/log")).json()["entries"]
            assert [(each["act"], each["user"], each["about"]) for each in entries[:2]] == [
                ("removed", "alice", "bob"),
                ("new_key", "alice", None),
            ]

    story()


@pytest.mark.parametrize("who", ["stranger", "carol", "bob", "dora"])
def test_only_a_member_removes_anybody(town: Town, who: str) -> None:
    @in_loop
    async def story() -> None:
        box, other = town.box("1001"), town.box("2002")
        joined(town.store, "dora", "1001", "2002")
        dora = town.store.users.by_name("dora")
        assert dora is not None
        person = {"bob": town.bob, "carol": town.carol}.get(who)
        page: httpx.AsyncClient = town.client()
        if person is not None:
            page = town.page_of(person)
        elif who == "dora":
            token = town.store.sessions.open(dora.id, "bearer")
            page = town.client(Authorization=f"Bearer {token}")
        async with page:
            for user in (town.alice.id, town.bob.id, dora.id, "us_nobody"):
                body = {"next": next_key(box.id, 2, town.alice)}
                answer = await page.post(f"{API}/mailboxes/{box.id}/members/{user}/remove", json=body)
                assert answer.status_code == (401 if who == "stranger" else 404), user
            # A member of one mailbox is nobody in the other, and finds nobody of the other in his own.
            if person is town.carol:
                mine = f"{API}/mailboxes/{other.id}/members"
                assert (await page.post(f"{mine}/{town.alice.id}/remove", json={})).status_code == 404
                assert (await page.post(f"{mine}/{dora.id}/remove", json={})).status_code == 200
                last = await page.post(f"{mine}/{town.carol.id}/remove", json={})
                assert (last.status_code, last.json()["error"]) == (409, "last member")
        states = {member.name: str(member.state) for member in town.store.mailboxes.members(box.id)}
        assert states == {"alice": "member", "bob": "waiting", "dora": "waiting"}
        assert town.box("1001").epoch == 1

    story()


def test_rubbish_is_refused_whole(town: Town) -> None:
    @in_loop
    async def story() -> None:
        let_in(town, town.bob)
        box = town.box("1001")
        path = f"{API}/mailboxes/{box.id}/members/{town.bob.id}/remove"
        good = next_key(box.id, 2, town.alice)
        (wrap,) = good["wraps"]
        async with town.page_of(town.alice) as page:
            for wrong, status in (
                ({"next": good | {"public": to_b64(box.public)}}, 422),
                ({"next": good | {"public": to_b64(bytes(32))}}, 422),
                ({"next": good | {"public": "x"}}, 422),
                ({"next": good | {"epoch": "2"}}, 422),
                ({"next": good | {"epoch": 3}}, 409),
                ({"next": good | {"wraps": []}}, 422),
                ({"next": good | {"wraps": [wrap, wrap]}}, 422),
                ({"next": good | {"wraps": [wrap | {"user_id": town.carol.id}]}}, 409),
                ({"next": good | {"wraps": [wrap | {"wrap": to_b64(bytes(79))}]}}, 422),
                ({"next": next_key(box.id, 2, town.alice, town.bob)}, 409),
                ({"next": None}, 409),
                (good, 422),
            ):
                assert (await page.post(path, json=wrong)).status_code == status, wrong
            assert town.box("1001") == box
            assert (await page.post(path, json={"next": good})).status_code == 200

    story()


def test_open_pages_of_the_removed_hear_that_they_missed_something_and_then_nothing(town: Town) -> None:
    @in_loop
    async def story() -> None:
        let_in(town, town.bob)
        box = town.box("1001")
        async with (
            up(town) as url,
            town.page_of(town.alice) as page,
            listening(url, town.page_of(town.bob)) as his,
            listening(url, town.page_of(town.alice)) as hers,
        ):
            first = town.call("1001")
            for heard in (his, hers):
                assert await heard.next() == ("row", {"row_id": first, "mailbox_id": box.id})
            body = {"next": next_key(box.id, 2, town.alice)}
            path = f"{API}/mailboxes/{box.id}/members/{town.bob.id}/remove"
            assert (await page.post(path, json=body)).status_code == 200
            assert (await his.next())[0] == "missed"
            assert (await hers.next())[0] == "missed"
            second = town.call("1001")
            assert await hers.next() == ("row", {"row_id": second, "mailbox_id": box.id})
            town.events.publish(News("status"))
            assert (await his.next())[0] == "status", "of the call before he heard nothing"

    story()


def test_the_key_of_who_left_is_followed_by_one_of_a_member_and_the_slower_one_looks_again(
    town: Town,
) -> None:
    @in_loop
    async def story() -> None:
        let_in(town, town.bob)
        let_in(town, dora := joined(town.store, "dora", "1001"))
        box = town.box("1001")
        base = f"{API}/mailboxes/{box.id}"
        async with town.page_of(town.bob) as his:
            body = {"next": next_key(box.id, 2, town.alice, dora)}
            assert (await his.post(f"{base}/members/{town.bob.id}/remove", json=body)).status_code == 200
            assert (
                await his.post(f"{base}/key", json=next_key(box.id, 3, town.alice, dora))
            ).status_code == 404
        async with town.page_of(town.alice) as page, town.page_of(dora) as hers:
            for each in (page, hers):
                (mine,) = (await each.get(f"{API}/me")).json()["mailboxes"]
                assert (mine["outgrown"], mine["epoch"]) == (True, 2)
            bad = next_key(box.id, 3, town.alice, dora) | {"public": to_b64(bytes(32))}
            assert (await page.post(f"{base}/key", json=bad)).status_code == 422
            first = await hers.post(f"{base}/key", json=next_key(box.id, 3, town.alice, dora))
            assert first.json() == {"done": True}
            late = await page.post(f"{base}/key", json=next_key(box.id, 3, town.alice, dora))
            assert (late.status_code, late.json()["error"]) == (409, "members changed")
            (mine,) = (await page.get(f"{API}/me")).json()["mailboxes"]
            assert (mine["outgrown"], mine["epoch"], mine["key_by"]) == (False, 3, "dora")

    story()


def test_no_member_uses_up_a_mailboxs_keys_by_wishing_for_new_ones(town: Town) -> None:
    @in_loop
    async def story() -> None:
        let_in(town, town.bob)
        box = town.box("1001")
        path = f"{API}/mailboxes/{box.id}/key"
        burst = PACES["mailbox key"].burst
        async with town.page_of(town.alice) as page, town.page_of(town.bob) as his:
            wrong = next_key(box.id, 9, town.alice, town.bob)
            assert [(await page.post(path, json=wrong)).status_code for _ in range(9)] == [409] * 9
            for epoch in range(2, 2 + burst):
                good = next_key(box.id, epoch, town.alice, town.bob)
                assert (await page.post(path, json=good)).status_code == 200
            last = next_key(box.id, 2 + burst, town.alice, town.bob)
            assert (await his.post(path, json=last)).status_code == 429
            # Whoever leaves is followed by a new key all the same.
            body = {"next": next_key(box.id, 2 + burst, town.alice)}
            away = f"{API}/mailboxes/{box.id}/members/{town.bob.id}/remove"
            assert (await his.post(away, json=body)).status_code == 200
            owed = next_key(box.id, 3 + burst, town.alice)
            assert (await page.post(path, json=owed)).status_code == 200

    story()
