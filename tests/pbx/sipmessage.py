"""The little of SIP (RFC 3261), SDP and digest that a test telephone needs."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

from tests.pbx.rtp import EVENT_TYPE, PAYLOAD_TYPES

PHRASES = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily",
    404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable",
    600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


@dataclass(slots=True)
class Message:
    """A request or response; header names are as written, looked up without regard to case."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        """Read one datagram."""
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = [line.partition(":") for line in lines]
        return cls(start, [(name.strip(), value.strip()) for name, _, value in pairs], body)

    def bytes(self) -> bytes:
        """Write it with its Content-Length."""
        body = self.body.encode()
        lines = [self.start, *(f"{n}: {v}" for n, v in self.headers), f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    def get(self, name: str) -> str:
        """Return the first value of a header, empty when there is none."""
        return next(iter(self.all(name)), "")

    @property
    def status(self) -> int | None:
        """The status of a response, None for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """The method that this message asks for or answers."""
        return self.get("CSeq").split(" ")[-1]

    @property
    def branch(self) -> str:
        """The transaction's branch in the topmost Via."""
        found = re.search(r"branch=([^;,\s]+)", self.get("Via"))
        return found[1] if found else ""


def reply(request: Message, status: int, tag: str, *headers: tuple[str, str], body: str = "") -> Message:
    """Answer a request; ``tag`` becomes the To tag where there is none."""
    kept = [
        (n, v) for n, v in request.headers if n.lower() in ("via", "from", "call-id", "cseq", "record-route")
    ]
    to = request.get("To")
    if "tag=" not in to and status != 100:
        to += f";tag={tag}"
    more = [*headers, ("Content-Type", "application/sdp")] if body else list(headers)
    return Message(f"SIP/2.0 {status} {PHRASES[status]}", [*kept, ("To", to), *more], body)


def credentials(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """Answer a digest challenge (RFC 2617 with MD5, qop auth when offered)."""
    asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1, ha2 = md5(f"{user}:{asked['realm']}:{password}"), md5(f"{method}:{uri}")
    fields = {"username": user, "realm": asked["realm"], "nonce": asked["nonce"], "uri": uri}
    extra = ""
    if "qop" in asked:
        cnonce = secrets.token_hex(8)
        fields["response"] = md5(f"{ha1}:{asked['nonce']}:00000001:{cnonce}:auth:{ha2}")
        extra = f', qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        fields["response"] = md5(f"{ha1}:{asked['nonce']}:{ha2}")
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    return (
        "Digest "
        + ", ".join(f'{name}="{value}"' for name, value in fields.items())
        + extra
        + ", algorithm=MD5"
    )


def describe(port: int, codecs: tuple[str, ...]) -> str:
    """Write an SDP for one audio stream on 127.0.0.1."""
    kinds = [PAYLOAD_TYPES[codec] for codec in codecs]
    lines = [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, [*kinds, EVENT_TYPE]))}",
        *(f"a=rtpmap:{kind} {codec}/8000" for kind, codec in zip(kinds, codecs, strict=True)),
        f"a=rtpmap:{EVENT_TYPE} telephone-event/8000", f"a=fmtp:{EVENT_TYPE} 0-16",
        "a=ptime:20", "a=sendrecv",
    ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


def media_of(body: str) -> tuple[tuple[str, int], str] | None:
    """Return where an SDP wants its audio and the first G.711 codec it names."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.M)
    audio = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)", body, re.M)
    if host is None or audio is None:
        return None
    codecs = [
        name for kind in audio[2].split() for name, number in PAYLOAD_TYPES.items() if int(kind) == number
    ]
    return (host[1], int(audio[1])), (codecs or ["PCMU"])[0]
