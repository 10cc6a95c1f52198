"""What app_voicemail writes beside a message, and what a caller's name makes of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.wire.voicemail import TEXT_LIMIT, caller_of, parse

CAPTURED = Path(__file__).parent.parent / "intake" / "captured"


def captured(kind: str = "wav") -> bytes:
    return (CAPTURED / f"{kind}.txt").read_bytes()


def with_caller(callerid: str) -> bytes:
    return captured().replace(
        b'callerid="E" <4930111>', b"callerid=" + callerid.encode("utf-8", "surrogatepass")
    )


def test_a_message_of_the_real_voicemail_tells_who_spoke_when_and_in_which_call() -> None:
    text = parse(captured("default"))
    assert (text.number, text.name) == ("4930111", r"Anna \"A\" Weber")
    assert text.at == datetime.fromtimestamp(1795385537, UTC)
    assert (text.duration_s, text.message_id, text.rdnis) == (2, "1795385537-00000000", "")
    assert text.category.startswith("aftertone allowed_not_screened v1,1001,CHANUNAVAIL,21,0,aftertone-")


@pytest.mark.parametrize("kind", ["ulaw", "alaw", "slin", "gsm", "wav"])
def test_every_captured_text_is_read(kind: str) -> None:
    text = parse(captured(kind))
    assert text.number == "4930111"
    assert text.name == {"ulaw": "", "alaw": "Bert", "slin": "C\u00e4cilie <x>", "gsm": "D", "wav": "E"}[kind]


@pytest.mark.parametrize(
    ("callerid", "number", "name"),
    [
        ('"Anna" <+4930111>', "+4930111", "Anna"),
        ("4930111", "4930111", ""),
        ("Anna", "", "Anna"),
        ('"a <1>" <2>', "2", "a <1>"),
        (r'"say \"hi\" \\o/" <2>', "2", r'say "hi" \o/'),
        ('"cut off at two hundred', "", "cut off at two hundred"),
        ("", "", ""),
    ],
)
def test_number_and_name_are_told_apart(callerid: str, number: str, name: str) -> None:
    assert caller_of(callerid) == (number, name)


def test_a_message_that_is_still_spoken_has_no_duration_yet() -> None:
    text = captured().split(b"flag=")[0]
    with pytest.raises(Refused, match="no duration"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "not a message text"),
        (b"\x00\xff" * 500, "not a message text"),
        (b"[other]\nduration=1\n", "not a message text"),
        (b"[message]\nduration\n", "not a message text"),
        (b"[message]\n<script>=1\n", "not a message text"),
        (b"[message]\norigtime=1700000000\nduration=-1\n", "no duration"),
        (b"[message]\norigtime=1700000000\nduration=9999999\n", "no duration"),
        (b"[message]\norigtime=\nduration=3\n", "no time"),
        (b"[message]\norigtime=0\nduration=3\n", "no time"),
        (b"[message]\norigtime=1e9\nduration=3\n", "no time"),
        (b"[message]\n" + b"x" * TEXT_LIMIT, "text too long"),
    ],
)
def test_what_is_no_message_is_refused_by_name(text: bytes, word: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.word == word


@pytest.mark.parametrize("line", ["category=aftertone x v1", "origtime=1", "callerid=5", "duration=1"])
def test_a_callers_name_with_a_line_break_makes_no_line_of_its_own(line: str) -> None:
    with pytest.raises(Refused, match="a line twice"):
        parse(with_caller(f'"X\n{line}" <5>'))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=100))
def test_whatever_a_caller_calls_himself_changes_nothing_else(name: str) -> None:
    text = parse(with_caller(f'"{name}" <5>'))
    assert text.at == datetime.fromtimestamp(1795385552, UTC)
    assert text.message_id == "1795385552-00000005"


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except Refused:
        return
    assert b"duration" in data
