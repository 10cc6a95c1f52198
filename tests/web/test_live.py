"""The event stream over a real connection: who hears what, how many may listen, when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from bridge.events import News
from bridge.seal.keys import mailbox_wrap, public_of
from bridge.webdoor import GuardedConfig
from tests.loop import in_loop
from tests.web.serving import Server, bound_socket
from tests.web.town import API, Town
from web import streams
from web.answers import to_b64


class Heard:
    """One open stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, dict[str, object]]:
        """The next event; comments are passed over."""
        kind = ""
        async with asyncio.timeout(5):
            async for line in self._lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return kind, json.loads(line.removeprefix("data: "))
        raise EOFError

    async def comment(self) -> str:
        async with asyncio.timeout(5):
            async for line in self._lines:
                if line.startswith(":"):
                    return line
        raise EOFError

    async def ended(self) -> bool:
        try:
            while True:
                await self.next()
        except EOFError:
            return True


@asynccontextmanager
async def up(town: Town) -> AsyncIterator[str]:
    """Serve in this loop, as the worker does; events are published in it too."""
    bound = bound_socket()
    settings = GuardedConfig(town.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = Server(settings)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    async with asyncio.timeout(10):
        await asyncio.to_thread(server.up.wait)
    try:
        yield f"http://localhost:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        bound.close()


@asynccontextmanager
async def listening(url: str, session: httpx.AsyncClient) -> AsyncIterator[Heard]:
    headers = {name: value for name, value in session.headers.items() if name == "authorization"}
    if cookies := dict(session.cookies):
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with (
        httpx.AsyncClient(base_url=url, timeout=10) as client,
        client.stream("GET", f"{API}/events", headers=headers) as answer,
    ):
        heard = Heard(answer)
        if answer.status_code == 200:
            assert await heard.next() == ("status", {"recording": True, "pbx": "off"})
        yield heard


def test_a_member_hears_of_his_mailbox_and_of_nobody_elses(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.page_of(town.alice)) as alice:
            assert alice.answer.headers["content-type"].startswith("text/event-stream")
            assert alice.answer.headers["cache-control"] == "no-store"
            async with listening(url, town.program_of(town.carol)) as carol:
                theirs = town.call("2002")
                mine = town.call("1001")
                assert await alice.next() == ("row", {"row_id": mine, "mailbox_id": town.box("1001").id})
                assert await carol.next() == ("row", {"row_id": theirs, "mailbox_id": town.box("2002").id})
                town.recording = False
                town.events.publish(News("status"))
                assert await alice.next() == ("status", {"recording": False, "pbx": "off"})
                assert await carol.next() == ("status", {"recording": False, "pbx": "off"})

    story()


def test_who_waits_hears_nothing_until_he_is_let_in(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.page_of(town.bob)) as bob:
            box, keys = town.box("1001"), town.keys["1001"]
            town.call("1001")
            wraps = [
                (epoch, mailbox_wrap(town.bob.public, town.bob.id, box.id, epoch, secret, public_of(secret)))
                for epoch, secret in keys.items()
            ]
            told = {
                "public": to_b64(town.bob.public),
                "wraps": [{"epoch": epoch, "wrap": to_b64(wrap)} for epoch, wrap in wraps],
            }
            path = f"{API}/mailboxes/{box.id}/members/{town.bob.id}/approve"
            async with town.page_of(town.alice) as alice:
                assert (await alice.post(path, json=told)).status_code == 200
            second = town.call("1001")
            assert await bob.next() == ("missed", {})  # his page fetches its new keys, and the rows
            assert await bob.next() == ("row", {"row_id": second, "mailbox_id": box.id})

    story()


def test_a_stranger_gets_no_stream(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.client()) as stranger:
            assert stranger.answer.status_code == 401

    story()


def test_log_out_in_one_tab_ends_the_stream_of_the_others(town: Town) -> None:
    @in_loop
    async def story() -> None:
        page, other = town.page_of(town.alice), town.page_of(town.alice)
        async with up(town) as url, listening(url, page) as mine, listening(url, other) as others:
            await page.post(f"{API}/logout", json={})
            assert await mine.ended()
            row_id = town.call("1001")
            assert (await others.next())[1]["row_id"] == row_id

    story()


def test_a_quiet_stream_is_pinged_and_ends_when_its_session_has_run_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def story() -> None:
        monkeypatch.setattr(streams, "PING_S", 0.05)
        async with up(town) as url, listening(url, town.program_of(town.alice)) as alice:
            assert await alice.comment() == ": ping"
            town.clock.turn(hours=12)
            assert await alice.ended()
            assert town.app.state.house.streams.count(town.alice.id) == 0

    story()


def test_a_busy_stream_ends_with_its_session_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a busy house there is always news before the next ping."""

    @in_loop
    async def story() -> None:
        monkeypatch.setattr(streams, "PING_S", 0.2)
        async with up(town) as url, listening(url, town.program_of(town.alice)) as alice:
            news = News("row", town.box("1001").id, "00" * 16)
            town.clock.turn(hours=12)
            with pytest.raises(EOFError):
                async with asyncio.timeout(5):
                    while True:
                        town.events.publish(news)
                        await alice.next()

    story()


def test_an_orderly_stop_ends_every_stream(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.page_of(town.alice)) as alice:
            town.events.close()
            assert await alice.ended()

    story()


def test_one_user_holds_eight_streams_and_the_oldest_gives_way_and_hears_why(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, AsyncExitStack() as stack:
            opened = [
                await stack.enter_async_context(listening(url, town.page_of(town.alice)))
                for _ in range(streams.PER_USER + 1)
            ]
            assert await opened[0].next() == ("full", {})
            assert await opened[0].ended()
            assert town.app.state.house.streams.count(town.alice.id) == streams.PER_USER
            row_id = town.call("1001")
            for heard in opened[1:]:
                assert (await heard.next())[1]["row_id"] == row_id

    story()


def test_a_page_that_goes_away_leaves_nothing_behind(town: Town) -> None:
    @in_loop
    async def story() -> None:
        house = town.app.state.house
        async with up(town) as url:
            async with listening(url, town.page_of(town.alice)):
                assert house.streams.count(town.alice.id) == 1
            async with asyncio.timeout(5):
                while house.streams.count(town.alice.id):  # noqa: ASYNC110  (nothing tells a test of it)
                    await asyncio.sleep(0.01)
            assert not town.events._listeners

    story()


def test_what_happens_closely_is_told_together_and_each_row_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "GATHER_S", 1.0)

    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.page_of(town.alice)) as alice:
            box = town.box("1001").id
            rows = {name: ("row", {"row_id": name, "mailbox_id": box}) for name in ("aa", "bb", "cc")}
            town.events.publish(News("row", box, "aa"))
            assert await alice.next() == rows["aa"]
            for _ in range(10):
                town.events.publish(News("row", box, "aa"))
                town.events.publish(News("row", box, "bb"))
                await asyncio.sleep(0)  # the stream could write now
            assert [await alice.next(), await alice.next()] == [rows["aa"], rows["bb"]]
            town.events.publish(News("row", box, "cc"))
            assert await alice.next() == rows["cc"], "nothing was told twice"

    story()


def test_a_listener_who_fell_behind_is_told_to_fetch_everything(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with up(town) as url, listening(url, town.page_of(town.alice)) as alice:
            box = town.box("1001").id
            for number in range(200):  # no await: the stream's task cannot run between these
                town.events.publish(News("row", box, f"{number:032x}"))
            assert await alice.next() == ("missed", {})

    story()
