"""Finding an Asterisk to run: one unpacked without root from Debian's archive, else one that is installed."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import Unready

OLDEST = 18
"""Oldest major version that has AudioSocket as an application with everything we use."""

UNPACK_DEADLINE_S = 900.0

MODULE_FOLDERS = ("/usr/lib/*/asterisk/modules", "/usr/lib64/asterisk/modules", "/usr/lib/asterisk/modules",
                  "/usr/local/lib/asterisk/modules", "/usr/local/lib64/asterisk/modules")  # fmt: skip
PROGRAM_FOLDERS = "/usr/sbin:/usr/local/sbin"
"""Where Asterisk is installed; ordinary users often lack these in PATH."""

DATA_FOLDERS = ("/usr/share/asterisk", "/var/lib/asterisk", "/usr/local/share/asterisk")

NEEDED = (
    *("app_audiosocket", "res_audiosocket", "res_agi", "app_dial", "app_exec", "app_playback", "app_stack"),
    *("chan_pjsip", "res_pjsip_registrar", "res_rtp_asterisk", "codec_ulaw", "pbx_config"),
    *("func_channel", "func_strings", "func_logic", "func_db", "func_callerid"),
)
"""Without these the dialplan or the phones cannot work; what else modules.conf names may be absent."""


@dataclass(frozen=True, slots=True)
class Asterisk:
    """One that can be started: ``program`` takes asterisk(8)'s arguments, ``data`` is above sounds/."""

    program: Path
    modules: Path
    data: Path
    version: str


def major(version: str) -> int:
    """Return the major number of what ``asterisk -V`` prints.

    Raises Unready when it is no version (a development build names none).
    """
    found = re.search(r"Asterisk (?:certified/|certified-)?(\d+)", version)
    if found is None:
        raise Unready("asterisk -V printed no version number")
    return int(found[1])


def find(cache: Path | None = None) -> Asterisk:
    """Return an Asterisk to run, unpacking Debian's into ``cache`` on the first call (a quarter of a minute).

    ``cache`` defaults to ``.cache/asterisk`` of the checkout, or of the user where there is no checkout.
    Raises Unready with what to do when there is none.
    """
    try:
        return unpacked(cache or default_cache())
    except Unready as why_not:
        try:
            return installed()
        except Unready as nor_that:
            raise Unready(
                f"No Asterisk to run. Unpacking one: {why_not}. An installed one: {nor_that}. "
                "On Debian check the apt sources and the network; elsewhere install Asterisk "
                f"{OLDEST} or newer with PJSIP, AudioSocket and FastAGI."
            ) from None


def default_cache() -> Path:
    """Return where the unpacked Asterisk lives."""
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file() and os.access(checkout, os.W_OK):
        return checkout / ".cache" / "asterisk"
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "aftertone" / "asterisk"


def unpacked(target: Path) -> Asterisk:
    """Unpack Debian's Asterisk into ``target`` unless it is there; raises Unready where that cannot work."""
    script = Path(__file__).with_name("get-asterisk.sh")
    bash = shutil.which("bash")
    if bash is None:
        raise Unready("bash is missing")
    try:
        run = subprocess.run(
            [bash, str(script), str(target)],
            capture_output=True, text=True, timeout=UNPACK_DEADLINE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unready("the download took more than fifteen minutes") from None
    if run.returncode != 0:
        raise Unready((run.stderr.strip().splitlines() or ["get-asterisk.sh failed"])[-1])
    modules = next(target.glob("usr/lib/*/asterisk/modules"), target)
    found = Asterisk(
        target / "run-asterisk", modules, target / "usr/share/asterisk", run.stdout.strip().splitlines()[-1]
    )
    return checked(found)


def installed() -> Asterisk:
    """Return the Asterisk of this host; raises Unready when there is none that will do."""
    program = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:{PROGRAM_FOLDERS}")
    if program is None:
        raise Unready("none found")
    version = subprocess.run(
        [program, "-V"], capture_output=True, text=True, timeout=10, check=False
    ).stdout.strip()
    roots = [Path(found) for pattern in MODULE_FOLDERS for found in sorted(Path("/").glob(pattern[1:]))]
    data = [Path(folder) for folder in DATA_FOLDERS if (Path(folder) / "sounds").is_dir()]
    if not roots or not data:
        raise Unready("its modules or sounds are not where Asterisk keeps them")
    return checked(Asterisk(Path(program), roots[0], data[0], version))


def checked(found: Asterisk) -> Asterisk:
    """Return ``found``; raises Unready when it is too old or lacks a module we cannot do without."""
    if major(found.version) < OLDEST:
        raise Unready(f"{found.version} is older than {OLDEST}")
    lacking = [name for name in NEEDED if not (found.modules / f"{name}.so").exists()]
    if lacking:
        raise Unready(f"{found.version} lacks the modules {', '.join(lacking)}")
    return found
