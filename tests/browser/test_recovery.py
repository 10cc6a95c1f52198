"""The organisation's recovery key as members see it: told while it is on, let in by who agrees."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from bridge.seal.curve import new_keypair
from bridge.seal.keys import open_mailbox_wrap
from bridge.seal.layout import kid
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import gathered
from tests.browser.house import House, Member, until
from tests.browser.test_members import approve_over_http, swap_key

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def line(page: Page) -> str:
    return page.locator("recovery-line").inner_text()


@pytest.mark.parametrize("width", [320, 1440])
def test_members_are_told_and_one_of_them_lets_it_in(
    house: House, desk: Desk, anna: Join, width: int
) -> None:
    first = anna()
    second = house.join("bert", claim=False)
    approve_over_http(house, first, second, "1001")
    house.call("1007", "Jonas")
    private, public = new_keypair()
    page = desk.inbox(first)
    gathered(page, 1)
    assert line(page) == "", "it is off"
    user = house.on_loop(lambda: house.store.recovery.turn_on(public))
    other = desk.inbox(second, viewport={"width": width, "height": 640})
    page.reload()
    print_ = kid(public).hex(" ", 2)
    for each in (page, other):
        told = each.get_by_role("region", name="Organisation recovery key")
        expect(told).to_contain_text(f"(fingerprint {print_})")
        expect(told).to_contain_text("It waits to be let into Anna Weber.")
        expect(each.locator("mailbox-list .badge")).to_have_count(0)
    assert_accessible(other)
    assert house.on_loop(lambda: house.store.mailboxes.wraps_of(user.id)) == [], "no page gave it anything"
    other.get_by_role("button", name="Let it in").click()
    dialog = other.get_by_role("dialog", name="Let the recovery key in?")
    expect(dialog).to_contain_text("open every call and note of Anna Weber, old and new, without you")
    expect(dialog).to_contain_text(print_)
    assert_accessible(other)
    dialog.get_by_role("button", name="Cancel").click()
    assert house.on_loop(lambda: house.store.mailboxes.wraps_of(user.id)) == []
    other.get_by_role("button", name="Let it in").click()
    dialog.get_by_role("button", name="Let it in").click()
    for each in (page, other):
        expect(each.locator("recovery-line")).to_contain_text("can open every call and note of Anna Weber")
        expect(each.get_by_role("button", name="Let it in")).to_have_count(0)
    assert other.evaluate("document.documentElement.scrollWidth") == width
    for wrap in house.on_loop(lambda: house.store.mailboxes.wraps_of(user.id)):
        open_mailbox_wrap(
            wrap.wrap,
            user_private=private,
            user_id=user.id,
            mailbox_id=wrap.mailbox_id,
            epoch=wrap.epoch,
            m_public=wrap.public,
        )
    other.get_by_role("button", name=re.compile("^Anna Weber")).click()
    row = other.get_by_role("dialog").locator(".people li").filter(has_text="Organisation recovery key")
    expect(row).to_contain_text("reads this mailbox")
    expect(row.locator(".print")).to_have_text(print_)
    assert_accessible(other)
    house.on_loop(lambda: house.store.recovery.turn_off())
    other.reload()
    gathered(other, 1)
    assert line(other) == ""


def let_in(page: Page) -> Locator:
    """A member agrees; return the line that tells of the key."""
    told = page.locator("recovery-line")
    told.get_by_role("button", name="Let it in").click()
    page.get_by_role("dialog").get_by_role("button", name="Let it in").click()
    expect(told).to_contain_text("can open every call and note of Anna Weber")
    return told


def test_another_recovery_key_than_the_one_that_was_let_in_is_let_in_only_after_somebody_compared_it(
    house: House, desk: Desk, anna: Join
) -> None:
    """Whoever can write the database puts his own key in its place, where it still waits for a mailbox."""
    first = anna()
    house.call("1007", "Jonas")
    user = house.on_loop(lambda: house.store.recovery.turn_on(new_keypair()[1]))
    page = desk.inbox(first)
    told = let_in(page)
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    house.on_loop(lambda: house.store.giving.give("1002", "anna"))
    house.claim(first, "1002")
    _, public = swap_key(house, user.id)
    page.reload()
    expect(told).to_contain_text(f"(fingerprint {kid(public).hex(' ', 2)})")
    expect(told).to_contain_text("That is another key than this browser knows")
    expect(told).to_contain_text("It waits to be let into Workshop.")
    expect(told.locator(".banner.warn")).to_be_visible()
    expect(told.get_by_role("button", name="Let it in")).to_have_count(0)
    assert_accessible(page)
    told.get_by_role("button", name="It is the right key").click()
    expect(told.get_by_role("button", name="Let it in")).to_be_visible()
    expect(told).not_to_contain_text("another key than this browser knows")


def test_after_it_was_turned_off_the_next_page_gives_the_mailbox_a_key_that_it_never_had(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.call("1007", "Jonas")
    house.on_loop(lambda: house.store.recovery.turn_on(new_keypair()[1]))
    page = desk.inbox(first)
    let_in(page)
    house.on_loop(lambda: house.store.recovery.turn_off())
    page.reload()
    until(lambda: house.on_loop(lambda: house.store.mailboxes.recipient("1001").epoch) == 2)
    page.get_by_role("button", name=re.compile("^Anna Weber")).click()
    log = page.get_by_role("dialog").locator(".log")
    expect(log).to_contain_text("The server: removed Organisation recovery key")
    expect(log).to_contain_text("anna: gave the mailbox a new key")


def test_a_recovery_key_that_becomes_another_one_while_somebody_reads_of_it_gets_nothing(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.call("1007", "Jonas")
    user = house.on_loop(lambda: house.store.recovery.turn_on(new_keypair()[1]))
    page = desk.inbox(first)
    page.locator("recovery-line").get_by_role("button", name="Let it in").click()
    _, public = swap_key(house, user.id)
    desk.allow("status of 409")
    page.get_by_role("dialog").get_by_role("button", name="Let it in").click()
    expect(page.locator("status-banner")).to_contain_text(
        "Organisation recovery key has another key by now: nothing was given."
    )
    expect(page.locator("recovery-line")).to_contain_text(f"(fingerprint {kid(public).hex(' ', 2)})")
    assert house.on_loop(lambda: house.store.mailboxes.wraps_of(user.id)) == []
