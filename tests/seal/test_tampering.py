"""Notes cut, turned bit by bit, or put together from pieces: refused, or heard as far as they are true."""

import pytest

from bridge.errors import Refused
from bridge.seal.keys import new_keypair
from bridge.seal.layout import scan_records
from tests.seal.forge import hear, tell


def test_cut_at_every_byte_the_whole_records_are_heard_and_the_cut_is_told() -> None:
    told = tell()
    ends = [header.end + len(told.head) for header in scan_records(told.blob[len(told.head) :])[1]]
    for length in range(len(told.head), len(told.blob)):
        whole = sum(end <= length for end in ends)
        note = hear(told, told.blob[:length])
        assert note.media == b"".join(told.media[: max(0, whole - 1)])
        assert note.cut_off, length
        assert scan_records(told.blob[len(told.head) : length])[0] + len(told.head) in (len(told.head), *ends)


def test_cut_at_every_byte_of_the_head_it_is_a_short_head() -> None:
    told = tell()
    for length in range(len(told.head)):
        with pytest.raises(Refused) as refusal:
            hear(told, told.blob[:length])
        assert refusal.value.word == "short head"


def test_every_bit_of_the_head_matters() -> None:
    told = tell()
    for bit in range(len(told.head) * 8):
        turned = _turn(told.blob, bit)
        with pytest.raises(Refused):
            hear(told, turned)


@pytest.mark.parametrize("which", [0, 1, 4, 5])
def test_every_bit_of_a_record_matters(which: int) -> None:
    told = tell()
    start = len(told.head) + sum(len(record) for record in told.records[:which])
    for bit in range(start * 8, (start + len(told.records[which])) * 8):
        try:
            note = hear(told, _turn(told.blob, bit))
        except Refused:
            continue
        # A length that now points past the end reads as a torn record: nothing after it is believed.
        assert bit // 8 < start + 4
        assert note.cut_off
        assert b"".join(told.media).startswith(note.media)


def test_a_record_of_another_note_of_the_same_mailbox_does_not_fit() -> None:
    pair = new_keypair()
    mine, theirs = tell(pair=pair), tell(pair=pair)
    for at, foreign in enumerate(theirs.records):
        spliced = mine.head + b"".join([*mine.records[:at], foreign, *mine.records[at + 1 :]])
        with pytest.raises(Refused) as refusal:
            hear(mine, spliced)
        assert refusal.value.word == "record"


def test_the_records_of_another_note_behind_my_head_do_not_fit() -> None:
    pair = new_keypair()
    mine, theirs = tell(pair=pair), tell(pair=pair)
    with pytest.raises(Refused, match="record"):
        hear(mine, mine.head + b"".join(theirs.records))


def test_a_whole_note_under_another_id_is_not_that_note() -> None:
    pair = new_keypair()
    mine, theirs = tell(pair=pair), tell(pair=pair)
    with pytest.raises(Refused, match="not this note"):
        hear(mine, theirs.blob)


def test_a_deleted_record_is_noticed_wherever_it_stood() -> None:
    told = tell()
    for at in range(len(told.records)):
        left = told.head + b"".join(told.records[:at] + told.records[at + 1 :])
        try:
            note = hear(told, left)
        except Refused as refusal:
            assert refusal.word == "index"
        else:
            assert note.cut_off


def test_damaged_sound_is_passed_over_and_never_silently() -> None:
    told = tell([bytes([at]) * 4000 for at in range(4)])
    start = len(told.head) + len(told.records[0]) + len(told.records[1])
    damaged = _turn(told.blob, (start + 100) * 8)
    with pytest.raises(Refused, match="record"):
        hear(told, damaged)
    note = hear(told, damaged, damaged=True)
    assert note.media == told.media[0] + told.media[2] + told.media[3]
    gap = note.gaps[0]
    assert (len(note.gaps), gap.index, gap.t_ms, gap.length, gap.at) == (1, 1, 500, 4000, 4000)


def _turn(blob: bytes, bit: int) -> bytes:
    turned = bytearray(blob)
    turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)
