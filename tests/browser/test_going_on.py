"""What the player goes on with: the next unheard note, the keys alone, a list that changes under it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import at, play, player_of, seek
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def test_the_next_unheard_note_follows_only_for_who_asked_for_it(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for minutes, who in enumerate(("First", "Second", "Whisper", "Third")):
        call = house.call("1007", who, ago=timedelta(minutes=minutes))
        house.note(speech(1.2), call, speech_heard=who != "Whisper")
    page = desk.inbox(member)
    expect(page.locator("call-row .length")).to_have_count(4)
    page.evaluate(
        """() => {
          window.played = [];
          document.querySelector("note-player").addEventListener("began", () => {
            window.played.push(document.querySelector("note-player .title").textContent);
          });
        }"""
    )
    player = play(page, "First")
    until(lambda: page.evaluate("document.querySelector('audio').ended"))
    onward = player.get_by_role("button", name="Play on")
    expect(onward).to_have_attribute("aria-pressed", "false")
    expect(row_of(page, "Second").get_by_role("img", name="Not heard yet")).to_be_visible()
    assert page.evaluate("window.played") == ["First"]

    onward.click()
    play(page, "Second")
    expect(page.locator("#said")).to_have_text("Next note: Third")
    expect(player.locator(".title")).to_have_text("Third")
    expect(page.locator("#said")).to_have_text("No more unheard notes.")
    assert page.evaluate("window.played") == ["First", "Second", "Third"]
    expect(page.get_by_role("img", name="Not heard yet")).to_have_count(0)
    assert page.evaluate("document.querySelector('audio').ended")


def test_the_player_by_keys_alone_and_never_while_somebody_types(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.note(speech(90), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    button = page.get_by_role("button", name="Play the note of Jonas")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    until(lambda: playing(page))
    page.keyboard.press("k")
    until(lambda: not playing(page))
    start = at(page)
    for key, to in (("l", 5), ("l", 10), ("j", 5), ("ArrowRight", 10), ("ArrowLeft", 5)):
        page.keyboard.press(key)
        assert at(page) == pytest.approx(start + to)

    slider = player_of(page).get_by_role("slider", name="Position in the note")
    seek(page, 0)
    slider.focus()
    expect(slider).to_have_attribute("aria-valuemin", "0")
    expect(slider).to_have_attribute("aria-valuemax", "90.0")
    for key, told in (
        ("PageUp", "15 seconds"),
        ("ArrowUp", "20 seconds"),
        ("End", "1 minute 30 seconds"),
        ("PageDown", "1 minute 15 seconds"),
    ):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", f"{told} of 1 minute 30 seconds")
    expect(player_of(page).locator(".left")).to_have_text("0:15 left")

    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    field = page.locator("main > input")
    field.focus()
    seek(page, 30)
    page.keyboard.type(" jkl<>")
    page.keyboard.press("ArrowLeft")
    expect(field).to_have_value(" jkl<>")
    assert (at(page), playing(page)) == (30, False)
    field.blur()
    page.keyboard.type("jk")
    assert (at(page), playing(page)) == (30, False), "letters belong to the player only beside it"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    until(lambda: playing(page))
    assert at(page) >= 35

    player_of(page).get_by_role("button", name="Close").focus()
    page.keyboard.press("Escape")
    expect(player_of(page)).to_be_hidden()
    expect(button).to_be_focused()


def test_play_goes_on_whatever_happens_to_the_list(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    call = house.call("1007", "Jonas")
    house.note(speech(40), call)
    page = desk.inbox(member)
    play(page, "Jonas")
    strip = row_of(page, "Jonas").locator("note-strip")
    strip.get_by_role("slider").focus()
    page.evaluate(
        """() => {
          const names = ["audio", "note-strip", "note-strip wave-form"];
          window.same = names.map((each) => document.querySelector(each));
          window.paused = 0;
          window.same[0].addEventListener("pause", () => { window.paused += 1; });
        }"""
    )
    row_of(page, "Jonas").get_by_role("button", name="Mark as not heard").click()
    expect(row_of(page, "Jonas").get_by_role("img", name="Not heard yet")).to_be_visible()
    house.note(speech(1, 3), call)
    house.note(speech(1, 2), house.call("1008", "Claire"))
    expect(page.locator("call-row")).to_have_count(2)
    expect(row_of(page, "Jonas").locator("note-strip")).to_have_count(2)
    assert page.evaluate("window.same.every((each) => each.isConnected)")
    row_of(page, "Jonas").evaluate("(row) => { window.row = row; row.remove(); }")  # as a filter does
    before = at(page)
    until(lambda: at(page) > before + 0.3)
    page.evaluate("document.querySelector('call-list').prepend(window.row)")
    expect(row_of(page, "Jonas").get_by_role("button", name="Pause the note of Jonas")).to_be_visible()
    assert playing(page)
    assert page.evaluate("window.paused") == 0
    assert page.evaluate("window.same.every((each) => each.isConnected)")
