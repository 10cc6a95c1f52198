"""Deleting without regret: back with one press, 30 days among the deleted, many at once, gone when meant."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Route, expect

from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import box, gathered, names, pill
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

MOST = 200
"""Rows of one request."""


def people(house: House, *callers: str) -> list[bytes]:
    """An hour ago each of them called, the first one last."""
    return [
        house.call(f"10{at:02}", name, ago=timedelta(hours=1, minutes=at)) for at, name in enumerate(callers)
    ]


def test_a_deleted_call_goes_at_once_everywhere_and_comes_back_with_one_press(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    people(house, "Jonas", "Claire", "Mary")
    page, other = desk.inbox(member), desk.inbox(member)
    gathered(page, 3)
    gathered(other, 3)
    row_of(page, "Claire").get_by_role("button", name="Delete").click()
    expect(page.locator("call-row .name")).to_have_text(["Jonas", "Mary"])
    expect(other.locator("call-row .name")).to_have_text(["Jonas", "Mary"])
    expect(page.locator("#said")).to_have_text("1 call deleted.")
    expect(row_of(page, "Mary")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("call-row .name")).to_have_text(["Jonas", "Claire", "Mary"])
    expect(other.locator("call-row .name")).to_have_text(["Jonas", "Claire", "Mary"])
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    gathered(page, 3)


def test_a_deleted_call_stands_among_the_deleted_with_its_days_and_its_note(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    jonas, _ = people(house, "Jonas", "Claire")
    house.note(speech(2), jonas)
    page = desk.inbox(member)
    gathered(page, 2)
    expect(page).to_have_title(re.compile(r"\(1\)"))
    row_of(page, "Jonas").get_by_role("button", name="Delete").focus()
    page.keyboard.press("Delete")
    expect(page.locator("call-row .name")).to_have_text(["Claire"])
    expect(page).to_have_title("Aftertone")
    page.reload()
    gathered(page, 1)
    pill(page, "Deleted").check()
    expect(page.locator("call-row .name")).to_have_text(["Jonas"])
    expect(row_of(page, "Jonas")).to_contain_text("gone for good in 30 days")
    play(page, "Jonas")
    assert_accessible(page)
    row_of(page, "Jonas").get_by_role("button", name="Restore").click()
    expect(page.locator(".empty")).to_contain_text("Nothing is deleted.")
    pill(page, "All").check()
    expect(page.locator("call-row .name")).to_have_text(["Jonas", "Claire"])


def test_all_calls_of_one_caller_are_removed_for_good_by_who_means_it(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("status of 404")  # what is gone is asked for once more
    member = anna()
    people(house, "Pest", "Claire", "Pest", "Pest")
    page = desk.inbox(member)
    gathered(page, 4)
    expect(page.get_by_role("button", name=re.compile("^Delete all"))).to_have_count(0)
    box(page).fill("pest")
    page.get_by_role("button", name="Delete all 3").click()
    expect(page.locator(".empty")).to_contain_text("No call matches.")
    expect(page.locator("main")).to_be_focused()
    box(page).fill("")
    assert names(page) == ["Claire"]
    pill(page, "Deleted").check()
    expect(page.locator("call-row")).to_have_count(3)
    assert_accessible(page)
    page.get_by_role("button", name="Remove all 3 for good").click()
    dialog = page.get_by_role("dialog", name="Remove 3 calls for good?")
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator("call-row")).to_have_count(3)
    page.get_by_role("button", name="Remove all 3 for good").click()
    dialog.get_by_role("button", name="Remove all 3 for good").click()
    expect(page.locator(".empty")).to_contain_text("Nothing is deleted.")
    until(lambda: len(house.rows()) == 1)
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    log = page.get_by_role("dialog").locator(".log li")
    expect(log).to_have_count(2)
    expect(log.first).to_contain_text("anna: removed for good (3 calls)")
    expect(log.last).to_contain_text("anna: deleted (3 calls)")
    assert_accessible(page)


def test_a_call_that_comes_back_while_the_question_stands_is_not_removed(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("status of 404")  # what is gone is asked for once more
    member = anna()
    jonas, _ = people(house, "Jonas", "Claire")
    page, other = desk.inbox(member), desk.inbox(member)
    gathered(page, 2)
    for name in ("Jonas", "Claire"):
        row_of(page, name).get_by_role("button", name="Delete").click()
        expect(row_of(page, name)).to_have_count(0)
    for each in (page, other):
        pill(each, "Deleted").check()
        expect(each.locator("call-row")).to_have_count(2)
    page.get_by_role("button", name="Remove all 2 for good").click()
    row_of(other, "Jonas").get_by_role("button", name="Restore").click()
    until(lambda: any(row.id == jonas and row.deleted_at is None for row in house.rows()))
    page.get_by_role("dialog").get_by_role("button", name="Remove all 2 for good").click()
    expect(page.locator("#said")).to_have_text("1 call removed for good.")
    assert [row.id for row in house.rows()] == [jonas]


def test_of_very_many_deletions_those_that_went_can_be_undone_when_the_rest_fails(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource")
    member = anna()
    for at in range(MOST + 1):
        house.call("1007", "Pest", ago=timedelta(hours=1, minutes=at))
    page = desk.inbox(member)
    gathered(page, MOST + 1)
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        route.abort() if len(asked) == 2 else route.continue_()

    page.route("**/rows/deleted", answer)
    box(page).fill("pest")
    page.get_by_role("button", name=f"Delete all {MOST + 1}").click()
    expect(page.locator("#said")).to_have_text(f"{MOST} calls deleted.")
    expect(page.locator("status-banner")).to_contain_text("The server cannot be reached.")
    expect(page.locator("call-row")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_have_text(f"{MOST} calls are back.")
    assert len(asked) == 3
    gathered(page, MOST + 1)


def test_the_log_tells_members_who_listened_and_who_took_a_file(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    [jonas] = people(house, "Jonas")
    house.note(speech(2), jonas)
    page = desk.inbox(member)
    gathered(page, 1)
    play(page, "Jonas")
    with page.expect_download(), page.expect_response(re.compile("/log$")):
        page.get_by_role("button", name="Save as a WAV file").click()
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    log = page.get_by_role("dialog").locator(".log li")
    expect(log).to_have_count(2)
    expect(log.first).to_contain_text("anna: saved as a file")
    expect(log.last).to_contain_text("anna: listened")


def test_without_a_connection_nothing_is_deleted_and_the_page_says_why(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource")
    member = anna()
    people(house, "Jonas", "Claire")
    page = desk.inbox(member)
    gathered(page, 2)
    page.route("**/rows/deleted", lambda route: route.abort())
    row_of(page, "Claire").get_by_role("button", name="Delete").click()
    expect(page.locator("status-banner")).to_contain_text("The server cannot be reached.")
    expect(page.locator("call-row .name")).to_have_text(["Jonas", "Claire"])
