"""A real installation for tests: ``aftertone serve`` as its own process on free ports, and its commands."""

import contextlib
import io
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from bridge import keyholder
from bridge.phone.pbx import free_port

POLL_S = 0.05
START_S = 60.0

FINISHED_S = 30.0
"""How long a disk that others use may take with the last note: the PBX's call ends before."""


class Installation:
    """Data folder, settings and service; a context manager that starts and stops it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.temporary = folder / "tmp"
        self.key_file = folder / "reader.key"
        self.agi = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.audiosocket = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.http = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        scheme = "https" if "TLS_CERT" in settings else "http"
        self.url = f"{scheme}://localhost:{self.http.rpartition(':')[2]}"
        self._trust: ssl.SSLContext | bool = True
        if scheme == "https":
            self._trust = ssl.create_default_context(cafile=settings["TLS_CERT"])
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")},
            "HOME": str(folder),
            "TMPDIR": str(self.temporary),
            "AFTERTONE_DATA": str(self.data),
            "AFTERTONE_HTTP": self.http,
            "AFTERTONE_AGI": self.agi,
            "AFTERTONE_AUDIOSOCKET": self.audiosocket,
            "AFTERTONE_MIN_FREE": "10MiB",
            **{f"AFTERTONE_{name}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.log_file = folder / "serve.log"

    def run(self, *words: str, code: int = 0) -> str:
        """Run one ``aftertone`` command and return what it printed; its exit code must be ``code``."""
        done = self._done(words, code)
        return done.stdout if code == 0 else done.stderr

    def errors(self, *words: str) -> str:
        """Run one command that succeeds, and return what it told beside its output."""
        return self._done(words, 0).stderr

    def _done(self, words: Sequence[str], code: int) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli", *words],
            env=self._env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"aftertone {words[0]} ended with {done.returncode}: {done.stderr}"
        return done

    def start(self) -> None:
        """Start the service and wait until it is ready; raises AssertionError with its log."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bridge.cli", "serve"],
                env=self._env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.until_ready()

    def until_ready(self, deadline_s: float = START_S) -> None:
        """Wait until /health says ready."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/health", timeout=2, verify=self._trust).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(POLL_S)
        raise AssertionError(f"the service is not ready: {self.log()}")

    def stop(self) -> int:
        """Stop it in order and return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        self._process = None
        return code

    def kill(self) -> None:
        """Kill the supervisor as a power cut would; its worker is left alone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def log(self) -> str:
        """Return everything the service said."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def supervisor_pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def worker_pid(self, deadline_s: float = START_S) -> int:
        """Return the process id of the worker that runs now."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            children = Path(f"/proc/{self.supervisor_pid}/task/{self.supervisor_pid}/children").read_text()
            if children.split():
                return int(children.split()[0])
            time.sleep(POLL_S)
        raise AssertionError("no worker")

    def signal_worker(self, number: int) -> int:
        """Send a signal to the worker and return its process id."""
        pid = self.worker_pid()
        os.kill(pid, number)
        return pid

    def add_reader(self, *extensions: str, name: str = "reader") -> None:
        """Add a member with a key file to mailboxes, which are made if missing."""
        mailboxes = [word for extension in extensions for word in ("--mailbox", extension)]
        self.run("user", "add", name, *mailboxes, "--key-file", str(self.key_file))

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows that the reader's key opens, newest first, as ``aftertone notes --json`` prints."""
        with (
            contextlib.redirect_stdout(io.StringIO()) as told,
            contextlib.redirect_stderr(io.StringIO()) as why,
        ):
            code = keyholder.notes(self.key_file, as_json=True)
        assert code == 0, why.getvalue()
        rows: list[dict[str, Any]] = json.loads(told.getvalue())
        return rows

    def finished_rows(self, *numbers: str) -> list[dict[str, Any]]:
        """Return all rows, or those of these callers, when none of their notes is open any more.

        Raises AssertionError after FINISHED_S.
        """
        for _ in range(2):
            rows = [row for row in self.rows() if not numbers or row["from_number"] in numbers]
            still = {note["id"] for row in rows for note in row["notes"] if note["state"] != "kept"}
            if not still:
                break
            self._until_finished(still)
        return rows

    def _until_finished(self, note_ids: set[str]) -> None:
        """Look into the database: the API wants a log-in for each question, and these are limited."""
        end = time.monotonic() + FINISHED_S
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/aftertone.db?mode=ro", uri=True)) as db:
            while note_ids & {
                note for (note,) in db.execute("SELECT lower(hex(id)) FROM note WHERE state = 'recording'")
            }:
                assert time.monotonic() < end, f"a note is still open: {self.log()}"
                time.sleep(POLL_S)

    def open(self, note_id: str) -> tuple[int, bytes]:
        """Return (format tag, G.711 bytes) of a note as ``aftertone open`` writes it (7 = u-law)."""
        target = self.folder / f"{note_id}.wav"
        with contextlib.redirect_stderr(io.StringIO()) as why:
            code = keyholder.open_note(note_id, self.key_file, target)
        assert code == 0, why.getvalue()
        data = target.read_bytes()
        target.unlink()
        return parse_wav(data)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()  # nobody else will
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def parse_wav(data: bytes) -> tuple[int, bytes]:
    """Return (format tag, bytes of the data chunk) of a WAV; every length is checked (RFC 2361)."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    at, tag, sound = 12, 0, b""
    while at < len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        assert len(body) == size
        if name == b"fmt ":
            tag = int.from_bytes(body[:2], "little")
            assert int.from_bytes(body[4:8], "little") == 8000
        elif name == b"data":
            sound = body
        at += 8 + size + size % 2
    return tag, sound
