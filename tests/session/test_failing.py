"""Callers of a bridge that is full, stops, or whose disk fails: real sockets, real sealing, a real store."""

import asyncio
import threading
from pathlib import Path

import pytest

from bridge import conversation
from bridge.errors import StoreError
from bridge.media.prompt import CLOSING
from bridge.store import mailboxes
from bridge.store.blobs import BlobWriter
from tests.loop import in_loop
from tests.session.answering import answering, begin, heard_as, say, speech
from tests.store.house import until


@in_loop
async def test_a_short_note_that_found_no_room_is_not_called_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        await until(lambda: bool(service.row().notes))
        caller.say(*speech(0.3, seed=17))

        def full(self: BlobWriter, data: bytes) -> None:
            raise StoreError("note: No space left on device")

        monkeypatch.setattr(BlobWriter, "append", full)
        caller.press("#")
        await caller.hear_tone()
        assert await service.pbx.result(media) == "no"


@in_loop
async def test_beyond_max_calls_the_missed_call_is_filed_and_the_caller_declined(tmp_path: Path) -> None:
    async with answering(tmp_path, max_calls=2) as service:
        caller, _ = await begin(service, "1.1")
        assert (await service.pbx.offer(linkedid="2.2"))["AFTERTONE_ANSWER"] == "record"
        # One speaks, one was promised a place: there is none for a third.
        assert await service.pbx.offer(linkedid="3.3") == {"AFTERTONE_ANSWER": "decline"}
        assert service.sessions.may_record() == (False, "as many callers as allowed are recording")
        assert len(service.rows()) == 3
        caller.hang_up()
        await service.settled(1)
        assert (await service.pbx.offer(linkedid="4.4"))["AFTERTONE_ANSWER"] == "record"


@in_loop
async def test_on_a_full_disk_calls_are_filed_and_nobody_records(tmp_path: Path) -> None:
    async with answering(tmp_path, min_free=1 << 60) as service:
        assert await service.pbx.offer() == {"AFTERTONE_ANSWER": "decline"}
        assert service.sessions.may_record() == (False, "the disk is almost full")
        assert service.row().reason == "no_answer"


@in_loop
async def test_a_pattern_that_is_too_wide_makes_no_mailbox_too_many_and_fills_no_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scanner dials everything: who has no mailbox is declined in words, not left to the PBX to keep."""
    async with answering(tmp_path) as service:
        monkeypatch.setattr(mailboxes, "MOST", 1)
        assert await service.pbx.offer(mailbox="1999") == {"AFTERTONE_ANSWER": "decline"}
        assert (await service.pbx.offer(linkedid="2.2"))["AFTERTONE_ANSWER"] == "record"


@in_loop
async def test_a_disk_that_fails_in_mid_call_keeps_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        said = speech(1.5, seed=14)
        await say(caller, said)
        await service.has(said)

        def full(self: BlobWriter, data: bytes) -> None:
            raise StoreError("note: No space left on device")

        monkeypatch.setattr(BlobWriter, "append", full)
        await say(caller, speech(0.6, seed=15))
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "yes"
        note = service.note()
        assert (note.state, note.cut_off) == ("kept", True)
        assert heard_as(service.opened(note)) == b"".join(said)


@in_loop
async def test_a_disk_that_fails_for_a_moment_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        append, calls = BlobWriter.append, iter(range(99))

        def stumbling(self: BlobWriter, data: bytes) -> None:
            if next(calls) == 1:
                raise StoreError("note: Input/output error")
            append(self, data)

        monkeypatch.setattr(BlobWriter, "append", stumbling)
        said = speech(1, seed=16)
        await say(caller, said)
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "yes"
        opened = service.opened(service.note())
        assert (opened.meta["ended"], opened.cut_off) == ("stopped", False)
        assert heard_as(opened) == b"".join(said)


@in_loop
async def test_a_store_that_cannot_begin_sends_the_caller_to_the_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(tmp_path) as service:

        def broken(*_: object) -> None:
            raise StoreError("database: disk I/O error")

        media = (await service.pbx.offer())["AFTERTONE_MEDIA"]
        monkeypatch.setattr(service.store.notes, "begin", broken)
        caller = await service.pbx.bring(media)
        await caller.hear_tone()
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "no"
        assert service.row().notes == []
    assert "a note could not be written: database: disk I/O error" in caplog.text


@in_loop
async def test_a_call_that_cannot_be_filed_is_left_to_the_pbx_which_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(tmp_path) as service:

        def broken(*_: object, **__: object) -> None:
            raise StoreError("database: database is locked")

        monkeypatch.setattr(service.store.calls, "file", broken)
        assert await service.pbx.offer() == {}  # no answer at all: the dialplan writes it into its journal
        assert service.rows() == []


@in_loop
async def test_a_stopping_bridge_keeps_every_note_and_takes_no_new_caller(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        talking = [await begin(service, f"{number}.1") for number in range(3)]
        spoken = [speech(1.2, seed=20 + number) for number in range(3)]
        for (caller, _), said in zip(talking, spoken, strict=True):
            await say(caller, said)
        await service.has(*spoken)
        await service.sessions.stop(grace_s=5)
        assert service.sessions.active == 0
        assert [await service.pbx.result(media) for _, media in talking] == ["yes"] * 3
        heard = set()
        for row in service.rows():
            opened = service.opened(row.notes[0])
            assert opened.meta["ended"] == "stopped"
            heard.add(heard_as(opened))
        assert heard == {b"".join(said) for said in spoken}
        assert await service.pbx.offer(linkedid="9.9") == {"AFTERTONE_ANSWER": "decline"}
        assert len(service.rows()) == 4


@in_loop
async def test_a_stop_that_waits_for_nobody_still_keeps_the_note(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, _ = await begin(service)
        said = speech(1.2, seed=30)
        await say(caller, said)
        await service.has(said)
        await service.sessions.stop(grace_s=0)
        assert heard_as(service.opened(service.note())) == b"".join(said)
        assert service.note().state == "kept"


@in_loop
async def test_a_connector_that_is_cut_off_finishes_its_notes(tmp_path: Path) -> None:
    said = speech(1.2, seed=31)
    async with answering(tmp_path) as service:
        caller, _ = await begin(service)
        await say(caller, said)
        await service.has(said)
        serving = next(task for task in asyncio.all_tasks() if "serve" in repr(task.get_coro()))
        serving.cancel()
        await asyncio.wait([serving])
        opened = service.opened(service.note())
        assert opened.meta["ended"] == "stopped"
        assert heard_as(opened) == b"".join(said)


@in_loop
async def test_a_disk_that_does_not_answer_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "FINISH_S", 0.3)
    answers = threading.Event()
    sync = BlobWriter.sync

    def hang(writer: BlobWriter) -> None:
        answers.wait(20)
        sync(writer)

    async with answering(tmp_path) as service:
        monkeypatch.setattr(BlobWriter, "sync", hang)
        try:
            caller, media = await begin(service)
            await say(caller, speech(1.2, seed=33))
            caller.press("#")
            assert (await caller.gone())[-1] == 0
            assert await service.pbx.result(media) == "no"
        finally:
            answers.set()
        await service.settled()
        assert heard_as(service.opened(service.note())) == b"".join(speech(1.2, seed=33))
