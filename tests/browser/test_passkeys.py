"""Passkeys in a real browser: one touch logs in and opens the notes, and what happens where there is none."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bridge.call.model import Codec
from bridge.media import g711
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import PASSPHRASE, House, Member, speech, until
from tests.browser.passkeys import Device, debugger_of, device_of, touches
from tests.browser.test_first_visit import heard_in
from tests.browser.test_keys import WIPE
from tests.browser.test_secrets import BETTER, KEPT_HERE, change

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


def keys_page(desk: Desk, member: Member, **device: bool | str) -> tuple[Page, Device]:
    """The page of somebody's keys, in a browser whose device has passkeys."""
    desk.allow("status of 401")  # what a log-out leaves under way
    page = desk.inbox(member)
    held = device_of(debugger_of(page), **device)  # type: ignore[arg-type]
    page.goto("/keys")
    return page, held


def add(page: Page, secret: str = PASSPHRASE, name: str | None = None, *, by_code: bool = False) -> None:
    page.get_by_role("button", name="Add a passkey").click()
    if by_code:
        page.locator("passkey-desk").get_by_role("button", name="Use the recovery code").click()
    page.locator("#passkey-now").fill(secret)
    if name is not None:
        page.get_by_label("Name of the passkey").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


def added(page: Page, name: str = "Telephone") -> None:
    add(page, name=name)
    expect(page.get_by_text("The passkey is there.")).to_be_visible()


def log_out(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def use(page: Page) -> None:
    page.get_by_role("button", name="Use a passkey").click()


def touches_of_a_login(page: Page) -> list[str]:
    """Come in, and return what the device was asked for on the way."""
    leave = "addEventListener('pagehide', () => sessionStorage.setItem('touches', window.touches.join()))"
    page.evaluate(leave)
    use(page)
    page.wait_for_url(re.compile(r"/$"))
    told: str = page.evaluate("sessionStorage.getItem('touches')")
    return told.split(",")


def play(page: Page, sound: bytes) -> None:
    """The note is heard, as it was spoken."""
    page.get_by_role("button", name="Play the note of Jonas").click()
    expect(page.locator("note-player .clock")).to_contain_text("0:01")
    assert heard_in(page) == np.asarray(g711.decode(sound, Codec.PCMU)).tolist()


def test_one_touch_logs_in_and_opens_the_notes(house: House, desk: Desk, anna: Join) -> None:
    member, sound, sent = anna(), speech(1.2), []
    house.note(sound, house.call("1007", "Jonas"))
    page, device = keys_page(desk, member)
    page.context.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    added(page, "My <b>telephone</b>")
    expect(page.locator(".passkeys .name")).to_have_text("My <b>telephone</b>")
    expect(page.locator(".passkeys .hint")).to_contain_text("no login yet")
    (credential,) = device.credentials()
    assert credential["isResidentCredential"]
    log_out(page)
    until(lambda: page.evaluate(KEPT_HERE) == [])

    use(page)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("unlock-panel")).to_be_hidden()
    play(page, sound)
    page.goto("/keys")
    expect(page.locator(".passkeys .hint")).to_contain_text("last login")
    everything = " ".join(sent)
    assert "user_handle" in everything
    assert "prf" not in everything
    assert not any(word in everything for word in ("results", "hmac"))


