"""From telephone to ear: a real call to a real PBX, heard in a real browser by somebody with a link."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, expect

from bridge.phone.pbx import Pbx
from tests.browser.conftest import Desk
from tests.browser.test_first_visit import heard_in, join_by_link
from tests.installation import Installation
from tests.pbx.sound import decode
from tests.pbx.whole import Said, compare, note_from

pytestmark = [pytest.mark.browser, pytest.mark.pbx]

T = TypeVar("T")

ROW_AFTER_S = 1.0
"""Promised from the hang-up to the row in an open page; figures are the bench's, here tenfold."""


@pytest.fixture
def installation(pbx: Pbx, tmp_path: Path) -> Iterator[Installation]:
    """The whole product as a process of its own, and the PBX pointed at it."""
    with Installation(tmp_path) as installation:
        pbx.set_global("AFTERTONE_AGI", installation.agi)
        yield installation


@pytest.fixture
def office(chromium: Browser, installation: Installation) -> Iterator[Desk]:
    """Browsers in front of it."""
    desk = Desk(chromium, installation)
    yield desk
    desk.close()


def aside(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run telephones on a loop of their own: this thread's belongs to Playwright."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story()).result()


def test_a_callers_words_are_heard_in_the_browser_of_who_opened_the_link(
    pbx: Pbx, installation: Installation, office: Desk
) -> None:
    link = installation.run("user", "add", "anna", "--mailbox", "1001").split()[-1]
    page = office.browser().new_page()
    join_by_link(page, link)
    expect(page.locator(".empty")).to_be_visible()
    page.wait_for_function("() => document.querySelector('mailbox-list')?.textContent.includes('1001')")

    said = aside(lambda: note_from(pbx, "1001", 22, 3.0, number="4930777", display="Jörg <b>&amp;"))
    hung_up_at = said.call.ended_at or 0.0
    row = page.locator("call-row")
    expect(row.locator(".length")).to_be_visible(timeout=10 * ROW_AFTER_S * 1000)
    assert time.monotonic() - hung_up_at < 10 * ROW_AFTER_S

    expect(row.locator(".name")).to_have_text("Jörg <b>&amp;")
    expect(row.locator(".number")).to_have_text("4930777")
    row.get_by_role("button", name="Play the note").click()
    expect(page.locator("note-player")).to_be_visible()
    page.wait_for_function("() => window.heard.length > 0")
    compare_heard(heard_in(page), said)
    expect(row.get_by_role("button", name="Mark as not heard")).to_be_visible()


def compare_heard(samples: list[int], said: Said) -> None:
    """The samples that the browser decodes are those of the spoken frames."""
    table = {int(value): code for code, value in enumerate(decode(bytes(range(256))))}
    compare(bytes(table[sample] for sample in samples), said)
