"""GET and PUT me/addressbook: my own names for numbers, sealed in my page and opened nowhere else."""

from typing import Annotated

from fastapi import Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from bridge.errors import Refused
from web.answers import ApiError
from web.auth import Who
from web.house import Here
from web.told import BookVersion

BYTES = "application/octet-stream"


async def read(
    who: Who, house: Here, if_none_match: Annotated[str | None, Header(max_length=200)] = None
) -> Response:
    """Return the sealed book, its version as ETag; 204 where there is none, 304 where it is the one named."""
    book = await run_in_threadpool(house.store.addressbooks.get, who.user.id)
    if book is None:
        return Response(status_code=204)
    headers = {"ETag": f'"{book.version.hex()}"'}
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(book.sealed, headers=headers, media_type=BYTES)


async def write(
    request: Request,
    who: Who,
    house: Here,
    replaces: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$")] = None,
) -> BookVersion:
    """Keep a book (the body, an SN1) in the place of the version ``replaces``; without one there is none yet.

    409 ``address book changed``: another device has saved meanwhile. Read that, merge, and ask again.
    """
    # Only now, when it is known who sends it: it may be large.
    sealed = await request.body()
    before = bytes.fromhex(replaces) if replaces is not None else None
    try:
        version = await run_in_threadpool(house.store.addressbooks.put, who.user, before, sealed)
    except Refused as refused:
        status = 409 if refused.word == "address book changed" else 422
        raise ApiError(status, refused.word, refused.user) from None
    return BookVersion(version=version.hex())
