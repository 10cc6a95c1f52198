"""Actions and their answers: each gets its own, whole and in time, or an error that says which."""

import asyncio
from typing import cast

import pytest

from bridge.control import link
from bridge.control.ami import Manager
from bridge.errors import PbxAway, PbxRefused, TooMuch
from bridge.wire.ami import Message
from tests.control.pbx import FakePbx, Session
from tests.control.stage import happens, managed, until
from tests.loop import in_loop


def started(session: Session, action: Message) -> None:
    session.answer(action, ("EventList", "start"), ("Message", "List will follow"))


def item(session: Session, action: Message, number: int) -> None:
    fields = [("Event", "Item"), ("ActionID", action.get("ActionID")), ("Number", str(number))]
    session.tell(fields)


def complete(session: Session, action: Message, how: str = "Complete") -> None:
    action_id = action.get("ActionID")
    session.tell([("Event", "ItemListComplete"), ("ActionID", action_id), ("EventList", how)])


def numbers(items: list[Message]) -> list[str]:
    return [each.get("Number") for each in items]


def test_a_list_is_its_items_whatever_else_the_pbx_tells_meanwhile() -> None:
    heard: list[Message] = []

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Items":
            return False
        session.tell([("Event", "Other"), ("Number", "before")])
        started(session, action)
        item(session, action, 1)
        session.tell([("Event", "Item"), ("Number", "without an id")])
        session.tell([("Event", "Item"), ("ActionID", "0-0"), ("Number", "another's")])
        session.answer(action, ("Message", "a second answer"))
        session.tell([("Event", "FullyBooted")])
        item(session, action, 2)
        complete(session, action)
        item(session, action, 3)
        return True

    @in_loop
    async def story() -> None:
        def prepare(manager: Manager) -> None:
            manager.listen("item", heard.append)
            manager.listen("Other", heard.append)

        async with FakePbx(rule) as pbx, managed(pbx.address, prepare=prepare) as manager:
            await until(manager, "ready")
            assert numbers(await manager.list("Items")) == ["1", "2"]
            await happens(lambda: len(heard) == 4)
            assert numbers(heard) == ["before", "without an id", "another's", "3"]

    story()


@in_loop
async def test_a_list_cut_off_by_the_end_of_the_connection_is_no_list() -> None:
    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Items":
            return False
        started(session, action)
        item(session, action, 1)
        session.writer.close()
        return True

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        with pytest.raises(PbxAway, match="closed the connection"):
            await manager.list("Items")


@in_loop
async def test_a_list_without_end_is_no_list() -> None:
    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") == "Items":
            started(session, action)
            item(session, action, 1)
        return action.get("Action") == "Items"

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        with pytest.raises(PbxAway, match="no answer to Items"):
            await manager.list("Items", deadline_s=0.1)


@in_loop
async def test_a_list_refused_cancelled_or_longer_than_allowed_is_an_error() -> None:
    def rule(session: Session, action: Message) -> bool:
        name = action.get("Action")
        if name == "NoList":
            session.answer(action)
        elif name == "Cancelled":
            started(session, action)
            complete(session, action, "Cancelled")
        elif name == "Long":
            started(session, action)
            for number in range(5):
                item(session, action, number)
        return name in ("NoList", "Cancelled", "Long")

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        with pytest.raises(PbxRefused, match="unknown command"):
            await manager.list("Nothing")
        with pytest.raises(PbxRefused, match="not a list"):
            await manager.list("NoList")
        with pytest.raises(PbxRefused, match="cancelled"):
            await manager.list("Cancelled")
        most, link.ITEMS = link.ITEMS, 4
        try:
            with pytest.raises(TooMuch):
                await manager.list("Long")
        finally:
            link.ITEMS = most
        assert pbx.logins == 1, "the connection is as good as before"


@in_loop
async def test_an_answer_that_comes_too_late_answers_nothing_else() -> None:
    late: list[tuple[Session, Message]] = []

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") == "Slow":
            late.append((session, action))
        elif action.get("Action") == "Quick":
            for waited_for, slow in late:
                waited_for.answer(slow, ("For", "slow"))
            session.tell([("Response", "Success"), ("For", "nobody")])
            session.tell([("Response", "Error"), ("ActionID", "1"), ("For", "nobody")])
            session.answer(action, ("For", "quick"))
            session.answer(action, ("For", "quick, again"))
        return action.get("Action") in ("Slow", "Quick")

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        with pytest.raises(PbxAway, match="no answer to Slow"):
            await manager.action("Slow", deadline_s=0.05)
        assert (await manager.action("Quick")).get("For") == "quick"
        assert (await manager.action("Quick")).get("For") == "quick"
        assert manager.status.state == "ready"


