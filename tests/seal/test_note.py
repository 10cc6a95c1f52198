"""What the bridge writes, what a reader makes of it, and what nobody can do with it."""

import json
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.seal.keys import new_keypair
from bridge.seal.layout import RECORD_HEADER, next_record, scan_records, split_head
from bridge.seal.note import (
    STREAM_MEDIA,
    STREAM_META,
    NoteSealer,
    Recipient,
    pad_json,
    seal_call_record,
)
from bridge.seal.open import open_note
from tests.seal.forge import FINAL_META, MAILBOX, Told, hear, tell


def test_a_note_of_three_minutes_is_heard_as_it_was_spoken() -> None:
    spoken = [bytes((at + step) % 256 for step in range(4000)) for at in range(360)]
    told = tell(spoken)
    note = hear(told, told.blob)
    assert note.media == b"".join(spoken)
    assert note.meta == told.meta
    assert (note.cut_off, note.gaps) == (False, [])
    lengths = {header.length for header in scan_records(told.blob[len(told.head) :])[1]}
    assert lengths == {4016, 16, 19, 272}  # sound, its end, peaks, padded meta


def test_a_hostile_caller_name_is_sealed_and_shown_as_it_came() -> None:
    private, public = new_keypair()
    name = "Robert'); DROP TABLE--\r\n\x00<svg/onload=alert(1)>\u202e\U0001f4de \ud800"
    record = {"v": 1, "kind": "call", "from": {"number": "+49301234", "name": name}, "rang_at": str(_now())}
    blob = seal_call_record(b"c" * 16, Recipient(MAILBOX, 3, public), record)
    opened = open_note(blob, note_id=b"c" * 16, mailbox_id=MAILBOX, secret=private)
    assert opened.meta["from"] == {"number": "+49301234", "name": name.replace("\ud800", "?")}
    assert not opened.cut_off
    for readable in (b"Robert", b"+49301234", b"svg", b"49301"):
        assert readable not in blob


def test_names_of_every_length_make_records_of_one_size() -> None:
    recipient = Recipient(MAILBOX, 0, new_keypair()[1])
    sizes = {
        len(seal_call_record(b"c" * 16, recipient, {"from": {"name": "x" * length}})) for length in range(200)
    }
    assert len(sizes) == 1


def test_what_is_opened_is_not_shown_by_accident() -> None:
    told = tell([b"secret sound"])
    shown = repr(hear(told, told.blob))
    assert "secret" not in shown
    assert "caller_hangup" not in shown


def test_the_writer_keeps_its_own_rules() -> None:
    told = tell()
    for stream in (0, 2, 3):
        with pytest.raises(ValueError, match="final record"):
            told.sealer.record(stream, b"more", 0)
    with pytest.raises(ValueError, match="empty record"):
        told.sealer.record(1, b"", 0)
    with pytest.raises(ValueError, match="16 MiB"):
        told.sealer.record(1, bytes((16 << 20) - 15), 0)
    for t_ms in (-1, 1 << 32):
        with pytest.raises(ValueError, match="time"):
            told.sealer.record(1, b"x", t_ms)
    for stream in (-1, 256):
        with pytest.raises(ValueError, match="stream"):
            told.sealer.record(stream, b"x", 0)
    assert told.sealer.counts == {0: 4, 2: 2, 3: 1}
    told.sealer.forget()
    with pytest.raises(ValueError, match="forgotten"):
        told.sealer.record(1, b"x", 0)


def test_a_note_needs_somebody_who_can_open_it() -> None:
    public = new_keypair()[1]
    with pytest.raises(ValueError, match="recipient"):
        NoteSealer(b"n" * 16, MAILBOX, [])
    with pytest.raises(ValueError, match="16 bytes"):
        NoteSealer(b"n" * 15, MAILBOX, [public])
    with pytest.raises(ValueError, match="too many recipients"):
        NoteSealer(b"n" * 16, MAILBOX, [public] * 720)
    for no_key in (bytes(32), b"\x01" + bytes(31), b"short"):
        with pytest.raises(Refused, match="public key"):
            NoteSealer(b"n" * 16, MAILBOX, [no_key])


def test_a_length_of_four_gigabytes_takes_no_memory() -> None:
    told = tell()
    liars = [
        told.head[:-95] + b"\xff\xff\xff\xff" + told.head[-91:],
        told.head + RECORD_HEADER.pack(0xFFFFFFFF, 0, 0, 0, 0),
        told.head + RECORD_HEADER.pack(16 << 20, 0, 0, 0, 0),
    ]
    tracemalloc.start()
    try:
        words = [_outcome(told, blob) for blob in liars]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert words == ["head length", "record length", "cut off"]
    assert peak < 256 << 10


