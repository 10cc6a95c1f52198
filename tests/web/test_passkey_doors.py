"""The door that passkeys open: how often it may be tried, from which pages, where it stands."""

import logging
from typing import Any

import pytest

from tests.loop import in_loop
from tests.web.authenticator import Authenticator
from tests.web.joiner import OWN, joined_page, log_in
from tests.web.passkeys import added, door, enter
from tests.web.town import API, URL, Town
from web.answers import to_b64


@pytest.mark.thorough
def test_a_door_that_is_rattled_shuts_for_a_while(town: Town) -> None:
    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town))
        unknown = Authenticator(device.user_id)
        async with town.client(peer="192.0.2.9", **OWN) as browser:
            for _ in range(30):
                asked = await door(browser)
                town.seconds.now += 0.01
                assert (
                    await browser.post(f"{API}/login/passkey", json=unknown.login(asked))
                ).status_code == 401
            asked = await door(browser)
            answer = await browser.post(f"{API}/login/passkey", json=device.login(asked))
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0
            assert (await log_in(browser, "Dora", bytes(32))).status_code == 429, "one limit for every way in"
            for _ in range(29):
                await door(browser)
            assert (await browser.post(f"{API}/login/passkey/start")).status_code == 429
        assert (await enter(town, device)).status_code == 200
        town.seconds.now += 3600
        async with town.client(peer="192.0.2.9", **OWN) as browser:
            for _ in range(40):
                town.seconds.now += 2.1
                body = device.login(await door(browser))
                assert (await browser.post(f"{API}/login/passkey", json=body)).status_code == 200

    story()


def test_no_other_site_begins_or_ends_a_login_here(town: Town) -> None:
    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town))
        async with town.client(**OWN) as own, town.client(Origin="https://evil.example") as evil:
            body = device.login(await door(own))
            assert (await evil.post(f"{API}/login/passkey/start")).status_code == 403
            assert (await evil.post(f"{API}/login/passkey", json=body)).status_code == 403
            assert (await own.post(f"{API}/login/passkey", json=body)).status_code == 200

    story()


@pytest.mark.parametrize("url", ["https://192.0.2.7", "https://[2001:db8::7]:8443", "http://127.0.0.1:8080"])
def test_an_address_that_is_a_number_offers_none(tmp_path: Any, url: str) -> None:
    town = Town(tmp_path / "data", {"PUBLIC_URL": url})

    @in_loop
    async def story() -> None:
        async with town.client(url, Origin=url) as browser:
            answer = await browser.post(f"{API}/login/passkey/start")
            assert (answer.status_code, answer.json()["error"]) == (409, "no passkeys")

    story()
    town.close()


def test_the_name_of_the_server_is_what_passkeys_are_bound_to(tmp_path: Any) -> None:
    url = "https://Notes.Example.org:8443"
    town = Town(tmp_path / "data", {"PUBLIC_URL": url, "TRUSTED_PROXIES": "127.0.0.1"})

    @in_loop
    async def story() -> None:
        here = {"Origin": url.lower(), "X-Forwarded-Proto": "https"}
        async with town.client(url, **here) as browser:
            assert (await door(browser))["rp_id"] == "notes.example.org"

    story()
    town.close()


def test_no_credential_or_name_of_a_passkey_is_logged(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def story() -> None:
        device = await added(town, await joined_page(town))
        await enter(town, device)
        await enter(town, device, origin="https://evil.example")
        for secret in (device.credential_id.hex(), to_b64(device.credential_id), "My telephone"):
            assert secret not in caplog.text

    caplog.set_level(logging.DEBUG)
    story()


def test_a_page_tells_for_which_address_its_passkeys_are(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.client() as browser:
            page = (await browser.get("/login")).text
            assert f'<meta name="aftertone-home" content="{URL}">' in page

    story()
