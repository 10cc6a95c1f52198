"""What axe-core finds in a page as it stands, in both colour schemes; a test names each fault."""

import functools
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
"""All of WCAG 2.0, 2.1 and 2.2 at levels A and AA, and axe's own advice."""

RUN = """async (tags) => {
  // What is still moving in has no colours of its own yet; what never ends has them at any time.
  const ends = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(ends.map((one) => one.finished));
  const { violations } = await axe.run(document, {
    runOnly: { type: "tag", values: tags }, rules: { "target-size": { enabled: true } },
    resultTypes: ["violations"], preload: false,
  });
  return violations;
}"""


@functools.cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


def assert_accessible(page: Page) -> None:
    """Fail for every fault of the page, naming rule and element.

    The debugger puts axe into the page: no policy is loosened, and what axe does is under the page's own.
    Colours are looked at light and dark; afterwards the page has the scheme of its browser again.
    """
    page.evaluate(f"() => {{ if (!window.axe) {{ {_axe()} }} }}")
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {fault}" for fault in _faults(page)]
    page.emulate_media(color_scheme="null")
    assert found == [], "\n".join(found)


def _faults(page: Page) -> list[str]:
    violations: list[dict[str, Any]] = page.evaluate(RUN, TAGS)
    return [
        f"{each['id']} ({each['help']}): {node['html'][:200]} {node['failureSummary']}"
        for each in violations
        for node in each["nodes"]
    ]
