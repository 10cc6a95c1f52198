"""The page of my keys: another passphrase, and an end of what a lost device holds."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import PASSPHRASE, House, Member, speech, until

pytestmark = pytest.mark.browser

BETTER = "seven quiet herons on the wire"
KEPT_HERE = """async () => {
  const kept = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve) => {
      indexedDB.open(name).onsuccess = (event) => resolve(event.target.result);
    });
    for (const store of database.objectStoreNames) {
      const count = await new Promise((resolve) => {
        const asked = database.transaction(store).objectStore(store).count();
        asked.onsuccess = () => resolve(asked.result);
      });
      if (count) kept.push(store);
    }
    database.close();
  }
  return kept;
}"""
"""The names of all stores of this origin that hold something."""


def change(
    page: Page, now: str, new: str, again: str | None = None, *, label: str = "Passphrase so far"
) -> None:
    page.get_by_label(label, exact=True).fill(now)
    page.get_by_label("New passphrase", exact=True).fill(new)
    page.get_by_label("Passphrase, once more").fill(new if again is None else again)
    page.get_by_role("button", name="Change passphrase").click()


def log_in(page: Page, passphrase: str) -> None:
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Passphrase", exact=True).fill(passphrase)
    page.get_by_role("button", name="Log in").click()


def test_after_a_change_the_new_passphrase_opens_the_notes_and_the_old_one_nothing(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    desk.allow("40[13]")
    lost = desk.inbox(member)
    expect(lost.get_by_text("Jonas")).to_be_visible()
    until(lambda: {"keys", "pins", "rows"} <= set(lost.evaluate(KEPT_HERE)))
    session = house.on_loop(lambda: house.store.sessions.open(member.id, "cookie"))
    page = desk.inbox(Member(member.id, member.name, member.private, member.public, member.code, session))
    page.get_by_role("link", name="Your keys").click()
    assert_accessible(page)

    change(page, "not my passphrase", BETTER)
    expect(page.get_by_role("alert").first).to_have_text("That does not open your key.")
    change(page, PASSPHRASE, BETTER, "something else")
    expect(page.get_by_text("The two passphrases differ.")).to_be_visible()
    change(page, PASSPHRASE, BETTER)
    expect(page.get_by_text("From now on the new passphrase opens your notes")).to_be_visible()
    expect(page.get_by_role("status").last).to_contain_text(re.compile("logged out"))
    page.get_by_role("link", name="To the inbox").click()
    expect(page.get_by_text("Jonas")).to_be_visible()

    lost.wait_for_url("**/login")
    assert lost.evaluate(KEPT_HERE) == ["pins"], "the lost device has forgotten its key and its list"
    log_in(lost, PASSPHRASE)
    expect(lost.get_by_text("Wrong name or passphrase.")).to_be_visible()
    log_in(lost, BETTER)
    expect(lost.get_by_text("Jonas")).to_be_visible()


def test_who_lost_the_passphrase_chooses_a_new_one_by_the_recovery_code(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    desk.allow("401")
    page = desk.inbox(member)
    page.goto("/keys")
    page.get_by_role("button", name="Use the recovery code").click()
    change(page, member.code, BETTER, label="Recovery code")
    expect(page.get_by_text("From now on the new passphrase opens your notes")).to_be_visible()
    page.goto("/")
    page.get_by_role("button", name="Log out").click()
    log_in(page, BETTER)
    expect(page.get_by_role("heading", name="Aftertone")).to_be_visible()


def test_a_lost_telephone_is_logged_out_from_here(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    desk.allow("401")
    lost = desk.inbox(member)
    session = house.on_loop(lambda: house.store.sessions.open(member.id, "cookie"))
    page = desk.inbox(Member(member.id, member.name, member.private, member.public, member.code, session))
    page.goto("/keys")
    page.get_by_role("button", name="Log out everywhere else").click()
    expect(page.get_by_text("One other browser or program was logged out.")).to_be_visible()
    lost.wait_for_url("**/login")
    page.goto("/")
    expect(page).to_have_url(f"{house.url}/")


def test_a_log_out_before_the_page_knows_who_it_is_ends_the_session_and_leaves_nothing(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    desk.allow("status of 401")

    page.route("**/api/v1/me", lambda _route: None)  # it waits
    page.reload()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_timeout(1000)  # whatever does not wait for an answer is done by then
    page.unroute("**/api/v1/me")
    page.wait_for_url("**/login")
    assert house.on_loop(lambda: house.store.sessions.user(member.session)) is None
    until(lambda: page.evaluate(KEPT_HERE) == [])


def test_a_lost_telephone_that_was_switched_off_forgets_all_when_somebody_opens_the_inbox(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    desk.allow("net::ERR_")
    lost = desk.inbox(member, service_workers="allow")
    expect(lost.get_by_text("Jonas")).to_be_visible()
    until(lambda: {"keys", "pins", "rows"} <= set(lost.evaluate(KEPT_HERE)))
    until(lambda: lost.evaluate("caches.match('/shell').then(Boolean)"))
    lost.goto("about:blank")
    house.on_loop(lambda: house.store.sessions.close(member.session))

    lost.goto(house.url)
    expect(lost).to_have_url(f"{house.url}/login")
    until(lambda: lost.evaluate(KEPT_HERE) == ["pins"])
    until(lambda: lost.evaluate("caches.keys()") == [])
    lost.context.set_offline(True)
    with lost.expect_event("requestfailed", lambda request: request.is_navigation_request()):
        lost.evaluate("location.assign('/')")


def test_who_follows_a_link_to_the_login_page_while_logged_in_comes_to_the_inbox(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    expect(page.get_by_text("Jonas")).to_be_visible()
    page.goto(f"{house.url}/login")
    expect(page).to_have_url(f"{house.url}/")
    expect(page.get_by_text("Jonas")).to_be_visible()


def test_a_log_out_that_the_server_could_not_take_is_told_at_the_next_page(
    house: House, desk: Desk, anna: Callable[[], Member]
) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    desk.allow("status of (503|401)")
    page = desk.inbox(member)
    expect(page.get_by_text("Jonas")).to_be_visible()
    page.route("**/api/v1/logout", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("The server could not be told yet")).to_be_visible()
    assert page.evaluate(KEPT_HERE) == []
    page.unroute("**/api/v1/logout")
    for path in ("/keys", "/"):
        page.goto(f"{house.url}{path}")
        expect(page).to_have_url(f"{house.url}/login")
    assert house.on_loop(lambda: house.store.sessions.user(member.session)) is None
