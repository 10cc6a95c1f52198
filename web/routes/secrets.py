"""PUT me/passphrase and me/keys, POST me/sessions/end: what opens my notes, and who else is in with it."""

from typing import Annotated

from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from bridge.store.newkeys import Secrets
from web.answers import ApiError
from web.asked import NewKeys, NewPassphrase
from web.auth import Who, guesses, spend
from web.house import From, Here, House
from web.later import later
from web.routes.members import next_key, tell_changed
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
    _give_back(house, tries)
    house.streams.end_others(who.user.id, who.token)
    return EndedAnswer(ended=ended)


async def keys(asked: Annotated[NewKeys, later(NewKeys)], who: Who, house: Here, origin: From) -> EndedAnswer:
    """Take new keys in the place of mine, as a device was lost; every other session of mine is over.

    403 for a wrong secret, which counts as a guess at the login; 409 ``members changed`` when somebody was
    let in or removed meanwhile, and ``address book changed``.
    """
    paced = [("new keys", who.user.id)]
    tries = guesses(who.user.name, origin)
    spend(house, [*tries, *paced])
    secrets = Secrets(
        public=asked.public,
        slots=asked.slots,
        salt=bytes.fromhex(asked.salt),
        login=asked.login,
        recovery=asked.recovery,
        wraps=[(item.mailbox_id, item.epoch, item.wrap) for item in asked.wraps],
        following=[(item.mailbox_id, next_key(item)) for item in asked.next],
        book=(bytes.fromhex(asked.book.replaces), asked.book.sealed) if asked.book is not None else None,
    )
    try:
        ended, boxes = await run_in_threadpool(
            house.store.newkeys.take, who.user.id, asked.auth, secrets, who.token
        )
    except Refused as refused:
        _give_back(house, paced)
        if refused.word in ("members changed", "too many epochs", "address book changed"):
            _give_back(house, tries)  # the secret was right
            if refused.word == "address book changed":
                raise ApiError(409, refused.word, refused.user) from None
            raise
        raise ApiError(403 if refused.word == "wrong secret" else 422, refused.word, refused.user) from None
    _give_back(house, tries)
    house.streams.end_others(who.user.id, who.token)
    for mailbox_id in boxes:
        tell_changed(house, mailbox_id)
    return EndedAnswer(ended=ended)


def _give_back(house: House, tries: list[tuple[str, str]]) -> None:
    for kind, key in tries:
        house.limits.give_back(kind, key)


async def end_others(who: Who, house: Here) -> EndedAnswer:
    """End all my sessions but this one: a lost telephone is logged out."""
    ended = await run_in_threadpool(house.store.users.end_other_sessions, who.user.id, who.token)
    house.streams.end_others(who.user.id, who.token)
    return EndedAnswer(ended=ended)
