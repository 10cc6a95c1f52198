"""A queue missed a call or it did not: time limits, no agents, no room, no patience, agents who answer."""

import asyncio

import pytest

from tests.pbx.sipphone import Script
from tests.pbx.truth import Scene, Stage, Told, leave_nothing, next_second, seconds

pytestmark = pytest.mark.pbx

TALKS = Script(final=200, after_s=0.2)


async def nobody_answers(scene: Scene) -> float:
    [agent] = await scene.phones(_1001=Script())
    await leave_nothing(await scene.call("7101"))
    return agent.calls[0].began_at


async def no_agent_is_there(scene: Scene) -> None:
    await leave_nothing(await scene.call("7260"))


async def the_last_agent_leaves(scene: Scene) -> None:
    [agent] = await scene.phones(_1003=Script())
    call = await scene.call("7203")
    await agent.rung()
    scene.pbx.command("queue pause member PJSIP/1003 queue 7203")
    await leave_nothing(call)


async def the_queue_is_full(scene: Scene) -> None:
    [agent] = await scene.phones(_1004=Script())
    first = await scene.call("7304", from_user="first")
    await agent.rung()
    await leave_nothing(await scene.call("7304"))
    await first.hang_up()


async def the_caller_gives_up(scene: Scene) -> None:
    [agent] = await scene.phones(_1005=Script())
    call = await scene.call("7105")
    await agent.rung()
    await call.hang_up()


async def the_caller_gives_up_unanswered(scene: Scene) -> None:
    [agent] = await scene.phones(_1006=Script())
    call = await scene.call("7506")
    await agent.rung()
    await call.cancel()


async def an_agent_answers_and_the_caller_leaves(scene: Scene) -> None:
    [agent] = await scene.phones(_1007=TALKS)
    call = await scene.call("7107")
    await agent.rung()
    await agent.calls[0].until("answered")
    await asyncio.sleep(0.3)
    await call.hang_up()


async def an_agent_answers_and_leaves(scene: Scene) -> None:
    await scene.phones(_1008=Script(final=200, talk_s=0.3))
    call = await scene.call("7108")
    await call.until("ended")


async def an_agent_answers_and_the_dialplan_goes_on(scene: Scene) -> None:
    await scene.phones(_1009=Script(final=200, talk_s=0.3))
    call = await scene.call("7509")
    await call.until("ended")


async def an_agent_with_a_mailbox_does_not_answer(scene: Scene) -> int:
    [agent] = await scene.phones(_1010=Script())
    await leave_nothing(await scene.call("7410"))
    return len(agent.calls)


async def an_agent_with_a_mailbox_answers(scene: Scene) -> None:
    [agent] = await scene.phones(_1011=TALKS)
    call = await scene.call("7411")
    await agent.rung()
    await agent.calls[0].until("answered")
    await asyncio.sleep(0.3)
    await call.hang_up()


async def an_agent_hands_the_caller_on(scene: Scene) -> tuple[float, float]:
    agent, colleague = await scene.phones(_1012=TALKS, _1013=Script())
    call = await scene.call("7112")
    await agent.rung()
    await agent.calls[0].until("answered")
    await next_second()

    await agent.calls[0].transfer("1013")
    await leave_nothing(call)
    return agent.calls[0].began_at, colleague.calls[0].began_at


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    return stage.tell(
        [
            nobody_answers,
            no_agent_is_there,
            the_last_agent_leaves,
            the_queue_is_full,
            the_caller_gives_up,
            the_caller_gives_up_unanswered,
            an_agent_answers_and_the_caller_leaves,
            an_agent_answers_and_leaves,
            an_agent_answers_and_the_dialplan_goes_on,
            an_agent_with_a_mailbox_does_not_answer,
            an_agent_with_a_mailbox_answers,
            an_agent_hands_the_caller_on,
        ]
    )


def summary(told: Told, story: object) -> tuple[str, str, bool]:
    row = told.row(story)  # type: ignore[arg-type]
    assert row["notes"] == []
    return row["mailbox"], row["reason"], row["group"]


def test_a_queue_that_nobody_answered_in_time_has_one_row_from_its_beginning(told: Told) -> None:
    assert summary(told, nobody_answers) == ("7101", "no_answer", True)
    assert 0 <= told.result(nobody_answers) - seconds(told.row(nobody_answers)) < 2


def test_a_queue_without_agents_is_unreachable(told: Told) -> None:
    assert summary(told, no_agent_is_there) == ("7260", "unreachable", True)
    assert summary(told, the_last_agent_leaves) == ("7203", "unreachable", True)


def test_a_full_queue_is_busy(told: Told) -> None:
    assert summary(told, the_queue_is_full) == ("7304", "busy", True)


def test_a_caller_who_gives_up_in_the_queue_is_one_row(told: Told) -> None:
    assert summary(told, the_caller_gives_up) == ("7105", "cancelled", True)
    assert summary(told, the_caller_gives_up_unanswered) == ("7506", "cancelled", True)


def test_a_call_that_an_agent_answered_is_missed_by_nobody(told: Told) -> None:
    assert told.rows(an_agent_answers_and_the_caller_leaves) == []
    assert told.rows(an_agent_answers_and_leaves) == []
    assert told.rows(an_agent_answers_and_the_dialplan_goes_on) == []
    assert told.rows(an_agent_with_a_mailbox_answers) == []


def test_an_agents_own_mailbox_does_not_swallow_the_queues_call(told: Told) -> None:
    assert told.result(an_agent_with_a_mailbox_does_not_answer) >= 1
    assert summary(told, an_agent_with_a_mailbox_does_not_answer) == ("7410", "no_answer", True)


def test_a_caller_whom_an_agent_hands_on_is_missed_by_the_colleague_from_then_on(told: Told) -> None:
    first, second = told.result(an_agent_hands_the_caller_on)
    assert summary(told, an_agent_hands_the_caller_on) == ("1013", "no_answer", False)
    assert first < seconds(told.row(an_agent_hands_the_caller_on)) <= second
