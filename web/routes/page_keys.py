"""GET /keys: what opens my notes, and what I can do about it."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from web.auth import session_of
from web.house import Here


async def show(request: Request, house: Here) -> Response:
    """Show the page; its script asks for everything that is secret, and it never leaves the browser."""
    caller = session_of(request, house)
    if caller is None or caller.kind != "cookie":
        return RedirectResponse("/login", 303)
    return house.pages.page("keys", request.scope, {})
