"""Who reads a mailbox, and letting a waiting user in."""

from starlette.concurrency import run_in_threadpool

from bridge.events import News
from web.answers import not_found, to_b64
from web.asked import Approve
from web.auth import Who, check_member
from web.house import Here
from web.told import Done, MemberOut, Members


async def members(mailbox_id: str, who: Who, house: Here) -> Members:
    """List everybody of a mailbox to its members."""
    check_member(house, who, mailbox_id)
    return Members(
        members=[
            MemberOut(
                user_id=member.user_id,
                name=member.name,
                public=to_b64(member.public) if member.public is not None else None,
                state=member.state.value,
                epochs=list(member.epochs),
            )
            for member in house.store.mailboxes.members(mailbox_id)
        ]
    )


async def approve(mailbox_id: str, user_id: str, asked: Approve, who: Who, house: Here) -> Done:
    """Let a waiting user in with the keys that a member has closed for him."""
    check_member(house, who, mailbox_id)
    if all(member.user_id != user_id for member in house.store.mailboxes.members(mailbox_id)):
        raise not_found()
    wraps = [(item.epoch, item.wrap) for item in asked.wraps]
    await run_in_threadpool(house.store.mailboxes.approve, mailbox_id, who.user.id, user_id, wraps)
    house.streams.memberships += 1
    house.events.publish(News("row", mailbox_id))  # his open page fetches its keys and rows
    return Done()
