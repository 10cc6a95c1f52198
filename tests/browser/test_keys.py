"""Keys lost, brought back, claimed in pieces and shared."""

import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from bridge.call.model import Codec
from bridge.media import g711
from bridge.seal.layout import split_head
from bridge.store.store import DATABASE
from tests.browser.conftest import Desk
from tests.browser.house import PASSPHRASE, House, Member, speech, until
from tests.browser.test_first_visit import heard_in, join_by_link

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

WIPE = """() => new Promise((resolve, reject) => {
  const request = indexedDB.deleteDatabase("aftertone");
  request.onsuccess = resolve;
  request.onerror = reject;
})"""


def wiped(page: Page) -> Page:
    """The same page after the browser lost its storage but kept the cookie."""
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    page.evaluate(WIPE)
    page.reload()
    expect(page.get_by_role("heading", name="Your notes are sealed")).to_be_visible()
    expect(page.locator("call-row .who")).to_have_text("Sealed")
    return page


def test_a_wiped_browser_is_unlocked_by_the_passphrase(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.call("1007", "Jonas")
    page = wiped(desk.inbox(member))
    page.get_by_label("Passphrase").fill("not the passphrase")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("That does not open your key.")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    page.reload()
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_a_wiped_browser_is_unlocked_by_the_recovery_code_however_it_is_typed(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    page = wiped(desk.inbox(member))
    page.get_by_role("button", name="Use the recovery code").click()
    for wrong in ("0000-0000-0000-0000-0000-0000-0000-0000", "no code at all"):
        page.get_by_label("Recovery code").fill(wrong)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_have_text("That does not open your key.")
    typed = member.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    page.get_by_label("Recovery code").fill(typed)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_who_lost_passphrase_and_browser_logs_in_by_the_recovery_code_and_hears_the_note(
    house: House, desk: Desk
) -> None:
    sound = speech(1.2)
    house.note(sound, house.call("1007", "Jonas"))
    page = desk.browser().new_page()
    code = join_by_link(page, house.invite())
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})
    page.evaluate(WIPE)
    page.context.clear_cookies()
    desk.allow("status of 401")
    page.goto("/")
    page.wait_for_url("**/login")

    page.get_by_label("Name").fill("anna")
    page.get_by_role("button", name="I lost my passphrase").click()
    expect(page.get_by_label("Name")).to_have_value("anna")
    desk.requests.clear()
    log_in = page.get_by_role("button", name="Log in")
    for wrong, told in (
        (code[:-1], "A recovery code has 32 letters and digits."),
        (PASSPHRASE, "A recovery code has 32 letters and digits."),
        ("0000-" * 7 + "0000", "Wrong name or recovery code."),
    ):
        page.get_by_label("Recovery code").fill(wrong)
        log_in.click()
        expect(page.get_by_role("alert")).to_have_text(told)
    assert [each for each in desk.requests if "/api/" in each] == ["POST /api/v1/login"]

    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "i")
    page.get_by_label("Recovery code").fill(f" {typed} ")
    log_in.click()
    page.wait_for_url(f"{house.url}/")
    page.get_by_role("button", name="Play the note of Jonas").click()
    expect(page.locator("note-player .clock")).to_contain_text("0:01")
    assert heard_in(page) == np.asarray(g711.decode(sound, Codec.PCMU)).tolist()
    expect(page.locator("unlock-panel")).to_be_hidden()


def test_a_code_of_somebody_else_lets_nobody_in(house: House, desk: Desk, anna: Join) -> None:
    anna()
    other = house.join("bernd", "1002")
    desk.allow("status of 401")
    page = desk.browser("de-DE").new_page()
    page.goto("/login")
    page.get_by_role("button", name="Ich habe meine Passphrase verloren").click()
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Wiederherstellungscode").fill(other.code)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("alert")).to_have_text("Name oder Wiederherstellungscode falsch.")
    page.get_by_role("button", name="Passphrase verwenden").click()
    expect(page.get_by_label("Name")).to_have_value("anna")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url(f"{house.url}/")


