"""What is sealed of a call and of a take, as JSON values (sealed note format, "What is sealed")."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.call.model import Call, Codec, Ended


def call_record(call: Call) -> dict[str, object]:
    """Return the record of a call."""
    caller = call.caller
    return {
        "v": 1,
        "kind": "call",
        "from": {
            "number": caller.number,
            "name": caller.name,
            "presentation": str(caller.presentation),
        },
        "dialled": call.dialled,
        "forwarded_from": call.forwarded_from,
        "group": call.group,
        "reason": str(call.reason),
        "rang_at": rfc3339(call.rang_at),
        "rang_s": call.rang_s,
    }


def note_begun(codec: Codec, started_at: datetime) -> dict[str, object]:
    """Return the first meta record of a note."""
    return {"v": 1, "kind": "note", "type": f"audio/{codec}", "started_at": rfc3339(started_at)}


def note_ended(
    ended: Ended, seconds: float, records: Mapping[int, int], urgent: bool = False
) -> dict[str, object]:
    """Return the final meta record of a note; ``records`` counts those of each stream, ``urgent`` is the
    caller's mark."""
    told: dict[str, object] = {
        "v": 1,
        "kind": "note",
        "ended": str(ended),
        "seconds": round(seconds, 3),
        "streams": {str(stream): count for stream, count in records.items()},
    }
    return told | ({"urgent": True} if urgent else {})


def rfc3339(moment: datetime) -> str:
    """Return a time in UTC to the millisecond, with Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
