"""``make pictures``: the README's pictures of the inbox, of made-up callers, in Debian's Chromium."""

import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from bridge.call.model import Codec, Reason
from bridge.media import g711
from tests.browser.conftest import CHROMIUM, FLAGS, Desk
from tests.browser.house import House, Member

WIDE = {"width": 900, "height": 640}
NARROW = {"width": 360, "height": 640}
SHARP = 1.5
"""Pixels of the picture for each of the page: sharp, and not large."""

NOW = datetime(2026, 3, 10, 14, 31, tzinfo=UTC)
"""The pages' clock: pictures taken on any day are the same."""


def voice(seconds: float, seed: int) -> bytes:
    """Return u-law whose waveform looks like sentences: syllables, and pauses between them."""
    rng = np.random.default_rng(seed)
    syllables = rng.uniform(0.2, 1.0, int(seconds * 5)) * (rng.uniform(0, 1, int(seconds * 5)) > 0.2)
    steps = np.linspace(0, len(syllables) - 1, int(seconds * 8000))
    loudness = np.interp(steps, np.arange(len(syllables)), syllables)
    return g711.encode(
        (rng.normal(0, 6000, steps.size) * loudness).clip(-32000, 32000).astype(np.int16), Codec.PCMU
    )


def fill(house: House) -> None:
    """Miss some calls: numbers kept free for films (Bundesnetzagentur's list; 555-01xx)."""
    since = datetime.now(UTC) - NOW

    def call(number: str, name: str = "", *, minutes: int, **more: Any) -> bytes:
        return house.call(number, name, ago=since + timedelta(minutes=minutes), **more)

    call("+493023125012", "Jonas Brandt", minutes=2900, reason=Reason.CANCELLED, rang_s=6)
    house.note(voice(21, 5), call("+12025550143", minutes=1630, rang_s=20))
    call("+498999998271", "Praxis Dr. Lindner", minutes=1441, reason=Reason.BUSY, rang_s=0)
    call("", minutes=305, presentation="restricted", rang_s=12)
    house.note(voice(8, 3), call("+493023125099", "Mira Sommer", minutes=192, rang_s=15))
    house.note(voice(34, 2), call("+4940669690", "Anton Weiss", minutes=41, reason=Reason.DECLINED, rang_s=4))
    house.note(voice(12, 1), call("+493023125031", "Anna Weber", minutes=7, rang_s=20), urgent=True)


def shown(desk: Desk, member: Member, **options: object) -> Page:
    """Return the inbox with all rows read."""
    context = desk.browser(**options)  # type: ignore[arg-type]
    context.clock.set_fixed_time(NOW)
    page = desk.inbox(member, context)
    expect(page.get_by_text("Anna Weber")).to_be_visible()
    expect(page.get_by_text("Jonas Brandt")).to_be_visible()
    page.evaluate("document.fonts.ready")
    return page


def main(arguments: Sequence[str]) -> int:
    """Write the pictures into a folder."""
    target = Path(arguments[0])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, closing(House(Path(folder) / "data")) as house:
        house.on_loop(lambda: house.store.mailboxes.add("1001", "Reception"))
        member = house.join()
        fill(house)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            desk = Desk(browser, house)
            for name, size, scheme in (("inbox", WIDE, "light"), ("telephone", NARROW, "dark")):
                page = shown(desk, member, viewport=size, color_scheme=scheme, device_scale_factor=SHARP)
                page.screenshot(path=target / f"{name}.png")
            desk.close()
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
