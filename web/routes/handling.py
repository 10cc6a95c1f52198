"""PUT rows/{id}/handling: taken, done or open, for all members of its mailbox."""

from bridge.store.handling import Seen
from web.asked import HandlingMark
from web.auth import Who
from web.house import Here
from web.routes.rows import handling_out, my_row
from web.told_calls import HandlingOut


async def mark(row_id: str, asked: HandlingMark, who: Who, house: Here) -> HandlingOut:
    """Bring a row from what I saw (``seen``) into a state.

    409 ``handled otherwise`` when it is not as I saw it any more; the message says who has it. What another
    has taken can only be taken over, by ``taken`` again, and what is done only be opened.
    """
    row = my_row(house, who, row_id)
    seen = Seen(asked.seen.state, asked.seen.user_id)
    house.store.handling.mark(row.id, who.user.id, asked.state, seen)
    return handling_out(my_row(house, who, row_id).handling, who.user.id)
