"""A house in which everything is as it should be; each story spoils one thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge import config
from bridge.check.facts import Certificate, Data, Dialplan, Facts, Machine, Pbx, Service, Serving
from bridge.check.pbx import ASKING, HELPING, WORKING
from bridge.store.survey import Survey

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USER = 990
GIB = 1024**3
SURVEY = Survey(version=3, whole=True, mailboxes=("1001", "1002"), newest=int(NOW.timestamp()) - 60)
MODULES = dict.fromkeys((*WORKING, *HELPING, *ASKING, "app_minivm"), True)
MAY = {
    "Ping": frozenset[str](),
    "BridgeKick": frozenset[str](),
    "Originate": frozenset({"originate"}),
}


def settings(**values: str) -> config.Settings:
    """Return settings with AMI on, and these values."""
    chosen = {"DATA": "/var/lib/aftertone", "AMI_USER": "aftertone", "AMI_SECRET": "hush", **values}
    return config.load({f"AFTERTONE_{name}": value for name, value in chosen.items()})


def certificate(**changes: Any) -> Certificate:
    """Return one for notes.example.org, valid for two more months."""
    good = Certificate("", ("notes.example.org",), NOW - timedelta(days=30), NOW + timedelta(days=60))
    return replace(good, **changes)


DATA = Data(exists=True, owner=USER, survey=SURVEY, needed=3, free=50 * GIB)
MACHINE = Machine(now=NOW, user=USER)
SERVICE = Service(locked=True, http=Serving.READY, recording=True, pbx="ready")
PBX = Pbx(
    "ready",
    "logged in",
    may=MAY,
    booted=True,
    dialplan=Dialplan.OURS,
    modules=MODULES,
    version=221001,
    clock_off_s=0,
    same_zone=True,
    offers=True,
    sound=True,
    dangerous=False,
    sentence=True,
    journal=False,
    lamp="MinivmMWI in its dialplan",
    dials=(),
)
GOOD = Facts(settings(), (), DATA, MACHINE, SERVICE, None, PBX)


def data(**changes: Any) -> Facts:
    return replace(GOOD, data=replace(DATA, **changes))


def survey(**changes: Any) -> Facts:
    return data(survey=replace(SURVEY, **changes))


def machine(**changes: Any) -> Facts:
    return replace(GOOD, machine=replace(MACHINE, **changes))


def service(**changes: Any) -> Facts:
    return replace(GOOD, service=replace(SERVICE, **changes))


def pbx(**changes: Any) -> Facts:
    return replace(GOOD, pbx=replace(PBX, **changes))


def without(*modules: str, **changes: Any) -> Facts:
    """A PBX that lacks modules."""
    return pbx(modules={**MODULES, **dict.fromkeys(modules, False)}, **changes)


def set_to(**values: str) -> Facts:
    return replace(GOOD, settings=settings(**values))


def tls(url: str = "https://notes.example.org", **changes: Any) -> Facts:
    """The good certificate, spoiled, at this address."""
    chosen = set_to(PUBLIC_URL=url, TRUSTED_PROXIES="127.0.0.1")
    return replace(chosen, certificate=certificate(**changes))
