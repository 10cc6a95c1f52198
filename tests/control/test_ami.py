"""The connection to the PBX tells the truth about itself, and comes back from everything."""

import asyncio
import logging
import random
from collections.abc import Callable

import pytest

from bridge.config import Address
from bridge.control import ami, backoff, link
from bridge.errors import PbxAway
from bridge.wire.ami import Message
from tests.control.pbx import BOOTED, SECRET, FakePbx, Session
from tests.control.stage import NOW, happens, managed, until
from tests.loop import in_loop


@in_loop
async def test_a_login_shows_that_we_know_the_secret_and_does_not_tell_it() -> None:
    async with FakePbx() as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        assert manager.status.since == NOW
        assert pbx.logins == 1
        assert SECRET.encode() not in pbx.heard
        await pbx.until(lambda: len(pbx.named("Ping")) > 2)
    assert manager.status.state == "off"


def test_a_wrong_secret_is_told_loudly_once_and_mended_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def story() -> None:
        wrong = "tr0ub4dor"
        async with FakePbx() as pbx, managed(pbx.address, wrong) as manager:
            await until(manager, "refused")
            assert "Authentication failed" in manager.status.why
            assert "AFTERTONE_AMI_SECRET" in manager.status.why
            await pbx.until(lambda: len(pbx.named("Login")) >= 4)
            errors = [record for record in caplog.records if record.levelno == logging.ERROR]
            assert len(errors) == 1
            assert "DOES NOT LET US IN" in errors[0].getMessage()
            with pytest.raises(PbxAway):
                await manager.action("Ping")
            manager._secret = SECRET  # the admin mends manager.conf
            await until(manager, "ready")
        assert wrong not in caplog.text
        assert SECRET not in caplog.text

    with caplog.at_level(logging.DEBUG):
        story()


@in_loop
async def test_a_pbx_without_a_challenge_never_gets_the_secret_in_clear() -> None:
    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Challenge":
            return False
        session.answer(action, ("Message", "Must specify AuthType"), response="Error")
        return True

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "refused")
        assert "Must specify AuthType" in manager.status.why
        assert pbx.named("Login") == []


def half_a_message(session: Session) -> None:
    session.send(b"Event: FullyBooted\r\nStat")
    session.writer.close()


def hang_up(session: Session, action: Message) -> bool:
    session.writer.close()
    return True


