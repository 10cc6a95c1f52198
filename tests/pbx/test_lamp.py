"""Lamps of real telephones on a real Asterisk: right after every change, restart and late arrival."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.errors import PbxRefused
from bridge.keyholder.client import Client
from bridge.phone.pbx import AMI_USER, Extension, Pbx
from bridge.seal.keyfile import KeyFile
from tests.installation import Installation
from tests.pbx.lamps import LAMP_S, Bridge, bridged, counted, phones_of
from tests.pbx.sipphone import Phone
from tests.pbx.sound import babble, encode, frames
from tests.pbx.whole import note_from

pytestmark = pytest.mark.pbx

FIRST = 1201
CROWD = [str(number) for number in range(FIRST, FIRST + 100)]
SEVERAL = Extension("1900", voicemail=False)
"""A telephone that shows four mailboxes of others, one of them named as a dialplan's own extensions are."""

DARK = Extension("1901", voicemail=False)
"""One without any note."""

EXTRA_DIALPLAN = """[trunk](+)
exten => _91XXX,1,VoiceMail(${EXTEN:1}@default,s)
 same => n,Hangup()
exten => short-call,1,Answer()
 same => n,Hangup()
"""

EXTRA_PJSIP = """
[1900](+type=endpoint)
mailboxes=1201@aftertone,1202@aftertone,h@aftertone,10.3_1+a-b@aftertone
[1900](+type=aor)
mailboxes=1201@aftertone,1202@aftertone,h@aftertone,10.3_1+a-b@aftertone
"""


@pytest.fixture(scope="module")
def switchboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """An Asterisk of its own, which tests may kill."""
    own = Pbx(
        tmp_path_factory.mktemp("switchboard"),
        extensions=[*(Extension(number, voicemail=number <= "1210") for number in CROWD), SEVERAL, DARK],
        ring_s=1,
        extra=EXTRA_DIALPLAN,
        extra_pjsip=EXTRA_PJSIP,
    )
    with own:
        yield own


async def lit(phones: dict[str, Phone], counts: dict[str, tuple[int, int]]) -> None:
    await asyncio.gather(*(phones[number].lamp(*counts[number], LAMP_S) for number in counts))


def test_on_after_a_real_note_and_off_when_it_is_heard_through_the_api(
    switchboard: Pbx, tmp_path: Path
) -> None:
    ami = {
        "AMI": f"127.0.0.1:{switchboard.ami_port}",
        "AMI_USER": AMI_USER,
        "AMI_SECRET": switchboard.ami_secret,
    }
    with Installation(tmp_path, **ami) as house:
        house.add_reader("1250")
        switchboard.set_global("AFTERTONE_AGI", house.agi)

        async def story() -> None:
            async with AsyncExitStack() as stack:
                phones = await phones_of(stack, switchboard, ["1250"])
                await phones["1250"].lamp(0, 0, LAMP_S)
                await note_from(switchboard, "1250", 1, 2.0)
                await phones["1250"].lamp(1, 0, LAMP_S)
                await asyncio.to_thread(hear_all, house)
                await phones["1250"].lamp(0, 1, LAMP_S)
                phones["1250"].summaries.clear()
                # a count that cannot be told is seen, and right as soon as it can be
                await asyncio.to_thread(switchboard.command, "dialplan remove context aftertone-lamp")
                await asyncio.to_thread(hear_all, house, False)
                await until_failing(house, 1)
                assert phones["1250"].summaries == []
                await asyncio.to_thread(switchboard.command, "dialplan reload")
                await phones["1250"].lamp(1, 0, LAMP_S)
                await until_failing(house, 0)

        asyncio.run(story())
        assert "is tried again: the PBX says: Extension does not exist" in house.log()


class Member(Client):
    """The key holder's client, which can also mark rows."""

    def hear(self, row_id: str, heard: bool) -> None:
        self._ask("PUT", f"rows/{row_id}/heard", {"heard": heard})


def hear_all(house: Installation, heard: bool = True) -> None:
    member = Member(KeyFile.load(house.key_file))
    with member:
        for row in house.rows():
            member.hear(row["id"], heard)


