"""The runner: everything arrives, the newest truth last, however often it fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from bridge import outbox
from bridge.errors import PbxAway, PbxRefused, Refused, StoreError
from bridge.outbox import UNDER_WAY, Delivery, Runner
from bridge.store.outbox import ADD, LAMP, lamp_of
from tests.store.house import START, House

PATIENCE_S = 20.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "data")
    yield made
    made.store.close()


@dataclass
class Wall:
    """A wall clock that tests turn."""

    now: float = START.timestamp()

    def __call__(self) -> float:
        return self.now


@dataclass
class Lamps:
    """Who is told: shows what is true when asked, after ``hinder`` has had its say."""

    hinder: Callable[[str], Awaitable[None]] | None = None
    truth: dict[str, int] = field(default_factory=dict)
    shown: dict[str, list[int]] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    most: int = 0

    async def tell(self, key: str) -> None:
        assert key not in self.under_way, "two at once for one mailbox"
        self.under_way.add(key)
        self.most = max(self.most, len(self.under_way))
        try:
            value = self.truth[key]
            if self.hinder is not None:
                await self.hinder(key)
            self.shown.setdefault(key, []).append(value)
        finally:
            self.under_way.discard(key)


def boxes(house: House, count: int) -> list[str]:
    return [house.store.mailboxes.recipient(str(1001 + number)).mailbox_id for number in range(count)]


def change(house: House, lamps: Lamps, *mailboxes: str) -> None:
    """Something happens: the truth and the row are one transaction."""
    with house.store._database.write_soon() as connection:
        for mailbox in mailboxes:
            lamps.truth[mailbox] = lamps.truth.get(mailbox, 0) + 1
            connection.execute(ADD, lamp_of(mailbox))


@asynccontextmanager
async def running(
    house: House, lamps: Lamps, wall: Wall, settle_s: float | None = None
) -> AsyncIterator[Runner]:
    runner = Runner(house.store.outbox, {LAMP: Delivery(lamps.tell, settle_s)}, clock=wall, dice=lambda: 0.5)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.005)


def right(lamps: Lamps) -> bool:
    return all(lamps.shown.get(key, [0])[-1] == value for key, value in lamps.truth.items())


def left(house: House) -> int:
    [(count,)] = house.store._database.ask("SELECT count(*) FROM outbox")
    return int(count)


def test_a_hundred_changes_arrive_with_a_bounded_number_under_way(house: House) -> None:
    async def breathe(_key: str) -> None:
        await asyncio.sleep(0.001)

    lamps = Lamps(breathe)

    async def story() -> None:
        async with running(house, lamps, Wall()) as runner:
            change(house, lamps, *boxes(house, 100))
            await runner.drain(PATIENCE_S)
            assert right(lamps)
            assert len(lamps.shown) == 100

    asyncio.run(story())
    assert lamps.most == UNDER_WAY
    assert left(house) == 0


def test_what_changes_while_it_is_told_is_told_again_and_last(house: House) -> None:
    [mailbox] = boxes(house, 1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_key: str) -> None:
        begun.set()
        await go_on.wait()

    lamps = Lamps(wait)

    async def story() -> None:
        async with running(house, lamps, Wall()) as runner:
            change(house, lamps, mailbox)
            runner.wake()
            await asyncio.wait_for(begun.wait(), PATIENCE_S)
            for _ in range(5):
                change(house, lamps, mailbox)
                runner.wake()
            go_on.set()
            await runner.drain(PATIENCE_S)

    asyncio.run(story())
    assert lamps.shown[mailbox] == [1, 6], "five changes meanwhile are one, and the newest"


def test_one_that_hangs_holds_up_no_other(house: House) -> None:
    stuck, *others = boxes(house, 20)

    async def hang(key: str) -> None:
        if key == stuck:
            await asyncio.Event().wait()

    lamps = Lamps(hang)

    async def story() -> None:
        async with running(house, lamps, Wall()) as runner:
            change(house, lamps, stuck, *others)
            runner.wake()
            await until(lambda: len(lamps.shown) == 19)
            assert right(Lamps(truth=dict.fromkeys(others, 1), shown=lamps.shown))

    asyncio.run(story())
    house.store.outbox.free()
    assert [entry.key for entry in house.store.outbox.claim(START.timestamp(), 9)] == [stuck]


def test_what_fails_is_tried_ever_more_seldom_and_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    [mailbox] = boxes(house, 1)
    wall, tries = Wall(), list[float]()

    async def away(_key: str) -> None:
        tries.append(wall.now)
        if len(tries) < 4:
            raise PbxAway("no connection")
        if len(tries) < 6:
            raise Refused("not now")
        if len(tries) < 9:
            raise PbxRefused("Originate failed")

    lamps = Lamps(away)

    async def story() -> None:
        async with running(house, lamps, wall) as runner:
            change(house, lamps, mailbox)
            runner.wake()
            for count in range(1, 9):
                await until(lambda wanted=count: len(tries) == wanted and not runner._tasks)  # type: ignore[misc]
                assert house.store.outbox.failing() == 1
                due = house.store.outbox.next_due(wall.now)
                assert due is not None
                wall.now = due
                runner.wake()
            await runner.drain(PATIENCE_S)

    with caplog.at_level(logging.INFO, logger="aftertone.outbox"):
        asyncio.run(story())
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses == pytest.approx([0.375, 0.75, 1.5, 3, 6, 12, 22.5, 22.5])
    assert [record.message for record in caplog.records] == [
        f"outbox: lamp {mailbox} is tried again: not now",
        f"outbox: lamp {mailbox} is tried again: the PBX says: Originate failed",
        f"outbox: lamp {mailbox} arrived after all",
    ]
    assert (house.store.outbox.failing(), left(house), right(lamps)) == (0, 0, True)


def test_after_a_failure_it_is_told_once_more_in_case_the_lost_attempt_came_last(house: House) -> None:
    [mailbox] = boxes(house, 1)
    wall, failures = Wall(), [PbxAway("no answer in 5 s")]

    async def once(_key: str) -> None:
        if failures:
            raise failures.pop()

    lamps = Lamps(once)

    async def story() -> None:
        async with running(house, lamps, wall, settle_s=10.0) as runner:
            change(house, lamps, mailbox)
            await runner.drain(PATIENCE_S)
            wall.now += 1
            await runner.drain(PATIENCE_S)
            assert lamps.shown[mailbox] == [1]
            assert house.store.outbox.failing() == 0
            wall.now += 5
            change(house, lamps, mailbox)
            await runner.drain(PATIENCE_S)
            assert lamps.shown[mailbox] == [1, 2], "a change meanwhile is told at once"
            wall.now += 10
            await runner.drain(PATIENCE_S)
            assert lamps.shown[mailbox] == [1, 2, 2]
            wall.now += 100
            await runner.drain(PATIENCE_S)
            assert lamps.shown[mailbox] == [1, 2, 2]

    asyncio.run(story())
    assert left(house) == 0


def test_a_mistake_in_one_lamp_leaves_the_others_right(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    broken, *others = boxes(house, 5)

    async def mistake(key: str) -> None:
        if key == broken:
            raise KeyError("a mistake")

    lamps = Lamps(mistake)

    async def story() -> None:
        async with running(house, lamps, Wall()) as runner:
            change(house, lamps, broken, *others)
            await runner.drain(PATIENCE_S)

    asyncio.run(story())
    assert sorted(lamps.shown) == sorted(others)
    assert house.store.outbox.failing() == 1
    assert "a mistake of ours" in caplog.text


def test_a_store_that_cannot_tell_shows_nothing_and_the_runner_lives(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "STORE_AGAIN_S", 0.01)
    [mailbox] = boxes(house, 1)
    lamps, broken = Lamps(), True
    claim, done = house.store.outbox.claim, house.store.outbox.done
    refused: list[str] = []

    def failing(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def method(*args: object) -> object:
            if broken:
                refused.append(name)
                raise StoreError("database: disk I/O error")
            return real(*args)

        return method

    async def story() -> None:
        nonlocal broken
        change(house, lamps, mailbox)
        monkeypatch.setattr(house.store.outbox, "claim", failing("claim", claim))
        async with running(house, lamps, Wall()) as runner:
            await until(lambda: refused.count("claim") > 3)
            assert lamps.shown == {}
            monkeypatch.setattr(house.store.outbox, "claim", claim)
            monkeypatch.setattr(house.store.outbox, "done", failing("done", done))
            await until(lambda: refused.count("done") > 3)
            change(house, lamps, mailbox)
            broken = False
            await runner.drain(PATIENCE_S)
            await until(lambda: left(house) == 0)

    asyncio.run(story())
    assert lamps.shown[mailbox] == [1, 2]
    assert caplog.text.count("disk I/O error") <= 2


def test_a_change_of_another_process_is_noticed_without_being_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOOK_EVERY_S", 0.01)
    lamps = Lamps()

    async def story() -> None:
        async with running(house, lamps, Wall()):
            await asyncio.sleep(0)
            change(house, lamps, *boxes(house, 1))
            await until(lambda: right(lamps))

    asyncio.run(story())


def test_a_stop_waits_for_what_is_due_but_not_for_what_hangs(house: House) -> None:
    [mailbox] = boxes(house, 1)

    async def hang(_key: str) -> None:
        await asyncio.Event().wait()

    lamps = Lamps(hang)

    async def story() -> float:
        async with running(house, lamps, Wall()) as runner:
            change(house, lamps, mailbox)
            begun = asyncio.get_running_loop().time()
            await runner.drain(0.1)
            return asyncio.get_running_loop().time() - begun

    assert 0.09 < asyncio.run(story()) < 1.0
    assert left(house) == 1


def test_a_stop_at_the_moment_of_a_change_is_a_stop(house: House) -> None:
    async def story() -> None:
        runner = Runner(house.store.outbox, {}, clock=Wall())
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(0.01)
        runner.wake()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert task.cancelled()

    asyncio.run(story())
