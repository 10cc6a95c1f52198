"""A lamp is told to the PBX in the way that this PBX has, and never with counts that cannot be."""

import asyncio
from collections.abc import Sequence

import pytest

from bridge.control.lamp import Lamp
from bridge.errors import PbxAway, PbxRefused
from bridge.wire.ami import Fields, Message, Parser, action

DEBIAN = """Response: Success\r
DBGet: Get DB Entry.  (Priv: system,reporting,all)\r
Originate: Originate a call.  (Priv: originate,all)\r
\r
"""
WITH_EXTERNAL_MWI = """Response: Success\r
MWIDelete: Delete selected mailboxes.  (Priv: call,all)\r
MWIGet: Get selected mailboxes with message counts.  (Priv: call,reporting,all)\r
MWIUpdate: Update the mailbox message counts.  (Priv: call,all)\r
Originate: Originate a call.  (Priv: originate,all)\r
\r
"""
"""What ListCommands says: Debian's build, and one with res_mwi_external_ami to a user who may ``call``."""


class Pbx:
    """Answers as the transcript of its ListCommands says; refuses what it lacks, as Asterisk words it."""

    def __init__(self, commands: str) -> None:
        [self.commands] = Parser(greeted=False).feed(commands.encode())
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.failures: list[Exception] = []

    async def action(self, name: str, fields: Fields = (), *, deadline_s: float = 5.0) -> Message:
        pairs = list(fields)
        assert action(name, pairs).endswith(b"\r\n\r\n")
        self.asked.append((name, {key: [v for k, v in pairs if k == key] for key, _ in pairs}))
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        if name == "ListCommands":
            return self.commands
        if not self.commands.get(name):
            raise PbxRefused(f"Invalid/unknown command: {name}.")
        return Message((("Response", "Success"),))

    def names(self) -> Sequence[str]:
        return [name for name, _ in self.asked]


def test_debians_asterisk_is_told_through_the_dialplan() -> None:
    pbx = Pbx(DEBIAN)
    asyncio.run(Lamp(pbx).show("10.3_1+a-b", 3, 1))
    [_, (name, fields)] = pbx.asked
    assert name == "Originate"
    assert fields["Channel"] == ["Local/show@aftertone-lamp/n"]
    assert fields["Variable"] == [
        "AFTERTONE_LAMP_MAILBOX=10.3_1+a-b",
        "AFTERTONE_LAMP_NEW=3",
        "AFTERTONE_LAMP_OLD=1",
    ]
    assert "Async" not in fields, "its answer is to say whether the lamp was set"


def test_a_build_that_takes_counts_directly_is_told_directly() -> None:
    pbx = Pbx(WITH_EXTERNAL_MWI)
    asyncio.run(Lamp(pbx).show("1001", 0, 4))
    assert pbx.asked[1:] == [
        ("MWIUpdate", {"Mailbox": ["1001@aftertone"], "NewMessages": ["0"], "OldMessages": ["4"]})
    ]


def test_a_pbx_is_asked_once_what_it_can_and_anew_after_a_start() -> None:
    pbx = Pbx(DEBIAN)

    async def story() -> None:
        lamp = Lamp(pbx)
        await asyncio.gather(*(lamp.show(str(1001 + number), 1, 0) for number in range(20)))
        assert pbx.names().count("ListCommands") == 1
        [pbx.commands] = Parser(greeted=False).feed(WITH_EXTERNAL_MWI.encode())
        lamp.forget()
        await lamp.show("1001", 1, 0)

    asyncio.run(story())
    assert pbx.names()[-2:] == ["ListCommands", "MWIUpdate"]


def test_a_pbx_that_is_away_is_asked_again_next_time() -> None:
    pbx = Pbx(DEBIAN)
    pbx.failures = [PbxAway("no connection"), PbxRefused("Permission denied")]
    lamp = Lamp(pbx)
    for error in (PbxAway, PbxRefused):
        with pytest.raises(error):
            asyncio.run(lamp.show("1001", 1, 0))
    asyncio.run(lamp.show("1001", 1, 0))
    assert pbx.names() == ["ListCommands", "ListCommands", "ListCommands", "Originate"]


@pytest.mark.parametrize(
    ("extension", "new", "old"),
    [
        ("1001", -1, 0),
        ("1001", 0, -1),
        ("", 1, 0),
        ("1001\r\nAction: Command", 1, 0),
        ("1001,AFTERTONE_LAMP_NEW=99", 1, 0),
        ("${SHELL(id)}", 1, 0),
        ("1001@default", 1, 0),
        ("1" * 41, 1, 0),
    ],
)
def test_counts_and_mailboxes_that_cannot_be_never_leave_the_house(
    extension: str, new: int, old: int
) -> None:
    pbx = Pbx(DEBIAN)
    with pytest.raises(ValueError, match="no counts"):
        asyncio.run(Lamp(pbx).show(extension, new, old))
    assert pbx.asked == []
