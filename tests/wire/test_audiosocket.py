"""AudioSocket bytes: whatever way they are cut, whatever rubbish they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadFrame, PeerError
from bridge.wire.audiosocket import (
    DIGIT,
    FAULT,
    GOODBYE,
    HANGUP,
    SOUND,
    SOUND_LIMIT,
    UUID,
    Message,
    Parser,
    sound,
)

ID = bytes(range(16))
HELLO = b"\x01\x00\x10" + ID
FRAME = b"\x10\x01\x40" + bytes(range(256)) + bytes(64)
DIALOGUE = HELLO + FRAME + b"\x03\x00\x015" + FRAME + b"\xff\x00\x01\x02" + GOODBYE


def told(data: bytes, cuts: list[int]) -> tuple[list[Message], type[PeerError] | None, str]:
    """Return what a parser makes of ``data`` cut into reads, neighbouring sounds joined, and its fault."""
    parser = Parser()
    messages: list[Message] = []
    at = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        for message in parser.feed(data[at:cut]):
            if messages and messages[-1].kind == message.kind == SOUND:
                messages[-1] = Message(SOUND, messages[-1].payload + message.payload)
            else:
                messages.append(message)
        at = cut
    return messages, type(parser.fault) if parser.fault else None, str(parser.fault)


def byte_by_byte(data: bytes) -> tuple[list[Message], type[PeerError] | None, str]:
    """As ``told``: no read holds two messages, so each is looked at by itself."""
    return told(data, list(range(len(data))))


def test_a_call_as_asterisk_sends_it() -> None:
    messages, fault, _ = told(DIALOGUE, [])
    assert fault is None
    assert messages == [
        Message(UUID, ID),
        Message(SOUND, FRAME[3:]),
        Message(DIGIT, b"5"),
        Message(SOUND, FRAME[3:]),
        Message(FAULT, b"\x02"),
        Message(HANGUP, b""),
    ]


def test_byte_by_byte_says_the_same() -> None:
    assert byte_by_byte(DIALOGUE) == told(DIALOGUE, [])


@pytest.mark.parametrize(
    ("what", "data", "why"),
    [
        ("a browser knocks", b"GET / HTTP/1.1\r\n\r\n", "unknown kind"),
        ("sound before the id", FRAME, "sound before the call's id"),
        ("the id twice", HELLO + HELLO, "the call's id twice"),
        ("a short id", b"\x01\x00\x0f" + ID, "length"),
        ("wide-band sound", HELLO + b"\x12\x02\x80" + bytes(640), "unknown kind"),
        ("half a sample", HELLO + b"\x10\x01\x41" + bytes(321), "length"),
        ("64 KiB of sound at once", HELLO + b"\x10\xff\xfe", "length"),
        ("no such digit", HELLO + b"\x03\x00\x01\n", "digit"),
        ("two digits in one", HELLO + b"\x03\x00\x0211", "length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_peer_is_refused_with_the_reason(what: str, data: bytes, why: str) -> None:
    _, fault, text = told(data + FRAME, [])
    assert fault is BadFrame
    assert why in text
    assert byte_by_byte(data + FRAME) == told(data + FRAME, [])


def test_a_claim_that_is_too_long_is_refused_before_it_comes() -> None:
    parser = Parser()
    parser.feed(HELLO)
    assert parser.feed(b"\x10\xff\xff") == []
    assert isinstance(parser.fault, BadFrame)


def test_after_a_fault_nothing_more_is_heard_and_nothing_kept() -> None:
    parser = Parser()
    assert parser.feed(HELLO + FRAME + b"\x77\x00\x00" + FRAME) == [
        Message(UUID, ID),
        Message(SOUND, FRAME[3:]),
    ]
    assert parser.feed(FRAME * 100) == []


def test_a_quarter_of_a_second_is_one_piece_of_sound() -> None:
    parser = Parser()
    parser.feed(HELLO)
    assert parser.feed(FRAME * 12 + FRAME[:100]) == [Message(SOUND, FRAME[3:] * 12)]
    assert parser.feed(FRAME[100:] + FRAME) == [Message(SOUND, FRAME[3:] * 2)]


def test_the_first_wrong_message_among_many_right_ones_ends_the_stream() -> None:
    for place in range(8):
        frames = [FRAME] * 8
        frames[place] = b"\x11" + FRAME[1:]
        messages, fault, _ = told(HELLO + b"".join(frames), [len(HELLO)])
        assert fault is BadFrame
        assert b"".join(message.payload for message in messages[1:]) == FRAME[3:] * place


PIECES = st.lists(
    st.one_of(
        st.just(HELLO),
        st.just(FRAME),
        st.just(GOODBYE),
        st.sampled_from(b"0123456789*#ABCDxyz").map(lambda digit: b"\x03\x00\x01" + bytes((digit,))),
        st.binary(max_size=20),
    ),
    max_size=12,
).map(b"".join)


@given(PIECES, st.lists(st.integers(0, 5000), max_size=12))
def test_any_bytes_however_cut_give_the_same_messages(data: bytes, cuts: list[int]) -> None:
    assert told(data, cuts) == told(data, [])
    assert told(HELLO + data, cuts) == told(HELLO + data, [])


@given(st.binary(max_size=SOUND_LIMIT // 2).map(lambda half: half + half))
def test_what_is_said_is_heard(pcm: bytes) -> None:
    assert Parser().feed(HELLO + sound(pcm))[1:] == [Message(SOUND, pcm)]


@pytest.mark.parametrize("pcm", [bytes(SOUND_LIMIT + 2), b"\0"])
def test_we_never_send_what_we_would_refuse(pcm: bytes) -> None:
    with pytest.raises(ValueError, match="samples"):
        sound(pcm)


RUNS = st.lists(
    st.tuples(st.sampled_from([0, 2, 6, 40]), st.integers(1, 15)).map(
        lambda run: (bytes(range(run[0])), run[1])
    ),
    min_size=1,
    max_size=4,
).map(lambda runs: b"".join(sound(pcm) * count for pcm, count in runs))


@given(
    RUNS,
    st.lists(st.integers(0, 5000), max_size=6),
    st.none() | st.tuples(st.integers(0, 5000), st.binary(max_size=5)),
)
def test_sounds_looked_at_together_are_the_sounds_looked_at_one_by_one(
    data: bytes, cuts: list[int], wound: tuple[int, bytes] | None
) -> None:
    """Whole runs of messages, and runs into which something else was written somewhere."""
    if wound is not None:
        at = wound[0] % len(data)
        data = data[:at] + wound[1] + data[at + len(wound[1]) :]
    assert told(HELLO + data, [len(HELLO)]) == byte_by_byte(HELLO + data)
    assert told(HELLO + data, [len(HELLO), *cuts]) == byte_by_byte(HELLO + data)
