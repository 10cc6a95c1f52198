"""A note goes to somebody else's mailbox: sealed anew in the page, heard there, read by nobody between."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from bridge import keyholder
from bridge.call.model import Codec
from bridge.errors import Refused
from bridge.media import g711
from bridge.seal.keys import open_mailbox_wrap
from bridge.seal.open import OpenedNote, open_note
from bridge.store import Row
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.house import House, Member, speech, until
from tests.browser.listening import play
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

NAME = "<img src=x onerror=fetch('/x')>\u202e Jonas"
SHOWN = "<img src=x onerror=fetch('/x')> Jonas"


def dialog_of(page: Page, who: str) -> Locator:
    """Ask for the forwarding of somebody's note."""
    row_of(page, who).get_by_role("button", name="More with the note").click()
    row_of(page, who).get_by_role("button", name="Forward …").click()
    return page.get_by_role("dialog")


def key_of(house: House, member: Member, epoch: int) -> bytes:
    """A mailbox key of a member."""
    wraps = house.on_loop(lambda: house.store.mailboxes.wraps_of(member.id))
    (wrap,) = [wrap for wrap in wraps if wrap.epoch == epoch]
    return open_mailbox_wrap(
        wrap.wrap, user_private=member.private, user_id=member.id, mailbox_id=wrap.mailbox_id,
        epoch=epoch, m_public=wrap.public,
    )  # fmt: skip


def opened(house: House, row: Row, secret: bytes) -> tuple[dict[str, object], OpenedNote]:
    """The call record and the note of a row with one."""
    (note,) = row.notes
    call = open_note(row.sealed, note_id=row.id, mailbox_id=row.mailbox_id, secret=secret)
    blob = house.on_loop(lambda: house.store.blobs.read(note.id))
    return call.meta, open_note(blob, note_id=note.id, mailbox_id=row.mailbox_id, secret=secret)


def heard(page: Page) -> bytes:
    """The PCM of the last WAV that the player was given."""
    numbers: list[int] = page.evaluate(
        "async () => [...new Uint8Array(await window.heard.at(-1).arrayBuffer())]"
    )
    return bytes(numbers)[44:]


def test_a_forwarded_note_is_heard_in_the_other_mailbox_at_once_and_stays_there_alone(
    house: House, desk: Desk, anna: Join, tmp_path: Path
) -> None:
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, bert = anna(), house.join("bert", "1002")
    sound = speech(7.3)
    house.note(sound, house.call("+493055501234", NAME), urgent=True)
    other = desk.inbox(bert, viewport={"width": 320, "height": 640})
    expect(other.locator(".empty")).to_be_visible()
    page = desk.inbox(member)
    dialog = dialog_of(page, SHOWN)
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    expect(dialog).to_contain_text("for the first time")
    words = dialog.get_by_label("Words of your own")
    expect(words).to_have_attribute("spellcheck", "false")  # no service that looks spelling up is told
    words.fill("Bitte zurückrufen <b>heute</b>")
    assert_accessible(page)
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands in Workshop (1002)")
    assert_accessible(page)
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="More with the note")).to_be_focused()

    row = row_of(other, SHOWN)
    expect(row).to_contain_text("forwarded by anna from Anna Weber")
    expect(row).to_contain_text("called ")
    expect(row).to_contain_text("Urgent")
    expect(row.locator(".said")).to_have_text("anna: Bitte zurückrufen <b>heute</b>")
    assert other.locator("main img, main b").count() == 0
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(other)
    play(other, SHOWN)
    pcm = g711.decode(sound, Codec.PCMU).astype("<i2").tobytes()
    assert heard(other) == pcm
    expect(other.locator("note-player .clock")).to_contain_text("/ 0:07")

    (mine,), (theirs,) = house.rows("1001"), house.rows("1002")
    before = opened(house, mine, key_of(house, member, 1))
    after = opened(house, theirs, key_of(house, bert, 1))
    assert after[1].media == before[1].media == sound
    assert after[1].peaks == before[1].peaks
    assert not after[1].cut_off
    for key in ("type", "started_at", "seconds", "ended", "urgent"):
        assert after[1].meta[key] == before[1].meta[key]
    for key in ("from", "reason", "rang_at", "rang_s", "dialled"):
        assert after[0][key] == before[0][key]
    assert after[0]["forwarded"][0]["text"] == "Bitte zurückrufen <b>heute</b>"  # type: ignore[index]
    assert theirs.notes[0].id != mine.notes[0].id
    with pytest.raises(Refused, match="not sealed to this key"):
        opened(house, theirs, key_of(house, member, 1))
    assert not any("/x" in each for each in desk.requests)

    status = page.evaluate(
        "(id) => fetch(`/api/v1/rows/${id}`).then((answer) => answer.status)", theirs.id.hex()
    )
    assert status == 404
    desk.allow("status of 404")
    page.get_by_role("button", name="Anna Weber").click()
    expect(page.locator(".log li").first).to_contain_text("anna: forwarded to another mailbox")
    other.get_by_role("button", name="Close the player").click()
    other.get_by_role("button", name="Workshop").click()
    expect(other.locator(".log li").last).to_contain_text("anna: forwarded a note to here")


