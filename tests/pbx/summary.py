"""What a telephone is told about its lamp: application/simple-message-summary (RFC 3842)."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """``waiting`` lights the lamp; ``new`` and ``old`` are the voice messages; ``account`` whose they are."""

    waiting: bool
    new: int
    old: int
    account: str

    @classmethod
    def parse(cls, body: str) -> "Summary":
        """Read a body; every line must be one of RFC 3842's. Raises ValueError."""
        fields: dict[str, str] = {}
        for line in body.removesuffix("\r\n").split("\r\n"):
            name, colon, value = line.partition(":")
            if not colon or name.lower() in fields:
                raise ValueError(f"not a line of a message summary: {line!r}")
            fields[name.lower()] = value.strip()
        voice = re.fullmatch(r"(\d+)/(\d+)(?: \(\d+/\d+\))?", fields.get("voice-message", ""))
        if voice is None or fields.get("messages-waiting") not in ("yes", "no"):
            raise ValueError(f"not a message summary: {body!r}")
        waiting = fields["messages-waiting"] == "yes"
        return cls(waiting, int(voice[1]), int(voice[2]), fields.get("message-account", ""))
