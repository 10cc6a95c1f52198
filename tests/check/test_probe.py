"""Asking a PBX that answers as it likes: what is believed, what is found by halving, and when we stop."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bridge.check import probe
from bridge.check.facts import Dialplan, Pbx
from bridge.config import Settings
from bridge.wire.ami import Message
from tests.check.good import settings
from tests.control.pbx import SECRET, USER, FakePbx, Session
from tests.loop import in_loop


def always(_value: str) -> bool:
    return True


def no(_value: str) -> bool:
    return False


@dataclass
class Oracle:
    """A dialplan: which questions it answers. ``says`` overrides; everything else is answered with yes."""

    says: dict[str, Callable[[str], bool]] = field(default_factory=dict)
    rights: dict[str, str] = field(default_factory=lambda: {"Originate": "originate,all", "Ping": "<none>"})
    asked: list[str] = field(default_factory=list)
    dies_at: str = ""

    def rule(self, session: Session, action: Message) -> bool:
        if action.get("Action") == "ListCommands":
            told = [(name, f"About it.  (Priv: {classes})") for name, classes in self.rights.items()]
            session.answer(action, *told)
            return True
        if action.get("Action") != "Originate":
            return False
        question = action.get("Channel").removeprefix("Local/").partition("@")[0]
        values = dict(value.split("=", 1) for value in action.all("Variable"))
        self.asked.append(question)
        if question == self.dies_at:
            session.reset()
            return True
        value = values.get("AFTERTONE_CHECK", "") or values.get("AFTERTONE_CHECK_CONTEXT", "")
        if "AFTERTONE_CHECK_DIALS" in values:
            value += f" {values['AFTERTONE_CHECK_DIALS']}"
        yes = self.says.get(question, always)(value)
        session.answer(action, ("Message", "?"), response="Success" if yes else "Error")
        return True


def at(pbx: FakePbx, **values: str) -> Settings:
    return settings(AMI=str(pbx.address), AMI_USER=USER, AMI_SECRET=SECRET, **values)


async def asked(oracle: Oracle, *mailboxes: str, serving: bool = True) -> Pbx:
    async with FakePbx(oracle.rule) as pbx:
        return await probe.look(at(pbx), mailboxes, serving=serving)


@in_loop
async def test_a_version_is_found_by_halving() -> None:
    oracle = Oracle({"version": lambda number: int(number) <= 221001, "context": no, "dials": no})
    found = await asked(oracle)
    assert found.version == 221001
    assert oracle.asked.count("version") <= 20
    assert found.dialplan is Dialplan.OURS
    assert (found.offers, found.sound) == (True, True)
    assert found.may == {"Originate": frozenset({"originate"}), "Ping": frozenset()}


@pytest.mark.parametrize("off", [-86_400 * 365, -7, 0, 3, 600])
@in_loop
async def test_how_far_a_clock_is_off_is_found_by_halving(off: int) -> None:
    found = await asked(Oracle({"clock": lambda second: time.time() + off >= int(second)}))
    assert found.clock_off_s is not None
    expected = 0 if abs(off) <= 3 else off
    assert abs(found.clock_off_s - expected) <= 3


@in_loop
async def test_a_bridge_that_is_not_served_is_not_looked_for() -> None:
    oracle = Oracle()
    found = await asked(oracle, serving=False)
    assert (found.offers, found.sound) == (None, None)
    assert not {"offers", "sound"} & set(oracle.asked)


@in_loop
async def test_sound_that_does_not_come_is_told_by_a_second_question() -> None:
    assert (await asked(Oracle({"came": no}))).sound is False
    assert (await asked(Oracle({"offers": no}))).sound is None
    assert (await asked(Oracle({"sound": no}))).sound is None


@in_loop
async def test_functions_that_are_not_loaded_are_not_called() -> None:
    lacking = ("func_version", "func_config", "func_dialplan", "func_env")
    oracle = Oracle({"module": lambda name: name not in lacking})
    found = await asked(oracle, "1001")
    assert (found.version, found.dangerous, found.dials, found.sentence) == (None, None, None, None)
    assert not {"version", "dangerous", "dials", "context", "sentence"} & set(oracle.asked)
    assert found.modules["func_version"] is False
    assert (await asked(Oracle({"module": no}))).modules == {}


@in_loop
async def test_numbers_that_can_be_dialled_are_told_but_not_of_a_pattern_for_everything() -> None:
    def dials(where: str) -> bool:
        return where in ("1001 *97", "1002 *97", "1002 *98", "1002 8500", "1002 *9799")

    oracle = Oracle({"dials": dials, "context": lambda where: where == "from-internal *98"})
    found = await asked(oracle, "1001", "1002", "1003")
    assert found.dials == ("*97 from 1001", "*98 in from-internal")


@in_loop
async def test_a_thousand_mailboxes_are_not_all_asked_about() -> None:
    oracle = Oracle({"dials": no})
    await asked(oracle, *(str(number) for number in range(1000)))
    assert oracle.asked.count("dials") == 30


@in_loop
async def test_another_an_older_and_no_dialplan_are_told_apart() -> None:
    other = await asked(Oracle({"stamp": no}))
    assert other.dialplan is Dialplan.OTHER
    assert other.version is not None
    old = await asked(Oracle({"stamp": no, "here": no}))
    assert (old.dialplan, old.version) == (Dialplan.OLD, None)
    none = await asked(Oracle({"stamp": no, "here": no, "show": no}))
    assert (none.dialplan, none.lamp) == (Dialplan.NONE, "")


@in_loop
async def test_a_user_who_may_not_call_is_asked_no_questions() -> None:
    oracle = Oracle(rights={"Ping": "<none>"})
    found = await asked(oracle)
    assert oracle.asked == []
    assert found.dialplan is None
    assert found.may == {"Ping": frozenset()}


@in_loop
async def test_a_pbx_that_goes_away_in_between_is_away() -> None:
    found = await asked(Oracle(dies_at="version"))
    assert found == Pbx("away", found.why)
    assert found.why


@in_loop
async def test_nobody_there_and_a_wrong_secret_are_told() -> None:
    async with FakePbx() as pbx:
        wrong = settings(AMI=str(pbx.address), AMI_USER=USER, AMI_SECRET="guess")
        assert (await probe.look(wrong, (), serving=False)).state == "refused"
    assert (await probe.look(at(pbx), (), serving=False)).state == "away"
    off = settings(AMI_USER="", AMI_SECRET="")
    assert await probe.look(off, (), serving=False) == Pbx("off")


@in_loop
async def test_calls_that_are_overheard_are_told_and_a_boot_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "BOOTED_S", 0.05)

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") == "ListCommands":
            session.tell([("Event", "Newchannel"), ("CallerIDNum", "+4930123456")])
        return Oracle().rule(session, action)

    async with FakePbx(rule) as pbx:
        pbx.booted = False
        found = await probe.look(at(pbx), (), serving=False)
    assert found.overheard == ("Newchannel",)
    assert found.booted is False
    assert not re.search(r"\+49", repr(found))
