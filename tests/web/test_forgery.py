"""Requests that a session's owner did not mean: other sites, other programs' pages, stale pages."""

import pytest

from tests.loop import in_loop
from tests.web.joiner import joined_page
from tests.web.town import API, URL, Town
from web.answers import to_b64
from web.auth import COOKIE

MISSING = None

FORGED = [
    # what the forger's request carries, the word it is refused with
    ({"X-CSRF": MISSING}, "csrf"),
    ({"X-CSRF": "0" * 32}, "csrf"),
    ({"X-CSRF": "\u00e9"}, "csrf"),
    ({"Origin": "https://evil.test"}, "foreign origin"),
    ({"Origin": "null"}, "foreign origin"),
    ({"Origin": "http://localhost:3000"}, "foreign origin"),
    ({"Origin": "https://localhost:8080"}, "foreign origin"),
    ({"Origin": MISSING}, "foreign origin"),
    ({"Sec-Fetch-Site": "cross-site"}, "foreign origin"),
    ({"Sec-Fetch-Site": "same-site"}, "foreign origin"),
]


@pytest.mark.parametrize(("forged", "word"), FORGED)
def test_a_forged_change_is_refused_and_nothing_changes(
    town: Town, forged: dict[str, str | None], word: str
) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        async with town.page_of(town.alice) as page:
            for name, value in forged.items():
                if value is None:
                    del page.headers[name]
            sent = {
                name.encode(): value.encode("latin-1") for name, value in forged.items() if value is not None
            }
            answer = await page.put(f"{API}/rows/{row_id}/heard", json={"heard": True}, headers=sent)
            assert (answer.status_code, answer.json()["error"]) == (403, word)
            assert (await page.get(f"{API}/rows/{row_id}")).json()["heard"] is False

    story()


def test_another_session_of_the_same_user_does_not_prove_this_one(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page, town.page_of(town.alice) as other:
            page.headers["X-CSRF"] = other.headers["X-CSRF"]
            answer = await page.post(f"{API}/logout", json={})
            assert answer.json()["error"] == "csrf"

    story()


def test_a_form_of_another_site_cannot_log_its_victim_in_as_somebody_else(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        body = {"name": "Dora", "auth": to_b64(who.auth)}
        async with town.client() as browser:
            for forged in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
                answer = await browser.post(f"{API}/login", json=body, headers=forged)
                assert (answer.status_code, answer.json()["error"]) == (403, "foreign origin")
                assert "set-cookie" not in answer.headers
            form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": URL}
            answer = await browser.post(f"{API}/login", content="name=Dora", headers=form)
            assert answer.status_code == 415

    story()


def test_no_preflight_is_answered(town: Town) -> None:
    @in_loop
    async def story() -> None:
        asks = {"Origin": "https://evil.test", "Access-Control-Request-Method": "PUT"}
        async with town.page_of(town.alice) as page:
            answer = await page.request("OPTIONS", f"{API}/me", headers=asks)
            assert answer.status_code == 405
            assert not [name for name in answer.headers if name.startswith("access-control")]

    story()


def test_a_program_with_its_token_needs_no_proof(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        async with town.program_of(town.alice) as program:
            answer = await program.put(f"{API}/rows/{row_id}/heard", json={"heard": True})
            assert answer.json() == {"heard": True}
            assert (await program.get(f"{API}/rows/{row_id}")).json()["heard"] is True

    story()


def test_a_mark_is_for_its_owner_alone(town: Town) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        box = town.box("1001")
        assert box.epoch == 1
        async with town.page_of(town.alice) as page:
            for heard in (True, False, True):
                await page.put(f"{API}/rows/{row_id}/heard", json={"heard": heard})
                assert (await page.get(f"{API}/rows/{row_id}")).json()["heard"] is heard
            for wrong in ({"heard": 1}, {"heard": "yes"}, {}, {"heard": True, "by": town.carol.id}):
                assert (await page.put(f"{API}/rows/{row_id}/heard", json=wrong)).status_code == 422
            assert COOKIE in page.cookies
        row = town.store.calls.row(bytes.fromhex(row_id), town.bob.id)
        assert row is not None
        assert not row.heard

    story()
