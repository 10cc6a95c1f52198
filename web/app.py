"""The web app: middleware, error forms, the table of routes. Nothing here knows a page or an action.

A request passes, from outside in:
  Turns            one request a turn of the loop: calls go before pages
  SecurityHeaders  headers of every answer; the last catch
  OriginGate       scheme, host and client address; insecure origins and foreign hosts stop here
  BodyLimit        size, pace and type of bodies
  (FastAPI)        errors become their JSON or page; then the route, which asks for session and proof
"""

import logging
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from bridge.config import Settings
from bridge.errors import Refused, StoreError
from bridge.events import Events
from bridge.intake.uploads import Uploads
from bridge.store import Store
from web.answers import ApiError
from web.bodies import BodyLimit
from web.ceremonies import Ceremonies
from web.house import House
from web.limits import Limits
from web.origin import OriginGate
from web.pages import Pages
from web.routes import API, router
from web.security import SecurityHeaders
from web.statics import read_statics
from web.streams import Streams
from web.told import Pbx
from web.turns import Turns

log = logging.getLogger("aftertone.web")

ROOT = Path(__file__).resolve().parent

ABOUT = """What the page and the command line use; stable for scripts.

Programs log in with a key file (`login/challenge`, `login/answer`) and send `Authorization: Bearer`. Pages
have a cookie; their changes carry `X-CSRF` (from `me`) and come from the server's own origin. Bytes are
base64url without padding, times RFC 3339 in UTC. What does not exist and what is not yours both answer 404.
"""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI would tell an OpenTelemetry collector of requests; nobody is told anything here."""

WORDS = {
    400: ("bad request", "The request cannot be read."),
    404: ("not found", "There is nothing at this address."),
    405: ("method not allowed", "This address does not take that method."),
    408: ("too slow", "The body took too long to arrive."),
    413: ("too large", "The request is too large."),
}


def create_app(
    store: Store,
    events: Events,
    settings: Settings,
    *,
    recording: Callable[[], bool],
    ready: Callable[[], bool],
    pbx: Callable[[], Pbx] = lambda: "off",
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """Return the inbox and its API.

    ``recording``: whether a caller would be recorded now; ``ready``: whether the service is up; ``pbx``: how
    it stands with the PBX's manager interface; ``clock``: monotonic seconds for limits.
    """
    statics = read_statics(ROOT)
    pages = Pages(ROOT / "templates", statics.prefix, settings.public_url)
    version = metadata.version("aftertone")
    app = FastAPI(
        title="Aftertone",
        version=version,
        description=ABOUT,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
        routes=router().routes,
        middleware=[
            Middleware(Turns),
            Middleware(SecurityHeaders),
            Middleware(OriginGate, settings=settings, pages=pages),
            Middleware(BodyLimit),
        ],
    )
    app.state.house = House(
        store=store,
        events=events,
        settings=settings,
        recording=recording,
        ready=ready,
        pbx=pbx,
        version=version,
        pages=pages,
        statics=statics,
        limits=Limits(),
        ceremonies=Ceremonies(),
        streams=Streams(events),
        uploads=Uploads(store, settings.min_free, settings.note_limit_s, clock),
        clock=clock,
    )
    _handle_errors(app, pages)
    return app


def _handle_errors(app: FastAPI, pages: Pages) -> None:
    @app.exception_handler(ApiError)
    async def told(request: Request, error: ApiError) -> Response:
        return pages.error(request.scope, error)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return pages.error(request.scope, ApiError(409, error.word, error.user))

    @app.exception_handler(StoreError)
    async def failed(request: Request, error: StoreError) -> Response:
        log.error("a request failed: %s", error)
        message = "The server cannot read or write its data just now."
        return pages.error(request.scope, ApiError(503, "store", message, {"Retry-After": "5"}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return pages.error(request.scope, ApiError(422, "bad request", _what_is_wrong(error)))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        word, message = WORDS.get(error.status_code, ("error", "The request cannot be answered."))
        return pages.error(request.scope, ApiError(error.status_code, word, message, error.headers))


def _what_is_wrong(error: RequestValidationError) -> str:
    """Name the first field that is wrong, never a value: it may be a secret. Nor an unknown field's name."""
    first = error.errors()[0]
    kind, place = str(first["type"]), [str(part) for part in first["loc"]]
    if kind == "json_invalid":
        return "The body is not JSON."
    if kind == "extra_forbidden":
        return f"The {place[0]} has a field that this version does not know."
    name = ".".join(place[1:]) or place[0]
    return f"{name} is missing." if kind == "missing" else f"{name} is not valid."
