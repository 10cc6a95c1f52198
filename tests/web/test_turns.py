"""A crowd of requests at once: the loop must go on looking after calls in between."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.loop import in_loop
from tests.web.town import API, Town
from web.turns import Turns

CROWD = 40


class Rounds:
    """Counts the rounds of the running loop."""

    def __init__(self) -> None:
        self.count = 0
        self._step()

    def _step(self) -> None:
        self.count += 1
        self._next = asyncio.get_running_loop().call_soon(self._step)

    def stop(self) -> None:
        self._next.cancel()


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_no_two_requests_are_worked_on_in_one_round_of_the_loop(body: bytes) -> None:
    """Those with a body wait again once it is there: a crowd may send all its bodies at the same moment."""

    @in_loop
    async def story() -> None:
        rounds, worked = Rounds(), list[int]()
        all_here = asyncio.Event()

        async def receive() -> Message:
            await all_here.wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def work(scope: Scope, receive: Receive, send: Send) -> None:
            if body:
                await receive()
            worked.append(rounds.count)

        async def send(message: Message) -> None:
            raise AssertionError("nothing is answered here")

        app = Turns(work)
        crowd = [asyncio.create_task(app({"type": "http"}, receive, send)) for _ in range(CROWD)]
        for gone in crowd[10:20]:
            await asyncio.sleep(0)
            gone.cancel()
        all_here.set()
        await asyncio.gather(*crowd, return_exceptions=True)
        rounds.stop()
        assert len(worked) == len(set(worked)) >= CROWD - 10

    story()


def test_a_member_who_asks_for_everything_at_once_does_not_stop_the_clock(town: Town) -> None:
    """The clock is the heartbeat: after 3 s without one the worker would be killed, with all calls in it."""
    for minute in range(60):
        town.call("1001", minutes=minute)

    @in_loop
    async def story() -> None:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.001)  # less than a request takes
                beats += 1

        async with town.program_of(town.alice) as alice:
            heart = asyncio.create_task(beat())
            answers = await asyncio.gather(*(alice.get(f"{API}/rows") for _ in range(CROWD)))
            heart.cancel()
        assert {answer.status_code for answer in answers} == {200}
        assert beats > CROWD / 5, "they were answered in one breath"

    story()
