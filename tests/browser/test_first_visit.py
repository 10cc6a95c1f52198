"""From a one-time link to the first note heard."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bridge.call.model import Codec
from bridge.media import g711
from tests.browser.conftest import Desk
from tests.browser.house import PASSPHRASE, House, speech

pytestmark = pytest.mark.browser

LISTEN = """async () => {
  const blob = window.heard.at(-1);
  const bytes = await blob.arrayBuffer();
  const context = new OfflineAudioContext(1, 1, 8000);
  const sound = await context.decodeAudioData(bytes);
  return Array.from(sound.getChannelData(0), (value) => Math.round(value * 32768));
}"""


def heard_in(page: Page) -> list[int]:
    """Return the samples that the browser decodes from what its player was given."""
    samples: list[int] = page.evaluate(LISTEN)
    return samples


def join_by_link(page: Page, link: str, passphrase: str = PASSPHRASE) -> str:
    """Go through the page behind a link as a person would, and return the recovery code."""
    page.goto(link)
    page.get_by_label("Passphrase", exact=True).fill(passphrase)
    page.get_by_label("Passphrase, once more").fill(passphrase)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    groups = page.locator(".recovery li").all_inner_texts()
    page.get_by_role("button", name="I have kept it").click()
    for field in page.locator("[data-group]").all():
        field.fill(groups[int(field.get_attribute("data-group") or 0) - 1].lower())
    page.get_by_role("button", name="Finish").click()
    page.wait_for_url("**/")
    return "-".join(groups)


def test_a_link_becomes_a_key_and_the_note_is_heard_as_it_was_spoken(house: House, desk: Desk) -> None:
    sound = speech(3.2)
    house.note(sound, house.call("+493055501234", "Müller & Sohn"))
    page = desk.browser().new_page()
    join_by_link(page, house.invite())

    row = page.locator("call-row")
    expect(row.locator(".name")).to_have_text("Müller & Sohn")
    expect(row.locator(".number")).to_have_text("+493055501234")
    expect(row.locator(".why")).to_contain_text("Rang 15 s, nobody answered")
    expect(row.locator(".length")).to_have_text("0:03")
    row.get_by_role("button", name="Play the note of Müller & Sohn").click()
    expect(page.locator("note-player .clock")).to_contain_text("0:01 / 0:03")
    assert heard_in(page) == np.asarray(g711.decode(sound, Codec.PCMU)).tolist()

    expect(page.locator("mailbox-list")).to_have_text("Anna Weber1001")
    assert [each.state.value for each in house.on_loop(house.store.mailboxes.all)] == ["private"]
    sealed_to = {note.epoch for each in house.rows() for note in each.notes}
    assert sealed_to == {1}


def test_the_token_leaves_the_address_bar_at_once_and_works_once(house: House, desk: Desk) -> None:
    link = house.invite()
    page = desk.browser().new_page()
    page.goto(link)
    expect(page.get_by_label("Passphrase", exact=True)).to_be_visible()
    assert page.url == f"{house.url}/join"
    join_by_link(desk.browser().new_page(), link)

    desk.allow(r"status of 4\d\d .*/join/look")
    late = desk.browser().new_page()
    late.goto(link)
    expect(late.get_by_role("alert")).to_contain_text("This link is not valid any more")
    late.get_by_role("link", name="Log in").click()
    late.wait_for_url("**/login")


def test_the_server_never_sees_passphrase_code_or_private_key(house: House, desk: Desk) -> None:
    sent: list[str] = []
    context = desk.browser()
    context.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    code = join_by_link(context.new_page(), house.invite(), "a secret nobody sends")
    everything = " ".join(sent)
    assert '"public"' in everything
    assert "nobody" not in everything
    assert code not in everything
    assert not any(group in everything for group in code.split("-"))


def test_a_short_or_mistyped_passphrase_is_not_taken(house: House, desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto(house.invite())
    first, second = page.get_by_label("Passphrase", exact=True), page.get_by_label("Passphrase, once more")
    first.fill("too short")
    expect(page.locator("#strength")).to_have_text("Too short")
    second.fill("too short")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("At least 10 characters, please.")
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-invalid", "true")
    assert first.evaluate("(input) => input.parentElement.contains(document.querySelector('.problem'))")
    first.fill("long enough for this")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("The two passphrases differ.")
    expect(second).to_be_focused()
    assert first.get_attribute("aria-invalid") is None


def test_a_passphrase_is_shown_when_wished_and_sent_hidden(house: House, desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto(house.invite())
    first, second = page.get_by_label("Passphrase", exact=True), page.get_by_label("Passphrase, once more")
    page.get_by_role("button", name="Show passphrase").click()
    for field in (first, second):
        expect(field).to_have_attribute("type", "text")
        expect(field).to_have_attribute("autocomplete", "new-password")
    page.get_by_role("button", name="Continue").click()
    for field in (first, second):
        expect(field).to_have_attribute("type", "password")
    expect(page.get_by_role("button", name="Show passphrase")).to_be_visible()


def test_who_has_not_kept_the_recovery_code_is_not_enrolled(house: House, desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto(house.invite())
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Passphrase, once more").fill(PASSPHRASE)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    groups = page.locator(".recovery li").all_inner_texts()
    page.get_by_role("button", name="I have kept it").click()
    fields = page.locator("[data-group]")
    a, b = (int(field.get_attribute("data-group") or 0) for field in fields.all())
    expect(page.locator("form .lead")).to_have_text(f"To be sure, type groups {a} and {b} of your code.")
    fields.nth(0).fill(groups[a - 1])
    fields.nth(1).fill("0000")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("alert")).to_have_text("That is not what the code says. Look again.")
    expect(fields.nth(1)).to_have_attribute("aria-invalid", "true")
    expect(fields.nth(1)).to_be_focused()
    assert fields.nth(0).get_attribute("aria-invalid") is None
    page.get_by_role("button", name="Show the code again").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    user = house.on_loop(lambda: house.store.users.by_name("anna"))
    assert user is not None
    assert user.public is None


def test_logging_in_again_by_name_and_passphrase(house: House, desk: Desk) -> None:
    house.call("1007", "Jonas")
    join_by_link(desk.browser().new_page(), house.invite())
    page = desk.browser().new_page()
    page.goto("/")
    page.wait_for_url("**/login")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Passphrase").fill("not the passphrase")
    desk.allow(r"status of 401 .*/api/v1/login$")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong name or passphrase.")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_an_address_that_is_not_secure_says_what_to_do(house: House, desk: Desk) -> None:
    desk.allow("status of 403|Cross-Origin-Opener-Policy header has been ignored")
    for language, words in (
        ("en-GB", "This address is not secure"),
        ("de-DE", "Diese Adresse ist nicht sicher"),
    ):
        page = desk.browser(language).new_page()
        page.goto(house.url.replace("localhost", "notes.example"))
        expect(page.get_by_role("heading", level=1)).to_have_text(words)
        for setting in ("AFTERTONE_TLS_CERT", "AFTERTONE_TRUSTED_PROXIES", "http://localhost"):
            expect(page.locator(".ways")).to_contain_text(setting)


def test_a_wrong_address_leads_back_to_the_inbox(house: House, desk: Desk) -> None:
    desk.allow("status of 404")
    page = desk.browser().new_page()
    page.goto("/<script>alert(1)</script>")
    expect(page.locator(".lead")).to_have_text("There is nothing at this address.")
    page.get_by_role("link", name="To the inbox").click()
    page.wait_for_url("**/login")


ADVICE = {
    "short": 0,
    "aaaaaaaaaaaaaaaa": 1,
    "password password password": 1,
    "1234567890": 1,
    "horse battery staple": 1,
    "correct horse battery staple": 3,
    "vT7#kq9!mZ2x": 3,
}


def test_advice_on_passphrases_counts_what_must_be_guessed(house: House, desk: Desk) -> None:
    page = desk.browser().new_page()
    page.goto("/login")
    style = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
    judge = "async ([prefix, all]) => (m => all.map(m.strength))(await import(`${prefix}/js/strength.js`))"
    assert page.evaluate(judge, [style.partition("/css/")[0], list(ADVICE)]) == list(ADVICE.values())
