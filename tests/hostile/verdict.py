"""The rows of a house and what its callers went through: none lost, none twice, each note under its row."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.hostile.caller import Caller
from tests.hostile.crowd import ManyLines
from tests.hostile.disturbance import History
from tests.hostile.fate import RING_S, Does
from tests.installation import Installation

Row = dict[str, Any]

CLOCK_S = 1.1
"""The PBX tells times in whole seconds."""

SYNC_S = 2.0
"""Asterisk writes its AstDB to the disk once a second: what it noted just before it died may be lost."""

SENTENCE_S = 0.8
"""A little less than the sentence before the tone lasts."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a caller's call must have left: so many rows, with one of these reasons, rung in this time."""

    least: int
    most: int
    reasons: frozenset[str]
    since: float
    until: float

    def fits(self, row: Row) -> bool:
        """Whether a row can be this call's."""
        rang_at = datetime.fromisoformat(row["rang_at"]).timestamp()
        return row["reason"] in self.reasons and self.since <= rang_at <= self.until


def talked(caller: Caller, phones: dict[str, ManyLines]) -> bool:
    """Whether a person took the call: his telephone answered it, and no machine spoke."""
    phone = phones.get(caller.fate.mailbox)
    return phone is not None and phone.answered(caller.fate.number) and not caller.tones


def experience(caller: Caller, phones: dict[str, ManyLines], history: History) -> str:
    """Say in a few words what a caller went through."""
    call = caller.call
    if talked(caller, phones):
        return "talked to a person"
    if call is None or (not call.provisional and call.status is None):
        return "had no line"
    if pbx_died(caller, history) is not None:
        return "lost the line" + (" while recorded" if caller.tones else "")
    if caller.tones:
        return "was recorded"
    if call.status == 200:
        return "left before the tone" if caller.left is not None else "heard the fallback"
    return "gave up"


def due(caller: Caller, phones: dict[str, ManyLines], history: History) -> Due:
    """Return what one call must have left."""
    call, fate, died = caller.call, caller.fate, pbx_died(caller, history)
    least = most = 1
    reasons = {fate.reason}
    if talked(caller, phones):
        least = most = 0
    elif call is None or (not call.provisional and call.status is None):
        # The PBX was not there. It may have taken the call and died before its first word.
        least = 0
    elif died is not None and not caller.tones and not _on_disk(caller, died):
        # The PBX died while it rang, or as it turned to the bridge: whatever it knew died with it. Where the
        # bridge had the call already it has its row.
        least = 0
    elif fate.does is Does.GIVES_UP_AT_ONCE and not caller.rang:
        # He may have been gone before the dialplan came to the line that watches the call; no telephone rang.
        least = 0
    if died is not None:
        # A PBX that stops while it rings hangs up on both, as if the caller had given up or the telephone had
        # gone.
        reasons |= {"cancelled", "unreachable"}
    elif fate.does in (Does.GIVES_UP, Does.GIVES_UP_AT_ONCE):
        reasons = {"cancelled"} | ({fate.reason} if fate.after_s > RING_S - CLOCK_S else set())
    end = caller.end
    lasted = end - caller.began if end is not None else CLOCK_S
    return Due(least, most, frozenset(reasons), caller.began_at - CLOCK_S, caller.began_at + lasted + CLOCK_S)


def _on_disk(caller: Caller, died: float) -> bool:
    """Whether the caller was in the hands of bridge or fallback long enough before the PBX died."""
    answered = caller.call.answered_at if caller.call is not None else None
    return answered is not None and died - answered > SYNC_S


def pbx_died(caller: Caller, history: History) -> float | None:
    """Return when (monotonic) the PBX died or stopped under this call; None when it did not."""
    end = caller.end
    for outage in history.pbx:
        if end is not None and caller.began <= outage.ended and outage.began <= end <= outage.ended:
            return end
    return None


