"""Somebody is gone who may have kept a mailbox's key: the pages of those who stay make the next one."""

import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from bridge.store.store import DATABASE
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import House, Member, until
from tests.browser.test_members import approve_over_http
from tests.browser.test_removal import members_of, secrets_of, two_more

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def test_who_leaves_made_a_key_that_an_open_page_of_those_who_stay_replaces_by_itself(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.call("1007", "Jonas")
    second, third = two_more(house, first)
    his, page, hers = desk.inbox(second), desk.inbox(first), desk.inbox(third)
    for each in (his, page, hers):
        expect(each.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: all(house.streams(who) == 1 for who in (first, second, third)))
    desk.allow("status of 409")  # of the slower one of two pages
    members_of(his).get_by_role("button", name="Leave: bernd").click()
    his.get_by_role("dialog", name="Leave Anna Weber?").get_by_role("button", name="Leave").click()
    expect(his.locator("mailbox-list .box")).to_have_count(0)

    until(lambda: sorted(secrets_of(house, first)) == [0, 1, 2, 3])
    assert secrets_of(house, third) == secrets_of(house, first)
    house.call("1008", "Luisa")
    for each in (page, hers):
        expect(each.locator("call-row .name").first).to_have_text("Luisa")
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert box is not None
    assert box.epoch == 3, "one key follows, however many pages look"
    assert house.on_loop(lambda: house.store.epochs.outgrown(first.id)) == frozenset()


PINNED = """(id) => new Promise((resolve) => {
  const request = indexedDB.open("aftertone");
  request.onsuccess = () => {
    const asked = request.result.transaction("pins").objectStore("pins").get(id);
    asked.onsuccess = () => { request.result.close(); resolve(asked.result !== undefined); };
  };
})"""


def test_no_page_gives_a_key_by_itself_to_somebody_it_has_never_seen(
    house: House, desk: Desk, anna: Join
) -> None:
    """Whoever can write the database adds himself and waits for somebody to leave."""
    first = anna()
    house.call("1007", "Jonas")
    second, eve = house.join("bernd", claim=False), house.join("eve", "1003", claim=False)
    approve_over_http(house, first, second, "1001")
    his, page = desk.inbox(second), desk.inbox(first)
    for each in (his, page):
        expect(each.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: all(house.streams(who) == 1 for who in (first, second)))
    until(lambda: page.evaluate(PINNED, second.id))
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert box is not None

    def intrude() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("INSERT INTO member (mailbox_id, user_id) VALUES (?, ?)", (box.id, eve.id))
            database.executemany(
                "INSERT INTO mailbox_wrap (mailbox_id, epoch, user_id, wrap) VALUES (?, ?, ?, ?)",
                [(box.id, epoch, eve.id, bytes(80)) for epoch in (0, 1)],
            )
        database.close()

    house.on_loop(intrude)
    members_of(his).get_by_role("button", name="Leave: bernd").click()
    his.get_by_role("dialog", name="Leave Anna Weber?").get_by_role("button", name="Leave").click()
    told = page.locator("status-banner .banner").filter(has_text="may have kept the key of mailbox")
    expect(told).to_contain_text("This browser does not know the key of eve yet")
    assert sorted(secrets_of(house, first)) == [0, 1, 2]

    dialog = members_of(page)
    expect(dialog.locator(".people li").filter(has_text="eve")).to_contain_text("reads this mailbox")
    dialog.get_by_role("button", name="New key for this mailbox").click()
    sure = page.get_by_role("dialog", name="A new key for Anna Weber?")
    assert_accessible(page)
    sure.get_by_role("button", name="Make a new key").click()
    expect(dialog.locator(".log")).to_contain_text("anna: gave the mailbox a new key")
    expect(told).to_have_count(0)
    assert sorted(secrets_of(house, first)) == [0, 1, 2, 3]
