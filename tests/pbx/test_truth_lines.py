"""One telephone, and every way not to be there: in another call, not to be disturbed, given up on early."""

import asyncio

import pytest

from tests.pbx.sipphone import Script
from tests.pbx.truth import Row, Scene, Stage, Told, leave_nothing, seconds, until_loud
from tests.pbx.whole import until_tone

pytestmark = pytest.mark.pbx

BUSY = Script(final=486)

COMPLETED_ELSEWHERE = ("Reason", 'Q.850;cause=26;text="Call completed elsewhere"')
"""What a forking proxy says where another branch was answered (RFC 3326), as far as Asterisk reads it."""


async def a_second_call_is_let_ring(scene: Scene) -> float:
    [phone] = await scene.phones(_1001=Script(final=200))
    first = await scene.call("1001", from_user="first")
    await first.until("answered")
    phone.script = Script()
    await leave_nothing(await scene.call("1001"))
    await first.hang_up()
    return phone.calls[1].began_at


async def a_second_call_is_refused(scene: Scene) -> None:
    [phone] = await scene.phones(_1002=Script(final=200))
    first = await scene.call("1002", from_user="first")
    await first.until("answered")
    phone.script = Script(final=486)
    await leave_nothing(await scene.call("1002"))
    await first.hang_up()


async def the_pbx_does_not_disturb(scene: Scene) -> int:
    [phone] = await scene.phones(_1003=Script())
    scene.pbx.command("database put dnd 1003 1")
    await leave_nothing(await scene.call("1003"))
    scene.pbx.command("database del dnd 1003")
    return len(phone.calls)


async def the_phone_says_480(scene: Scene) -> None:
    await scene.phones(_1004=Script(ringing=None, final=480))
    await leave_nothing(await scene.call("1004"))


async def the_phone_says_486(scene: Scene) -> None:
    await scene.phones(_1005=Script(ringing=None, final=486))
    await leave_nothing(await scene.call("1005"))


async def the_phone_says_603(scene: Scene) -> None:
    await scene.phones(_1006=Script(final=603))
    await leave_nothing(await scene.call("1006"))


async def gone_before_it_rang(scene: Scene) -> None:
    call = await scene.call("6807")
    await call.until("answered")
    await call.hang_up()


async def gone_while_it_rang(scene: Scene) -> None:
    [phone] = await scene.phones(_1008=Script())
    call = await scene.call("1008")
    await phone.rung()
    await call.cancel()


async def gone_in_the_sentence(scene: Scene) -> None:
    await scene.phones(_1041=BUSY)
    call = await scene.call("6941")
    await call.until("answered")
    await asyncio.sleep(0.5)
    await call.hang_up()


async def gone_in_the_tone(scene: Scene) -> None:
    await scene.phones(_1042=BUSY)
    call = await scene.call("1042")
    await until_loud(call)
    await call.hang_up()


async def gone_after_the_tone(scene: Scene) -> None:
    await scene.phones(_1043=BUSY)
    await leave_nothing(await scene.call("1043"))


async def taken_elsewhere(scene: Scene) -> None:
    [phone] = await scene.phones(_1012=Script())
    call = await scene.call("1012")
    await phone.rung()
    await call.cancel(COMPLETED_ELSEWHERE)


async def calls_with_the_mailboxes_own_number(scene: Scene) -> None:
    await scene.phones(_1044=BUSY)
    call = await scene.call("6944", headers=[("P-Asserted-Identity", "<sip:1044@127.0.0.1>")])
    await call.until("answered")
    for key in "*0#":
        await call.digit(key)
    await until_tone(call)
    await call.hang_up()


async def calls_himself(scene: Scene) -> None:
    [phone] = await scene.phones(_1014=Script())
    await leave_nothing(await phone.call("1014"))


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    return stage.tell(
        [
            a_second_call_is_let_ring,
            a_second_call_is_refused,
            the_pbx_does_not_disturb,
            the_phone_says_480,
            the_phone_says_486,
            the_phone_says_603,
            gone_before_it_rang,
            gone_while_it_rang,
            gone_in_the_sentence,
            gone_in_the_tone,
            gone_after_the_tone,
            taken_elsewhere,
            calls_with_the_mailboxes_own_number,
            calls_himself,
        ]
    )


def summary(told: Told, story: object) -> tuple[str, str]:
    row = told.row(story)  # type: ignore[arg-type]
    assert row["notes"] == []
    return row["mailbox"], row["reason"]


def from_number(told: Told, number: str, mailbox: str) -> list[Row]:
    return [row for row in told.everything if (row["from_number"], row["mailbox"]) == (number, mailbox)]


def test_a_second_call_that_is_let_ring_was_not_answered(told: Told) -> None:
    assert summary(told, a_second_call_is_let_ring) == ("1001", "no_answer")
    rang_at = told.result(a_second_call_is_let_ring)
    assert 0 <= rang_at - seconds(told.row(a_second_call_is_let_ring)) < 2
    assert from_number(told, "first", "1001") == [], "the first call was answered"


def test_a_second_call_that_is_refused_was_busy(told: Told) -> None:
    assert summary(told, a_second_call_is_refused) == ("1002", "busy")
    assert from_number(told, "first", "1002") == []


def test_do_not_disturb_of_the_pbx_and_of_the_phone_are_one_row_each(told: Told) -> None:
    assert told.result(the_pbx_does_not_disturb) == 0
    assert summary(told, the_pbx_does_not_disturb) == ("1003", "dnd")
    assert summary(told, the_phone_says_480) == ("1004", "no_answer")
    assert summary(told, the_phone_says_486) == ("1005", "busy")
    assert summary(told, the_phone_says_603) == ("1006", "declined")


def test_a_caller_who_gives_up_is_one_row_however_early(told: Told) -> None:
    assert summary(told, gone_before_it_rang) == ("1007", "cancelled")
    assert summary(told, gone_while_it_rang) == ("1008", "cancelled")


def test_a_caller_who_leaves_before_he_speaks_has_a_row_and_no_empty_note(told: Told) -> None:
    assert summary(told, gone_in_the_sentence) == ("1041", "busy")
    assert summary(told, gone_in_the_tone) == ("1042", "busy")
    assert summary(told, gone_after_the_tone) == ("1043", "busy")


def test_a_call_that_was_answered_elsewhere_is_missed_by_nobody(told: Told) -> None:
    assert told.rows(taken_elsewhere) == []


def test_who_shows_the_mailboxs_own_number_is_a_caller_like_any_other(told: Told) -> None:
    told.result(calls_with_the_mailboxes_own_number)
    [row] = from_number(told, "1044", "1044")
    assert (row["reason"], row["notes"]) == ("busy", [])
    told.result(calls_himself)
    [row] = from_number(told, "1014", "1014")
    assert (row["reason"], row["notes"]) == ("no_answer", [])
