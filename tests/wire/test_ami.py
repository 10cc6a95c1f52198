"""Bytes of the manager interface: recorded dialogues in any pieces, and what a broken or evil peer sends."""

import itertools

import pytest
from asterisk.ami import Event, Response
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadFrame, TooMuch
from bridge.wire.ami import LINE_LIMIT, LINES_LIMIT, MESSAGE_LIMIT, Message, Parser, action
from tests.wire import transcript

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def parsed(*pieces: bytes, greeted: bool = True) -> tuple[list[Message], Parser]:
    parser = Parser(greeted=greeted)
    return [message for piece in pieces for message in parser.feed(piece)], parser


def kept(parser: Parser) -> int:
    """Return the bytes that a parser holds of an unfinished message."""
    return len(parser._rest) + sum(len(name) + len(value) for name, value in parser._pairs)


@pytest.mark.thorough
@pytest.mark.parametrize("name", transcript.NAMES)
@given(cuts=st.lists(st.integers(0, 30_000), max_size=40))
def test_a_recorded_dialogue_reads_the_same_in_any_pieces(name: str, cuts: list[int]) -> None:
    whole = transcript.read(name).pbx
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    messages, parser = parsed(*(whole[a:b] for a, b in itertools.pairwise(edges)))
    assert parser.fault is None
    assert parser.greeting == "Asterisk Call Manager/11.0.0"
    assert messages == parsed(whole)[0]


@pytest.mark.parametrize("name", transcript.NAMES)
def test_a_recorded_dialogue_reads_the_same_byte_by_byte(name: str) -> None:
    whole = transcript.read(name).pbx
    assert parsed(*(bytes([byte]) for byte in whole))[0] == parsed(whole)[0]


@pytest.mark.parametrize("name", ["our-user", "wrong-secret", "booting"])
def test_an_independent_client_reads_the_same_messages(name: str) -> None:
    whole = transcript.read(name).pbx
    ours, _ = parsed(whole)
    theirs = [pack.decode() for pack in whole.removeprefix(GREETING).split(b"\r\n\r\n") if pack]
    assert len(ours) == len(theirs)
    for message, pack in zip(ours, theirs, strict=True):
        if message.kind == "event":
            event = Event.read(pack)
            assert (message.get("Event"), dict(message.pairs[1:])) == (event.name, event.keys)
        else:
            response = Response.read(pack)
            assert (message.get("Response"), dict(message.pairs[1:])) == (response.status, response.keys)


def test_our_users_dialogue_says_what_it_may_and_what_not() -> None:
    messages, _ = parsed(transcript.read("our-user").pbx)
    by_id = {message.get("ActionID"): message for message in messages if message.kind == "response"}
    assert by_id["a-2"].get("Message") == "Authentication accepted"
    assert by_id["a-3"].get("ping") == "Pong", "names are compared without case"
    assert by_id["a-4"].get("Originate").startswith("Originate a call.")
    assert by_id["a-4"].get("MWIUpdate", "no") == "no"
    assert [by_id[f"a-{number}"].get("Response") for number in (5, 6)] == ["Error", "Error"]
    events = [message.get("Event") for message in messages if message.kind == "event"]
    assert events == ["FullyBooted", "BridgeListComplete"]


def test_what_we_send_is_what_was_recorded_and_reads_back() -> None:
    sent = transcript.read("our-user").client
    messages, _ = parsed(sent, greeted=False)
    assert [message.kind for message in messages] == ["action"] * 8
    assert b"".join(action(m.get("Action"), m.pairs[1:]) for m in messages) == sent


def test_a_name_that_reads_like_an_event_is_a_value() -> None:
    messages, _ = parsed(transcript.read("calls-and-lists").pbx)
    named = [m for m in messages if ", Event: FullyBooted" in m.get("CallerIDName")]
    assert named
    assert all(m.get("Event") != "FullyBooted" for m in named)
    assert named[0].get("CallerIDName").startswith("caf\ufffd"), "bytes that are no UTF-8 do no harm"


def test_a_number_with_line_breaks_writes_lines_that_change_nothing_before_them() -> None:
    """Asterisk writes CR LF of a caller's number into its events: whoever may read class call can be told
    events by a caller. Our user may not; the parser keeps the first value of a name."""
    messages, _ = parsed(transcript.read("calls-and-lists").pbx)
    forged = [m for m in messages if m.get("CallerIDNum") == "1" and len(m.all("Event")) == 2]
    assert forged
    assert all(m.all("Event")[1] == "FullyBooted" != m.get("Event") for m in forged)
    assert any(m.get("Event") == "Fake" for m in messages)


