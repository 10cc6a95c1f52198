"""The two ports that face the PBX: what the dialplan is told, and what becomes of everybody else."""

import asyncio
import logging
import resource
import socket
import uuid
from datetime import UTC, datetime

import pytest

from bridge.call import policy
from bridge.call.model import Audio, Call, Hangup, Leg
from bridge.config import Address
from bridge.connect import agi
from bridge.connect.offer import call_of
from bridge.connect.offers import Offers
from bridge.wire.agi import Request
from tests.connect.pbx import OpenDesk, all_of, frame, running, speaks
from tests.loop import in_loop


@in_loop
async def test_an_accepted_offer_names_the_place_for_its_sound() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        answer = await pbx.offer()
        assert answer["AFTERTONE_ANSWER"] == "record"
        assert answer["AFTERTONE_AT"] == f"127.0.0.1:{pbx.connector.audiosocket_port}"
        uuid.UUID(answer["AFTERTONE_MEDIA"])
        assert [call.mailbox for call in desk.calls] == ["1001"]


@in_loop
async def test_a_bridge_that_listens_everywhere_names_the_address_it_was_reached_at() -> None:
    async with running(OpenDesk(), audiosocket=Address("0.0.0.0", 0)) as pbx:
        answer = await pbx.offer()
        assert answer["AFTERTONE_AT"] == f"127.0.0.1:{pbx.connector.audiosocket_port}"


@in_loop
async def test_an_admins_question_is_answered_and_is_nobodys_call() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        told = await pbx.agi("check")
        assert told["AFTERTONE_ANSWER"] == "check"
        assert told["AFTERTONE_AT"] == f"127.0.0.1:{pbx.connector.audiosocket_port}"
        assert await (await pbx.bring(told["AFTERTONE_MEDIA"])).gone() == []
        assert desk.calls == []
        await speaks(desk, pbx)


@in_loop
async def test_a_declined_offer_is_told_so() -> None:
    desk = OpenDesk()
    desk.record = False
    async with running(desk) as pbx:
        assert await pbx.offer() == {"AFTERTONE_ANSWER": "decline"}


@in_loop
async def test_a_caller_who_gave_up_is_told_of_and_the_pbx_knows_that_we_know() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        args = ("v1", "1001", "CANCEL", "127", "0", "1.1", "", "ulaw", "0", "1001", "")
        assert await pbx.agi("gone", *args, callerid="030") == {"AFTERTONE_TOLD": "yes"}
        assert [(call.mailbox, call.reason) for call in desk.gone] == [("1001", "cancelled")]


@in_loop
async def test_the_outcome_waits_for_a_session_that_is_finishing() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        caller, media = await pbx.call()
        await desk.legs.get()
        caller.hang_up()
        asked = asyncio.create_task(pbx.result(media))
        await asyncio.sleep(0.3)
        assert not asked.done()
        desk.ended.set()
        assert await asked == "yes"


@in_loop
async def test_the_outcome_of_a_session_that_hangs_or_never_was_is_no() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        _, media = await pbx.call()
        assert await pbx.result(media) == "no"
        assert await pbx.result(str(uuid.uuid4())) == "no"
        assert await pbx.result((await pbx.offer())["AFTERTONE_MEDIA"]) == "no"


@in_loop
async def test_a_session_that_breaks_sends_its_caller_to_the_fallback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(OpenDesk):
        async def answer(self, leg: Leg) -> bool:
            raise RuntimeError("boom")

    async with running(Broken()) as pbx:
        caller, media = await pbx.call()
        assert (await caller.gone())[-1] == 0
        assert await pbx.result(media) == "no"
    assert "its caller goes to the fallback" in caplog.text


@in_loop
async def test_a_desk_that_breaks_declines_by_silence(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(OpenDesk):
        async def offered(self, call: Call) -> bool:
            raise RuntimeError("boom")

    async with running(Broken()) as pbx:
        assert await pbx.offer() == {}
    assert "its caller goes to the fallback" in caplog.text


@in_loop
async def test_an_id_works_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        first, media = await pbx.call()
        leg = await desk.legs.get()
        thief = await pbx.bring(media)
        assert await thief.gone() == []
        assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
            "connection closed: an unknown, used or expired id"
        ]
        first.say(frame(7))
        first.hang_up()
        assert await all_of(leg) == [Audio(frame(7)), Hangup()]