@in_loop
async def test_each_of_many_actions_at_once_gets_its_own_answer_in_whatever_order() -> None:
    asked: list[tuple[Session, Message]] = []

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Echo":
            return False
        asked.append((session, action))
        if len(asked) == 100:
            for one, each in reversed(asked):
                one.answer(each, ("Said", each.get("Say")))
        return True

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        said = await asyncio.gather(*(manager.action("Echo", [("Say", str(n))]) for n in range(100)))
        assert [each.get("Said") for each in said] == [str(n) for n in range(100)]
        ids = [action.get("ActionID") for action in pbx.actions]
        pbx.sessions[-1].reset()
        await happens(lambda: pbx.logins == 2 and manager.status.state == "ready")
        await manager.action("Ping")
        ids = [action.get("ActionID") for action in pbx.actions]
        assert len(set(ids)) == len(ids), "no id comes twice, also not after a reconnect"
        assert all(len(each) >= 16 for each in ids)


@in_loop
async def test_who_waits_when_the_connection_breaks_is_told_at_once() -> None:
    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") == "Last":
            session.reset()
        return action.get("Action") in ("Waits", "Last")

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        waits = [asyncio.create_task(manager.action("Waits", deadline_s=25)) for _ in range(5)]
        await happens(lambda: len(pbx.named("Waits")) == 5)
        with pytest.raises(PbxAway):
            await manager.action("Last", deadline_s=25)
        ends = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(end) for end in ends] == [PbxAway] * 5


@in_loop
async def test_a_refusal_carries_the_words_of_the_pbx_and_the_log_no_number() -> None:
    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Originate":
            return False
        session.answer(action, ("Message", "No such channel 4930123456\x07"), response="Error")
        return True

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        with pytest.raises(PbxRefused) as told:
            await manager.action("Originate")
        assert told.value.said == "No such channel 4930123456\x07"
        assert str(told.value) == "the PBX says: No such channel ?"


@in_loop
async def test_a_value_with_a_line_break_is_not_sent_in_part_or_whole() -> None:
    async with FakePbx() as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        for bad in ("1\r\n\r\nAction: Command", "1\n", "\0"):
            with pytest.raises(ValueError, match="would end its line"):
                await manager.action("Originate", [("Channel", "Local/1"), ("CallerID", bad)])
        with pytest.raises(ValueError, match="not for its caller"):
            await manager.action("Originate", [("actionid", "1")])
        await manager.action("Ping")
        assert b"Local/1" not in pbx.heard
        assert b"Command" not in pbx.heard


@in_loop
async def test_more_actions_than_a_pbx_can_answer_are_turned_away() -> None:
    async with (
        FakePbx(lambda session, action: action.get("Action") == "Waits") as pbx,
        managed(pbx.address) as manager,
    ):
        await until(manager, "ready")
        waits = [asyncio.create_task(manager.action("Waits", deadline_s=25)) for _ in range(link.WAITING - 1)]
        await happens(lambda: len(pbx.named("Waits")) == link.WAITING - 1)
        pings = len(pbx.named("Ping"))
        await pbx.until(lambda: len(pbx.named("Ping")) > pings + 2)
        with pytest.raises(TooMuch):
            await asyncio.gather(*(manager.action("Waits", deadline_s=1) for _ in range(3)))
        assert manager.status.state == "ready", "there is always room for a ping"
        for each in waits:
            each.cancel()
        await asyncio.wait(waits)
        assert (await manager.action("Ping")).get("Ping") == "Pong"
        assert pbx.logins == 1


@in_loop
async def test_a_pbx_that_does_not_read_is_kept_no_more_than_a_little() -> None:
    async with FakePbx() as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        cast("asyncio.Transport", pbx.sessions[-1].writer.transport).pause_reading()
        fields = [("Variable", "x" * 900)] * 100
        why = ""
        while "does not read" not in why:
            with pytest.raises(PbxAway) as told:
                await manager.action("Originate", fields, deadline_s=0.001)
            why = str(told.value)
            assert "no answer" in why or "does not read" in why
        await happens(lambda: pbx.logins == 2 and manager.status.state == "ready")
