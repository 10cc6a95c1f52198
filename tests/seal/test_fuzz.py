"""Wounded notes at random: only the documented refusals, or true words that say what is missing."""

import random
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import Refused
from bridge.seal.keys import new_keypair
from bridge.seal.layout import scan_records
from bridge.seal.open import OpenedNote, open_note
from tests.seal.forge import MAILBOX, Told, tell

PAIR = new_keypair()
SPOKEN = [bytes([at]) * (30 + at) for at in (1, 2, 3, 4)]


def documented() -> set[str]:
    """The words of the table "Order of checks" in FORMAT.md."""
    text = (Path(__file__).parents[2] / "bridge/seal/FORMAT.md").read_text("utf-8")
    return set(re.findall(r"^\| (?:head|record)? ?\| `([a-z ]+)` \|", text, re.MULTILINE))


class Surgeon:
    """Wounds notes; the same wounds for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.told = tell(SPOKEN, PAIR)
        self.other = tell(SPOKEN, PAIR)
        self.wounds: list[Callable[[bytearray], bytearray]] = [
            self._turn, self._cut, self._remove, self._insert, self._repeat, self._swap, self._splice,
            self._length, self._drop,
        ]  # fmt: skip

    def wounded(self) -> bytes:
        """One to three wounds in a good note."""
        blob = bytearray(self.told.blob)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            blob = self.random.choice(self.wounds)(blob)
        return bytes(blob)

    def _turn(self, blob: bytearray) -> bytearray:
        if blob:
            blob[self.random.randrange(len(blob))] ^= 1 << self.random.randrange(8)
        return blob

    def _cut(self, blob: bytearray) -> bytearray:
        return blob[: self.random.randrange(len(blob) + 1)]

    def _remove(self, blob: bytearray) -> bytearray:
        at = self.random.randrange(len(blob) + 1)
        return blob[:at] + blob[at + self.random.randrange(1, 300) :]

    def _insert(self, blob: bytearray) -> bytearray:
        at = self.random.randrange(len(blob) + 1)
        return blob[:at] + self.random.randbytes(self.random.randrange(1, 60)) + blob[at:]

    def _repeat(self, blob: bytearray) -> bytearray:
        return blob + self.random.choice(self.told.records)

    def _swap(self, blob: bytearray) -> bytearray:
        records = list(self.told.records)
        one, two = self.random.sample(range(len(records)), 2)
        records[one], records[two] = records[two], records[one]
        return bytearray(self.told.head + b"".join(records))

    def _drop(self, blob: bytearray) -> bytearray:
        kept = [record for record in self.told.records if self.random.random() > 0.2]
        return bytearray(self.told.head + b"".join(kept))

    def _splice(self, blob: bytearray) -> bytearray:
        records = list(self.told.records)
        at = self.random.randrange(len(records))
        records[at] = self.other.records[at]
        return bytearray(self.random.choice((self.told.head, self.other.head)) + b"".join(records))

    def _length(self, blob: bytearray) -> bytearray:
        size = len(self.told.head)
        starts = [size + header.start for header in scan_records(bytes(blob[size:]))[1]] or [0]
        at = self.random.choice([*starts, 20, size - 95])
        lie = self.random.choice((0, 15, 16, 17, 255, 65535, 16 << 20, (16 << 20) + 1, 0xFFFFFFFF))
        return blob[:at] + lie.to_bytes(4) + blob[at + 4 :]


def judge(told: Told, blob: bytes, note: OpenedNote) -> None:
    """What was opened must be the truth, and whole unless it says otherwise."""
    heard = list(told.media)
    for gap in note.gaps:
        if gap.index < len(heard):
            heard[gap.index] = b""
    beginnings = {b"".join(heard[:count]) for count in range(len(heard) + 1)}
    assert note.media in beginnings
    assert note.meta.items() <= told.meta.items()
    assert told.peaks.startswith(note.peaks)
    if not note.cut_off and not note.gaps:
        assert blob == told.blob or sorted(_records(told, blob)) == sorted(told.records)


def _records(told: Told, blob: bytes) -> list[bytes]:
    """Records of different streams may change places: each keeps its order, and nothing is lost."""
    body = blob[len(told.head) :]
    return [body[header.start : header.end] for header in scan_records(body)[1]]


def operate(cases: int, seed: int) -> tuple[int, int]:
    """Run the cases; return how many were opened and how many refused."""
    surgeon, words = Surgeon(seed), documented()
    opened = refused = 0
    for case in range(cases):
        blob = surgeon.wounded()
        try:
            note = open_note(
                blob,
                note_id=surgeon.told.note_id,
                mailbox_id=MAILBOX,
                secret=PAIR[0],
                damaged=case % 2 == 1,
            )
        except Refused as refusal:
            assert refusal.word in words
            refused += 1
        else:
            judge(surgeon.told, blob, note)
            opened += 1
    return opened, refused


@pytest.mark.thorough
def test_ten_thousand_wounded_notes_tell_no_lie() -> None:
    assert len(documented()) == 15
    opened, refused = operate(10_000, seed=1)
    assert opened > 1000
    assert refused > 1000


@pytest.mark.long
def test_a_hundred_thousand_wounded_notes_tell_no_lie_in_bounded_memory() -> None:
    operate(100, seed=2)
    tracemalloc.start()
    try:
        opened, refused = operate(100_000, seed=3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened + refused == 100_000
    assert peak < 4 << 20
