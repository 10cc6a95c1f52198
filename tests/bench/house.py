"""The scene of the measurement: one Asterisk and one bridge, and a mailbox on both sides for every caller."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bridge.errors import Unready
from bridge.phone.pbx import Extension, Pbx, free_port
from bridge.store import open_store
from tests.bench import crowd

FIRST_BOX = 3000
"""Caller 1 leaves his note in mailbox 3001 and so on; 3000 is for who measures by ear."""

DIALPLAN = """
[trunk](+)
exten => _91.,1,Gosub(bench,enter,1)
 same => n,VoiceMail($[{first} + ${{EXTEN:2}}]@default,s)
 same => n,Hangup()
exten => _92.,1,Gosub(bench,enter,1)
 same => n,Set(AFTERTONE_SENTENCE=none)
 same => n,Gosub(aftertone,watch,1($[{first} + ${{EXTEN:2}}]))
 same => n,Gosub(aftertone,note,1($[{first} + ${{EXTEN:2}}]))
 same => n,Hangup()
exten => _93.,1,Gosub(bench,enter,1)
 same => n,VoiceMail($[{first} + ${{EXTEN:2}}]@default,u)
 same => n,Hangup()
exten => _94.,1,Gosub(bench,enter,1)
 same => n,Gosub(aftertone,watch,1($[{first} + ${{EXTEN:2}}]))
 same => n,Gosub(aftertone,note,1($[{first} + ${{EXTEN:2}}]))
 same => n,Hangup()
exten => _95.,1,Gosub(bench,enter,1)
 same => n,Set(AFTERTONE_SENTENCE=none)
 same => n,Set(AFTERTONE_AGI=${{GLOBAL({null})}})
 same => n,Gosub(aftertone,watch,1($[{first} + ${{EXTEN:2}}]))
 same => n,Gosub(aftertone,note,1($[{first} + ${{EXTEN:2}}]))
 same => n,Hangup()

[bench]
exten => enter,1,Set(CHANNEL(hangup_handler_push)=bench,leave,1)
 same => n,Return()
exten => leave,1,Log(NOTICE,bench received ${{CHANNEL(rtcp,rxcount)}})
 same => n,Return()
"""
"""``leave`` logs how many RTP packets Asterisk received from this caller, on both sides alike."""

NULL = "BENCH_NULL"
"""The PBX's global that says where a bridge that does nothing answers FastAGI."""

READY_S = 30.0
POLL_S = 0.05


class House:
    """A PBX and a bridge with ``boxes`` mailboxes, up inside a ``with``; everything lives in ``folder``."""

    def __init__(self, folder: Path, boxes: int) -> None:
        self.folder = folder
        self.key_file = folder / "bench.key"
        self.url = ""
        self._boxes = [str(FIRST_BOX + number) for number in range(boxes + 1)]
        self._ports = {name: free_port(socket.SOCK_STREAM) for name in ("HTTP", "AGI", "AUDIOSOCKET")}
        self._bridge: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()
        self.pbx = Pbx(
            folder / "pbx",
            extensions=[Extension(box) for box in self._boxes],
            agi=f"127.0.0.1:{self._ports['AGI']}",
            extra=DIALPLAN.format(first=FIRST_BOX, null=NULL),
        )

    @property
    def bridge_pid(self) -> int:
        """The supervisor's process id; raises Unready when it does not run."""
        if self._bridge is None:
            raise Unready("the bridge is not running")
        return self._bridge.pid

    def __enter__(self) -> Self:
        with self._stack:
            self._enrol()
            self._start_bridge()
            self._stack.callback(self._stop_bridge)
            self._stack.enter_context(self.pbx)
            crowd.make_speech(self.pbx, self.folder)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def received(self, callers: int, since: int, deadline_s: float = 20.0) -> list[int]:
        """Return the RTP packets that Asterisk received from each caller who has left.

        ``since`` is an earlier ``log_size()``. Waits until ``callers`` have left, or the deadline.
        """
        end = time.monotonic() + deadline_s
        while True:
            with self._log.open(encoding="utf-8", errors="replace") as log:
                log.seek(since)
                counts = [int(count or 0) for count in re.findall(r"bench received (\d*)", log.read())]
            if len(counts) >= callers or time.monotonic() > end:
                return counts
            time.sleep(POLL_S)

    def log_size(self) -> int:
        """Return where the PBX's log ends now."""
        return self._log.stat().st_size

    def voicemails(self) -> list[int]:
        """Return the RTP packets in each message that VoiceMail stored, and empty its mailboxes."""
        spool = self.pbx.folder / "spool" / "voicemail"
        sizes = [file.stat().st_size for file in spool.glob("default/*/INBOX/msg*.wav")]
        shutil.rmtree(spool, ignore_errors=True)
        return [(size - 44) // (2 * crowd.PACKET_BYTES) for size in sizes]

    @property
    def _log(self) -> Path:
        return self.pbx.folder / "log" / "messages"

    def _environment(self) -> dict[str, str]:
        own = {f"AFTERTONE_{name}": f"127.0.0.1:{port}" for name, port in self._ports.items()}
        own |= {"AFTERTONE_DATA": str(self.folder / "data"), "AFTERTONE_MIN_FREE": "64MiB"}
        return {name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")} | own

    def _aftertone(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bridge.cli", *arguments]

    def _enrol(self) -> None:
        """Make the mailboxes and one member of them all who is a program."""
        store = open_store(self.folder / "data")
        for box in self._boxes:
            store.mailboxes.add(box, box)
        store.close()
        wanted = [word for box in self._boxes for word in ("--mailbox", box)]
        command = self._aftertone("user", "add", "bench", *wanted, "--key-file", str(self.key_file))
        run = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise Unready(f"the bench's user could not be made: {run.stderr.strip()}")

    def _start_bridge(self) -> None:
        self.url = f"http://localhost:{self._ports['HTTP']}"
        with (self.folder / "bridge.log").open("wb") as log:
            self._bridge = subprocess.Popen(
                self._aftertone("serve"),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + READY_S
        while not self._ready():
            if self._bridge.poll() is not None or time.monotonic() > end:
                self._stop_bridge()
                words = (self.folder / "bridge.log").read_text(encoding="utf-8", errors="replace")
                raise Unready(f"the bridge did not start: {words[-2000:]}")
            time.sleep(POLL_S)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def _stop_bridge(self) -> None:
        if self._bridge is None:
            return
        self._bridge.terminate()
        try:
            self._bridge.wait(20.0)
        except subprocess.TimeoutExpired:
            self._bridge.kill()
            self._bridge.wait()
        self._bridge = None
