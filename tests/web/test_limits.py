"""How often somebody may guess, from where, and what it costs the server to count."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loop import in_loop
from tests.web.joiner import OWN, joined_page, log_in
from tests.web.town import API, Town
from web.limits import CELLS, PACES, Limits, network_of

PAIR = PACES["login pair"]
NAME = PACES["login name"]
ADDRESS = PACES["login address"]


def test_ten_typos_are_human_and_the_eleventh_waits_a_minute(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as browser:
            for _ in range(PAIR.burst):
                assert (await log_in(browser, "Dora", os.urandom(32))).status_code == 401
            stopped = await log_in(browser, "DORA", who.auth)
            assert (stopped.status_code, stopped.json()["error"]) == (429, "too many attempts")
            assert stopped.headers["retry-after"] == "60"
            town.seconds.now += 59
            assert (await log_in(browser, "Dora", who.auth)).headers["retry-after"] == "1"
            town.seconds.now += 1
            assert (await log_in(browser, "Dora", who.auth)).status_code == 200
            assert (await log_in(browser, "Dora", who.auth)).status_code == 200  # good ones are not counted

    story()


def test_guesses_at_passphrase_and_recovery_code_count_together(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(**OWN) as browser:
            for _ in range(PAIR.burst - 1):
                assert (await log_in(browser, "Dora", os.urandom(32))).status_code == 401
            for _ in range(3):
                assert (await log_in(browser, "Dora", who.recovery)).status_code == 200
            assert (await log_in(browser, "Dora", bytes(32))).status_code == 401
            for auth in (who.recovery, who.auth, bytes(32)):
                stopped = await log_in(browser, "Dora", auth)
                assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "60")

    story()


def test_a_name_that_does_not_exist_is_limited_alike(town: Town) -> None:
    @in_loop
    async def story() -> None:
        await joined_page(town)
        async with town.client(**OWN) as browser:
            answers = {}
            for name in ("Dora", "nobody"):
                answers[name] = [(await log_in(browser, name, bytes(32))).status_code for _ in range(12)]
        assert answers["Dora"] == answers["nobody"] == [401] * 10 + [429] * 2

    story()


def test_one_address_cannot_try_all_names_and_an_own_header_does_not_help(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(peer="203.0.113.9", **OWN) as attacker:
            for number in range(ADDRESS.burst):
                attacker.headers["X-Forwarded-For"] = f"198.51.100.{number}"
                assert (await log_in(attacker, f"name{number}", bytes(32))).status_code == 401
            assert (await log_in(attacker, "Dora", who.auth)).status_code == 429
        async with town.client(peer="203.0.113.10", **OWN) as elsewhere:
            assert (await log_in(elsewhere, "Dora", who.auth)).status_code == 200

    story()


@pytest.mark.thorough
def test_who_guesses_at_a_name_does_not_keep_its_owner_out(town: Town) -> None:
    @in_loop
    async def story() -> None:
        who = await joined_page(town)
        async with town.client(peer="203.0.113.9", **OWN) as attacker:
            seen = []
            for _ in range(600):  # ten minutes, a guess a second
                seen.append((await log_in(attacker, "Dora", bytes(32))).status_code)
                town.seconds.now += 1
            assert seen.count(401) == PAIR.burst + 600 // PAIR.every_s - 1
        async with town.client(peer="203.0.113.10", **OWN) as owner:
            assert (await log_in(owner, "Dora", who.auth)).status_code == 200

    story()


def test_many_addresses_together_have_no_more_guesses_at_a_name_than_its_limit(town: Town) -> None:
    @in_loop
    async def story() -> None:
        await joined_page(town)
        seen: list[int] = []
        for number in range(NAME.burst // PAIR.burst + 2):
            async with town.client(peer=f"203.0.113.{number}", **OWN) as attacker:
                seen += [(await log_in(attacker, "Dora", bytes(32))).status_code for _ in range(PAIR.burst)]
        assert seen == [401] * NAME.burst + [429] * (len(seen) - NAME.burst)

    story()


def test_salts_links_and_challenges_are_not_free_either(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.client(**OWN) as client:
            for path, body, limit in (
                ("login/start", {"name": "x"}, "ask address"),
                ("join/look", {"token": "x"}, "join address"),
            ):
                last = [
                    (await client.post(f"{API}/{path}", json=body)).status_code
                    for _ in range(PACES[limit].burst)
                ]
                assert 429 not in last
                assert (await client.post(f"{API}/{path}", json=body)).status_code == 429
            town.seconds.now += 3600
            assert (await client.post(f"{API}/login/challenge", json={"user": "x"})).status_code == 200

    story()


def test_an_ipv6_customer_is_one_and_an_ipv4_neighbour_is_another() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("unknown") == "unknown"


def test_a_flood_of_names_takes_no_more_memory_and_frees_no_victim() -> None:
    limits = Limits()
    for _ in range(NAME.burst):
        assert limits.take("login name", "victim", 0.0) == 0.0
    for number in range(3 * CELLS):
        limits.take("login name", f"other {number}", 1.0)
    assert limits.take("login name", "victim", 1.0) > 0
    assert len(limits._cells["login name"]) <= CELLS


@given(st.lists(st.floats(0, 500), max_size=200))
def test_never_more_tries_than_the_pace_allows(steps: list[float]) -> None:
    limits, now, granted = Limits(), 0.0, 0
    for step in steps:
        now += step
        wait = limits.take("login name", "x", now)
        assert 0 <= wait <= NAME.every_s
        granted += wait == 0
    assert granted <= NAME.burst + now / NAME.every_s + 1e-6
