"""The dialplan carries a hash of itself, by which a PBX is asked whether it has this one."""

import hashlib
import re
from pathlib import Path

import pytest

from bridge.check.dialling import dialplan
from bridge.check.facts import Dialplan
from bridge.check.probe import stamp
from tests.check.good import pbx

DIALPLAN = Path(__file__).parents[2] / "dialplan" / "aftertone.conf"
LINE = "exten => stamp,"


def stamp_of(text: str) -> str:
    """Return the hash of the lines that Asterisk reads, but for the one that holds it."""
    lines = [line.strip() for line in text.splitlines()]
    read = [line for line in lines if line and line[0] != ";" and not line.startswith(LINE)]
    return hashlib.sha256("\n".join(read).encode()).hexdigest()[:12]


def test_the_dialplan_carries_its_own_hash() -> None:
    right = stamp_of(DIALPLAN.read_text(encoding="utf-8"))
    assert stamp() == right, f"{DIALPLAN.name} was changed: write {right} into its line {LINE}1"


def test_any_change_but_of_a_comment_is_another_dialplan() -> None:
    text = DIALPLAN.read_text(encoding="utf-8")
    assert stamp_of(text + "; a comment\n") == stamp_of(text)
    assert stamp_of(text.replace("Answer(0,i)", "Answer()")) != stamp_of(text)


def test_the_stamp_survives_another_address_of_the_bridge() -> None:
    text = DIALPLAN.read_text(encoding="utf-8").replace("127.0.0.1:4573", "192.0.2.7:4573")
    assert f'"{stamp()}"' in text


def test_every_extension_of_the_questions_is_one_that_is_asked() -> None:
    section = DIALPLAN.read_text(encoding="utf-8").partition("[aftertone-check]")[2].partition("\n[")[0]
    there = set(re.findall(r"^exten => ([a-z]+),", section, re.MULTILINE)) - {"yes", "no"}
    program = Path(__file__).parents[2] / "bridge" / "check" / "probe.py"
    assert there == {name for name in there if f'"{name}"' in program.read_text(encoding="utf-8")}


@pytest.mark.parametrize("state", list(Dialplan))
def test_each_state_of_a_dialplan_has_words(state: Dialplan) -> None:
    assert dialplan(pbx(dialplan=state)).what
