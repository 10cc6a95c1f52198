"""Rendering of pages: Jinja with autoescape, in the reader's language."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from web.answers import ApiError, error_answer

LANGUAGE_COOKIE = "aftertone-language"
"""The language that somebody chose in the page (js/language.js); it outranks what the browser asks for."""

DEFAULT_LANGUAGE = "en"

INSECURE = "This address is not secure: use https, or http://localhost on the server itself."


class Pages:
    """The templates of one tree, and the texts in ``words/<language>.json`` below it.

    ``static`` is the prefix of hashed static files, ``home`` PUBLIC_URL, to whose name passkeys are bound.
    """

    def __init__(self, root: Path, static: str, home: str) -> None:
        # An undefined variable is a mistake of ours; a half empty page would hide it. Templates that take an
        # optional one say so with |default.
        self._jinja = Environment(loader=FileSystemLoader(root), autoescape=True, undefined=StrictUndefined)
        self._static = static
        self._home = home
        files = sorted((root / "words").glob("*.json"))
        self._words = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}

    def page(self, name: str, scope: Scope, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """Return the page of template ``name``.html with the given context."""
        lang = self.language(scope)
        names = {code: words["language"] for code, words in self._words.items()}
        html = self._jinja.get_template(f"{name}.html").render(
            static=self._static,
            home=self._home,
            lang=lang,
            languages=names,
            t=self._words[lang],
            page=name,
            **context,
        )
        return HTMLResponse(html, status, {"Vary": "Accept-Language, Cookie"})

    def language(self, scope: Scope) -> str:
        """Return the tag of the language for whoever asks."""
        return language(Headers(scope=scope), self._words)

    def error(self, scope: Scope, error: ApiError) -> Response:
        """Return an error as the asker can read it: JSON below /api/ and for static files, else a page."""
        if not wants_page(scope):
            return error_answer(error)
        answer = self.page("error", scope, {"status": error.status}, error.status)
        answer.headers.update(error.headers)
        return answer

    def insecure(self, scope: Scope) -> Response:
        """Say what to do when a browser would not give this origin any cryptography."""
        if not wants_page(scope):
            return error_answer(ApiError(403, "insecure origin", INSECURE))
        return self.page("insecure", scope, {}, 403)

    def misdirected(self, scope: Scope, public_url: str) -> Response:
        """Say that the server has another name (RFC 9110 section 15.5.20)."""
        told = (
            f"This server is known as {public_url}. If this address is right, set AFTERTONE_PUBLIC_URL to it."
        )
        return self.error(scope, ApiError(421, "unknown host", told))


def wants_page(scope: Scope) -> bool:
    """Whether a person looks at this address."""
    return not scope["path"].startswith(("/api/", "/static/", "/health"))


def language(headers: Headers, known: Collection[str]) -> str:
    """Return the language that was chosen in the page, else the first known one of Accept-Language.

    That header is read in the order it is written in: browsers write what is wanted most first.
    """
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")
    if chosen in known:
        return chosen
    for part in headers.get("accept-language", "")[:200].split(","):
        code = part.partition(";")[0].strip().lower().partition("-")[0]
        if code in known:
            return code
    return DEFAULT_LANGUAGE
