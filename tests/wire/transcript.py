r"""Dialogues with a real Asterisk's manager interface, recorded line by line in tests/transcripts/ami.

``<`` came from the PBX, ``>`` went to it, ``#`` tells what it is about; each line ended with CR LF on the
wire, and every byte beyond printable ASCII stands as ``\xNN``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "transcripts" / "ami"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@dataclass(frozen=True, slots=True)
class Transcript:
    """What each side sent, all in one."""

    about: str
    pbx: bytes
    client: bytes


def read(name: str) -> Transcript:
    """Return one dialogue by its file's name."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="ascii").splitlines()
    sides = {"<": b"", ">": b"", "#": b""}
    for line in lines:
        sides[line[0]] += wire(line[2:]) + b"\r\n"
    return Transcript(sides["#"].decode(), sides["<"], sides[">"])


def wire(text: str) -> bytes:
    r"""Return a line's bytes: ``\xNN`` is one."""
    whole = re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), text)
    return whole.encode("latin-1")
