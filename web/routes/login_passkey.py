"""POST login/passkey/start and login/passkey: by a device that knows whose it is; no name is asked for."""

import secrets

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from bridge.store.users import User
from web.answers import ApiError, to_b64
from web.asked import PasskeyLogin
from web.auth import OwnPage, open_session, spend_address
from web.house import From, Here, House
from web.limits import network_of
from web.routes.passkeys import site_of
from web.told import LoginOptions, UserAnswer
from web.webauthn import Assertion, Credential


async def start(house: Here, origin: From, _own: OwnPage) -> LoginOptions:
    """Return a challenge: the same for everybody, as nobody has said yet who he is."""
    site = site_of(house)
    spend_address(house, "ask address", origin)
    ceremony, challenge = house.ceremonies.begin("login", "", house.clock())
    return LoginOptions(ceremony=ceremony, challenge=to_b64(challenge), rp_id=site.rp_id)


async def login(
    asked: PasskeyLogin, request: Request, response: Response, house: Here, origin: From, _own: OwnPage
) -> UserAnswer:
    """Open a browser's session. 401 says the same for every fault."""
    spend_address(house, "login address", origin)
    user = await _user(asked, house)
    if user is None:
        raise ApiError(401, "wrong passkey", "This passkey does not log in here.")
    house.limits.give_back("login address", network_of(origin.client))
    await open_session(request, response, house, origin, user)
    return UserAnswer(user_id=user.id)


async def _user(asked: PasskeyLogin, house: House) -> User | None:
    """Return whose passkey has signed this ceremony's challenge."""
    site = site_of(house)
    challenge = house.ceremonies.take("login", asked.ceremony, "", house.clock())
    passkey = house.store.passkeys.find(asked.credential_id)
    if challenge is None or passkey is None:
        return None
    if not secrets.compare_digest(asked.user_handle, passkey.user_id.encode()):
        return None
    known = Credential(passkey.credential_id, passkey.public_key, passkey.counter)
    said = Assertion(asked.client_data, asked.authenticator_data, asked.signature)
    try:
        counter = site.confirm(challenge, known, said)
    except Refused:
        return None
    if not await run_in_threadpool(house.store.passkeys.used, passkey.id, counter):
        return None
    return house.store.users.get(passkey.user_id)
