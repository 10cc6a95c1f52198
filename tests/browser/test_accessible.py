"""Every page and state as axe-core judges it, light and dark, on a small telephone and a wide screen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bridge.call.model import Reason
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import box
from tests.browser.house import PASSPHRASE, House, Member, speech, until
from tests.browser.listening import play, seek
from tests.browser.test_player import playing

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

SMALL, WIDE = {"width": 320, "height": 640}, {"width": 1440, "height": 900}


@pytest.fixture(params=[SMALL, WIDE], ids=["320px", "wide"])
def viewport(request: pytest.FixtureRequest) -> dict[str, int]:
    found: dict[str, int] = request.param
    return found


def test_nobody_is_shut_out_at_the_doors(house: House, desk: Desk, viewport: dict[str, int]) -> None:
    desk.allow("status of 40[134]|Cross-Origin-Opener-Policy header has been ignored")
    page = desk.browser(viewport=viewport).new_page()
    page.goto(house.url.replace("localhost", "notes.example"))
    assert_accessible(page)
    page.goto("/nowhere")
    assert_accessible(page)
    page.goto("/join")
    assert_accessible(page)
    page.goto("/login")
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert_accessible(page)
    page.get_by_role("button", name="I lost my passphrase").click()
    assert_accessible(page)
    _join(page, house.invite())


def _join(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Passphrase", exact=True).fill("short")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[aria-invalid]").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Passphrase, once more").fill(PASSPHRASE)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    assert_accessible(page)
    page.get_by_role("button", name="I have kept it").click()
    assert_accessible(page)


def test_nobody_is_shut_out_of_the_inbox(
    house: House, desk: Desk, anna: Join, viewport: dict[str, int]
) -> None:
    member = anna()
    page = desk.inbox(member, viewport=viewport)
    expect(page.locator(".empty")).to_be_visible()
    assert_accessible(page)
    for number, reason in enumerate(Reason):
        house.call(f"10{number:02}", f"Caller {number}", reason=reason)
    house.note(speech(8), house.call("1007", "Jonas"), cut_off=True)
    house.note(speech(2, 2), house.call("1008", "Mary", presentation="restricted"), speech_heard=False)
    expect(page.locator("call-row .name", has_text="Jonas")).to_be_visible()
    play(page, "Jonas")
    seek(page, 1)
    until(lambda: playing(page))
    page.keyboard.press("k")
    assert_accessible(page)
    box(page).fill("Jonas")
    expect(page.locator("call-row")).to_have_count(1)
    assert_accessible(page)
    box(page).fill("nobody of that name")
    expect(page.locator("call-row")).to_have_count(0)
    assert_accessible(page)


def test_nobody_is_shut_out_where_keys_are_missing(
    house: House, desk: Desk, anna: Join, viewport: dict[str, int]
) -> None:
    first = anna()
    house.note(speech(2), house.call("1007", "Jonas"))
    second = house.join("bernd", claim=False)
    page = desk.inbox(second, viewport=viewport)
    expect(page.locator(".empty")).to_contain_text("A member of this mailbox must let you in.")
    assert_accessible(page)
    page = desk.inbox(first, viewport=viewport)
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    expect(page.get_by_role("dialog").locator(".people li")).to_have_count(2)
    assert_accessible(page)
    page.evaluate("indexedDB.deleteDatabase('aftertone')")
    page.reload()
    expect(page.get_by_role("heading", name="Your notes are sealed")).to_be_visible()
    assert_accessible(page)


def test_the_judge_sees_a_button_without_a_name(house: House, desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto("/login")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    with pytest.raises(AssertionError, match="button-name"):
        assert_accessible(page)