async def until_failing(house: Installation, count: int) -> None:
    def told() -> int:
        with Client(KeyFile.load(house.key_file)) as member:
            return int(member.get("status")["outbox"]["failing"])

    async with asyncio.timeout(LAMP_S):
        while await asyncio.to_thread(told) != count:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.1)


def test_a_hundred_mailboxes_change_at_once_and_asterisk_dies_in_the_middle(
    switchboard: Pbx, tmp_path: Path
) -> None:
    dice = random.Random(3)

    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            phones = await phones_of(stack, switchboard, CROWD)
            rows = {number: await bridge.note(number) for number in CROWD}
            await lit(phones, dict.fromkeys(CROWD, (1, 0)))
            # all at once: every second one is heard, every third gets another note
            second = asyncio.gather(*(bridge.note(number) for number in CROWD[::3]))
            for number in CROWD[::2]:
                bridge.hear(rows[number])
            await second
            counts = {number: counted(bridge, number) for number in CROWD}
            assert set(counts.values()) == {(1, 0), (0, 1), (2, 0), (1, 1)}
            await lit(phones, counts)
            # now everything changes back and forth while Asterisk is killed and comes again
            changing = asyncio.create_task(change(bridge, rows, dice))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(switchboard.kill)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(switchboard.start)
            for phone in phones.values():
                phone.summaries.clear()
                await phone.register()
            await changing
            counts = {number: counted(bridge, number) for number in CROWD}
            await lit(phones, counts)
            await bridge.lamps.drain(LAMP_S)
            assert bridge.store.outbox.failing() == 0
            assert all(phones[number].shows(*counts[number]) for number in CROWD)

    asyncio.run(story())


async def change(bridge: Bridge, rows: dict[str, bytes], dice: random.Random) -> None:
    for _ in range(600):
        bridge.hear(rows[dice.choice(CROWD)], dice.random() < 0.5)
        await asyncio.sleep(0.002)


def test_a_telephone_that_comes_late_or_asks_is_told_by_asterisk(switchboard: Pbx, tmp_path: Path) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            await bridge.note("1260")
            await bridge.note("1260")
            await bridge.lamps.drain(LAMP_S)
            phones = await phones_of(stack, switchboard, ["1260"])
            await phones["1260"].lamp(2, 0, LAMP_S)
            subscriber = Phone(switchboard.sip_port, "1261", switchboard.extension("1261").password)
            await stack.enter_async_context(subscriber)
            await bridge.note("1261")
            await bridge.lamps.drain(LAMP_S)
            await subscriber.subscribe()
            await subscriber.lamp(1, 0, LAMP_S)
            await bridge.note("1261")
            await subscriber.lamp(2, 0, LAMP_S)

    asyncio.run(story())


def test_one_telephone_shows_several_mailboxes_and_the_classic_voicemail_beside_them(
    switchboard: Pbx, tmp_path: Path
) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            phones = await phones_of(stack, switchboard, ["1201", "1202", SEVERAL.number])
            first = await bridge.note("1201")
            await bridge.note("1202")
            await phones["1201"].lamp(1, 0, LAMP_S)
            await bridge.note("h")
            await bridge.note("10.3_1+a-b")
            await phones[SEVERAL.number].lamp(4, 0, LAMP_S)
            # the classic voicemail takes a message: 1201's own telephone adds it, the other does not know it
            await leave_voicemail(stack, switchboard, "1201")
            await phones["1201"].lamp(2, 0, LAMP_S)
            bridge.hear(first)
            await phones["1201"].lamp(1, 1, LAMP_S)
            await phones[SEVERAL.number].lamp(3, 1, LAMP_S)
            await bridge.note("1201")
            await phones["1201"].lamp(2, 1, LAMP_S)
            await phones[SEVERAL.number].lamp(4, 1, LAMP_S)

    asyncio.run(story())


async def leave_voicemail(stack: AsyncExitStack, pbx: Pbx, extension: str) -> None:
    caller = await stack.enter_async_context(Phone(pbx.sip_port, "493012345"))
    call = await caller.call(f"9{extension}")
    await call.until("answered")
    await call.send(frames(encode(babble(5, 3.0))))
    await call.hang_up()


