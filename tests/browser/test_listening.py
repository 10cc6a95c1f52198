"""How a note is listened to: speed, silence, steps, what is lost, what goes wrong, and as a file."""

import itertools
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Route, expect

from bridge.call.model import Codec
from bridge.media import g711
from bridge.seal.layout import RECORD_HEADER, STREAM_MEDIA, split_head
from tests.browser.conftest import Desk
from tests.browser.house import SEGMENT, House, Member, speech, until
from tests.browser.listening import at, play, player_of, seek
from tests.browser.test_player import playing, row_of

pytestmark = pytest.mark.browser

Join = Callable[[], Member]

SILENT = b"\xff"
"""The code of zero in µ-law."""

CLOCK = """
() => {
  const audio = document.querySelector("audio");
  const now = () => performance.now() / 1000;
  audio.addEventListener("playing", () => { window.began ??= now(); });
  audio.addEventListener("ended", () => { window.took = now() - window.began; });
  window.places = [];
  const watch = () => { window.places.push(audio.currentTime); requestAnimationFrame(watch); };
  watch();
}
"""
"""Real seconds from the first sound to the end of the note, and where the sound was at each picture."""

PACE = """
async (real) => {
  const audio = document.querySelector("audio");
  const [at, now] = [audio.currentTime, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, real * 1000));
  const pace = (audio.currentTime - at) / ((performance.now() - now) / 1000);
  return [pace, audio.playbackRate, audio.preservesPitch];
}
"""
"""Seconds of sound in a real second, and what the element says of it."""


COLOURS = """
() => {
  const of = (selector) => getComputedStyle(document.querySelector(`note-player ${selector}`));
  const [past, rest] = [of(".past"), of(".all")];
  const [on, off] = [of("[aria-pressed=true]"), of("[aria-pressed=false]")];
  const paper = getComputedStyle(document.querySelector("note-player"));
  return [past.fill, rest.fill, paper.backgroundColor, on.backgroundColor, off.backgroundColor];
}
"""
"""What was heard, what was not yet, and what lies behind; a switch that is on, and one that is not."""


