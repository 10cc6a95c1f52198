"""Callers, databases and disks that mean harm, seen from the page."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from bridge.seal import keys
from bridge.seal.layout import kid, lp, split_head
from tests.browser.conftest import Desk
from tests.browser.finding import stored
from tests.browser.house import House, Member, speech, until

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

NAMES = {
    "<svg/onload=alert(1)>": "<svg/onload=alert(1)>",
    "<img src=x onerror=fetch('/x')>": "<img src=x onerror=fetch('/x')>",
    "{{7*7}}${7*7}'\"; --": "{{7*7}}${7*7}'\"; --",
    "\u202egnp.live\u202c": "gnp.live",
    "a\x00b\r\nc\x1b[31m": "a b c [31m",
    "שלום עולם": "שלום עולם",
    "javascript:alert(1)": "javascript:alert(1)",
}


def test_a_callers_name_is_text_and_cannot_turn_what_follows(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    for name in NAMES:
        house.note(speech(0.6), house.call("+1555", name))
    house.call("+1<b>555", "x" * 50_000)
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_count(len(NAMES) + 1)
    shown = page.locator("call-row .name").evaluate_all("(all) => all.map((each) => each.textContent)")
    assert sorted(shown) == sorted([*NAMES.values(), "x" * 120 + "…"])
    assert page.locator("call-row b, call-row svg[onload], call-row img, main script").count() == 0
    page.locator("call-row").filter(has_text="svg/onload").get_by_role("button", name="Play").click()
    expect(page.locator("note-player .title")).to_have_text("<svg/onload=alert(1)>")
    assert not any("/x" in each for each in desk.requests)


def test_a_note_moved_under_another_call_is_not_opened(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    first = house.note(speech(1, 1), house.call("1001", "Jonas"))
    second = house.note(speech(1, 2), house.call("1002", "Claire"))
    paths = [house.store.blobs.path(note) for note in (first, second)]
    paths[0].write_bytes(paths[1].read_bytes())
    page = desk.inbox(member)
    row = page.locator("call-row").filter(has_text="Jonas")
    row.get_by_role("button", name="Play").click()
    expect(row.get_by_role("alert")).to_contain_text("could not be opened: it is not the note of this call.")
    expect(page.locator("note-player")).to_be_hidden()


def test_rubbish_envelopes_in_a_blob_change_nothing_while_its_row_has_the_right_one(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    path = house.store.blobs.path(house.note(speech(1), house.call("1007", "Jonas")))
    blob = bytearray(path.read_bytes())
    blob[split_head(bytes(blob)).size - 1] ^= 1
    path.write_bytes(bytes(blob))
    page = desk.inbox(member)
    page.get_by_role("button", name="Play the note of Jonas").click()
    expect(page.locator("note-player .clock")).to_contain_text("/ 0:01")
    expect(page.locator("call-row .notice.bad")).to_be_empty()


def test_a_damaged_note_is_played_only_when_asked_with_silence_in_the_gap(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    sound = speech(3)
    note = house.note(sound, house.call("1007", "Jonas"))
    path = house.store.blobs.path(note)
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 2] ^= 1
    path.write_bytes(bytes(blob))
    page = desk.inbox(member)
    row = page.locator("call-row")
    row.get_by_role("button", name="Play").click()
    expect(row.get_by_role("alert")).to_contain_text("A part of this note is damaged.")
    expect(page.locator("note-player")).to_be_hidden()
    row.get_by_role("button", name="Play what is intact").click()
    expect(page.locator("note-player")).to_contain_text("Damaged: a piece at 0:01 is missing")
    assert page.evaluate("window.heard.at(-1).size") == 44 + 2 * len(sound)


def test_a_swapped_mailbox_key_is_noticed(house: House, desk: Desk, anna: Join) -> None:
    page = desk.inbox(anna())
    expect(page.locator("mailbox-list button")).to_be_visible()
    house.call("1007", "Jonas")
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: len(stored(page, "aftertone/pins")) == 1)

    def other_key(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["mailboxes"][0]["public"] = "A" * 42 + "E"
        route.fulfill(response=answer, json=body)

    page.route("**/api/v1/me", other_key)
    page.reload()
    expect(page.locator("status-banner")).to_contain_text("The key of mailbox Anna Weber has changed")


def test_a_key_of_an_epoch_that_no_member_has_begun_is_noticed(house: House, desk: Desk, anna: Join) -> None:
    """Who can write the database closes a key of his own for her, as any member could, and calls it newer."""
    member = anna()
    page = desk.inbox(member)
    house.call("1007", "Jonas")
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: len(stored(page, "aftertone/pins")) == 1)
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1001"))
    assert box is not None
    private, public = keys.new_keypair()
    forged = keys.mailbox_wrap(member.public, member.id, box.id, 2, private, public)

    def swap() -> None:
        with house.store._database.write() as database:
            for statement, values in (
                ("INSERT INTO mailbox_key (mailbox_id, epoch, public) VALUES (?, 2, ?)", (box.id, public)),
                (
                    "INSERT INTO mailbox_wrap (mailbox_id, epoch, user_id, wrap) VALUES (?, 2, ?, ?)",
                    (box.id, member.id, forged),
                ),
                ("UPDATE mailbox SET epoch = 2 WHERE id = ?", (box.id,)),
            ):
                database.exec_driver_sql(statement, values)

    house.on_loop(swap)
    for _ in range(2):
        page.reload()
        expect(page.locator("status-banner .warn")).to_contain_text("Mailbox Anna Weber has a new key")
        expect(page.locator("status-banner .warn")).to_contain_text("Its log does not tell who made it")


def test_a_members_rubbish_costs_the_others_no_note(house: House, desk: Desk, anna: Join) -> None:
    """Anna's claim broke off before older notes got new envelopes; Mallory, let in by then, sends his."""
    sound = speech(1.2)
    house.note(sound, house.call("1007", "Jonas"))
    member, mallory = anna(), house.join("mallory", claim=False)
    store = house.store

    def spoil() -> int:
        secrets = {}
        for wrap in store.mailboxes.wraps_of(member.id):
            secrets[wrap.epoch] = keys.open_mailbox_wrap(
                wrap.wrap,
                user_private=member.private,
                user_id=member.id,
                mailbox_id=wrap.mailbox_id,
                epoch=wrap.epoch,
                m_public=wrap.public,
            )
        wraps = [
            (
                epoch,
                keys.mailbox_wrap(
                    mallory.public, mallory.id, wrap.mailbox_id, epoch, secret, keys.public_of(secret)
                ),
            )
            for epoch, secret in secrets.items()
        ]
        store.mailboxes.approve(wrap.mailbox_id, member.id, mallory.id, mallory.public, wraps)
        rubbish = b"\1" + kid(keys.public_of(secrets[1])) + lp(os.urandom(80))
        waiting = store.mailboxes.pending_rewraps(wrap.mailbox_id, 100)
        store.mailboxes.put_envelopes(wrap.mailbox_id, mallory.id, [(item.id, rubbish) for item in waiting])
        store.tidy()
        return len(waiting)

    assert house.on_loop(spoil) == 2
    page = desk.inbox(member)
    page.get_by_role("button", name="Play the note of Jonas").click()
    expect(page.locator("note-player .clock")).to_contain_text("0:01")
