"""New keys after a lost device over the API: what is asked for, who is told, and how often."""

import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.seal.keys import mailbox_wrap, new_keypair, public_of
from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params, recovery_auth
from bridge.seal.layout import kid
from tests.loop import in_loop
from tests.store.house import Person, claim
from tests.web.joiner import OWN, joined_page, log_in
from tests.web.passkeys import WRONG, added, enter
from tests.web.test_removal import next_key
from tests.web.town import API, Town
from web.answers import to_b64
from web.asked import NewKeys

PUT = f"{API}/me/keys"


def made(user_id: str, auth: bytes, wraps: list[Any], following: list[Any], **other: object) -> Any:
    """Return what the page sends, the new person, and his new login secret."""
    private, public = new_keypair()
    salt, secret, code = os.urandom(16), os.urandom(32), os.urandom(20)
    slots = [
        make_keyslot(SlotKind.PASSPHRASE, secret, private, user_id, passphrase_params(salt)),
        make_keyslot(SlotKind.RECOVERY, code, private, user_id),
    ]
    body = {
        "auth": to_b64(auth),
        "public": to_b64(public),
        "slots": [to_b64(slot) for slot in slots],
        "salt": salt.hex(),
        "login": to_b64(login_auth(secret)),
        "recovery": to_b64(recovery_auth(code)),
        "wraps": wraps,
        "next": following,
    }
    return body | other, Person(user_id, "", private, public), login_auth(secret)


def test_new_keys_take_the_place_of_the_lost_ones_and_everybody_else_is_out(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        user = town.store.users.by_name(who.name)
        assert user is not None
        async with town.client(**OWN) as mine, town.client(**OWN) as lost:
            for browser in (mine, lost):
                assert (await log_in(browser, who.name, who.auth)).status_code == 200
            mark = {"X-CSRF": (await mine.get(f"{API}/me")).json()["csrf"]}
            body, _new, auth = made(user.id, os.urandom(32), [], [])
            for _ in range(2):
                wrong = await mine.put(PUT, json=body, headers=mark)
                assert (wrong.status_code, wrong.json()["error"]) == (403, "wrong secret")
            body |= {"auth": to_b64(who.recovery)}
            forged = await mine.put(PUT, json=body)
            assert (forged.status_code, forged.json()["error"]) == (403, "csrf")
            assert (await mine.put(PUT, json=body | {"slots": []}, headers=mark)).status_code == 422
            held = {"mailbox_id": town.box("3003").id, "epoch": 0, "wrap": to_b64(bytes(80))}
            late = await mine.put(PUT, json=body | {"wraps": [held]}, headers=mark)
            assert (late.status_code, late.json()["error"]) == (409, "members changed")
            answer = await mine.put(PUT, json=body, headers=mark)
            assert (answer.status_code, answer.json()["ended"] >= 1) == (200, True)
            assert (await lost.get(f"{API}/me")).status_code == 401
            me = (await mine.get(f"{API}/me")).json()
            assert (me["user"]["public"], sorted(me["slots"])) == (body["public"], sorted(body["slots"]))
        async with town.client(**OWN) as browser:
            assert (await log_in(browser, who.name, who.auth)).status_code == 401
            assert (await log_in(browser, who.name, who.recovery)).status_code == 401
            assert (await log_in(browser, who.name, auth)).status_code == 200

    story()


def test_megabytes_of_a_stranger_are_not_read_and_a_members_hold_up_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[bytes] = []
    readers: list[threading.Thread] = []
    validate = NewKeys.model_validate_json

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"[", *[b"{}," * 100_000] * 20, b"{}]"):
            came.append(piece)
            yield piece

    def read(body: bytes) -> NewKeys:
        readers.append(threading.current_thread())
        return validate(body)

    monkeypatch.setattr(NewKeys, "model_validate_json", read)

    @in_loop
    async def story() -> None:
        headers = {"Content-Type": "application/json"}
        async with town.client(**OWN) as stranger:
            assert (await stranger.put(PUT, content=pieces(), headers=headers)).status_code == 401
        async with town.page_of(town.alice) as page:
            del page.headers["X-CSRF"]
            assert (await page.put(PUT, content=pieces(), headers=headers)).status_code == 403
        assert (came, readers) == ([], [])
        async with town.page_of(town.alice) as page:
            for body, message in (
                (pieces(), "body is not valid."),
                (b"", "The body is not JSON."),
                (b"{", "The body is not JSON."),
                (b"{}", "auth is missing."),
                (b'{"auth":"x"}', "auth is not valid."),
                (b'{"wraps":[{"epoch":-1}]}', "auth is missing."),
            ):
                told = await page.put(PUT, content=body, headers=headers)
                assert (told.status_code, told.json()["error"]) == (422, "bad request")
                assert told.json()["message"] == message
        assert threading.main_thread() not in readers
        assert len(readers) == 6

    story()


