"""Every setting, in one table: name, default, kind, help.

A value comes from ``AFTERTONE_NAME`` in the environment, else from the file that ``AFTERTONE_NAME_FILE``
names, else from the settings file (lines ``AFTERTONE_NAME=value``, ``#`` comments), else from the default
here.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge import values
from bridge.errors import SettingError

PREFIX = "AFTERTONE_"

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
"""Hosts that mean every address of this machine: good to listen on, no place to be called at."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address; port 0 asks the system for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``load`` made of the table; one field per row, in its order."""

    data: Path
    http: Address
    agi: Address
    audiosocket: Address
    public_url: str
    tls_cert: Path | None
    tls_key: Path | None
    trusted_proxies: tuple[Network, ...]
    peers: tuple[Network, ...]
    max_calls: int
    min_free: int
    spool: Path | None
    note_limit_s: float
    silence_s: float
    speech_min_s: float
    speech_floor_dbfs: float
    tone_purity_percent: float
    noise_even_db: float
    ami: Address
    ami_user: str
    ami_secret: str = field(repr=False)
    ami_tls: bool
    ami_ca: Path | None


def default_data(environ: Mapping[str, str]) -> str:
    """Return systemd's StateDirectory, else the XDG data folder (XDG Base Directory Specification)."""
    if state := environ.get("STATE_DIRECTORY"):
        return state.split(":")[0]
    home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME") or "/var/lib") / ".local/share")
    return str(Path(home) / "aftertone")


def address(example: str) -> Callable[[str], Address]:
    """Return a reader of ``host:port``; it raises ValueError("host:port, such as " the example)."""

    def read(text: str) -> Address:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})", text)
        if not match or int(match[2]) > 65535:
            raise ValueError(f"host:port, such as {example}")
        return Address(match[1].strip("[]"), int(match[2]))

    return read


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("addresses or networks with commas between, such as 10.0.0.5,10.1.0.0/24") from None


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table; ``read`` turns text into the value or raises ValueError(what would be right).

    The value of a ``secret`` is never told, not even when it is wrong.
    """

    name: str
    default: str
    read: Callable[[str], Any]
    help: str
    secret: bool = False


TABLE = (
    Setting(
        "DATA",
        "~/.local/share/aftertone",
        values.folder,
        "folder of database, notes and server secret (0700)",
    ),
    Setting("HTTP", "127.0.0.1:8080", address("127.0.0.1:8080"), "where the inbox and its API listen"),
    Setting("AGI", "127.0.0.1:4573", address("127.0.0.1:4573"), "where the PBX offers calls (FastAGI)"),
    Setting(
        "AUDIOSOCKET",
        "127.0.0.1:9092",
        address("127.0.0.1:9092"),
        "where the PBX brings the sound (AudioSocket)",
    ),
    Setting(
        "PUBLIC_URL",
        "",
        values.url,
        "address of the inbox as browsers see it; default: from HTTP and TLS_CERT",
    ),
    Setting("TLS_CERT", "", values.file, "certificate chain (PEM); with TLS_KEY the inbox speaks https"),
    Setting("TLS_KEY", "", values.file, "private key of TLS_CERT (PEM)"),
    Setting("TRUSTED_PROXIES", "", _networks, "reverse proxies whose X-Forwarded-* headers are believed"),
    Setting("PEERS", "127.0.0.0/8,::1", _networks, "PBX hosts that may connect to AGI and AUDIOSOCKET"),
    Setting(
        "MAX_CALLS", "250", values.count(1, 2000), "callers recorded at once; further ones get the fallback"
    ),
    Setting("MIN_FREE", "1GiB", values.size, "below this much free disk nothing new is recorded"),
    Setting(
        "SPOOL",
        "",
        values.folder_or_none,
        "app_voicemail's folder, such as /var/spool/asterisk/voicemail: what it recorded becomes notes",
    ),
    Setting("NOTE_LIMIT_S", "180", values.seconds(5, 3600), "longest note, in seconds"),
    Setting("SILENCE_S", "10", values.seconds(2, 600), "silence that ends a note, in seconds"),
    Setting(
        "SPEECH_MIN_S", "1", values.seconds(0, 60), "with less speech a row reads: no speech heard; no lamp"
    ),
    Setting("SPEECH_FLOOR_DBFS", "-48", values.number("dBFS", -90, -10), "what is quieter is silence"),
    Setting(
        "TONE_PURITY_PERCENT",
        "95",
        values.number("percent", 50, 100),
        "share of its power that a busy tone has in its own frequencies; 100: no tone is told from speech",
    ),
    Setting(
        "NOISE_EVEN_DB",
        "2",
        values.number("dB", 0, 20),
        "hum and hiss move no more than this within half a second; 0: all of it is speech",
    ),
    Setting("AMI", "127.0.0.1:5038", address("127.0.0.1:5038"), "where the PBX's manager interface listens"),
    Setting("AMI_USER", "", values.word, "its user (dialplan/manager.aftertone.conf); empty: no lamp"),
    Setting(
        "AMI_SECRET", "", values.word, "secret of AMI_USER; better in a file: AMI_SECRET_FILE", secret=True
    ),
    Setting("AMI_TLS", "off", values.switch, "on: speak TLS to AMI (its tlsenable and tlsbindaddr)"),
    Setting("AMI_CA", "", values.file, "CA (PEM) of the PBX's certificate; default: those of the system"),
)


def read_file(path: Path) -> dict[str, str]:
    """Return the ``AFTERTONE_NAME=value`` pairs of a settings file.

    Raises SettingError naming file and line for anything else than pairs, comments and blank lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"settings file {path} cannot be read: {error}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(rf"{PREFIX}[A-Z0-9_]+", name.strip()):
            raise SettingError(f"{path} line {number}: expected {PREFIX}NAME=value")
        found[name.strip()] = value.strip().strip('"')
    return found


