"""Every way in which a telephone does not answer, as the dialplan of a real Asterisk tells the bridge."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from bridge.phone.pbx import Pbx
from tests.pbx.peer import Peer
from tests.pbx.sipphone import Phone, Script
from tests.pbx.stage import quiet_line, ring, telephones

pytestmark = pytest.mark.pbx

NAMES = {
    "rings out": ("1001", Script(), "NOANSWER", "0"),
    "dead contact": ("1002", None, "NOANSWER", "0"),
    "480": ("1003", Script(final=480), "NOANSWER", "19"),
    "486": ("1004", Script(final=486), "BUSY", "17"),
    "600": ("1005", Script(final=600), "BUSY", "17"),
    "603": ("1006", Script(final=603), "CHANUNAVAIL", "21"),
    "404": ("1007", Script(final=404), "CHANUNAVAIL", "1"),
    "488": ("1008", Script(final=488), "CHANUNAVAIL", "58"),
    "500": ("1009", Script(final=500), "CHANUNAVAIL", "38"),
    "503": ("1010", Script(final=503), "CONGESTION", "34"),
}
"""Extension, script (None: registered where nobody listens), DIALSTATUS, HANGUPCAUSE."""


def test_every_unanswered_outcome_is_offered_with_its_status_and_cause(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            await telephones(stack, pbx, {number: script for number, script, _, _ in NAMES.values()})
            calls = await ring(stack, pbx, [number for number, *_ in NAMES.values()] + ["1011", "6008"])
            offers = {name: await peer.until("offer", number) for name, (number, *_) in NAMES.items()}
            offers["not registered"] = await peer.until("offer", "1011")
            offers["no contacts"] = await peer.until("offer", "1031")
            for call in calls:
                await call.until("answered")
                await call.hang_up()
        told = {name: (offer["status"], offer["cause"]) for name, offer in offers.items()}
        wanted = {name: row[2:] for name, row in NAMES.items()} | {
            "not registered": ("CHANUNAVAIL", "3"),
            "no contacts": ("CHANUNAVAIL", "0"),
        }
        assert told == wanted
        assert len(peer.requests) == len(wanted), "one offer each, and nothing at the hang-up"
        assert len({offer["linkedid"] for offer in offers.values()}) == len(wanted)

    asyncio.run(story())


def test_an_offer_carries_what_the_bridge_needs_and_nothing_else(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            caller = await stack.enter_async_context(Phone(pbx.sip_port, "493012345"))
            german = await caller.call("1002", display="Grüße", codecs=("PCMA",))
            offer = await peer.until("offer", "1002")
            await german.until("answered")
            await german.hang_up()
        assert offer.arguments[:5] == ("v1", "1002", offer["status"], offer["cause"], "0")
        assert offer["linkedid"] == offer.lines["agi_uniqueid"]
        assert abs(int(offer["rang"]) - float(offer["linkedid"].split("-")[1])) < 3
        assert offer.arguments[7:] == ("alaw", "0", "1002", "unknown")
        assert offer.lines["agi_language"] == "de"
        assert offer.lines["agi_callerid"] == "493012345"
        assert offer.lines["agi_calleridname"] == "Grüße"

    asyncio.run(story())


def test_an_answered_call_leaves_no_trace(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            talks = {"1001": Script(final=200, talk_s=0.3), "1002": Script(final=200)}
            await telephones(stack, pbx, dict(talks))
            by_callee, by_caller = await ring(stack, pbx, list(talks))
            await by_callee.until("ended")
            await by_caller.until("answered")
            await by_caller.hang_up()
            await quiet_line(pbx)
        assert peer.requests == []
        assert by_callee.status == 200

    asyncio.run(story())


def test_a_caller_who_gives_up_is_told_once_as_gone(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            await telephones(stack, pbx, {"1001": Script()})
            ringing, early = await ring(stack, pbx, ["1001", "6003"])
            await ringing.until("ringing")
            await ringing.cancel()
            await early.until("answered")
            await early.hang_up()
            while_ringing = await peer.until("gone", "1001")
            before_dial = await peer.until("gone", "1027")
            await quiet_line(pbx)
        assert ringing.status == 487
        assert (while_ringing["status"], while_ringing["dialled"]) == ("CANCEL", "1001")
        assert (before_dial["status"], before_dial["dialled"]) == ("", "6003")
        assert len(peer.requests) == 2

    asyncio.run(story())


def test_leaving_during_the_sentence_or_the_note_adds_no_second_word(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            in_sentence, in_note, vanished = await ring(stack, pbx, ["1011", "1012", "1013"])
            await in_sentence.until("answered")
            await in_sentence.hang_up()
            await in_note.until("answered")
            await in_note.send([b"\xff" * 160] * 170)
            await in_note.hang_up()
            vanished.vanish()
            pbx.command("channel request hangup all")
            await quiet_line(pbx)
        assert sorted((r.path, r["mailbox"]) for r in peer.requests) == [
            ("offer", "1011"),
            ("offer", "1012"),
            ("offer", "1013"),
        ]
        assert len(peer.takes) == 2, "who left during the sentence never reached the recorder"

    asyncio.run(story())


def test_a_forward_to_another_extension_is_offered_there_with_its_origin(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            other = f"sip:1002@127.0.0.1:{pbx.sip_port}"
            forward = Script(final=302, contact=other, diversion="<sip:1001@127.0.0.1>;reason=no-answer")
            await telephones(stack, pbx, {"1001": forward, "1002": Script(final=486)})
            [call] = await ring(stack, pbx, ["1001"])
            offer = await peer.until("offer", "1002")
            await call.until("answered")
            await call.hang_up()
            await quiet_line(pbx)
        assert (offer["status"], offer["cause"]) == ("BUSY", "17")
        assert offer.lines["agi_rdnis"] == "1001"
        assert offer["redirecting"] == "cfnr"
        assert offer["dialled"] == "1001"
        assert len(peer.requests) == 1

    asyncio.run(story())


def test_giving_up_during_a_forward_is_told_once(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            other = f"sip:1002@127.0.0.1:{pbx.sip_port}"
            phones = await telephones(
                stack, pbx, {"1001": Script(final=302, contact=other), "1002": Script()}
            )
            [call] = await ring(stack, pbx, ["1001"])
            await phones["1002"].rung()
            await call.cancel()
            gone = await peer.until("gone", "1001")
            await quiet_line(pbx)
        assert gone["status"] == "CANCEL"
        assert len(peer.requests) == 1

    asyncio.run(story())


def test_a_forward_to_itself_ends_and_every_offer_is_of_the_same_call(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            itself = f"sip:1001@127.0.0.1:{pbx.sip_port}"
            await telephones(stack, pbx, {"1001": Script(ringing=None, final=302, contact=itself)})
            [call] = await ring(stack, pbx, ["1001"])
            await peer.until("offer", "1001")
            await call.until("answered")
            await call.hang_up()
            await quiet_line(pbx)
        assert len({request["linkedid"] for request in peer.requests}) == 1
        assert {request.path for request in peer.requests} == {"offer"}

    asyncio.run(story())


def test_do_not_disturb_rings_no_phone_and_is_told(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            phones = await telephones(stack, pbx, {"1001": Script(), "1002": Script(), "1028": Script()})
            pbx.command("database put dnd 1001 1")
            pbx.command("database put DND 1002 YES")
            calls = await ring(stack, pbx, ["1001", "1002", "6004"])
            offers = [await peer.until("offer", mailbox) for mailbox in ("1001", "1002", "1028")]
            for call in calls:
                await call.until("answered")
                await call.hang_up()
            pbx.command("database del dnd 1001")
            pbx.command("database put DND 1002 NO")
            [again] = await ring(stack, pbx, ["1002"])
            await again.until("ringing")
            await again.cancel()
            await quiet_line(pbx)
            pbx.command("database del DND 1002")
        assert [offer["dnd"] for offer in offers] == ["1", "1", "1"]
        assert [len(phone.calls) for phone in phones.values()] == [0, 1, 0]

    asyncio.run(story())


def test_a_note_for_another_line_is_told_that_lines_do_not_disturb(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            told = []
            for switch in ("database put dnd 1034 1", "database del dnd 1034", "database put dnd 1033 1"):
                pbx.command(switch)
                [call] = await ring(stack, pbx, ["6009"])
                await call.until("answered")
                await call.hang_up()
                told.append((peer.requests[-1]["mailbox"], peer.requests[-1]["dnd"]))
            await quiet_line(pbx)
            pbx.command("database del dnd 1033")
        assert told == [("1034", "1"), ("1034", "0"), ("1034", "0")]

    asyncio.run(story())


def test_a_ring_group_has_one_row_of_its_own(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            await telephones(stack, pbx, {"1021": Script(), "1022": Script(final=486)})
            [call] = await ring(stack, pbx, ["6000"])
            offer = await peer.until("offer", "6000")
            await call.until("answered")
            await call.hang_up()
            await quiet_line(pbx)
        assert offer["group"] == "1"
        assert len(peer.requests) == 1

    asyncio.run(story())


def test_a_call_answered_elsewhere_is_missed_by_nobody(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer())
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            answers = Script(final=200, after_s=0.4)
            scripts = {"1021": answers, "1022": Script(), "1023": answers, "1024": Script()}
            await telephones(stack, pbx, dict(scripts))
            for call in await ring(stack, pbx, ["6000", "6001"]):
                await call.until("answered")
                await call.hang_up()
            await quiet_line(pbx)
        assert peer.requests == []

    asyncio.run(story())


def test_a_hunt_belongs_to_the_line_that_takes_the_note(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            phones = await telephones(stack, pbx, {"1025": Script(), "1026": Script()})
            full, left = await ring(stack, pbx, ["6002", "6002"])
            await phones["1026"].rung(2)
            await left.cancel()
            await full.until("answered")
            await full.hang_up()
            await quiet_line(pbx)
        assert [(r.path, r["mailbox"], r["status"]) for r in peer.requests] == [
            ("gone", "1026", "CANCEL"),
            ("offer", "1026", "NOANSWER"),
        ]

    asyncio.run(story())


def test_night_service_without_a_dial_counts_as_rung_out(pbx: Pbx) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("decline"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            [call] = await ring(stack, pbx, ["6005"])
            offer = await peer.until("offer", "1029")
            await call.until("answered")
            await call.hang_up()
        assert offer["status"] == "NOANSWER"
        assert int(offer["rang"]) > 1_700_000_000

    asyncio.run(story())
