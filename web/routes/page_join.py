"""GET /join: the page behind a one-time link. Its token is in the fragment, which never comes here."""

from fastapi import Request, Response

from web.house import Here


async def show(request: Request, house: Here) -> Response:
    """Show the page that makes a new user's keys."""
    return house.pages.page("join", request.scope, {})
