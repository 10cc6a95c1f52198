"""Somebody goes from a shared mailbox: what his open page still shows, and what those who stay are told."""

import re
import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from bridge.errors import Refused
from bridge.seal import keys
from bridge.seal.curve import public_of
from bridge.seal.layout import kid
from bridge.seal.open import open_note
from bridge.store.store import DATABASE
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_members import approve_over_http

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def two_more(house: House, first: Member) -> tuple[Member, Member]:
    """Bernd and Claire read the first member's mailbox too."""
    others = house.join("bernd", claim=False), house.join("claire", claim=False)
    for other in others:
        approve_over_http(house, first, other, "1001")
    return others


def secrets_of(house: House, member: Member) -> dict[int, bytes]:
    """The keys of mailbox 1001 that a member's wraps hold, as the Python opener takes them."""
    return {
        wrap.epoch: keys.open_mailbox_wrap(
            wrap.wrap,
            user_private=member.private,
            user_id=member.id,
            mailbox_id=wrap.mailbox_id,
            epoch=wrap.epoch,
            m_public=wrap.public,
        )
        for wrap in house.on_loop(lambda: house.store.mailboxes.wraps_of(member.id))
    }


def printed(public: bytes) -> str:
    return kid(public).hex(" ", 2)


def members_of(page: Page) -> Locator:
    """Open the dialog and return it."""
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    dialog = page.get_by_role("dialog", name="Members of Anna Weber")
    expect(dialog.locator(".people li").first).to_be_visible()
    return dialog


def remove(page: Page, name: str) -> None:
    members_of(page).get_by_role("button", name=f"Remove: {name}").click()
    sure = page.get_by_role("dialog", name=f"Remove {name} from Anna Weber?")
    expect(sure).to_contain_text("may have been kept")
    assert_accessible(page)
    sure.get_by_role("button", name="Remove").click()


def test_who_is_removed_while_his_page_is_open_sees_the_list_empty_and_later_notes_are_not_for_his_key(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    old = house.note(speech(1.2), house.call("1007", "Jonas"))
    second = house.join("bernd", claim=False)
    approve_over_http(house, first, second, "1001")
    his, page = desk.inbox(second), desk.inbox(first)
    for each in (his, page):
        expect(each.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: house.streams(second) == 1 and house.streams(first) == 1)
    his_secrets = secrets_of(house, second)
    assert sorted(his_secrets) == [0, 1]

    remove(page, "bernd")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".people li")).to_have_count(1)
    expect(dialog.locator(".log")).to_contain_text("anna: removed bernd")
    expect(dialog.locator(".log")).to_contain_text("anna: gave the mailbox a new key")
    expect(dialog.get_by_role("button", name="Leave")).to_have_count(0)
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert box is not None
    expect(dialog).to_contain_text(f"Key of the mailbox: {printed(box.public)}")
    dialog.get_by_role("button", name="Close").click()

    expect(his.locator("call-row")).to_have_count(0)
    expect(his.locator("status-banner")).to_contain_text(
        "You are not a member of mailbox Anna Weber any more."
    )
    expect(his.locator("mailbox-list .box")).to_have_count(0)
    assert_accessible(his)
    until(lambda: his.evaluate(KEPT_ROWS) == 0)

    new = house.note(speech(1.4, 2), house.call("1008", "Claire"))
    expect(page.locator("call-row .name")).to_have_text(["Claire", "Jonas"])
    play(page, "Claire")
    until(lambda: page.evaluate("window.heard.length") == 1)
    page.get_by_role("button", name="Play the note of Jonas").first.click()
    until(lambda: page.evaluate("window.heard.length") == 2)
    his.wait_for_timeout(300)
    expect(his.locator("call-row")).to_have_count(0)
    # This browser made the new key: it has no news for its reader.
    expect(page.locator("status-banner")).to_be_empty()

    secrets = secrets_of(house, first)
    assert sorted(secrets) == [0, 1, 2]
    row = house.on_loop(lambda: house.store.notes.get(new))
    assert row is not None
    assert row.epoch == 2
    blob = house.on_loop(lambda: house.store.blobs.read(new))
    assert open_note(blob, note_id=new, mailbox_id=box.id, secret=secrets[2]).media == speech(1.4, 2)
    for secret in his_secrets.values():
        with pytest.raises(Refused, match="not sealed to this key"):
            open_note(blob, note_id=new, mailbox_id=box.id, secret=secret)
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {2})
    found = house.on_loop(lambda: house.store.notes.get(old))
    assert found is not None
    opened = open_note(
        house.on_loop(lambda: house.store.blobs.read(old)),
        note_id=old,
        mailbox_id=box.id,
        secret=secrets[2],
        envelopes=found.envelopes,
    )
    assert opened.media == speech(1.2)


KEPT_ROWS = """() => new Promise((resolve) => {
  const request = indexedDB.open("aftertone-rows");
  request.onsuccess = () => {
    const asked = request.result.transaction("rows").objectStore("rows").count();
    asked.onsuccess = () => { request.result.close(); resolve(asked.result); };
  };
})"""


