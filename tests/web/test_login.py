"""Logging in by passphrase and recovery code, sessions, and what somebody learns who may not."""

import json
import os

from bridge.seal.keyslot import passphrase_params
from tests.loop import in_loop
from tests.web.joiner import OWN, joined_page, log_in
from tests.web.town import API, Town
from web.answers import to_b64
from web.auth import COOKIE


def test_nobody_learns_from_the_login_whether_a_name_exists(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as browser:
            salts = {}
            for name in ("Dora", "nobody", "alice", "NOBODY "):
                first = await browser.post(f"{API}/login/start", json={"name": name})
                again = await browser.post(f"{API}/login/start", json={"name": name})
                assert first.content == again.content
                told = first.json()
                assert told["params"] == passphrase_params(bytes.fromhex(told["salt"]))
                salts[name] = told["salt"]
            assert salts["Dora"] == who.body["salt"]
            assert salts["nobody"] == salts["NOBODY "]
            assert len(set(salts.values())) == 3
            wrong = await log_in(browser, "Dora", os.urandom(32))
            unknown = await log_in(browser, "nobody", os.urandom(32))
            program = await log_in(browser, "alice", bytes(32))
            assert wrong.status_code == unknown.status_code == program.status_code == 401
            assert wrong.content == unknown.content == program.content
            assert wrong.json()["error"] == "wrong name or passphrase"
            assert list(wrong.headers) == list(unknown.headers)

    story()


def test_who_lost_the_passphrase_logs_in_by_the_code_and_nobody_can_tell_the_difference(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        other = await joined_page(town, "Emil", "3004")
        right, wrong = [], []
        for name, auth in (("Dora", who.auth), (" DORA", who.recovery)):
            async with town.client(**OWN) as browser:
                right.append(await log_in(browser, name, auth))
                assert (await browser.get(f"{API}/me")).json()["slots"] == who.body["slots"]
        async with town.client(**OWN) as browser:
            for name, auth in (
                ("Dora", other.recovery),
                ("Emil", who.recovery),
                ("nobody", who.recovery),
                ("alice", who.recovery),
                ("Dora", other.auth),
            ):
                wrong.append(await log_in(browser, name, auth))
        for answers, status in ((right, 200), (wrong, 401)):
            assert {answer.status_code for answer in answers} == {status}
            assert len({answer.content for answer in answers}) == 1
            assert len({tuple(answer.headers) for answer in answers}) == 1

    story()


def test_a_login_hands_out_a_cookie_that_no_script_and_no_other_site_gets(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as browser:
            answer = await log_in(browser, "dora", who.auth)
            assert answer.status_code == 200
            cookie = answer.headers["set-cookie"].lower()
            for part in ("httponly", "samesite=strict", "path=/", "max-age=2592000"):
                assert part in cookie
            assert "domain" not in cookie
            assert to_b64(who.auth) not in answer.text
            assert (await browser.get("/")).status_code == 200

    story()


def test_a_session_that_was_planted_before_the_login_is_worth_nothing_after_it(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        carols = town.store.sessions.open(town.carol.id, "cookie")
        for planted in ("chosen-by-an-attacker", carols):
            async with town.client(**OWN) as browser:
                browser.cookies.set(COOKIE, planted, domain="localhost.local")
                answer = await browser.post(
                    f"{API}/login",
                    json={"name": "Dora", "auth": to_b64(who.auth)},
                    headers={"Cookie": f"{COOKIE}={planted}"},
                )
                assert answer.status_code == 200
                assert answer.cookies[COOKIE] != planted
            async with town.client() as attacker:
                told = await attacker.get(f"{API}/me", headers={"Cookie": f"{COOKIE}={planted}"})
                assert told.status_code == 401

    story()


def test_a_programs_token_is_no_cookie_and_a_pages_cookie_no_token(town: Town) -> None:
    """A page's session would need no proof of its changes in a header; a program's would live in a cookie."""

    @in_loop
    async def story() -> None:
        token, cookie = (town.store.sessions.open(town.alice.id, kind) for kind in ("bearer", "cookie"))
        async with town.client() as client:
            for path in (f"{API}/me", "/"):
                told = await client.get(path, headers={"Cookie": f"{COOKIE}={token}"})
                assert (told.status_code, told.headers.get("set-cookie")) == (
                    401 if path != "/" else 303,
                    None,
                )
            told = await client.post(f"{API}/logout", headers={"Authorization": f"Bearer {cookie}"})
            assert told.status_code == 401
            for good in ({"Cookie": f"{COOKIE}={cookie}"}, {"Authorization": f"Bearer {token}"}):
                assert (await client.get(f"{API}/me", headers=good)).status_code == 200

    story()


def test_log_out_ends_the_session_on_the_server(town: Town) -> None:
    @in_loop
    async def story() -> None:
        for client in (town.page_of(town.alice), town.program_of(town.alice)):
            async with client:
                assert (await client.get(f"{API}/me")).status_code == 200
                kept = dict(client.cookies)
                assert (await client.post(f"{API}/logout", json={})).json() == {"done": True}
                client.cookies.update(kept)
                assert (await client.get(f"{API}/me")).status_code == 401

    story()


def test_sessions_run_out_and_a_used_cookie_lives_on(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page, town.program_of(town.alice) as program:
            town.clock.turn(hours=11)
            assert (await program.get(f"{API}/me")).status_code == 200
            town.clock.turn(hours=1)
            assert (await program.get(f"{API}/me")).status_code == 401
            for _ in range(3):
                town.clock.turn(days=20)
                assert (await page.get(f"{API}/me")).status_code == 200
            town.clock.turn(days=31)
            assert (await page.get(f"{API}/me")).status_code == 401

    story()


def test_a_wrong_token_is_no_session_even_beside_a_good_cookie(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page:
            for wrong in ("Bearer nonsense", "Basic YTpi", "Bearer ", "Bearer " + "x" * 5000, ""):
                answer = await page.get(f"{API}/me", headers={"Authorization": wrong})
                assert answer.status_code == 401, wrong

    story()


def test_secrets_never_come_back_in_an_error(town: Town) -> None:
    @in_loop
    async def story() -> None:
        secret = "a passphrase in the wrong place"
        async with town.client(**OWN) as browser:
            for body in (
                {"name": "dora", "auth": secret},
                {"name": "dora", "passphrase": secret},
                {secret: 1},
                secret,
            ):
                answer = await browser.post(
                    f"{API}/login", content=json.dumps(body), headers={"Content-Type": "application/json"}
                )
                assert answer.status_code == 422
                assert secret not in answer.text
                assert set(answer.json()) == {"error", "message"}

    story()


def test_a_login_page_may_ask_whether_there_is_a_session_and_learns_nothing_else(town: Town) -> None:
    @in_loop
    async def story() -> None:
        session = town.store.sessions.open(town.alice.id, "cookie")
        for cookie, is_open in (("", False), ("x" * 43, False), (session, True)):
            async with town.client() as browser:
                browser.cookies.set(COOKIE, cookie)
                answer = await browser.get(f"{API}/session")
                assert (answer.status_code, answer.json()) == (200, {"open": is_open})
                assert answer.headers["cache-control"] == "no-store"
