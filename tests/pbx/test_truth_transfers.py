"""A secretary answers and hands the caller on: who misses the call then, and since when."""

import asyncio

import pytest

from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Phone, Script
from tests.pbx.truth import Row, Scene, Stage, Told, leave_nothing, next_second, seconds

pytestmark = pytest.mark.pbx

ANSWERS = Script(final=200)


async def answered(scene: Scene, secretary: Phone, extension: str) -> tuple[Call, Call]:
    """Call the secretary, who answers; return her call and the caller's, in the next second."""
    call = await scene.call(extension)
    await call.until("answered")
    await next_second()
    return secretary.calls[0], call


async def handed_on_unheard(scene: Scene) -> tuple[float, float]:
    secretary, colleague = await scene.phones(_1001=ANSWERS, _1002=Script())
    hers, call = await answered(scene, secretary, "1001")
    await hers.transfer("1002")
    await leave_nothing(call)
    return hers.began_at, colleague.calls[0].began_at


async def the_caller_leaves_while_the_colleague_rings(scene: Scene) -> None:
    secretary, colleague = await scene.phones(_1003=ANSWERS, _1004=Script())
    hers, call = await answered(scene, secretary, "1003")
    await hers.transfer("1004")
    await colleague.rung()
    await call.hang_up()


async def the_colleague_answers(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1005=ANSWERS, _1006=ANSWERS)
    hers, call = await answered(scene, secretary, "1005")
    await hers.transfer("1006")
    await asyncio.sleep(0.3)
    await call.hang_up()


async def announced_while_it_rings(scene: Scene) -> tuple[float, float]:
    secretary, colleague = await scene.phones(_1007=ANSWERS, _1008=Script())
    hers, call = await answered(scene, secretary, "1007")
    asked = await secretary.call("1008")
    await asked.until("ringing")
    await hers.transfer_to(asked, "1008")
    await leave_nothing(call)
    return hers.began_at, colleague.calls[0].began_at


async def announced_and_the_caller_leaves(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1009=ANSWERS, _1010=Script())
    hers, call = await answered(scene, secretary, "1009")
    asked = await secretary.call("1010")
    await asked.until("ringing")
    await hers.transfer_to(asked, "1010")
    await call.hang_up()


async def announced_and_answered(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1011=ANSWERS, _1012=ANSWERS)
    hers, call = await answered(scene, secretary, "1011")
    asked = await secretary.call("1012")
    await asked.until("answered")
    await hers.transfer_to(asked, "1012")
    await asyncio.sleep(0.3)
    await call.hang_up()


async def the_colleague_is_asked_in_vain(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1013=ANSWERS, _1014=Script())
    hers, call = await answered(scene, secretary, "1013")
    asked = await secretary.call("1014", from_user="1013")
    await asked.until("ringing")
    await asked.cancel()
    await call.hang_up()
    assert hers.answered_at is not None


async def back_to_the_secretary_who_answers(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1015=ANSWERS, _1016=Script())
    hers, call = await answered(scene, secretary, "1015")
    await hers.transfer("661615")
    await secretary.rung(2)
    await secretary.calls[1].until("answered")
    await asyncio.sleep(0.3)
    await call.hang_up()


async def back_to_the_secretary_who_is_gone(scene: Scene) -> None:
    secretary, _ = await scene.phones(_1017=ANSWERS, _1018=Script())
    hers, call = await answered(scene, secretary, "1017")
    secretary.script = Script(final=486)
    await hers.transfer("661817")
    await leave_nothing(call)


async def into_a_mailbox(scene: Scene) -> None:
    [secretary] = await scene.phones(_1019=ANSWERS)
    hers, call = await answered(scene, secretary, "1019")
    await hers.transfer("6720")
    await leave_nothing(call)


async def the_one_who_was_called_is_handed_on(scene: Scene) -> tuple[float, float]:
    caller, callee, third = await scene.phones(_1021=Script(), _1022=ANSWERS, _1023=Script())
    call = await caller.call("1022")
    await call.until("answered")
    await next_second()
    await call.transfer("1023")
    await leave_nothing(callee.calls[0])
    return callee.calls[0].began_at, third.calls[0].began_at


async def a_member_of_a_group_is_handed_on(scene: Scene) -> None:
    caller, member, _ = await scene.phones(_1030=Script(), _1031=ANSWERS, _1033=Script())
    call = await caller.call("613132")
    await call.until("answered")
    await next_second()
    await call.transfer("1033")
    await leave_nothing(member.calls[0])


async def a_member_of_a_group_is_handed_on_and_leaves(scene: Scene) -> None:
    caller, member, third = await scene.phones(_1036=Script(), _1034=ANSWERS, _1037=Script())
    call = await caller.call("613435")
    await call.until("answered")
    await next_second()
    await call.transfer("1037")
    await third.rung()
    await member.calls[0].hang_up()


async def announced_to_a_group(scene: Scene) -> None:
    secretary, _, _ = await scene.phones(_1040=ANSWERS, _1041=Script(), _1042=Script())
    hers, call = await answered(scene, secretary, "1040")
    asked = await secretary.call("614142")
    await asked.until("ringing")
    await hers.transfer_to(asked, "614142")
    await leave_nothing(call)


