"""POST claim and claim/confirm: the first member takes a mailbox over, and the server forgets its key."""

from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from bridge.events import News
from web.answers import ApiError, not_found, to_b64
from web.asked import ClaimConfirm
from web.auth import Caller, Who
from web.house import Here, House
from web.told import ClaimOffer, ClaimState

EPOCH = 0
"""The epoch of the key that the server made; the member's own begins epoch 1."""


async def offer(mailbox_id: str, who: Who, house: Here) -> ClaimOffer:
    """Give the mailbox's key, closed for me; asking again gives the same until it is confirmed."""
    _belongs(house, who, mailbox_id)
    wrap = await run_in_threadpool(house.store.mailboxes.offer_claim, mailbox_id, who.user.id)
    mailbox = house.store.mailboxes.get(mailbox_id)
    if mailbox is None or mailbox.epoch != EPOCH:
        raise Refused("claimed", user="Somebody has claimed this mailbox. A member of it must let you in.")
    return ClaimOffer(wrap=to_b64(wrap), epoch=EPOCH, public=to_b64(mailbox.public))


async def confirm(mailbox_id: str, asked: ClaimConfirm, who: Who, house: Here) -> ClaimState:
    """Take the mailbox over: I have opened its key (``proof``) and made the next one."""
    _belongs(house, who, mailbox_id)
    try:
        claimed = await run_in_threadpool(
            house.store.mailboxes.confirm_claim,
            mailbox_id,
            who.user.id,
            asked.proof,
            asked.public,
            asked.wrap,
        )
    except Refused as refused:
        if refused.word in ("proof", "public key", "wraps"):
            raise ApiError(422, refused.word, refused.user) from None
        raise
    if claimed:
        house.streams.memberships += 1
        house.events.publish(News("row", mailbox_id))
    return ClaimState(state="private")


def _belongs(house: House, who: Caller, mailbox_id: str) -> None:
    if not house.store.standing.belongs(who.user.id, mailbox_id):
        raise not_found()
