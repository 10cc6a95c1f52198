"""Another passphrase, and an end of all other sessions: what opens a member's key, and who is in with it."""

import os

from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params
from tests.loop import in_loop
from tests.web.joiner import OWN, Joiner, joined_page, log_in
from tests.web.town import API, Town
from web.answers import to_b64


def renewed(auth: bytes, secret: bytes, **other: object) -> dict[str, object]:
    """Return what the page sends for a new passphrase, from which Argon2id made ``secret``."""
    salt = os.urandom(16)
    slot = make_keyslot(SlotKind.PASSPHRASE, secret, os.urandom(32), "us_x", passphrase_params(salt))
    sent = {
        "auth": to_b64(auth),
        "slot": to_b64(slot),
        "salt": salt.hex(),
        "login": to_b64(login_auth(secret)),
    }
    return sent | other


def test_a_new_passphrase_takes_the_place_of_the_old_one_and_everybody_else_is_out(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        for auth in (who.auth, who.recovery):
            secret = os.urandom(32)
            async with town.client(**OWN) as mine, town.client(**OWN) as lost:
                for browser in (mine, lost):
                    assert (await log_in(browser, who.name, who.recovery)).status_code == 200
                me = (await mine.get(f"{API}/me")).json()
                body = renewed(auth, secret)
                answer = await mine.put(f"{API}/me/passphrase", json=body, headers={"X-CSRF": me["csrf"]})
                assert (answer.status_code, answer.json()["ended"] >= 1) == (200, True)
                assert (await lost.get(f"{API}/me")).status_code == 401
                slots = (await mine.get(f"{API}/me")).json()["slots"]
                assert sorted(slots) == sorted([who.body["slots"][1], body["slot"]])  # type: ignore[index]
            async with town.client(**OWN) as browser:
                assert (await log_in(browser, who.name, who.auth)).status_code == 401
                assert (await log_in(browser, who.name, login_auth(secret))).status_code == 200
                assert (await log_in(browser, who.name, who.recovery)).status_code == 200
                start = await browser.post(f"{API}/login/start", json={"name": who.name})
                assert start.json()["salt"] == body["salt"]

    story()


def test_whoever_finds_a_page_open_cannot_change_the_passphrase_nor_guess_it(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as open_page:
            await log_in(open_page, who.name, who.auth)
            mark = {"X-CSRF": (await open_page.get(f"{API}/me")).json()["csrf"]}
            put = f"{API}/me/passphrase"
            forged = await open_page.put(put, json=renewed(who.auth, os.urandom(32)))
            assert (forged.status_code, forged.json()["error"]) == (403, "csrf")
            guesses = [
                (
                    await open_page.put(put, json=renewed(os.urandom(32), os.urandom(32)), headers=mark)
                ).status_code
                for _ in range(12)
            ]
            assert guesses == [403] * 10 + [429] * 2
            assert (await open_page.get(f"{API}/me")).status_code == 200
        assert_unchanged(town, who)

    story()


def test_half_a_change_is_none(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as browser:
            await log_in(browser, who.name, who.auth)
            mark = {"X-CSRF": (await browser.get(f"{API}/me")).json()["csrf"]}
            for wrong in (
                {"slot": to_b64(b"no slot")},
                {"salt": os.urandom(16).hex()},
                {"login": to_b64(b"short")},
                {"slot": who.body["slots"][1]},  # type: ignore[index]
            ):
                body = renewed(who.auth, os.urandom(32), **wrong)
                answer = await browser.put(f"{API}/me/passphrase", json=body, headers=mark)
                assert answer.status_code == 422
            assert_unchanged(town, who)
        async with town.program_of(town.alice) as program:
            answer = await program.put(f"{API}/me/passphrase", json=renewed(bytes(32), os.urandom(32)))
            assert (answer.status_code, answer.json()["error"]) == (403, "wrong secret")

    story()


def test_a_lost_device_is_logged_out_and_nobody_else_is(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as mine, town.client(**OWN) as lost, town.page_of(town.bob) as bob:
            await log_in(lost, who.name, who.auth)
            await log_in(mine, who.name, who.auth)
            mark = {"X-CSRF": (await mine.get(f"{API}/me")).json()["csrf"]}
            assert (await mine.post(f"{API}/me/sessions/end", headers=mark)).json() == {"ended": 2}
            assert (await mine.post(f"{API}/me/sessions/end", headers=mark)).json() == {"ended": 0}
            assert [(await page.get(f"{API}/me")).status_code for page in (mine, lost, bob)] == [
                200,
                401,
                200,
            ]

    story()


def assert_unchanged(town: Town, who: Joiner) -> None:
    """The old passphrase is the passphrase."""
    assert town.store.users.check_login(who.name, who.auth) is not None
