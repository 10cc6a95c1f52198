"""What every answer carries, whatever went wrong, and what may be cached."""

import re

import httpx
import pytest

from bridge.errors import StoreError
from tests.loop import in_loop
from tests.web.town import API, Town
from web.security import HEADERS

SECRET = "spoken marker"
POLICY = HEADERS["Content-Security-Policy"]

ASKED = [
    ("GET", "/", {}, 303),
    ("GET", "/login", {}, 200),
    ("GET", "/join", {}, 200),
    ("GET", "/shell", {}, 200),
    ("GET", "/nowhere", {}, 404),
    ("POST", "/login", {}, 405),
    ("GET", "/health", {}, 200),
    ("GET", f"{API}/me", {}, 401),
    ("GET", f"{API}/nowhere", {}, 404),
    ("GET", f"{API}/openapi.json", {}, 200),
    ("GET", "/static/0123456789abcdef/css/base.css", {}, 404),
    ("POST", f"{API}/login", {"json": {"name": "x"}}, 422),
    ("POST", f"{API}/login", {"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415),
    (
        "POST",
        f"{API}/login",
        {"content": b"[" * 70_000, "headers": {"Content-Type": "application/json"}},
        413,
    ),
    (
        "POST",
        f"{API}/login",
        {"content": b"[" * 60_000, "headers": {"Content-Type": "application/json"}},
        400,
    ),
    ("POST", f"{API}/login", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
]


def assert_dressed(answer: httpx.Response) -> None:
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize(("method", "path", "how", "status"), ASKED)
def test_every_answer_carries_the_policy_and_is_not_kept(
    town: Town, method: str, path: str, how: dict[str, object], status: int
) -> None:
    @in_loop
    async def story() -> None:
        async with town.client() as client:
            answer = await client.request(method, path, **how)  # type: ignore[arg-type]
        assert answer.status_code == status
        assert_dressed(answer)
        assert answer.headers["cache-control"] == "no-store"
        if path.startswith((API, "/static")) and status >= 400:
            assert set(answer.json()) == {"error", "message"}

    story()


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe-inline" not in POLICY
    assert "'unsafe-eval'" not in POLICY.replace("'wasm-unsafe-eval'", "")
    assert "http" not in POLICY
    assert "*" not in POLICY
    assert POLICY.startswith("default-src 'none'; ")
    assert "require-trusted-types-for 'script'; trusted-types aftertone" in POLICY


def test_a_mistake_of_ours_is_told_without_what_was_asked(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @in_loop
    async def story() -> None:
        def broken(*_: object) -> None:
            raise RuntimeError(SECRET)

        monkeypatch.setattr(town.store.users, "login_salt", broken)
        async with town.client() as client:
            answer = await client.post(f"{API}/login/start", json={"name": SECRET})
        assert answer.status_code == 500
        assert answer.json()["error"] == "internal error"
        assert_dressed(answer)

    story()
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_a_full_disk_is_our_fault_and_may_be_tried_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_loop
    async def story() -> None:
        def full(*_: object, **__: object) -> None:
            raise StoreError("database: disk is full")

        monkeypatch.setattr(town.store.calls, "rows", full)
        async with town.page_of(town.alice) as page:
            api, html = await page.get(f"{API}/rows"), await page.get("/")
        assert (api.status_code, html.status_code) == (503, 503)
        assert api.json()["error"] == "store"
        assert "disk" not in api.text
        assert api.headers["retry-after"] == "5"
        assert html.headers["content-type"].startswith("text/html")

    story()


@in_loop
async def _static(town: Town) -> None:
    async with town.client() as client:
        page = await client.get("/login")
        found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert any(path.endswith(".js") for path in found)
        assert any(path.endswith(".css") for path in found)
        for path in found:
            answer = await client.get(path)
            assert answer.status_code == 200
            assert_dressed(answer)
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        prefix = found[0].rpartition("/static/")[2].partition("/")[0]
        for odd in (
            "../app.py",
            "%2e%2e/app.py",
            "js/../../app.py",
            "js//login.js",
            "package.json",
            "js\\login.js",
            "templates/login.html",
            "js/login.js%00",
            "",
        ):
            answer = await client.get(f"/static/{prefix}/{odd}")
            assert answer.status_code == 404, odd


def test_static_files_are_kept_for_ever_and_nothing_else_lies_beside_them(town: Town) -> None:
    _static(town)


@in_loop
async def _described(town: Town) -> None:
    async with town.client() as client:
        told = (await client.get(f"{API}/openapi.json")).json()
        assert (await client.get("/docs")).status_code == 404
    assert f"{API}/rows/{{row_id}}/heard" in told["paths"]
    assert "/" not in told["paths"]
    blob = told["paths"][f"{API}/notes/{{note_id}}/blob"]["get"]["responses"]["200"]["content"]
    assert list(blob) == ["application/octet-stream"]
    assert told["paths"][f"{API}/rows"]["get"]["responses"]["4XX"]["content"]
    row = told["components"]["schemas"]["RowOut"]["properties"]
    assert set(row) >= {"id", "sealed", "notes", "received_at", "heard"}


def test_the_api_is_described_and_no_third_party_page_shows_it(town: Town) -> None:
    _described(town)


def test_health_says_when_it_is_not_ready_or_does_not_record(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.client("http://192.0.2.7:8080") as monitor:
            assert (await monitor.get("/health")).json() == {
                "ready": True,
                "recording": True,
                "pbx": "off",
            }
            town.pbx = "refused"
            answer = await monitor.get("/health")
            assert (answer.status_code, answer.json()["pbx"]) == (200, "refused")
            town.recording = False
            answer = await monitor.get("/health")
            assert (answer.status_code, answer.json()["recording"]) == (200, False)
            town.ready = False
            assert (await monitor.get("/health")).status_code == 503

    story()
