"""People with passkeys before a door, each with an authenticator of the tests' own."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from bridge.seal.keyslot import SlotKind, make_keyslot
from tests.web.authenticator import Authenticator
from tests.web.joiner import OWN, Joiner, log_in
from tests.web.town import API, Town
from web.answers import to_b64

WRONG = {"error": "wrong passkey", "message": "This passkey does not log in here."}


@asynccontextmanager
async def page_of(town: Town, who: Joiner) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which somebody has logged in by passphrase."""
    async with town.client(**OWN) as page:
        assert (await log_in(page, who.name, who.auth)).status_code == 200
        page.headers["X-CSRF"] = (await page.get(f"{API}/me")).json()["csrf"]
        yield page


def id_of(town: Town, name: str) -> str:
    user = town.store.users.by_name(name)
    assert user is not None
    return user.id


def slot_for(user_id: str) -> str:
    return to_b64(make_keyslot(SlotKind.PASSKEY, os.urandom(32), os.urandom(32), user_id))


async def begin(page: httpx.AsyncClient, who: Joiner) -> dict[str, Any]:
    answer = await page.post(f"{API}/me/passkeys/start", json={"auth": to_b64(who.auth)})
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


async def put(
    page: httpx.AsyncClient, device: Authenticator, made: dict[str, str], **other: str
) -> httpx.Response:
    body = {**made, "slot": slot_for(device.user_id), "name": "My telephone"} | other
    return await page.post(f"{API}/me/passkeys", json=body)


async def added(town: Town, who: Joiner, **device: Any) -> Authenticator:
    """Somebody adds a passkey, and it is there."""
    made = Authenticator(id_of(town, who.name), **device)
    async with page_of(town, who) as page:
        answer = await put(page, made, made.made(await begin(page, who)))
        assert answer.status_code == 200, answer.text
    return made


async def door(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.post(f"{API}/login/passkey/start")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


async def enter(town: Town, device: Authenticator, **bent: Any) -> httpx.Response:
    """Log in at a new browser."""
    async with town.client(**OWN) as browser:
        return await browser.post(f"{API}/login/passkey", json=device.login(await door(browser), **bent))
