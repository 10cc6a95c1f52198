"""Debian's Chromium against a real house. Every test also asserts that the page had no complaint."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.browser.house import House, Member

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP notes.example 127.0.0.1",
]

PATIENCE_MS = 20_000
"""How long a page may take for anything. Argon2id alone takes a second of a whole core for each secret, and
tests share theirs."""

expect.set_options(timeout=PATIENCE_MS)

WATCH = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
const make = URL.createObjectURL.bind(URL);
window.heard = [];
URL.createObjectURL = (blob) => { window.heard.push(blob); return make(blob); };
"""
"""The policy forbids a page to fetch its own blob: addresses: a test keeps what the player was given."""

LOGGED_IN = """async ([prefix, userId, pkcs8]) => {
  const vault = await import(`${prefix}/js/vault.js`);
  const raw = Uint8Array.from(pkcs8);
  await vault.save(userId, await crypto.subtle.importKey("pkcs8", raw, "X25519", false, ["deriveBits"]));
}"""
PKCS8 = bytes.fromhex("302e020100300506032b656e04220420")


class Site(Protocol):
    """What browsers are pointed at."""

    @property
    def url(self) -> str: ...


class Desk:
    """A person's browsers, and what they complained of. ``allow`` names what a test provokes."""

    def __init__(self, browser: Browser, house: Site) -> None:
        self._browser = browser
        self._house = house
        self._contexts: list[BrowserContext] = []
        self._allowed = ["Service Worker registration blocked by Playwright"]
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def browser(self, language: str = "en-GB", **options: object) -> BrowserContext:
        """Open a browser of its own: cookies, keys and storage are not shared."""
        options.setdefault("service_workers", "block")  # what they keep is of their own tests; here it costs
        context = self._browser.new_context(
            locale=language,
            base_url=self._house.url,
            timezone_id="Europe/Berlin",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._asked)
        self._contexts.append(context)
        return context

    def inbox(self, member: Member, context: BrowserContext | None = None, **options: object) -> Page:
        """Open the inbox of somebody who has logged in and holds the key in this browser."""
        page = self._at_the_door(member, context, **options)
        page.goto("/")
        return page

    def inbox_behind(self, member: Member, prepare: Callable[[Page], object]) -> Page:
        """The same, after something was put between page and server."""
        page = self._at_the_door(member, None)
        prepare(page)
        page.goto("/")
        return page

    def _at_the_door(self, member: Member, context: BrowserContext | None, **options: object) -> Page:
        context = context or self.browser(**options)  # type: ignore[arg-type]
        context.add_cookies(
            [{"name": "aftertone", "value": member.session, "url": self._house.url, "httpOnly": True}]
        )
        page = context.new_page()
        page.goto("/join")  # without a link this page does nothing
        style = page.locator("link[rel=stylesheet]").first.get_attribute("href") or ""
        page.evaluate(LOGGED_IN, [style.partition("/css/")[0], member.id, list(PKCS8 + member.private)])
        return page

    def allow(self, pattern: str) -> None:
        """Expect a complaint."""
        self._allowed.append(pattern)

    def close(self) -> None:
        """Close all and fail for what nobody expected."""
        for context in self._contexts:
            # What a test put between page and server may be at work on a request that nobody waits for.
            for page in context.pages:
                page.unroute_all(behavior="ignoreErrors")
            context.unroute_all(behavior="ignoreErrors")
            context.close()
        unexpected = [
            text for text in self.complaints if not any(re.search(each, text) for each in self._allowed)
        ]
        assert unexpected == []

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _asked(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.url.removeprefix(self._house.url)}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests here. It ends with them: while it is there, Playwright's loop occupies this
    thread, and no other test could run a loop of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An installation with mailbox 1001 of Anna Weber."""
    house = House(tmp_path / "data")
    house.on_loop(lambda: house.store.mailboxes.add("1001", "Anna Weber"))
    yield house
    house.close()


@pytest.fixture
def desk(chromium: Browser, house: House) -> Iterator[Desk]:
    """Browsers that are looked after."""
    desk = Desk(chromium, house)
    yield desk
    desk.close()


@pytest.fixture
def anna(house: House) -> Callable[[], Member]:
    """Anna joins and makes mailbox 1001 hers when she is called."""
    return lambda: house.join()
