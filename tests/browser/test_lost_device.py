"""A telephone is lost with its key in it: new keys from the page, and what everybody else then sees."""

import re
import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from bridge.errors import Refused
from bridge.seal import keys
from bridge.seal.open import open_note
from bridge.store.store import DATABASE
from tests.browser.accessible import assert_accessible
from tests.browser.book import bring, card
from tests.browser.conftest import Desk
from tests.browser.house import PASSPHRASE, House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_members import approve_over_http
from tests.browser.test_removal import printed, secrets_of
from tests.browser.test_secrets import BETTER, log_in

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

PINNED = """async (id) => {
  const found = await new Promise((resolve) => {
    indexedDB.open("aftertone").onsuccess = (event) => resolve(event.target.result);
  });
  const asked = found.transaction("pins").objectStore("pins").get(id);
  return new Promise((resolve) => {
    asked.onsuccess = () => { found.close(); resolve(asked.result ?? null); };
  });
}"""
"""What this browser has pinned for somebody."""


def begin_anew(page: Page, now: str = PASSPHRASE, *, code: bool = False) -> None:
    """Open the form, and fill it."""
    page.goto("/keys")
    page.get_by_role("button", name="My device was lost: new keys").click()
    if code:
        page.get_by_role("button", name="Use the recovery code").click()
    page.get_by_label("Recovery code" if code else "Passphrase so far", exact=True).fill(now)
    page.get_by_label("New passphrase", exact=True).fill(BETTER)
    page.get_by_label("Passphrase, once more").fill(BETTER)
    page.get_by_role("button", name="Continue").click()


def keep_code(page: Page) -> str:
    """Read the new code, and type the two groups that are asked for."""
    groups = page.locator(".recovery li")
    expect(groups).to_have_count(8)
    code = groups.all_inner_texts()
    page.get_by_role("button", name="I have kept it").click()
    for field in page.locator("input[data-group]").all():
        field.fill(code[int(field.get_attribute("data-group") or 0) - 1])
    page.get_by_role("button", name="Finish").click()
    return "-".join(code)


def own_public(house: House, member: Member) -> bytes:
    user = house.on_loop(lambda: house.store.users.get(member.id))
    assert user is not None
    assert user.public is not None
    return user.public


def shared(house: House, anna: Member) -> Member:
    """Bernd reads Anna's mailbox, too."""
    second = house.join("bernd", claim=False)
    approve_over_http(house, anna, second, "1001")
    return second


