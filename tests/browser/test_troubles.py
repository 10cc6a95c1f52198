"""What went wrong is read by whoever it happened to, and where the keyboard acts can be seen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def test_a_wish_that_failed_is_told_until_somebody_has_read_it(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas")
    desk.allow("status of 503")
    page = desk.inbox(member)
    page.route("**/api/v1/rows/deleted", lambda route: route.fulfill(status=503, body="{}"))
    row = row_of(page, "Jonas")
    row.focus()
    page.keyboard.press("Delete")
    told = page.locator("status-banner [data-name=failed]")
    expect(told).to_contain_text("Something went wrong at the server")
    house.note(speech(1), house.call("1008", "Mary"))
    expect(row_of(page, "Mary")).to_be_visible()
    page.wait_for_timeout(1000)  # as many requests as a new call brings have gone well by then
    expect(told).to_contain_text("Something went wrong at the server")
    told.get_by_role("button", name="Got it").click()
    expect(told).to_have_count(0)


def test_the_call_on_which_the_keys_act_shows_it(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    for who in ("Jonas", "Mary", "Nele"):
        house.call("1007", who)
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_count(3)
    row_of(page, "Nele").get_by_role("button").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator("call-row .name")).to_have_count(2)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert page.evaluate("document.activeElement.localName") == "call-row"
    assert outline == "solid"