async def handed_on_to_a_line_without_watch(scene: Scene) -> tuple[float, float]:
    caller, callee, third = await scene.phones(_1043=Script(), _1044=ANSWERS, _1045=Script())
    call = await caller.call("1044")
    await call.until("answered")
    await next_second()
    await call.transfer("6045")
    await leave_nothing(callee.calls[0])
    return callee.calls[0].began_at, third.calls[0].began_at


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    return stage.tell(
        [
            handed_on_unheard,
            the_caller_leaves_while_the_colleague_rings,
            the_colleague_answers,
            announced_while_it_rings,
            announced_and_the_caller_leaves,
            announced_and_answered,
            the_colleague_is_asked_in_vain,
            back_to_the_secretary_who_answers,
            back_to_the_secretary_who_is_gone,
            into_a_mailbox,
            the_one_who_was_called_is_handed_on,
            a_member_of_a_group_is_handed_on,
            a_member_of_a_group_is_handed_on_and_leaves,
            announced_to_a_group,
            handed_on_to_a_line_without_watch,
        ]
    )


def of_mailboxes(told: Told, *extensions: str) -> list[Row]:
    return [row for row in told.everything if row["mailbox"] in extensions]


def test_a_caller_handed_on_is_missed_by_the_colleague_since_his_telephone_rang(told: Told) -> None:
    first, second = told.result(handed_on_unheard)
    row = told.row(handed_on_unheard)
    assert (row["mailbox"], row["reason"], row["group"]) == ("1002", "no_answer", False)
    assert first < seconds(row) <= second


def test_a_caller_who_leaves_while_the_colleague_rings_is_one_row_of_the_colleague(told: Told) -> None:
    row = told.row(the_caller_leaves_while_the_colleague_rings)
    assert (row["mailbox"], row["reason"]) == ("1004", "cancelled")


def test_a_caller_whom_the_colleague_takes_is_missed_by_nobody(told: Told) -> None:
    assert told.rows(the_colleague_answers) == []
    assert told.rows(announced_and_answered) == []
    assert of_mailboxes(told, "1005", "1006", "1011", "1012") == []


def test_a_caller_announced_while_it_rings_is_missed_by_the_colleague(told: Told) -> None:
    first, second = told.result(announced_while_it_rings)
    row = told.row(announced_while_it_rings)
    assert (row["mailbox"], row["reason"]) == ("1008", "no_answer")
    assert first < seconds(row) <= second
    assert len(of_mailboxes(told, "1007", "1008")) == 1


def test_an_announced_caller_who_leaves_is_one_row_of_the_colleague(told: Told) -> None:
    row = told.row(announced_and_the_caller_leaves)
    assert (row["mailbox"], row["reason"]) == ("1010", "cancelled")
    assert len(of_mailboxes(told, "1009", "1010")) == 1


def test_a_colleague_asked_in_vain_has_missed_the_secretary(told: Told) -> None:
    told.result(the_colleague_is_asked_in_vain)
    [row] = of_mailboxes(told, "1013", "1014")
    assert (row["mailbox"], row["reason"], row["from_number"]) == ("1014", "cancelled", "1013")


def test_a_caller_who_comes_back_is_missed_only_if_the_secretary_is_gone_too(told: Told) -> None:
    assert told.rows(back_to_the_secretary_who_answers) == []
    row = told.row(back_to_the_secretary_who_is_gone)
    assert (row["mailbox"], row["reason"]) == ("1018", "busy")


def test_a_caller_can_be_handed_into_a_mailbox(told: Told) -> None:
    row = told.row(into_a_mailbox)
    assert (row["mailbox"], row["reason"]) == ("1020", "no_answer")


def test_one_who_was_called_and_is_handed_on_is_missed_there(told: Told) -> None:
    first, second = told.result(the_one_who_was_called_is_handed_on)
    [row] = of_mailboxes(told, "1021", "1022", "1023")
    assert (row["mailbox"], row["reason"], row["from_number"]) == ("1023", "no_answer", "1022")
    assert first < seconds(row) <= second


def test_a_member_handed_on_out_of_a_groups_call_is_no_longer_in_the_group(told: Told) -> None:
    told.result(a_member_of_a_group_is_handed_on)
    [row] = of_mailboxes(told, "613132", "1031", "1033")
    assert (row["mailbox"], row["reason"], row["group"]) == ("1033", "no_answer", False)
    told.result(a_member_of_a_group_is_handed_on_and_leaves)
    [row] = of_mailboxes(told, "613435", "1034", "1037")
    assert (row["mailbox"], row["reason"], row["group"]) == ("1037", "cancelled", False)


def test_a_caller_announced_to_a_group_is_missed_by_the_group(told: Told) -> None:
    row = told.row(announced_to_a_group)
    assert (row["mailbox"], row["reason"], row["group"]) == ("614142", "no_answer", True)
    assert of_mailboxes(told, "1040", "1041", "1042") == []


def test_a_line_without_watch_takes_who_is_handed_on_to_it(told: Told) -> None:
    first, _ = told.result(handed_on_to_a_line_without_watch)
    [row] = of_mailboxes(told, "1043", "1044", "1045")
    assert (row["mailbox"], row["reason"], row["group"]) == ("1045", "no_answer", False)
    assert seconds(row) > first