def break_media(path: Path, index: int) -> None:
    """Flip one bit in the sealed sound of a record, as a bad disk does."""
    blob = bytearray(path.read_bytes())
    start = split_head(bytes(blob)).size
    while True:
        length, stream, _, found, _ = RECORD_HEADER.unpack_from(blob, start)
        if (stream, found) == (STREAM_MEDIA, index):
            blob[start + RECORD_HEADER.size + length // 2] ^= 1
            path.write_bytes(bytes(blob))
            return
        start += RECORD_HEADER.size + length


def test_a_note_is_heard_faster_or_slower_at_its_own_pitch_and_the_browser_remembers(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    house.note(speech(60), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    player = play(page, "Jonas")
    speed = player.get_by_role("combobox", name="Speed")
    assert speed.locator("option").all_inner_texts() == ["0.75×", "1×", "1.25×", "1.5×", "1.75×", "2×"]
    for label, rate in (("0.75×", 0.75), ("2×", 2.0)):
        speed.select_option(label)
        until(lambda wanted=rate: abs(page.evaluate(PACE, 0.8)[0] - wanted) < 0.15 * wanted)  # type: ignore[misc]
        assert page.evaluate(PACE, 0)[1:] == [rate, True]
    page.reload()
    player = play(page, "Jonas")
    assert page.evaluate(PACE, 0)[1:] == [2, True]
    row_of(page, "Jonas").get_by_role("button", name="Pause").focus()
    page.keyboard.press("<")
    expect(player.get_by_label("Speed")).to_have_value("1.75")
    assert page.evaluate(PACE, 0)[1:] == [1.75, True]


def test_silence_is_passed_over_as_shown_and_a_step_back_leaves_it(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    sound = speech(1.5) + SILENT * (8000 * 6) + speech(1.5, 2)
    house.note(sound, house.call("1007", "Jonas"))
    page = desk.inbox(member)
    player = play(page, "Jonas")
    skip = player.get_by_role("button", name="Skip silence")
    expect(skip).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Space")
    until(lambda: not playing(page))
    skip.click()
    expect(skip).to_have_attribute("aria-pressed", "true")
    expect(player.locator(".saves")).to_have_text("skips 6 s")
    for wave in page.locator("note-strip wave-form, note-player wave-form").all():
        assert wave.locator(".skip").get_attribute("d")
    seek(page, 8)
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    assert at(page) == 0
    seek(page, 8)
    player.get_by_role("button", name="Forward 5 seconds").click()
    assert at(page) == pytest.approx(9)

    seek(page, 0)
    page.evaluate(CLOCK)
    player.get_by_role("button", name="Play the note of Jonas").click()
    until(lambda: page.evaluate("window.took !== undefined"))
    assert 3.0 < page.evaluate("window.took") < 8
    places = page.evaluate("window.places")
    jumps = [(a, b) for a, b in itertools.pairwise(places) if b - a > 3]
    assert len(jumps) == 1
    assert jumps[0] == (pytest.approx(1.7, abs=1), pytest.approx(7.3, abs=0.3))
    skip.click()
    expect(player.locator(".saves")).to_be_empty()
    assert not player.locator("wave-form .skip").get_attribute("d")


def test_a_saved_file_holds_what_was_spoken_and_no_name_of_the_callers_making(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    sound = speech(1.3)
    house.note(sound, house.call("+49/../7", '../../"evil".exe\u202e'))
    page = desk.inbox(member)
    player = play(page, "evil")
    with page.expect_download() as download:
        player.get_by_role("button", name="Save as a WAV file").click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"aftertone-1001-20\d\d-\d\d-\d\d-\d{6}\.wav", name)
    saved = Path(download.value.path()).read_bytes()
    spoken = g711.decode(sound, Codec.PCMU).astype("<i2").tobytes()
    assert saved[44:] == spoken
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    size = struct.pack("<I", 36 + len(spoken))
    assert saved[:44] == b"RIFF" + size + b"WAVEfmt " + form + b"data" + struct.pack("<I", len(spoken))
    expect(player.get_by_role("status")).to_contain_text("Whoever has that file can hear the note.")


def test_a_lost_piece_and_a_lost_end_are_seen_and_told(house: House, desk: Desk, anna: Join) -> None:
    member = anna()
    sound = speech(4)
    house.note(speech(2.2), house.call("1008", "Claire"), cut_off=True)
    note = house.note(sound, house.call("1007", "Jonas"))
    break_media(house.store.blobs.path(note), 3)
    break_media(house.store.blobs.path(note), 4)
    page = desk.inbox(member)
    row = row_of(page, "Jonas")
    row.get_by_role("button", name="Play the note").click()
    row.get_by_role("button", name="Play what is intact").click()
    player = player_of(page)
    expect(player.get_by_role("status")).to_have_text(
        "Damaged: a piece at 0:02 is missing and plays as silence."
    )
    player.get_by_role("button", name="Skip silence").click()
    expect(player.locator(".saves")).to_be_empty()
    for wave in (row.locator("wave-form"), player.locator("wave-form")):
        expect(wave.locator(".lost")).to_have_attribute("d", re.compile("l"))
    with page.expect_download() as download:
        player.get_by_role("button", name="Save as a WAV file").click()
    spoken = np.array(g711.decode(sound, Codec.PCMU)).astype("<i2")
    spoken[3 * SEGMENT : 5 * SEGMENT] = 0
    assert Path(download.value.path()).read_bytes()[44:] == spoken.tobytes()

    claire = row_of(page, "Claire")
    expect(claire).to_contain_text("Cut off")
    torn = claire.locator(".lost")
    expect(torn).to_have_attribute("d", re.compile("l-4"))
    play(page, "Claire")
    expect(player.get_by_role("status")).to_have_text("Cut off: the end is missing.")
    expect(row.locator(".lost")).to_have_attribute("d", re.compile("l"))


def test_lock_screens_and_caches_learn_nothing_and_each_sound_is_let_go(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n, who in enumerate(("Jonas", "Claire")):
        house.note(speech(20, n), house.call(f"100{n}", who))
    context = desk.browser("de-DE")
    context.add_init_script(
        """const [make, drop] = [URL.createObjectURL.bind(URL), URL.revokeObjectURL.bind(URL)];
        window.alive = new Set();
        URL.createObjectURL = (blob) => { const made = make(blob); window.alive.add(made); return made; };
        URL.revokeObjectURL = (made) => { window.alive.delete(made); drop(made); };"""
    )
    page = desk.inbox(member, context)
    system = """() => {
      const { metadata, playbackState } = navigator.mediaSession;
      return [metadata?.title ?? null, metadata?.artist ?? null, playbackState];
    }"""
    for who in ("Jonas", "Claire"):
        row_of(page, who).get_by_role("button", name=f"Nachricht von {who} abspielen").click()
        until(lambda: playing(page))
        expect(page.locator("note-player .title")).to_have_text(who)
        until(lambda: page.evaluate(system) == ["Sprachnachricht", "Aftertone", "playing"])
        assert who not in page.title()
        assert page.evaluate("window.alive.size") == 1
    page.locator("note-player").get_by_role("button", name="Player schließen").click()
    assert page.evaluate("window.alive.size") == 0
    assert page.evaluate(system) == [None, None, "none"]
    assert page.evaluate("caches.keys()") == []
    stored = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert not any(secret in stored for secret in ("Jonas", "Claire", "100"))


def test_what_went_wrong_is_said_plainly_and_can_be_tried_again(house: House, desk: Desk, anna: Join) -> None:
    desk.allow("Failed to load resource|ERR_FAILED")
    member = anna()
    note = house.note(speech(5), house.call("1007", "Jonas"))
    page = desk.inbox(member)
    row = row_of(page, "Jonas")
    told = row.get_by_role("alert")
    again = told.get_by_role("button", name="Try again")
    answers: list[Callable[[Route], None]] = [
        lambda route: route.abort(),
        lambda route: route.fulfill(status=503, json={}),
        lambda route: route.fulfill(status=200, body=house.store.blobs.path(note).read_bytes()[:20]),
    ]
    page.route("**/blob", lambda route: answers.pop(0)(route) if answers else route.continue_())
    row.get_by_role("button", name="Play the note").click()
    expect(told).to_contain_text("The server cannot be reached.")
    again.click()
    expect(told).to_contain_text("Something went wrong at the server.")
    again.click()
    expect(told).to_contain_text("This note could not be opened:")
    expect(player_of(page)).to_be_hidden()
    again.click()
    until(lambda: playing(page))
    expect(row.locator(".notice.bad")).to_be_empty()

    player_of(page).get_by_role("button", name="Close").click()
    answers.append(lambda route: route.fulfill(status=404, json={}))
    row.get_by_role("button", name="Play the note").click()
    expect(told).to_have_text("This note has been deleted.")


def test_on_a_small_telephone_nothing_moves_hides_or_is_too_small_for_a_finger(
    house: House, desk: Desk, anna: Join
) -> None:
    member = anna()
    for n in range(3):
        house.note(speech(30, n), house.call(f"100{n}", f"Caller {n} with a rather long name"))
    context = desk.browser(
        viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = desk.inbox(member, context)
    rows = page.locator("call-row")
    expect(rows.locator(".length")).to_have_count(3)
    before = rows.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().top)")

    wave = rows.nth(1).locator("wave-form").bounding_box()
    assert wave is not None
    touch = page.context.new_cdp_session(page)
    middle = {"x": wave["x"] + wave["width"] / 2, "y": wave["y"] + wave["height"] / 2}
    touch.send("Input.synthesizeScrollGesture", {**middle, "yDistance": -60, "gestureSourceType": "touch"})
    expect(player_of(page)).to_be_hidden()
    page.evaluate("scrollTo(0, 0)")

    page.touchscreen.tap(middle["x"], middle["y"])
    until(lambda: playing(page))
    assert 14 < at(page) < 28
    expect(rows.nth(1).get_by_role("button", name="Mark as not heard")).to_be_visible()
    after = rows.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().top)")
    assert after == before
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    player = player_of(page)
    for control in player.locator("button, select").all():
        box = control.bounding_box()
        assert box is not None
        assert box["width"] >= 40
        assert box["height"] >= 40
        assert 0 <= box["x"] <= 320 - box["width"]
    covered = player.bounding_box()
    padding = page.evaluate("parseFloat(getComputedStyle(document.body).paddingBottom)")
    assert covered is not None
    assert covered["height"] <= padding
    with_names = player.get_by_role("group", name="Listening").get_by_role("button").all()
    assert [each.get_attribute("aria-label") for each in with_names] == [
        "Back 5 seconds", "Forward 5 seconds", "Skip silence", "Play on", "Save as a WAV file",
    ]  # fmt: skip

    player.get_by_role("button", name="Skip silence").click()
    for look in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}):
        page.emulate_media(**look)  # type: ignore[arg-type]
        past, rest, paper, on, off = page.evaluate(COLOURS)
        assert len({past, rest, paper}) == 3, look
        assert on != off, look
