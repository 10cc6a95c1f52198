"""Who reads a mailbox, letting a waiting user in, and taking somebody off it."""

from starlette.concurrency import run_in_threadpool

from bridge.errors import AftertoneError, Refused
from bridge.events import News
from bridge.store.epochs import NextKey
from bridge.store.members import Member
from web import asked as asking
from web.answers import ApiError, not_found, to_b64
from web.auth import Who, check_member, spend
from web.house import Here, House
from web.told import Done, MemberOut, Members


async def members(mailbox_id: str, who: Who, house: Here) -> Members:
    """List everybody of a mailbox to its members."""
    check_member(house, who, mailbox_id)
    epoch, public = house.store.epochs.present(mailbox_id)
    return Members(
        epoch=epoch,
        public=to_b64(public),
        members=[_told(member) for member in house.store.mailboxes.members(mailbox_id)],
    )


async def add(mailbox_id: str, asked: asking.AddMember, who: Who, house: Here) -> MemberOut:
    """Give a mailbox to a user who is there already; he waits until a member approves him.

    409 ``no such user``. Only a member hears that, a few times a day: every name counts, known or not, and
    of each that is known the mailbox's log tells.
    """
    check_member(house, who, mailbox_id)
    spend(house, [("add member", who.user.id)])
    member = await run_in_threadpool(house.store.giving.add, mailbox_id, who.user.id, asked.name)
    tell_changed(house, mailbox_id)
    house.streams.tell(member.user_id, News("missed"))  # of its rows he hears nothing yet
    return _told(member)


async def approve(mailbox_id: str, user_id: str, asked: asking.Approve, who: Who, house: Here) -> Done:
    """Let a waiting user in with the keys that a member has closed for him.

    409 ``key changed``: they were closed for a key that is not his any more; whoever compared its fingerprint
    compares the new one. 409 ``member already``: somebody else has let him in.
    """
    check_member(house, who, mailbox_id)
    if all(member.user_id != user_id for member in house.store.mailboxes.members(mailbox_id)):
        raise not_found()
    wraps = [(item.epoch, item.wrap) for item in asked.wraps]
    await run_in_threadpool(
        house.store.mailboxes.approve, mailbox_id, who.user.id, user_id, asked.public, wraps
    )
    tell_changed(house, mailbox_id)  # his open page fetches its keys and rows
    return Done()


async def remove(mailbox_id: str, user_id: str, asked: asking.Remove, who: Who, house: Here) -> Done:
    """Take somebody off a mailbox, myself too; a member goes with a new key for all who stay.

    409 ``members changed``: the key is not the next one, or not for those who stay now. Ask for the members
    again and make another. Who was removed has his sessions still, and reads nothing here from now on.
    """
    check_member(house, who, mailbox_id)
    try:
        following = next_key(asked.next) if asked.next is not None else None
        await run_in_threadpool(house.store.epochs.remove, mailbox_id, who.user.id, user_id, following)
    except Refused as refused:
        if refused.word == "no such member":
            raise not_found() from None
        raise _refusal(refused) from None
    tell_changed(house, mailbox_id)
    house.streams.tell(user_id, News("missed"))  # the other news do not reach him any more
    return Done()


async def renew(mailbox_id: str, asked: asking.NextKey, who: Who, house: Here) -> Done:
    """Give a mailbox the next key, made by me for all its members; nobody comes or goes by that.

    409 ``members changed``: it is not the next one, or not for those who are members now. Somebody may have
    been faster: ask for ``me`` again.
    """
    check_member(house, who, mailbox_id)
    wished = [] if mailbox_id in house.store.epochs.outgrown(who.user.id) else [("mailbox key", mailbox_id)]
    spend(house, wished)
    try:
        await run_in_threadpool(house.store.epochs.renew, mailbox_id, who.user.id, next_key(asked))
    except Refused as refused:
        for each in wished:
            house.limits.give_back(*each)
        raise _refusal(refused) from None
    tell_changed(house, mailbox_id)
    return Done()


def _refusal(refused: Refused) -> AftertoneError:
    """Return what a key that cannot be taken is answered with."""
    if refused.word in ("public key", "wraps"):
        return ApiError(422, refused.word, refused.user)
    return refused


def _told(member: Member) -> MemberOut:
    return MemberOut(
        user_id=member.user_id,
        name=member.name,
        public=to_b64(member.public) if member.public is not None else None,
        state=member.state.value,
        epochs=list(member.epochs),
    )


def next_key(asked: asking.NextKey) -> NextKey:
    """Return a key as the store takes it."""
    return NextKey(asked.epoch, asked.public, [(item.user_id, item.wrap) for item in asked.wraps])


def tell_changed(house: House, mailbox_id: str) -> None:
    """Let every page that may read a mailbox fetch it anew, and streams look again who that is."""
    house.streams.memberships += 1
    house.events.publish(News("row", mailbox_id))
