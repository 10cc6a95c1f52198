"""``make run``: a PBX, the bridge, its inbox, a telephone nobody answers, and a caller who leaves a note.

Everything runs as this user in one data folder; Ctrl-C ends it all, and the next run goes on with the same
folder. ``AFTERTONE_DATA`` and ``AFTERTONE_HTTP`` choose another folder (default ``./demo-data``) and another
address (default 127.0.0.1:8080).
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from bridge.errors import Unready
from bridge.phone import asterisk, inbox
from bridge.phone.pbx import AMI_USER, Pbx, free_port
from bridge.phone.telephones import POLL_S, Telephones, end, say

MAILBOX, USER, CALLER = "1001", "demo", "1009"
JOINED, NO_SUCH_USER = 3, 4
"""Exit codes of ``aftertone user link``."""

RING_S = 4
SERVE_DEADLINE_S = 60.0
STOP_DEADLINE_S = 15.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Demo:
    """One demo in one folder."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder = folder.resolve()
        self.url = f"http://localhost:{port}"
        self._host, self._port = host, port
        self._log = self.folder / "demo.log"
        self._environment: dict[str, str] = {}

    def run(self) -> None:
        """Show everything until interrupted; raises Unready with what to do."""
        self._claim_address()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log.write_text("")
        with ExitStack() as stack:
            pbx = self._start_pbx(stack)
            server = self._start_server(stack)
            self._wait_for_health(server)
            self._invite()
            telephones = Telephones(pbx, self._log)
            stack.enter_context(telephones.ringing(MAILBOX))
            telephones.leave_note(CALLER, MAILBOX)
            say()
            say(f"The inbox is at {self.url}. Press Enter for another call, Ctrl-C to end everything.")
            while self._wait_for_enter(server):
                telephones.leave_note(CALLER, MAILBOX)

    def _claim_address(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, self._port))
            except OSError as error:
                raise Unready(
                    f"{self._host}:{self._port} cannot be used ({error.strerror}). "
                    "End the program that has it, or choose another port: "
                    "AFTERTONE_HTTP=127.0.0.1:8081 make run"
                ) from None

    def _start_pbx(self, stack: ExitStack) -> Pbx:
        if not (asterisk.default_cache() / ".complete").exists():
            say("Unpacking a telephone system, Asterisk (once, about 170 MB, no root needed)")
        agi = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        pbx = Pbx(self.folder / "pbx", agi=agi, ring_s=RING_S)
        stack.callback(pbx.stop)
        pbx.start()
        say(f"PBX: {pbx.version}, SIP on 127.0.0.1:{pbx.sip_port}")
        self._environment = {
            **os.environ,
            "AFTERTONE_DATA": str(self.folder / "aftertone"),
            "AFTERTONE_HTTP": f"{self._host}:{self._port}",
            "AFTERTONE_AGI": agi,
            "AFTERTONE_AUDIOSOCKET": "127.0.0.1:0",
            "AFTERTONE_PUBLIC_URL": self.url,
            "AFTERTONE_AMI": f"127.0.0.1:{pbx.ami_port}",
            "AFTERTONE_AMI_USER": AMI_USER,
            "AFTERTONE_AMI_SECRET": pbx.ami_secret,
        }
        return pbx

    def _start_server(self, stack: ExitStack) -> "subprocess.Popen[bytes]":
        log = stack.enter_context(self._log.open("ab"))
        server = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", "serve"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, start_new_session=True,
        )  # fmt: skip
        stack.callback(end, server, STOP_DEADLINE_S)
        return server

    def _wait_for_health(self, server: "subprocess.Popen[bytes]") -> None:
        stop = time.monotonic() + SERVE_DEADLINE_S
        while time.monotonic() < stop:
            if server.poll() is not None:
                raise Unready(f"The bridge ended at once. Its log, {self._log}, ends:\n{self._last_words()}")
            if inbox.is_ready(self._host, self._port):
                say(f"Bridge and inbox: ready on {self.url}, log in {self._log}")
                return
            time.sleep(POLL_S)
        raise Unready(f"The bridge is not ready after {SERVE_DEADLINE_S:.0f} s; see {self._log}")

    def _invite(self) -> None:
        """Make mailbox and user on the first run; on a later one say how to log in."""
        made = self._aftertone("user", "link", USER, fine=(0, JOINED, NO_SUCH_USER))
        if made.returncode == NO_SUCH_USER:
            self._aftertone("mailbox", "add", MAILBOX, "--name", "Demo")
            made = self._aftertone("user", "add", USER, "--mailbox", MAILBOX)
        say()
        if made.returncode == 0:
            link = next(line for line in made.stdout.splitlines() if line.startswith("http"))
            say("    Open this link, choose a passphrase, and hear the note:")
            say(f"    {link}")
        else:
            say(f'    Log in at {self.url} as "{USER}" with the passphrase you chose.')
            say("    For a new demo, end this one and choose a new folder: AFTERTONE_DATA=./demo-2 make run")
        say()

    def _aftertone(self, *arguments: str, fine: tuple[int, ...] = (0,)) -> "subprocess.CompletedProcess[str]":
        """Run one command; raises Unready with its words unless its exit code is among ``fine``."""
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
            env=self._environment, start_new_session=True,
        )  # fmt: skip
        if done.returncode not in fine:
            raise Unready(f"`aftertone {' '.join(arguments[:2])}` failed: {done.stderr.strip()}")
        return done

    def _wait_for_enter(self, server: "subprocess.Popen[bytes]") -> bool:
        """Return True for one more call; raises Unready when the bridge has ended by itself."""
        watched = [sys.stdin] if sys.stdin.isatty() else []
        while server.poll() is None:
            if select.select(watched, [], [], 1.0)[0]:
                return bool(sys.stdin.readline())
        raise Unready(f"The bridge ended. Its log, {self._log}, ends:\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])


def interrupt(number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM and a closed terminal as Ctrl-C, and take no second one while everything is ended."""
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    say("\nEnding caller, inbox, bridge and PBX")
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo with the settings of the environment."""
    host, _, port = os.environ.get("AFTERTONE_HTTP", "127.0.0.1:8080").rpartition(":")
    if not host or not port.isdigit():
        say("AFTERTONE_HTTP is not host:port, such as 127.0.0.1:8080")
        return 78
    for each in ENDINGS:
        signal.signal(each, interrupt)
    try:
        Demo(Path(os.environ.get("AFTERTONE_DATA", "demo-data")), host, int(port)).run()
    except KeyboardInterrupt:
        say("Everything has ended. The notes are kept; make run goes on with them.")
        return 0
    except Unready as error:
        say(f"The demo cannot run. {error.user}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
