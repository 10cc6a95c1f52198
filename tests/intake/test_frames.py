"""Frames of a note that nobody here can open: judged alike in whatever pieces they come."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Refused
from bridge.intake.frames import MOST_META, Frames, check_call_record, check_head
from bridge.seal.layout import RECORD_HEADER, TAG, scan_records
from bridge.seal.note import NoteSealer, Recipient, seal_call_record
from tests.seal.forge import MAILBOX, tell

TOLD = tell()
RECORDS = b"".join(TOLD.records)
WORDS = {
    "record length", "flags", "after final", "index", "empty", "stream", "too much", "not whole", "no sound"
}  # fmt: skip


def judged(data: bytes, pieces: list[int], size: int | None = None) -> str:
    """The word of the refusal, empty for none."""
    frames = Frames(len(data) if size is None else size, most_peaks=1000)
    at = 0
    try:
        for piece in [*pieces, len(data)]:
            frames.feed(data[at : at + piece])
            at += piece
        frames.close()
    except Refused as refused:
        return refused.word
    assert bytes(frames.meta) == TOLD.records[0] + TOLD.records[-1]
    assert bytes(frames.peaks) == TOLD.records[-2]
    assert frames.has_media
    return ""


@given(st.lists(st.integers(1, 300), max_size=40))
def test_whole_notes_are_taken_in_any_pieces(pieces: list[int]) -> None:
    assert judged(RECORDS, pieces) == ""


@given(st.integers(0, len(RECORDS) - 1), st.lists(st.integers(1, 300), max_size=10))
def test_a_note_that_ends_early_is_not_whole(length: int, pieces: list[int]) -> None:
    assert judged(RECORDS[:length], pieces) == "not whole"
    assert judged(RECORDS[:length], pieces, len(RECORDS)) == "not whole"


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=10))
def test_rubbish_is_refused_in_one_of_the_words(rubbish: bytes, pieces: list[int]) -> None:
    assert judged(rubbish, pieces) in WORDS


@given(st.integers(0, len(RECORDS) * 8 - 1), st.lists(st.integers(1, 300), max_size=10))
def test_a_turned_bit_is_judged_alike_however_it_comes(bit: int, pieces: list[int]) -> None:
    turned = bytearray(RECORDS)
    turned[bit >> 3] ^= 1 << (bit & 7)
    data = bytes(turned)
    frames = [Frames(len(data), most_peaks=1000) for _ in range(2)]
    words = []
    for each, parts in zip(frames, ([], pieces), strict=True):
        at = 0
        try:
            for piece in [*parts, len(data)]:
                each.feed(data[at : at + piece])
                at += piece
            each.close()
            words.append("")
        except Refused as refused:
            words.append(refused.word)
    assert words[0] == words[1]
    if words[0] == "":
        assert scan_records(data)[0] == len(data)


def test_a_row_is_not_filled_with_meta_or_peaks() -> None:
    for stream, most in ((2, MOST_META), (3, 1000)):
        start = RECORD_HEADER.pack(TAG + 1, 2, 0, 0, 0) + bytes(TAG + 1) if stream == 3 else b""
        data = start + RECORD_HEADER.pack(most, stream, 1, 0, 0) + bytes(most)
        with pytest.raises(Refused, match="too much"):
            Frames(len(data), most_peaks=1000).feed(data)


def test_a_call_record_is_one_final_record_for_the_present_key_and_nothing_else() -> None:
    call_id, recipient = os.urandom(16), Recipient(MAILBOX, 1, TOLD.public)
    good = seal_call_record(call_id, recipient, {"v": 1})
    check_call_record(good, call_id, recipient)
    for wrong, word in (
        (good[:-1], "not whole"),
        (good + b"x", "not whole"),
        (TOLD.blob, "not this note"),
        (good[:100], "short head"),
        (b"", "short head"),
    ):
        with pytest.raises(Refused, match=word):
            check_call_record(wrong, call_id, recipient)
    with pytest.raises(Refused, match="old key"):
        check_call_record(good, call_id, Recipient(MAILBOX, 2, tell().public))


def test_a_head_has_one_envelope_for_the_one_who_is_to_read_it() -> None:
    recipient = Recipient(MAILBOX, 1, TOLD.public)
    assert check_head(TOLD.head, TOLD.note_id, recipient).size == len(TOLD.head)
    two = NoteSealer(TOLD.note_id, MAILBOX, [TOLD.public, tell().public]).head
    later = TOLD.head[: -len(TOLD.sealer.envelopes[0])] + b"\2" + TOLD.sealer.envelopes[0][1:]
    for wrong, word in ((two, "head length"), (TOLD.head + b"x", "head length"), (later, "update needed")):
        with pytest.raises(Refused, match=word):
            check_head(wrong, TOLD.note_id, recipient)
