"""Values of the dialplan become a call, or the request is refused without repeating them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Codec, Party, Presentation, Reason
from bridge.connect.offer import call_of
from bridge.errors import BadFrame, PeerError
from bridge.wire.agi import Request

NOW = datetime(2026, 11, 22, 15, 4, 10, tzinfo=UTC)
RANG = NOW - timedelta(seconds=20)
ARGS = (
    "v1",
    "1001",
    "NOANSWER",
    "0",
    "0",
    "1795358316.25",
    str(RANG.timestamp()),
    "alaw",
    "1",
    "1001",
    "cfu",
)
FIELDS = {
    "callerid": "+4930123456",
    "calleridname": "Bäckerei",
    "callingpres": "3",
    "rdnis": "2000",
    "language": "de",
}
OFFER = Request("offer", ARGS, FIELDS)


def changed(position: int, value: str) -> Request:
    return replace(OFFER, args=(*ARGS[:position], value, *ARGS[position + 1 :]))


def test_a_whole_offer() -> None:
    call = call_of(OFFER, "127.0.0.1", NOW)
    assert call.linkedid == "127.0.0.1 1795358316.25"
    assert call.mailbox == "1001"
    assert call.caller == Party("+4930123456", "Bäckerei", Presentation.ALLOWED)
    assert (call.dialled, call.forwarded_from, call.group) == ("1001", "2000", True)
    assert (call.reason, call.rang_at, call.rang_s) == (Reason.NO_ANSWER, RANG, 20.0)
    assert (call.codec, call.language) == (Codec.PCMA, "de")


def test_an_offer_with_nothing_but_the_needed() -> None:
    call = call_of(
        Request("offer", ("v1", "1001", "", "", "", "1.1", *[""] * 5), {"callerid": "unknown"}), "::1", NOW
    )
    assert call.caller == Party("", "", Presentation.UNAVAILABLE)
    assert (call.dialled, call.forwarded_from, call.group) == ("", None, False)
    assert (call.reason, call.rang_at, call.rang_s) == (Reason.CANCELLED, NOW, 0.0)
    assert (call.codec, call.language) == (Codec.PCMU, "en")


@pytest.mark.parametrize("count", [2, 6, 10, 12])
def test_a_request_that_a_callers_line_break_ended_early_is_refused(count: int) -> None:
    with pytest.raises(BadFrame, match="arguments"):
        call_of(Request("offer", (*ARGS, "more")[:count], {}), "::1", NOW)


def test_two_pbxs_may_count_their_calls_alike() -> None:
    assert call_of(OFFER, "10.0.0.1", NOW).linkedid != call_of(OFFER, "10.0.0.2", NOW).linkedid


@pytest.mark.parametrize(
    ("native", "codec"),
    [
        ("(alaw)", Codec.PCMA),
        ("(ulaw|alaw)", Codec.PCMU),
        ("(alaw|ulaw)", Codec.PCMA),
        ("g722", Codec.PCMU),
        ("", Codec.PCMU),
        ("opus", Codec.PCMU),
    ],
)
def test_sound_is_stored_in_the_law_it_came_in(native: str, codec: Codec) -> None:
    assert call_of(changed(7, native), "::1", NOW).codec is codec


def test_a_pbx_with_a_wrong_clock_files_no_call_into_another_day() -> None:
    for epoch in ("0", str(NOW.timestamp() + 90), "99999999999"):
        assert call_of(changed(6, epoch), "::1", NOW).rang_at == NOW


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, "v2"),
        (0, ""),
        (1, ""),
        (1, "10 01"),
        (1, "../../etc/passwd"),
        (1, "1" * 41),
        (1, "1001'; DROP TABLE call; --"),
        (2, "ANSWER"),
        (2, "no answer"),
        (3, "-1"),
        (3, "1e9"),
        (4, "yes"),
        (5, ""),
        (5, "1 1"),
        (5, "x" * 151),
        (6, "1.1.1"),
        (6, "nan"),
        (7, "ulaw;"),
        (8, "2"),
    ],
)
def test_a_value_that_the_dialplan_never_sends_is_refused_and_not_repeated(position: int, value: str) -> None:
    with pytest.raises(BadFrame) as refused:
        call_of(changed(position, value), "::1", NOW)
    assert not value or value not in str(refused.value)


def test_a_hostile_name_stays_a_name() -> None:
    name = "X, Callee: 1009,Reason: ANSWER\x00\u202e" + "y" * 1000
    call = call_of(replace(OFFER, fields=FIELDS | {"calleridname": name}), "::1", NOW)
    assert call.caller.name.startswith("X, Callee: 1009,Reason: ANSWER\ufffd\ufffdyyy")
    assert len(call.caller.name) == 256
    assert (call.mailbox, call.reason) == ("1001", Reason.NO_ANSWER)


@given(
    st.lists(st.text(max_size=20), max_size=12),
    st.dictionaries(st.sampled_from([*FIELDS]), st.text(max_size=30)),
)
def test_no_request_raises_anything_else(args: list[str], fields: dict[str, str]) -> None:
    for request in (Request("offer", tuple(args), fields), Request("offer", ("v1", "1001", *args), fields)):
        try:
            call = call_of(request, "::1", NOW)
        except PeerError:
            continue
        assert call.rang_at <= NOW
