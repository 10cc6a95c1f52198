"""A ring group missed a call or it did not; its members are told nothing, whatever their lines do."""

import pytest

from tests.pbx.sipcall import Call
from tests.pbx.sipphone import Script
from tests.pbx.truth import Scene, Stage, Told, leave_nothing, seconds

pytestmark = pytest.mark.pbx

TALKS = Script(final=200, after_s=0.3)


async def nobody_answers(scene: Scene) -> tuple[Call, Call]:
    one, other = await scene.phones(_1001=Script(), _1002=Script())
    await leave_nothing(await scene.call("610102"))
    return one.calls[0], other.calls[0]


async def a_colleague_answers(scene: Scene) -> Call:
    _, other = await scene.phones(_1003=TALKS, _1004=Script())
    call = await scene.call("610304")
    await call.until("answered")
    await call.hang_up()
    await other.calls[0].until("ended")
    return other.calls[0]


async def all_refuse(scene: Scene) -> None:
    await scene.phones(_1005=Script(final=486), _1006=Script(final=600))
    await leave_nothing(await scene.call("610506"))


async def one_is_busy(scene: Scene) -> None:
    await scene.phones(_1007=Script(final=486), _1008=Script())
    await leave_nothing(await scene.call("610708"))


async def one_does_not_want_to_be_disturbed(scene: Scene) -> int:
    quiet, _ = await scene.phones(_1009=Script(), _1010=Script())
    scene.pbx.command("database put dnd 1009 1")
    await leave_nothing(await scene.call("620910"))
    scene.pbx.command("database del dnd 1009")
    return len(quiet.calls)


async def a_colleague_with_a_mailbox_answers(scene: Scene) -> None:
    await scene.phones(_1011=TALKS, _1012=Script())
    call = await scene.call("621112")
    await call.until("answered")
    await call.hang_up()


async def lines_without_watch(scene: Scene) -> None:
    await scene.phones(_1013=Script(), _1014=Script())
    await leave_nothing(await scene.call("631314"))


async def lines_without_watch_refuse_at_once(scene: Scene) -> None:
    await scene.phones(_1016=Script(final=486))
    await leave_nothing(await scene.call("631516"))


async def a_member_forwards_to_a_line_with_a_mailbox(scene: Scene) -> int:
    _, _, beyond = await scene.phones(
        _1017=scene.forward_to("1019"), _1018=Script(final=486), _1019=Script(final=486)
    )
    await leave_nothing(await scene.call("621718"))
    return len(beyond.calls)


async def a_phone_forwards_into_a_group(scene: Scene) -> None:
    await scene.phones(_1022=scene.forward_to("612021"), _1020=Script(final=486), _1021=Script(final=486))
    await leave_nothing(await scene.call("1022"))


async def a_phone_forwards_into_a_group_of_lines(scene: Scene) -> None:
    await scene.phones(_1023=scene.forward_to("622425"), _1024=Script(final=486), _1025=Script(final=486))
    await leave_nothing(await scene.call("1023"))


async def the_caller_gives_up(scene: Scene) -> None:
    one, _ = await scene.phones(_1026=Script(), _1027=Script())
    call = await scene.call("612627")
    await one.rung()
    await call.cancel()


async def the_caller_of_lines_gives_up(scene: Scene) -> None:
    one, _ = await scene.phones(_1028=Script(), _1029=Script())
    call = await scene.call("632829")
    await one.rung()
    await call.cancel()


async def several_telephones_of_one_line(scene: Scene) -> list[int]:
    desk, mobile = [await scene.phone("2101", "shared") for _ in range(2)]
    await leave_nothing(await scene.call("2101"))
    mobile.script = TALKS
    call = await scene.call("2101")
    await call.until("answered")
    await call.hang_up()
    return [len(desk.calls), len(mobile.calls)]


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    return stage.tell(
        [
            nobody_answers,
            a_colleague_answers,
            all_refuse,
            one_is_busy,
            one_does_not_want_to_be_disturbed,
            a_colleague_with_a_mailbox_answers,
            lines_without_watch,
            lines_without_watch_refuse_at_once,
            a_member_forwards_to_a_line_with_a_mailbox,
            a_phone_forwards_into_a_group,
            a_phone_forwards_into_a_group_of_lines,
            the_caller_gives_up,
            the_caller_of_lines_gives_up,
            several_telephones_of_one_line,
        ]
    )


def summary(told: Told, story: object) -> tuple[str, str, bool]:
    row = told.row(story)  # type: ignore[arg-type]
    assert row["notes"] == []
    return row["mailbox"], row["reason"], row["group"]


def test_a_group_that_nobody_answered_has_one_row_from_when_it_rang(told: Told) -> None:
    one, other = told.result(nobody_answers)
    row = told.row(nobody_answers)
    assert summary(told, nobody_answers) == ("610102", "no_answer", True)
    assert row["dialled"] == "610102"
    assert one.ended_at is not None, "both rang until they were let go"
    assert other.ended_at is not None
    assert 0 <= one.began_at - seconds(row) < 2


def test_a_colleague_who_answers_leaves_no_row_to_anybody(told: Told) -> None:
    assert told.rows(a_colleague_answers) == []
    assert told.result(a_colleague_answers).status == 487
    assert told.rows(a_colleague_with_a_mailbox_answers) == []


def test_members_who_refuse_or_are_busy_change_the_reason_at_most(told: Told) -> None:
    assert summary(told, all_refuse) == ("610506", "busy", True)
    assert summary(told, one_is_busy) == ("610708", "no_answer", True)


def test_a_member_who_is_not_to_be_disturbed_is_not_rung_and_swallows_nothing(told: Told) -> None:
    assert told.result(one_does_not_want_to_be_disturbed) == 0
    assert summary(told, one_does_not_want_to_be_disturbed) == ("620910", "no_answer", True)


def test_lines_that_only_take_notes_leave_the_groups_call_to_the_group(told: Told) -> None:
    assert summary(told, lines_without_watch) == ("631314", "no_answer", True)
    mailbox, _, group = summary(told, lines_without_watch_refuse_at_once)
    assert (mailbox, group) == ("631516", True)


def test_a_member_who_forwards_does_not_take_the_groups_call_away(told: Told) -> None:
    assert told.result(a_member_forwards_to_a_line_with_a_mailbox) == 1
    mailbox, _, group = summary(told, a_member_forwards_to_a_line_with_a_mailbox)
    assert (mailbox, group) == ("621718", True)


def test_a_phone_that_forwards_into_a_group_leaves_the_call_to_the_group(told: Told) -> None:
    assert summary(told, a_phone_forwards_into_a_group) == ("612021", "busy", True)
    row = told.row(a_phone_forwards_into_a_group)
    assert (row["forwarded_from"], row["dialled"]) == ("1022", "1022")
    mailbox, _, group = summary(told, a_phone_forwards_into_a_group_of_lines)
    assert (mailbox, group) == ("622425", True)


def test_a_caller_who_gives_up_on_a_group_is_one_row(told: Told) -> None:
    assert summary(told, the_caller_gives_up) == ("612627", "cancelled", True)
    assert summary(told, the_caller_of_lines_gives_up) == ("632829", "cancelled", True)


def test_a_line_of_several_telephones_missed_only_what_none_of_them_took(told: Told) -> None:
    assert told.result(several_telephones_of_one_line) == [2, 2]
    assert summary(told, several_telephones_of_one_line) == ("2101", "no_answer", False)
