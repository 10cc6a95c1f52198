"""News: nobody who listens harms who tells, and who was told too little fetches all again."""

import asyncio

import pytest

from bridge.errors import Refused, StoreError
from bridge.events import QUEUE, Events, Listener, News
from tests.loop import in_loop

ROW = News("row", "mb_1", "00")


async def told(listener: Listener) -> list[News]:
    listener.close()
    return [news async for news in listener]


def everything(_news: News) -> bool:
    return True


@in_loop
async def test_a_listener_whose_rights_cannot_be_read_harms_nobody_and_learns_nothing() -> None:
    events = Events()

    def locked(_news: News) -> bool:
        raise StoreError("database: locked")

    poor, well = events.listen(locked), events.listen(everything)
    events.publish(ROW)
    assert await told(poor) == [News("missed")]
    assert await told(well) == [ROW]


@in_loop
async def test_a_slow_listener_is_told_to_fetch_everything_again() -> None:
    events = Events()
    slow = events.listen(everything)
    for number in range(QUEUE + 1):
        events.publish(News("row", "mb_1", f"{number:02x}"))
    assert await told(slow) == [News("missed")]


@in_loop
async def test_a_row_that_changes_again_before_its_listener_looks_is_told_once() -> None:
    events = Events()
    mine = events.listen(everything)
    other = News("row", "mb_1", "01")
    for news in (ROW, other, ROW):
        events.publish(news)
    heard = aiter(mine)
    assert [await anext(heard), await anext(heard)] == [ROW, other]
    events.publish(ROW)
    assert await anext(heard) == ROW, "it changed after it was told"
    for news in (other, ROW):
        events.publish(news)
    assert mine.waiting() == [other, ROW]
    assert await told(mine) == []


@in_loop
async def test_only_what_is_wanted_comes_and_nothing_after_leaving() -> None:
    events = Events()
    mine = events.listen(lambda news: news.mailbox_id == "mb_1")
    events.publish(News("row", "mb_2", "01"))
    events.publish(ROW)
    events.leave(mine)
    events.publish(ROW)
    assert await told(mine) == [ROW]


@in_loop
async def test_after_the_end_a_page_that_asks_again_gets_a_stream_that_ends_at_once() -> None:
    events = Events()
    before = events.listen(everything)
    events.end()
    events.publish(ROW)
    for listener in (before, events.listen(everything)):
        assert [news async for news in listener] == []


@in_loop
async def test_a_command_is_answered_refused_or_late() -> None:
    events = Events()

    async def ring(command: object) -> object:
        await asyncio.sleep(0 if command == "quick" else 60)
        return f"{command} done"

    events.answer("ring", ring)
    assert await events.ask("ring", "quick", 5) == "quick done"
    with pytest.raises(Refused, match="no answer in time"):
        await events.ask("ring", "slow", 0.01)
    with pytest.raises(Refused, match="not available"):
        await events.ask("hang up", "quick", 5)
    with pytest.raises(ValueError, match="two answer"):
        events.answer("ring", ring)
