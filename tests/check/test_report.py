"""The report: for people in lines, for machines as JSON with ids that stay, and an exit code."""

import json
from dataclasses import replace

from bridge.check.finding import Finding, Level, error, note, ok, warning
from bridge.check.report import NOTHING, SOMETHING, as_json, as_text, exit_code, findings
from tests.check.good import GOOD, pbx, set_to

IDS = (
    *("settings", "secrets", "data", "database", "disk", "clock", "swap", "core", "service"),
    *("origin", "tls", "peers", "ami", "ami-wire", "ami-rights", "ami-events", "pbx-version", "pbx-modules"),
    *("live-dangerously", "pbx-clock", "dialplan", "pbx-offers", "pbx-sound", "journal", "pbx-sentence"),
    *("lamp", "lamps", "dial-in", "spool", "mailboxes", "lines"),
)
"""Scripts go by these: new ones may be added."""


def test_the_ids_are_those_that_scripts_know() -> None:
    assert tuple(one.id for one in findings(GOOD)) == IDS


def test_a_good_house_has_nothing_to_mend() -> None:
    found = findings(GOOD)
    assert exit_code(found) == NOTHING
    assert [one.id for one in found if one.level is not Level.OK] == ["lines"]
    assert as_text(found).endswith("nothing to mend")


def test_the_exit_code_is_that_of_the_worst() -> None:
    assert exit_code([ok("a", "fine"), note("b", "so", "or so")]) == NOTHING
    assert exit_code([ok("a", "fine"), warning("b", "hm", "mend")]) == SOMETHING
    assert exit_code([error("a", "oh", "mend"), ok("b", "fine")]) == SOMETHING


def test_machines_read_what_people_read() -> None:
    found = findings(pbx(dangerous=True))
    told = json.loads(as_json(found, exit_code(found)))
    assert told["result"] == "mend"
    [row] = [row for row in told["findings"] if row["level"] == "error"]
    assert row["id"] == "live-dangerously"
    assert f"error    live-dangerously  {row['what']}\n" in as_text(found)
    assert f"-> {row['do']}\n" in as_text(found)
    assert [Finding(**{**row, "level": Level(row["level"])}) for row in told["findings"]] == found


def test_no_secret_is_ever_told() -> None:
    spoiled = replace(set_to(AMI_SECRET="open-sesame", AMI="10.0.0.5:5038"), unknown=())
    for facts in (spoiled, replace(spoiled, pbx=pbx(may={}, dialplan=None).pbx)):
        assert "open-sesame" not in as_text(findings(facts)) + repr(facts)
