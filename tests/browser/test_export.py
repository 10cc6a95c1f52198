"""Notes leave the house sealed with age: another program opens them, and they sound as they were spoken."""

import io
import json
import re
import tarfile
import wave
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bridge.call.model import Codec
from bridge.media import g711
from tests.browser.accessible import assert_accessible
from tests.browser.conftest import Desk
from tests.browser.finding import gathered, pill
from tests.browser.house import House, Member, speech
from tests.browser.listening import play
from tests.browser.test_player import row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

PASSPHRASE = "correct horse battery staple Übung"
NAME = "../../<svg/onload=alert(1)>"


def export_of(page: Page, who: str) -> Locator:
    """Ask for the export of somebody's note."""
    row_of(page, who).get_by_role("button", name="More with the note").click()
    row_of(page, who).get_by_role("button", name="Export sealed (age) …").click()
    return page.get_by_role("dialog")


def taken(page: Page, dialog: Locator) -> tuple[str, bytes]:
    """Export, and return name and bytes of what was downloaded."""
    with page.expect_download(timeout=90_000) as download:
        dialog.get_by_role("button", name="Export", exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def unpacked(archive: bytes) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The files of a tar by name, and its rows."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]
    rows = json.loads(files.pop("rows.json"))
    return files, rows


def pcm(file: bytes) -> bytes:
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8000, 2, 1)
        frames: bytes = sound.readframes(sound.getnframes())
        return frames


def as_pcm(sound: bytes) -> bytes:
    return g711.decode(sound, Codec.PCMU).astype("<i2").tobytes()


def test_one_note_opens_with_the_recipients_key_and_sounds_as_it_was_spoken(
    house: House, desk: Desk, anna: Join
) -> None:
    member, sound = anna(), speech(3.3)
    house.note(sound, house.call("1007", NAME))
    page = desk.inbox(member)
    dialog = export_of(page, "svg/onload")
    expect(dialog).to_contain_text("One note as a WAV file")
    expect(dialog).to_contain_text("about 56 kB")
    assert not any("age-encryption" in each for each in desk.requests)
    dialog.get_by_label("Recipient", exact=True).fill("age1nothing")
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("That is no age recipient: it begins with age1.")
    assert_accessible(page)
    friend = pyrage.x25519.Identity.generate()
    dialog.get_by_label("Recipient", exact=True).fill(str(friend.to_public()))
    name, sealed = taken(page, dialog)
    expect(dialog).to_contain_text("is among your downloads")
    assert_accessible(page)
    assert re.fullmatch(r"aftertone-1001-\d{4}-\d\d-\d\d-\d{6}\.tar\.age", name)
    assert sealed.startswith(b"age-encryption.org/v1\n-> X25519 ")
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])
    files, (row,) = unpacked(pyrage.decrypt(sealed, [friend]))
    ((file, data),) = files.items()
    assert re.fullmatch(r"aftertone-1001-\d{4}-\d\d-\d\d-\d{6}-0001\.wav", file)
    assert pcm(data) == as_pcm(sound)
    assert (row["from_number"], row["from_name"], row["reason"]) == ("1007", NAME, "no_answer")
    assert (row["notes"][0]["file"], row["notes"][0]["damaged"]) == (file, False)
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Anna Weber").click()
    expect(page.locator(".log li")).to_have_count(1)
    expect(page.locator(".log li")).to_contain_text("anna: exported, sealed with age")


