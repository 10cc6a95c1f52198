"""docker/compose.yaml started for real, and its bridge asked by a key holder's own commands from outside."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.phone.pbx import free_port
from tests.docker.engine import HOUSE, Engine
from tests.installation import parse_wav

COMPOSE = HOUSE / "docker" / "compose.yaml"
COMMAND_S = 300.0

FINISHED_S = 10.0
"""A note is being finished for a moment after its caller hung up."""


class Compose:
    """One of the two ways to start, on free ports; a context manager that leaves nothing running."""

    def __init__(self, engine: Engine, profile: str, folder: Path, *arguments: str) -> None:
        self.engine = engine
        self.folder = folder
        self.agi = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.sip_port = free_port(socket.SOCK_DGRAM)
        self.key_file = folder / "reader.key"
        self._words = ["--project-name", profile, "--file", str(COMPOSE), "--profile", profile]
        self._profile = profile
        # podman-compose knows no memswap_limit, which docker compose takes from the file
        self._arguments = " ".join(["--memory-swap=512m", *arguments])
        self._environment = {
            **engine.environment,
            "AFTERTONE_HTTP": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
            "AFTERTONE_AGI": self.agi,
            "AFTERTONE_AUDIOSOCKET": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
            "AFTERTONE_MIN_FREE": "10MiB",
            "DEMO_SIP_PORT": str(self.sip_port),
        }

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self._profile}_{service}_1"

    def compose(self, *words: str, more: tuple[str, ...] = ()) -> str:
        """Run one podman-compose command; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "podman_compose", *more, *self._words, *words],
            env=self._environment, capture_output=True, text=True, timeout=COMMAND_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"podman-compose {words[0]}: {done.stderr[-3000:]}"
        return done.stdout

    def add_reader(self, *mailboxes: str) -> None:
        """Add a member who is a program, inside the container, and take its key out."""
        chosen = [word for mailbox in mailboxes for word in ("--mailbox", mailbox)]
        bridge = self.container("bridge")
        self.engine.run("exec", bridge, "aftertone", "user", "add", "reader", *chosen, "--key-file", "/tmp/k")
        self.key_file.write_text(self.engine.run("exec", bridge, "cat", "/tmp/k"))
        self.key_file.chmod(0o600)
        self.rows()

    def rows(self) -> list[dict[str, Any]]:
        """Return what ``aftertone notes --json`` of the key holder prints, outside the container."""
        rows: list[dict[str, Any]] = json.loads(self._command("notes", "--json", "--key-file", self.key_file))
        return rows

    def row_of(self, number: str) -> dict[str, Any]:
        """Return the one row of a caller when none of his notes is open any more; raises AssertionError."""
        end = time.monotonic() + FINISHED_S
        while True:
            [row] = [row for row in self.rows() if row["from_number"] == number]
            if all(note["state"] == "kept" for note in row["notes"]):
                return row
            assert time.monotonic() < end, "a note is still open"
            time.sleep(0.2)

    def open(self, note_id: str) -> bytes:
        """Return the G.711 bytes of a note as ``aftertone open`` writes them."""
        target = self.folder / "note.wav"
        self._command("open", note_id, "--key-file", self.key_file, "-o", target)
        data = target.read_bytes()
        target.unlink()
        return parse_wav(data)[1]

    def _command(self, *words: str | Path) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")}
        return subprocess.run(
            [sys.executable, "-m", "bridge.cli", *map(str, words)],
            env=clean, stdout=subprocess.PIPE, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    def __enter__(self) -> Self:
        self.compose("up", "--detach", more=(f"--podman-run-args={self._arguments}",))
        self.engine.until_healthy(self.container("bridge"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for service in ("bridge", "pbx"):
                print(self.engine.run("logs", self.container(service), code=None))
        self.compose("down", "--volumes")
