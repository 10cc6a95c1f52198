"""Hostile names and numbers in real SIP INVITEs: one row each, the text as text, and nothing else changed."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge.phone.pbx import Pbx
from tests.hostile.scene import BOXES, house_at, row_of, talker
from tests.installation import Installation
from tests.pbx.sipphone import Phone
from tests.pbx.stage import quiet_line

pytestmark = [pytest.mark.pbx, pytest.mark.hostile]

NAMES = {
    "quotes": "Robert'); DROP TABLE call;--",
    "double quotes": 'a" OR ""="',
    "backslashes": "C:\\new\\table\\",
    "markup": "<svg/onload=alert(1)>&amp;{{7*7}}${7*7}",
    "a formula": "=cmd|' /C calc'!A0",
    "a dialplan's function": "${SHELL(touch /tmp/aftertone-was-here)}${CHANNEL(hangup)}",
    "a dialplan's expression": "$[1+1],1,Hangup()",
    "an event's line": "X, Callee: 1009,Reason: ANSWER",
    "an argument's end": "a,v1,1001,ANSWER|b;c&d",
    "another header": "x%0d%0aagi_network_script: gone%0d%0a",
    "escapes": "\\r\\nagi_arg_2: 1009\\n",
    "a path": "../../../../etc/passwd",
    "emoji": "\U0001f4de\U0001f469\u200d\U0001f469\u200d\U0001f467 Zo\u00eb",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "turned around": "gpj.\u202eexe.\u2066x",
    "combining": "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033da\u0334\u0319\u0324\u031e\u0349",
    "controls": "bell\x07escape\x1b[2J",
    "long": "N" * 3000,
    "spaces": "   padded   ",
    "format": "%s%n%(password)s{0.__class__}",
}

HEADERS: dict[str, dict[str, Any]] = {
    "bytes that are no UTF-8": {"from_header": '"caf\udce9 \udcff\udcfe" <sip:@@127.0.0.1>'},
    "a folded line": {"from_header": '"one"\r\n\t<sip:@@127.0.0.1>'},
    "an asserted identity": {"headers": [("P-Asserted-Identity", '"x, Callee: 1009" <sip:@@127.0.0.1>')]},
    "a forwarder's words": {
        "headers": [("Diversion", '"${SHELL(id)}" <sip:$[1+1]@127.0.0.1>;reason="x,v1,1009,ANSWER"')]
    },
    "a forwarder's line breaks": {
        "headers": [("Diversion", "<sip:55%0aagi_arg_2%3a1110%0a%0a@127.0.0.1>;reason=no-answer")]
    },
    "a client's name": {"headers": [("User-Agent", "${SHELL(id)},v1,1009<svg/onload=alert(1)>")]},
    "a subject": {"headers": [("Subject", "'); DROP TABLE call;--"), ("X-agi_arg_2", "1009")]},
}
"""Places of an INVITE other than the name; @@ stands for the caller's number."""

FORGED = [
    "",
    "agi_arg_1:v1",
    "agi_arg_2:1110",
    "agi_arg_3:",
    "agi_arg_4:",
    "agi_arg_5:",
    "agi_arg_6:x",
    "",
    "",
]
"""The arguments of another offer and the end of the request, in the 79 bytes that a number may have."""

NUMBERS = (
    "../../passwd",
    "${SHELL(id)}",
    "1'--",
    '"><svg>',
    "=1+1",
    "+49\r\n30",
    "x\n\n",
    "x\nagi_arg_2: 1110",
    "\n".join(FORGED),
    "4" * 250,
)
"""The user part of a SIP address may hold any byte, coded as %XX; AGI writes it into a line of its own."""


def number_of(index: int) -> str:
    return f"4977{index:04}"


async def call_with(pbx: Pbx, callers: Sequence[dict[str, Any]]) -> None:
    """Call once with each, and hang up when somebody answers."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(Phone(pbx.sip_port, "outside"))
        for index, who in enumerate(callers):
            box = BOXES[index % len(BOXES)]
            call = await phone.call(f"80{box}", **({"from_user": number_of(index)} | who))
            await call.until("answered")
            await call.hang_up()
        await quiet_line(pbx)


def cleaned(name: str) -> str:
    """Return the name as a row may hold it: control characters stay at the PBX, and what turns text around
    is U+FFFD."""
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return "".join("\ufffd" if c in turning else c for c in name.strip() if ord(c) >= 32)


def is_row_of(row: dict[str, Any], index: int) -> bool:
    """Say whether a row is as ordinary as any, whatever its texts are."""
    seen = (row["mailbox"], row["reason"], "problem" in row)
    return seen == (BOXES[index % len(BOXES)], "no_answer", False)


@pytest.fixture
def house(pbx: Pbx, tmp_path: Path) -> Iterator[Installation]:
    with house_at(pbx, 0, tmp_path) as house:
        yield house
        bait = re.findall(
            r"aftertone-was-here|DROP TABLE|SHELL|svg[/>&]|Callee|4977\d{4}|passwd|\U0001f4de",
            house.log(),
        )
        assert bait == [], "nothing of a caller is in the log"
        assert not Path("/tmp/aftertone-was-here").exists()


def test_a_name_is_a_text_and_nothing_else(pbx: Pbx, house: Installation) -> None:
    asyncio.run(call_with(pbx, [{"display": name} for name in NAMES.values()]))
    rows = house.finished_rows()
    assert len(rows) == len(NAMES)
    for index, (what, name) in enumerate(NAMES.items()):
        row = row_of(rows, number_of(index))
        assert is_row_of(row, index), what
        assert row["forwarded_from"] is None
        shown = str(row["from_name"])
        # PJSIP cuts long names.
        cut = len(name) > 256 and 64 <= len(shown) <= 256 and name.startswith(shown)
        assert cut or shown == cleaned(name), what


def test_other_words_of_an_invite_are_texts_too(pbx: Pbx, house: Installation) -> None:
    def filled(value: Any, number: str) -> Any:
        if isinstance(value, str):
            return value.replace("@@", number + "@", 1)
        return [(name, text.replace("@@", number + "@", 1)) for name, text in value]

    callers = [
        {key: filled(value, number_of(index)) for key, value in who.items()}
        for index, who in enumerate(HEADERS.values())
    ]
    asyncio.run(call_with(pbx, callers))
    rows = house.finished_rows()
    assert len(rows) == len(HEADERS)
    for index, what in enumerate(HEADERS):
        assert is_row_of(row_of(rows, number_of(index)), index), what
    assert "\ufffd" in str(row_of(rows, number_of(0))["from_name"])


def test_a_number_is_a_text_and_nothing_else(pbx: Pbx, house: Installation) -> None:
    asyncio.run(call_with(pbx, [{"from_user": quote(number, safe="")} for number in NUMBERS]))
    rows = {row["mailbox"]: row for row in house.finished_rows()}
    assert sorted(rows) == BOXES, "each call is in the mailbox that was called"
    assert len(house.finished_rows()) == len(NUMBERS) == len(BOXES)
    for index, (box, number) in enumerate(zip(BOXES, NUMBERS, strict=True)):
        row, plain = rows[box], cleaned(number)
        assert is_row_of(row, index), number
        told = str(row["from_number"] or "")
        assert told == plain or (len(plain) > 60 and plain.startswith(told)), number


def test_a_name_of_sixty_kilobytes_disturbs_nobody(pbx: Pbx, house: Installation) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(Phone(pbx.sip_port, "outside"))
            await phone.call("801101", display="M" * 60_000)
            one = await talker(stack, pbx, "801101")
            await one.hang_up()

    asyncio.run(story())
    assert len(house.rows()) <= 2
