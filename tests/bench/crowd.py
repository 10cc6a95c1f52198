"""A crowd of callers who all speak at once: sipp with the scenario ``caller.xml``.

sipp 3.6.1 reads the speech from its working folder and takes RTP ports from ``-mp`` upwards, passing over
taken ones.
"""

import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM

from bridge.errors import Unready
from bridge.phone.pbx import Pbx, free_port

SCENARIO = Path(__file__).with_name("caller.xml")

PROMPTS = ("demo-congrats", "vm-intro")
SPEECH_S = 10
PACKET_BYTES = 160
PACKETS = SPEECH_S * 8000 // PACKET_BYTES
"""What one caller sends: 20 ms of PCMU a packet."""

ARRIVAL_S = 8.0
"""The last caller arrives before the first one leaves: all overlap."""

SLOWEST_RATE = 20.0
"""Callers a second in small crowds."""

GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a crowd did: calls that went as the scenario says, and when each caller said BYE (Unix time)."""

    callers: int
    completed: int
    byes: dict[int, float]

    @property
    def sent(self) -> int:
        """RTP packets that the callers sent."""
        return len(self.byes) * PACKETS


def make_speech(pbx: Pbx, folder: Path) -> None:
    """Write ten seconds of the PBX's own prompts, decoded by itself, to where ``send`` looks for it."""
    sound = b""
    for name in PROMPTS:
        target = folder / f"{name}.ulaw"
        pbx.command(f"file convert {pbx.asterisk.data}/sounds/en/{name}.gsm {target}")
        sound += target.read_bytes()
    if len(sound) < PACKETS * PACKET_BYTES:
        raise Unready("the PBX's prompts are too short to speak with")
    (folder / "speech.ulaw").write_bytes(sound[: PACKETS * PACKET_BYTES])


def send(pbx: Pbx, folder: Path, service: str, callers: int, wait_s: float) -> Crowd:
    """Let callers 1 to ``callers`` dial ``service`` and their number, and speak ``wait_s`` after the answer.

    Returns when all have hung up. Raises Unready when sipp is missing or does not end.
    """
    sipp = shutil.which("sipp")
    if sipp is None:
        raise Unready("sipp is missing: install Debian's package sip-tester")
    rate = max(SLOWEST_RATE, callers / ARRIVAL_S)
    log = folder / "sipp.log"
    command = [
        sipp, f"127.0.0.1:{pbx.sip_port}", "-sf", str(SCENARIO), "-s", service,
        "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(free_port(SOCK_DGRAM)),
        "-mp", str(34000 + 2 * secrets.randbelow(8000)), "-d", str(round(wait_s * 1000)),
        "-m", str(callers), "-l", str(callers), "-r", f"{rate:g}", "-nostdin",
        "-trace_logs", "-log_file", str(log), "-trace_err", "-error_file", str(folder / "sipp.errors"),
    ]  # fmt: skip
    try:
        run = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=callers / rate + wait_s + SPEECH_S + GRACE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unready("sipp did not end: its callers were not answered") from None
    return Crowd(callers, completed(run.stdout), byes(log.read_text(encoding="utf-8")))


def completed(screen: str) -> int:
    """Return the number of successful calls from sipp's last screen."""
    found = re.findall(r"Successful call\s*\|\s*\d+\s*\|\s*(\d+)", screen)
    return int(found[-1]) if found else 0


def byes(log: str) -> dict[int, float]:
    """Return each caller's BYE from the scenario's log lines ``bye CALLER SECONDS MICROSECONDS``."""
    lines = re.findall(r"^bye (\d+) ([\d.]+) ([\d.]+)$", log, re.MULTILINE)
    return {int(caller): float(seconds) + float(micro) / 1e6 for caller, seconds, micro in lines}
