"""GET directory: the mailboxes of the house, to whom a note can be sealed."""

from typing import Annotated

from fastapi import Query

from bridge.store.directory import MOST
from web.answers import to_b64
from web.auth import Who
from web.house import Here
from web.told_calls import Directory, Listed


async def listed(who: Who, house: Here, after: Annotated[str, Query(max_length=60)] = "") -> Directory:
    """List all mailboxes by extension, after the one that ``next`` of the last answer named.

    Whoever has joined sees them all: he may call each of them, too. Until one is ``private``, the server can
    open what is sealed to it.
    """
    found = house.store.directory.page(after, MOST + 1)
    return Directory(
        mailboxes=[
            Listed(
                id=box.id,
                extension=box.extension,
                name=box.name,
                private=box.private,
                epoch=box.epoch,
                public=to_b64(box.public),
            )
            for box in found[:MOST]
        ],
        next=found[MOST - 1].extension if len(found) > MOST else None,
    )
