"""``aftertone notes``: the rows that this key may read, in clear."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.call.model import Presentation
from bridge.errors import Refused
from bridge.keyholder.client import Client, load_key, strange, unb64, unhex
from bridge.keyholder.failure import ending, plain, tell
from bridge.keyholder.keyring import Box, Keyring
from bridge.seal.open import OpenedNote, open_note, open_row

PAGE = 200

LONGEST = 120
"""Characters of a caller's name and number that a line shows; a display name may be as long as a message."""

MOST_WORDS = 500
"""Characters of what somebody wrote to a note when he forwarded it."""

WORDS = {
    "no_answer": "nobody answered",
    "busy": "busy",
    "declined": "declined",
    "dnd": "do not disturb",
    "unreachable": "phone not reachable",
    "failed": "call failed",
    "cancelled": "caller gave up",
}

UNTOLD = "caller unknown: bridge was away"


def notes(key_file: Path, *, as_json: bool, server: str | None = None) -> int:
    """Print the rows, newest first, as JSON or as lines for people. Returns the exit code.

    ``server`` is where to ask if not at the address in the key file.
    """

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            for box in keyring.boxes:
                if box.state == "private" and box.mine != "member":
                    tell(f"mailbox {box.extension}: a member must approve this user first")
            rows = [_row(client, keyring, told) for told in all_rows(client)]
        if as_json:
            print(json.dumps(rows, indent=1))
        else:
            for row in rows:
                for line in _lines(row):
                    print(plain(line))

    return ending(work)


def all_rows(client: Client) -> Iterator[dict[str, Any]]:
    """Yield the rows that are not deleted as the server tells them, newest first. Raises Failure."""
    before: dict[str, str] = {}
    while True:
        told = client.get("rows", {"limit": PAGE, "show": "present", **before})
        yield from told["rows"]
        if told["next"] is None:
            return
        if before.get("before") == told["next"]:
            raise strange()
        before = {"before": told["next"]}


def _row(client: Client, keyring: Keyring, told: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the public contract names its parts. What does not open says so under ``problem``."""
    box = keyring.box(told["mailbox_id"])
    problem = None
    call: dict[str, Any] = {}
    try:
        call = _call(box, told)
    except Refused as refused:
        problem = refused.word
    caller = call.get("from")
    caller = caller if isinstance(caller, dict) else {}
    row = {
        "id": told["id"],
        "mailbox": told["extension"],
        "mailbox_id": told["mailbox_id"],
        "from_number": _text(caller.get("number")),
        "from_name": _text(caller.get("name")),
        "presentation": _text(caller.get("presentation")),
        "dialled": _text(call.get("dialled")),
        "forwarded_from": _text(call.get("forwarded_from")),
        "forwarded_by": _forwarded(call.get("forwarded")),
        "reason": _text(call.get("reason")) or told["reason"],
        "group": call.get("group") is True,
        "rang_at": _text(call.get("rang_at")) or told["received_at"],
        "received_at": told["received_at"],
        "heard": told["heard"],
        "handling": _handling(told["handling"]),
        "notes": [_note(client, box, told, note) for note in told["notes"]],
    }
    return row | ({"problem": problem} if problem else {})


def _handling(told: dict[str, Any]) -> dict[str, Any]:
    """Return how far a row is; ``by`` is None while it is open, and when he is no member any more."""
    return {"state": told["state"], "by": told["user"], "at": told["at"]}


def _call(box: Box | None, told: dict[str, Any]) -> dict[str, Any]:
    if box is None:
        raise Refused("not sealed to this key")
    call_id, sealed = unhex(told["id"]), unb64(told["sealed"])
    return box.opened(
        lambda secret: open_note(sealed, note_id=call_id, mailbox_id=box.id, secret=secret)
    ).meta


def _note(client: Client, box: Box | None, row: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": told["id"],
        "seconds": None,
        "ended": None,
        "urgent": None,
        "heard": row["heard"],
        "state": told["state"],
        "started_at": told["started_at"],
        "speech": told["speech"],
        "cut_off": told["cut_off"],
    }
    try:
        opened = _opened(box, told)
        if told["state"] == "kept" and opened.cut_off:
            opened = _whole(client, box, told)  # only the sound itself tells how long it is
    except Refused as refused:
        return shown | {"problem": refused.word}
    if told["state"] == "kept":
        ended = "cut_off" if opened.cut_off else _text(opened.meta.get("ended"))
        shown |= {
            "seconds": round(opened.seconds, 3),
            "ended": ended,
            "urgent": opened.meta.get("urgent") is True,
        }
    return shown | {"type": _text(opened.meta.get("type"))}


def _opened(box: Box | None, told: dict[str, Any]) -> OpenedNote:
    if box is None:
        raise Refused("not sealed to this key")
    return box.opened(
        lambda secret: open_row(
            [unb64(record) for record in [*told["meta"], *told["peaks"]]],
            note_id=unhex(told["id"]),
            mailbox_id=box.id,
            secret=secret,
            commit=unb64(told["commit"]),
            envelopes=[unb64(envelope) for envelope in told["envelopes"]],
        )
    )


def _whole(client: Client, box: Box | None, told: dict[str, Any]) -> OpenedNote:
    if box is None:
        raise Refused("not sealed to this key")
    blob, note_id = client.blob(told["id"]), unhex(told["id"])
    return box.opened(lambda secret: open_note(blob, note_id=note_id, mailbox_id=box.id, secret=secret))


def _forwarded(told: object) -> dict[str, str | None] | None:
    """Return who forwarded the note last, from which mailbox, when, and with what words; None if nobody."""
    last = told[-1] if isinstance(told, list) and told else None
    if not isinstance(last, dict):
        return None
    named = {"name": "by", "mailbox": "mailbox", "extension": "extension", "at": "at", "text": "text"}
    return {name: _text(last.get(key)) for name, key in named.items()}


def _text(value: object) -> str | None:
    """Return a text that a record holds; anything else that a forger may have put there is not shown."""
    return value if isinstance(value, str) and value else None


def _lines(row: dict[str, Any]) -> Iterator[str]:
    name, number = row["from_name"], row["from_number"]
    nobody = UNTOLD if row["presentation"] == Presentation.UNTOLD else "unknown caller"
    who = f"{name} <{number}>" if name and number else name or number or nobody
    if "problem" in row:
        who = f"cannot be opened ({row['problem']})"
    why = WORDS.get(row["reason"], "call failed")
    mark = "" if row["heard"] else "  (new)"
    handling = row["handling"]
    if handling["state"] != "open":
        mark += f"  ({handling['state']} by {handling['by'] or 'somebody who is gone'})"
    yield f"{_local(row['rang_at'])}  {row['mailbox']}  {who[:LONGEST]}  {why}{mark}"
    if by := row["forwarded_by"]:
        origin = (by["mailbox"] or by["extension"] or "another mailbox")[:LONGEST]
        words = f": {by['text'][:MOST_WORDS]}" if by["text"] else ""
        yield f"    forwarded by {(by['name'] or 'somebody')[:LONGEST]} from {origin}{words}"
    for note in row["notes"]:
        length = f"{note['seconds']:.1f} s" if note["seconds"] is not None else "recording"
        if "problem" in note:
            length = f"cannot be opened ({note['problem']})"
        cut = ", cut off" if note["ended"] == "cut_off" else ""
        silent = ", no speech" if note["speech"] is False else ""
        urgent = ", urgent" if note["urgent"] else ""
        yield f"    note {note['id']}  {length}{urgent}{silent}{cut}"


def _local(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "unknown time"
