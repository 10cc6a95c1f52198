"""Passkeys as the server sees them, with an authenticator of the tests' own on the other side."""

import os
from typing import Any

import pytest

from bridge.seal.keyslot import SlotKind, make_keyslot
from bridge.store.passkeys import MOST_PASSKEYS
from tests.loop import in_loop
from tests.web.authenticator import BE, BS, UP, UV, Authenticator, new_key
from tests.web.joiner import OWN, joined_page
from tests.web.passkeys import WRONG, added, begin, door, enter, id_of, page_of, put
from tests.web.test_secrets import renewed
from tests.web.town import API, Town
from web.answers import to_b64
from web.ceremonies import LASTS_S


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_a_passkey_logs_in_without_a_name_and_is_one_more_slot(town: Town, algorithm: str) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        device = await added(town, who, private=new_key(algorithm))
        async with town.client(**OWN) as browser:
            asked = await door(browser)
            assert asked["rp_id"] == "localhost"
            answer = await browser.post(f"{API}/login/passkey", json=device.login(asked))
            assert (answer.status_code, answer.json()) == (200, {"user_id": device.user_id})
            assert "httponly" in answer.headers["set-cookie"].lower()
            me = (await browser.get(f"{API}/me")).json()
            assert me["user"]["name"] == who.name
            assert [each for each in me["slots"] if each in who.body["slots"]] == who.body["slots"]  # type: ignore[operator]
            assert len(me["slots"]) == 3
            (mine,) = (await browser.get(f"{API}/me/passkeys")).json()["passkeys"]
            assert (mine["name"], mine["credential_id"]) == ("My telephone", to_b64(device.credential_id))
            assert mine["added_at"] == mine["used_at"] == "2026-03-01T12:00:00Z"

    story()


BENT: dict[str, dict[str, Any]] = {
    "another page's origin": {"origin": "https://notes.example.net"},
    "another port": {"origin": "http://localhost:8081"},
    "a page below": {"origin": "http://evil.localhost:8080"},
    "another relying party": {"rp_id": "notes.example.net"},
    "another challenge": {"challenge": to_b64(bytes(32))},
    "an embedded page": {"cross_origin": True},
    "nobody touched it": {"flags": UV},
    "nobody was verified": {"flags": UP},
    "a copy of what cannot be copied": {"flags": UP | UV | BS},
}


def test_what_was_signed_for_anything_else_does_not_log_in(town: Town) -> None:
    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town))
        for how, bent in BENT.items():
            answer = await enter(town, device, **bent)
            assert (answer.status_code, answer.json()) == (401, WRONG), how
            assert "set-cookie" not in answer.headers
        assert (await enter(town, device, flags=UP | UV | BE | BS)).status_code == 200

    story()


