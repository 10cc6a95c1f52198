"""What tests of the player share: where it is, and how to move it."""

from playwright.sync_api import Locator, Page

from tests.browser.house import until
from tests.browser.test_player import playing, row_of


def player_of(page: Page) -> Locator:
    """The player at the foot of the page."""
    return page.get_by_role("region", name="Player")


def play(page: Page, who: str) -> Locator:
    """Play somebody's note and return the player."""
    row_of(page, who).get_by_role("button", name="Play the note").click()
    until(lambda: playing(page))
    return player_of(page)


def at(page: Page) -> float:
    """Where the sound is, in seconds."""
    found: float = page.evaluate("document.querySelector('audio').currentTime")
    return found


def seek(page: Page, seconds: float) -> None:
    """Go somewhere as a script would."""
    page.evaluate("(to) => document.querySelector('note-player').seek(to)", seconds)