ENDS: dict[str, Callable[[Session], None]] = {
    "FIN": lambda session: session.writer.close(),
    "RST": lambda session: session.reset(),
    "half a message, then FIN": half_a_message,
    "a line of 10 MB": lambda session: session.send(b"Event: " + b"x" * 10_000_000),
    "a message without end": lambda session: session.send(b"a: b\r\n" * 100_000),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_connection_that_ends_somehow_is_made_anew(end: Callable[[Session], None]) -> None:
    @in_loop
    async def story() -> None:
        async with FakePbx() as pbx, managed(pbx.address) as manager:
            for times in (1, 2, 3):
                await happens(lambda times=times: pbx.logins == times and manager.status.state == "ready")  # type: ignore[misc]
                end(pbx.sessions[-1])
            await happens(lambda: pbx.logins == 4 and manager.status.state == "ready")
            assert (await manager.action("Ping")).get("Ping") == "Pong"

    story()


def test_while_connections_end_at_random_nobody_gets_anothers_answer() -> None:
    dice = random.Random(5038)

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") != "Echo":
            return False
        if dice.random() < 0.05:
            dice.choice(list(ENDS.values()))(session)
        else:
            session.answer(action, ("Said", action.get("Say")))
        return True

    async def ask(manager: ami.Manager, who: int) -> int:
        answered = 0
        while answered < 30:
            words = f"{who}-{answered}-{dice.random()}"
            try:
                told = await manager.action("Echo", [("Say", words)])
            except PbxAway:
                await asyncio.sleep(0.005)
                continue
            assert told.get("Said") == words
            answered += 1
        return answered

    @in_loop
    async def story() -> None:
        async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
            assert await asyncio.gather(*(ask(manager, who) for who in range(8))) == [30] * 8
            assert pbx.logins > 5, "the dice did end some"
            await until(manager, "ready")

    story()


def silent(name: str) -> Callable[[Session, Message], bool]:
    """A PBX that takes an action of that name and never answers."""
    return lambda session, action: action.get("Action") == name


@pytest.mark.parametrize("name", ["Ping", "Challenge", "Login"])
def test_a_pbx_that_takes_everything_and_says_nothing_is_away(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def story() -> None:
        monkeypatch.setattr(ami, "PING_S", 0.1)
        monkeypatch.setattr(ami, "LOGIN_S", 0.1)
        async with FakePbx(silent(name)) as pbx, managed(pbx.address) as manager:
            await happens(lambda: f"no answer to {name}" in manager.status.why)
            assert manager.status.state == "away"
            monkeypatch.setattr(ami, "PING_S", 5)
            monkeypatch.setattr(ami, "LOGIN_S", 5)
            pbx.rule = lambda session, action: False
            await until(manager, "ready")

    story()


@pytest.mark.parametrize(
    ("greeting", "why"), [(b"", "no greeting in"), (b"220 mail.example.org ESMTP\r\n", "not Asterisk's")]
)
def test_a_port_that_is_silent_or_something_else_is_no_pbx(
    greeting: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def story() -> None:
        monkeypatch.setattr(link, "CONNECT_S", 0.2)
        async with FakePbx() as pbx:
            pbx.greeting, right = greeting, pbx.greeting
            async with managed(pbx.address) as manager:
                await happens(lambda: why in manager.status.why)
                assert manager.status.state == "away"
                assert pbx.actions == [], "it is told nothing, not even our name"
                monkeypatch.setattr(link, "CONNECT_S", 5)
                pbx.greeting = right
                await until(manager, "ready")

    story()


@in_loop
async def test_a_bridge_that_is_there_before_its_pbx_waits_for_it() -> None:
    pbx = FakePbx()
    await pbx.start()
    await pbx.stop()
    async with managed(Address("127.0.0.1", pbx.port)) as manager:
        await happens(lambda: manager.status.why == "nobody answers there")
        assert manager.status.state == "away"
        async with pbx:
            await until(manager, "ready")


@in_loop
async def test_a_host_that_is_none_is_away() -> None:
    for host in ("x" * 70, "no-such-host.invalid"):
        async with managed(Address(host, 5038)) as manager:
            await happens(lambda: manager.status.why == "nobody answers there")


@in_loop
async def test_a_pbx_busy_with_other_actions_is_not_away() -> None:
    """Asterisk answers one action after the other: a slow one delays the ping behind it."""
    held: list[tuple[Session, Message]] = []

    def rule(session: Session, action: Message) -> bool:
        if action.get("Action") not in ("Ping", "Originate"):
            return False
        held.append((session, action))
        return True

    async with FakePbx(rule) as pbx, managed(pbx.address) as manager:
        await until(manager, "ready")
        ping_s, ami.PING_S = ami.PING_S, 0.6
        try:
            for _ in range(15):
                asked = asyncio.create_task(manager.action("Originate"))
                await happens(lambda: any(a.get("Action") == "Originate" for _, a in held))
                await asyncio.sleep(0.1)
                for session, action in held:
                    if action.get("Action") == "Originate":
                        session.answer(action)
                held.clear()
                await asked
        finally:
            ami.PING_S = ping_s
        assert (manager.status.state, pbx.logins) == ("ready", 1)
        pbx.rule = lambda session, action: False


@in_loop
async def test_what_must_follow_a_boot_follows_each_boot_once_and_none_is_guessed() -> None:
    boots: list[int] = []

    async def boot() -> None:
        boots.append(pbx.logins)

    async with FakePbx() as pbx:
        pbx.booted = False
        async with managed(pbx.address, prepare=lambda manager: manager.on_boot(boot)) as manager:
            await until(manager, "ready")
            await pbx.until(lambda: len(pbx.named("Ping")) > 3)
            assert boots == [], "it is logged in, and the PBX still boots"
            pbx.sessions[-1].tell(BOOTED)
            await happens(lambda: boots == [1])
            pbx.booted = True
            pbx.sessions[-1].reset()
            await happens(lambda: boots == [1, 2])
            assert (await manager.action("Ping")).get("Ping") == "Pong"
    assert boots == [1, 2]


def test_a_user_who_is_not_told_of_boots_is_named_and_served(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_loop
    async def story() -> None:
        monkeypatch.setattr(ami, "BOOTED_S", 0.1)
        booted = asyncio.Event()

        async def boot() -> None:
            booted.set()

        async with FakePbx() as pbx:
            pbx.booted = False
            async with managed(pbx.address, prepare=lambda manager: manager.on_boot(boot)):
                await asyncio.wait_for(booted.wait(), 15)
        assert "read=system" in caplog.text

    story()


def test_who_fails_after_a_boot_or_at_an_event_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def story() -> None:
        order: list[str] = []

        async def failing() -> None:
            order.append("failing")
            raise PbxAway("the connection broke")

        async def broken() -> None:
            order.append("broken")
            raise RuntimeError("4930123456 said something")

        async def fine() -> None:
            order.append("fine")

        def at_event(message: Message) -> None:
            order.append(message.get("Name"))
            raise RuntimeError("4930123456 said something")

        def prepare(manager: ami.Manager) -> None:
            for each in (failing, broken, fine):
                manager.on_boot(each)
            manager.listen("Something", at_event)
            manager.listen("something", at_event)

        async with FakePbx() as pbx, managed(pbx.address, prepare=prepare) as manager:
            await happens(lambda: order == ["failing", "broken", "fine"])
            pbx.sessions[-1].tell([("Event", "Something"), ("Name", "x")])
            await happens(lambda: order[3:] == ["x", "x"])
            assert (await manager.action("Ping")).get("Ping") == "Pong"
            assert pbx.logins == 1
        assert "RuntimeError" in caplog.text
        assert "4930123456" not in caplog.text

    story()


@in_loop
async def test_the_waits_grow_while_a_pbx_drops_us_and_start_anew_after_a_good_time() -> None:
    seen: list[int] = []

    def wait(failures: int, dice: float) -> float:
        seen.append(failures)
        return 0.001

    steady, real = backoff.STEADY_S, backoff.wait_s
    backoff.wait_s = wait
    try:
        async with FakePbx(hang_up) as pbx, managed(pbx.address) as manager:
            await happens(lambda: len(seen) >= 4)
            assert seen[:4] == [1, 2, 3, 4]
            backoff.STEADY_S = 0.0
            pbx.rule = lambda session, action: False
            await until(manager, "ready")
            del seen[:]
            pbx.sessions[-1].reset()
            await happens(lambda: seen == [1])
    finally:
        backoff.STEADY_S, backoff.wait_s = steady, real