def test_all_that_was_found_is_one_archive_under_a_passphrase_and_one_line_of_the_log(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    sounds = {f"100{at}": speech(1 + at / 2, at) for at in range(3)}
    for at, (number, sound) in enumerate(sounds.items()):
        house.note(sound, house.call(number, "Jonas", ago=timedelta(minutes=at + 1)))
    torn = house.note(speech(1.5), house.call("1009", "Jonas", ago=timedelta(minutes=5)))
    house.call("1008", "Jonas")
    house.note(speech(1), house.call("1007", "Claire"))
    path = house.store.blobs.path(torn)
    path.write_bytes(path.read_bytes()[:50])
    page = desk.inbox(member)
    gathered(page, 6)
    expect(page.get_by_role("button", name="sealed …")).to_have_count(0)
    page.locator("#words").fill("jonas")
    page.get_by_role("button", name="Export all 5 sealed …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("5 calls with 4 notes")
    dialog.get_by_label("A passphrase").check()
    dialog.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    dialog.get_by_label("Passphrase, once more").fill("another")
    expect(dialog).to_contain_text("Strong")
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("The two passphrases differ.")
    assert_accessible(page)
    dialog.get_by_label("Passphrase, once more").fill(PASSPHRASE)
    name, sealed = taken(page, dialog)
    assert name.startswith("aftertone-calls-")
    expect(dialog).to_contain_text("Notes that could not be opened: 1.")
    files, rows = unpacked(pyrage.passphrase.decrypt(sealed, PASSPHRASE))
    assert [row["from_number"] for row in rows] == ["1008", "1000", "1001", "1002", "1009"]
    for row in rows[1:4]:
        assert pcm(files[row["notes"][0]["file"]]) == as_pcm(sounds[row["from_number"]])
    assert len(files) == 3
    assert rows[4]["notes"][0]["file"] is None
    assert "problem" in rows[4]["notes"][0]
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Anna Weber").click()
    expect(page.locator(".log li")).to_have_count(1)
    expect(page.locator(".log li")).to_contain_text("anna: exported, sealed with age (4 notes)")


def test_an_export_ends_at_once_when_it_is_cancelled_and_says_when_the_line_broke(
    house: House, desk: Desk, anna: Join
) -> None:
    desk.allow("Failed to load resource")
    member = anna()
    for at in range(3):
        house.note(speech(1), house.call(f"100{at}", "Jonas"))
    page = desk.inbox(member)
    gathered(page, 3)
    pill(page, "With note").check()
    downloads: list[object] = []
    page.on("download", lambda download: downloads.append(download))
    friend = str(pyrage.x25519.Identity.generate().to_public())
    waiting: list[Route] = []
    page.route("**/blob?act=exported", lambda route: waiting.append(route))
    page.get_by_role("button", name="Export all 3 sealed …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Recipient", exact=True).fill(friend)
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    for route in waiting:
        route.abort()
    page.unroute("**/blob?act=exported")
    page.route("**/blob?act=exported", lambda route: route.abort())
    page.get_by_role("button", name="Export all 3 sealed …").click()
    dialog.get_by_label("Recipient", exact=True).fill(friend)
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    assert downloads == []


def test_exporting_in_german_on_a_small_screen(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    house.note(speech(1), house.call("1007", "Jonas"))
    page = desk.inbox(member, language="de-DE", viewport={"width": 320, "height": 640})
    row = row_of(page, "Jonas")
    row.get_by_role("button", name="Mehr mit der Nachricht").click()
    row.get_by_role("button", name="Versiegelt exportieren (age) …").click()
    dialog = page.get_by_role("dialog", name="Mit age versiegelt exportieren")
    expect(dialog.get_by_label("Empfänger", exact=True)).to_be_focused()
    dialog.get_by_label("Einer Passphrase").check()
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    assert_accessible(page)


SHARES = """
navigator.canShare = ({ files }) => files.every((file) => file.type === "audio/wav");
navigator.share = async ({ files: [file] }) => {
  if (window.refuses) throw new DOMException("nobody was chosen", "AbortError");
  window.shared = [file.name, file.type, [...new Uint8Array(await file.arrayBuffer())]];
};
"""


def test_a_note_is_shared_as_a_file_where_the_browser_can_and_nowhere_else(
    house: House, desk: Desk, anna: Join
) -> None:
    member, sound = anna(), speech(1)
    house.note(sound, house.call("1007", "Jonas"))
    page = desk.inbox(member)
    play(page, "Jonas")
    expect(page.get_by_role("button", name="Share as a WAV file")).to_have_count(0)
    phone = desk.browser(viewport={"width": 320, "height": 640})
    phone.add_init_script(SHARES)
    page = desk.inbox(member, phone)
    player = play(page, "Jonas")
    button = page.get_by_role("button", name="Share as a WAV file")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("window.refuses = true")
    button.click()
    page.evaluate("window.refuses = false")
    with page.expect_response(re.compile("/log$")):
        button.click()
    expect(player).to_contain_text("Shared as a WAV file.")
    name, kind, data = page.evaluate("window.shared")
    assert (name.startswith("aftertone-1001-"), kind) == (True, "audio/wav")
    assert pcm(bytes(data)) == as_pcm(sound)