def test_what_happened_while_the_bridge_was_away_is_right_after_its_start(
    switchboard: Pbx, tmp_path: Path
) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            phones = await phones_of(stack, switchboard, ["1270", "1271", "1272"])
            async with bridged(tmp_path / "data", switchboard) as bridge:
                rows = {number: await bridge.note(number) for number in ("1270", "1271")}
                await lit(phones, {"1270": (1, 0), "1271": (1, 0)})
            # a command beside the bridge that is not running, and a row that a killed bridge had claimed
            away = Bridge(tmp_path / "data", switchboard)
            away.hear(rows["1270"])
            assert away.store.outbox.claim(9e9, 100)
            away.store.close()
            async with bridged(tmp_path / "data", switchboard):
                await lit(phones, {"1270": (0, 1), "1271": (1, 0)})
            # the data folder is another one now: no mailbox keeps counts that its store does not know
            empty = Bridge(tmp_path / "empty", switchboard)
            for number in ("1270", "1271", "1272"):
                empty.store.mailboxes.add(number)
            empty.store.close()
            async with bridged(tmp_path / "empty", switchboard):
                await lit(phones, {"1270": (0, 0), "1271": (0, 0)})

    asyncio.run(story())


def test_a_note_heard_while_asterisk_hangs_leaves_no_lamp_on(switchboard: Pbx, tmp_path: Path) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            phones = await phones_of(stack, switchboard, ["1280"])
            row = await bridge.note("1280")
            await phones["1280"].lamp(1, 0, LAMP_S)
            os.kill(switchboard.pid, signal.SIGSTOP)
            try:
                await bridge.note("1280")
                bridge.hear(row)
                async with asyncio.timeout(LAMP_S):
                    while not bridge.store.outbox.failing():  # noqa: ASYNC110  a deadline of the connection
                        await asyncio.sleep(0.1)
                bridge.hear(row, False)
                bridge.hear(row)
            finally:
                os.kill(switchboard.pid, signal.SIGCONT)
            await phones["1280"].lamp(1, 1, LAMP_S)

    asyncio.run(story())


def test_without_counts_nothing_is_set_and_the_bridge_learns_of_it(switchboard: Pbx, tmp_path: Path) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            phones = await phones_of(stack, switchboard, [DARK.number])
            await phones[DARK.number].lamp(0, 0, LAMP_S)
            phones[DARK.number].summaries.clear()
            for variables in (
                ["AFTERTONE_LAMP_MAILBOX=1901"],
                ["AFTERTONE_LAMP_MAILBOX=1901", "AFTERTONE_LAMP_NEW=-", "AFTERTONE_LAMP_OLD=0"],
                ["AFTERTONE_LAMP_NEW=1", "AFTERTONE_LAMP_OLD=0"],
            ):
                fields = [("Channel", "Local/show@aftertone-lamp/n"), ("Context", "aftertone-lamp"),
                          ("Exten", "shown"), ("Priority", "1")]  # fmt: skip
                with pytest.raises(PbxRefused):
                    await bridge.manager.action("Originate", [*fields, *(("Variable", v) for v in variables)])
            assert phones[DARK.number].summaries == []

    asyncio.run(story())


def test_lamps_leave_nothing_in_the_call_records(switchboard: Pbx, tmp_path: Path) -> None:
    records = switchboard.folder / "log" / "cdr-csv" / "Master.csv"
    records.parent.mkdir()
    (switchboard.folder / "etc" / "cdr.conf").write_text("[general]\nunanswered=yes\n[csv]\nusegmtime=yes\n")
    for command in ("module load cdr_csv.so", "module reload cdr"):
        switchboard.command(command)

    async def story() -> None:
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(bridged(tmp_path / "data", switchboard))
            phones = await phones_of(stack, switchboard, [DARK.number])
            await bridge.note(DARK.number)
            await phones[DARK.number].lamp(1, 0, LAMP_S)
            # a call of the same kind that is none of ours, so that there is a record to wait for
            call = [("Channel", "Local/short-call@trunk/n"), ("Application", "NoOp")]
            await bridge.manager.action("Originate", call)
            async with asyncio.timeout(LAMP_S):
                while not records.exists() or "short-call" not in records.read_text():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    try:
        asyncio.run(story())
        assert "aftertone-lamp" not in records.read_text()
    finally:
        switchboard.command("module unload cdr_csv.so")
