"""Every route for every kind of caller: strangers, members of other mailboxes, who waits, who may."""

from typing import Any

import httpx
import pytest

from bridge.seal.keyslot import SlotKind, make_keyslot
from bridge.seal.note import Recipient
from tests.loop import in_loop
from tests.web.sender import Parcel, begin
from tests.web.town import API, CALLER_NAME, CALLER_NUMBER, Town
from web.answers import to_b64
from web.auth import COOKIE
from web.routes import ROUTES

UNKNOWN = "0" * 32
KEY = to_b64(bytes(range(32)))
WRAP = to_b64(bytes(80))

BODIES: dict[str, Any] = {
    "claim_confirm": {"proof": KEY, "public": KEY, "wrap": WRAP},
    "members_add": {"name": "x"},
    "members_approve": {"public": KEY, "wraps": [{"epoch": 0, "wrap": WRAP}]},
    "members_renew": {"epoch": 2, "public": KEY, "wraps": [{"user_id": "us_x", "wrap": WRAP}]},
    "members_remove": {"next": {"epoch": 2, "public": KEY, "wraps": [{"user_id": "us_x", "wrap": WRAP}]}},
    "rewraps_put": {"items": [{"id": UNKNOWN, "envelope": to_b64(bytes(91))}]},
    "heard_mark": {"heard": True},
    "handling_mark": {"state": "taken", "seen": {"state": "open"}},
    "deleting_mark": {"ids": [UNKNOWN], "deleted": True},
    "deleting_erase": {"ids": [UNKNOWN]},
    "log_write": {"act": "saved"},
    "passkeys_start": {"auth": KEY},
    "passkeys_add": {"ceremony": "x", "client_data": KEY, "attestation": KEY, "slot": KEY, "name": "x"},
    "forwards_begin": {
        "note_id": UNKNOWN,
        "id": "1" * 32,
        "call_id": "2" * 32,
        "call": KEY,
        "head": KEY,
        "size": 1000,
    },
}


def name_of(route: Any) -> str:
    return f"{route.endpoint.__module__.rpartition('.')[2]}_{route.endpoint.__name__}"


CLOSED = [route for route in ROUTES if not route.open]
WITH_ID = [route for route in CLOSED if "{" in route.path]


def passkey_of_alice(town: Town) -> str:
    kept = town.store.passkeys.add(
        town.alice.id,
        credential_id=b"hers",
        public_key=b"",
        counter=0,
        name="hers",
        slot=make_keyslot(SlotKind.PASSKEY, bytes(32), town.alice.private, town.alice.id),
    )
    return kept.id.hex()


def address(path: str, **ids: str) -> str:
    return path.format(**ids)


async def ask(client: httpx.AsyncClient, route: Any, path: str, note_id: str = UNKNOWN) -> httpx.Response:
    body = BODIES.get(name_of(route), {} if route.method != "GET" else None)
    if name_of(route) == "forwards_begin":
        body = {**BODIES["forwards_begin"], "note_id": note_id}
    return await client.request(route.method, path, json=body)


async def upload_of_alice(town: Town, note_id: str) -> str:
    """She has announced a forward, and nothing more of it is here."""
    box = town.box("2002")
    parcel = Parcel(Recipient(box.id, box.epoch, box.public), note_id)
    async with town.page_of(town.alice) as page:
        assert (await begin(page, parcel)).status_code == 200
    return parcel.id.hex()


@pytest.mark.parametrize("route", CLOSED, ids=name_of)
def test_a_stranger_is_told_to_log_in_and_nothing_else(town: Town, route: Any) -> None:
    @in_loop
    async def story() -> None:
        ids = {"mailbox_id": town.box("1001").id, "row_id": town.call("1001"), "user_id": town.bob.id}
        ids["passkey_id"] = passkey_of_alice(town)
        ids["note_id"] = (await town.note("1001", ids["row_id"])).id.hex()
        async with town.client() as stranger:
            answer = await ask(stranger, route, address(route.path, **ids))
        assert answer.status_code == 401
        assert answer.json() == {"error": "not logged in", "message": "Please log in."}

    story()


