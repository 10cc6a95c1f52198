"""THE table of routes: every address of the server, in order. One module per page or action."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse

from web.routes import (
    addressbook,
    challenge,
    claim,
    deleting,
    directory,
    forwards,
    handling,
    heard,
    join,
    live,
    log,
    login,
    login_passkey,
    logout,
    me,
    members,
    note,
    page_inbox,
    page_join,
    page_keys,
    page_login,
    passkeys,
    rewraps,
    rows,
    secrets,
    session,
    shell,
    status,
)
from web.statics import static
from web.told import Problem

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One address. ``open`` says that it needs no session; everything else answers 401 without one.

    ``gives`` is the type of a good answer, for OpenAPI.
    """

    method: str
    path: str
    endpoint: Callable[..., Any]
    open: bool = False
    gives: str = "application/json"

    @property
    def described(self) -> bool:
        """Whether OpenAPI tells of it: pages and files are not an API."""
        return self.path.startswith(API) or self.path == "/health"


ROUTES = (
    # Pages
    Route("GET", "/", page_inbox.show, open=True),
    Route("GET", "/login", page_login.show, open=True),
    Route("GET", "/join", page_join.show, open=True),
    Route("GET", "/keys", page_keys.show, open=True),
    Route("GET", "/static/{digest}/{path:path}", static, open=True),
    # Installed, and without a connection
    Route("GET", "/worker.js", shell.worker, open=True),
    Route("GET", "/shell", shell.page, open=True),
    Route("GET", "/manifest.webmanifest", shell.manifest, open=True),
    # Logging in and out
    Route("POST", f"{API}/login/start", login.start, open=True),
    Route("POST", f"{API}/login", login.login, open=True),
    Route("POST", f"{API}/login/passkey/start", login_passkey.start, open=True),
    Route("POST", f"{API}/login/passkey", login_passkey.login, open=True),
    Route("POST", f"{API}/login/challenge", challenge.ask, open=True),
    Route("POST", f"{API}/login/answer", challenge.answer, open=True),
    Route("POST", f"{API}/logout", logout.logout),
    Route("GET", f"{API}/session", session.mine, open=True),
    # Joining
    Route("POST", f"{API}/join/look", join.look, open=True),
    Route("POST", f"{API}/join", join.join, open=True),
    # Me and my mailboxes
    Route("GET", f"{API}/me", me.me),
    Route("PUT", f"{API}/me/passphrase", secrets.passphrase),
    Route("PUT", f"{API}/me/keys", secrets.keys),
    Route("GET", f"{API}/me/addressbook", addressbook.read, gives="application/octet-stream"),
    Route("PUT", f"{API}/me/addressbook", addressbook.write),
    Route("POST", f"{API}/me/sessions/end", secrets.end_others),
    Route("GET", f"{API}/me/passkeys", passkeys.mine),
    Route("POST", f"{API}/me/passkeys/start", passkeys.start),
    Route("POST", f"{API}/me/passkeys", passkeys.add),
    Route("DELETE", f"{API}/me/passkeys/{{passkey_id}}", passkeys.remove),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/claim", claim.offer),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/claim/confirm", claim.confirm),
    Route("GET", f"{API}/mailboxes/{{mailbox_id}}/members", members.members),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/members", members.add),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/members/{{user_id}}/approve", members.approve),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/members/{{user_id}}/remove", members.remove),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/key", members.renew),
    Route("GET", f"{API}/mailboxes/{{mailbox_id}}/rewraps", rewraps.pending),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/rewraps", rewraps.put),
    Route("GET", f"{API}/mailboxes/{{mailbox_id}}/log", log.read),
    # Calls and notes
    Route("GET", f"{API}/rows", rows.rows),
    Route("GET", f"{API}/rows/versions", rows.versions),
    Route("POST", f"{API}/rows/deleted", deleting.mark),
    Route("POST", f"{API}/rows/erase", deleting.erase),
    Route("GET", f"{API}/rows/{{row_id}}", rows.row),
    Route("PUT", f"{API}/rows/{{row_id}}/heard", heard.mark),
    Route("PUT", f"{API}/rows/{{row_id}}/handling", handling.mark),
    Route("GET", f"{API}/notes/{{note_id}}/blob", note.blob, gives="application/octet-stream"),
    Route("POST", f"{API}/notes/{{note_id}}/log", log.write),
    # Taking a note elsewhere
    Route("GET", f"{API}/directory", directory.listed),
    Route("POST", f"{API}/mailboxes/{{mailbox_id}}/forwards", forwards.begin),
    Route("PUT", f"{API}/forwards/{{note_id}}", forwards.add),
    Route("POST", f"{API}/forwards/{{note_id}}/done", forwards.finish),
    # Live
    Route("GET", f"{API}/events", live.events, gives="text/event-stream"),
    # The server itself
    Route("GET", f"{API}/status", status.status),
    Route("GET", "/health", status.health, open=True),
)


_CLASSES: dict[str, type[Response]] = {"application/json": JSONResponse}


def _answers(route: Route) -> dict[int | str, dict[str, Any]]:
    problem: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem}}
    if route.gives in _CLASSES:
        return problem
    return {200: {"content": {route.gives: {}}}, **problem}


@cache
def router() -> APIRouter:
    """Return the table as FastAPI takes it. To look through all its functions takes 0.1 s, once a process."""
    made = APIRouter()
    for route in ROUTES:
        made.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            include_in_schema=route.described,
            response_class=_CLASSES.get(route.gives, Response) if route.described else HTMLResponse,
            responses=_answers(route) if route.described else None,
            operation_id=f"{route.endpoint.__module__.rpartition('.')[2]}_{route.endpoint.__name__}",
        )
    return made
