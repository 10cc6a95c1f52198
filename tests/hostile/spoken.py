"""Notes and what their callers said: whole, exact, ended as the caller ended them."""

from collections.abc import Iterator, Sequence

from tests.hostile.caller import Caller, Tone
from tests.hostile.disturbance import History, Outage
from tests.hostile.fate import Does
from tests.hostile.scene import all_opened
from tests.hostile.verdict import Row, pbx_died
from tests.installation import Installation
from tests.pbx.sound import FRAME

LATE_FRAMES = 15
"""With so many calls on a busy machine a BYE overtakes the sound before it by more than in a single call."""

EARLY_FRAMES = 10
"""Frames still on their way when a caller hears the end of the tone; the tone's soft end is among them."""

LOST_FRAMES = 50
"""One second: at most this much speech is lost when bridge or PBX is killed."""

SHORT_FRAMES = 25
"""Half a second. Whoever says less after the tone may have left before the bridge heard him at all."""

SETTLING_S = 1.0
"""A note is being finished so long after its caller has left."""

SPEECH_FRAMES = 75
"""One second of speech makes a note; the pauses in these callers' babble take a part of it."""


def notes_are_true(
    house: Installation, rows: Sequence[Row], callers: Sequence[Caller], history: History
) -> Iterator[str]:
    """Tell every note that is missing, or is not what was said."""
    by_number = {row["from_number"]: row for row in rows if row["from_number"] is not None}
    stored = all_opened(house, [str(note["id"]) for row in rows for note in row["notes"]])
    for stray in rows:
        if stray["from_number"] is None and stray["notes"]:
            yield f"a note in the row of somebody unknown: {stray['id']}"
    for caller in callers:
        row = by_number.get(caller.fate.number)
        notes = row["notes"] if row is not None else []
        if len(notes) > 1:
            yield f"{caller.fate.number}: {len(notes)} notes of one call"
        else:
            note = notes[0] if notes else None
            sound = stored[str(note["id"])] if note is not None else b""
            for told in note_is_true(caller, note, sound, history):
                yield f"{caller.fate.number}: {told}"


def note_is_true(caller: Caller, note: Row | None, sound: bytes, history: History) -> Iterator[str]:
    """Tell what is wrong with a caller's note, or with its absence."""
    outage = first_outage(caller, history)
    if not caller.tones:
        if note is not None and len(sound) > SHORT_FRAMES * FRAME:
            yield f"a note of {len(sound) // FRAME} frames of a caller who heard no tone"
        return
    tone, least = caller.tones[-1], least_of(caller, outage, history)
    last = caller.frames_by(caller.end or tone.at)
    if note is None:
        if least - tone.sent >= SHORT_FRAMES:
            yield f"no note of {last - tone.sent} frames after the tone"
        return
    yield from sound_is_true(caller, sound, caller.tones if outage is not None else [tone], least)
    if note["state"] != "kept":
        yield f"its note is {note['state']}"
    if outage is None:
        yield from end_is_true(caller, note, caller.loud_between(tone.sent, last), history)
    elif outage.harsh and note["cut_off"] != (note["ended"] == "cut_off"):
        yield f"cut off is {note['cut_off']}, ended is {note['ended']}"


def least_of(caller: Caller, outage: Outage | None, history: History) -> int:
    """Return the frame up to which a caller's note must reach at least."""
    assert caller.end is not None
    last, begun = caller.frames_by(caller.end), caller.tones[-1].at
    if caller.unsaid is not None and caller.unsaid > begun:
        # He threw his words away, and was cut off before he could begin anew.
        return 0
    least = last - LATE_FRAMES
    if caller.left is None:
        # The bridge ended it after a silence, and its closing tone was heard before the end.
        least = max((frame for frame in caller.loud_frames if frame < least), default=0)
    if pbx_died(caller, history) is not None:
        least = min(least, last - LOST_FRAMES)
    if outage is not None:
        lost = LOST_FRAMES if outage.harsh else LATE_FRAMES
        least = min(least, caller.frames_by(outage.began) - lost)
    return least


def sound_is_true(caller: Caller, sound: bytes, tones: Sequence[Tone], least: int) -> Iterator[str]:
    """Tell where a note differs from what was said after one of the tones, up to frame ``least``.

    u-law's second zero arrives as the first: Asterisk decodes and encodes in between.
    """
    said, sound = (each.replace(b"\x7f", b"\xff") for each in (caller.spoken, sound))
    at = said.find(sound[:FRAME])
    if at < 0 or at % FRAME:
        yield "the note's first frame was never said"
    elif said[at : at + len(sound)] != sound:
        yield "a frame is missing, doubled or altered"
    elif not any(tone.sent - LOST_FRAMES <= at // FRAME <= tone.sent + EARLY_FRAMES for tone in tones):
        yield f"the note begins at frame {at // FRAME}, the tone ended at {[tone.sent for tone in tones]}"
    elif (at + len(sound)) // FRAME < least:
        yield f"the note ends at frame {(at + len(sound)) // FRAME} and not at {least}"


def end_is_true(caller: Caller, note: Row, loud: int, history: History) -> Iterator[str]:
    """Tell whether an undisturbed note ended otherwise than its caller meant, or was judged wrong."""
    wanted = {Does.FINISHES: "finish_key", Does.TRAILS_OFF: "silence", Does.IS_SILENT: "silence"}
    ends = {wanted.get(caller.fate.does, "caller_hangup")}
    if pbx_died(caller, history) is not None:
        ends.add("caller_hangup")
    if note["ended"] not in ends or note["cut_off"]:
        yield f"ended by {note['ended']} and not by {ends}, cut off: {note['cut_off']}"
    if loud > 2 * SPEECH_FRAMES and not note["speech"]:
        yield f"{loud} frames of speech are no speech"
    if not loud and note["speech"]:
        yield "silence is speech"


def first_outage(caller: Caller, history: History) -> Outage | None:
    """Return the bridge's first outage that reached into this caller's note."""
    if not caller.tones or caller.end is None:
        return None
    until = caller.end + SETTLING_S
    found = [one for one in history.bridge if one.began <= until and one.ended >= caller.tones[0].at]
    return found[0] if found else None