@pytest.mark.parametrize("who", ["carol", "bob"])
@pytest.mark.parametrize("route", WITH_ID, ids=name_of)
def test_what_is_not_mine_looks_like_what_does_not_exist(town: Town, route: Any, who: str) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        theirs = {
            "mailbox_id": town.box("1001").id,
            "row_id": row_id,
            "note_id": (await town.note("1001", row_id)).id.hex(),
            "user_id": town.alice.id,
            "passkey_id": passkey_of_alice(town),
        }
        nothing = {
            "mailbox_id": "mb_aaaaaaaaaaaaaaaa",
            "row_id": UNKNOWN,
            "note_id": UNKNOWN,
            "user_id": "us_x",
            "passkey_id": UNKNOWN,
        }
        read = theirs["note_id"]
        if name_of(route) in ("forwards_add", "forwards_finish"):
            theirs["note_id"] = await upload_of_alice(town, read)
        if name_of(route) == "forwards_begin":
            # Into any mailbox whatever: what must not be told is the note.
            theirs["mailbox_id"] = nothing["mailbox_id"] = town.box("2002").id
        async with town.page_of(getattr(town, who)) as page:
            foreign = await ask(page, route, address(route.path, **theirs), read)
            unknown = await ask(page, route, address(route.path, **nothing))
        if who == "bob" and name_of(route).startswith("claim_"):
            assert foreign.status_code in (409, 422)  # he belongs to it and is told that it is taken
            return
        assert foreign.status_code == 404
        assert foreign.content == unknown.content
        assert foreign.json()["error"] == "not found"

    story()


@in_loop
async def _member_reads(town: Town) -> None:
    row_id = town.call("1001")
    take = await town.note("1001", row_id)
    blob = town.store.blobs.path(take.id).read_bytes()
    town.call("2002")
    for client in (town.page_of(town.alice), town.program_of(town.alice)):
        async with client:
            rows = (await client.get(f"{API}/rows")).json()
            assert [row["id"] for row in rows["rows"]] == [row_id]
            assert rows["next"] is None
            row = (await client.get(f"{API}/rows/{row_id}")).json()
            assert row == rows["rows"][0]
            assert row["received_at"] == "2026-03-01T12:00:00Z"
            assert row["extension"] == "1001"
            (note,) = row["notes"]
            assert note["id"] == take.id.hex()
            assert (note["state"], note["speech"], note["cut_off"]) == ("kept", True, False)
            answer = await client.get(f"{API}/notes/{note['id']}/blob")
            assert answer.content == blob
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["cache-control"] == "no-store"


def test_a_member_reads_rows_and_notes_with_cookie_and_with_token(town: Town) -> None:
    _member_reads(town)


@in_loop
async def _hostile_name(town: Town) -> None:
    row_id = town.call("1001")
    async with town.page_of(town.alice) as page:
        answers = [await page.get(path) for path in ("/", f"{API}/rows", f"{API}/rows/{row_id}", f"{API}/me")]
    for answer in answers:
        assert answer.status_code == 200
        assert CALLER_NAME not in answer.text
        assert "onload" not in answer.text
        assert CALLER_NUMBER not in answer.text


def test_a_hostile_name_and_a_number_leave_the_server_only_sealed(town: Town) -> None:
    _hostile_name(town)


def test_no_name_number_token_or_key_is_ever_logged(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def story() -> None:
        row_id = town.call("1001")
        async with town.page_of(town.alice) as page:
            token, mark = page.cookies[COOKIE], page.headers["X-CSRF"]
            for path in ("/", f"{API}/me", f"{API}/rows", f"{API}/rows/{row_id}", f"{API}/nowhere"):
                await page.get(path)
            await page.post(f"{API}/login", json={"name": CALLER_NAME, "auth": KEY})
            await page.post(f"{API}/login", json={"name": CALLER_NAME, "auth": CALLER_NUMBER})
        for secret in (token, mark, KEY, CALLER_NAME, CALLER_NUMBER):
            assert secret not in caplog.text

    caplog.set_level("DEBUG")
    story()
