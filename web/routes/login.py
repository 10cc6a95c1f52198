"""POST login/start and login: by passphrase or recovery code, of which the server sees only derivates."""

import json

from fastapi import Request, Response

from web.answers import ApiError
from web.asked import Login, LoginStart
from web.auth import OwnPage, guesses, open_session, spend, spend_address
from web.house import From, Here
from web.told import SaltAnswer, UserAnswer


async def start(asked: LoginStart, house: Here, origin: From, _own: OwnPage) -> SaltAnswer:
    """Return salt and Argon2id parameters (the JSON text of a passphrase slot), also for unknown names."""
    spend_address(house, "ask address", origin)
    salt, params = house.store.users.login_salt(asked.name)
    return SaltAnswer(salt=salt, params=json.dumps(params, sort_keys=True, separators=(",", ":")))


async def login(
    asked: Login, request: Request, response: Response, house: Here, origin: From, _own: OwnPage
) -> UserAnswer:
    """Open a browser's session. 401 says the same for a wrong name, passphrase or recovery code."""
    tries = guesses(asked.name, origin)
    spend(house, tries)
    user = house.store.users.check_login(asked.name, asked.auth)
    if user is None:
        raise ApiError(401, "wrong name or passphrase", "Wrong name or passphrase.")
    for kind, key in tries:
        house.limits.give_back(kind, key)
    await open_session(request, response, house, origin, user)
    return UserAnswer(user_id=user.id)
