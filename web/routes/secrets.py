"""PUT me/passphrase and POST me/sessions/end: what opens my key, and who else is in with it."""

from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from web.answers import ApiError
from web.asked import NewPassphrase
from web.auth import Who, guesses, spend
from web.house import From, Here
from web.told import EndedAnswer


async def passphrase(asked: NewPassphrase, who: Who, house: Here, origin: From) -> EndedAnswer:
    """Change the passphrase; whoever else is in with the old one is logged out. 403 for a wrong secret.

    Guesses count as at the login: a session that was left open must not be a faster way to guess.
    """
    tries = guesses(who.user.name, origin)
    spend(house, tries)
    try:
        ended = await run_in_threadpool(
            house.store.users.change_passphrase,
            who.user.id,
            asked.auth,
            slot=asked.slot,
            salt=bytes.fromhex(asked.salt),
            login=asked.login,
            staying=who.token,
        )
    except Refused as refused:
        status = 403 if refused.word == "wrong secret" else 422
        raise ApiError(status, refused.word, refused.user) from None
    for kind, key in tries:
        house.limits.give_back(kind, key)
    house.streams.end_others(who.user.id, who.token)
    return EndedAnswer(ended=ended)


async def end_others(who: Who, house: Here) -> EndedAnswer:
    """End all my sessions but this one: a lost telephone is logged out."""
    ended = await run_in_threadpool(house.store.users.end_other_sessions, who.user.id, who.token)
    house.streams.end_others(who.user.id, who.token)
    return EndedAnswer(ended=ended)
