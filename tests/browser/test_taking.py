"""Who has a call in hand: seen by all its readers at once, taken over only on purpose."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bridge.store.handling import OPEN, HandlingState, Seen
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import gathered, names, pill, stored
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_members import approve_over_http
from tests.browser.test_offline import MARKS, allow_absence, settled
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]


@pytest.fixture
def colleagues(house: House) -> tuple[Member, Member]:
    """Anna and Bert read the same mailbox, in which Jonas, Claire and Mary called."""
    anna, bert = house.join("anna"), house.join("bert", claim=False)
    approve_over_http(house, anna, bert, "1001")
    for at, name in enumerate(("Jonas", "Claire", "Mary")):
        # Jonas speaks longer than any test takes.
        house.note(speech(2 if at else 300, at), house.call(f"10{at:02}", name, ago=timedelta(minutes=at)))
    return anna, bert


def call_of(page: Page, who: str) -> bytes:
    return bytes.fromhex(row_of(page, who).get_attribute("data-id") or "")


def mark(house: House, page: Page, who: str, member: Member, state: HandlingState, seen: Seen = OPEN) -> None:
    """What somebody does in a page of his own."""
    call = call_of(page, who)
    house.on_loop(lambda: house.store.handling.mark(call, member.id, state, seen))


def act(page: Page, who: str, what: str) -> Locator:
    return row_of(page, who).get_by_role("button", name=what)


def hands(page: Page, who: str) -> Locator:
    return row_of(page, who).locator(".hands")


def test_what_one_takes_and_does_the_other_sees_at_once_while_he_listens(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    anna, bert = colleagues
    hers, his = desk.inbox(anna), desk.inbox(bert)
    gathered(hers, 3)
    gathered(his, 3)
    until(lambda: house.streams(bert) == 1)
    play(his, "Jonas")
    act(his, "Jonas", "I take this").focus()
    assert_accessible(his)
    act(hers, "Jonas", "I take this").click()
    expect(act(hers, "Jonas", "Give back")).to_be_focused()
    expect(hands(hers, "Jonas")).to_have_text(re.compile(r"^Taken by you since \d\d:\d\d$"))
    expect(hers.locator("#said")).to_have_text("The call of Jonas is yours.")
    expect(hands(his, "Jonas")).to_have_text(re.compile(r"^Taken by anna since \d\d:\d\d$"))
    expect(act(his, "Jonas", "Take over")).to_be_focused()
    expect(act(his, "Jonas", "Done")).to_have_count(0)
    assert playing(his)
    assert_accessible(hers)
    assert_accessible(his)
    act(hers, "Jonas", "Done").click()
    expect(act(hers, "Jonas", "Open again")).to_be_focused()
    expect(hands(his, "Jonas")).to_have_text(re.compile(r"^Done by anna, \d\d:\d\d$"))
    expect(act(his, "Jonas", "Open again")).to_be_focused()
    expect(act(his, "Jonas", "Take over")).to_have_count(0)
    assert playing(his)
    assert names(his) == ["Jonas", "Claire", "Mary"]
    assert_accessible(his)
    act(his, "Jonas", "Open again").click()
    expect(hands(hers, "Jonas")).to_be_hidden()
    act(hers, "Claire", "I take this").click()
    act(hers, "Claire", "Give back").click()
    expect(act(his, "Claire", "I take this")).to_be_visible()
    house.note(speech(1), call_of(his, "Mary"))
    mark(house, his, "Mary", anna, HandlingState.DONE)
    expect(hands(his, "Mary")).to_contain_text("Done by anna")
    house.note(speech(1), call_of(his, "Mary"))
    expect(hands(his, "Mary")).to_be_hidden()
    assert playing(his)


def test_of_two_who_take_at_once_the_later_one_is_told_and_takes_over_only_on_purpose(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    desk.allow("status of 409")
    anna, bert = colleagues
    page = desk.inbox(bert)
    gathered(page, 3)
    late: list[Route] = []
    page.route("**/handling", lambda route: late.append(route))
    act(page, "Jonas", "I take this").click()
    expect(hands(page, "Jonas")).to_contain_text("Taken by you")
    for _ in range(500):
        if late:
            break
        page.wait_for_timeout(20)
    mark(house, page, "Jonas", anna, HandlingState.TAKEN)
    late[0].continue_()
    page.unroute("**/handling")
    bar = page.locator("undo-bar")
    expect(bar).to_contain_text("Jonas: anna has taken this call.")
    expect(page.locator("#said")).to_have_text("Jonas: anna has taken this call.")
    expect(hands(page, "Jonas")).to_contain_text("Taken by anna")
    assert stored(page, MARKS) == []
    assert_accessible(page)
    bar.get_by_role("button", name="Close").click()
    expect(bar).to_be_hidden()
    act(page, "Jonas", "Take over").click()
    dialog = page.get_by_role("dialog", name="Take over from anna?")
    expect(dialog).to_contain_text("stands in the log of the mailbox")
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(hands(page, "Jonas")).to_contain_text("Taken by anna")
    page.keyboard.press("t")
    dialog.get_by_role("button", name="Take over").click()
    expect(hands(page, "Jonas")).to_contain_text("Taken by you")
    act(page, "Jonas", "Done").click()
    expect(hands(page, "Jonas")).to_contain_text("Done by you")
    until(lambda: stored(page, MARKS) == [])
    page.get_by_role("button", name=re.compile("Anna Weber")).click()
    log = page.get_by_role("dialog").locator(".log li")
    expect(log).to_contain_text(["bert: done with it", "bert: took over", "anna: let bert in"])


def test_keys_do_it_in_a_row_alone_and_obey_their_switch(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    page = desk.inbox(colleagues[0])
    gathered(page, 3)
    page.locator("main").focus()
    page.keyboard.press("t")
    row_of(page, "Claire").evaluate("(row) => row.focus()")
    told = hands(page, "Claire")
    for key, text in (("g", ""), ("t", "Taken by you"), ("g", ""), ("d", "Done by you"), ("o", "")):
        page.keyboard.press(key)
        expect(told).to_contain_text(text) if text else expect(told).to_be_hidden()
    expect(page.locator("call-row.taken")).to_have_count(0)
    page.evaluate("localStorage.setItem('aftertone-characters', 'off')")
    for key in "td":
        page.keyboard.press(key)
    page.wait_for_timeout(100)
    expect(told).to_be_hidden()


def test_open_and_taken_ones_are_found_and_a_row_stays_under_the_hand(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    anna, bert = colleagues
    page = desk.inbox(anna)
    gathered(page, 3)
    mark(house, page, "Jonas", bert, HandlingState.TAKEN)
    mark(house, page, "Mary", bert, HandlingState.DONE)
    expect(hands(page, "Mary")).to_contain_text("Done by bert")
    for name, count in (("Open", "1"), ("Taken", "1"), ("All", "3")):
        expect(page.locator("find-bar .pill", has_text=name).locator(".count")).to_have_text(count)
    pill(page, "Taken").check()
    expect(page.locator("call-row .name")).to_have_text(["Jonas"])
    pill(page, "Open").check()
    expect(page.locator("call-row .name")).to_have_text(["Claire"])
    act(page, "Claire", "I take this").click()
    expect(hands(page, "Claire")).to_contain_text("Taken by you")
    act(page, "Claire", "Done").click()
    expect(page.locator("call-row .name")).to_have_text(["Claire"])
    page.locator("main").focus()
    page.mouse.move(5, 5)
    expect(page.locator(".empty")).to_contain_text("Nothing is open")
    assert_accessible(page)


def test_who_reads_alone_is_asked_no_more_than_whether_it_is_done(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.call("1007", "Jonas")
    page = desk.inbox(member)
    gathered(page, 1)
    expect(act(page, "Jonas", "I take this")).to_have_count(0)
    expect(pill(page, "Taken")).to_be_hidden()
    act(page, "Jonas", "Done").click()
    expect(hands(page, "Jonas")).to_contain_text("Done by you")
    bert = house.join("bert", claim=False)
    approve_over_http(house, member, bert, "1001")
    expect(pill(page, "Taken")).to_be_visible()
    act(page, "Jonas", "Open again").click()
    expect(act(page, "Jonas", "I take this")).to_be_visible()
    page.reload()
    expect(act(page, "Jonas", "I take this")).to_be_visible()


def test_without_a_connection_it_waits_and_who_was_too_late_learns_it(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    anna, bert = colleagues
    allow_absence(desk)
    desk.allow("status of 409")
    page = desk.inbox(bert, service_workers="allow")
    settled(page, 3)
    page.context.set_offline(True)
    for who in ("Jonas", "Claire", "Mary"):
        act(page, who, "I take this").click()
        expect(hands(page, who)).to_contain_text("Taken by you")
    for who in ("Jonas", "Claire"):
        act(page, who, "Done").click()
    act(page, "Mary", "Give back").click()
    expect(hands(page, "Mary")).to_be_hidden()
    page.reload()
    expect(hands(page, "Jonas")).to_contain_text("Done by you")
    expect(hands(page, "Mary")).to_be_hidden()
    until(lambda: len(stored(page, MARKS)) == 6)
    mark(house, page, "Claire", anna, HandlingState.TAKEN)
    desk.requests.clear()
    page.context.set_offline(False)
    expect(page.locator("undo-bar")).to_contain_text("Claire: anna has taken this call.")
    expect(hands(page, "Claire")).to_contain_text("Taken by anna")
    expect(hands(page, "Jonas")).to_contain_text("Done by you")
    assert stored(page, MARKS) == []
    ids = {who: call_of(page, who).hex() for who in ("Jonas", "Claire", "Mary")}
    sent = [each for each in desk.requests if each.startswith("PUT")]
    order = ("Jonas", "Claire", "Mary", "Jonas", "Mary")  # the second of Claire's stood on the first
    assert sent == [f"PUT /api/v1/rows/{ids[who]}/handling" for who in order]
    states = {row.id.hex(): row.handling.state for row in house.rows()}
    assert [states[ids[who]] for who in ids] == ["done", "taken", "open"]


@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_of_it_is_cut_and_it_speaks_german(house: House, desk: Desk, width: int) -> None:
    anna, bert = (
        house.join("anna"),
        house.join("Bertholomäus von und zu Hohenstein-Wolfenbüttel", claim=False),
    )
    approve_over_http(house, anna, bert, "1001")
    for at, who in enumerate(("Jonas", "Claire", "Empfang des Hauses in der alten Stadt " * 3)):
        house.call("1007", who.strip(), ago=timedelta(minutes=at))
    page = desk.inbox(anna, language="de-DE", viewport={"width": width, "height": 640})
    gathered_de = page.locator("find-bar .pill", has_text="Alle").locator(".count")
    expect(gathered_de).to_have_text("3")
    mark(house, page, "Jonas", bert, HandlingState.TAKEN)
    mark(house, page, "Claire", bert, HandlingState.DONE)
    expect(hands(page, "Jonas")).to_contain_text("kümmert sich seit")
    expect(hands(page, "Claire")).to_contain_text("Erledigt von Bertholomäus")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert_accessible(page)
    act(page, "Empfang", "Ich kümmere mich").click()
    expect(hands(page, "Empfang")).to_contain_text("Sie kümmern sich seit")


def test_who_is_removed_leaves_the_calls_he_had_taken_to_the_others(
    house: House, desk: Desk, colleagues: tuple[Member, Member]
) -> None:
    anna, bert = colleagues
    hers = desk.inbox(anna)
    gathered(hers, 3)
    mark(house, hers, "Claire", bert, HandlingState.TAKEN)
    expect(hands(hers, "Claire")).to_contain_text("bert")
    pill(hers, "Open").check()
    until(lambda: names(hers) == ["Jonas", "Mary"])
    hers.get_by_role("button", name=re.compile("^Anna Weber")).click()
    hers.get_by_role("dialog").get_by_role("button", name="Remove: bert").click()
    hers.get_by_role("dialog", name="Remove bert").get_by_role("button", name="Remove").click()
    hers.get_by_role("dialog").get_by_role("button", name="Close").click()
    until(lambda: names(hers) == ["Jonas", "Claire", "Mary"])
