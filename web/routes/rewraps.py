"""Older calls and notes get envelopes of the present epoch, made by a member's page or CLI."""

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from web.answers import ApiError, not_found, to_b64
from web.asked import NewEnvelopes
from web.auth import Who, check_member
from web.house import Here
from web.told import Left, RewrapItem, Rewraps


async def pending(
    mailbox_id: str,
    who: Who,
    house: Here,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    skip: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
) -> Rewraps:
    """Return the oldest of what the present epoch cannot open; ``left`` also counts notes being recorded.

    ``skip``: how many of them the asker cannot open either; the order stays.
    """
    check_member(house, who, mailbox_id)
    return Rewraps(
        epoch=house.store.epochs.present(mailbox_id)[0],
        items=[
            RewrapItem(
                id=item.id.hex(),
                kind="call" if item.kind == "call" else "note",
                commit=to_b64(item.commit),
                envelope=to_b64(item.envelopes),
            )
            for item in house.store.mailboxes.pending_rewraps(mailbox_id, limit, skip)
        ],
        left=house.store.envelopes.left(mailbox_id),
    )


async def put(mailbox_id: str, asked: NewEnvelopes, who: Who, house: Here) -> Left:
    """Take new envelopes, each opened by its maker before; all of them or none."""
    check_member(house, who, mailbox_id)
    items = [(bytes.fromhex(item.id), item.envelope) for item in asked.items]
    try:
        left = await run_in_threadpool(house.store.mailboxes.put_envelopes, mailbox_id, who.user.id, items)
    except Refused as refused:
        if refused.word == "no such note":
            raise not_found() from None
        raise ApiError(422, refused.word, refused.user) from None
    return Left(left=left)
