"""Which scheme, host and client a request has: our proxies, other people's, and names that are not ours."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loop import in_loop
from tests.web.town import API, Town
from web.origin import UNKNOWN, may_change, origin_of

PROXY = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))


def scope(peer: str, **headers: str) -> dict[str, object]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (peer, 4711), "headers": named}


FORWARDED = [
    # peer, X-Forwarded-For, client
    ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # nobody's proxy: what it says does not count
    ("10.0.0.5", "198.51.100.9", "198.51.100.9"),
    ("10.0.0.5", "1.2.3.4, 198.51.100.9", "198.51.100.9"),  # the client wrote the left one himself
    ("10.0.0.5", "1.2.3.4, 198.51.100.9, 10.0.0.6", "198.51.100.9"),  # two proxies of ours
    ("10.0.0.5", "198.51.100.9:4711", "198.51.100.9"),
    ("10.0.0.5", "[2001:db8::1]:443", "2001:db8::1"),
    ("10.0.0.5", "::ffff:198.51.100.9", "198.51.100.9"),
    ("10.0.0.5", "rubbish", "10.0.0.5"),
    ("10.0.0.5", "1.2.3.4, rubbish", "10.0.0.5"),
    ("10.0.0.5", "", "10.0.0.5"),
    ("::ffff:10.0.0.5", "198.51.100.9", "198.51.100.9"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), FORWARDED)
def test_a_client_cannot_choose_the_address_it_is_limited_by(peer: str, forwarded: str, client: str) -> None:
    found = origin_of(scope(peer, host="notes.example.org", x_forwarded_for=forwarded), PROXY)
    assert found.client == client


def test_only_our_own_proxy_says_that_the_browser_came_by_https() -> None:
    told = {"host": "inner:8080", "x_forwarded_proto": "https", "x_forwarded_host": "notes.example.org"}
    ours = origin_of(scope("10.0.0.5", **told), PROXY)
    assert (ours.url, ours.secure) == ("https://notes.example.org", True)
    stranger = origin_of(scope("192.0.2.1", **told), PROXY)
    assert (stranger.url, stranger.secure) == ("http://inner:8080", False)


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)


@given(host=HEADER, proto=HEADER, forwarded=HEADER, peer=st.sampled_from(["10.0.0.5", "192.0.2.1", "", "x"]))
def test_no_header_breaks_the_gate(host: str, proto: str, forwarded: str, peer: str) -> None:
    told = scope(peer, host=host, x_forwarded_proto=proto, x_forwarded_for=forwarded, x_forwarded_host=host)
    found = origin_of(told, PROXY)
    assert found.scheme in ("http", "https")
    assert isinstance(found.loopback, bool)
    assert found.client == UNKNOWN or found.client.replace(".", "").replace(":", "").isalnum()


HOSTS = [
    ("localhost:8080", True),
    ("LOCALHOST", True),
    ("app.localhost", True),
    ("127.0.0.1:8080", True),
    ("127.8.8.8", True),
    ("[::1]:8080", True),
    ("localhost.evil.test", False),
    ("127.0.0.1.evil.test", False),
    ("evil.test/localhost", False),
    ("evil.test@localhost", False),
    ("localhost:8080:81", False),
    ("[::1", False),
    ("0x7f.1", False),
    ("2130706433", False),
    ("192.168.1.5", False),
    ("", False),
]


@pytest.mark.parametrize(("host", "trusted"), HOSTS)
def test_browsers_trust_plain_http_on_this_machine_alone(host: str, trusted: bool) -> None:
    assert origin_of(scope("127.0.0.1", host=host), ()).secure is trusted


SENDERS = [
    # Origin header, own host, allowed
    ("https://notes.example.org", "notes.example.org", True),
    ("https://notes.example.org.evil.test", "notes.example.org", False),
    ("http://notes.example.org", "notes.example.org", False),
    ("null", "notes.example.org", False),
    ("http://localhost:3000", "localhost:8080", False),  # another program's page on the same machine
    ("http://localhost:8080", "localhost:8080", True),
    ("http://localhost:8080", "notes.example.org", False),
]


@pytest.mark.parametrize(("sender", "host", "allowed"), SENDERS)
def test_only_our_own_page_may_change_anything(sender: str, host: str, allowed: bool) -> None:
    origin = origin_of(scope("127.0.0.1", host=host), ())
    assert may_change(sender, origin, "https://notes.example.org") is allowed


def test_plain_http_in_the_house_network_is_told_what_to_do(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.client("http://192.0.2.7:8080") as browser:
            page = await browser.get("/")
            assert page.status_code == 403
            assert "AFTERTONE_TLS_CERT" in page.text
            assert "AFTERTONE_TRUSTED_PROXIES" in page.text
            style = await browser.get(town.app.state.house.statics.prefix + "/css/base.css")
            assert style.status_code == 200
            api = await browser.post(f"{API}/login/start", json={"name": "alice"})
            assert (api.status_code, api.json()["error"]) == (403, "insecure origin")
            german = await browser.get("/", headers={"Accept-Language": "de-AT,en;q=0.5"})
            assert "Diese Adresse ist nicht sicher" in german.text

    story()


def test_a_name_that_was_made_to_point_here_gets_nothing(tmp_path: Path) -> None:
    @in_loop
    async def story() -> None:
        town = Town(tmp_path / "data", {"PUBLIC_URL": "https://notes.example.org"})
        async with town.page_of(town.alice) as page:
            for host in (
                "evil.test",
                "notes.example.org:8443",
                "notes.example.org.evil.test",
                "localhost.evil.test",
            ):
                page.base_url = f"https://{host}"
                answer = await page.get(f"{API}/me")
                assert (answer.status_code, answer.json()["error"]) == (421, "unknown host")
        town.close()

    story()


def test_behind_a_proxy_the_cookie_is_secure_and_the_browser_told_to_stay(tmp_path: Path) -> None:
    @in_loop
    async def story() -> None:
        settings = {"PUBLIC_URL": "https://notes.example.org", "TRUSTED_PROXIES": "10.0.0.0/24"}
        town = Town(tmp_path / "data", settings)
        told = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "notes.example.org",
            "X-Forwarded-For": "1.2.3.4",
        }
        async with town.client("http://inner:8080", peer="10.0.0.5", **told) as browser:
            token = town.store.sessions.open(town.alice.id, "cookie")
            page = await browser.get("/", headers={"Cookie": f"__Host-aftertone={token}"})
            assert page.status_code == 200
            assert page.headers["set-cookie"].startswith("__Host-aftertone=")
            assert {"; secure", "; path=/"} <= set(re.findall("; [^;]+", page.headers["set-cookie"].lower()))
            assert "domain" not in page.headers["set-cookie"].lower()
            assert page.headers["strict-transport-security"] == "max-age=31536000"
        async with town.client("http://inner:8080", peer="192.0.2.1", **told) as stranger:
            assert (await stranger.get("/")).status_code == 403
        town.close()

    story()


def test_a_cookie_that_a_neighbour_planted_is_not_taken_for_the_users(tmp_path: Path) -> None:
    """``evil.example.org`` sets a cookie for all of ``example.org``; a browser sends it after ours."""

    @in_loop
    async def story() -> None:
        town = Town(tmp_path / "data", {"PUBLIC_URL": "https://notes.example.org"})
        mine, planted = (town.store.sessions.open(who.id, "cookie") for who in (town.alice, town.carol))
        async with town.client("https://notes.example.org") as browser:
            both = {"Cookie": f"__Host-aftertone={mine}; aftertone={planted}"}
            me = await browser.get(f"{API}/me", headers=both)
            assert me.json()["user"]["name"] == "alice"
            alone = await browser.get(f"{API}/me", headers={"Cookie": f"aftertone={planted}"})
            assert alone.status_code == 401
        town.close()

    story()
