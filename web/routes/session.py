"""GET session: whether this browser has one. Its cookie is none that a script can see."""

from fastapi import Request

from web.auth import session_of
from web.house import Here
from web.told import Session


async def mine(request: Request, house: Here) -> Session:
    """Tell it without the 401 of every other route: a login page asks as a matter of course."""
    return Session(open=session_of(request, house) is not None)
