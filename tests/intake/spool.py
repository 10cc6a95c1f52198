"""A spool of app_voicemail as tests lay it out: real messages (captured/), as many as needed, and broken."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.intake.folder import Place

CAPTURED = Path(__file__).parent / "captured"

SPOKEN_AT = 1_790_000_000
"""When the first caller spoke; every further one an hour later."""

LATER_S = 60.0
"""Tests look a minute later, when nothing is fresh any more."""


def later() -> float:
    """The clock of who looks a minute later."""
    return time.time() + LATER_S


@dataclass
class Spool:
    """One spool folder."""

    path: Path
    callers: int = 0

    def place(self, mailbox: str = "1001", name: str = "INBOX", context: str = "default") -> Place:
        return Place(self.path, context, mailbox, name)

    def folder(self, mailbox: str = "1001", name: str = "INBOX", context: str = "default") -> Path:
        made = self.path / context / mailbox / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def put(
        self, kind: str = "wav", folder: Path | None = None, number: int | None = None, **lines: str
    ) -> Path:
        """Lay a captured message into a folder, with some lines of its text changed; return its text."""
        folder = folder or self.folder()
        if number is None:
            number = len(list(folder.glob("msg*.txt")))
        text = folder / f"msg{number:04}.txt"
        words = (CAPTURED / f"{kind}.txt").read_text(encoding="utf-8")
        own = {
            "origtime": str(SPOKEN_AT + 3600 * self.callers),
            "msg_id": f"{SPOKEN_AT}-{self.callers:08x}",
            "category": "",
            "callerid": f'"Caller {self.callers}" <4930{self.callers:05}>',
        }
        for key, value in (own | lines).items():
            words = re.sub(rf"(?m)^{key}=.*$", lambda _: f"{key}={value}", words)  # noqa: B023
        text.write_text(words, encoding="utf-8")
        for sound in CAPTURED.glob(f"{kind}.*"):
            if sound.suffix != ".txt":
                shutil.copyfile(sound, text.with_suffix(sound.suffix))
        self.callers += 1
        return text

    def names(self, folder: Path | None = None) -> list[str]:
        """What lies in a folder."""
        return sorted(path.name for path in (folder or self.folder()).iterdir())

    def callers_left(self, folder: Path | None = None) -> list[str]:
        """The names of the callers whose messages lie in a folder, by number."""
        texts = sorted((folder or self.folder()).glob("msg*.txt"))
        return [re.findall(r'callerid="(.*)"', text.read_text(encoding="utf-8"))[0] for text in texts]
