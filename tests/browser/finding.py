"""What tests of the search share: its parts of the page, and what a browser keeps."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

STORES = """async () => {
  const told = [];
  const write = (value) => value instanceof CryptoKey ? `key ${value.extractable}`
    : value instanceof Uint8Array ? new TextDecoder("latin1").decode(value) : value instanceof Object
    ? Object.entries(value).map(([k, v]) => `${k}=${write(v)}`).join(" ") : String(value);
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((y, n) => {
      const r = indexedDB.open(name); r.onsuccess = () => y(r.result); r.onerror = n;
    });
    for (const store of database.objectStoreNames) {
      const all = (what) => new Promise((y) => {
        const r = database.transaction(store).objectStore(store)[what](); r.onsuccess = () => y(r.result);
      });
      const [keys, values] = [await all("getAllKeys"), await all("getAll")];
      keys.forEach((key, i) => told.push({ store: `${name}/${store}`, key, value: write(values[i]) }));
    }
    database.close();
  }
  for (const [key, value] of Object.entries({ ...localStorage, ...sessionStorage })) {
    told.push({ store: "storage", key, value });
  }
  return told;
}"""
"""Everything that this browser keeps for this origin, as far as any script can read it."""

ROWS = "aftertone-rows/rows"


def stored(page: Page, store: str = "") -> list[dict[str, Any]]:
    """What is kept in one store, or in all."""
    everything: list[dict[str, Any]] = page.evaluate(STORES)
    return [each for each in everything if each["store"].startswith(store)]


def names(page: Page) -> list[str]:
    return page.locator("call-row .name").all_inner_texts()


def top_of(row: Locator) -> float:
    """Where in the window a row is, in pixels."""
    found = row.bounding_box()
    assert found is not None
    return found["y"]


def box(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search names and numbers")


def pill(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(f"^{name}"))


def gathered(page: Page, count: int, limit_ms: float = 20_000) -> None:
    """All rows are in the page: the counts of filters are known."""
    told = page.locator("find-bar .pill", has_text="All").locator(".count")
    expect(told).to_have_text(f"{count:,}", timeout=limit_ms)