def test_what_was_made_for_anything_else_is_no_passkey(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        device = Authenticator(id_of(town, who.name))
        async with page_of(town, who) as page:
            for how, bent in BENT.items():
                answer = await put(page, device, device.made(await begin(page, who), **bent))
                assert (answer.status_code, answer.json()["error"]) == (422, "passkey"), how
            assert (await page.get(f"{API}/me/passkeys")).json() == {"passkeys": []}
            assert len((await page.get(f"{API}/me")).json()["slots"]) == 2
            assert (await put(page, device, device.made(await begin(page, who)))).status_code == 200

    story()


def test_a_stranger_learns_nothing_but_no(town: Town) -> None:
    """Unknown credential, another's key, another's handle, a spoiled signature, a login made of a new key."""

    @in_loop
    async def story() -> None:
        dora = await added(town, await joined_page(town))
        emil = await added(town, await joined_page(town, "Emil", "3004"))
        unknown = Authenticator(dora.user_id)
        answers = [
            await enter(town, unknown),
            await enter(town, dora, private=emil.private),
            await enter(town, dora, user_handle=emil.user_id.encode()),
            await enter(town, dora, user_handle=b"\xff"),
            await enter(town, dora, kind="create"),
        ]
        async with town.client(**OWN) as browser:
            for name, value in (
                ("signature", b"\x30\x00"),
                ("authenticator_data", bytes(37)),
                ("client_data", b"{"),
                ("client_data", b"[" * 4000),
                ("client_data", b"\xff"),
                ("client_data", b"[]"),
                ("ceremony", None),
            ):
                body = dora.login(await door(browser))
                body[name] = "x" * 22 if value is None else to_b64(value)
                answers.append(await browser.post(f"{API}/login/passkey", json=body))
        assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
        assert answers[0].json() == WRONG
        assert len({tuple(answer.headers) for answer in answers}) == 1

    story()


def test_a_challenge_is_good_once_for_who_asked_and_for_two_minutes(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        device = await added(town, who, counter=5)
        device.counter += 1
        async with town.client(**OWN) as browser:
            body = device.login(await door(browser))
            assert (await browser.post(f"{API}/login/passkey", json=body)).status_code == 200
            assert (await browser.post(f"{API}/login/passkey", json=body)).status_code == 401, "replayed"
            device.counter += 1
            again = device.login(await door(browser))
            again["ceremony"] = body["ceremony"]
            assert (await browser.post(f"{API}/login/passkey", json=again)).status_code == 401, "reused"
            late = device.login(await door(browser))
            town.seconds.now += LASTS_S
            assert (await browser.post(f"{API}/login/passkey", json=late)).status_code == 401, "late"
        async with page_of(town, who) as page, page_of(town, who) as other:
            fresh = Authenticator(device.user_id)
            asked = await begin(page, who)
            assert (await put(other, fresh, fresh.made(asked))).status_code == 422, "another session's"
            assert (await put(page, fresh, fresh.made(asked))).status_code == 422, "used up by it"
            login = await door(page)
            assert (await put(page, fresh, fresh.made(login))).status_code == 422, "of the door"

    story()


def test_a_copy_of_an_authenticator_that_counts_is_found_out(town: Town) -> None:
    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town), counter=7)
        for counter, status in ((8, 200), (8, 401), (3, 401), (0, 401), (9, 200), (1 << 31, 200)):
            assert (await enter(town, device, counter=counter)).status_code == status, counter
        never = await added(town, await joined_page(town, "Emil", "3004"))
        for counter, status in ((0, 200), (0, 200), (4, 200), (0, 401)):
            assert (await enter(town, never, counter=counter)).status_code == status, counter

    story()


