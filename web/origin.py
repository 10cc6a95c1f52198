"""Which scheme, host and client address a request has, and whether a browser trusts that origin.

A reverse proxy says so in X-Forwarded-Proto, -Host and -For; that is believed only of TRUSTED_PROXIES. Of a
list the rightmost value is taken: it is the one that our own proxy wrote, whatever stood there before.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.config import Network, Settings
from web.pages import Pages

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")

UNKNOWN = "unknown"
"""The address of a client behind a Unix socket, or one whose proxy says nothing: all share its limits."""

OPEN = ("/health", "/static/")
"""What any host may ask over any scheme: a monitor's question and files that are public anyway."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How the client reached us; ``host`` is lower case, with its port unless that is the scheme's own."""

    scheme: str
    host: str
    client: str

    @property
    def url(self) -> str:
        """The origin as browsers write it (RFC 6454 section 6.2)."""
        return f"{self.scheme}://{self.host}"

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine's own name or address."""
        match = _HOST.fullmatch(self.host)
        return match is not None and is_loopback(match[1].strip("[]"))

    @property
    def secure(self) -> bool:
        """Whether browsers give this origin WebCrypto (Secure Contexts, section 3.1)."""
        return self.scheme == "https" or self.loopback


def is_loopback(name: str) -> bool:
    """Whether a host name (without port) is localhost, below it, or a loopback address."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def origin_of(scope: Scope, trusted: tuple[Network, ...]) -> Origin:
    """Return the origin of a request."""
    headers = Headers(scope=scope)
    peer = scope["client"][0] if scope.get("client") else UNKNOWN
    scheme, host = scope.get("scheme", "http"), headers.get("host", "")
    client = peer
    if _within(peer, trusted):
        scheme = _last(headers.getlist("x-forwarded-proto")) or scheme
        host = _last(headers.getlist("x-forwarded-host")) or host
        client = _client(headers.getlist("x-forwarded-for"), peer, trusted)
    scheme = "https" if scheme.lower() == "https" else "http"
    return Origin(scheme, _host(host, scheme), _plain(client))


def is_ours(origin: Origin, public_url: str) -> bool:
    """Whether the request was meant for us: for PUBLIC_URL's host, or for this machine's own name.

    Any other Host is another's name that was made to point here (DNS rebinding).
    """
    return origin.loopback or origin.host == _host(urlsplit(public_url).netloc, urlsplit(public_url).scheme)


def may_change(sender: str, origin: Origin, public_url: str) -> bool:
    """Whether a page of the origin ``sender`` (its Origin header) may change anything here."""
    if sender == public_url.lower():
        return True
    return origin.loopback and sender == origin.url


class OriginGate:
    """Works out each request's Origin (``scope["state"]["origin"]``) and stops the ones that came wrong."""

    def __init__(self, app: ASGIApp, settings: Settings, pages: Pages) -> None:
        self._app = app
        self._settings = settings
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] == "http":
            origin = origin_of(scope, self._settings.trusted_proxies)
            scope.setdefault("state", {})["origin"] = origin
            if not scope["path"].startswith(OPEN):
                if not origin.secure:
                    await self._pages.insecure(scope)(scope, receive, send)
                    return
                if not is_ours(origin, self._settings.public_url):
                    await self._pages.misdirected(scope, self._settings.public_url)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _last(values: list[str]) -> str:
    return values[-1].rpartition(",")[2].strip() if values else ""


def _client(forwarded: list[str], peer: str, trusted: tuple[Network, ...]) -> str:
    """Return the nearest address that is no proxy of ours; left of it anybody may have written."""
    for value in reversed(",".join(forwarded).split(",")):
        address = _plain(value.strip())
        if not _within(address, trusted):
            return address if address != UNKNOWN else peer
    return peer


def _plain(address: str) -> str:
    """Return an address without port and brackets; IPv4 in IPv6 as IPv4; UNKNOWN unless it is one."""
    text = address.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    plain = _plain(address)
    if plain == UNKNOWN:
        return False
    found = ipaddress.ip_address(plain)
    return any(found in network for network in networks)


def _host(netloc: str, scheme: str) -> str:
    standard = ":443" if scheme == "https" else ":80"
    return netloc.lower().removesuffix(standard)
