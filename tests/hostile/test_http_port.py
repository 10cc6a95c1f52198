"""Garbage, silence and crowds on the inbox's port, while a caller talks and a member reads."""

import asyncio
import random
import re
from collections.abc import Iterator

import httpx
import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import house_at, somebody_talks
from tests.hostile.strangers import Stranger, address_of, crowd, raise_file_limit, until_closed, visit
from tests.installation import Installation

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

MARK = b"Vb3HnY8sQd"
"""In everything that is sent, and never in the log."""

HEAD_S = 15.0
"""A head must be there after 10 s; the rest is for a busy machine."""

THOUSAND = 1000


@pytest.fixture(scope="module")
def house(pbx: Pbx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    raise_file_limit()
    with house_at(pbx, 0, tmp_path_factory.mktemp("house")) as house:
        house.rows()  # the reader claims the mailboxes now, and not while log lines are counted
        yield house


def request(start: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{start} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


NOISE = random.Random(6)
LONG = MARK * (10 * (1 << 20) // len(MARK))
JSON = "Content-Type: application/json"
LOGIN = "POST /api/v1/login"

CLOSED = "Connection: close"

STRANGERS = [
    *(Stranger("noise", [NOISE.randbytes(4096) + MARK]) for _ in range(20)),
    Stranger("gone at once", [], hangs_up=True),
    Stranger("half a request and gone", [b"GET /" + MARK], hangs_up=True),
    Stranger("a line of 10 MB", [b"GET /" + LONG]),
    Stranger("a header of 10 MB", [b"GET / HTTP/1.1\r\nHost: x\r\nX-" + LONG]),
    Stranger("10 MB of headers", [b"GET / HTTP/1.1\r\n" + (b"X: " + MARK + b"\r\n") * 700_000]),
    Stranger("10 MB of body", [request(LOGIN, JSON, f"Content-Length: {len(LONG)}", CLOSED, body=LONG)]),
    Stranger("10 MB in pieces", [request(LOGIN, JSON, "Transfer-Encoding: chunked", CLOSED),
                                 (b"1000\r\n" + bytes(4096) + b"\r\n") * 2560]),
    Stranger("chunks that are none", [request(LOGIN, JSON, "Transfer-Encoding: chunked"), MARK + b"\r\n"]),
    Stranger("two lengths", [request(LOGIN, JSON, "Content-Length: 5", "Content-Length: 6", body=MARK)]),
    Stranger("a length and chunks", [request(LOGIN, JSON, "Content-Length: 5",
                                             "Transfer-Encoding: chunked", CLOSED, body=b"0\r\n\r\n")]),
    Stranger("a length below zero", [request(LOGIN, JSON, "Content-Length: -1")]),
    Stranger("HTTP/2", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + MARK]),
    Stranger("TLS", [bytes.fromhex("16030100c8010000c40303") + MARK * 20]),
    Stranger("AGI", [b"agi_network_script: offer\nagi_callerid: " + MARK + b"\n\n"]),
    Stranger("a proxy's CONNECT", [request(f"CONNECT {MARK.decode()}:443", CLOSED)]),
    *(Stranger(f"{method} of nothing", [request(f"{method} /health", CLOSED)])
      for method in ("TRACE", "DELETE", "PUT", "POST", "PATCH", "OPTIONS", "PROPFIND", MARK.decode())),
    Stranger("a path out of the house", [request("GET /static/../../../etc/passwd", CLOSED)]),
    Stranger("the same, coded", [request("GET /static/x/%2e%2e/%2e%2e/%2fetc/passwd%00", CLOSED)]),
    Stranger("a path that is no text", [request("GET /%ff%fe%00" + MARK.decode(), CLOSED)]),
    Stranger("a WebSocket", [request("GET /api/v1/events", "Upgrade: websocket", "Connection: Upgrade, close",
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]),
    Stranger("a body that is no JSON", [request(LOGIN, JSON, "Content-Length: 10", CLOSED, body=MARK)]),
    Stranger("a deep body", [request(LOGIN, JSON, "Content-Length: 60000", CLOSED, body=b"[" * 60000)]),
    Stranger("a huge number", [request(LOGIN, JSON, "Content-Length: 50000", CLOSED, body=b"9" * 50000)]),
    Stranger("a text that is none", [request(LOGIN, JSON, "Content-Length: 34", CLOSED,
                                             body=b'{"name": "\\ud800", "auth": "\xff\xfe\xff"} ')]),
]  # fmt: skip

HEAD = request("GET /" + MARK.decode())

SLOW = [
    Stranger("nothing", []),
    Stranger("a byte", [b"G"]),
    Stranger("half a head", [HEAD[:-2]]),
    Stranger("drop by drop", [bytes([byte]) for byte in HEAD], pause_s=0.5),
    Stranger("header by header", [HEAD[:-2], *[b"X-" + MARK + b": y\r\n"] * 100], pause_s=0.5),
    Stranger("a refused body", [request("POST /x", JSON, "Content-Length: 64"), *[b"x"] * 60], pause_s=0.5),
]

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def test_garbage_is_answered_clearly_and_the_slow_are_closed_in_time(pbx: Pbx, house: Installation) -> None:
    everybody = [*STRANGERS, *SLOW]

    async def story() -> list[bytes]:
        async with somebody_talks(pbx, house, MARK, lines=len(everybody)):
            return await asyncio.gather(*(visit(address_of(house.http), one, HEAD_S) for one in everybody))

    for stranger, answer in zip(everybody, asyncio.run(story()), strict=True):
        codes = [int(code) for code in STATUS.findall(answer)]
        assert all(400 <= code < 500 for code in codes), f"{stranger.name}: {codes}"
        assert MARK not in answer, stranger.name
        assert codes or not answer, stranger.name


def test_a_connection_asks_a_thousand_times_without_pausing_and_gets_each_answer(
    pbx: Pbx, house: Installation
) -> None:
    async def story() -> bytes:
        many = Stranger(
            "pipeline", [request("GET /health") * (THOUSAND - 1) + request("GET /health", CLOSED)]
        )
        async with somebody_talks(pbx, house, MARK, lines=0):
            return await visit(address_of(house.http), many, 60.0)

    assert STATUS.findall(asyncio.run(story())) == [b"200"] * THOUSAND


@pytest.mark.long
def test_a_slow_body_and_a_reader_who_does_not_read_are_closed_in_time(pbx: Pbx, house: Installation) -> None:
    script = re.findall(r'"(/static/[^"]+\.js)"', httpx.get(f"{house.url}/login").text)[0]

    async def slow_body() -> None:
        pieces = [request(LOGIN, JSON, "Content-Length: 64"), *[b"x"] * 60]
        answer = await visit(address_of(house.http), Stranger("body", pieces, pause_s=0.5), 40.0)
        assert STATUS.findall(answer) == [b"408"]

    async def no_reader() -> None:
        reader, writer = await asyncio.open_connection(*address_of(house.http), limit=1 << 10)
        writer.write(request(f"GET {script}") * 20_000)
        await asyncio.sleep(40.0)
        await until_closed([reader], 10.0)
        writer.transport.abort()

    async def story() -> None:
        async with somebody_talks(pbx, house, MARK, lines=2):
            await asyncio.gather(slow_body(), no_reader())

    asyncio.run(story())


def test_a_thousand_silent_strangers_keep_no_member_and_no_caller_out(pbx: Pbx, house: Installation) -> None:
    """They say a whole head and no body, half a head, or nothing."""
    words = (
        [request(LOGIN, JSON, "Content-Length: 64")] * 400 + [b"GET / HTTP/1.1\r\nX: "] * 300 + [b""] * 300
    )

    async def story() -> None:
        async with crowd(address_of(house.http), words) as readers:
            async with (
                somebody_talks(pbx, house, MARK, lines=len(words)),
                httpx.AsyncClient(base_url=house.url, timeout=HEAD_S) as member,
            ):
                for _ in range(5):
                    assert (await member.get("/health")).json() == {
                        "ready": True,
                        "recording": True,
                        "pbx": "off",
                    }
                assert (await member.get("/login")).status_code == 200
            await until_closed(readers, HEAD_S)

    asyncio.run(story())