def test_programs_read_by_whom_a_note_was_forwarded(
    house: House, desk: Desk, anna: Join, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, bert = anna(), house.join("bert", "1002")
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("Words of your own").fill("for you")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands")
    key = tmp_path / "bert.json"
    key.write_text(json.dumps({"version": 1, "server": house.url, "user": bert.id, "sk": bert.private.hex()}))
    key.chmod(0o600)
    assert keyholder.notes(key, as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    by = row["forwarded_by"]
    assert (by["name"], by["mailbox"], by["extension"], by["text"]) == (
        "anna",
        "Anna Weber",
        "1001",
        "for you",
    )
    assert (row["from_name"], row["from_number"], row["reason"]) == ("Jonas", "1007", "no_answer")
    assert keyholder.notes(key, as_json=False) == 0
    assert "forwarded by anna from Anna Weber: for you" in capsys.readouterr().out


def test_a_mailbox_that_becomes_private_meanwhile_gets_the_note_under_its_own_key(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("status of 409")
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, bert = anna(), house.join("bert", "1002", claim=False)
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    expect(dialog).to_contain_text("the server can open what you send")
    assert_accessible(page)
    house.claim(bert, "1002")
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands in Workshop (1002)")
    (row,) = house.rows("1002")
    assert opened(house, row, key_of(house, bert, 1))[1].media == speech(1)


def test_a_key_that_was_swapped_is_not_sealed_to_unless_somebody_has_compared_it(
    house: House, desk: Desk, anna: Join
) -> None:
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, _bert = anna(), house.join("bert", "1002")
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    box = house.on_loop(lambda: house.store.mailboxes.by_extension("1002"))
    assert box is not None
    expect(page.locator("call-row .name")).to_have_text("Jonas")
    prefix = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
    page.evaluate(
        "async ([at, id]) => (await import(`${at}/js/vault.js`)).compared(id, 1, 'A'.repeat(42) + 'E')",
        [prefix.partition("/css/")[0], box.id],
    )
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    expect(dialog).to_contain_text("another one than the last time")
    assert_accessible(page)
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Compare it first")
    assert house.rows("1002") == []
    dialog.get_by_label("I have compared the key").check()
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands")
    dialog.get_by_role("button", name="Close").click()
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    expect(dialog).to_contain_text("the one of the last time")


def test_a_connection_that_breaks_on_the_way_sends_the_note_once(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource")
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, bert = anna(), house.join("bert", "1002")
    sound = speech(20)
    house.note(sound, house.call("1007", "Jonas"))
    page = desk.inbox(member)
    broken: list[str] = []

    def breaks(method: str, pattern: str, answered: bool) -> None:
        def route(route: object) -> None:
            if route.request.method == method and pattern not in broken:  # type: ignore[attr-defined]
                broken.append(pattern)
                if answered:
                    route.fetch()  # type: ignore[attr-defined]
                route.abort()  # type: ignore[attr-defined]
            else:
                route.continue_()  # type: ignore[attr-defined]

        page.route(pattern, route)

    breaks("PUT", "**/api/v1/forwards/*", True)
    breaks("POST", "**/api/v1/forwards/*/done", True)
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands")
    assert len(broken) == 2
    (row,) = house.rows("1002")
    assert opened(house, row, key_of(house, bert, 1))[1].media == sound


def test_a_note_that_was_cut_off_goes_on_as_one(house: House, desk: Desk, anna: Join) -> None:
    house.on_loop(lambda: house.store.mailboxes.add("1002", "Workshop"))
    member, bert = anna(), house.join("bert", "1002")
    house.note(speech(3), house.call("1007", "Jonas"), cut_off=True)
    page = desk.inbox(member)
    dialog = dialog_of(page, "Jonas")
    dialog.get_by_label("To the mailbox").select_option("Workshop (1002)")
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(dialog).to_contain_text("The note now stands")
    other = desk.inbox(bert)
    expect(row_of(other, "Jonas")).to_contain_text("Cut off")
    play(other, "Jonas")
    expect(other.locator("note-player .note")).to_contain_text("the end is missing")
    assert len(np.frombuffer(heard(other), "<i2")) == 24000


def test_forwarding_in_german_on_a_small_screen_by_keyboard(house: House, desk: Desk, anna: Join) -> None:
    for number in range(1002, 1015):
        house.on_loop(lambda at=number: house.store.mailboxes.add(str(at), f"Abteilung {at}"))  # type: ignore[misc]
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member, language="de-DE", viewport={"width": 320, "height": 640})
    more = row_of(page, "Jonas").get_by_role("button", name="Mehr mit der Nachricht von Jonas")
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Weitergeben …")).to_be_focused()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Postfach finden")).to_be_focused()
    page.keyboard.type("1009")
    expect(dialog.locator("option")).to_have_count(1)
    expect(dialog).to_contain_text("Noch nicht privat")
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    assert_accessible(page)
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Die Nachricht steht jetzt auch in Abteilung 1009 (1009)")
    until(lambda: len(house.rows("1009")) == 1)
