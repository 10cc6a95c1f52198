"""FastAGI bytes: Asterisk's own, cut in any way, and those of somebody who is not Asterisk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadFrame, PeerError, TooMuch
from bridge.wire.agi import (
    LINE_LIMIT,
    LINES_LIMIT,
    REPLIES_LIMIT,
    REPLY_LIMIT,
    Reply,
    ReplyParser,
    Request,
    RequestParser,
    command,
    set_variable,
)

OFFER = (
    b"agi_network: yes\n"
    b"agi_network_script: offer\n"
    b"agi_request: agi://127.0.0.1:4573/offer\n"
    b"agi_channel: PJSIP/trunk-00000000\n"
    b"agi_language: de\n"
    b"agi_uniqueid: 1795358316.25\n"
    b"agi_callerid: +4930123456\n"
    b'agi_calleridname: B\xc3\xa4ckerei <Nord>, \\"X\\" \xff\n'
    b"agi_callingpres: 0\n"
    b"agi_rdnis: unknown\n"
    b"agi_arg_1: v1\n"
    b"agi_arg_2: 1001\n"
    b"agi_arg_3: \n"
    b"\n"
)


def told(data: bytes, cuts: list[int]) -> tuple[Request | None, type[PeerError] | None, str]:
    parser = RequestParser()
    request, at = None, 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        request = parser.feed(data[at:cut]) or request
        at = cut
    return request, type(parser.fault) if parser.fault else None, str(parser.fault)


def test_an_offer_as_asterisk_sends_it() -> None:
    request, fault, _ = told(OFFER, [])
    assert fault is None
    assert request is not None
    assert request.script == "offer"
    assert request.args == ("v1", "1001", "")
    assert request.fields["callerid"] == "+4930123456"
    assert request.fields["calleridname"] == 'Bäckerei <Nord>, \\"X\\" \ufffd'


def test_byte_by_byte_says_the_same() -> None:
    assert told(OFFER, list(range(len(OFFER)))) == told(OFFER, [])


def test_a_caller_who_was_quick_does_not_spoil_his_offer() -> None:
    request, fault, _ = told(OFFER + b"HANGUP\n", [])
    assert request is not None
    assert fault is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", BadFrame),
        (b"\x16\x03\x01\x02\x00\x01\n", BadFrame),
        (b"agi_callerid: 1\nagi_calleridname: Eve\nagi_callerid: 2\n\n", BadFrame),
        (b"agi_" + b"x" * 10_000_000, TooMuch),
        (b"agi_a: " + b"x" * LINE_LIMIT + b"\n\n", TooMuch),
        (b"".join(b"agi_%d: x\n" % number for number in range(LINES_LIMIT + 1)), TooMuch),
    ],
    ids=["http", "tls", "a smuggled header", "ten megabytes", "a long line", "many lines"],
)
def test_what_asterisk_never_sends_is_refused(data: bytes, fault: type[PeerError]) -> None:
    request, found, _ = told(data, [])
    assert request is None
    assert found is fault


LINES = st.lists(
    st.one_of(
        st.sampled_from(OFFER.splitlines(keepends=True)),
        st.binary(max_size=30),
        st.just(b"\n"),
        st.just(b"agi_x: " + b"y" * 4100 + b"\n"),
    ),
    max_size=70,
).map(b"".join)


@given(LINES, st.lists(st.integers(0, 9000), max_size=12))
def test_any_bytes_however_cut_give_the_same(data: bytes, cuts: list[int]) -> None:
    assert told(data, cuts) == told(data, [])


def test_answers_are_counted_and_chatter_is_passed_over() -> None:
    parser = ReplyParser()
    dialogue = (
        b"200 result=1\nHANGUP\n520-Invalid command syntax.\nUsage: x\n520 End of proper usage.\n511 Dead\n"
    )
    assert parser.feed(dialogue) == [Reply(200, 1), Reply(520), Reply(511)]
    slow = ReplyParser()
    assert [reply.code for byte in dialogue for reply in slow.feed(bytes((byte,)))] == [200, 520, 511]


def test_answers_tell_a_result_and_a_value_of_any_text() -> None:
    parser = ReplyParser()
    dialogue = (
        b"200 result=1 (07,08)\n200 result=1 (a) (b\xff))\n200 result=1 ()\n200 result=-2\n200 result=x\n"
    )
    assert parser.feed(dialogue) == [
        Reply(200, 1, "07,08"),
        Reply(200, 1, "a) (b\ufffd)"),
        Reply(200, 1),
        Reply(200, -2),
        Reply(200),
    ]


@given(st.lists(st.sampled_from([b"200 result=1 (", b")", b"\n", b"\r\n", b"520-", b"x" * 99, b"\x00\xff"])))
def test_answers_of_any_bytes_raise_nothing_and_keep_their_bound(pieces: list[bytes]) -> None:
    parser = ReplyParser()
    replies = [reply for piece in pieces for reply in parser.feed(piece)]
    assert all(reply.code in (200, 520) for reply in replies)
    assert parser.fault is None or isinstance(parser.fault, TooMuch)


def test_endless_answers_are_a_fault() -> None:
    parser = ReplyParser()
    assert parser.feed(b"x" * (REPLY_LIMIT + 1)) == []
    assert isinstance(parser.fault, TooMuch)


def test_each_command_may_be_answered_anew_but_none_without_end() -> None:
    parser = ReplyParser()
    for _ in range(3 * REPLIES_LIMIT):
        parser.begin()
        assert parser.feed(b"200 result=1\n") == [Reply(200, 1)]
    parser.feed(b"chatter\n" * REPLIES_LIMIT)
    assert isinstance(parser.fault, TooMuch)


def test_arguments_of_commands_stay_arguments() -> None:
    assert command("DATABASE DEL", "a b", 'x" \\') == b'DATABASE DEL "a b" "x\\" \\\\"\n'
    for bad in ("x\ny", "x\r", "\x00", "\ud800"):
        with pytest.raises(ValueError, match="not fit"):
            command("EXEC", bad)
    with pytest.raises(ValueError, match="not fit"):
        command("exec x\n")


def test_we_set_variables_and_nothing_else() -> None:
    assert set_variable("AFTERTONE_AT", "[::1]:9092") == b'SET VARIABLE AFTERTONE_AT "[::1]:9092"\n'
    for value in ('x"', "a b", "x\ny", "${SHELL(id)}", "x" * 201):
        with pytest.raises(ValueError, match="not fit"):
            set_variable("AFTERTONE_AT", value)
