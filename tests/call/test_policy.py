"""Why a call was missed, who may be shown, and when nobody may record."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Party, Presentation, Reason
from bridge.call.policy import TEXT_LIMIT, may_record, party_of, readable, reason_of

OUTCOMES = [
    ("rings out", "NOANSWER", 0, Reason.NO_ANSWER),
    ("480", "NOANSWER", 19, Reason.NO_ANSWER),
    ("486 or 600", "BUSY", 17, Reason.BUSY),
    ("603", "CHANUNAVAIL", 21, Reason.DECLINED),
    ("404", "CHANUNAVAIL", 1, Reason.UNREACHABLE),
    ("488", "CHANUNAVAIL", 58, Reason.FAILED),
    ("500", "CHANUNAVAIL", 38, Reason.FAILED),
    ("503", "CONGESTION", 34, Reason.UNREACHABLE),
    ("not registered", "CHANUNAVAIL", 3, Reason.UNREACHABLE),
    ("no cause", "CHANUNAVAIL", 0, Reason.UNREACHABLE),
    ("another cause", "CHANUNAVAIL", 127, Reason.FAILED),
    ("caller cancels", "CANCEL", 127, Reason.CANCELLED),
    ("caller cancels before Dial", "", 0, Reason.CANCELLED),
    ("queue rang out", "TIMEOUT", 0, Reason.NO_ANSWER),
    ("taken out of the queue", "WITHDRAW", 0, Reason.NO_ANSWER),
    ("queue full", "FULL", 0, Reason.BUSY),
    ("queue without agents", "JOINEMPTY", 0, Reason.UNREACHABLE),
    ("agents left the queue", "LEAVEEMPTY", 0, Reason.UNREACHABLE),
    ("queue whose agents cannot be called", "JOINUNAVAIL", 0, Reason.UNREACHABLE),
    ("agents cannot be called any more", "LEAVEUNAVAIL", 0, Reason.UNREACHABLE),
]


@pytest.mark.parametrize(("_", "status", "cause", "reason"), OUTCOMES, ids=[row[0] for row in OUTCOMES])
def test_each_outcome_of_a_dialled_phone_has_its_reason(
    _: str, status: str, cause: int, reason: Reason
) -> None:
    assert reason_of(status, cause, False) is reason
    assert reason_of(status, cause, True) is Reason.DND


@pytest.mark.parametrize("status", ["ANSWER", "CONTINUE", "answer", "WHATEVER"])
def test_an_answered_call_and_a_forged_status_have_no_reason(status: str) -> None:
    assert reason_of(status, 16, False) is None


@pytest.mark.parametrize("presentation", [32, 33, 34, 35, 96])
def test_of_a_caller_who_withholds_his_number_nothing_is_kept(presentation: int) -> None:
    assert party_of("+4930123456", "Bäckerei", presentation) == Party("", "", Presentation.RESTRICTED)


@pytest.mark.parametrize(("number", "name"), [("anonymous", ""), ("0301", "Anonymous"), ("Restricted", "x")])
def test_a_carrier_says_anonymous_and_allowed_at_once(number: str, name: str) -> None:
    assert party_of(number, name, 0) == Party("", "", Presentation.RESTRICTED)


def test_a_caller_who_allows_it_is_shown_as_he_is() -> None:
    shown = party_of(" +4930123456 ", '<svg/onload=1>", "X', 3)
    assert shown == Party("+4930123456", '<svg/onload=1>", "X', Presentation.ALLOWED)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (r"C:\\new\\table", r"C:\new\table"),
        (r"a\" OR \"\"=\"", 'a" OR ""="'),
        (r"\\\"", '\\"'),
        (r"\\n", r"\n"),
        (r"one\two", r"one\two"),
        ("cut off\\", "cut off\\"),
        (r"\\\\", r"\\"),
        (r"\r\n", r"\r\n"),
        (r"\"anonymous\"", '"anonymous"'),
    ],
)
def test_a_quoted_name_is_shown_as_it_was_meant(told: str, name: str) -> None:
    assert party_of("030", told, 0) == Party("030", name, Presentation.ALLOWED)


@given(st.text(max_size=100))
def test_any_name_in_quotes_arrives_as_if_it_needed_none(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    assert readable(name.strip()) == party_of("030", quoted, 0).name or not party_of("030", quoted, 0).name


def test_what_the_pbx_calls_unknown_is_nothing() -> None:
    assert party_of("unknown", "unknown", 0) == Party("", "", Presentation.UNAVAILABLE)
    assert party_of("030", "", 67) == Party("030", "", Presentation.UNAVAILABLE)


def test_a_name_of_control_characters_stays_one_readable_line() -> None:
    assert readable("Eve\r\nagi_arg_3: 1\x00\x1b[2J\u202egnp.exe") == (
        "Eve\ufffd\ufffdagi_arg_3: 1\ufffd\ufffd[2J\ufffdgnp.exe"
    )
    assert readable("שלום 👩\u200d🔧 Ünal") == "שלום 👩\u200d🔧 Ünal"


@given(st.text(max_size=600))
def test_any_text_becomes_short_and_can_be_written_as_utf8(text: str) -> None:
    shown = readable(text)
    assert len(shown) <= TEXT_LIMIT
    shown.encode("utf-8")
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}


def test_nobody_records_on_a_full_disk_or_beyond_the_allowed_number() -> None:
    assert may_record(249, 250, 2 << 30, 1 << 30) == (True, "")
    assert may_record(250, 250, 2 << 30, 1 << 30) == (False, "as many callers as allowed are recording")
    assert may_record(0, 250, (1 << 30) - 1, 1 << 30) == (False, "the disk is almost full")
