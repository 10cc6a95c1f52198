"""The demo's telephones: one that rings and is not answered, and a caller who leaves a note."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.phone.pbx import Pbx, free_port

SENTENCES = ("en/hello-world", "en/demo-thanks")
"""What the caller says: natural voices that every Debian Asterisk has."""

LOGIN_DEADLINE_S = 15.0
CALL_DEADLINE_S = 120.0
POLL_S = 0.1


def say(text: str = "") -> None:
    """Tell what is happening, at once; when the terminal is gone nobody hears it, and the end goes on."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Telephones:
    """Telephones of one PBX, each a pyVoIP in a process of its own; of faults they tell ``log``."""

    def __init__(self, pbx: Pbx, log: Path) -> None:
        self._pbx = pbx
        self._log = log

    @contextlib.contextmanager
    def ringing(self, number: str) -> Iterator[None]:
        """Have a telephone that rings and is never answered, logged in, as long as the block lasts."""
        with self._telephone("ring", number):
            self._wait_for_login(number)
            yield

    def leave_note(self, caller: str, mailbox: str) -> None:
        """Let a caller ring an extension, speak after the tone and hang up; tells when it did not work."""
        speech = self._pbx.folder / "speech.sln"
        speech.write_bytes(b"".join(self._pbx.prompt(sentence) for sentence in SENTENCES))
        words = ("--extension", mailbox, "--speech", str(speech))
        with self._telephone("call", caller, *words) as process:
            try:
                failed = process.wait(CALL_DEADLINE_S) != 0
            except subprocess.TimeoutExpired:
                failed = True
        if failed:
            messages = self._pbx.folder / "log" / "messages"
            say(f"The call did not go through; see {self._log} and {messages}")

    def _wait_for_login(self, number: str) -> None:
        """Wait until it has logged in; a telephone that cannot is no reason to show nothing."""
        stop = time.monotonic() + LOGIN_DEADLINE_S
        while f"{number}/sip:" not in self._pbx.command("pjsip show contacts"):
            if time.monotonic() > stop:
                say(f"Telephone {number} did not log in; see {self._log}")
                return
            time.sleep(POLL_S)

    @contextlib.contextmanager
    def _telephone(self, role: str, number: str, *more: str) -> "Iterator[subprocess.Popen[bytes]]":
        watchdog = CALL_DEADLINE_S if role == "call" else 365 * 86400.0
        ports = [
            "--own-port",
            str(free_port(socket.SOCK_DGRAM)),
            "--rtp-port",
            str(32000 + secrets.randbelow(700)),
        ]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bridge.phone.caller", role, "--port", str(self._pbx.sip_port), *ports,
                 "--user", number, "--watchdog", str(watchdog), *more],
                stdin=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert process.stdin is not None  # noqa: S101  PIPE above
        try:
            process.stdin.write(self._pbx.extension(number).password.encode() + b"\n")
            process.stdin.flush()
            yield process
        finally:
            end(process, 2.0)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def end(process: "subprocess.Popen[bytes]", deadline_s: float) -> None:
    """Ask a process to end; after the deadline end its whole group (it leads one of its own)."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(deadline_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
