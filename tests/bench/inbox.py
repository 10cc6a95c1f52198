"""The reader of the measurement: a key holder who watches the event stream and opens every note."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from bridge.keyholder.client import API, Client
from bridge.keyholder.keyring import Box, Keyring
from bridge.seal.keyfile import KeyFile
from bridge.seal.open import open_note
from tests.bench.crowd import PACKET_BYTES


@dataclass(frozen=True, slots=True)
class Note:
    """One note that was opened: whose mailbox, RTP packets' worth of sound, whether its end is there."""

    extension: str
    packets: int
    cut_off: bool


class Reader(Client):
    """The key holder's client, which can also listen."""

    def events(self) -> AbstractContextManager[httpx.Response]:
        """Open the event stream; a ping comes each 15 s."""
        return self._http.stream("GET", f"{API}/events", timeout=httpx.Timeout(20.0))


class Inbox:
    """A logged-in key holder, whose mailboxes are all claimed; ``with`` keeps its event stream open."""

    def __init__(self, key_file: Path) -> None:
        self._client = Reader(KeyFile.load(key_file))
        self._news = News(self._client)
        self._boxes: dict[str, Box] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            keyring = Keyring(stack.enter_context(self._client))
            with redirect_stderr(StringIO()):  # one line of news for each mailbox that it claims
                keyring.settle()
            self._boxes = {box.id: box for box in keyring.boxes}
            self._news.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._news.stop()
        self._stack.close()

    def row_delays(self, byes: dict[str, float], deadline_s: float = 10.0) -> list[float]:
        """Return the seconds from each extension's BYE (Unix time) to its row's next event.

        A ``missed`` event stands for every row: the page then fetches its list anew. Waits until all have
        come, or the deadline; those that did not come are left out.
        """
        end = time.monotonic() + deadline_s
        while True:
            told = [(self._extension(box), at) for box, at in self._news.told()]
            delays = []
            for extension, bye in byes.items():
                after = [at - bye for whose, at in told if whose in (extension, None) and at > bye]
                delays += after[:1]
            if len(delays) == len(byes) or time.monotonic() > end:
                return delays
            time.sleep(0.05)

    def _extension(self, mailbox_id: str | None) -> str | None:
        return None if mailbox_id is None else self._boxes[mailbox_id].extension

    def forget_news(self) -> None:
        """Begin a new run: earlier events count no more."""
        self._news.forget()

    def new_notes(self) -> list[Note]:
        """Open every note of the rows that were not there at the last call."""
        notes = []
        for row in self._new_rows():
            for note in row["notes"]:
                blob, box = self._client.blob(note["id"]), self._boxes[row["mailbox_id"]]
                opened = open_note(
                    blob,
                    note_id=bytes.fromhex(note["id"]),
                    mailbox_id=box.id,
                    secret=box.secrets[note["epoch"]],
                )
                cut_off = opened.cut_off or note["state"] != "kept"
                notes.append(Note(row["extension"], len(opened.media) // PACKET_BYTES, cut_off))
        return notes

    def _new_rows(self) -> Iterator[dict[str, Any]]:
        before: str | None = None
        while True:
            page = self._client.get("rows", {"limit": 200} | ({"before": before} if before else {}))
            fresh = [row for row in page["rows"] if row["id"] not in self._seen]
            self._seen |= {row["id"] for row in fresh}
            yield from fresh
            before = page["next"]
            if before is None or not fresh:
                return


@dataclass
class News:
    """The open event stream, read in a thread: which mailbox's row changed, and when (Unix time).

    None for a mailbox means that this listener was too slow and must fetch all rows.
    """

    client: Reader
    _told: list[tuple[str | None, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the stream; raises TimeoutError when its first event does not come."""
        self._thread = threading.Thread(target=self._listen, name="events", daemon=True)
        self._thread.start()
        if not self._open.wait(10.0):
            raise TimeoutError("the event stream did not open")

    def stop(self) -> None:
        """Stop listening; the thread ends with the stream's next line, or with this process."""
        self._over.set()

    def told(self) -> list[tuple[str | None, float]]:
        """Return (mailbox id, Unix time) of every event so far."""
        with self._lock:
            return list(self._told)

    def forget(self) -> None:
        """Drop what was told so far."""
        with self._lock:
            self._told.clear()

    def _listen(self) -> None:
        event = ""
        try:
            with self.client.events() as answer:
                for line in answer.raise_for_status().iter_lines():
                    now = time.time()
                    self._open.set()
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "data" and event in ("row", "missed"):
                        with self._lock:
                            self._told.append((json.loads(value).get("mailbox_id"), now))
                    if self._over.is_set():
                        return
        except (httpx.HTTPError, RuntimeError):
            if not self._over.is_set():
                raise
