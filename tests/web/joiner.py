"""Somebody who joins and logs in, as the page does it."""

import os
from dataclasses import dataclass

import httpx

from bridge.seal.keys import new_keypair
from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params, recovery_auth
from tests.web.town import API, URL, Town
from web.answers import to_b64

OWN = {"Origin": URL}


@dataclass
class Joiner:
    """Somebody behind a one-time link; ``auth`` and ``recovery`` are what his page shows at logins."""

    name: str
    token: str
    auth: bytes
    recovery: bytes
    body: dict[str, object]


def joiner(town: Town, name: str, extension: str) -> Joiner:
    """Do what the page does, without Argon2's work: the server never sees the passphrase anyway."""
    user, token = town.store.users.add(name, [extension])
    private, public = new_keypair()
    salt, secret, code = os.urandom(16), os.urandom(32), os.urandom(20)
    slots = [
        make_keyslot(SlotKind.PASSPHRASE, secret, private, user.id, passphrase_params(salt)),
        make_keyslot(SlotKind.RECOVERY, code, private, user.id),
    ]
    body: dict[str, object] = {
        "token": token,
        "public": to_b64(public),
        "slots": [to_b64(slot) for slot in slots],
        "salt": salt.hex(),
        "params": passphrase_params(salt),
        "login": to_b64(login_auth(secret)),
        "recovery": to_b64(recovery_auth(code)),
    }
    return Joiner(name, token, login_auth(secret), recovery_auth(code), body)


async def joined_page(town: Town, name: str = "Dora", extension: str = "3003") -> Joiner:
    who = joiner(town, name, extension)
    async with town.client(**OWN) as browser:
        assert (await browser.post(f"{API}/join", json=who.body)).status_code == 200
    return who


async def log_in(browser: httpx.AsyncClient, name: str, auth: bytes) -> httpx.Response:
    return await browser.post(f"{API}/login", json={"name": name, "auth": to_b64(auth)})
