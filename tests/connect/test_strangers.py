"""Who is not the PBX, or not one of ours: rubbish, silence and crowds on the two ports that face it."""

import asyncio
import ipaddress
import logging

import pytest

from bridge.config import Address
from bridge.connect import AsteriskConnector, agi, door
from bridge.errors import SettingError
from tests.connect.pbx import OpenDesk, Ports, running, speaks
from tests.loop import in_loop

GARBAGE = {
    "a browser": b"GET / HTTP/1.1\r\nHost: bridge\r\n\r\n",
    "an unknown id": b"\x01\x00\x10" + bytes(16),
    "sound without an id": b"\x10\x01\x40" + bytes(320),
    "64 KiB claimed": b"\x10\xff\xff",
    "ten megabytes": b"\xfe" * 10_000_000,
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
@in_loop
async def test_rubbish_on_the_sound_port_is_closed_with_one_line(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        stranger = await pbx.knock(data)
        assert await stranger.gone() == []
        await speaks(desk, pbx)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"agi_network_script: offer\nagi_arg_1: v9\n\n",
        b"agi_network_script: shutdown\n\n",
        b"agi_network_script: result\nagi_arg_1: v1\nagi_arg_2: x\n\n",
        b"agi_" + b"A" * 10_000_000,
    ],
    ids=["a browser", "a new dialplan", "an unknown script", "no id", "ten megabytes"],
)
@in_loop
async def test_rubbish_on_the_offer_port_is_closed_with_one_line(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        reader, writer = await asyncio.open_connection("127.0.0.1", pbx.connector.agi_port)
        writer.write(data)
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            assert len(data) > 4096
        writer.transport.abort()
        await speaks(desk, pbx)
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "AAAA" not in lines[0]


@in_loop
async def test_who_says_nothing_is_closed_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.connect.audiosocket.FIRST_WORD_S", 0.3)
    monkeypatch.setattr(agi, "FIRST_WORD_S", 0.3)
    desk = OpenDesk()
    async with running(desk) as pbx:
        half = await pbx.knock(b"\x01\x00\x10half")
        reader, writer = await asyncio.open_connection("127.0.0.1", pbx.connector.agi_port)
        writer.write(b"agi_network: yes\n")
        await speaks(desk, pbx)
        assert await half.gone() == []
        with pytest.raises(ConnectionResetError):
            assert not await reader.read()
            raise ConnectionResetError
        writer.close()
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 2


@pytest.mark.thorough
@in_loop
async def test_a_thousand_silent_connections_push_each_other_out(caplog: pytest.LogCaptureFixture) -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        crowd = []
        for start in range(0, 300, 50):
            crowd += [await pbx.knock() for _ in range(50)]
            await speaks(desk, pbx, f"good.{start}")
        # The oldest are gone long before their time.
        assert await crowd[0].gone() == []
        assert len(caplog.records) - 1 >= len(crowd) - door.STANDING


@in_loop
async def test_only_the_named_hosts_may_connect(caplog: pytest.LogCaptureFixture) -> None:
    async with running(OpenDesk(), peers=(ipaddress.ip_network("10.9.0.0/16"),)) as pbx:
        stranger = await pbx.knock(b"\x01\x00\x10" + bytes(16))
        assert await stranger.gone() == []
        reader, writer = await asyncio.open_connection("127.0.0.1", pbx.connector.agi_port)
        with pytest.raises(ConnectionResetError):
            assert not await reader.read()
            raise ConnectionResetError
        writer.close()
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == ["connection closed: its address is not in PEERS"] * 2


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("fe80::1%eth0", False)],
)
def test_addresses_are_compared_as_the_socket_tells_them(address: str, allowed: bool) -> None:
    assert door.is_peer(address, (ipaddress.ip_network("127.0.0.0/8"),)) is allowed


@in_loop
async def test_a_port_that_is_taken_is_named() -> None:
    async with running(OpenDesk()) as pbx:
        taken = Ports(audiosocket=Address("127.0.0.1", pbx.connector.audiosocket_port))
        with pytest.raises(SettingError, match=f"AFTERTONE_AUDIOSOCKET 127.0.0.1:{taken.audiosocket.port}"):
            await AsteriskConnector(taken).serve(OpenDesk())
