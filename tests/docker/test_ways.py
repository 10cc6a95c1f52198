"""The two ways to start by compose, beside an Asterisk or with one: calls go in, notes come out."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.phone.pbx import Pbx
from tests.docker.compose import Compose
from tests.docker.engine import HOUSE, Engine
from tests.docker.filter import write_profile
from tests.pbx.sipphone import Phone
from tests.pbx.sound import FRAME
from tests.pbx.whole import Said, compare, note_from, speak

pytestmark = pytest.mark.container

DEMO_CALLER = "1009"
CALLS_S = 400.0
"""Some tries of the demo's caller, who gives up after 40 s; he usually needs one of 15 s."""

WRITABLE_CODE = """
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError as refused:
    print(refused.errno)
"""
"""What MemoryDenyWriteExecute= refuses, with EPERM."""


async def leave_note(sip_port: int, extension: str, number: str, seed: int, *, hang_up: bool = True) -> Said:
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(Phone(sip_port, number))
        call = await phone.call(extension)
        return await speak(call, seed, 2.0, hang_up=hang_up)


def test_a_call_into_the_demo_is_a_note_that_outlives_the_container(engine: Engine, tmp_path: Path) -> None:
    with Compose(engine, "demo", tmp_path) as demo:
        bridge = demo.container("bridge")
        demo.add_reader("1001", "1002")
        until_caller_left_note(demo)
        assert demo.row_of(DEMO_CALLER)["mailbox"] == "1001"

        said = asyncio.run(leave_note(demo.sip_port, "1002", "4930501", 501))
        row = demo.row_of("4930501")
        assert (row["mailbox"], row["reason"]) == ("1002", "unreachable")
        [note] = row["notes"]
        first = demo.open(note["id"])
        compare(first, said)

        async def killed_while_speaking() -> Said:
            async with AsyncExitStack() as stack:
                phone = await stack.enter_async_context(Phone(demo.sip_port, "4930502"))
                call = await phone.call("1002")
                cut = await speak(call, 502, 3.0, hang_up=False)
                await asyncio.to_thread(engine.run, "kill", "--signal", "KILL", bridge)
                return cut

        cut = asyncio.run(killed_while_speaking())
        engine.run("start", bridge)
        engine.until_healthy(bridge)
        assert demo.open(note["id"]) == first, "what was kept before the kill"
        [half] = demo.row_of("4930502")["notes"]
        kept = demo.open(half["id"]).replace(b"\x7f", b"\xff")
        assert len(kept) > 40 * FRAME
        assert kept in cut.sent.replace(b"\x7f", b"\xff"), "what was said until the kill"


def until_caller_left_note(demo: Compose) -> None:
    """Wait for the demo's own caller; pyVoIP may miss the tone on a busy machine, so it may call again."""
    engine, pbx = demo.engine, demo.container("pbx")
    end = time.monotonic() + CALLS_S
    while "Caller: hung up" not in (told := engine.run("logs", pbx)):
        assert time.monotonic() < end, told
        if told.rstrip().endswith("for another call."):
            engine.run("restart", "--time", "20", pbx)
        time.sleep(0.2)


def test_compose_asks_for_what_the_documentation_promises(engine: Engine, tmp_path: Path) -> None:
    with Compose(engine, "beside", tmp_path) as beside:
        known = engine.inspect(beside.container("bridge"))
        host = known["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert known["EffectiveCaps"] in ([], None)
        assert host["Memory"] == host["MemorySwap"] == 512 << 20
        assert host["PidsLimit"] == 256
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert "no-new-privileges" in str(host["SecurityOpt"])
        assert engine.run("ps", "--format", "{{.Names}}").split() == [beside.container("bridge")]


def test_a_call_of_a_pbx_that_exists_is_a_note_under_the_units_system_call_filter(
    engine: Engine, pbx: Pbx, tmp_path: Path
) -> None:
    profile = tmp_path / "unit.json"
    write_profile(HOUSE / "docker" / "aftertone.service", profile)
    with Compose(engine, "beside", tmp_path, f"--security-opt=seccomp={profile}") as beside:
        beside.add_reader("1003")
        pbx.set_global("AFTERTONE_AGI", beside.agi)
        said = asyncio.run(note_from(pbx, "1003", 503, 2.0, number="4930503"))
        [note] = beside.row_of("4930503")["notes"]
        compare(beside.open(note["id"]), said)
        tried = engine.run("exec", beside.container("bridge"), "python", "-c", WRITABLE_CODE)
        assert tried.strip() == "1", "the filter was there all the time"
