"""POST rows/deleted and rows/erase: rows that go for 30 days or for good; foreign and unknown ones do not."""

from web.asked import DeletedMark, Erasing
from web.auth import Who, readable
from web.house import Here
from web.told_calls import Changed


async def mark(asked: DeletedMark, who: Who, house: Here) -> Changed:
    """Delete rows for all their members, or bring back deleted ones; for 30 days that can be undone."""
    ids = [bytes.fromhex(row_id) for row_id in asked.ids]
    news = house.store.deleting.mark(ids, who.user.id, readable(house, who), deleted=asked.deleted)
    for piece in news:
        house.events.publish(piece)
    return Changed(changed=len(news))


async def erase(asked: Erasing, who: Who, house: Here) -> Changed:
    """Remove rows with all their notes for good. What rang in the last 15 minutes goes when they are over."""
    ids = [bytes.fromhex(row_id) for row_id in asked.ids]
    erasure = bytes.fromhex(asked.erasure) if asked.erasure is not None else None
    news = house.store.deleting.erase(ids, who.user.id, readable(house, who), erasure)
    for piece in news:
        house.events.publish(piece)
    return Changed(changed=len(news))