def test_the_kept_key_cannot_be_read_out_and_log_out_wipes_it(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    page = desk.inbox(member)
    expect(page.locator(".empty")).to_be_visible()
    read = """() => new Promise((resolve) => {
      const request = indexedDB.open("aftertone");
      request.onsuccess = () => {
        const all = request.result.transaction("keys").objectStore("keys").getAll();
        all.onsuccess = () => { request.result.close(); resolve(all.result.map((key) => key.extractable)); };
      };
    })"""
    assert page.evaluate(read) == [False]
    other = page.context.new_page()
    other.goto("/")
    expect(other.locator(".empty")).to_be_visible()
    desk.allow("status of 401")  # what a page had asked for when its session ended
    desk.requests.clear()
    # A slow server: whoever else notices the end of the session meanwhile must not navigate anew.
    page.context.route("**/login", slowly)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    other.wait_for_url("**/login")
    assert desk.requests.count("GET /login") == 2, "one navigation a tab, whoever noticed first"
    assert page.evaluate(read) == []
    assert house.on_loop(lambda: house.store.sessions.user(member.session)) is None


def test_parameters_that_make_a_passphrase_cheap_are_refused(house: House, desk: Desk, anna: Join) -> None:
    anna()
    page = desk.browser().new_page()

    def weaken(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["params"] = body["params"].replace("65536", "1024")
        route.fulfill(response=answer, json=body)

    page.route("**/api/v1/login/start", weaken)
    page.goto("/login")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("too weak for a passphrase")
    assert not any(each.endswith("/api/v1/login") for each in desk.requests)


def slowly(route: Route) -> None:
    """Answer after a second."""
    route.request.frame.page.wait_for_timeout(1000)
    route.continue_()


def interrupt(page: Page, pattern: str) -> None:
    """Let requests of this kind come to nothing, as when the page is closed before they leave."""
    page.context.route(re.compile(pattern), lambda route: route.abort())


def test_a_claim_broken_before_its_confirmation_goes_on_at_the_next_visit(house: House, desk: Desk) -> None:
    house.note(speech(1.2), house.call("1007", "Jonas"))
    member = house.join(claim=False)
    desk.allow("net::ERR_FAILED")
    page = desk.inbox_behind(member, lambda each: interrupt(each, "/claim/confirm$"))
    expect(page.locator("status-banner")).to_contain_text("Mailbox Anna Weber could not be made private yet")
    expect(page.locator("mailbox-list")).to_contain_text("not yet private")
    page.context.unroute_all()
    page.reload()
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("mailbox-list .state")).to_have_count(0)
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})
    desk.requests.clear()
    page.reload()
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: house.streams(member) == 1)
    assert not any("/mailboxes/" in each for each in desk.requests)


def test_a_claim_whose_answer_is_lost_is_a_claim(house: House, desk: Desk) -> None:
    house.note(speech(1.2), house.call("1007", "Jonas"))
    member = house.join(claim=False)
    desk.allow("net::ERR_FAILED")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page = desk.inbox_behind(member, lambda each: each.context.route("**/claim/confirm", lose_the_answer))
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("mailbox-list .state")).to_have_count(0)
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})


def test_a_page_closed_in_the_middle_of_a_claim_loses_nothing(house: House, desk: Desk) -> None:
    house.note(speech(1.2), house.call("1007", "Jonas"))
    member = house.join(claim=False)
    context = desk.browser()
    for step in ("**/claim", "**/claim/confirm", "**/rewraps*"):
        context.route(step, lambda route: None)
        page = desk.inbox(member, context)
        with page.expect_request(step):
            page.reload()
        page.close()
        context.unroute_all()
    page = desk.inbox(member, context)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})
    page.get_by_role("button", name="Play").click()
    expect(page.locator("note-player .title")).to_have_text("Jonas")


def test_re_sealing_broken_halfway_goes_on_and_every_note_opens_all_the_time(
    house: House, desk: Desk
) -> None:
    for n in range(60):
        house.note(speech(0.5, n), house.call(f"{3000 + n}", f"Caller {n}", ago=timedelta(minutes=60 - n)))
    member = house.join(claim=False)
    desk.allow("net::ERR_FAILED")
    rounds = [0]

    def only_one_round(route: Route) -> None:
        rounds[0] += route.request.method == "POST"
        if rounds[0] > 1:
            route.abort()
        else:
            route.continue_()

    page = desk.inbox_behind(member, lambda each: each.context.route("**/rewraps*", only_one_round))
    expect(page.locator("status-banner")).to_contain_text("could not be made private yet")
    page.context.unroute_all()
    epochs = [note.epoch for row in house.rows() for note in row.notes]
    assert 0 in epochs
    page.reload()
    expect(page.locator("call-row .name")).to_have_count(50)
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})
    page.reload()
    row = page.locator("call-row").filter(has_text="Caller 59")
    row.get_by_role("button", name="Play").click()
    expect(page.locator("note-player .title")).to_have_text("Caller 59")
    until(lambda: page.evaluate("window.heard.length") == 1)


def test_one_forged_row_keeps_no_other_from_its_new_key(house: House, desk: Desk) -> None:
    """Who can write the database puts a row there that opens for nobody; the rest still becomes private."""
    house.note(speech(1.2), house.call("1007", "Jonas"))
    forged = house.call("1008", "Claire")
    member = house.join(claim=False)

    def spoil() -> None:
        with sqlite3.connect(house.data / DATABASE) as database:
            ((sealed,),) = database.execute("SELECT sealed FROM call WHERE id = ?", (forged,)).fetchall()
            end = split_head(sealed).size
            spoiled = sealed[: end - 1] + bytes([sealed[end - 1] ^ 1]) + sealed[end:]
            database.execute("UPDATE call SET sealed = ? WHERE id = ?", (spoiled, forged))
        database.close()

    house.on_loop(spoil)
    page = desk.inbox(member)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    until(lambda: {note.epoch for row in house.rows() for note in row.notes} == {1})
    expect(page.locator("status-banner")).to_contain_text("could not be made private yet")
