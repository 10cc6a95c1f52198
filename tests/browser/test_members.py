"""Several people at one mailbox: who waits, who is let in, and what their open pages make of it."""

import re
import sqlite3
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, expect

from bridge.seal import keys
from bridge.seal.layout import kid
from bridge.store.store import DATABASE
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech, until
from tests.browser.test_first_visit import join_by_link
from web.answers import from_b64, to_b64

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def test_a_second_member_waits_is_approved_in_the_page_and_reads_old_notes(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.note(speech(1.5), house.call("1007", "Jonas"))
    second = house.join("bernd", claim=False)
    waiting = desk.inbox(second)
    expect(waiting.locator(".empty")).to_contain_text("A member of this mailbox must let you in.")
    expect(waiting.locator("mailbox-list")).to_contain_text("waiting for approval")
    told = waiting.locator(".empty .print").inner_text()

    page = desk.inbox(first)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    page.get_by_role("button", name="Anna Weber 1001 1 waiting").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".people li").filter(has_text="bernd")).to_contain_text("waiting for approval")
    assert re.fullmatch(r"([0-9a-f]{4} ){3}[0-9a-f]{4}", told)
    expect(dialog.locator(".people li").filter(has_text="bernd").locator(".print")).to_have_text(told)
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog.locator(".people li").filter(has_text="bernd")).to_contain_text("reads this mailbox")
    expect(page.locator("mailbox-list .badge")).to_have_count(0)

    expect(waiting.locator("call-row .name")).to_have_text("Jonas")
    waiting.get_by_role("button", name="Play").click()
    expect(waiting.locator("note-player .title")).to_have_text("Jonas")
    expect(page.get_by_role("img", name="Not heard yet")).to_be_visible()


def swap_key(house: House, user_id: str) -> tuple[bytes, bytes]:
    """Give somebody another key, as he does who lost a device, or whoever can write the database."""
    private, public = keys.new_keypair()

    def swap() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("UPDATE user SET public = ? WHERE id = ?", (public, user_id))
        database.close()

    house.on_loop(swap)
    return private, public


def test_a_key_that_changes_while_it_is_compared_is_given_nothing_and_shows_its_new_fingerprint(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    second = house.join("bernd", claim=False)
    page = desk.inbox(first)
    page.get_by_role("button", name="Anna Weber 1001 1 waiting").click()
    dialog = page.get_by_role("dialog")
    line = dialog.locator(".people li").filter(has_text="bernd")
    expect(line.locator(".print")).to_have_text(kid(second.public).hex(" ", 2))
    _, public = swap_key(house, second.id)
    desk.allow("409")
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_role("alert")).to_contain_text("bernd has another key by now: nothing was given.")
    expect(line.locator(".print")).to_have_text(kid(public).hex(" ", 2))
    expect(line).to_contain_text("waiting for approval")
    assert house.on_loop(lambda: house.store.mailboxes.wraps_of(second.id)) == []
    dialog.get_by_role("button", name="Approve").click()
    expect(line).to_contain_text("reads this mailbox")


def test_a_member_who_is_set_back_to_wait_with_another_key_is_not_approved_unseen(
    house: House, desk: Desk, anna: Join
) -> None:
    """Who can write the database puts his own key there, and hopes for a button that is pressed by habit."""
    first = anna()
    second, third = house.join("bernd", claim=False), house.join("claire", claim=False)
    approve_over_http(house, first, second, "1001")
    page = desk.inbox(first)
    people = page.get_by_role("dialog").locator(".people li")

    def opened() -> Locator:
        page.get_by_role("button", name=re.compile("^Anna Weber")).click()
        expect(people).to_have_count(3)
        return people.filter(has_text="bernd")

    opened()
    page.get_by_role("button", name="Close").click()
    swap_key(house, second.id)
    swap_key(house, third.id)

    def set_back() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("DELETE FROM mailbox_wrap WHERE user_id = ?", (second.id,))
        database.close()

    house.on_loop(set_back)
    line = opened()
    expect(line).to_contain_text("another key than this browser knows")
    expect(line.get_by_role("button", name="Approve: bernd")).to_have_count(0)
    # Who has waited all the time was never known here: his first approval is where his key is compared.
    expect(people.filter(has_text="claire").get_by_role("button", name="Approve: claire")).to_be_visible()
    assert_accessible(page)
    line.get_by_role("button", name="It is the right key: bernd").click()
    line.get_by_role("button", name="Approve: bernd").click()
    expect(line).to_contain_text("reads this mailbox")


def approve_over_http(house: House, member: Member, waiting: Member, extension: str) -> None:
    """Let somebody in as ``aftertone member approve`` does: with a key file, over HTTP."""
    box = house.on_loop(lambda: house.store.mailboxes.by_extension(extension))
    assert box is not None
    token = house.on_loop(lambda: house.store.sessions.open(member.id, "bearer"))
    with httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {token}"}) as program:
        wraps = []
        for wrap in program.get("/api/v1/me").json()["wraps"]:
            public = from_b64(wrap["public"])
            secret = keys.open_mailbox_wrap(
                from_b64(wrap["wrap"]),
                user_private=member.private,
                user_id=member.id,
                mailbox_id=box.id,
                epoch=wrap["epoch"],
                m_public=public,
            )
            made = keys.mailbox_wrap(waiting.public, waiting.id, box.id, wrap["epoch"], secret, public)
            wraps.append({"epoch": wrap["epoch"], "wrap": to_b64(made)})
        path = f"/api/v1/mailboxes/{box.id}/members/{waiting.id}/approve"
        asked = {"public": to_b64(waiting.public), "wraps": wraps}
        assert program.post(path, json=asked).status_code == 200


