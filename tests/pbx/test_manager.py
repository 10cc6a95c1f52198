"""Aftertone's AMI user on a real Asterisk: it can do what the lamp needs, and next to nothing else."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from asterisk.ami import AMIClient, Event, Response, SimpleAction

from bridge.config import Address
from bridge.control.ami import Manager
from bridge.control.lamp import through_dialplan
from bridge.errors import PbxRefused
from bridge.phone.pbx import AMI_USER, MANAGER, Pbx
from bridge.wire.ami import Message
from tests.control.stage import happens, managed, until
from tests.pbx.sipphone import Phone
from tests.pbx.stage import quiet_line

pytestmark = [pytest.mark.pbx, pytest.mark.filterwarnings("ignore:notifyAll")]

WITHOUT_A_CLASS = {
    *("Challenge", "Login", "Logoff", "Ping", "Events", "ListCommands", "WaitEvent"),
    *("BridgeDestroy", "BridgeInfo", "BridgeKick", "BridgeList", "BridgeTechnologyList"),
    *("BridgeTechnologySuspend", "BridgeTechnologyUnsuspend"),
}
"""What Asterisk gives every AMI user, as dialplan/README.md says."""

NEVER = {
    "run a console command": ("Command", "Command: core show uptime"),
    "read the configuration": ("GetConfig", "Filename: manager.conf"),
    "read it as JSON": ("GetConfigJSON", "Filename: manager.conf"),
    "write the configuration": ("UpdateConfig", "SrcFilename: manager.conf", "DstFilename: manager.conf"),
    "load a module": ("ModuleLoad", "Module: app_echo.so", "LoadType: load"),
    "ask for a module": ("ModuleCheck", "Module: app_echo.so"),
    "reload": ("Reload", "Module: manager"),
    "write AstDB": ("DBPut", "Family: x", "Key: y", "Val: z"),
    "read AstDB": ("DBGet", "Family: pbx", "Key: UUID"),
    "delete from AstDB": ("DBDelTree", "Family: x"),
    "change the dialplan": ("DialplanExtensionAdd", "Context: trunk", "Extension: 1", "Priority: 1"),
    "hang up calls": ("Hangup", "Channel: /.*/"),
    "redirect a call": ("Redirect", "Channel: x", "Context: trunk", "Exten: 1001", "Priority: 1"),
    "set a call's variable": ("Setvar", "Variable: GLOBAL(X)", "Value: 1"),
    "read a variable": ("Getvar", "Variable: AFTERTONE_AGI"),
    "see who speaks": ("CoreShowChannels",),
    "see the status of calls": ("Status",),
    "see the PBX's settings": ("CoreSettings",),
    "see telephones and their addresses": ("PJSIPShowEndpoints",),
    "see SIP accounts": ("PJSIPShowAuths",),
    "widen its own filter": ("Filter", "Operation: Add", "Filter: Event: .*"),
    "tell events": ("UserEvent", "UserEvent: FullyBooted"),
    "rotate the logs": ("LoggerRotate",),
}

BLACKLISTED = {
    "a program": ("System", "touch @"),
    "a program that may fail": ("TrySystem", "touch @"),
    "a program by another's hand": ("Exec", "System(touch @)"),
    "a function that starts one": ("Wait", "${SHELL(touch @)}"),
    "a script": ("AGI", "@"),
    "a recorder with a command behind it": ("MixMonitor", "x.wav,,touch @"),
}
"""Applications of an Originate; @ stands for a file that must not be there afterwards."""


def at(pbx: Pbx) -> AbstractAsyncContextManager[Manager]:
    return managed(Address("127.0.0.1", pbx.ami_port), pbx.ami_secret, user=AMI_USER)


def fields(*lines: str) -> list[tuple[str, str]]:
    pairs = (line.partition(": ") for line in lines)
    return [(name, value) for name, _, value in pairs]


def test_our_user_may_light_lamps_and_is_refused_all_else(pbx: Pbx) -> None:
    async def story() -> None:
        async with at(pbx) as manager:
            await until(manager, "ready")
            await manager.action("Originate", through_dialplan("1001", 2, 1))
            told = await manager.action("ListCommands")
            may = {name for name, _ in told.pairs} - {"Response", "ActionID"}
            assert may <= WITHOUT_A_CLASS | {"Originate", "MWIUpdate"}
            for what, (name, *lines) in NEVER.items():
                with pytest.raises(PbxRefused) as refused:
                    await manager.action(name, fields(*lines))
                assert refused.value.said == "Permission denied", what
            assert manager.status.state == "ready"

    asyncio.run(story())
    assert "x/y" not in pbx.command("database show")


def test_our_user_cannot_start_programs(pbx: Pbx, tmp_path: Path) -> None:
    async def story() -> None:
        bait = str(tmp_path / "bait")
        async with at(pbx) as manager:
            await until(manager, "ready")
            for what, (application, data) in BLACKLISTED.items():
                asked = [("Channel", "Local/6005@trunk/n"), ("Application", application)]
                with pytest.raises(PbxRefused) as refused:
                    await manager.action("Originate", [*asked, ("Data", data.replace("@", bait))])
                assert "Originate Access Forbidden" in refused.value.said, what
            # an expression in a variable is text; a function that is written to is not dangerous enough to
            # be refused aloud, and does nothing (live_dangerously=no)
            lamp = through_dialplan("1001", 1, 0)
            for variable in (f"X=${{SHELL(touch {bait})}}", f"SHELL(touch {bait})=1", f"FILE({bait})=x"):
                await manager.action("Originate", [*lamp, ("Variable", variable)])

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []


def login_from(pbx: Pbx, source: str, user: str, secret: str) -> bytes:
    """Log in from an address of this machine; return all that the PBX said until it closed or 2 s passed."""
    said = b""
    with socket.create_connection(("127.0.0.1", pbx.ami_port), 10, (source, 0)) as connection:
        connection.sendall(f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\n\r\n".encode())
        while b"Message: " not in said and (data := connection.recv(4096)):
            said += data
    return said


def test_only_this_machine_may_log_in_and_nobody_before_a_secret_is_given(pbx: Pbx, tmp_path: Path) -> None:
    assert b"accepted" in login_from(pbx, "127.0.0.1", AMI_USER, pbx.ami_secret)
    assert b"failed" in login_from(pbx, "127.0.0.2", AMI_USER, pbx.ami_secret)
    active = [line for line in MANAGER.read_text().splitlines() if line.strip() and line[0] != ";"]
    assert not any(line.startswith("secret") for line in active)
    unset = "\n".join(["[unset]", *active[1:]])
    with Pbx(tmp_path / "pbx", manager=unset) as own:
        for secret in ("", "secret", "unset"):
            assert b"failed" in login_from(own, "127.0.0.1", "unset", secret)


def test_no_call_reaches_our_user_whatever_a_callers_number_says(pbx: Pbx) -> None:
    """A number with %0D%0A writes whole events for everybody who may read class call; not for us."""
    forged = quote("1\r\n\r\nEvent: FullyBooted\r\nStatus: forged\r\n\r\nEvent: FullyBooted")
    heard: list[Message] = []

    async def story() -> None:
        async with at(pbx) as manager, Phone(pbx.sip_port, "outside") as phone:
            for name in ("FullyBooted", "Newchannel", "Newexten", "VarSet", "Hangup", "Cdr", "Reload"):
                manager.listen(name, heard.append)
            await happens(lambda: len(heard) == 1)
            call = await phone.call("6005", from_user=forged, display="Event: FullyBooted")
            await call.until("answered")
            await call.hang_up()
            await quiet_line(pbx)
            pbx.command("module reload res_rtp_asterisk")
            await manager.action("Ping")

    asyncio.run(story())
    assert [message.get("Event") for message in heard] == ["FullyBooted"]
    assert heard[0].get("Status") == "Fully Booted"


@contextmanager
def independent(pbx: Pbx) -> Iterator[tuple[AMIClient, list[Event]]]:
    """asterisk-ami, logged in as our user, and the events it heard."""
    heard: list[Event] = []
    client = AMIClient("127.0.0.1", pbx.ami_port, timeout=10)
    client.add_event_listener(lambda event, **_: heard.append(event))
    assert not client.login(AMI_USER, pbx.ami_secret).response.is_error()
    try:
        yield client, heard
    finally:
        client.logoff()
        client.disconnect()


def answer(client: AMIClient, name: str) -> Response:
    """Have the independent client ask; it waits in a thread of its own."""
    return client.send_action(SimpleAction(name)).response


def same(ours: Message, theirs: Response | Event) -> bool:
    """Say whether two clients read the same message, but for ids and clocks."""
    own = {"ActionID", "Timestamp", "Uptime", "LastReload"}
    return {k: v for k, v in ours.pairs[1:] if k not in own} == {
        k: v for k, v in theirs.keys.items() if k not in own
    }


def test_an_independent_client_reads_the_same_from_the_same_asterisk(pbx: Pbx) -> None:
    booted: list[Message] = []

    async def story() -> None:
        with independent(pbx) as (client, heard):
            async with at(pbx) as manager:
                manager.listen("FullyBooted", booted.append)
                await until(manager, "ready")
                await happens(lambda: bool(booted))
                for name in ("Ping", "ListCommands"):
                    theirs = await asyncio.to_thread(answer, client, name)
                    assert same(await manager.action(name), theirs), name
                with pytest.raises(PbxRefused) as refused:
                    await manager.action("CoreStatus")
                theirs = await asyncio.to_thread(answer, client, "CoreStatus")
                assert theirs.is_error()
                assert theirs.keys["Message"] == refused.value.said
                await happens(lambda: bool(heard))
                assert same(booted[0], heard[0])

    asyncio.run(story())