def test_only_who_knows_passphrase_or_code_adds_a_passkey_and_cannot_guess(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with page_of(town, who) as page:
            start = f"{API}/me/passkeys/start"
            assert (await page.post(start, json={"auth": to_b64(who.recovery)})).status_code == 200
            wrong = [
                (await page.post(start, json={"auth": to_b64(os.urandom(32))})).status_code for _ in range(12)
            ]
            assert wrong == [403] * 10 + [429] * 2
            del page.headers["X-CSRF"]
            forged = await page.post(start, json={"auth": to_b64(who.auth)})
            assert (forged.status_code, forged.json()["error"]) == (403, "csrf")
        async with town.program_of(town.alice) as program:
            assert (await program.post(start, json={"auth": to_b64(bytes(32))})).status_code == 403

    story()


def test_a_passkey_is_one_persons_and_one_only(town: Town) -> None:
    @in_loop
    async def story() -> None:
        dora, emil = await joined_page(town), await joined_page(town, "Emil", "3004")
        device = await added(town, dora)
        async with page_of(town, emil) as page:
            asked = await begin(page, emil)
            assert asked["known"] == []
            stolen = await put(page, device, device.made(asked))
            assert (stolen.status_code, stolen.json()["error"]) == (422, "passkey known")
            mine = town.store.passkeys.of_user(device.user_id)[0].id.hex()
            foreign = await page.delete(f"{API}/me/passkeys/{mine}")
            unknown = await page.delete(f"{API}/me/passkeys/{'0' * 32}")
            assert (foreign.status_code, foreign.content) == (404, unknown.content)
        async with page_of(town, dora) as page:
            assert (await begin(page, dora))["known"] == [to_b64(device.credential_id)]
        assert (await enter(town, device)).status_code == 200

    story()


def test_half_a_passkey_is_none(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        user_id = id_of(town, who.name)
        odd = make_keyslot(SlotKind.PASSKEY, os.urandom(32), os.urandom(32), user_id, '{"x":1}')
        async with page_of(town, who) as page:
            for other, device in (
                ({"slot": who.body["slots"][1]}, Authenticator(user_id)),  # type: ignore[index]
                ({"slot": to_b64(odd)}, Authenticator(user_id)),
                ({"slot": to_b64(b"no slot")}, Authenticator(user_id)),
                ({"name": " "}, Authenticator(user_id)),
                ({"name": "two\nlines"}, Authenticator(user_id)),
                ({}, Authenticator(user_id, private=new_key("ES384"))),
                ({}, Authenticator(user_id, credential_id=b"")),
                ({}, Authenticator(user_id, credential_id=bytes(1024))),
            ):
                answer = await put(page, device, device.made(await begin(page, who)), **other)
                assert answer.status_code == 422, other
            device = Authenticator(user_id)
            for nothing in (b"\xa0", b"\xff" * 300, b"\x9f" * 4000, b"\xa1\x63fmt\x64none"):
                made = device.made(await begin(page, who)) | {"attestation": to_b64(nothing)}
                assert (await put(page, device, made)).status_code == 422
            for _ in range(MOST_PASSKEYS):
                device = Authenticator(user_id)
                assert (await put(page, device, device.made(await begin(page, who)))).status_code == 200
            device = Authenticator(user_id)
            answer = await put(page, device, device.made(await begin(page, who)))
            assert (answer.status_code, answer.json()["error"]) == (422, "too many passkeys")
            assert len((await page.get(f"{API}/me")).json()["slots"]) == 2 + MOST_PASSKEYS
            secret = os.urandom(32)
            changed = await page.put(f"{API}/me/passphrase", json=renewed(who.auth, secret))
            assert changed.status_code == 200, "as many passkeys as there may be leave room for a passphrase"

    story()


def test_a_removed_passkey_logs_in_no_more_and_leaves_no_slot(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        lost, kept = await added(town, who), await added(town, who)
        async with page_of(town, who) as page:
            first, second = (await page.get(f"{API}/me/passkeys")).json()["passkeys"]
            assert first["credential_id"] == to_b64(lost.credential_id)
            assert (await page.delete(f"{API}/me/passkeys/{first['id']}")).json() == {"done": True}
            assert (await page.delete(f"{API}/me/passkeys/{first['id']}")).status_code == 404
            assert (await page.get(f"{API}/me/passkeys")).json() == {"passkeys": [second]}
            assert len((await page.get(f"{API}/me")).json()["slots"]) == 3
        assert (await enter(town, lost)).json() == WRONG
        assert (await enter(town, kept)).status_code == 200
        await added(town, who, credential_id=lost.credential_id)

    story()


def test_a_new_passphrase_leaves_passkeys_alone_and_ends_what_they_opened(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        device = await added(town, who)
        async with page_of(town, who) as page, town.client(**OWN) as lost:
            await lost.post(f"{API}/login/passkey", json=device.login(await door(lost)))
            assert (await lost.get(f"{API}/me")).status_code == 200
            changed = await page.put(f"{API}/me/passphrase", json=renewed(who.auth, os.urandom(32)))
            assert changed.json()["ended"] >= 1
            assert (await lost.get(f"{API}/me")).status_code == 401
        assert (await enter(town, device)).status_code == 200

    story()


def test_whose_keyslots_go_has_no_passkey_left(town: Town) -> None:
    """A user key that is replaced takes its passkeys with it: they would log in and open nothing."""

    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town))
        with town.store._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM keyslot WHERE user_id = ?", (device.user_id,))
        assert town.store.passkeys.of_user(device.user_id) == []
        assert (await enter(town, device)).json() == WRONG

    story()
