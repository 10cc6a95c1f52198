"""My address book over HTTP: mine alone, as it was sent, and never over what another device has saved."""

import os
from collections.abc import AsyncIterator

from tests.loop import in_loop
from tests.store.test_addressbook import sealed
from tests.web.town import API, Town
from web.bodies import MAX_BODY

PATH = f"{API}/me/addressbook"
BYTES = {"Content-Type": "application/octet-stream"}


@in_loop
async def _two_devices(town: Town) -> None:
    alice = town.alice
    first = sealed(alice.id, alice.public, os.urandom(10 * MAX_BODY))
    second = sealed(alice.id, alice.public)
    async with town.page_of(alice) as phone, town.page_of(alice) as desk:
        assert (await phone.get(PATH)).status_code == 204
        told = await phone.put(PATH, content=first, headers=BYTES)
        assert told.json() == {"version": first[4:20].hex()}
        late = await desk.put(PATH, content=second, headers=BYTES)
        assert (late.status_code, late.json()["error"]) == (409, "address book changed")
        read = await desk.get(PATH)
        assert (read.content, read.headers["content-type"]) == (first, "application/octet-stream")
        assert read.headers["cache-control"] == "no-store"
        version = told.json()["version"]
        assert read.headers["etag"] == f'"{version}"'
        same = await desk.get(PATH, headers={"If-None-Match": f'"{version}"'})
        assert (same.status_code, same.content) == (304, b"")
        assert (
            await desk.put(PATH, content=second, params={"replaces": version}, headers=BYTES)
        ).status_code == 200
        assert (await phone.get(PATH, headers={"If-None-Match": f'"{version}"'})).content == second
    async with town.page_of(town.carol) as other, town.program_of(alice) as program:
        assert (await other.get(PATH)).status_code == 204
        assert (await program.get(PATH)).content == second


def test_two_devices_of_one_owner_and_nobody_else(town: Town) -> None:
    _two_devices(town)


@in_loop
async def _refused(town: Town) -> None:
    alice, carol = town.alice, town.carol
    good = sealed(alice.id, alice.public)
    async with town.page_of(alice) as page:
        for bad in (b"", b"{}", good[:-1], sealed(carol.id, carol.public), sealed(alice.id, carol.public)):
            told = await page.put(PATH, content=bad, headers=BYTES)
            assert (told.status_code, told.json()["error"]) == (422, "address book")
        for replaces in ("", "x", "0" * 31, "0" * 33):
            told = await page.put(PATH, content=good, params={"replaces": replaces}, headers=BYTES)
            assert told.status_code == 422
        large = await page.put(PATH, content=bytes((4 << 20) + 1), headers=BYTES)
        assert (large.status_code, large.json()["error"]) == (413, "too large")
        kind = await page.put(PATH, content=good, headers={"Content-Type": "text/plain"})
        assert kind.status_code == 415
        assert (await page.post(f"{API}/rows/erase", content=good, headers=BYTES)).status_code == 415
        del page.headers["X-CSRF"]
        assert (await page.put(PATH, content=good, headers=BYTES)).status_code == 403
    async with town.client() as stranger:
        assert (await stranger.put(PATH, content=bytes(1 << 20), headers=BYTES)).status_code == 401
    assert town.store.addressbooks.get(alice.id) is None


def test_what_is_no_book_of_mine_is_refused_and_strangers_are_not_even_read(town: Town) -> None:
    _refused(town)


def test_a_book_without_a_length_is_counted_as_it_comes(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield bytes(1 << 20)

        async with town.page_of(town.alice) as page:
            assert (await page.put(PATH, content=pieces(), headers=BYTES)).status_code == 413

    story()
