"""Forwarded calls: one row, in the mailbox of the line that took the call, and from which line it came."""

import pytest

from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Script
from tests.pbx.truth import Scene, Stage, Told, leave_nothing, seconds

pytestmark = pytest.mark.pbx

BUSY = Script(final=486)
ANSWERS = Script(final=200, after_s=0.2)


async def leave_at_the_answer(call: Call) -> None:
    """Hang up at the answer: while the tone plays, Asterisk takes the Local channels between several
    forwards out of the way, which leaves holes in it."""
    await call.until("answered")
    await call.hang_up()


async def a_phone_forwards(scene: Scene) -> float:
    first, _ = await scene.phones(_1001=scene.forward_to("1002"), _1002=BUSY)
    await leave_nothing(await scene.call("1001"))
    return first.calls[0].began_at


async def a_line_follows_its_owner(scene: Scene) -> float:
    [mobile] = await scene.phones(_1004=Script())
    await leave_nothing(await scene.call("640304"))
    return mobile.calls[0].began_at


async def the_dialplan_forwards(scene: Scene) -> None:
    await scene.phones(_1006=Script())
    await leave_nothing(await scene.call("650506"))


async def a_phone_forwards_to_itself(scene: Scene) -> None:
    await scene.phones(_1007=scene.forward_to("1007", ringing=None))
    await leave_at_the_answer(await scene.call("1007"))


async def two_phones_forward_to_each_other(scene: Scene) -> None:
    await scene.phones(
        _1008=scene.forward_to("1009", ringing=None), _1009=scene.forward_to("1008", ringing=None)
    )
    await leave_at_the_answer(await scene.call("1008"))


async def three_phones_in_a_row(scene: Scene) -> None:
    await scene.phones(_1018=scene.forward_to("1019"), _1019=scene.forward_to("1020"), _1020=BUSY)
    await leave_at_the_answer(await scene.call("1018"))


async def the_caller_gives_up_at_the_second_phone(scene: Scene) -> None:
    _, second = await scene.phones(_1010=scene.forward_to("1011"), _1011=Script())
    call = await scene.call("1010")
    await second.rung()
    await call.cancel()


async def the_second_phone_answers(scene: Scene) -> None:
    await scene.phones(_1012=scene.forward_to("1013"), _1013=ANSWERS)
    call = await scene.call("1012")
    await call.until("answered")
    await call.hang_up()


async def the_caller_gives_up_while_it_follows(scene: Scene) -> None:
    [mobile] = await scene.phones(_1015=Script())
    call = await scene.call("641415")
    await mobile.rung()
    await call.cancel()


async def the_owner_answers_where_he_is(scene: Scene) -> None:
    await scene.phones(_1017=ANSWERS)
    call = await scene.call("641617")
    await call.until("answered")
    await call.hang_up()


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    return stage.tell(
        [
            a_phone_forwards,
            a_line_follows_its_owner,
            the_dialplan_forwards,
            a_phone_forwards_to_itself,
            two_phones_forward_to_each_other,
            three_phones_in_a_row,
            the_caller_gives_up_at_the_second_phone,
            the_second_phone_answers,
            the_caller_gives_up_while_it_follows,
            the_owner_answers_where_he_is,
        ]
    )


def summary(told: Told, story: object) -> tuple[str, str, str | None]:
    row = told.row(story)  # type: ignore[arg-type]
    assert (row["notes"], row["group"]) == ([], False)
    return row["mailbox"], row["reason"], row["forwarded_from"]


def test_a_phone_that_forwards_hands_the_missed_call_on(told: Told) -> None:
    assert summary(told, a_phone_forwards) == ("1002", "busy", "1001")
    row = told.row(a_phone_forwards)
    assert row["dialled"] == "1001"
    assert 0 <= told.result(a_phone_forwards) - seconds(row) < 2


def test_a_line_that_follows_its_owner_is_missed_where_it_rang_last(told: Told) -> None:
    assert summary(told, a_line_follows_its_owner) == ("1004", "no_answer", "1003")
    row = told.row(a_line_follows_its_owner)
    assert row["dialled"] == "640304"
    assert 0 <= told.result(a_line_follows_its_owner) - seconds(row) < 2


def test_a_forward_of_the_dialplan_says_where_it_came_from(told: Told) -> None:
    assert summary(told, the_dialplan_forwards) == ("1006", "no_answer", "1005")


def test_forwards_in_a_circle_end_in_one_row(told: Told) -> None:
    mailbox, _, origin = summary(told, a_phone_forwards_to_itself)
    assert (mailbox, origin) == ("1007", None)
    mailbox, _, _ = summary(told, two_phones_forward_to_each_other)
    assert mailbox in ("1008", "1009")


def test_of_three_phones_the_last_one_has_the_row(told: Told) -> None:
    assert summary(told, three_phones_in_a_row) == ("1020", "busy", "1019")
    assert told.row(three_phones_in_a_row)["dialled"] == "1018"


def test_a_caller_who_gives_up_behind_a_forward_was_missed_by_the_line_he_called(told: Told) -> None:
    assert summary(told, the_caller_gives_up_at_the_second_phone) == ("1010", "cancelled", None)
    assert summary(told, the_caller_gives_up_while_it_follows) == ("1014", "cancelled", None)


def test_a_forwarded_call_that_is_answered_is_missed_by_nobody(told: Told) -> None:
    assert told.rows(the_second_phone_answers) == []
    assert told.rows(the_owner_answers_where_he_is) == []
