"""HTTP with the server of a key file: log in by challenge, ask, and say clearly what went wrong."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.config import is_loopback
from bridge.errors import Refused
from bridge.keyholder.failure import Exit, Failure
from bridge.seal import keys
from bridge.seal.keyfile import KeyFile
from bridge.seal.layout import kid

API = "/api/v1"

TIMEOUT_S = 30.0
"""Seconds for a connection, and between two pieces of an answer."""

MOST_BLOB = 1 << 30
"""Largest note in bytes that is taken into memory: 36 hours of G.711; a camera's longest is far below."""

_CODES = {
    401: Exit.NOT_ALLOWED,
    403: Exit.NOT_ALLOWED,
    404: Exit.NOT_FOUND,
    421: Exit.AWAY,
    429: Exit.NOT_ALLOWED,
}


def b64(data: bytes) -> str:
    """Return base64url without padding, as the API writes bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def fingerprint(public: bytes) -> str:
    """Return a public key as two people read it to each other, as the page shows it too."""
    return kid(public).hex(" ", 2)


def unb64(text: object) -> bytes:
    """Read base64url. Raises Failure: the server answers something else than the API says."""
    try:
        return base64.b64decode(str(text) + "=" * (-len(str(text)) % 4), b"-_", validate=True)
    except ValueError:
        raise strange() from None


def unhex(text: object) -> bytes:
    """Read an id of 32 hex digits. Raises Failure as ``unb64`` does."""
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        raise strange() from None


def strange() -> Failure:
    """Return the failure of a server that does not speak our API."""
    return Failure(Exit.AWAY, "the server's answer makes no sense: is it Aftertone, and of this version?")


def load_key(path: Path, server: str | None = None) -> KeyFile:
    """Read a key file; ``server`` stands in for the address it names. Raises SettingError."""
    key = KeyFile.load(path)
    return key if server is None else replace(key, server=server.rstrip("/"))


class Client:
    """A logged-in session; use as a context manager. Raises Failure from every method."""

    def __init__(self, key: KeyFile) -> None:
        self.key = key
        _check_url(key.server)
        # trust_env off: a proxy of the environment would be asked for localhost too, and would see the token.
        self._http = httpx.Client(
            base_url=key.server,
            timeout=TIMEOUT_S,
            # None is used again: the server closes an idle one after 5 s, and a request may cross the
            # closing, however short it was idle here, where a busy server is late to read it.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            verify=ssl.create_default_context(),
            headers={"Accept": "application/json", "User-Agent": "aftertone"},
        )

    def __enter__(self) -> "Client":
        try:
            self._log_in()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._ask("POST", "logout", {})
        except Failure:
            pass  # the token ends by itself in 12 h; what the command did is done
        finally:
            self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return the JSON at ``path`` below the API."""
        return self._ask("GET", path, None, params)

    def post(self, path: str, body: object) -> Any:
        """Send JSON and return the JSON answer."""
        return self._ask("POST", path, body)

    def blob(self, note_id: str) -> bytes:
        """Return a whole sealed note."""
        data = bytearray()
        try:
            with self._http.stream("GET", f"{API}/notes/{note_id}/blob") as answer:
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise _refusal(answer)
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > MOST_BLOB:
                        raise Failure(Exit.UNOPENED, "the note is larger than any note can be")
        except httpx.HTTPError as error:
            raise self._away(error) from None
        return bytes(data)

    def _log_in(self) -> None:
        key = self.key
        asked = self._ask("POST", "login/challenge", {"user": key.user})
        try:
            answer = keys.answer_challenge(
                key.private, key.public, key.user, key.server, unb64(asked["challenge"])
            )
        except (Refused, UnicodeEncodeError):
            raise Failure(
                Exit.NOT_ALLOWED,
                f"{key.server} does not know this key, or calls itself by another address"
                " (AFTERTONE_PUBLIC_URL) than the key file: name it with --server",
            ) from None
        told = self._ask(
            "POST", "login/answer", {"challenge_id": asked["challenge_id"], "answer": b64(answer)}
        )
        self._http.headers["Authorization"] = f"Bearer {told['token']}"

    def _ask(
        self, method: str, path: str, body: object = None, params: Mapping[str, str | int] | None = None
    ) -> Any:
        try:
            answer = self._http.request(method, f"{API}/{path}", json=body, params=params)
        except httpx.HTTPError as error:
            raise self._away(error) from None
        if not answer.is_success:
            raise _refusal(answer)
        try:
            found = answer.json(object_hook=_Answer)
        except (ValueError, RecursionError):
            raise strange() from None
        if not isinstance(found, _Answer):
            raise strange()
        return found

    def _away(self, error: httpx.HTTPError) -> Failure:
        server = self.key.server
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Failure(
                Exit.AWAY,
                f"{server}: its certificate is not trusted here. If it is your own, name it in SSL_CERT_FILE",
            )
        if isinstance(error, httpx.TimeoutException):
            return Failure(Exit.AWAY, f"{server} did not answer within {TIMEOUT_S:g} s")
        return Failure(Exit.AWAY, f"{server} cannot be reached ({type(error).__name__})")


class _Answer(dict[str, Any]):
    """A JSON object of the API; what should be in it and is not, is the server's fault."""

    def __missing__(self, name: str) -> Any:
        raise strange()


def _refusal(answer: httpx.Response) -> Failure:
    try:
        told = answer.json()
        message, word = str(told["message"]), str(told["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message, word = f"the server answered {answer.status_code}", ""
    if answer.status_code >= 500 or answer.is_redirect:
        return Failure(Exit.AWAY, message)
    return Failure(_CODES.get(answer.status_code, Exit.FAILED), message, word)


def _check_url(server: str) -> None:
    parts = urlsplit(server)
    host = parts.hostname or ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise Failure(Exit.USAGE, "the server is named without https: only http://localhost goes without")