@given(st.binary(max_size=400))
def test_bytes_that_are_no_note_are_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        open_note(data, note_id=b"n" * 16, mailbox_id=MAILBOX, secret=b"\x01" * 32)
    assert refusal.value.word in ("short head", "magic")


@given(st.binary(max_size=600))
def test_a_scan_for_whole_records_believes_anything_and_fears_nothing(data: bytes) -> None:
    whole, headers = scan_records(data)
    assert 0 <= whole <= len(data)
    assert whole == sum(RECORD_HEADER.size + header.length for header in headers)


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=50),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_what_is_written_as_meta_is_read_as_meta(value: dict[str, object]) -> None:
    padded = pad_json(value)
    assert len(padded) % 256 == 0
    assert json.loads(padded) == value
    sealer = NoteSealer(b"n" * 16, MAILBOX, [PAIR[1]])
    blob = sealer.head + sealer.record(STREAM_META, padded, 0, final=True)
    assert open_note(blob, note_id=b"n" * 16, mailbox_id=MAILBOX, secret=PAIR[0]).meta == value


@pytest.mark.parametrize(
    "payload",
    [b'{"a":"' + b"x" * 65536 + b'"}', b"[" * 60000, b'{"a":' * 10000],
    ids=["large", "deep", "nested"],
)
def test_meta_that_would_exhaust_a_reader_is_refused(payload: bytes) -> None:
    sealer = NoteSealer(b"n" * 16, MAILBOX, [PAIR[1]])
    blob = sealer.head + sealer.record(STREAM_META, payload, 0, final=True)
    with pytest.raises(Refused) as refusal:
        open_note(blob, note_id=b"n" * 16, mailbox_id=MAILBOX, secret=PAIR[0])
    assert refusal.value.word == "meta"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(7.5, 7.5), (-1, 0.25), (1e300, 0.25), (True, 0.25), ("long", 0.25), (None, 0.25), (10**300, 0.25)],
)
def test_a_senseless_length_is_counted_from_the_sound(told: object, seconds: float) -> None:
    sealer = NoteSealer(b"n" * 16, MAILBOX, [PAIR[1]])
    meta = FINAL_META | {"type": "audio/PCMA", "seconds": told, "streams": "none"}
    blob = (
        sealer.head
        + sealer.record(STREAM_MEDIA, bytes(2000), 0, final=True)
        + sealer.record(STREAM_META, pad_json(meta), 0, final=True)
    )
    note = open_note(blob, note_id=b"n" * 16, mailbox_id=MAILBOX, secret=PAIR[0])
    assert note.seconds == seconds
    assert not note.cut_off


def test_the_lengths_of_a_note_in_another_format_come_from_its_times() -> None:
    told = tell()
    cut = told.head + b"".join(told.records[2:2])
    assert hear(told, cut).seconds == 0.0
    sealer = NoteSealer(b"n" * 16, MAILBOX, [PAIR[1]])
    blob = sealer.head + sealer.record(STREAM_MEDIA, b"a", 0) + sealer.record(STREAM_MEDIA, b"b", 1040)
    note = open_note(blob, note_id=b"n" * 16, mailbox_id=MAILBOX, secret=PAIR[0])
    assert (note.seconds, note.cut_off) == (1.04, True)


def test_heads_and_records_are_split_as_they_were_written() -> None:
    told = tell()
    head = split_head(told.blob)
    assert (head.note_id, head.mailbox_id, head.size) == (told.note_id, MAILBOX.encode(), len(told.head))
    assert [envelope.raw for envelope in head.envelopes] == told.sealer.envelopes
    whole, headers = scan_records(told.blob[head.size :])
    assert whole == len(told.blob) - head.size
    assert [(header.stream, header.index, header.final) for header in headers] == [
        (2, 0, False), (0, 0, False), (0, 1, False), (0, 2, False), (0, 3, True), (3, 0, True), (2, 1, True),
    ]  # fmt: skip
    first = next_record(told.blob, head.size)
    assert first is not None
    assert first.end - first.start == len(told.records[0])


PAIR = new_keypair()


def _now() -> datetime:
    return datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)


def _outcome(told: Told, blob: bytes) -> str:
    try:
        return "cut off" if hear(told, blob).cut_off else "whole"
    except Refused as refusal:
        return refusal.word