def test_it_is_one_touch_where_i_am_known_and_two_where_i_am_not(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    page, _ = keys_page(desk, member)
    added(page)
    for known, wanted in ((True, ["get 0"]), (False, ["get 0", "get 1"]), (True, ["get 0"])):
        log_out(page)
        if not known:
            page.evaluate("localStorage.clear()")
        assert touches_of_a_login(page) == wanted
        expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_a_wiped_browser_is_unlocked_by_a_touch(house: House, desk: Desk, anna: Join) -> None:
    member, sound = anna(), speech(1.2)
    house.note(sound, house.call("1007", "Jonas"))
    page, device = keys_page(desk, member)
    added(page)
    page.goto("/")
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    page.evaluate(WIPE)
    page.reload()
    expect(page.get_by_role("heading", name="Your notes are sealed")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_focused()
    assert_accessible(page)
    use(page)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    assert touches(page) == ["get 1"], "only mine are asked for"
    play(page, sound)

    page.evaluate(WIPE)
    page.reload()
    device.refuse()
    use(page)
    expect(page.locator("unlock-panel .touch [role=alert]")).to_contain_text("No passkey was used")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_who_lost_one_passkey_comes_in_by_the_other_and_removes_it(
    house: House, desk: Desk, anna: Join
) -> None:
    member, sound = anna(), speech(1.2)
    house.note(sound, house.call("1007", "Jonas"))
    page, telephone = keys_page(desk, member)
    added(page, "Telephone")
    stick = device_of(telephone.cdp, transport="usb")
    telephone.refuse()
    added(page, "Stick")
    assert [len(each.credentials()) for each in (telephone, stick)] == [1, 1]
    telephone.throw_away()
    log_out(page)
    page.evaluate("localStorage.clear()")
    use(page)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    play(page, sound)

    page.goto("/keys")
    page.get_by_role("button", name="Remove Telephone").click()
    expect(page.get_by_text("It will neither log you in nor open")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Remove Telephone")).to_be_focused()
    page.get_by_role("button", name="Remove Stick").click()
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_focused()
    expect(page.locator(".passkeys li")).to_have_count(1)
    assert len(house.on_loop(lambda: house.store.users.slots(member.id))) == 3


def test_a_removed_passkey_does_not_log_in(house: House, desk: Desk, anna: Join) -> None:
    page, device = keys_page(desk, anna())
    added(page)
    (credential,) = device.credentials()
    page.evaluate("delete PublicKeyCredential.signalUnknownCredential")
    page.get_by_role("button", name="Remove Telephone").click()
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    assert page.evaluate("localStorage.getItem('aftertone-passkey-users')") is None
    log_out(page)
    assert device.credentials() == [credential], "the device still has it"
    desk.allow("status of 401")
    use(page)
    expect(page.get_by_role("alert").last).to_have_text(
        "This passkey does not log in here. Log in with your name and passphrase."
    )
    assert_accessible(page)


def test_a_device_whose_passkeys_have_no_secret_is_told_so_politely(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    page, _ = keys_page(desk, member, prf=False)
    assert_accessible(page)
    desk.requests.clear()
    add(page)
    alert = page.locator("passkey-desk [role=alert]")
    expect(alert).to_contain_text("none with a secret of its own (PRF)")
    expect(alert).to_contain_text("Your passphrase stays the way in.")
    assert_accessible(page)
    assert "POST /api/v1/me/passkeys" not in desk.requests
    assert len(house.on_loop(lambda: house.store.users.slots(member.id))) == 2
    expect(page.locator(".passkeys li")).to_have_count(0)


def test_a_wrong_secret_asks_no_device_and_the_recovery_code_does(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    page, device = keys_page(desk, member)
    desk.requests.clear()
    add(page, "not my passphrase")
    expect(page.locator("passkey-desk [role=alert]")).to_have_text("That does not open your key.")
    assert (touches(page), device.credentials()) == ([], [])
    assert not any(each.startswith("POST /api/v1/me") for each in desk.requests)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_focused()
    add(page, member.code, by_code=True)
    expect(page.get_by_text("The passkey is there.")).to_be_focused()
    expect(page.locator(".passkeys .name")).to_have_text(re.compile(r"^Passkey of \d+ \w+$"))
    assert_accessible(page)
    add(page)
    expect(page.locator("passkey-desk [role=alert]")).to_contain_text("has a passkey for you already")


def test_another_passphrase_leaves_the_passkey_and_a_lost_device_is_logged_out(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    page, _ = keys_page(desk, member)
    added(page)
    change(page, PASSPHRASE, BETTER)
    expect(page.get_by_text("From now on the new passphrase opens your notes")).to_be_visible()
    page.get_by_role("button", name="Log out everywhere else").click()
    log_out(page)
    use(page)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("unlock-panel")).to_be_hidden()


def test_two_people_of_one_browser_each_come_in_with_one_touch(house: House, desk: Desk) -> None:
    sound = speech(1)
    house.note(sound, house.call("1007", "Jonas"))
    desk.allow("status of 401")
    people = [house.join("anna"), house.join("bert", "1002")]
    context = desk.browser()
    page = desk.inbox(people[0], context)
    device_of(debugger_of(page))
    for member in people:
        context.add_cookies(
            [{"name": "aftertone", "value": member.session, "url": house.url, "httpOnly": True}]
        )
        page.goto("/keys")
        added(page, f"Passkey of {member.name}")
    log_out(page)
    assert page.evaluate("JSON.parse(localStorage.getItem('aftertone-passkey-users'))") == [
        people[1].id,
        people[0].id,
    ]
    assert touches_of_a_login(page) == ["get 0"]
    expect(page.locator("unlock-panel")).to_be_hidden()


def join_by(page: Page, link: str) -> None:
    """The way behind a link up to its last required step."""
    page.goto(link)
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Passphrase, once more").fill(PASSPHRASE)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    groups = page.locator(".recovery li").all_inner_texts()
    page.get_by_role("button", name="I have kept it").click()
    for field in page.locator("[data-group]").all():
        field.fill(groups[int(field.get_attribute("data-group") or 0) - 1])
    page.get_by_role("button", name="Finish").click()


def test_who_joins_with_such_a_device_may_have_a_passkey_at_once(house: House, desk: Desk) -> None:
    sound = speech(1.2)
    house.note(sound, house.call("1007", "Jonas"))
    desk.allow("status of 401")
    page = desk.browser().new_page()
    device = device_of(debugger_of(page))
    join_by(page, house.invite())
    expect(page.get_by_role("heading", name="Open your notes with a touch?")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    user = house.on_loop(lambda: house.store.users.by_name("anna"))
    assert user is not None
    kinds = [slot[0] for slot in house.on_loop(lambda: house.store.users.slots(user.id))]
    assert kinds == [1, 3, 2]
    assert len(device.credentials()) == 1
    log_out(page)
    use(page)
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    play(page, sound)


def test_who_joins_may_leave_it(house: House, desk: Desk) -> None:
    house.call("1007", "Jonas")
    page = desk.browser("de-DE", viewport={"width": 320, "height": 640}).new_page()
    device_of(debugger_of(page), prf=False)
    page.goto(house.invite())
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Passphrase, noch einmal").fill(PASSPHRASE)
    page.get_by_role("button", name="Weiter").click()
    expect(page.locator(".recovery li")).to_have_count(8)
    groups = page.locator(".recovery li").all_inner_texts()
    page.get_by_role("button", name="aufbewahrt").click()
    for field in page.locator("[data-group]").all():
        field.fill(groups[int(field.get_attribute("data-group") or 0) - 1])
    page.get_by_role("button", name="Fertig").click()
    page.get_by_role("button", name="Passkey hinzufügen").click()
    expect(page.get_by_role("alert")).to_contain_text("keine mit eigenem Geheimnis (PRF)")
    assert_accessible(page)
    page.get_by_role("link", name="Zum Eingang").click()
    expect(page.locator("call-row .name")).to_have_text("Jonas")


def test_where_there_are_no_passkeys_the_page_says_why(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    context = desk.browser()
    page = context.new_page()
    page.goto(house.url.replace("localhost", "127.0.0.1") + "/login")
    expect(page.locator("login-form > div > .hint")).to_have_text(
        f"Passkeys are bound to the address {house.url} and are not offered here."
    )
    expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)
    assert_accessible(page)
    context.add_init_script("delete window.PublicKeyCredential")
    page.goto(f"{house.url}/login")
    expect(page.locator("login-form > div > .hint")).to_contain_text("This browser has no passkeys.")
    old = desk.inbox(member, context)
    old.goto("/keys")
    expect(old.locator("passkey-desk .hint")).to_contain_text("This browser has no passkeys.")
    expect(old.get_by_role("button", name="Add a passkey")).to_have_count(0)
    assert_accessible(old)


@pytest.mark.parametrize("width", [320, 1440])
def test_nobody_is_shut_out_of_the_passkeys(house: House, desk: Desk, anna: Join, width: int) -> None:
    member = anna()
    page = desk.inbox(member, viewport={"width": width, "height": 900}, language="de-DE")
    device_of(debugger_of(page))
    page.goto("/keys")
    page.get_by_role("button", name="Passkey hinzufügen").click()
    assert_accessible(page)
    page.locator("#passkey-now").fill(PASSPHRASE)
    page.get_by_label("Name des Passkeys").fill(
        "Diensttelefon mit einem sehr langen Namen ohneeinenUmbruch" + "n" * 20
    )
    page.get_by_role("button", name="Passkey hinzufügen").click()
    expect(page.get_by_text("Der Passkey ist da.")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.clear_cookies()
    page.goto("/login")
    assert_accessible(page)
