"""Joining by a one-time link, and who may not."""

import pytest

from bridge.seal.keyslot import passphrase_params
from tests.loop import in_loop
from tests.web.joiner import OWN, joiner
from tests.web.town import API, Town
from web.answers import to_b64


def test_a_link_is_looked_at_used_once_and_begins_a_session(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = joiner(town, "Dora", "3003")
        async with town.client(**OWN) as browser:
            told = (await browser.post(f"{API}/join/look", json={"token": who.token})).json()
            assert (told["name"], told["mailboxes"][0]["extension"]) == ("Dora", "3003")
            answer = await browser.post(f"{API}/join", json=who.body)
            assert answer.json() == {"user_id": told["user_id"]}
            me = (await browser.get(f"{API}/me")).json()
            assert me["slots"] == who.body["slots"]
            assert me["user"] == {"id": told["user_id"], "name": "Dora", "public": who.body["public"]}
            (box,) = me["mailboxes"]
            assert (box["state"], box["my_state"], box["epoch"]) == ("unclaimed", "waiting", 0)
            for path, body in (("join", who.body), ("join/look", {"token": who.token})):
                again = await browser.post(f"{API}/{path}", json=body)
                assert (again.status_code, again.json()["error"]) == (404, "link")

    story()


def test_a_link_is_too_old_after_a_day(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = joiner(town, "Dora", "3003")
        town.clock.turn(hours=24)
        async with town.client(**OWN) as browser:
            assert (await browser.post(f"{API}/join", json=who.body)).status_code == 404

    story()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"slots": "first"}, "keyslots"),
        ({"params": passphrase_params(bytes(16))}, "passphrase parameters"),
        ({"params": '{"kdf":"none"}'}, "passphrase parameters"),
        ({"public": to_b64(bytes(32))}, "public key"),
        ({"public": to_b64(bytes(31))}, "bad request"),
        ({"login": "not base64"}, "bad request"),
        ({"recovery": to_b64(bytes(20))}, "bad request"),
        ({"recovery": None}, "login"),
        ({"more": 1}, "bad request"),
    ],
)
def test_a_join_that_would_lock_its_user_out_is_refused_and_the_link_stays(
    town: Town, change: dict[str, object], word: str
) -> None:
    @in_loop
    async def story() -> None:
        who = joiner(town, "Dora", "3003")
        slots = who.body["slots"]
        assert isinstance(slots, list)
        wrong = {"slots": slots[:1]} if change == {"slots": "first"} else change
        async with town.client(**OWN) as browser:
            answer = await browser.post(f"{API}/join", json=who.body | wrong)
            assert (answer.status_code, answer.json()["error"]) == (422, word)
            assert to_b64(who.auth) not in answer.text
            assert to_b64(who.recovery) not in answer.text
            assert (await browser.post(f"{API}/join", json=who.body)).status_code == 200

    story()
