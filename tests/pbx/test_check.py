"""``aftertone check`` beside a real Asterisk: nothing to mend on ours, and what is spoiled is named."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.check.facts import Dialplan
from bridge.check.finding import Finding, Level
from bridge.check.look import look
from bridge.check.probe import look as look_at_pbx
from bridge.check.report import NOTHING, as_json, findings
from bridge.config import Address, Settings, load
from bridge.phone.pbx import AMI_USER, Extension, Pbx
from tests.control.stage import happens, managed, until
from tests.installation import Installation
from tests.pbx.sipphone import Phone
from tests.pbx.stage import quiet_line

pytestmark = pytest.mark.pbx

WIDE, DEAF, MUTE = "wide", "deaf", "mute"
USERS = f"""
[{WIDE}]
secret=much
read=system,call,dialplan
write=originate,command,call
[{DEAF}]
secret=much
read=user
write=originate
[{MUTE}]
secret=much
read=system
write=user
"""

DOORS = """[extensions](+)
include => doors
[doors]
exten => *97,1,VoiceMailMain()
 same => n,Hangup()
exten => short-call,1,Answer()
 same => n,Hangup()
"""


def ami(pbx: Pbx, user: str = AMI_USER, secret: str = "") -> dict[str, str]:
    """Return the settings of an AMI user."""
    secret = secret or (pbx.ami_secret if user == AMI_USER else "much")
    return {"AMI": f"127.0.0.1:{pbx.ami_port}", "AMI_USER": user, "AMI_SECRET": secret}


def asked(pbx: Pbx, folder: Path, user: str = AMI_USER, secret: str = "", **more: str) -> dict[str, Finding]:
    """Check, in this process; return the findings by id."""
    return found_with({"DATA": str(folder), "HTTP": "127.0.0.1:1", **ami(pbx, user, secret), **more})


def found_with(values: dict[str, str]) -> dict[str, Finding]:
    settings = set_to(values)
    return {one.id: one for one in findings(asyncio.run(look(settings, {}, None)))}


OF_THIS_MACHINE = {"swap", "core", "disk"}


def set_to(values: dict[str, str]) -> Settings:
    return load({f"AFTERTONE_{name}": value for name, value in values.items()})


def settings_of(house: Installation, pbx: Pbx) -> dict[str, str]:
    ports = {"HTTP": house.http, "AGI": house.agi, "AUDIOSOCKET": house.audiosocket}
    return {"DATA": str(house.data), "MIN_FREE": "10MiB", **ports, **ami(pbx)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """A PBX whose parts may be taken out."""
    extensions = [Extension("1001"), Extension("1002")]
    folder = tmp_path_factory.mktemp("check")
    with Pbx(folder / "pbx", extensions=extensions, manager=USERS, extra=DOORS) as made:
        yield made


@contextmanager
def unloaded(pbx: Pbx, module: str) -> Iterator[None]:
    pbx.command(f"module unload {module}.so")
    try:
        yield
    finally:
        pbx.command(f"module load {module}.so")


def to_mend(found: dict[str, Finding]) -> set[str]:
    wrong = {name for name, one in found.items() if one.level in (Level.WARNING, Level.ERROR)}
    return wrong - OF_THIS_MACHINE


def test_a_good_installation_has_nothing_to_mend_and_one_that_is_not_served_only_that(
    pbx: Pbx, tmp_path: Path
) -> None:
    pbx.command("database deltree aftertone-journal")  # calls of earlier tests, whose bridges were away
    with Installation(tmp_path / "house", **ami(pbx)) as house:
        pbx.set_global("AFTERTONE_AGI", house.agi)
        house.run("mailbox", "add", "1001")
        found = found_with(settings_of(house, pbx))
        assert to_mend(found) == set()
        for name in ("service", "dialplan", "pbx-offers", "pbx-sound", "lamp", "ami-rights", "ami-events"):
            assert found[name].level is Level.OK, name
        assert "not yet private: 1001" in found["mailboxes"].what
        assert pbx.ami_secret not in as_json(list(found.values()), NOTHING)
    assert to_mend(asked(pbx, house.data)) == {"service"}
    asyncio.run(quiet_line(pbx))


def test_a_bridge_that_the_pbx_cannot_find_is_told_port_by_port(pbx: Pbx, tmp_path: Path) -> None:
    with Installation(tmp_path / "house", **ami(pbx)) as house:
        values = settings_of(house, pbx)
        pbx.set_global("AFTERTONE_AGI", "127.0.0.1:9")
        lost = found_with(values)
        assert lost["pbx-offers"].level is Level.ERROR
        assert f"AFTERTONE_AGI={house.agi} in [globals]" in lost["pbx-offers"].do
        assert lost["pbx-sound"].what.startswith("not seen")
        pbx.set_global("AFTERTONE_AGI", house.agi)
        assert found_with(values)["pbx-sound"].level is Level.OK
        with unloaded(pbx, "app_audiosocket"):
            dumb = found_with(values)
        assert dumb["pbx-offers"].level is Level.OK
        assert dumb["pbx-modules"].level is Level.ERROR
        assert "app_audiosocket" in dumb["pbx-modules"].what


def test_what_the_pbx_says_of_itself_is_true(own: Pbx) -> None:
    found = asyncio.run(look_at_pbx(set_to(ami(own)), ["1001"], serving=False))
    told = f"{(found.version or 0) // 10_000}.{(found.version or 0) // 100 % 100}"
    assert told in own.version
    assert found.clock_off_s == 0
    assert found.same_zone
    assert found.sentence
    assert found.overheard == ()
    assert all(found.modules.values())


def test_a_door_to_old_mailboxes_is_found_from_the_telephones_that_can_open_it(
    own: Pbx, tmp_path: Path
) -> None:
    found = asyncio.run(look_at_pbx(set_to(ami(own)), ["1001", "1002"], serving=False))
    assert found.dials is not None
    assert set(found.dials) == {
        f"*97 {where}" for where in ("from 1001", "from 1002", "in internal", "in extensions")
    }
    told = asked(own, tmp_path)["dial-in"]
    assert (told.level, "VoiceMailMain" in told.what) == (Level.WARNING, True)
    with unloaded(own, "app_voicemail"):
        assert asked(own, tmp_path)["dial-in"].level is Level.OK
        assert "cannot leave a message" in asked(own, tmp_path)["pbx-modules"].what


def test_questions_leave_nothing_in_the_call_records_and_no_call_behind(own: Pbx) -> None:
    records = own.folder / "log" / "cdr-csv" / "Master.csv"
    records.parent.mkdir()
    (own.folder / "etc" / "cdr.conf").write_text("[general]\nunanswered=yes\n[csv]\nusegmtime=yes\n")
    for command in ("module load cdr_csv.so", "module reload cdr"):
        own.command(command)

    async def story() -> None:
        found = await look_at_pbx(set_to(ami(own)), ["1001"], serving=True)
        assert found.offers is False
        await quiet_line(own)
        # a call of the same kind that is none of ours, so that there is a record to wait for
        async with managed(Address("127.0.0.1", own.ami_port), own.ami_secret, user=AMI_USER) as manager:
            await until(manager, "ready")
            call = [("Channel", "Local/short-call@doors/n"), ("Application", "NoOp")]
            await manager.action("Originate", call)
            await happens(lambda: records.exists() and "short-call" in records.read_text())

    try:
        asyncio.run(story())
        assert "aftertone-check" not in records.read_text()
    finally:
        own.command("module unload cdr_csv.so")


def test_calls_that_the_pbx_keeps_for_a_bridge_that_is_away_are_told(own: Pbx, tmp_path: Path) -> None:
    assert asked(own, tmp_path)["journal"].level is Level.OK
    own.command("database put aftertone-journal/07 1795388180.7 x")
    assert "keeps calls" in asked(own, tmp_path)["journal"].what
    own.command("database deltree aftertone-journal")
    assert asked(own, tmp_path)["journal"].level is Level.OK


def test_no_caller_can_ask(pbx: Pbx) -> None:
    async def story() -> None:
        async with Phone(pbx.sip_port, "outside") as phone:
            for question in ("here", "offers", "yes"):
                call = await phone.call(question)
                await call.until("ended")
                assert call.status == 404, question

    asyncio.run(story())


def test_a_lamp_without_its_module_is_told_with_how_to_load_it(own: Pbx, tmp_path: Path) -> None:
    with unloaded(own, "app_minivm"):
        dark = asked(own, tmp_path)["lamp"]
    assert dark.level is Level.ERROR
    assert "module load app_minivm.so" in dark.do
    assert asked(own, tmp_path)["lamp"].level is Level.OK


def test_a_pbx_that_cannot_be_asked_in_its_own_words_says_less_and_nothing_wrong(
    own: Pbx, tmp_path: Path
) -> None:
    with unloaded(own, "func_version"), unloaded(own, "func_config"):
        found = asked(own, tmp_path)
    assert "core show version" in found["pbx-version"].do
    assert "live_dangerously" in found["live-dangerously"].do
    assert found["dialplan"].level is Level.OK


def test_who_lives_dangerously_is_told(own: Pbx, tmp_path: Path) -> None:
    place = own.folder / "etc" / "asterisk.conf"
    before = place.read_text()
    assert asked(own, tmp_path)["live-dangerously"].level is Level.OK
    try:
        for word in ("yes", "On", "true", "1"):
            place.write_text(before.replace("live_dangerously = no", f"live_dangerously = {word}"))
            found = asked(own, tmp_path)["live-dangerously"]
            assert found.level is Level.ERROR
            assert "live_dangerously = no" in found.do
    finally:
        place.write_text(before)


def test_rights_that_are_too_wide_too_few_or_deaf_are_told(own: Pbx, tmp_path: Path) -> None:
    wide = asked(own, tmp_path, WIDE)
    assert wide["ami-rights"].level is Level.WARNING
    assert "Command" in wide["ami-rights"].what
    assert wide["ami-events"].level is Level.WARNING
    assert "Newchannel" in wide["ami-events"].what
    assert asked(own, tmp_path, DEAF)["ami-events"].level is Level.ERROR
    mute = asked(own, tmp_path, MUTE)
    assert mute["ami-rights"].level is Level.ERROR
    assert "Originate" in mute["ami-rights"].what
    assert mute["dialplan"].what.startswith("not seen")


def test_another_an_older_and_no_dialplan_are_told_and_then_our_own_again(own: Pbx, tmp_path: Path) -> None:
    assert asked(own, tmp_path)["dialplan"].level is Level.OK
    states = []
    for removed in ("extension stamp@aftertone-check", "context aftertone-check", "context aftertone-lamp"):
        own.command(f"dialplan remove {removed}")
        states.append(asyncio.run(look_at_pbx(set_to(ami(own)), (), serving=False)).dialplan)
    assert states == [Dialplan.OTHER, Dialplan.OLD, Dialplan.NONE]
    gone = asked(own, tmp_path)
    assert gone["dialplan"].level is Level.ERROR
    assert gone["lamp"].level is Level.ERROR
    own.command("dialplan reload")
    assert asked(own, tmp_path)["dialplan"].level is Level.OK


def test_a_wrong_secret_and_a_stopped_asterisk_are_told(own: Pbx, tmp_path: Path) -> None:
    refused = asked(own, tmp_path, secret="guess")["ami"]
    assert refused.level is Level.ERROR
    assert "Authentication failed" in refused.what
    assert "AFTERTONE_AMI_SECRET" in refused.do
    own.stop()
    away = asked(own, tmp_path)
    assert away["ami"].level is Level.ERROR
    assert "start Asterisk" in away["ami"].do
    assert away["lamp"].what.startswith("not seen")
