"""The list, for somebody who is at home."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import APIResponse, Route, expect

from bridge.call.model import Reason
from bridge.events import News
from tests.browser.conftest import Desk
from tests.browser.finding import gathered
from tests.browser.house import House, Member, speech, until
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

TENFOLD_MS = 10_000
"""A second is the promise, and the bench's to keep."""


def test_every_reason_is_told_in_plain_words(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    words = {
        Reason.NO_ANSWER: "Rang 15 s, nobody answered",
        Reason.BUSY: "Busy",
        Reason.DECLINED: "Declined",
        Reason.DND: "Do not disturb",
        Reason.UNREACHABLE: "Phone not reachable",
        Reason.CANCELLED: "Caller gave up while it rang",
        Reason.FAILED: "Call failed",
    }
    for minutes, reason in enumerate(words):
        house.call(f"10{minutes:02}", reason=reason, ago=timedelta(minutes=minutes))
    house.call("1099", presentation="restricted", ago=timedelta(minutes=30))
    house.call("", presentation="unavailable", ago=timedelta(minutes=31))
    house.call("", presentation="untold", ago=timedelta(minutes=32))
    page = desk.inbox(member)
    expect(page.locator("call-row .why")).to_have_text([*words.values(), *[words[Reason.NO_ANSWER]] * 3])
    expect(page.locator("call-row .who").nth(7)).to_have_text("Number withheld")
    expect(page.locator("call-row .who").nth(8)).to_have_text("Unknown number")
    expect(page.locator("call-row .who").nth(9)).to_have_text("Caller unknown: bridge was away")
    expect(page.locator("body")).not_to_contain_text("1099")


def test_what_its_caller_marked_as_urgent_says_so_in_a_word(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(2), house.call("1007", "Jonas"), urgent=True)
    house.note(speech(2), house.call("1008", "Mira"))
    page = desk.inbox(member)
    expect(row_of(page, "Jonas").locator(".why")).to_have_text("Urgent Rang 15 s, nobody answered")
    expect(row_of(page, "Mira").locator(".why")).to_have_text("Rang 15 s, nobody answered")
    expect(page.get_by_text("Urgent")).to_have_count(1)


def test_a_played_note_is_marked_heard_and_stays_so(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(2), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    row = row_of(page, "Jonas")
    expect(row.get_by_role("img", name="Not heard yet")).to_be_visible()
    expect(page).to_have_title("(1) Aftertone")
    row.get_by_role("button", name="Play").click()
    expect(row.get_by_role("img", name="Not heard yet")).to_be_hidden()
    page.reload()
    expect(row.get_by_role("button", name="Mark as not heard")).to_be_visible()
    expect(row.get_by_role("img", name="Not heard yet")).to_be_hidden()
    row.get_by_role("button", name="Mark as not heard").click()
    expect(row.get_by_role("img", name="Not heard yet")).to_be_visible()


def test_a_new_call_appears_within_a_second_and_nothing_is_reloaded(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    page = desk.inbox(member)
    expect(page.locator(".empty")).to_be_visible()
    until(lambda: house.streams(member) == 1)
    gathered(page, 0)
    page.evaluate("window.same = true")
    call = house.call("1007", "Jonas")
    expect(row_of(page, "Jonas")).to_be_visible(timeout=TENFOLD_MS)
    house.note(speech(1.5), call)
    expect(row_of(page, "Jonas").locator(".length")).to_have_text("0:02", timeout=TENFOLD_MS)
    expect(page.locator(".empty")).to_have_count(0)
    expect(page.locator("#said")).to_have_text("New call: Jonas")
    assert page.evaluate("window.same") is True


def test_further_notes_marks_and_a_caller_who_still_speaks_stand_in_one_row(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    call = house.call("1007", "Jonas")
    house.note(speech(2), call)
    house.note(speech(4.2), call, cut_off=True)
    house.note(bytes([0xFF]) * 8000, house.call("1008", "Whisper"), speech_heard=False)
    page = desk.inbox(member)
    strips = row_of(page, "Jonas").locator("note-strip")
    expect(strips).to_have_count(2)
    broken = strips.filter(has_text="cut off")
    expect(row_of(page, "Whisper")).to_contain_text("No speech heard")
    expect(row_of(page, "Whisper").get_by_role("img", name="Not heard yet")).to_be_hidden()
    expect(row_of(page, "Whisper").get_by_role("button", name="Mark as")).to_have_count(0)
    broken.get_by_role("button", name="Play").click()
    until(lambda: playing(page))
    expect(broken.locator(".length")).to_have_text("0:04")
    assert page.evaluate("window.heard.at(-1).size") == 44 + 2 * int(4.2 * 8000)


def test_older_rows_come_when_one_gets_there_under_the_headings_of_their_days(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n in range(70):
        house.call(f"{2000 + n}", ago=timedelta(hours=6 * n))
    page = desk.inbox(member)
    expect(page.locator("call-row .number")).to_have_count(50)
    days = page.locator("h2.day")
    expect(days.first).to_have_text(re.compile("Today|Yesterday"))
    page.locator("call-row").last.scroll_into_view_if_needed()
    expect(page.locator("call-row .number")).to_have_count(70)
    expect(page.get_by_role("button", name="Show older")).to_be_hidden()
    numbers = page.locator("call-row .number").all_inner_texts()
    assert numbers == [str(2000 + n) for n in range(70)]
    house.call("1007")
    expect(page.locator("call-row .number").first).to_have_text("1007")
    expect(page.locator("call-row")).to_have_count(71)


def test_two_tabs_share_one_stream_and_the_second_takes_over(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    context = desk.browser()
    first = desk.inbox(member, context)
    until(lambda: house.streams(member) == 1)
    second = context.new_page()
    second.goto("/")
    expect(second.locator(".empty")).to_be_visible()
    house.call("1007", "Jonas")
    for page in (first, second):
        expect(row_of(page, "Jonas")).to_be_visible(timeout=TENFOLD_MS)
    assert desk.requests.count("GET /api/v1/events") == 1
    with second.expect_request("**/api/v1/events"):
        first.close()
    until(lambda: house.streams(member) == 1)
    house.call("1008", "Claire")
    expect(row_of(second, "Claire")).to_be_visible()


def test_a_list_that_comes_late_takes_no_newer_row_away(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas")
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        held.append((route, route.fetch()))

    page = desk.inbox_behind(member, lambda each: each.context.route("**/api/v1/rows?limit=50", hold))
    with page.expect_response("**/api/v1/status"):
        pass
    until(lambda: house.streams(member) == 1)
    while not held:
        page.wait_for_timeout(20)
    house.call("1008", "Claire")
    expect(row_of(page, "Claire")).to_be_visible()
    for route, answer in held:
        route.fulfill(response=answer)
    expect(row_of(page, "Jonas").locator(".name")).to_be_visible()
    expect(row_of(page, "Claire")).to_be_visible()


def test_a_full_disk_and_a_lost_server_are_told(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    page = desk.inbox(member)
    until(lambda: house.streams(member) == 1)
    expect(page.locator(".empty")).to_be_visible()
    banner = page.locator("status-banner")
    house.recording = False
    house.tell(News("status"))
    expect(banner).to_contain_text("Disk nearly full: notes are not being recorded; missed calls are.")
    house.recording, house.pbx = True, "away"
    house.tell(News("status"))
    expect(banner).to_contain_text("The telephone system is not answering the server")
    expect(banner).not_to_contain_text("Disk")
    house.pbx = "ready"
    house.tell(News("status"))
    expect(banner).to_be_empty()
    desk.allow("ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION")
    house.on_loop(house.events.close)
    page.context.set_offline(True)
    expect(banner).to_contain_text("No connection to the server.")
    house.call("1007", "Jonas")
    page.context.set_offline(False)
    expect(row_of(page, "Jonas")).to_be_visible()
    expect(banner).to_be_empty()


def test_a_session_that_ends_elsewhere_ends_the_page(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    page = desk.inbox(member)
    until(lambda: house.streams(member) == 1)
    desk.allow("status of 401")
    house.on_loop(lambda: house.store.sessions.close(member.session))
    house.on_loop(house.events.close)
    page.wait_for_url("**/login")


def test_a_german_browser_gets_a_german_page(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(75), house.call("1007", "Jonas", reason=Reason.UNREACHABLE))
    page = desk.inbox(member, language="de-DE")
    row = row_of(page, "Jonas")
    expect(row.locator(".why")).to_have_text("Telefon nicht erreichbar")
    expect(page.locator("h2.day")).to_have_text("Heute")
    expect(page.get_by_role("button", name="Abmelden")).to_be_visible()
    row.get_by_role("button", name="Nachricht von Jonas abspielen").click()
    slider = row.get_by_role("slider", name="Stelle in der Nachricht")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("von 1 Minute 15 Sekunden"))
    assert page.evaluate("document.documentElement.lang") == "de"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_at_320_pixels(house: House, desk: Desk, anna: Join, scheme: str) -> None:
    member = anna()
    house.note(speech(4), house.call("+493055501234", "Reception of the house in the old town " * 4))
    page = desk.inbox(member, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    page.get_by_role("button", name="Play").click()
    until(lambda: playing(page))
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light dark"


def test_the_time_of_day_is_written_as_the_viewer_writes_it(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas")
    for language, written in (
        ("en-US", r"(1[0-2]|[1-9]):[0-5]\d\s[AP]M"),
        ("en-GB", r"[0-2]\d:[0-5]\d"),
        ("de-DE", r"[0-2]\d:[0-5]\d"),
    ):
        page = desk.inbox(member, language=language)
        expect(page.locator("call-row time")).to_have_text(re.compile(f"^{written}$"))


def test_a_language_that_was_chosen_in_the_page_stays(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas", reason=Reason.UNREACHABLE)
    page = desk.inbox(member)
    expect(row_of(page, "Jonas").locator(".why")).to_have_text("Phone not reachable")
    page.get_by_label("Language").select_option(label="Deutsch")
    expect(row_of(page, "Jonas").locator(".why")).to_have_text("Telefon nicht erreichbar")
    page.goto("/join")
    expect(page.get_by_label("Sprache")).to_have_value("de")
    assert page.evaluate("document.documentElement.lang") == "de"
    page.context.add_cookies([{"name": "aftertone-language", "value": 'xx"><b>', "url": house.url}])
    page.reload()
    expect(page.get_by_label("Language")).to_have_value("en")