def test_a_new_key_is_told_to_the_others_until_they_have_seen_it(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.call("1007", "Jonas")
    _, third = two_more(house, first)
    context = desk.browser()
    hers = desk.inbox(third, context)
    page = desk.inbox(first)
    for each in (hers, page):
        expect(each.locator("call-row .name")).to_have_text("Jonas")
    expect(hers.locator("status-banner")).to_be_empty()
    until(lambda: house.streams(third) == 1)
    remove(page, "bernd")
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert box is not None
    now = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    until(lambda: house.on_loop(lambda: house.store.mailboxes.by_extension("1001")).epoch == 2)  # type: ignore[union-attr]
    now = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert now is not None
    line = hers.locator("status-banner .banner")
    expect(line).to_contain_text("Mailbox Anna Weber has a new key since")
    expect(line).to_contain_text(f"its log names anna. Fingerprint: {printed(now.public)}.")
    expect(line).not_to_have_class(re.compile("warn"))
    assert_accessible(hers)
    hers.reload()
    expect(line).to_contain_text("has a new key since")
    expect(hers.locator("call-row .name")).to_have_text("Jonas")
    line.get_by_role("button", name="Got it").click()
    expect(line).to_have_count(0)
    hers.reload()
    expect(hers.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: house.streams(third) == 1)
    expect(hers.locator("status-banner")).to_be_empty()

    # The same epoch with another key is none that a member has begun.
    private, public = keys.new_keypair()
    mine = keys.mailbox_wrap(third.public, third.id, box.id, 2, private, public)

    def swap() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("UPDATE mailbox_key SET public = ? WHERE epoch = 2", (public,))
            database.execute("UPDATE mailbox_wrap SET wrap = ? WHERE epoch = 2", (mine,))
        database.close()

    house.on_loop(swap)
    hers.reload()
    expect(line).to_contain_text("The key of mailbox Anna Weber has changed since your last visit.")
    expect(line).to_have_class(re.compile("warn"))
    expect(line.get_by_role("button")).to_have_count(0)


def test_an_epoch_that_is_taken_back_is_a_warning(house: House, desk: Desk, anna: Join) -> None:
    """Who can write the database lets a removed member's key be the present one again."""
    first = anna()
    second = house.join("bernd", claim=False)
    approve_over_http(house, first, second, "1001")
    page = desk.inbox(first)
    remove(page, "bernd")
    expect(page.get_by_role("dialog").locator(".people li")).to_have_count(1)

    def take_back() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("UPDATE mailbox SET epoch = 1")
        database.close()

    house.on_loop(take_back)
    page.reload()
    expect(page.locator("status-banner .banner.warn")).to_contain_text("has changed since your last visit")


def test_a_member_whose_own_key_was_swapped_gets_no_new_key_until_somebody_has_compared_it(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    _, third = two_more(house, first)
    page = desk.inbox(first)
    dialog = members_of(page)
    expect(dialog.locator(".people li")).to_have_count(3)
    dialog.get_by_role("button", name="Close").click()
    _, forged = keys.new_keypair()

    def swap() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("UPDATE user SET public = ? WHERE id = ?", (forged, third.id))
        database.close()

    house.on_loop(swap)
    remove(page, "bernd")
    dialog = page.get_by_role("dialog", name="Members of Anna Weber")
    expect(dialog.get_by_role("alert")).to_contain_text(
        "The key of claire is another one than this browser knows."
    )
    claire = dialog.locator(".people li").filter(has_text="claire")
    expect(claire).to_contain_text("another key than this browser knows")
    expect(claire.locator(".print")).to_have_text(printed(forged))
    assert_accessible(page)
    assert secrets_of(house, first).keys() == {0, 1}
    claire.get_by_role("button", name="It is the right key: claire").click()
    expect(claire.get_by_role("button", name="It is the right key: claire")).to_have_count(0)
    dialog.get_by_role("button", name="Remove: bernd").click()
    page.get_by_role("dialog", name="Remove bernd").get_by_role("button", name="Remove").click()
    expect(dialog.locator(".people li")).to_have_count(2)
    assert secrets_of(house, first).keys() == {0, 1, 2}


def test_two_pages_change_the_members_at_once_and_both_succeed(house: House, desk: Desk, anna: Join) -> None:
    first = anna()
    second, third = house.join("bernd", claim=False), house.join("claire", claim=False)
    approve_over_http(house, first, second, "1001")
    page = desk.inbox(first)
    until(lambda: house.streams(first) == 1)
    late: list[object] = []

    def somebody_is_let_in(route: object) -> None:
        if not late:
            late.append(route)
            approve_over_http(house, first, third, "1001")
        route.continue_()  # type: ignore[attr-defined]

    desk.allow("status of 409")
    page.route("**/remove", somebody_is_let_in)
    remove(page, "bernd")
    expect(page.get_by_role("dialog").locator(".people li")).to_have_count(2)
    assert len(late) == 1
    assert secrets_of(house, third) == secrets_of(house, first)
    assert secrets_of(house, first).keys() == {0, 1, 2}


def test_a_member_leaves_by_himself_in_german_on_a_telephone(house: House, desk: Desk, anna: Join) -> None:
    first = anna()
    house.call("1007", "Jonas")
    second = house.join("bernd", claim=False)
    approve_over_http(house, first, second, "1001")
    page = desk.inbox(second, language="de-DE", viewport={"width": 320, "height": 640})
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Verlassen: bernd").click()
    sure = page.get_by_role("dialog", name="Anna Weber verlassen?")
    expect(sure).to_contain_text("wer bleibt, bekommt einen neuen Schlüssel")
    assert_accessible(page)
    sure.get_by_role("button", name="Verlassen").click()
    expect(page.locator("call-row")).to_have_count(0)
    expect(page.locator("status-banner")).to_contain_text(
        "Sie sind kein Mitglied des Postfachs Anna Weber mehr."
    )
    assert public_of(secrets_of(house, first)[2])
    assert secrets_of(house, second) == {}
