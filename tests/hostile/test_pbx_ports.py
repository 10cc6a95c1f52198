"""Garbage, silence and crowds on the AGI and AudioSocket ports, while a caller talks whose note is whole."""

import asyncio
import random
import re
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import check_log, house_at, somebody_talks, talker
from tests.hostile.strangers import Stranger, address_of, crowd, raise_file_limit, until_closed, visit
from tests.installation import Installation

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

MARK = b"Xq7WkZ9vTr"
"""In everything that is sent, and never in the log."""

SOON_S = 10.0
"""A connection is closed after 3 s at the latest; the rest is for a busy machine."""

THOUSAND = 1000


@pytest.fixture(scope="module")
def house(pbx: Pbx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    raise_file_limit()
    with house_at(pbx, 0, tmp_path_factory.mktemp("house")) as house:
        yield house


async def all_are_sent_away(house: Installation, address: str, strangers: list[Stranger]) -> list[bytes]:
    """Visit all at once; each is closed and costs one log line at most."""
    before = len(house.log().splitlines())
    answers = await asyncio.gather(*(visit(address_of(address), one, SOON_S) for one in strangers))
    check_log(house, before, len(strangers))
    return answers


def agi(script: str = "offer", *args: str, **fields: str) -> bytes:
    """Return a request as Asterisk would write it."""
    lines = [f"agi_network_script: {script}", *(f"agi_{name}: {value}" for name, value in fields.items())]
    lines += [f"agi_arg_{number}: {arg}" for number, arg in enumerate(args, 1)]
    return ("\n".join(lines) + "\n\n").encode()


def offer(linkedid: str, mailbox: str = "1109", status: str = "NOANSWER") -> bytes:
    return agi("offer", "v1", mailbox, status, "0", "0", linkedid, "", "ulaw", "0", mailbox, "")


NOISE = random.Random(5)
LONG = MARK * (10 * (1 << 20) // len(MARK))


def agi_strangers() -> list[Stranger]:
    lines = b"".join(b"agi_x%d: y\n" % number for number in range(900_000))
    return [
        *(Stranger("noise", [NOISE.randbytes(4096) + MARK]) for _ in range(20)),
        Stranger("nothing", []),
        Stranger("gone at once", [], hangs_up=True),
        Stranger("a line of 10 MB", [b"agi_callerid: " + LONG]),
        Stranger("10 MB of lines", [b"agi_x: " + MARK + b"\n" + lines]),
        Stranger("10 MB of empty lines", [b"\n" * len(LONG)]),
        Stranger("half a request", [agi()[:-1] + b"agi_callerid: " + MARK]),
        Stranger("half a request and gone", [b"agi_callerid: " + MARK], hangs_up=True),
        Stranger("drop by drop", [bytes([byte]) for byte in agi("offer", MARK.decode())], pause_s=0.2),
        Stranger("HTTP", [b"GET /" + MARK + b" HTTP/1.1\r\nHost: x\r\n\r\n"]),
        Stranger("TLS", [bytes.fromhex("16030100c8010000c40303") + MARK * 20]),
        Stranger("an unknown script", [agi(MARK.decode(), "v1")]),
        Stranger("another version", [agi("offer", "v2", MARK.decode())]),
        Stranger("no arguments", [agi("offer", callerid=MARK.decode())]),
        Stranger("a mailbox that is a path", [offer("1.1", "../" + MARK.decode())]),
        Stranger("a header twice", [b"agi_callerid: " + MARK + b"\nagi_callerid: " + MARK + b"\n\n"]),
        Stranger("an answered call", [offer("1.2", status="ANSWER")]),
        Stranger("a result that is no id", [agi("result", "v1", MARK.decode())]),
        Stranger("invalid UTF-8", [b"agi_callerid: \xff\xfe" + MARK + b"\n\n"]),
    ]


def test_garbage_on_the_agi_port_harms_no_caller(pbx: Pbx, house: Installation) -> None:
    async def story() -> None:
        rows = len(await asyncio.to_thread(house.rows))
        async with somebody_talks(pbx, house, MARK):
            answers = await all_are_sent_away(house, house.agi, agi_strangers())
            assert set(answers) == {b""}
            assert len(await asyncio.to_thread(house.rows)) == rows + 1, "no row but the caller's"

    asyncio.run(story())


ASKED = re.compile(rb'SET VARIABLE AFTERTONE_ANSWER "record,([0-9a-f-]{36}),')


async def media_of(house: Installation, linkedid: str) -> uuid.UUID:
    """Offer a call as a PBX does, and return the UUID that its sound may come with."""
    reader, writer = await asyncio.open_connection(*address_of(house.agi))
    writer.write(offer(linkedid))
    found = None
    async with asyncio.timeout(SOON_S):
        while line := await reader.readline():
            found = ASKED.search(line) or found
            writer.write(b"200 result=1\n")
    writer.close()
    assert found is not None, "the offer was declined"
    return uuid.UUID(found[1].decode())


def message(kind: int, payload: bytes) -> bytes:
    return bytes((kind,)) + len(payload).to_bytes(2, "big") + payload


def named(media: uuid.UUID) -> bytes:
    return message(1, media.bytes)


SOUND = message(0x10, (MARK * 32)[:320])

AUDIO_STRANGERS = [
    *(Stranger("noise", [NOISE.randbytes(4096) + MARK]) for _ in range(20)),
    Stranger("nothing", []),
    Stranger("gone at once", [], hangs_up=True),
    Stranger("half a header", [b"\x01\x00"]),
    Stranger("half a name", [b"\x01\x00\x10" + MARK]),
    Stranger("half a name and gone", [b"\x01\x00\x10" + MARK], hangs_up=True),
    Stranger("drop by drop", [bytes([byte]) for byte in named(uuid.uuid4())], pause_s=0.2),
    Stranger("an unknown name", [named(uuid.uuid4()) + SOUND]),
    Stranger("the empty name", [named(uuid.UUID(int=0))]),
    Stranger("sound without a name", [SOUND]),
    Stranger("10 MB of sound without a name", [SOUND * 30_000]),
    Stranger("a name of 64 KiB", [b"\x01\xff\xff" + MARK * 6600]),
    Stranger("a line of 10 MB", [LONG]),
    Stranger("HTTP", [b"GET /" + MARK + b" HTTP/1.1\r\nHost: x\r\n\r\n"]),
]


def test_garbage_on_the_audiosocket_port_harms_no_caller(pbx: Pbx, house: Installation) -> None:
    async def story() -> None:
        async with somebody_talks(pbx, house, MARK):
            assert set(await all_are_sent_away(house, house.audiosocket, AUDIO_STRANGERS)) == {b""}

    asyncio.run(story())


def test_a_name_is_used_once_and_what_follows_it_is_watched(pbx: Pbx, house: Installation) -> None:
    """These know the id of an accepted offer, as only a broken PBX would."""

    async def story() -> None:
        async with somebody_talks(pbx, house, MARK):
            after = {
                "noise": b"\xee" + NOISE.randbytes(4096),
                "its name again": b"",
                "a length that sound never has": b"\x10\xff\xff" + MARK * 10,
                "half a sample": message(0x10, b"\0" * 321),
                "a digit that no telephone has": message(3, b"\n"),
                "10 MB of sound in a moment": SOUND * 30_000,
                "another sample rate": message(0x12, b"\0" * 640),
            }
            names = [await media_of(house, f"flood.{number}") for number in range(len(after))]
            strangers = [
                Stranger(name, [named(media) + (rest or named(media))])
                for media, (name, rest) in zip(names, after.items(), strict=True)
            ]
            await all_are_sent_away(house, house.audiosocket, strangers)
            again = [Stranger("a used name", [named(media) + SOUND]) for media in names]
            assert set(await all_are_sent_away(house, house.audiosocket, again)) == {b""}

    asyncio.run(story())


def test_an_offer_whose_pbx_answers_with_garbage_ends_in_time(pbx: Pbx, house: Installation) -> None:
    async def story() -> None:
        async with somebody_talks(pbx, house, MARK):
            rest = {
                "silence": b"",
                "noise": NOISE.randbytes(9000),
                "10 MB": LONG,
                "no": b"510 " + MARK + b"\n",
            }
            strangers = [
                Stranger(name, [offer(f"garbage.{number}"), data], pause_s=0.3)
                for number, (name, data) in enumerate(rest.items())
            ]
            for answer in await all_are_sent_away(house, house.agi, strangers):
                assert ASKED.search(answer), "the offer was taken"
                assert answer.count(b"\n") == 1, "and nothing else was said to such a PBX"

    asyncio.run(story())


@pytest.mark.parametrize("port", ["agi", "audiosocket"])
def test_a_thousand_silent_strangers_do_not_keep_callers_out(
    pbx: Pbx, house: Installation, port: str
) -> None:
    address = address_of(getattr(house, port))

    async def story() -> None:
        before = len(house.log().splitlines())
        async with crowd(address, [b""] * THOUSAND) as readers:
            async with somebody_talks(pbx, house, MARK):
                await asyncio.sleep(1.0)
            await until_closed(readers, SOON_S)
        check_log(house, before, THOUSAND)

    asyncio.run(story())


def test_who_is_no_peer_is_shut_out_and_the_caller_of_such_a_pbx_hears_a_voice(
    pbx: Pbx, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def story(house: Installation) -> None:
        async with AsyncExitStack() as stack:
            begun = asyncio.get_running_loop().time()
            for address in (house.agi, house.audiosocket):
                strangers = [Stranger("anybody", [offer("9.9")]) for _ in range(50)]
                assert set(await all_are_sent_away(house, address, strangers)) == {b""}
            assert house.log().count("its address is not in PEERS") == 100
            one = await talker(stack, pbx)
            await one.dial("811101")
            await one.call.until("answered")
            await one.hears_something(begun, SOON_S)
            await one.hang_up()
            assert await asyncio.to_thread(house.rows) == []

    with house_at(pbx, 1, tmp_path_factory.mktemp("closed"), PEERS="192.0.2.1") as house:
        asyncio.run(story(house))
