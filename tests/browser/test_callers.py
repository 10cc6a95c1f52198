"""Beside the note: what is known of a call, its caller's other calls, and the end of all of them."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Request, Route, expect

from bridge.call.model import Reason
from tests.browser.accessible import assert_accessible
from tests.browser.book import bring, card, open_book, people
from tests.browser.conftest import Desk
from tests.browser.finding import gathered, names, stored
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import player_of
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

LONG_MS = 30_000
"""Hundreds of rows go one after the other, and the page asks for each once more."""


def second_mailbox(house: House, member: Member) -> None:
    """Make somebody the member of another mailbox, 1002."""

    def belong() -> None:
        shop = house.store.mailboxes.add("1002", "Shop")
        with house.store._database.write() as database:
            words = "INSERT INTO member (mailbox_id, user_id) VALUES (?, ?)"
            database.exec_driver_sql(words, (shop.id, member.id))

    house.on_loop(belong)
    house.claim(member, "1002")


@pytest.mark.parametrize("width", [320, 1280])
def test_everything_known_of_a_call_stands_beside_its_note(
    house: House, desk: Desk, anna: Join, width: int
) -> None:
    member = anna()
    call = house.call("+493055501234", "Jonas", rang_s=75, group=True, forwarded_from="1005")
    house.note(speech(3), call)
    house.call("", presentation="restricted", reason=Reason.BUSY, ago=timedelta(minutes=2))
    page = desk.inbox(member, viewport={"width": width, "height": 700})
    gathered(page, 2)
    row = row_of(page, "Jonas")
    button = row.get_by_role("button", name="Details")
    button.focus()
    page.keyboard.press("Enter")
    details = row.get_by_role("group", name="Details of the call of Jonas")
    told = (details.locator(part).all_inner_texts() for part in ("dt", "dd"))
    facts = dict(zip(*told, strict=True))
    assert facts.pop("When")
    assert facts == {
        "Calls itself": "Jonas", "Number": "+493055501234", "Why missed": "Nobody answered the phone.",
        "Rang for": "1 minute 15 seconds", "Dialled": "1001", "Forwarded from": "1005",
        "Group call": "It rang on several phones at once.", "Mailbox": "Anna Weber (1001)",
    }  # fmt: skip
    expect(details.get_by_role("heading")).to_have_text("No other calls of this caller.")
    hidden = row_of(page, "Number withheld")
    hidden.get_by_role("button", name="Details").click()
    expect(hidden.locator("call-details dl")).to_contain_text("The caller withheld the number.")
    expect(hidden.locator("call-details dl")).to_contain_text("The line was busy with another call.")
    expect(hidden.get_by_role("heading")).to_contain_text("Without a number")
    expect(hidden.get_by_role("button", name="Erase this caller")).to_have_count(0)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Enter")
    expect(hidden.locator("call-details")).to_have_count(0)
    expect(hidden.get_by_role("button", name="Details")).to_have_attribute("aria-expanded", "false")


def test_the_history_has_this_callers_calls_of_all_my_mailboxes_and_plays_their_notes(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    second_mailbox(house, member)
    house.note(speech(9), house.call("+493055501234", "Jonas"))
    old = house.call("03055501234", "J. M.", extension="1002", ago=timedelta(days=3))
    house.note(speech(20, 2), old, extension="1002")
    house.on_loop(lambda: house.store.calls.mark_heard(old, member.id, True))
    house.call("+493055501234", reason=Reason.CANCELLED, ago=timedelta(days=5))
    house.call("+493055501235", "Neighbour", ago=timedelta(days=1))
    house.call("+493055501234", presentation="restricted", ago=timedelta(days=1))
    page = desk.inbox(member)
    gathered(page, 5)
    row = row_of(page, "Jonas")
    row.get_by_role("button", name="Details").click()
    details = row.locator("call-details")
    expect(details.get_by_role("heading")).to_have_text("2 other calls of this caller")
    calls = details.get_by_role("listitem")
    expect(calls).to_have_count(3)
    expect(calls.nth(0)).to_contain_text("this call")
    expect(calls.nth(0)).to_contain_text("Voice note 0:09, not heard")
    expect(calls.nth(1)).to_contain_text("03055501234")
    expect(calls.nth(1)).to_contain_text("to Shop (1002)")
    expect(calls.nth(1)).to_contain_text("Voice note 0:20, heard")
    expect(calls.nth(2)).to_contain_text("Caller gave up while it rang")
    assert_accessible(page)
    button = calls.nth(1).get_by_role("button", name=re.compile("Play or pause the note of"))
    button.focus()
    page.keyboard.press("Enter")
    until(lambda: playing(page))
    expect(player_of(page).locator(".title")).to_have_text("J. M.")
    expect(button).to_be_focused()
    page.evaluate("window.audio = document.querySelector('audio')")
    house.call("+493055501234", "Jonas again")
    expect(details.get_by_role("heading")).to_have_text("3 other calls of this caller")
    expect(calls).to_have_count(4)
    assert playing(page)
    assert page.evaluate("window.audio === document.querySelector('audio')")


def test_a_long_history_comes_in_steps_for_the_keyboard_too(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    for n in range(45):
        house.call("1007", f"Jonas {n}", ago=timedelta(hours=n))
    page = desk.inbox(member)
    gathered(page, 45)
    row = page.locator("call-row").first
    row.get_by_role("button", name="Details").click()
    expect(row.get_by_role("listitem")).to_have_count(20)
    row.get_by_role("button", name="Show older").press("Enter")
    expect(row.get_by_role("listitem")).to_have_count(40)
    expect(row.get_by_role("listitem").nth(20)).to_be_focused()
    row.get_by_role("button", name="Show older").press("Enter")
    expect(row.get_by_role("listitem")).to_have_count(45)
    expect(row.get_by_role("button", name="Show older")).to_have_count(0)


def test_a_caller_is_erased_in_two_mailboxes_with_a_record_and_one_line_in_each_log(
    house: House, desk: Desk, anna: Join, tmp_path: Path
) -> None:
    desk.allow("status of 404")  # what is gone is asked for once more
    member = anna()
    second_mailbox(house, member)
    for n in range(203):
        house.call("+493055501234", "Pest", ago=timedelta(hours=2, minutes=n))
    house.note(speech(1), house.call("03055501234", ago=timedelta(hours=1)))
    house.note(speech(1), house.call("1077", extension="1002", ago=timedelta(hours=1)), extension="1002")
    house.call("+493055501235", "Neighbour", ago=timedelta(hours=1))
    page = desk.inbox(member)
    gathered(page, 206, LONG_MS)
    bring(page, card("Old Friend", "+49 30 55501234", "1077") + card("Neighbour", "+493055501235"))
    row = page.locator("call-row").filter(has_text="03055501234").first
    row.get_by_role("button", name="Details").click()
    row.get_by_role("button", name="Erase this caller").click()
    dialog = page.get_by_role("dialog", name="Erase this caller?")
    expect(dialog).to_contain_text("Calls: 205, notes: 2")
    expect(dialog.get_by_role("listitem")).to_have_text(
        ["Anna Weber (1001): calls 204, notes 1", "Shop (1002): calls 1, notes 1"], ignore_case=True
    )
    for number in ("+493055501234", "03055501234", "1077"):
        expect(dialog).to_contain_text(number)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel").click()
    assert len(house.rows()) == 200
    row.get_by_role("button", name="Erase this caller").click()
    dialog.get_by_role("checkbox", name="Also remove Old Friend").check()
    sent: list[str] = []

    def note(request: Request) -> None:
        sent.append(f"{request.url} {request.post_data if 'erase' in request.url else ''}")

    page.on("request", note)
    dialog.get_by_role("button", name="Erase 205 calls for good").click()
    done = page.get_by_role("dialog", name="The caller is erased")
    gone = "Erased: 205 of 205 calls. The contact was removed"
    expect(done.get_by_role("status")).to_contain_text(gone, timeout=LONG_MS)
    assert_accessible(page)
    with page.expect_download() as download:
        done.get_by_role("button", name="Save a record").click()
    download.value.save_as(tmp_path / "record.txt")
    record = (tmp_path / "record.txt").read_text(encoding="utf-8-sig")
    share = "Anna Weber (1001): calls 204, notes 1"
    for part in ("+493055501234", "1077", "anna", share, "Erased for good: 205"):
        assert part in record
    assert not any("55501234" in each for each in sent)
    assert len([each for each in sent if "rows/erase" in each]) == 2
    done.get_by_role("button", name="Close").click()
    gathered(page, 1, LONG_MS)
    assert names(page) == ["Neighbour"]
    until(lambda: len(stored(page, "aftertone-rows/rows")) == 1)
    open_book(page)
    assert people(page) == ["Neighbour"]
    page.keyboard.press("Escape")
    for mailbox, count in (("Anna Weber", "(204 calls)"), ("Shop", "")):
        page.get_by_role("button", name=re.compile(mailbox)).click()
        log = page.get_by_role("dialog").locator(".log li")
        expect(log).to_have_count(1)
        expect(log).to_contain_text(f"anna: erased everything of one caller {count}".strip())
        page.keyboard.press("Escape")


def test_nobody_is_erased_before_every_call_is_read_and_a_failure_can_be_repeated(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource|status of 404")
    member = anna()
    for n in range(3):
        house.call("1007", "Pest", ago=timedelta(hours=1 + n))
    held: list[Route] = []

    may_go: list[bool] = []

    def hold(route: Route) -> None:
        if may_go:
            route.continue_()
        else:
            held.append(route)

    page = desk.inbox_behind(member, lambda page: page.route("**/rows/versions*", hold))
    row = page.locator("call-row").first
    row.get_by_role("button", name="Details").click()
    expect(row.get_by_role("heading")).to_have_text("2 other calls of this caller so far")
    row.get_by_role("button", name="Erase this caller").click()
    dialog = page.get_by_role("dialog", name="Erase this caller?")
    go = dialog.get_by_role("button", name="Erase 3 calls for good")
    expect(go).to_be_disabled()
    expect(dialog).to_contain_text("Older calls are still being read.")
    until(lambda: bool(held))
    may_go.append(True)
    for route in held:
        route.continue_()
    expect(go).to_be_enabled()
    page.route("**/rows/erase", lambda route: route.abort())
    go.click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(go).to_be_focused()
    page.unroute("**/rows/erase")
    go.click()
    expect(page.get_by_role("status").filter(has_text="Erased: 3 of 3 calls.")).to_be_visible()
    until(lambda: not house.rows())
