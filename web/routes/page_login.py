"""GET /login: the form is made by the page's script; the passphrase stays in the browser."""

from fastapi import Request, Response

from web.house import Here


async def show(request: Request, house: Here) -> Response:
    """Show the login page."""
    return house.pages.page("login", request.scope, {})
