"""POST join/look and join: a one-time link becomes a user with keys that were made in his browser."""

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from bridge.events import News
from bridge.seal.keyslot import passphrase_params
from bridge.store.mailboxes import Mailbox, MailboxState
from web.answers import ApiError
from web.asked import Join, JoinLook
from web.auth import OwnPage, open_session, spend_address
from web.house import From, Here, House
from web.told import JoinLooked, JoinMailbox, UserAnswer


async def look(asked: JoinLook, house: Here, origin: From, _own: OwnPage) -> JoinLooked:
    """Tell whom a link is for, without using it up."""
    spend_address(house, "join address", origin)
    user = house.store.users.look_token(asked.token)
    if user is None:
        raise _no_link()
    return JoinLooked(
        user_id=user.id,
        name=user.name,
        mailboxes=[
            JoinMailbox(id=box.id, extension=box.extension, name=box.name, approval=_closed(box))
            for box in _mailboxes(house, user.id)
        ],
    )


async def join(
    asked: Join, request: Request, response: Response, house: Here, origin: From, _own: OwnPage
) -> UserAnswer:
    """Use the link up and begin the new user's session. The server keeps SHA-256 of the login secrets."""
    spend_address(house, "join address", origin)
    salt = bytes.fromhex(asked.salt)
    if asked.params != passphrase_params(salt):
        raise ApiError(422, "passphrase parameters", "These are not the parameters of this version.")
    try:
        user = await run_in_threadpool(
            house.store.users.join,
            asked.token,
            public=asked.public,
            slots=asked.slots,
            salt=salt,
            login=asked.login,
            recovery=asked.recovery,
        )
    except Refused as refused:
        if refused.word == "link":
            raise _no_link() from None
        raise ApiError(422, refused.word, refused.user) from None
    for box in _mailboxes(house, user.id):
        if _closed(box):
            house.events.publish(News("row", box.id))  # its members' pages say that somebody waits
    await open_session(request, response, house, origin, user)
    return UserAnswer(user_id=user.id)


def _mailboxes(house: House, user_id: str) -> list[Mailbox]:
    return [seen.mailbox for seen in house.store.mailboxes.of_user(user_id)]


def _closed(mailbox: Mailbox) -> bool:
    return mailbox.state is MailboxState.PRIVATE


def _no_link() -> ApiError:
    return ApiError(404, "link", "This link has been used or is too old. Ask for a new one.")
