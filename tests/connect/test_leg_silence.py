"""When a leg that plays nothing says something all the same: Asterisk and carriers end what is silent."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bridge.call.model import Call, Party, Presentation, Reason
from bridge.connect.leg import AudioSocketLeg
from bridge.connect.pulse import DRAIN_S, Pulse
from bridge.wire.audiosocket import SILENCE, UUID, Parser
from tests.connect.pbx import frame, message
from tests.loop import in_loop

CALL = Call(
    "127.0.0.1 1.1",
    "1001",
    Party("", "", Presentation.UNAVAILABLE),
    "",
    None,
    False,
    Reason.BUSY,
    datetime.now(UTC),
    0.0,
)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The leg's end and the PBX's."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def life(pair: tuple[socket.socket, socket.socket], seconds: int, speaks: bool) -> list[float]:
    """Return the times at which the PBX had a silent message, while the caller speaks or is muted."""
    ours, theirs = pair
    times: list[float] = []

    @in_loop
    async def story() -> None:
        parser = Parser()
        parser.feed(bytes((UUID, 0, 16)) + bytes(16))
        leg = AudioSocketLeg(ours, parser, CALL, Pulse(), lambda kept: None)
        start = leg._loop.time()
        for step in range(1, round(seconds / DRAIN_S) + 1):
            if speaks:
                theirs.send(message(frame(step)))
            leg.drain(start + step * DRAIN_S)
            try:
                assert theirs.recv(4096) == SILENCE
            except BlockingIOError:
                continue
            times.append(step * DRAIN_S)
        leg.fail()

    story()
    return times


def test_a_muted_callers_line_is_kept_alive_each_second(pair: tuple[socket.socket, socket.socket]) -> None:
    assert life(pair, 5, speaks=False) == [1, 2, 3, 4, 5]


def test_a_speaking_callers_carrier_hears_of_us_often_enough_and_no_oftener(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    assert life(pair, 35, speaks=True) == [10, 20, 30]
