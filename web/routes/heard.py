"""PUT rows/{id}/heard: my own mark on a row."""

from web.asked import HeardMark
from web.auth import Who
from web.house import Here
from web.routes.rows import my_row
from web.told_calls import Heard


async def mark(row_id: str, asked: HeardMark, who: Who, house: Here) -> Heard:
    """Set or take away my mark; other members have their own."""
    row = my_row(house, who, row_id)
    house.store.calls.mark_heard(row.id, who.user.id, asked.heard)
    return Heard(heard=asked.heard)
