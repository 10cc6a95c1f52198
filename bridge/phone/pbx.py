"""A whole Asterisk of our own for the demo and the tests: one per folder, on ports of its own.

It listens on 127.0.0.1 only, keeps configuration, AstDB, spool, logs and run files in its folder, and is
stopped through its own control socket. ``python -m bridge.phone.pbx FOLDER`` runs one until Ctrl-C.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import Unready
from bridge.phone import asterisk
from bridge.phone.configuration import Extension, demo_extensions, write

__all__ = ["Extension", "Pbx", "demo_extensions", "free_port"]

DIALPLAN = Path(__file__).parents[2] / "dialplan" / "aftertone.conf"
MANAGER = DIALPLAN.with_name("manager.aftertone.conf")
AMI_USER = "aftertone"

RTP_PORTS = 2000
"""Ports of one PBX's RTP range: 500 calls with two legs of two ports each."""

QUIET = range(10000, 32000)
"""Ports below the kernel's usual ephemeral range: no other program is given one of them by chance."""

SOCKET_PATH_LIMIT = 100
"""A Unix socket's path has 108 bytes (unix(7)); Asterisk appends ``/asterisk.ctl``."""

POLL_S = 0.05


class Pbx:
    """One Asterisk. ``start`` and ``stop`` block; a context manager does both.

    ``sip_port`` is its UDP port on 127.0.0.1 (0: a free one), ``ami_port`` the manager's, whose AMI_USER
    has ``ami_secret``; a second ``start`` has the same ports.
    ``agi`` is the bridge's FastAGI address as ``host:port``; ``set_global`` changes it while it runs.
    ``extra`` is appended to extensions.conf, ``extra_pjsip`` to pjsip.conf, ``manager`` to manager.conf
    (tests and measurements).
    """

    def __init__(
        self,
        folder: Path,
        *,
        extensions: Sequence[Extension] = (),
        agi: str = "127.0.0.1:4573",
        ring_s: int = 20,
        sip_port: int = 0,
        manager: str = "",
        extra: str = "",
        extra_pjsip: str = "",
        found: asterisk.Asterisk | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.extensions = tuple(extensions) or demo_extensions()
        self.asterisk = found or asterisk.find()
        self.sip_port = sip_port
        self.ami_port = 0
        self.ami_secret = secrets.token_hex(16)
        self._agi = agi
        self._ring_s = ring_s
        self._manager = manager
        self._extra = extra
        self._extra_pjsip = extra_pjsip
        self._process: subprocess.Popen[bytes] | None = None
        self._run = self.folder / "run"
        self._short_run: Path | None = None
        if len(os.fsencode(self._run)) > SOCKET_PATH_LIMIT - len("/asterisk.ctl"):
            self._short_run = self._run = Path(tempfile.mkdtemp(prefix="aftertone-pbx-"))

    @property
    def version(self) -> str:
        """What ``asterisk -V`` printed."""
        return self.asterisk.version

    @property
    def pid(self) -> int:
        """The running Asterisk's process id; raises Unready when it does not run."""
        if self._process is None:
            raise Unready("the PBX is not running")
        return self._process.pid

    def extension(self, number: str) -> Extension:
        """Return one telephone by its number; raises KeyError."""
        for one in self.extensions:
            if one.number == number:
                return one
        raise KeyError(number)

    def start(self, deadline_s: float = 30.0) -> None:
        """Start it and wait until it takes calls; raises Unready with its log's end when it does not."""
        if self._process is not None:
            raise Unready("this PBX runs already")
        if (self._run / "asterisk.ctl").exists():
            self._leave_no_predecessor()
        self.sip_port = self.sip_port or free_port(socket.SOCK_DGRAM)
        self.ami_port = self.ami_port or quiet_port()
        self._configure()
        output = (self.folder / "log" / "console").open("wb")
        with output:
            self._process = subprocess.Popen(
                [str(self.asterisk.program), "-f", "-C", str(self.folder / "etc" / "asterisk.conf")],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + deadline_s
        while True:
            if self._process.poll() is not None:
                self._process = None
                raise Unready(f"Asterisk ended at once; {self._last_words()}")
            if self._booted():
                return
            if time.monotonic() > end:
                self.kill()
                raise Unready(f"Asterisk did not start within {deadline_s:.0f} s; {self._last_words()}")
            time.sleep(POLL_S)

    def stop(self, deadline_s: float = 5.0) -> None:
        """Stop it now, dropping calls; kill it when it has not ended after ``deadline_s``. Again: nothing."""
        if self._process is None:
            return
        with contextlib.suppress(Unready):
            self.command("core stop now")
        try:
            self._process.wait(deadline_s)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()
        if self._short_run is not None:
            shutil.rmtree(self._short_run, ignore_errors=True)

    def kill(self) -> None:
        """Kill it as a power cut would (SIGKILL to its own process only)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, text: str, deadline_s: float = 10.0) -> str:
        """Return what a console command printed; raises Unready when the PBX does not take it."""
        try:
            run = subprocess.run(
                [str(self.asterisk.program), "-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", text],
                capture_output=True, text=True, errors="replace", timeout=deadline_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unready("the PBX does not answer its console") from None
        if run.returncode != 0:
            raise Unready("the PBX does not take console commands")
        return run.stdout

    def set_global(self, name: str, value: str) -> None:
        """Set a global dialplan variable of the running PBX."""
        self.command(f"dialplan set global {name} {value}")

    def prompt(self, name: str) -> bytes:
        """Return one of its sentences, such as ``en/vm-goodbye``: 16-bit little-endian PCM at 8 kHz.

        Raises Unready when it has none of that name as GSM (Debian's packages hold no other form).
        """
        target = self.folder / f"{name.replace('/', '-')}.sln"
        self.command(f"file convert {self.asterisk.data}/sounds/{name}.gsm {target}")
        if not target.exists():
            raise Unready(f"the PBX has no prompt {name}")
        sound = target.read_bytes()
        target.unlink()
        return sound

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _booted(self) -> bool:
        if not (self._run / "asterisk.ctl").exists():
            return False
        try:
            return "fully booted" in self.command("core waitfullybooted")
        except Unready:
            return False

    def _leave_no_predecessor(self) -> None:
        """End an Asterisk that an interrupted run left here: it answers on this folder's own socket."""
        with contextlib.suppress(Unready):
            self.command("core stop now")
        end = time.monotonic() + 5.0
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX) as control:
                try:
                    control.connect(str(self._run / "asterisk.ctl"))
                except OSError:
                    return
            time.sleep(POLL_S)
        raise Unready(f"an Asterisk runs already in {self.folder} and does not end")

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("messages", "console"):
            with contextlib.suppress(OSError):
                lines += (self.folder / "log" / name).read_text(errors="replace").splitlines()[-4:]
        return "its log ends: " + " / ".join(lines)

    def _configure(self) -> None:
        for name in ("etc", "lib/keys", "spool", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._run.mkdir(exist_ok=True)
        self.folder.chmod(0o700)
        first = QUIET.start + 2 * secrets.randbelow((len(QUIET) - RTP_PORTS) // 2)
        values = {
            "FOLDER": str(self.folder),
            "RUN": str(self._run),
            "MODULES": str(self.asterisk.modules),
            "SOUNDS_PARENT": str(self.asterisk.data),
            "DIALPLAN": str(DIALPLAN),
            "SIP": str(self.sip_port),
            "RTP_FIRST": str(first),
            "RTP_LAST": str(first + RTP_PORTS - 1),
            "AGI": self._agi,
            "RING": str(self._ring_s),
            "MANAGER": str(MANAGER),
            "AMI": str(self.ami_port),
            "AMI_SECRET": self.ami_secret,
        }
        more = {
            "pjsip.conf": self._extra_pjsip,
            "extensions.conf": self._extra,
            "manager.conf": self._manager,
        }
        write(self.folder / "etc", values, self.extensions, more)


def free_port(kind: int) -> int:
    """Return a port of 127.0.0.1 that is free now (``kind``: SOCK_DGRAM or SOCK_STREAM)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def quiet_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now, also after its owner was stopped and started."""
    while True:
        port = secrets.choice(QUIET)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def main(arguments: Sequence[str]) -> int:
    """Run one PBX in the named folder until it is interrupted."""
    if len(arguments) != 1:
        print("usage: python -m bridge.phone.pbx FOLDER", file=sys.stderr)
        return 2
    try:
        with Pbx(Path(arguments[0])) as pbx:
            print(pbx.version)
            print(f"SIP on 127.0.0.1:{pbx.sip_port}")
            for one in pbx.extensions:
                print(f"extension {one.number} ({one.language}), password {one.password}", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    except Unready as error:
        print(error.user, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
