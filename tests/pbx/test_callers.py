"""Callers who hide and callers who attack: what the bridge is told of them, and what they cannot do."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.phone.pbx import Pbx
from tests.pbx.peer import Peer, Request
from tests.pbx.sipphone import Phone
from tests.pbx.stage import quiet_line

pytestmark = pytest.mark.pbx

PROHIBITED = range(32, 36)
"""AGI numbers of a presentation that hides the caller (Q.931 octet 3a as Asterisk prints it)."""


async def offers_of(pbx: Pbx, calls: Sequence[dict[str, Any]]) -> tuple[list[Request], Peer]:
    """Let outside callers reach unregistered telephones, one each, and return what was offered."""
    async with AsyncExitStack() as stack:
        peer = await stack.enter_async_context(Peer("decline"))
        pbx.set_global("AFTERTONE_AGI", peer.agi)
        caller = await stack.enter_async_context(Phone(pbx.sip_port, "493012345"))
        extensions = [str(1011 + n) for n in range(len(calls))]
        legs = [await caller.call(ext, **given) for ext, given in zip(extensions, calls, strict=True)]
        offers = [await peer.until("offer", ext) for ext in extensions]
        for leg in legs:
            await leg.until("answered")
            await leg.hang_up()
        await quiet_line(pbx)
    return offers, peer


def test_a_caller_who_hides_keeps_his_presentation_in_the_header(pbx: Pbx) -> None:
    nobody = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    known = ("P-Asserted-Identity", '"Ada" <sip:4977@127.0.0.1>')
    shown, hidden, unnamed = asyncio.run(
        offers_of(
            pbx,
            [
                {"display": "Ada", "from_user": "4977"},
                {"from_header": nobody, "headers": [("Privacy", "id"), known]},
                {"from_header": nobody},
            ],
        )
    )[0]
    assert (shown.lines["agi_callerid"], int(shown.lines["agi_callingpres"])) == ("4977", 0)
    assert hidden.lines["agi_callerid"] == "4977"
    assert int(hidden.lines["agi_callingpres"]) in PROHIBITED
    assert unnamed.lines["agi_callerid"] == "anonymous"
    for offer in (shown, hidden, unnamed):
        assert not any("4977" in argument or "Ada" in argument for argument in offer.arguments)


HOSTILE = [
    "X, Mailbox: 1009,Reason: ANSWER",
    "1001,ANSWER,16,1",
    "${SHELL(id)}${CALLERID(num)}$[1+1]",
    '"];Set(AFTERTONE_ANSWER=record)',
    "'; DROP TABLE calls; --",
    "<svg/onload=alert(1)>",
    "\u202egnp.exe \U0001f4a9 \u0000".replace("\u0000", ""),
    ")" * 40 + "(" * 40 + "|&",
    "x" * 900,
]


def test_a_hostile_display_name_changes_nothing_but_its_own_line(pbx: Pbx) -> None:
    offers, peer = asyncio.run(offers_of(pbx, [{"display": name} for name in HOSTILE]))
    for number, (name, offer) in enumerate(zip(HOSTILE, offers, strict=True)):
        expected = ("v1", str(1011 + number), "CHANUNAVAIL", "3", "0")
        assert offer.arguments[:5] == expected, name
        assert len(offer.arguments) == 11
        assert offer["dialled"] == str(1011 + number)
        assert "agi_calleridname" in offer.lines
    assert offers[2].lines["agi_calleridname"] == HOSTILE[2], "shown as written, never evaluated"
    assert len(peer.requests) == len(HOSTILE)


def test_a_hostile_number_or_forwarder_stays_in_its_own_line(pbx: Pbx) -> None:
    offers, _ = asyncio.run(
        offers_of(
            pbx,
            [
                {"from_header": "<sip:49,1001,ANSWER@127.0.0.1>"},
                {"headers": [("Diversion", '<sip:49,99@x>;reason="x,1,record"')]},
                {"headers": [("Diversion", f'<sip:{"9" * 300}@x>;reason="{"y" * 300}"')]},
            ],
        )
    )
    for number, offer in enumerate(offers):
        assert offer.arguments[:5] == ("v1", str(1011 + number), "CHANUNAVAIL", "3", "0")
        assert len(offer.arguments) == 11
        assert len(offer["redirecting"]) <= 20
        assert "," not in offer["redirecting"]


def test_a_mailbox_name_loses_what_a_mailbox_name_may_not_hold(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            caller = await stack.enter_async_context(Phone(pbx.sip_port, "493012345"))
            call = await caller.call("6007")
            offer = await peer.until("offer", "10.3_1+a-b..x")
            await call.until("answered")
            await call.hang_up()
        assert offer["mailbox"] == "10.3_1+a-b..x"

    asyncio.run(story())
