"""Playing, for somebody who is at home."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech, until

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def playing(page: Page) -> bool:
    """Whether sound goes on right now."""
    found: bool = page.evaluate(
        "(() => { const a = document.querySelector('audio'); return !a.paused && !a.ended; })()"
    )
    return found


def row_of(page: Page, who: str) -> Locator:
    """The row of a caller."""
    return page.locator("call-row").filter(has_text=who)


def test_play_survives_new_notes_and_changes_of_its_own_row(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    call = house.call("1007", "Jonas")
    house.note(speech(20), call)
    page = desk.inbox(member)
    row_of(page, "Jonas").get_by_role("button", name="Play").click()
    until(lambda: playing(page))
    page.evaluate("window.audio = document.querySelector('audio')")
    for caller in range(5):
        house.note(speech(1, caller), house.call(f"20{caller:02}"))
    house.note(speech(1, 9), call)
    expect(page.locator("call-row")).to_have_count(6)
    expect(row_of(page, "Jonas").locator("note-strip")).to_have_count(2)
    assert playing(page)
    assert page.evaluate("window.audio === document.querySelector('audio')")
    until(lambda: bool(page.evaluate("window.audio.currentTime > 0.2")))
    expect(row_of(page, "Jonas").get_by_role("button", name="Pause the note of Jonas")).to_be_visible()


def test_one_plays_at_a_time_faster_if_wished_and_closing_lets_the_sound_go(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n, who in enumerate(("Jonas", "Claire")):
        house.note(speech(6, n), house.call(f"100{n}", who))
    page = desk.inbox(member)
    row_of(page, "Jonas").get_by_role("button", name="Play").click()
    until(lambda: playing(page))
    row_of(page, "Claire").get_by_role("button", name="Play").click()
    player = page.get_by_role("region", name="Player")
    expect(player.locator(".title")).to_have_text("Claire")
    expect(row_of(page, "Jonas").get_by_role("button", name="Play the note of Jonas")).to_be_visible()
    player.get_by_label("Speed").select_option("1.25×")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    player.get_by_role("button", name="Close the player").click()
    expect(player).to_be_hidden()
    assert page.evaluate("document.querySelector('audio').hasAttribute('src')") is False


def test_seeking_by_pointer(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(10), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    wave = row_of(page, "Jonas").locator("wave-form")
    box = wave.bounding_box()
    assert box is not None
    wave.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    until(lambda: playing(page))
    at = page.evaluate("document.querySelector('audio').currentTime")
    assert 4.9 <= at < 8


def test_everything_by_keyboard(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(10), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    play = page.get_by_role("button", name="Play the note of Jonas")
    expect(play).to_be_enabled()
    for _ in range(10):
        page.keyboard.press("Tab")
        if play.evaluate("(button) => button === document.activeElement"):
            break
    expect(play).to_be_focused()
    page.keyboard.press("Enter")
    until(lambda: playing(page))
    page.keyboard.press("Enter")
    until(lambda: not playing(page))
    page.keyboard.press("Tab")
    slider = row_of(page, "Jonas").get_by_role("slider", name="Position in the note")
    expect(slider).to_be_focused()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 seconds of 10 seconds")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "10 seconds of 10 seconds")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "10.0")
    page.keyboard.press("PageDown")
    expect(slider).to_have_attribute("aria-valuenow", "0.0")
    page.keyboard.press("Space")
    until(lambda: playing(page))