def test_after_a_loss_the_old_key_opens_no_later_note_and_its_owner_hears_all(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    second = shared(house, member)
    house.note(speech(1.2), house.call("1007", "Jonas"))
    desk.allow("status of 401")
    lost, his = desk.inbox(member), desk.inbox(second)
    session = house.on_loop(lambda: house.store.sessions.open(member.id, "cookie"))
    context = desk.browser(viewport={"width": 320, "height": 640})
    again = Member(member.id, member.name, member.private, member.public, member.code, session)
    page, tab = desk.inbox(again, context), context.new_page()
    tab.goto("/")
    for each in (lost, his, page, tab):
        expect(each.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: house.streams(second) == 1 and house.streams(member) == 2)
    old = secrets_of(house, member)

    page.goto("/keys")
    expect(page.get_by_role("button", name="My device was lost: new keys")).to_be_visible()
    assert_accessible(page)
    begin_anew(page, "not the passphrase")
    expect(page.get_by_role("alert")).to_have_text("That does not open your key.")
    assert_accessible(page)
    begin_anew(page)
    expect(page.locator(".recovery li")).to_have_count(8)
    assert_accessible(page)
    assert own_public(house, member) == member.public, "until the code is kept nothing has happened"
    code = keep_code(page)
    expect(page.get_by_role("status").last).to_contain_text("Your keys are new.")
    assert_accessible(page)

    lost.wait_for_url("**/login")
    public = own_public(house, member)
    assert public != member.public
    line = his.locator("status-banner .banner.warn")
    expect(line).to_contain_text(f"anna has another key than before: {printed(public)}")
    expect(line).to_contain_text("Mailbox Anna Weber has a new key since")
    assert_accessible(his)
    line.get_by_role("button", name="Got it").click()
    his.reload()
    new = house.note(speech(1.4, 2), house.call("1008", "Claire"))
    for each in (his, tab):
        expect(each.locator("call-row .name")).to_have_text(["Claire", "Jonas"])
    expect(his.locator("status-banner")).to_be_empty()
    page.goto("/")
    for each, name in ((page, "Claire"), (tab, "Jonas"), (his, "Claire")):
        play(each, name)
        until(lambda each=each: each.evaluate("window.heard.length") == 1)  # type: ignore[misc]
    expect(page.locator("status-banner")).to_be_empty()
    expect(page.locator("unlock-panel")).to_be_hidden()

    found = house.on_loop(lambda: house.store.notes.get(new))
    assert found is not None
    for secret in old.values():
        with pytest.raises(Refused, match="not sealed to this key"):
            open_note(
                house.on_loop(lambda: house.store.blobs.read(new)),
                note_id=new,
                mailbox_id=found.mailbox_id,
                secret=secret,
                envelopes=found.envelopes,
            )
    with pytest.raises(Refused, match="mailbox key"):
        secrets_of(house, member)
    assert secrets_of(house, second).keys() == {0, 1, 2}

    log_in(lost, PASSPHRASE)
    expect(lost.get_by_role("alert")).to_have_text("Wrong name or passphrase.")
    lost.get_by_role("button", name="I lost my passphrase").click()
    lost.get_by_label("Recovery code").fill(code)
    lost.get_by_role("button", name="Log in").click()
    expect(lost.locator("call-row .name")).to_have_text(["Claire", "Jonas"])


def test_the_recovery_code_does_as_well_and_what_breaks_off_leaves_the_old_keys(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    desk.allow("net::ERR_FAILED")
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    begin_anew(page, member.code, code=True)
    page.route("**/me/keys", lambda route: route.abort())
    keep_code(page)
    expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")
    assert own_public(house, member) == member.public
    page.unroute_all()
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("unlock-panel")).to_be_hidden()

    begin_anew(page, member.code, code=True)
    keep_code(page)
    expect(page.get_by_role("status").last).to_contain_text("Your keys are new.")
    assert own_public(house, member) != member.public
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_an_answer_that_is_lost_was_a_yes(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas")
    desk.allow("net::ERR_FAILED")
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_text("Jonas")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    begin_anew(page)
    page.route("**/me/keys", lose_the_answer)
    keep_code(page)
    expect(page.get_by_role("status").last).to_contain_text("Your keys are new.")
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas")


@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "is lost"])
def test_a_page_closed_just_when_it_sends_has_old_keys_or_new_ones_whole(
    house: House, desk: Desk, anna: Join, arrives: bool
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    desk.allow("net::ERR_FAILED")
    context = desk.browser()
    page = desk.inbox(member, context)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    begin_anew(page)
    expect(page.locator(".recovery li")).to_have_count(8)
    # Its answer never comes, or it is told that it did not arrive.
    page.route("**/me/keys", lambda route: route.fetch() if arrives else route.abort())
    keep_code(page)
    if arrives:
        while own_public(house, member) == member.public:
            page.wait_for_timeout(50)  # the request passes through this thread
    else:
        expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")
    page.close()
    page = context.new_page()
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("unlock-panel")).to_be_hidden()
    assert (own_public(house, member) != member.public) is arrives


def test_nobody_closes_new_keys_for_a_member_whose_key_is_a_strange_one(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    second = shared(house, member)
    page = desk.inbox(member)
    expect(page.locator(".empty")).to_be_visible()
    _, forged = keys.new_keypair()
    until(lambda: page.evaluate(PINNED, second.id) is not None)

    def swap() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("UPDATE user SET public = ? WHERE id = ?", (forged, second.id))
        database.close()

    house.on_loop(swap)
    begin_anew(page)
    keep_code(page)
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile("The key of bernd is another one .* among the members of Anna Weber")
    )
    assert own_public(house, member) == member.public


def test_the_names_of_the_address_book_come_along(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "JM")
    page = desk.inbox(member)
    bring(page, card("Jonas Müller", "1007"))
    expect(page.locator("call-row .name")).to_have_text("Jonas Müller")
    begin_anew(page)
    keep_code(page)
    expect(page.get_by_role("status").last).to_contain_text("Your keys are new.")
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas Müller")
    elsewhere = desk.browser().new_page()
    elsewhere.goto("/login")
    log_in(elsewhere, BETTER)
    expect(elsewhere.locator("call-row .name")).to_have_text("Jonas Müller")
