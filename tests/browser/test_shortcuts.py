"""What keys do, who is told of them, and how they are turned off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import box
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_player import playing

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def test_who_dictates_turns_single_characters_off_for_good(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(60), house.call("1007", "Jonas"))
    page = desk.inbox(member, viewport={"width": 320, "height": 640})
    player = play(page, "Jonas")
    page.keyboard.press("?")
    told = page.get_by_role("dialog", name="Keyboard")
    expect(told.locator("dt")).to_have_count(11)
    assert_accessible(page)
    page.keyboard.press("k")
    assert playing(page), "a key acted behind the dialog"
    told.get_by_label("Single characters do something").uncheck()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(told).to_have_count(0)
    for again in (False, True):
        if again:
            page.reload()
            player = play(page, "Jonas")
        player.get_by_role("button", name="Pause").focus()
        for key in ("?", "/", "k", "K", "<"):
            page.keyboard.press(key)
        assert playing(page)
        expect(player.get_by_label("Speed")).to_have_value("1")
        expect(told).to_have_count(0)
        expect(box(page)).not_to_be_focused()
        expect(page.locator("find-bar kbd")).to_be_hidden()
    page.get_by_role("button", name="Keyboard").click()
    told.get_by_label("Single characters do something").check()
    told.get_by_role("button", name="Close").click()
    player.get_by_role("button", name="Pause").focus()
    page.keyboard.press("k")
    until(lambda: not playing(page))
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.press("?")
    expect(box(page)).to_have_value("?")
    expect(told).to_have_count(0)