def rows_are_true(
    rows: Sequence[Row], callers: Sequence[Caller], phones: dict[str, ManyLines], history: History
) -> Iterator[str]:
    """Tell every row that is lost, doubled or of nobody."""
    dues = {caller.fate.number: due(caller, phones, history) for caller in callers}
    named: dict[str, list[Row]] = {number: [] for number in dues}
    unknown: list[Row] = []
    for row in rows:
        (unknown if row["from_number"] is None else named[row["from_number"]]).append(row)
        if row.get("problem"):
            yield f"{row['from_number']}: {row['problem']}"
    for number, due_ in dues.items():
        found = named[number]
        if len(found) > due_.most:
            yield f"{number}: {len(found)} rows of a call that leaves {due_.most}"
        for row in found:
            if not due_.fits(row):
                yield f"{number}: reason {row['reason']}, rung at {row['rang_at']}"
    free = {caller.fate.number: dues[caller.fate.number] for caller in callers
            if not named[caller.fate.number] and dues[caller.fate.number].most}  # fmt: skip
    mailbox_of = {caller.fate.number: caller.fate.mailbox for caller in callers}
    fitting = [
        [n for n, d in free.items() if mailbox_of[n] == row["mailbox"] and d.fits(row)] for row in unknown
    ]
    # One row for each needy caller and one caller for each row can be had at once if each can be had alone
    # (Mendelsohn and Dulmage).
    for index in unmatched(fitting):
        row = unknown[index]
        yield f"nobody's row: mailbox {row['mailbox']}, {row['reason']}, rung at {row['rang_at']}"
    needy = [number for number, due_ in free.items() if due_.least]
    for index in unmatched([[i for i, ns in enumerate(fitting) if number in ns] for number in needy]):
        yield f"{needy[index]}: no row"


def unmatched(choices: Sequence[Sequence[Any]]) -> list[int]:
    """Return those who stay alone in a greatest matching, each of whom has some choices (Kuhn)."""
    taken: dict[Any, int] = {}

    def find(one: int, seen: set[Any]) -> bool:
        for choice in choices[one]:
            if choice not in seen:
                seen.add(choice)
                if choice not in taken or find(taken[choice], seen):
                    taken[choice] = one
                    return True
        return False

    return [one for one in range(len(choices)) if not find(one, set())]


def served_if_possible(callers: Sequence[Caller], history: History) -> Iterator[str]:
    """Tell who had trouble of his own, or went to the fallback although the bridge was there."""
    for caller in callers:
        number, call = caller.fate.number, caller.call
        if caller.trouble:
            yield f"{number}: {caller.trouble}"
        stayed = caller.left is None and pbx_died(caller, history) is None
        served = call is not None and call.status == 200
        if stayed and served and not caller.tones and caller.fate.does is not Does.TALKS:
            assert call is not None and call.answered_at is not None and caller.end is not None
            if caller.end - call.answered_at < SENTENCE_S:
                # Cut off by the PBX itself: by its source, res_audiosocket closes a refused connection twice,
                # and by then its number may be another call's ("Bad file descriptor" in its log).
                continue
            if not any(one.began <= caller.end and one.ended >= caller.began for one in history.bridge):
                yield f"{number}: sent to the fallback by a bridge that was there"


def notes_have_rows(house: Installation) -> Iterator[str]:
    """Tell every note without its row and every blob without its note, as they lie in the data folder."""
    with sqlite3.connect(f"file:{house.data}/aftertone.db?mode=ro", uri=True) as database:
        notes = {note.hex(): call for note, call in database.execute("SELECT id, call_id FROM note")}
        rows = {row for (row,) in database.execute("SELECT id FROM call")}
    database.close()
    blobs = {file.name.removesuffix(".sn1") for file in (house.data / "notes").glob("*/*")}
    yield from (f"note {note} without its row" for note, call in notes.items() if call not in rows)
    yield from (f"blob {blob} without its note" for blob in blobs - set(notes))
    yield from (f"note {note} without its blob" for note in set(notes) - blobs)