def unknown(environ: Mapping[str, str], file: Path | None = None) -> list[str]:
    """Return a sentence for each ``AFTERTONE_*`` name that this version does not read (a typo, mostly).

    Environment and settings file are looked at as ``load`` does, and SettingError is raised as there.
    """
    known = [PREFIX + row.name for row in TABLE]
    readable = {*known, *(f"{name}_FILE" for name in known)}
    allowed = {*readable, f"{PREFIX}CONFIG", f"{PREFIX}HEARTBEAT_FD"}
    place = _settings_file(environ, file)
    strange = [(name, name) for name in sorted(environ) if name.startswith(PREFIX) and name not in allowed]
    if place is not None:
        filed = sorted(read_file(place))
        strange += [(name, f"{name} in {place}") for name in filed if name not in readable]
    sentences = []
    for name, where in strange:
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        sentences.append(f"{where} is not a setting of this version and is ignored{hint}")
    return sentences


def _settings_file(environ: Mapping[str, str], file: Path | None) -> Path | None:
    if file is None and environ.get(f"{PREFIX}CONFIG"):
        return Path(environ[f"{PREFIX}CONFIG"])
    return file


def _value(row: Setting, environ: Mapping[str, str], filed: Mapping[str, str], place: str) -> Any:
    name = PREFIX + row.name
    for given, source in ((environ, f"environment variable {name}"), (filed, f"{name} in {place}")):
        if name in given:
            text, where = given[name], source
            break
        if f"{name}_FILE" in given:
            where = f"the file named by {name}_FILE"
            text = _read_value(Path(given[f"{name}_FILE"]), where)
            break
    else:
        text, where = row.default, f"{name} (default)"
    try:
        return row.read(text.strip())
    except ValueError as error:
        shown = "not shown, being a secret" if row.secret else repr(text)
        raise SettingError(f"{where} is {shown}; it must be {error}") from (None if row.secret else error)


def _read_value(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{where} cannot be read: {error}") from error


def load(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Return the settings of this process.

    Raises SettingError naming the first setting that cannot be used, its place and what would be right.
    """
    file = _settings_file(environ, file)
    filed = read_file(file) if file is not None else {}
    if f"{PREFIX}DATA_FILE" not in filed:
        filed = {f"{PREFIX}DATA": default_data(environ)} | filed
    chosen = {row.name.lower(): _value(row, environ, filed, str(file)) for row in TABLE}
    if (chosen["tls_cert"] is None) != (chosen["tls_key"] is None):
        raise SettingError(f"{PREFIX}TLS_CERT and {PREFIX}TLS_KEY go together; one of them is missing")
    if bool(chosen["ami_user"]) != bool(chosen["ami_secret"]):
        raise SettingError(f"{PREFIX}AMI_USER and {PREFIX}AMI_SECRET go together; one of them is missing")
    if chosen["ami_ca"] is not None and not chosen["ami_tls"]:
        raise SettingError(f"{PREFIX}AMI_CA is used only with {PREFIX}AMI_TLS=on")
    if not chosen["public_url"]:
        chosen["public_url"] = _own_url(chosen["http"], tls=chosen["tls_cert"] is not None)
    return Settings(**chosen)


def is_loopback(host: str) -> bool:
    """Whether a host name (without port) is localhost, below it, or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def insecure(settings: Settings) -> str | None:
    """Return a sentence for who has set up an inbox that browsers will not open notes in, else None."""
    url = urlsplit(settings.public_url)
    if url.scheme == "https" or (is_loopback(url.hostname or "") and is_loopback(settings.http.host)):
        return None
    return (
        f"the inbox listens on {settings.http} as {settings.public_url}: browsers on other machines open"
        f" notes only over https. Set {PREFIX}TLS_CERT and {PREFIX}TLS_KEY, or put a reverse proxy in front"
        f" and name it in {PREFIX}PUBLIC_URL"
    )


def _own_url(http: Address, *, tls: bool) -> str:
    # 127.0.0.1 is a secure context for WebCrypto but not a name that passkeys accept; localhost is both.
    host = "localhost" if http.host in ("127.0.0.1", "::1", *ANYWHERE) else str(http).rpartition(":")[0]
    return f"{'https' if tls else 'http'}://{host}:{http.port}"
