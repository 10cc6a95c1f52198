"""The inbox without a connection: what opens, what is sent later, what a new version does."""

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

import web.app
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import ROWS, box, stored
from tests.browser.house import House, Member, speech, until
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

SHELLS = """async () => (await caches.keys()).sort()"""
KEPT = """async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return kept.flat().map(({ url }) => new URL(url).pathname);
}"""
HAS_PAGE = """async () => (await caches.match("/shell")) !== undefined
  && navigator.serviceWorker.controller !== null"""
AT_REST = """async () => {
  const { installing, waiting, active } = await navigator.serviceWorker.getRegistration();
  return !installing && !waiting && active.state === "activated";
}"""
HEARD = """(row) => row.dispatchEvent(
  new CustomEvent("mark", { bubbles: true, detail: { id: row.dataset.id, heard: true } }))"""
FILL = """([user, count]) => new Promise((done) => {
  indexedDB.open("aftertone-marks").onsuccess = ({ target: { result: database } }) => {
    const change = database.transaction("marks", "readwrite");
    for (let n = 0; n < count; n += 1) change.objectStore("marks").add({ user, row: `${n}`, heard: true });
    change.oncomplete = () => { database.close(); done(); };
  };
})"""
MARKS = "aftertone-marks/marks"


def settled(page: Page, rows: int) -> None:
    """Wait until this browser could do without the server."""
    until(lambda: bool(page.evaluate(HAS_PAGE)))
    until(lambda: len(stored(page, ROWS)) == rows and len(stored(page, "aftertone-rows/selves")) == 1)


def allow_absence(desk: Desk) -> None:
    desk.allow("net::ERR_|Failed to fetch|FetchEvent")


def rows_of(house: House, member: Member) -> dict[str, bool]:
    """What the server knows of a member's marks, by row."""

    def read() -> dict[str, bool]:
        found = house.store.mailboxes.by_extension("1001")
        assert found is not None
        return {row.id.hex(): row.heard for row in house.store.calls.rows([found.id], member.id)[0]}

    return house.on_loop(read)


def slowly(route: Route) -> None:
    """Let an answer be the last of those that a page asks for when it is back."""
    time.sleep(1)
    route.continue_()


def mark(page: Page, who: str, as_heard: bool) -> None:
    """Mark a call by hand, or as the player does when its note is heard."""
    row = row_of(page, who)
    if as_heard:
        row.evaluate(HEARD)
        expect(row.get_by_role("img", name="Not heard yet")).to_be_hidden()
    else:
        row.get_by_role("button", name="Mark as not heard").click()
        expect(row.get_by_role("img", name="Not heard yet")).to_be_visible()


def test_without_a_connection_calls_are_found_and_marked_and_the_marks_arrive_once(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for minutes, who in enumerate(("Carl", "Mary", "Jonas")):
        house.note(speech(1.5), house.call("1007", who, ago=timedelta(minutes=minutes)))
    allow_absence(desk)
    page = desk.inbox(member, service_workers="allow")
    settled(page, 3)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("call-row .name")).to_have_text(["Carl", "Mary", "Jonas"])
    expect(page.locator("status-banner")).to_contain_text("No connection to the server.")
    box(page).fill("mary")
    expect(page.locator("call-row .name")).to_have_text(["Mary"])
    row_of(page, "Mary").get_by_role("button", name="Play the note").click()
    expect(row_of(page, "Mary")).to_contain_text("Sound is fetched only when you listen")
    assert_accessible(page)
    mark(page, "Mary", True)
    page.reload()
    for who, as_heard in (("Jonas", True), ("Carl", True), ("Jonas", False), ("Carl", False), ("Carl", True)):
        mark(page, who, as_heard)
    until(lambda: len(stored(page, MARKS)) == 3)
    page.reload()
    expect(row_of(page, "Mary").get_by_role("img", name="Not heard yet")).to_be_hidden()
    expect(row_of(page, "Jonas").get_by_role("img", name="Not heard yet")).to_be_visible()
    desk.requests.clear()
    page.context.route("**/api/v1/me", slowly)
    page.context.set_offline(False)
    until(lambda: stored(page, MARKS) == [])
    ids = {name: row_of(page, name).get_attribute("data-id") for name in ("Mary", "Jonas", "Carl")}
    sent = [each for each in desk.requests if each.startswith("PUT")]
    assert sent == [f"PUT /api/v1/rows/{ids[who]}/heard" for who in ("Mary", "Jonas", "Carl")]
    marks = rows_of(house, member)
    assert [marks[str(ids[who])] for who in ("Mary", "Jonas", "Carl")] == [True, False, True]
    expect(page.locator("status-banner")).to_be_empty()
    row_of(page, "Mary").get_by_role("button", name="Play the note").click()
    expect(page.locator("note-player .clock")).to_contain_text("/ 0:0")


