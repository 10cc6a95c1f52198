"""Each finding comes when something is wrong, says what to do, and goes when it is mended."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest

from bridge.check.facts import Dialplan, Facts, Pbx, Serving
from bridge.check.finding import Finding, Level
from bridge.check.report import CHECKS, findings
from tests.check.good import (
    GIB,
    GOOD,
    MAY,
    NOW,
    data,
    machine,
    pbx,
    service,
    set_to,
    survey,
    tls,
    without,
)

NOTE, WARNING, ERROR = Level.NOTE, Level.WARNING, Level.ERROR


class Spoiled(NamedTuple):
    """``what`` and ``do`` are words of the finding."""

    facts: Facts
    id: str
    level: Level
    what: str
    do: str


WIDE = {**MAY, "Command": frozenset({"command"}), "Hangup": frozenset({"system", "call"})}
CALLS = {**MAY, "MWIUpdate": frozenset({"call"}), "Hangup": frozenset({"system", "call"})}
OFF = replace(set_to(AMI_USER="", AMI_SECRET=""), pbx=Pbx("off"))
STOPPED = service(http=Serving.NOBODY, locked=False)
FAR = {"AMI": "10.0.0.5:5039", "AGI": "10.0.0.6:4573", "AUDIOSOCKET": "10.0.0.6:9092"}

SPOILED = {
    "a typo": Spoiled(
        replace(GOOD, unknown=("AFTERTONE_DTA is not a setting",)), "settings", WARNING, "DTA", "correct"
    ),
    "a secret for all": Spoiled(
        machine(open_files=("/etc/aftertone.conf",)),
        "secrets",
        WARNING,
        "/etc/aftertone.conf",
        "chmod o-rwx /etc/aftertone.conf",
    ),
    "no folder": Spoiled(data(exists=False, survey=None), "data", WARNING, "no data folder", "serve"),
    "another's folder": Spoiled(data(owner=0), "data", ERROR, "uid 0", "as the user of the service"),
    "an open folder": Spoiled(data(mode=0o750), "data", ERROR, "mode 750", "chmod 700 /var/lib/aftertone"),
    "no server secret": Spoiled(data(has_secret=False), "data", ERROR, "no server secret", "backup"),
    "no database": Spoiled(
        data(survey=None, fault="no such table"), "database", ERROR, "no such table", "restore"
    ),
    "a damaged database": Spoiled(survey(whole=False), "database", ERROR, "damaged", "restore"),
    "a newer database": Spoiled(survey(version=9), "database", ERROR, "9", "newer Aftertone"),
    "an older database": Spoiled(survey(version=1), "database", WARNING, "version 1", "restart"),
    "a full disk": Spoiled(data(free=GIB // 2), "disk", ERROR, "0.5 GiB free", "make room"),
    "an almost full disk": Spoiled(data(free=3 * GIB // 2), "disk", WARNING, "1.5 GiB", "soon"),
    "1970": Spoiled(machine(now=NOW.replace(year=1970)), "clock", ERROR, "1970-11-22", "NTP"),
    "rows of tomorrow": Spoiled(
        survey(newest=int(NOW.timestamp()) + 86_400), "clock", ERROR, "before the newest row", "NTP"
    ),
    "swap": Spoiled(machine(swaps=("/dev/sda2",)), "swap", WARNING, "/dev/sda2", "MemorySwapMax=0"),
    "core dumps": Spoiled(machine(core_limit=-1), "core", WARNING, "memory", "LimitCORE=0"),
    "not served": Spoiled(STOPPED, "service", WARNING, "does not run", "aftertone serve"),
    "served elsewhere": Spoiled(service(http=Serving.NOBODY), "service", ERROR, "8080", "--config FILE"),
    "starting": Spoiled(service(http=Serving.STARTING), "service", WARNING, "not ready", "wait"),
    "a stranger's port": Spoiled(service(http=Serving.STRANGER), "service", ERROR, "8080", "AFTERTONE_HTTP"),
    "another folder": Spoiled(service(locked=False), "service", ERROR, "another data folder", "--config"),
    "not recording": Spoiled(service(recording=False), "service", ERROR, "does not record", "log"),
    "http for all": Spoiled(
        set_to(HTTP="0.0.0.0:8080"), "origin", ERROR, "only over https", "AFTERTONE_TLS_CERT"
    ),
    "an untrusted proxy": Spoiled(
        set_to(PUBLIC_URL="https://notes.example.org"), "origin", WARNING, "proxy", "TRUSTED_PROXIES"
    ),
    "a wrong key": Spoiled(tls(fault="not the key of"), "tls", ERROR, "not the key of", "its own key"),
    "an ended certificate": Spoiled(
        tls(ends_at=NOW - timedelta(days=1)), "tls", ERROR, "2026-11-21", "renew AFTERTONE_TLS_CERT"
    ),
    "one of tomorrow": Spoiled(tls(begins_at=NOW + timedelta(days=1)), "tls", ERROR, "2026-11-23", "renew"),
    "one that ends soon": Spoiled(tls(ends_at=NOW + timedelta(days=7)), "tls", WARNING, "11-29", "renew"),
    "another's name": Spoiled(
        tls("https://other.example.org"), "tls", ERROR, "not for other.example.org", "AFTERTONE_PUBLIC_URL"
    ),
    "a star for two labels": Spoiled(
        tls("https://a.notes.example.org", names=("*.example.org",)), "tls", ERROR, "not for a.", "name"
    ),
    "everybody is the PBX": Spoiled(set_to(PEERS="0.0.0.0/0"), "peers", ERROR, "0.0.0.0/0", "alone"),
    "sixteen million PBXs": Spoiled(set_to(PEERS="10.0.0.0/8,::1"), "peers", ERROR, "10.0.0.0/8", "alone"),
    "nobody is the PBX": Spoiled(set_to(PEERS=","), "peers", ERROR, "empty", "name the PBX"),
    "open ports for nobody": Spoiled(
        set_to(AGI="0.0.0.0:4573"), "peers", WARNING, "AFTERTONE_AGI (0.0.0.0:4573)", "127.0.0.1"
    ),
    "a peer that cannot come": Spoiled(set_to(PEERS="10.0.0.5"), "peers", NOTE, "10.0.0.5", "AFTERTONE_AGI"),
    "a PBX beyond the wire": Spoiled(
        set_to(PEERS="10.0.0.5", **FAR), "peers", NOTE, "not encrypted", "WireGuard"
    ),
    "AMI in the clear": Spoiled(
        set_to(PEERS="10.0.0.5", **FAR), "ami-wire", WARNING, "10.0.0.5:5039", "AFTERTONE_AMI_TLS=on"
    ),
    "AMI off": Spoiled(
        replace(OFF, service=replace(OFF.service, pbx="off")), "ami", NOTE, "stay dark", "AFTERTONE_AMI_USER"
    ),
    "AMI of the service alone": Spoiled(OFF, "ami", NOTE, "does not know", "LoadCredential"),
    "AMI away": Spoiled(
        replace(GOOD, pbx=Pbx("away", "nobody answers there")),
        "ami",
        ERROR,
        "nobody answers",
        "enabled = yes",
    ),
    "AMI refused": Spoiled(
        replace(service(pbx="refused"), pbx=Pbx("refused", "the PBX says: Authentication failed")),
        "ami",
        ERROR,
        "Authentication failed",
        "manager.conf",
    ),
    "AMI for one only": Spoiled(
        replace(GOOD, pbx=Pbx("refused", "no")), "ami", NOTE, "not this check", "allowmultiplelogin"
    ),
    "too few rights": Spoiled(
        pbx(may={"Ping": frozenset()}), "ami-rights", ERROR, "Originate", "write = originate"
    ),
    "too many rights": Spoiled(pbx(may=WIDE), "ami-rights", WARNING, "Command, Hangup", "nothing else"),
    "the right to call": Spoiled(pbx(may=CALLS), "ami-rights", NOTE, "hang up", "write = originate"),
    "a boot that is not told": Spoiled(pbx(booted=False), "ami-events", ERROR, "booted", "read = system"),
    "calls overheard": Spoiled(
        pbx(overheard=("Newchannel",)), "ami-events", WARNING, "Newchannel", "eventfilter"
    ),
    "an old Asterisk": Spoiled(pbx(version=162800), "pbx-version", ERROR, "Asterisk 16.28.0", "install"),
    "an Asterisk without fixes": Spoiled(pbx(version=182601), "pbx-version", WARNING, "18.26.1", "LTS"),
    "no AudioSocket": Spoiled(
        without("app_audiosocket"), "pbx-modules", ERROR, "app_audiosocket", "load = app_audiosocket.so"
    ),
    "no A-law": Spoiled(without("codec_alaw"), "pbx-modules", WARNING, "A-law are not heard", "codec_alaw"),
    "a dangerous life": Spoiled(
        pbx(dangerous=True), "live-dangerously", ERROR, "start programs", "live_dangerously = no"
    ),
    "a late PBX": Spoiled(pbx(clock_off_s=-780), "pbx-clock", WARNING, "13 minutes behind ours", "NTP"),
    "an early PBX": Spoiled(pbx(clock_off_s=5), "pbx-clock", WARNING, "5 seconds ahead of ours", "NTP"),
    "a PBX elsewhere": Spoiled(pbx(same_zone=False), "pbx-clock", NOTE, "another time zone", ""),
    "another dialplan": Spoiled(
        pbx(dialplan=Dialplan.OTHER), "dialplan", WARNING, "another version", "dialplan reload"
    ),
    "an older dialplan": Spoiled(
        pbx(dialplan=Dialplan.OLD), "dialplan", WARNING, "older version", "dialplan reload"
    ),
    "no dialplan": Spoiled(pbx(dialplan=Dialplan.NONE), "dialplan", ERROR, "no dialplan", "#include"),
    "offers that go astray": Spoiled(
        pbx(offers=False), "pbx-offers", ERROR, "PEERS", "AFTERTONE_AGI=127.0.0.1:4573 in [globals]"
    ),
    "offers from afar": Spoiled(
        replace(set_to(AMI="10.0.0.5:5038"), pbx=pbx(offers=False).pbx),
        "pbx-offers",
        ERROR,
        "firewall",
        "as the PBX reaches it, port 4573",
    ),
    "offers untried": Spoiled(STOPPED, "pbx-offers", NOTE, "does not run", "again"),
    "sound that goes astray": Spoiled(pbx(sound=False), "pbx-sound", ERROR, "127.0.0.1:9092", "firewall"),
    "sound untried": Spoiled(STOPPED, "pbx-sound", NOTE, "does not run", "again"),
    "calls not filed": Spoiled(pbx(journal=True), "journal", WARNING, "not filed yet", "log"),
    "calls that wait": Spoiled(
        replace(STOPPED, pbx=pbx(journal=True).pbx), "journal", NOTE, "until it runs", "aftertone serve"
    ),
    "no sentence": Spoiled(pbx(sentence=False), "pbx-sentence", WARNING, "only the tone", "core sounds"),
    "no app_minivm": Spoiled(
        without("app_minivm", lamp=""), "lamp", ERROR, "app_minivm is not loaded", "module load app_minivm.so"
    ),
    "no way to the lamp": Spoiled(pbx(lamp=""), "lamp", ERROR, "aftertone-lamp", "ami-rights"),
    "no lamps": Spoiled(OFF, "lamp", NOTE, "off without AMI", ""),
    "failing lamps": Spoiled(survey(failing=3), "lamps", WARNING, "3 lamps", "`lamp`"),
    "an open door": Spoiled(
        pbx(dials=("*97 from 1001",)), "dial-in", WARNING, "*97 from 1001", "aftertone import voicemail"
    ),
    "a closed spool": Spoiled(
        replace(set_to(SPOOL="/"), machine=machine(spool_fault="we may not read and write there").machine),
        "spool",
        ERROR,
        "may not read",
        "AFTERTONE_SPOOL",
    ),
    "nobody's mailbox": Spoiled(survey(unclaimed=("1002",)), "mailboxes", NOTE, "1002", "user add"),
    "a silent extension": Spoiled(
        survey(silent=("1002",)), "lines", NOTE, "no call has come to 1002", "ring"
    ),
}


def finding(facts: Facts, name: str) -> Finding:
    [found] = [one for one in findings(facts) if one.id == name]
    return found


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_what_is_wrong_is_named_with_what_to_do(spoiled: Spoiled) -> None:
    found = finding(spoiled.facts, spoiled.id)
    assert found.level is spoiled.level
    assert spoiled.what in found.what
    assert spoiled.do in found.do
    assert found.do or found.level is NOTE


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_it_is_gone_when_it_is_mended(spoiled: Spoiled) -> None:
    mended = finding(GOOD, spoiled.id)
    assert mended.what != finding(spoiled.facts, spoiled.id).what
    assert mended.level is Level.OK or mended.id == "lines"


def test_every_check_has_a_story_of_its_own() -> None:
    assert {one.id for one in findings(GOOD)} == {spoiled.id for spoiled in SPOILED.values()}
    assert len(findings(GOOD)) == len(CHECKS)


ASKED = {
    *("ami-rights", "ami-events", "pbx-version", "pbx-modules", "pbx-clock", "live-dangerously"),
    *("dialplan", "pbx-offers", "pbx-sound", "journal", "pbx-sentence", "dial-in"),
}


@pytest.mark.parametrize("state", ["off", "away", "refused"])
def test_what_a_silent_pbx_does_not_tell_is_said_with_the_command_that_shows_it(state: str) -> None:
    facts = replace(GOOD, pbx=Pbx(state))  # type: ignore[arg-type]
    for name in ASKED:
        found = finding(facts, name)
        assert found.level is NOTE
        assert found.what.startswith("not seen: ")
        assert found.do.startswith("look on the PBX: ")


def test_an_old_dialplan_is_why_nothing_could_be_asked() -> None:
    facts = replace(GOOD, pbx=Pbx("ready", may=MAY, booted=True, dialplan=Dialplan.OLD, lamp="x"))
    assert "no dialplan that can be asked" in finding(facts, "pbx-version").what
    assert "no dialplan that can be asked" in finding(facts, "live-dangerously").what


def test_what_only_warns_of_nothing_is_no_warning() -> None:
    assert finding(machine(swaps=("/dev/sda2",), may_swap=False), "swap").level is Level.OK
    assert finding(tls("https://a.example.org", names=("*.example.org",)), "tls").level is Level.OK
    assert finding(set_to(PEERS="127.0.0.0/8,::1"), "peers").level is Level.OK
    assert finding(without("app_voicemail"), "dial-in").level is Level.OK
    assert finding(set_to(AMI_TLS="on", **FAR), "ami-wire").level is Level.OK
    assert finding(set_to(SPOOL="/"), "spool").level is Level.OK


def test_a_hundred_mailboxes_are_counted_and_not_all_named() -> None:
    many = tuple(str(number) for number in range(1000, 1100))
    told = finding(survey(unclaimed=many), "mailboxes").what
    assert "1009 and 90 more" in told
    assert "1010" not in told
