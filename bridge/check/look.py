"""Looks at this machine, its data folder and the service, and changes nothing."""

import json
import os
import resource
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from bridge import config, health
from bridge.check import certificate, probe
from bridge.check.facts import Data, Facts, Machine, Service, Serving
from bridge.check.swap import may_swap, open_swaps
from bridge.config import PREFIX, Settings
from bridge.errors import StoreError
from bridge.store.disk import free_bytes
from bridge.store.migrations import NEWEST
from bridge.store.secret import NAME
from bridge.store.store import DATABASE, LOCK
from bridge.store.survey import is_served, survey

OTHERS = 0o007


async def look(settings: Settings, environ: Mapping[str, str], file: Path | None) -> Facts:
    """Look at everything that these settings name. Raises SettingError."""
    found = data(settings.data)
    serving = service(settings)
    extensions = found.survey.mailboxes if found.survey is not None else ()
    cert, key = settings.tls_cert, settings.tls_key
    return Facts(
        settings,
        tuple(config.unknown(environ, file)),
        found,
        machine(settings, environ, file),
        serving,
        certificate.look(cert, key) if cert is not None and key is not None else None,
        await probe.look(settings, extensions, serving=serving.http is Serving.READY),
    )


def data(folder: Path) -> Data:
    """Look at a data folder; one that is not there is not made."""
    try:
        found = folder.stat()
    except OSError:
        return Data(exists=False, needed=NEWEST)
    try:
        known, fault = survey(folder), ""
    except StoreError as error:
        known, fault = None, str(error)
    return Data(
        exists=True,
        mode=stat.S_IMODE(found.st_mode),
        owner=found.st_uid,
        fault=fault,
        survey=known,
        needed=NEWEST,
        has_secret=not os.access(folder / DATABASE, os.F_OK) or os.access(folder / NAME, os.F_OK),
        free=free_bytes(folder),
    )


def service(settings: Settings) -> Service:
    """Ask who answers at HTTP."""
    locked = is_served(settings.data)
    try:
        ready, words = health.ask(settings)
        told = json.loads(words)
        recording, pbx = told["recording"], told["pbx"]
    except OSError:
        return Service(locked, Serving.NOBODY)
    except (HTTPException, ValueError, KeyError, TypeError):
        return Service(locked, Serving.STRANGER)
    return Service(locked, Serving.READY if ready else Serving.STARTING, recording, pbx)


def machine(settings: Settings, environ: Mapping[str, str], file: Path | None) -> Machine:
    """Look at what of this machine keeps or tells secrets, and at its clock."""
    server = _server(settings.data / LOCK)
    spool = settings.spool
    return Machine(
        now=datetime.now(UTC),
        user=os.geteuid(),
        swaps=open_swaps(),
        may_swap=may_swap(server) if server is not None else None,
        core_limit=_core_limit(server),
        open_files=tuple(str(path) for path in _secrets(settings, environ, file) if _is_open(path)),
        spool_fault=_fault(spool) if spool is not None else "",
    )


def _server(lock: Path) -> int | None:
    """Return the process that serves the folder, by the lock it holds (proc_locks(5))."""
    try:
        found = lock.stat()
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    pids = [int(words[4]) for words in map(str.split, locks) if len(words) > 5 and words[5] == place]
    return next((pid for pid in pids if pid > 0), None)


def _core_limit(server: int | None) -> int:
    """Return the largest core dump of a process in bytes, of ours where there is none or it is not told."""
    pid = server if server is not None else os.getpid()
    try:
        soft, _hard = resource.prlimit(pid, resource.RLIMIT_CORE)
    except OSError:
        soft, _hard = resource.getrlimit(resource.RLIMIT_CORE)
    return soft


def _secrets(settings: Settings, environ: Mapping[str, str], file: Path | None) -> list[Path]:
    """Return the files that hold a secret."""
    place = file or (Path(environ[f"{PREFIX}CONFIG"]) if environ.get(f"{PREFIX}CONFIG") else None)
    filed = config.read_file(place) if place is not None else {}
    secret = {PREFIX + row.name for row in config.TABLE if row.secret}
    named = [given.get(f"{name}_FILE") for given in (environ, filed) for name in sorted(secret)]
    found = [Path(name) for name in named if name]
    found += [path for path in (settings.tls_key, settings.data / NAME) if path is not None]
    if place is not None and secret & filed.keys():
        found.append(place)
    return found


def _is_open(path: Path) -> bool:
    """Say whether everybody on this machine may read a file; one below a closed folder is not asked."""
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


def _fault(folder: Path) -> str:
    if not folder.is_dir():
        return "it is no folder, or may not be looked at"
    return "" if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "we may not read and write there"