def test_an_open_page_unlocks_when_a_program_lets_its_user_in(house: House, desk: Desk, anna: Join) -> None:
    first = anna()
    house.note(speech(1.5), house.call("1007", "Jonas"))
    second = house.join("bernd", claim=False)
    waiting = desk.inbox(second)
    expect(waiting.locator(".empty")).to_contain_text("Tell it to a member, who can approve you.")
    until(lambda: house.streams(second) == 1)
    approve_over_http(house, first, second, "1001")
    expect(waiting.locator("call-row .name")).to_have_text("Jonas")
    expect(waiting.locator("mailbox-list .state")).to_have_count(0)
    waiting.get_by_role("button", name="Play").click()
    expect(waiting.locator("note-player .title")).to_have_text("Jonas")


def test_a_member_sees_at_once_that_somebody_waits(house: House, desk: Desk, anna: Join) -> None:
    first = anna()
    link = house.invite("bernd", "1001", "1002")
    page = desk.inbox(first)
    expect(page.locator(".empty")).to_be_visible()
    until(lambda: house.streams(first) == 1)
    his = desk.browser().new_page()
    his.goto(link)
    expect(his.locator("form .lead")).to_have_text(
        "Hello bernd. Your mailboxes: Anna Weber (1001; a member must approve you), 1002."
    )
    join_by_link(his, house.invite("claire", "1001", "1002"))
    expect(page.locator("mailbox-list .badge")).to_have_text("1 waiting")
    told = re.compile(r"let you into Anna Weber\. Your key: ([0-9a-f]{4} ?){4}\. Tell it to a member")
    expect(his.locator("status-banner")).to_contain_text(told)
    expect(his.locator("mailbox-list .box").nth(1)).to_have_text("1002")


def test_a_mailbox_given_while_the_page_is_open_becomes_private_and_opens(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    context = desk.browser()
    pages = [desk.inbox(member, context), context.new_page()]
    pages[1].goto("/")
    for page in pages:
        expect(page.locator(".empty")).to_be_visible()
    until(lambda: house.streams(member) == 1)

    def give() -> None:
        box = house.store.mailboxes.add("1002", "Workshop")
        with sqlite3.connect(house.data / DATABASE) as database:
            database.execute("INSERT INTO member (mailbox_id, user_id) VALUES (?, ?)", (box.id, member.id))
        database.close()
        house.tell_streams()

    house.on_loop(give)
    house.note(speech(1.2), house.call("1007", "Jonas", extension="1002"), extension="1002")
    for page in pages:
        expect(page.locator("call-row .name")).to_have_text("Jonas")
        expect(page.locator("mailbox-list")).to_contain_text("Workshop")
        expect(page.locator("mailbox-list .state")).to_have_count(0)
        expect(page.locator("status-banner")).to_be_empty()
    until(lambda: {note.epoch for row in house.rows("1002") for note in row.notes} == {1})
    assert [each.split("/")[-1] for each in desk.requests].count("confirm") == 1


def test_a_colleague_who_has_an_account_is_added_and_approved_in_the_dialog(
    house: House, desk: Desk, anna: Join
) -> None:
    first = anna()
    house.note(speech(1.2), house.call("1007", "Jonas"))
    second = house.join("claire", "1002")
    hers, page = desk.inbox(second), desk.inbox(first)
    expect(hers.locator("mailbox-list .box")).to_have_count(1)
    until(lambda: house.streams(second) == 1)
    page.get_by_role("button", name="Anna Weber 1001").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".people li")).to_have_count(1)
    name = dialog.get_by_label("Add somebody")
    desk.allow("status of 409")
    name.fill("clarie")
    name.press("Enter")
    expect(dialog.get_by_role("alert").filter(has_text="Nobody logs in here with this name.")).to_be_visible()
    expect(name).to_be_focused()
    name.fill("Claire")
    dialog.get_by_role("button", name="Add", exact=True).click()
    line = dialog.locator(".people li").filter(has_text="claire")
    expect(line).to_contain_text("waiting for approval")
    expect(line.locator(".print")).to_have_text(kid(second.public).hex(" ", 2))
    expect(dialog.get_by_role("button", name="Approve: claire")).to_be_focused()
    assert_accessible(page)
    expect(hers.locator("mailbox-list")).to_contain_text("waiting for approval")
    expect(hers.locator("call-row")).to_have_count(0)
    dialog.get_by_role("button", name="Approve: claire").click()
    expect(line).to_contain_text("reads this mailbox")
    expect(dialog.locator(".log")).to_contain_text("anna: gave the mailbox to claire, who waits for approval")
    expect(hers.locator("call-row .name")).to_have_text("Jonas")
