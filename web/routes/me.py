"""GET me: who I am, what opens my key, and my mailboxes."""

from bridge.store import Store
from web.answers import to_b64, utc
from web.auth import Who, logged_out
from web.house import Here
from web.told import MailboxOut, Me, Myself, RecoveryOut, WrapOut


async def me(who: Who, house: Here) -> Me:
    """Return the asking user with keyslots, mailbox keys and the value for X-CSRF."""
    store, user = house.store, who.user
    if user.public is None:
        raise logged_out()  # nobody has a session before he has joined
    limits = store.deleting.limits()
    waiting, older = store.standing.waiting(user.id), store.standing.older(user.id)
    origins = store.epochs.origins(user.id)
    outgrown = store.epochs.outgrown(user.id)
    people = store.standing.people(user.id)
    return Me(
        user=Myself(id=user.id, name=user.name, public=to_b64(user.public)),
        slots=[to_b64(slot) for slot in store.users.slots(user.id)],
        wraps=[
            WrapOut(
                mailbox_id=wrap.mailbox_id,
                epoch=wrap.epoch,
                public=to_b64(wrap.public),
                wrap=to_b64(wrap.wrap),
            )
            for wrap in store.mailboxes.wraps_of(user.id)
        ],
        mailboxes=[
            MailboxOut(
                id=seen.mailbox.id,
                extension=seen.mailbox.extension,
                name=seen.mailbox.name,
                state=seen.mailbox.state.value,
                my_state=seen.state.value,
                epoch=seen.mailbox.epoch,
                public=to_b64(seen.mailbox.public),
                waiting=waiting.get(seen.mailbox.id, 0),
                older=seen.mailbox.id in older,
                keep_days=limits.get(seen.mailbox.id),
                key_since=utc(origin.at) if origin is not None else None,
                key_by=origin.by if origin is not None else None,
                outgrown=seen.mailbox.id in outgrown,
                people=people.get(seen.mailbox.id, 0),
            )
            for seen in store.mailboxes.of_user(user.id)
            for origin in [origins.get(seen.mailbox.id)]
        ],
        recovery=_recovery(store, user.id),
        csrf=store.sessions.form_mark(who.token),
    )


def _recovery(store: Store, user_id: str) -> RecoveryOut | None:
    found = store.recovery.now()
    if found is None:
        return None
    mine = store.mailboxes.readable_by(user_id)
    return RecoveryOut(
        user_id=found.user_id,
        public=to_b64(found.public),
        opens=[mailbox_id for mailbox_id in mine if mailbox_id in found.opens],
        waits=[mailbox_id for mailbox_id in mine if mailbox_id in found.waits],
    )