def test_an_id_is_good_for_ten_seconds() -> None:
    async def story() -> None:
        now = 100.0
        offers = Offers(lambda: now)
        args = ("v1", "1001", "BUSY", "17", "0", "1.1", "", "ulaw", "0", "1001", "")
        call = call_of(Request("offer", args), "::1", datetime.now(UTC))
        early, late = offers.expect(call), offers.expect(call)
        now += policy.OFFER_VALID_S
        assert offers.claim(early.bytes) is call
        now += 0.001
        assert offers.claim(late.bytes) is None

    asyncio.run(story())


@in_loop
async def test_of_very_many_offers_the_one_that_still_speaks_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.connect.offers.KEPT_OUTCOMES", 3)
    offers = Offers(lambda: 100.0)
    args = ("v1", "1001", "BUSY", "17", "0", "1.1", "", "ulaw", "0", "1001", "")
    call = call_of(Request("offer", args), "::1", datetime.now(UTC))
    speaks, silent = offers.expect(call), offers.expect(call)
    assert offers.claim(speaks.bytes) is call
    for _ in range(5):
        offers.expect(call)
    assert offers.claim(silent.bytes) is None, "the table stays as small as it is"
    offers.settle(speaks.bytes, kept=True)
    assert await offers.outcome(speaks.bytes)


@in_loop
async def test_sound_faster_than_speech_ends_only_its_own_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.connect.leg.AHEAD_S", 2.0)
    desk = OpenDesk()
    async with running(desk) as pbx:
        flood, _ = await pbx.call("flood")
        leg = await desk.legs.get()
        flood.say(*[frame(1)] * 2000)
        events = await all_of(leg)
        assert events[-1] == Hangup()
        assert len(events) < 100
        await speaks(desk, pbx)
    assert "sound faster than anybody can speak" in caplog.text


@in_loop
async def test_a_leg_that_turns_to_rubbish_keeps_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        caller, _ = await pbx.call()
        leg = await desk.legs.get()
        caller.say(frame(1))
        caller.writer.write(b"\x99\x00\x00")
        caller.say(frame(2))
        assert await all_of(leg) == [Audio(frame(1)), Hangup()]
    assert "an unknown kind of message" in caplog.text


@in_loop
async def test_a_pbx_that_does_not_let_go_is_let_go() -> None:
    desk = OpenDesk()
    async with running(desk) as pbx:
        caller, _ = await pbx.call()
        leg = await desk.legs.get()
        await leg.hang_up(True)
        assert await caller.hear() == (0, b"")
        async with asyncio.timeout(5):
            assert await caller.reader.read() == b""


@in_loop
async def test_a_bridge_out_of_files_rests_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.connect.audiosocket.PAUSE_S", 0.3)
    desk = OpenDesk()
    async with running(desk) as pbx:
        media = (await pbx.offer())["AFTERTONE_MEDIA"]
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        sock = socket.create_connection(("127.0.0.1", pbx.connector.audiosocket_port))
        resource.setrlimit(resource.RLIMIT_NOFILE, (sock.fileno() + 1, most))
        try:
            await asyncio.sleep(0.1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        sock.close()
        caller = await pbx.bring(media)
        leg = await desk.legs.get()
        caller.say(frame(1))
        caller.hang_up()
        assert await all_of(leg) == [Audio(frame(1)), Hangup()]
    assert caplog.text.count("connections cannot be taken") == 1


@in_loop
async def test_more_requests_than_a_pbx_makes_are_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(agi, "ANSWERING", 2)
    desk = OpenDesk()
    async with running(desk) as pbx:
        medias = [(await pbx.call(f"{number}.1"))[1] for number in range(2)]
        asked = [asyncio.create_task(pbx.result(media)) for media in medias]
        await asyncio.sleep(0.2)
        with pytest.raises((ConnectionResetError, KeyError)):
            await pbx.result(medias[0])
        desk.ended.set()
        assert await asyncio.gather(*asked) == ["yes", "yes"]
    assert "too many requests at once" in caplog.text
