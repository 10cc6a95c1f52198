"""Who asks: cookie sessions of browsers, bearer sessions of key files, and what a change must prove.

A request with an Authorization header is judged by that alone. A cookie may travel without its owner's will,
so what changes something must also carry X-CSRF (from ``me``) and come from a page of ours (Origin).
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from bridge.store.names import handle_of
from bridge.store.users import User
from web.answers import ApiError, not_found, too_many
from web.house import From, Here, House
from web.limits import network_of
from web.origin import Origin, may_change

COOKIE = "aftertone"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Over https. Browsers take this name from this very host alone (RFC 6265bis, section 4.1.3.2). A neighbour
below the same domain can plant a cookie of the plain name, and we would take its session for the user's."""
COOKIE_S = 30 * 24 * 3600
"""Seconds a browser keeps the cookie; the session on the server slides likewise."""

SAFE = ("GET", "HEAD")
LONGEST_TOKEN = 200
"""Characters of a token that are looked at at all; ours have 43."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A request's session. ``kind`` is ``cookie`` or ``bearer``."""

    user: User
    token: str = field(repr=False)
    kind: str


def logged_out() -> ApiError:
    """Return the answer for a request without a session."""
    return ApiError(401, "not logged in", "Please log in.")


def cookie_name(origin: Origin) -> str:
    """Return the name of the session's cookie at this origin."""
    return SECURE_COOKIE if origin.scheme == "https" else COOKIE


def session_of(request: Request, house: House) -> Caller | None:
    """Return the session of a request, if it has one.

    A program's token is none in a cookie, nor a page's in a header: each proves its changes in its own way.
    """
    given = request.headers.get("authorization")
    if given is not None:
        scheme, _, token = given.partition(" ")
        kind = "bearer" if scheme.lower() == "bearer" else ""
    else:
        kind, token = "cookie", request.cookies.get(cookie_name(request.state.origin), "")
    if not kind or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
        return None
    user = house.store.sessions.user(token, kind)
    return Caller(user, token, kind) if user is not None else None


async def _caller(request: Request, house: Here, origin: From) -> Caller:
    check_sender(request, origin, house)
    caller = session_of(request, house)
    if caller is None:
        raise logged_out()
    if caller.kind == "cookie" and request.method not in SAFE:
        if "origin" not in request.headers:
            raise _foreign()
        mark = house.store.sessions.form_mark(caller.token)
        if not hmac.compare_digest(request.headers.get("x-csrf", "").encode(), mark.encode()):
            raise ApiError(403, "csrf", "This page is out of date. Load it again.")
    return caller


async def _own_page(request: Request, house: Here, origin: From) -> None:
    check_sender(request, origin, house)


def check_sender(request: Request, origin: Origin, house: House) -> None:
    """Raise ApiError 403 for a change that a page of another origin asks for, with or without a session.

    Browsers send Origin with every such request; programs send none.
    """
    sender = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    if request.method in SAFE:
        return
    if sender is not None and not may_change(sender.lower(), origin, house.settings.public_url):
        raise _foreign()
    if site not in ("none", "same-origin"):
        raise _foreign()


def _foreign() -> ApiError:
    return ApiError(403, "foreign origin", "This request did not come from this server's own page.")


Who = Annotated[Caller, Depends(_caller)]
"""A route's parameter: the session that asks. Without one the answer is 401; changes are proven."""

OwnPage = Annotated[None, Depends(_own_page)]
"""For changes that need no session (login, join): no other site's page may ask for them."""


def readable(house: House, caller: Caller) -> list[str]:
    """Return the ids of the mailboxes whose rows the caller may see."""
    return house.store.mailboxes.readable_by(caller.user.id)


def check_member(house: House, caller: Caller, mailbox_id: str) -> None:
    """Raise ApiError 404 unless the mailbox is private and the caller is one of its members."""
    if not house.store.standing.opens(caller.user.id, mailbox_id):
        raise not_found()


def spend(house: House, tries: Iterable[tuple[str, str]]) -> None:
    """Count a try against each (limit, key). Raises ApiError 429 with Retry-After.

    What one limit refuses is not counted by those before it: nobody uses up another's tries by refused ones.
    """
    now = house.clock()
    counted: list[tuple[str, str]] = []
    for kind, key in tries:
        if wait := house.limits.take(kind, key, now):
            for before in counted:
                house.limits.give_back(*before)
            raise too_many(wait)
        counted.append((kind, key))


def guesses(name: str, origin: Origin) -> list[tuple[str, str]]:
    """Return the (limit, key) pairs that a guess at somebody's passphrase or recovery code counts against."""
    handle, network = handle_of(name), network_of(origin.client)
    return [("login address", network), ("login pair", f"{network} {handle}"), ("login name", handle)]


def spend_address(house: House, kind: str, origin: Origin) -> None:
    """Count a try against the client's address. Raises ApiError 429."""
    spend(house, [(kind, network_of(origin.client))])


def set_cookie(response: Response, token: str, origin: Origin) -> None:
    """Hand a session to a browser: no script reads it, no other site sends it, no plain line carries it."""
    response.set_cookie(
        cookie_name(origin),
        token,
        max_age=COOKIE_S,
        path="/",
        httponly=True,
        samesite="strict",
        secure=origin.scheme == "https",
    )


def drop_cookie(response: Response, origin: Origin) -> None:
    """Take the session back from a browser."""
    response.delete_cookie(
        cookie_name(origin), path="/", httponly=True, samesite="strict", secure=origin.scheme == "https"
    )


async def open_session(
    request: Request, response: Response, house: House, origin: Origin, user: User
) -> None:
    """Begin a browser's session: always a new token, and the one that it came with is over (no fixation)."""
    old = request.cookies.get(cookie_name(origin), "")[:LONGEST_TOKEN]
    if old:
        await run_in_threadpool(house.store.sessions.close, old)
        house.streams.end_session(old)
    set_cookie(response, await run_in_threadpool(house.store.sessions.open, user.id, "cookie"), origin)