def test_a_lone_line_feed_or_carriage_return_ends_no_line() -> None:
    head = GREETING + b"Event: Newchannel\r\n"
    messages, parser = parsed(head + b"CallerIDName: a\nEvent: FullyBooted\rb\nc\r\nno colon here\r\n\r\n")
    assert parser.fault is None
    assert messages == [
        Message((("Event", "Newchannel"), ("CallerIDName", "a\nEvent: FullyBooted\rb\nc"))),
    ]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    messages, _ = parsed(GREETING + b"Event: X\xff\xfe\r\nNam\xe9: \xc3\x28\r\n\r\n")
    assert messages == [Message((("Event", "X\ufffd\ufffd"), ("Nam\ufffd", "\ufffd(")))]


def test_who_is_not_asterisk_is_told_from_the_first_line() -> None:
    for first in (b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n", b"\x15\x03\x01\r\n"):
        messages, parser = parsed(first + b"Event: FullyBooted\r\n\r\n")
        assert isinstance(parser.fault, BadFrame)
        assert messages == []


def test_a_line_of_ten_megabytes_is_not_kept() -> None:
    parser = Parser()
    fed = 0
    parser.feed(GREETING + b"Event: Flood\r\nValue: ")
    while parser.fault is None:
        parser.feed(b"x" * 65_536)
        fed += 65_536
        assert kept(parser) <= LINE_LIMIT + 65_536
    assert isinstance(parser.fault, TooMuch)
    assert fed <= LINE_LIMIT + 65_536
    assert parser.feed(b"\r\n\r\nEvent: FullyBooted\r\n\r\n") == []
    assert kept(parser) == 0


def test_ten_megabytes_at_once_are_refused_and_what_came_before_is_given_out() -> None:
    messages, parser = parsed(GREETING + b"Event: Good\r\n\r\nValue: " + b"x" * 10_000_000 + b"\r\n\r\n")
    assert [message.get("Event") for message in messages] == ["Good"]
    assert isinstance(parser.fault, TooMuch)


def test_a_message_without_end_is_refused() -> None:
    for line, most in ((b"a: b\r\n", LINES_LIMIT), (b"a: " + b"x" * 1000 + b"\r\n", MESSAGE_LIMIT // 1003)):
        messages, parser = parsed(GREETING + line * most)
        assert (messages, parser.fault) == ([], None)
        parser.feed(line)
        assert isinstance(parser.fault, TooMuch)


def test_empty_lines_and_messages_without_a_header_are_nothing() -> None:
    messages, parser = parsed(GREETING + b"\r\n\r\n: no name\r\n\r\nEvent: X\r\n\r\n\r\n\r\n")
    assert [message.get("Event") for message in messages] == ["X"]
    assert parser.fault is None


@given(pieces=st.lists(st.binary(max_size=300) | st.sampled_from([b"\r\n", b"\r", b"\n", b": ", GREETING])))
def test_no_bytes_make_the_parser_raise(pieces: list[bytes]) -> None:
    messages, parser = parsed(GREETING, *pieces)
    assert parser.fault is None
    assert all(message.pairs and message.kind in ("", "event", "response", "action") for message in messages)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=200).map(
    str.lstrip
)


@pytest.mark.thorough
@given(name=names, fields=st.lists(st.tuples(names, values), max_size=20))
def test_an_action_says_what_it_was_given_and_nothing_more(name: str, fields: list[tuple[str, str]]) -> None:
    messages, parser = parsed(action(name, fields), greeted=False)
    assert parser.fault is None
    assert messages == [Message((("Action", name), *fields))]


@pytest.mark.parametrize(
    "end", ["\r\n", "\r", "\n", "\0", "x\r\n\r\nAction: Command\r\nCommand: core stop now"]
)
def test_a_value_that_would_become_a_second_action_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="would end its line"):
        action("Originate", [("CallerID", f"1{end}")])
    for name in (f"Ping{end}", "", "Pi ng", "Ping:"):
        with pytest.raises(ValueError, match="not the name"):
            action(name)
        with pytest.raises(ValueError, match="not the name"):
            action("Ping", [(name, "x")])


def test_what_asterisk_would_not_read_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than Asterisk reads"):
        action("Originate", [("Data", "x" * 1000)])
    with pytest.raises(ValueError, match="more lines"):
        action("Originate", [("Variable", "a=b")] * 120)
    with pytest.raises(ValueError, match="surrogates"):
        action("Originate", [("Data", "\udcff")])
