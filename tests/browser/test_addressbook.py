"""The address book: my names at the rows, sealed to me alone, out of a file that never leaves the browser."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from bridge.seal.note import STREAM_MEDIA, STREAM_META, NoteSealer, pad_json, split_head
from bridge.seal.open import open_note
from tests.browser.accessible import assert_accessible
from tests.browser.book import bring, card, choose, kept_of, open_book, people
from tests.browser.conftest import Desk
from tests.browser.finding import box, gathered, names, stored
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

TOO_LARGE = """() => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(10 * 1024 * 1024 + 1)], "large.vcf"));
  const input = document.querySelector("#book-file");
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
}"""

BOOK = card("Jonas Müller", "+49 (0)30 5550-1234", "1007") + card("Nobody") + card("Oma", "0171 22")


def test_a_file_gives_rows_their_names_and_search_both_and_it_goes_nowhere(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("status of 401")  # the other page hears of the log-out
    member = anna()
    house.call("03055501234", "MUELLER J", ago=timedelta(minutes=1))
    house.call("+4917122", ago=timedelta(minutes=2))
    house.call("1008", "Somebody", ago=timedelta(minutes=3))
    page = desk.inbox(member)
    gathered(page, 3)
    bodies: list[bytes] = []
    page.on("request", lambda request: bodies.append(request.post_data_buffer or b""))
    dialog = open_book(page)
    choose(page, BOOK)
    summary = dialog.locator(".summary li")
    expect(summary).to_have_text(["New contacts: 2", "Passed over, without a number: 1"])
    assert_accessible(page)
    assert kept_of(house, member) == b"", "nothing is saved before it is told"
    dialog.get_by_role("button", name="Add to the address book").click()
    expect(dialog.locator(".people .name")).to_have_text(["Jonas Müller", "Oma"])
    assert_accessible(page)
    dialog.get_by_role("button", name="Close").click()
    assert names(page) == ["Jonas Müller", "Oma", "Somebody"]
    row = row_of(page, "Jonas")
    expect(row.get_by_role("img", name="From your address book")).to_be_visible()
    expect(row.locator(".itself")).to_have_text("called itself MUELLER J")
    expect(row_of(page, "Somebody").get_by_role("img", name="From your address book")).to_have_count(0)
    expect(row_of(page, "Oma").locator(".itself")).to_have_count(0)
    for words in ("jonas muller", "MUELLER J", "5550 1234"):
        box(page).fill(words)
        assert names(page) == ["Jonas Müller"]
    assert not any(re.search(rb"(?i)jonas|oma|5550", body) for body in bodies)
    assert not any(re.search(r"Jonas|5550", f"{each['key']} {each['value']}") for each in stored(page))

    sealed = kept_of(house, member)
    assert not re.search(rb"Jonas|5550", sealed)
    note = open_note(sealed, note_id=split_head(sealed).note_id, mailbox_id=member.id, secret=member.private)
    assert [entry["name"] for entry in json.loads(note.media)["entries"]] == ["Jonas Müller", "Oma"]
    page.reload()
    gathered(page, 3)
    assert names(page) == ["Jonas Müller", "Oma", "Somebody"]
    other = desk.inbox(member)
    gathered(other, 3)
    assert names(other) == ["Jonas Müller", "Oma", "Somebody"]
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert not stored(page, "aftertone-book/")


def test_a_forged_name_never_looks_like_a_contact(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Your Bank", ago=timedelta(minutes=1))
    house.call("+4990012345", "oma", ago=timedelta(minutes=2))
    house.call("+4917122", "Oma", presentation="restricted", ago=timedelta(minutes=3))
    page = desk.inbox(member)
    gathered(page, 3)
    bring(page, BOOK)
    mine = page.get_by_role("img", name="From your address book")
    expect(mine).to_have_count(1)
    expect(row_of(page, "Jonas").locator(".itself")).to_have_text("called itself Your Bank")
    forged = page.locator("call-row").nth(1)
    expect(forged.locator(".name")).to_have_text("oma")
    expect(forged.locator(".posing")).to_have_text(
        "Calls itself like a contact of yours, from another number"
    )
    expect(page.locator("call-row").nth(2)).to_contain_text("Number withheld")
    assert_accessible(page)


def test_hostile_files_are_text_and_bounded(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("+491", "x", ago=timedelta(minutes=1))
    house.call("+492", "x", ago=timedelta(minutes=2))
    house.call("+493", "x", ago=timedelta(minutes=3))
    house.call("+494", "x", ago=timedelta(minutes=4))
    page = desk.inbox(member)
    gathered(page, 4)
    hostile = "<img src=x onerror=fetch('/stolen')>"
    bring(page, card(hostile, "+491") + card("A" * 1_000_000, "+492") + card("\u202egnp.live\u2066", "+493"))
    bring(page, 'Name;Telefon\n"=HYPERLINK(""http://x"")";+494\n@SUM(A1);=1+1\n', "contacts.csv")
    assert names(page) == [hostile, "A" * 120, "gnp.live", '=HYPERLINK("http://x")']
    assert page.locator("call-row img, dialog img").count() == 0
    assert not any("stolen" in each for each in desk.requests)
    dialog = open_book(page)
    choose(page, b"\x00\x01PK not contacts", "x.vcf")
    expect(dialog.get_by_role("alert").last).to_contain_text("No contacts were found in this file.")
    page.evaluate(TOO_LARGE)
    expect(dialog.get_by_role("alert").last).to_contain_text("This file is larger than 10 MB.")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_caller_is_named_from_its_row_while_a_note_plays_and_nothing_stirs(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.note(speech(30), house.call("+493055501234", "JM", ago=timedelta(minutes=1)))
    house.call("1008", "Claire", ago=timedelta(minutes=2))
    page = desk.inbox(member, viewport={"width": 320, "height": 700})
    gathered(page, 2)
    play(page, "JM")
    page.evaluate("window.kept = [document.querySelector('audio'), document.querySelector('note-strip')]")
    row = page.locator("call-row").first
    row.get_by_role("button", name="Details").press("Enter")
    expect(row.get_by_role("button", name="Details")).to_have_attribute("aria-expanded", "true")
    row.get_by_role("button", name="Name this caller").press("Enter")
    dialog = page.get_by_role("dialog", name="New contact")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("JM")
    expect(dialog.get_by_label("Numbers")).to_have_value("+493055501234")
    expect(dialog.get_by_label("Note")).to_have_attribute("spellcheck", "false")
    assert_accessible(page)
    dialog.get_by_label("Name").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("A name, please.")
    dialog.get_by_label("Name").fill("Jonas")
    dialog.get_by_label("Numbers").fill("+493055501234\ncall me")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("“call me” is no number")
    assert_accessible(page)
    dialog.get_by_label("Numbers").fill("+493055501234\n1008")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("call-row .name")).to_have_text(["Jonas", "Jonas"])
    expect(row.get_by_role("button", name="Edit contact")).to_be_focused()
    assert playing(page)
    assert page.evaluate(
        "kept[0] === document.querySelector('audio') && kept[1] === document.querySelector('note-strip')"
    )
    row.get_by_role("button", name="Edit contact").click()
    page.get_by_role("button", name="Remove contact").click()
    expect(page.locator("call-row .name")).to_have_text(["JM", "Claire"])
    assert playing(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_known_name_takes_a_further_number(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1009", "x")
    page = desk.inbox(member)
    gathered(page, 1)
    bring(page, BOOK)
    row = page.locator("call-row").first
    row.get_by_role("button", name="Details").click()
    row.get_by_role("button", name="Name this caller").click()
    page.get_by_role("dialog").get_by_label("Name").fill("oma")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(row.locator(".name")).to_have_text("Oma")
    dialog = open_book(page)
    assert people(page) == ["Jonas Müller", "Oma"]
    expect(dialog.locator(".people .numbers").last).to_have_text("0171 22, 1009")


def test_export_search_and_delete_all(house: House, desk: Desk, anna: Join, tmp_path: Path) -> None:
    member = anna()
    house.call("1007", "JM")
    page = desk.inbox(member)
    gathered(page, 1)
    bring(page, BOOK + "".join(card(f"Person {n:03}", f"+49 40 {n}") for n in range(120)))
    dialog = open_book(page)
    expect(dialog.locator(".people li")).to_have_count(50)
    dialog.get_by_role("button", name="Show more").press("Enter")
    expect(dialog.locator(".people li")).to_have_count(100)
    expect(dialog.locator(".people li").nth(50).get_by_role("button")).to_be_focused()
    dialog.get_by_label("Search the address book").fill("4040")
    expect(dialog.locator(".people .name")).to_have_text(["Person 040"])
    dialog.get_by_label("Search the address book").fill("mueller")
    expect(dialog.get_by_role("status")).to_have_text("1 of 122 contacts")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "aftertone-address-book.vcf"
    download.value.save_as(tmp_path / "book.vcf")
    dialog.get_by_role("button", name="Delete all").click()
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Delete all").click()
    dialog.get_by_role("button", name="Delete all").last.click()
    expect(dialog.get_by_role("status")).to_have_text("0 of 0 contacts")
    expect(page.locator("call-row .name")).to_have_text(["JM"])
    choose(page, (tmp_path / "book.vcf").read_bytes())
    dialog.get_by_role("button", name="Add to the address book").click()
    expect(page.locator("call-row .name")).to_have_text(["Jonas Müller"])


def test_two_devices_that_save_at_once_lose_nothing(house: House, desk: Desk, anna: Join) -> None:
    desk.allow("status of 409")
    member = anna()
    house.call("1007", ago=timedelta(minutes=1))
    house.call("017122", ago=timedelta(minutes=2))
    phone, other = desk.inbox(member), desk.inbox(member)
    for page in (phone, other):
        gathered(page, 2)
    bring(phone, card("Jonas", "1007"))
    bring(other, card("Oma", "0171 22"))
    expect(other.locator("call-row .name")).to_have_text(["Jonas", "Oma"])
    assert names(phone) == ["Jonas"]
    bring(phone, card("Third", "3"))
    expect(phone.locator("call-row .name")).to_have_text(["Jonas", "Oma"])
    open_book(phone)
    assert people(phone) == ["Jonas", "Oma", "Third"]


def test_a_book_that_its_owner_did_not_make_gives_nobody_a_name(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("+4990012345", "Scam")
    forged = NoteSealer(bytes(range(16)), member.id, [member.public])
    entries = {"v": 1, "kind": "addressbook", "entries": [{"name": "Mama", "numbers": ["+4990012345"]}]}
    meta = {"v": 1, "kind": "addressbook", "proof": "00" * 32, "streams": {"0": 1}}
    sealed = forged.head + forged.record(STREAM_MEDIA, pad_json(entries, 4096), 0, final=True)
    sealed += forged.record(STREAM_META, pad_json(meta), 0, final=True)
    user = house.on_loop(lambda: house.store.users.get(member.id))
    assert user is not None
    house.on_loop(lambda: house.store.addressbooks.put(user, None, sealed))
    page = desk.inbox(member)
    with page.expect_response("**/me/addressbook*"):
        page.reload()
    gathered(page, 1)
    assert names(page) == ["Scam"]
    dialog = open_book(page)
    expect(dialog.get_by_role("alert").first).to_contain_text("was not made with your key")
    assert_accessible(page)
    choose(page, card("Really", "+4990012345"))
    dialog.get_by_role("button", name="Add to the address book").click()
    expect(page.locator("call-row .name")).to_have_text(["Really"])
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_without_a_connection_a_change_is_refused_in_words_and_names_are_still_there(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource")
    member = anna()
    house.call("1007", "JM")
    page = desk.inbox(member)
    gathered(page, 1)
    bring(page, BOOK)
    until(lambda: len(stored(page, "aftertone-book/")) == 1)
    before = kept_of(house, member)

    def away(route: Route) -> None:
        route.abort()

    page.route("**/me/addressbook*", away)
    page.reload()
    gathered(page, 1)
    assert names(page) == ["Jonas Müller"]
    dialog = open_book(page)
    dialog.get_by_role("button", name="Edit Oma").click()
    contact = page.get_by_role("dialog", name="Edit contact")
    contact.get_by_label("Name").fill("Opa")
    contact.get_by_role("button", name="Save").click()
    expect(contact.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    assert kept_of(house, member) == before
    page.unroute("**/me/addressbook*")
    contact.get_by_role("button", name="Save").click()
    expect(dialog.locator(".people .name")).to_have_text(["Jonas Müller", "Opa"])
