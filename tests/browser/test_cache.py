"""What a browser keeps of the rows for the next visit: sealed, followed, spoilt, and gone after a log-out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bridge.events import News
from tests.browser.conftest import Desk
from tests.browser.finding import ROWS, box, gathered, pill, stored
from tests.browser.house import House, Member, speech, until
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

SPOIL = """([how]) => new Promise((done) => {
  const open = indexedDB.open("aftertone-rows");
  open.onsuccess = () => {
    const change = open.result.transaction(["rows", "keys"], "readwrite");
    const rows = change.objectStore("rows");
    const keys = change.objectStore("keys");
    rows.getAllKeys().onsuccess = ({ target: { result: ids } }) => {
      rows.getAll().onsuccess = ({ target: { result: all } }) => {
        const spoilt = {
          garbled: (row) => { row[20] ^= 1; return row; },
          swapped: (row, i) => all[(i + 1) % all.length],
          text: () => "<svg/onload=alert(1)>",
        }[how];
        if (spoilt) all.map(spoilt).forEach((row, i) => rows.put(row, ids[i]));
        if (how === "key is text") {
          keys.getAllKeys().onsuccess = ({ target: { result } }) => keys.put("secret", result[0]);
        }
      };
    };
    change.oncomplete = () => { open.result.close(); done(); };
  };
})"""


def test_what_is_kept_for_the_next_visit_is_readable_to_nobody_and_saves_it_the_opening(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n in range(70):
        house.call(f"+4930555{n:04}", f"Caller No {n}", ago=timedelta(minutes=n))
    house.note(speech(1), house.call("+493055501234", "Jonas"))
    page = desk.inbox(member)
    gathered(page, 71)
    until(lambda: len(stored(page, ROWS)) == 71)
    kept = stored(page)
    readable = re.compile(r"Caller|Jonas|4930555|extension|no_answer|version")
    assert not [each for each in kept if readable.search(f"{each['key']} {each['value']}")]
    assert {len(each["value"]) % 1024 for each in kept if each["store"] == ROWS} == {12 + 16}
    keys = [each["value"] for each in kept if each["store"] == "aftertone-rows/keys"]
    assert len(keys) == 1
    assert "key=key false" in keys[0], "no script can read it"
    gone, changed = house.rows()[60].id, house.rows()[65].id
    house.on_loop(lambda: house.store.calls.mark_heard(changed, member.id, True))

    def drop() -> None:
        with house.store._database.write() as database:
            database.exec_driver_sql("DELETE FROM call WHERE id = ?", (gone,))

    house.on_loop(drop)
    desk.requests.clear()
    page.reload()
    gathered(page, 70)
    asked = [each for each in desk.requests if "/rows" in each]
    assert sorted(set(asked)) == [
        f"GET /api/v1/rows/{changed.hex()}",
        "GET /api/v1/rows/versions?limit=200",
        "GET /api/v1/rows?limit=50",
    ]
    until(lambda: len(stored(page, ROWS)) == 70)
    box(page).fill("caller no 69")
    expect(page.locator("call-row .name")).to_have_text(["Caller No 69"])
    box(page).fill("jonas")
    row_of(page, "Jonas").get_by_role("button", name="Play").click()
    expect(page.locator("note-player")).to_be_visible()


def test_a_cache_that_does_not_open_is_thrown_away_and_built_anew(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n in range(60):
        house.call(f"{2000 + n}", f"Caller {n}", ago=timedelta(minutes=n))
    page = desk.inbox(member)
    gathered(page, 60)
    until(lambda: len(stored(page, ROWS)) == 60)
    for how in ("garbled", "swapped", "text", "key is text"):
        key = stored(page, "aftertone-rows/keys")[0]["value"]
        page.evaluate(SPOIL, [how])
        page.reload()
        gathered(page, 60)
        until(lambda: len(stored(page, ROWS)) == 60)
        assert len(stored(page, "aftertone-rows/keys")) == 1
        assert (how, stored(page, "aftertone-rows/keys")[0]["value"] != key) == (how, True)
        box(page).fill("caller 59")
        expect(page.locator("call-row .name")).to_have_text(["Caller 59"])
    expect(page.locator("status-banner")).to_be_empty()


def test_two_tabs_follow_the_same_rows_and_a_log_out_leaves_nothing_in_either(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    call = house.call("1007", "Jonas")
    house.note(speech(1), call)
    context = desk.browser()
    first = desk.inbox(member, context)
    gathered(first, 1)
    second = context.new_page()
    second.goto("/")
    gathered(second, 1)
    for page in (first, second):
        pill(page, "Unheard").check()
        box(page).fill("jo")
    house.call("1008", "Joanna")
    house.note(speech(1), house.call("1009", "Johann"))
    for page in (first, second):
        expect(page.locator("call-row .name")).to_have_text(["Johann", "Jonas"])
    until(lambda: len(stored(first, ROWS)) == 3)
    row_of(first, "Jonas").get_by_role("button", name="Play").click()
    expect(second.locator("call-row .name")).to_have_text(["Johann"])
    first.get_by_role("button", name="Log out").click()
    desk.allow("status of 401")  # of the second tab's stream, which has ended too
    for page in (first, second):
        page.wait_for_url("**/login")
    house.tell(News("row", house.rows()[0].mailbox_id, call.hex()))
    assert stored(first) == stored(second) == []
