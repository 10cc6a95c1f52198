"""GET /: the inbox with skeleton rows, or the way to the login page."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from bridge.store.finding import Show
from web.auth import readable, session_of, set_cookie
from web.house import From, Here
from web.routes.rows import row_out

SKELETONS = 50
"""Rows written into the page: the same as the list fetches first."""


async def show(request: Request, house: Here, origin: From) -> Response:
    """Show id, time, reason and marks of the newest rows; the page's script opens and fills them."""
    caller = session_of(request, house)
    if caller is None or caller.kind != "cookie":
        return RedirectResponse("/login", 303)
    rows, _ = house.store.calls.rows(
        readable(house, caller), caller.user.id, limit=SKELETONS, show=Show.PRESENT
    )
    answer = house.pages.page(
        "inbox", request.scope, {"rows": [row_out(row, caller.user.id) for row in rows]}
    )
    set_cookie(answer, caller.token, origin)  # the browser's copy slides as the session does
    return answer
