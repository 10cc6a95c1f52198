"""What tests of the address book share: the dialog, files for it, and what came of them."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.house import House, Member


def card(name: str, *numbers: str) -> str:
    """A vCard as telephones write it."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{name}", *(f"TEL;TYPE=CELL:{number}" for number in numbers)]
    return "\r\n".join([*lines, "END:VCARD", ""])


def open_book(page: Page) -> Locator:
    """Open the address book and return its dialog."""
    page.get_by_role("button", name="Address book").click()
    return page.get_by_role("dialog", name="Address book")


def choose(page: Page, data: str | bytes, name: str = "contacts.vcf") -> None:
    """Choose a file in the opened address book."""
    data = data.encode() if isinstance(data, str) else data
    page.locator("#book-file").set_input_files({"name": name, "mimeType": "", "buffer": data})


def bring(page: Page, data: str | bytes, name: str = "contacts.vcf") -> None:
    """Open the address book, import a file and close it."""
    dialog = open_book(page)
    choose(page, data, name)
    dialog.get_by_role("button", name="Add to the address book").click()
    expect(dialog.get_by_role("status")).to_contain_text("Added or completed")
    dialog.get_by_role("button", name="Close").click()


def people(page: Page) -> list[str]:
    """Who stands in the opened address book."""
    return page.locator("dialog.book .people .name").all_inner_texts()


def kept_of(house: House, member: Member) -> bytes:
    """What the server keeps of somebody's book."""
    book: Any = house.on_loop(lambda: house.store.addressbooks.get(member.id))
    return book.sealed if book is not None else b""
