"""Headers that every answer carries, and the last catch for what nobody foresaw; only turns are outside."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.log import told
from web.answers import ApiError, error_answer
from web.origin import Origin

log = logging.getLogger("aftertone.web")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # argon2id is WebAssembly: browsers have no such function
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src blob:",  # a note in clear exists only in the page's memory
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types aftertone",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "autoplay=(self), clipboard-write=(self), camera=(), display-capture=(), "
    "geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}
"""On every answer, whatever it is. The page plays sound and copies the recovery code, and needs no more."""

HSTS = "max-age=31536000"
"""One year, for this host alone: its neighbours are not ours to decide."""


class SecurityHeaders:
    """Puts HEADERS on every answer; answers 500 itself, so that no error escapes without them.

    Nothing is cached unless the answer says so (static files do).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(MutableHeaders(raw=message["headers"]), scope.get("state", {}).get("origin"))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            _tell(error)
            if started:
                raise Broken from None
            failed = ApiError(500, "internal error", "Something went wrong here. The log says more.")
            await error_answer(failed)(scope, receive, send_with_headers)


class Broken(Exception):
    """An answer ended in the middle: the connection is closed. What happened is in the log already."""


def _dress(headers: MutableHeaders, origin: Origin | None) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    if origin is not None and origin.scheme == "https" and not origin.loopback:
        headers["Strict-Transport-Security"] = HSTS


def _tell(error: Exception) -> None:
    log.error("a request failed: %s", told(error))
