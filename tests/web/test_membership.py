"""Claiming, letting in and sealing anew over the API: what a page sends, and what a forger might."""

import os
import sqlite3

import pytest

from bridge.seal.keys import (
    claim_proof,
    mailbox_wrap,
    new_keypair,
    open_mailbox_wrap,
    public_of,
    rewrap_envelope,
)
from bridge.store.store import DATABASE
from tests.loop import in_loop
from tests.store.house import Person, joined
from tests.web.town import API, Town
from web.answers import from_b64, to_b64


def test_two_people_claim_at_once_and_the_faster_one_lets_the_other_in(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("5005")
        erin, fred = joined(town.store, "erin", "5005"), joined(town.store, "fred", "5005")
        box = town.box("5005")
        base = f"{API}/mailboxes/{box.id}"
        bodies = {}
        for who in (erin, fred):
            async with town.page_of(who) as page:
                assert [row["id"] for row in (await page.get(f"{API}/rows")).json()["rows"]] == [row_id]
                offer = (await page.post(f"{base}/claim", json={})).json()
                assert (offer["epoch"], offer["public"]) == (0, to_b64(box.public))
                first = who.open_wrap(from_b64(offer["wrap"]), box.id, 0, box.public)
                new, public = new_keypair()
                wrap = mailbox_wrap(who.public, who.id, box.id, 1, new, public)
                proof = claim_proof(first, who.id)
                bodies[who.name] = {"proof": to_b64(proof), "public": to_b64(public), "wrap": to_b64(wrap)}
        async with town.page_of(fred) as fast, town.page_of(erin) as slow:
            wrong = bodies["fred"] | {"proof": bodies["erin"]["proof"]}
            refused = await fast.post(f"{base}/claim/confirm", json=wrong)
            assert (refused.status_code, refused.json()["error"]) == (422, "proof")
            for _ in range(2):  # the answer may be lost and asked for again
                taken = await fast.post(f"{base}/claim/confirm", json=bodies["fred"])
                assert taken.json() == {"state": "private"}
            late = await slow.post(f"{base}/claim/confirm", json=bodies["erin"])
            assert (late.status_code, late.json()["error"]) == (409, "claimed")
            assert (await slow.post(f"{base}/claim", json={})).json()["error"] == "claimed"
            assert (await slow.get(f"{API}/rows")).json()["rows"] == []
            (mine,) = (await slow.get(f"{API}/me")).json()["mailboxes"]
            assert (mine["state"], mine["my_state"]) == ("private", "waiting")

    story()


def test_a_member_lets_another_in_with_a_key_for_every_epoch(town: Town) -> None:
    @in_loop
    async def story() -> None:
        box, keys, bob = town.box("1001"), town.keys["1001"], town.bob
        row_id = town.call("1001")
        wraps = [
            {"epoch": epoch, "wrap": to_b64(mailbox_wrap(bob.public, bob.id, box.id, epoch, m, public_of(m)))}
            for epoch, m in keys.items()
        ]
        path = f"{API}/mailboxes/{box.id}/members/{bob.id}/approve"
        public = to_b64(bob.public)
        async with town.page_of(town.alice) as page, town.page_of(bob) as his:
            told = (await page.get(f"{API}/mailboxes/{box.id}/members")).json()["members"]
            assert {member["name"]: member["state"] for member in told} == {
                "alice": "member",
                "bob": "waiting",
            }
            for wrong in (wraps[:1], [wraps[0], wraps[0]], [*wraps, {"epoch": 2, "wrap": wraps[0]["wrap"]}]):
                answer = await page.post(path, json={"public": public, "wraps": wrong})
                assert (answer.status_code, answer.json()["error"]) == (409, "wraps")
            for wrong in (
                [],
                [{"epoch": -1, "wrap": wraps[0]["wrap"]}],
                [{"epoch": "0", "wrap": wraps[0]["wrap"]}],
            ):
                asked = {"public": public, "wraps": wrong}
                assert (await page.post(path, json=asked)).status_code == 422
            assert (await page.post(path, json={"wraps": wraps})).status_code == 422
            good = {"public": public, "wraps": wraps}
            assert (await his.post(path, json=good)).status_code == 404
            assert (await page.post(path, json=good)).json() == {"done": True}
            again = await page.post(path, json=good)
            assert (again.status_code, again.json()["error"]) == (409, "member already")
            assert (await his.get(f"{API}/rows/{row_id}")).status_code == 200
            mine = (await his.get(f"{API}/me")).json()["wraps"]
            for wrap in mine:
                opened = open_mailbox_wrap(
                    from_b64(wrap["wrap"]),
                    user_private=bob.private,
                    user_id=bob.id,
                    mailbox_id=box.id,
                    epoch=wrap["epoch"],
                    m_public=from_b64(wrap["public"]),
                )
                assert opened == keys[wrap["epoch"]]

    story()


def test_keys_that_were_closed_for_a_key_somebody_had_before_lock_him_out_of_nothing(town: Town) -> None:
    """While alice compared his fingerprint bob's device was lost: his key is another one now."""

    @in_loop
    async def story() -> None:
        box, keys, bob = town.box("1001"), town.keys["1001"], town.bob
        private, public = new_keypair()
        path = f"{API}/mailboxes/{box.id}/members/{bob.id}/approve"

        def closed_for(key: bytes) -> dict[str, object]:
            wraps = [
                {"epoch": epoch, "wrap": to_b64(mailbox_wrap(key, bob.id, box.id, epoch, m, public_of(m)))}
                for epoch, m in keys.items()
            ]
            return {"public": to_b64(key), "wraps": wraps}

        with sqlite3.connect(town.store.data / DATABASE) as database:
            database.execute("UPDATE user SET public = ? WHERE id = ?", (public, bob.id))
        database.close()
        async with town.page_of(town.alice) as page:
            late = await page.post(path, json=closed_for(bob.public))
            assert (late.status_code, late.json()["error"]) == (409, "key changed")
            assert town.store.mailboxes.wraps_of(bob.id) == []
            assert (await page.post(path, json=closed_for(public))).json() == {"done": True}
        now = Person(bob.id, bob.name, private, public)
        assert now.keys(town.store, box.id) == keys

    story()


def test_older_calls_get_new_envelopes_and_rubbish_is_not_taken_for_one(town: Town) -> None:
    @in_loop
    async def story() -> None:
        from tests.store.house import claim

        row_id = town.call("5005")
        take = await town.note("5005", row_id)
        erin = joined(town.store, "erin", "5005")
        box = town.box("5005")
        keys = claim(town.store, erin, box.id)
        path = f"{API}/mailboxes/{box.id}/rewraps"
        async with town.page_of(erin) as page:
            told = (await page.get(path, params={"limit": 1})).json()
            assert (len(told["items"]), told["left"]) == (1, 2)
            items = (await page.get(path)).json()["items"]
            assert {(item["id"], item["kind"]) for item in items} == {
                (row_id, "call"),
                (take.id.hex(), "note"),
            }
            rubbish = [{"id": row_id, "envelope": to_b64(os.urandom(91))}]
            answer = await page.post(path, json={"items": rubbish})
            assert (answer.status_code, answer.json()["error"]) == (422, "envelope")
            made = [
                {
                    "id": item["id"],
                    "envelope": to_b64(
                        rewrap_envelope(
                            from_b64(item["envelope"]),
                            bytes.fromhex(item["id"]),
                            box.id,
                            keys[0],
                            from_b64(item["commit"]),
                            public_of(keys[1]),
                        )
                    ),
                }
                for item in items
            ]
            foreign = [*made, {"id": town.call("1001"), "envelope": made[0]["envelope"]}]
            assert (await page.post(path, json={"items": foreign})).status_code == 404
            assert (await page.get(path)).json()["left"] == 2
            assert (await page.post(path, json={"items": made[:1]})).json() == {"left": 1}
            assert (await page.post(path, json={"items": made})).json() == {"left": 0}
            assert (await page.get(path)).json() == {"epoch": 1, "items": [], "left": 0}

    story()


@pytest.mark.parametrize("odd", ["mb_x", "%00", "..%2f..", "mb_" + "a" * 5000, "\u202e"])
def test_an_odd_mailbox_id_is_just_unknown(town: Town, odd: str) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page:
            answer = await page.get(f"{API}/mailboxes/{odd}/members")
        assert (answer.status_code, answer.json()["error"]) == (404, "not found")

    story()
