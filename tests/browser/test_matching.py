"""Which words and numbers find whom: the page's own module, in a real browser, case by case."""

import pytest

from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser

CASES = [
    ("", "Jonas", "1007", True),
    ("jon", "Jonas", "1007", True),
    ("JONAS", "jonas", "", True),
    ("angstrom", "Ångström", "", True),
    ("Ångström", "ANGSTROM", "", True),
    ("mueller", "Müller", "", True),
    ("müller", "Mueller", "", True),
    ("muller", "Müller", "", True),
    ("strasse", "Straße 5", "", True),
    ("STRASSE", "straße", "", True),
    ("soren", "Søren", "", True),
    ("istanbul", "İstanbul", "", True),
    ("ΟΔΟΣ", "οδος", "", True),
    ("שלום", "שלום עולם", "", True),
    ("weber anna", "Anna Weber", "1007", True),
    ("anna 1007", "Anna Weber", "1007", True),
    ("anna 1008", "Anna Weber", "1007", False),
    ("ann a", "Nina", "", False),
    (".*", "Jonas", "", False),
    ("<svg", "<svg/onload=alert(1)>", "", True),
    ("jo\u200bnas", "Jo\u00adnas", "", True),
    ("+49 30 5550-1234", "", "+493055501234", True),
    ("0049 (30) 5550", "", "+493055501234", True),
    ("030 5550", "", "+493055501234", True),
    ("030/5550-12", "", "+493055501234", True),
    ("+49 (0)30 5550", "", "03055501234", True),
    ("+49 30 5550", "", "03055501234", True),
    ("030 5550", "", "004930555012", True),
    ("1 2 3 4", "", "+493055501234", True),
    ("5501234", "", "+493055501234", True),
    ("030 5551", "", "+493055501234", False),
    ("+44 30 5550", "", "+493055501234", False),
    ("+1 212 555", "", "+12125550100", True),
    ("0212 555", "", "+12125550100", True),
    ("+", "", "+12125550100", True),
    ("route 66", "Route 66 Motel", "1007", True),
    ("66 1007", "Route 66 Motel", "1007", False),
    ("*97", "", "*97", True),
    ("007", "", "1007", True),
]


def test_what_is_typed_finds_who_was_meant(desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto("/login")
    style = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
    found = page.evaluate(
        """async ([prefix, cases]) => {
          const { haystack, matches, parse } = await import(`${prefix}/js/search.js`);
          return cases.map(([typed, name, number]) => matches(haystack({ name, number }), parse(typed)));
        }""",
        [style.partition("/css/")[0], [case[:3] for case in CASES]],
    )
    wrong = [(case, got) for case, got in zip(CASES, found, strict=True) if got is not case[3]]
    assert wrong == []