def test_a_passkey_in_the_lost_device_logs_in_no_more(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        device = await added(town, who)
        async with town.client(**OWN) as mine:
            assert (await log_in(mine, who.name, who.auth)).status_code == 200
            mark = {"X-CSRF": (await mine.get(f"{API}/me")).json()["csrf"]}
            body, _new, _auth = made(device.user_id, who.auth, [], [])
            assert (await enter(town, device)).status_code == 200
            assert (await mine.put(PUT, json=body, headers=mark)).status_code == 200
            assert (await mine.get(f"{API}/me/passkeys")).json() == {"passkeys": []}
            assert sorted((await mine.get(f"{API}/me")).json()["slots"]) == sorted(body["slots"])
        assert (await enter(town, device)).json() == WRONG

    story()


def test_hundreds_of_mailboxes_fit_and_nobody_makes_new_keys_without_end(town: Town) -> None:
    """The mailboxes' epochs are limited, and a body of any other address is as small as it was."""

    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        user = town.store.users.by_name(who.name)
        assert user is not None
        async with town.client(**OWN) as mine:
            await log_in(mine, who.name, who.auth)
            mark = {"X-CSRF": (await mine.get(f"{API}/me")).json()["csrf"]}
            held = [
                {"mailbox_id": "mb_" + "a" * 16, "epoch": n, "wrap": to_b64(bytes(80))} for n in range(1000)
            ]
            large, _, _ = made(user.id, who.auth, held, [])
            assert (await mine.put(PUT, json=large, headers=mark)).json()["error"] == "members changed"
            too_large = await mine.put(f"{API}/me/passphrase", json=large, headers=mark)
            assert too_large.status_code == 413
            auth = who.auth
            for status in (200, 200, 200, 429):
                body, _, auth_next = made(user.id, auth, [], [])
                answer = await mine.put(PUT, json=body, headers=mark)
                assert answer.status_code == status
                auth = auth_next

    story()


def test_the_others_of_a_mailbox_see_the_new_keys_and_a_program_has_none_to_change(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town, extension="6006")
        user = town.store.users.by_name(who.name)
        assert user is not None
        box = town.box("6006")
        async with town.client(**OWN) as mine, town.program_of(town.alice) as program:
            await log_in(mine, who.name, who.auth)
            answer = await program.put(PUT, json=made(town.alice.id, bytes(32), [], [])[0])
            assert (answer.status_code, answer.json()["error"]) == (403, "wrong secret")
            assert town.box("1001").epoch == 1
            me = (await mine.get(f"{API}/me")).json()
            offered = await mine.post(
                f"{API}/mailboxes/{box.id}/claim", json={}, headers={"X-CSRF": me["csrf"]}
            )
            assert offered.status_code == 200
            body, new, _auth = made(user.id, who.auth, [], [])
            answer = await mine.put(PUT, json=body, headers={"X-CSRF": me["csrf"]})
            assert answer.status_code == 200
            keys = claim(town.store, new, box.id)
            assert new.keys(town.store, box.id) == keys
            await renewed_again(town, mine, new, keys, me["csrf"], _auth)

    async def renewed_again(
        town: Town, mine: Any, person: Person, keys: dict[int, bytes], mark: str, auth: bytes
    ) -> None:
        box = town.box("6006")
        body, new, _ = made(person.id, auth, [], [])
        body["wraps"] = [
            {
                "mailbox_id": box.id,
                "epoch": epoch,
                "wrap": to_b64(mailbox_wrap(new.public, new.id, box.id, epoch, key, public_of(key))),
            }
            for epoch, key in keys.items()
        ]
        body["next"] = [next_key(box.id, 2, new) | {"mailbox_id": box.id}]
        news = town.events.listen(lambda each: each.mailbox_id == box.id)
        assert (await mine.put(PUT, json=body, headers={"X-CSRF": mark})).status_code == 200
        assert (await anext(aiter(news))).kind == "row"
        town.events.leave(news)
        told = (await mine.get(f"{API}/mailboxes/{box.id}/members")).json()
        assert (told["epoch"], told["public"]) == (2, body["next"][0]["public"])
        assert kid(new.public) != kid(person.public)
        assert [member["public"] for member in told["members"]] == [to_b64(new.public)]
        assert sorted(new.keys(town.store, box.id)) == [0, 1, 2]

    story()