def test_a_stopped_server_leaves_the_inbox_and_its_next_version_comes_whole(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "data")
    port = int(house.url.rpartition(":")[2])
    house.on_loop(lambda: house.store.mailboxes.add("1001", "Anna Weber"))
    member = house.join()
    house.note(speech(1), house.call("1007", "Jonas"))
    desk = Desk(chromium, house)
    allow_absence(desk)
    page = desk.inbox(member, service_workers="allow")
    settled(page, 1)
    first = page.evaluate(SHELLS)
    assert len(first) == 1
    house.close()
    page.reload()
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    expect(page.locator("status-banner")).to_contain_text("No connection to the server.")

    tree = tmp_path / "web"
    for folder in ("css", "js", "templates"):
        shutil.copytree(web.app.ROOT / folder, tree / folder)
    words = tree / "js" / "words" / "en.js"
    words.write_text(words.read_text().replace('"Play the note of {who}"', '"Listen to {who}"'))
    monkeypatch.setattr(web.app, "ROOT", tree)
    house = House(tmp_path / "data", port)
    page.reload()
    expect(page.get_by_role("button", name="Listen to Jonas")).to_be_visible()
    until(lambda: len(page.evaluate(SHELLS)) == 2)
    until(lambda: bool(page.evaluate(HAS_PAGE)))
    newest = set(page.evaluate(SHELLS)) - set(first)
    until(lambda: bool(page.evaluate(AT_REST)))
    house.close()
    page.reload()
    expect(page.get_by_role("button", name="Listen to Jonas")).to_be_visible()
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    prefix = newest.pop().partition(" ")[2]
    assert [each for each in loaded if "/static/" in each and f"{prefix}/" not in each] == []
    desk.close()


def test_a_log_out_without_a_connection_leaves_nothing_and_ends_the_session_when_it_is_back(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for who in ("Jonas", "Mary"):
        house.note(speech(1), house.call("1007", who))
    allow_absence(desk)
    page = desk.inbox(member, service_workers="allow")
    settled(page, 2)
    kept = page.evaluate(KEPT)
    assert kept.count("/shell") == 1
    assert [path for path in kept if path != "/shell" and not path.startswith("/static/")] == []
    page.context.set_offline(True)
    mark(page, "Jonas", True)
    page.evaluate(FILL, [member.id, 999])
    row_of(page, "Mary").evaluate(HEARD)
    expect(page.locator("status-banner")).to_contain_text("1000 marks wait for a connection already.")
    expect(row_of(page, "Mary").get_by_role("img", name="Not heard yet")).to_be_visible()
    assert len(stored(page, MARKS)) == 1000
    page.get_by_role("button", name="Log out").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("not reached the server yet: 1000")
    asked.get_by_role("button", name="Cancel").click()
    assert len(stored(page, MARKS)) == 1000
    page.get_by_role("button", name="Log out").click()
    asked.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("until then your session there is still open")).to_be_visible()
    assert_accessible(page)
    assert house.on_loop(lambda: house.store.sessions.user(member.session)) is not None
    page.context.set_offline(False)
    page.wait_for_url("**/login")
    assert house.on_loop(lambda: house.store.sessions.user(member.session)) is None
    assert stored(page) == []
    assert page.evaluate(SHELLS) == []
    assert page.evaluate("() => navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_a_first_visit_without_a_connection_says_so_calmly(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    allow_absence(desk)
    context: BrowserContext = desk.browser(service_workers="allow", language="de-DE")
    page = desk.inbox(member, context)
    until(lambda: bool(page.evaluate(HAS_PAGE)))
    page.evaluate(
        """() => new Promise((done) => { indexedDB.deleteDatabase("aftertone-rows").onsuccess = done; })"""
    )
    context.set_offline(True)
    page.reload()
    expect(page.locator("status-banner")).to_contain_text("dieser Browser hat noch keine Anrufe aufbewahrt")
    assert_accessible(page)
    context.set_offline(False)
    expect(page.locator(".empty")).to_be_visible()


def test_the_inbox_can_be_installed_in_the_readers_language(house: House, desk: Desk, anna: Join) -> None:
    page = desk.inbox(anna(), service_workers="allow")
    until(lambda: bool(page.evaluate(HAS_PAGE)))
    problems = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each for each in problems if each["errorId"] != "in-incognito"] == []
