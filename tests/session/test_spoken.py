"""What callers say, from the offer to the opened note: real sockets, real sealing, a real store."""

import asyncio
from pathlib import Path

from bridge.call.model import Codec
from bridge.media.prompt import CLOSING
from bridge.seal.open import open_row
from tests.loop import in_loop
from tests.session.answering import answering, begin, everything_in, heard_as, say, silent, speech


@in_loop
async def test_what_a_caller_says_is_what_the_member_hears(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        said = speech(6.34, seed=1)
        await say(caller, said)
        caller.hang_up()
        assert await service.pbx.result(media) == "yes"
        row, note = service.row(), service.note()
        opened = service.opened(note)
        assert heard_as(opened) == b"".join(said)
        assert not opened.cut_off
        assert not opened.gaps
        assert len(opened.peaks) == 64
        assert {key: opened.meta[key] for key in ("kind", "type", "seconds", "ended", "streams")} == {
            "kind": "note",
            "type": "audio/PCMU",
            "seconds": 6.34,
            "ended": "caller_hangup",
            "streams": {"0": 13, "3": 2},
        }
        assert (note.state, note.speech, note.cut_off) == ("kept", True, False)
        assert row.reason == "no_answer"
        told = service.record(row)
        assert told["from"] == {"number": "+4930123456", "name": "Anna", "presentation": "allowed"}
        assert told["dialled"] == "1001"
        listed = open_row(
            note.meta + note.peaks,
            note_id=note.id,
            mailbox_id=note.mailbox_id,
            secret=service.keys[1],
            commit=note.commit,
            envelopes=note.envelopes,
        )
        assert (listed.meta["seconds"], listed.peaks) == (6.34, opened.peaks)


@in_loop
async def test_the_one_marks_a_note_as_urgent_for_who_can_open_it_and_the_disk_does_not_tell(
    tmp_path: Path,
) -> None:
    async with answering(tmp_path) as service:
        said = speech(2, seed=1)
        for linkedid, keys in (("1.1", ""), ("1.2", "11"), ("1.3", "1*")):
            caller, media = await begin(service, linkedid)
            await say(caller, said[:50])
            for key in keys:
                caller.press(key)
            if keys.endswith("*"):
                assert len(await caller.hear_tone()) > 10 * 320
                await say(caller, said[:50])
            await say(caller, said[50:])
            caller.hang_up()
            assert await service.pbx.result(media) == "yes"
        taken_back, marked, plain = (row.notes[0] for row in service.rows())
        opened = [service.opened(note) for note in (plain, marked, taken_back)]
        assert [one.meta.get("urgent") for one in opened] == [None, True, None]
        assert [heard_as(one) for one in opened] == [b"".join(said)] * 3
        assert len({len(service.store.blobs.read(note.id)) for note in (plain, marked, taken_back)}) == 1
        assert len({(len(note.meta), *map(len, note.meta)) for note in (plain, marked, taken_back)}) == 1


@in_loop
async def test_the_first_sample_kept_is_the_first_after_the_tone(tmp_path: Path) -> None:
    """Somebody speaks into the tone and on: the note begins at its end, without a hole."""
    async with answering(tmp_path) as service:
        caller, media = await service.pbx.call()
        said = speech(2, seed=2)
        await say(caller, said, every_s=0.01)
        caller.hang_up()
        assert await service.pbx.result(media) == "yes"
        kept = heard_as(service.opened(service.note()))
        assert b"".join(said).endswith(kept)
        assert len(kept) % 320 == 0
        assert 10 < len(kept) // 320 < 98, "what was said into the tone is no part of it"


@in_loop
async def test_a_law_callers_are_kept_in_a_law(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        args = ("v1", "1001", "BUSY", "17", "0", "9.9", "", "alaw", "0", "1001", "")
        answer = await service.pbx.agi("offer", *args, callerid="030", callingpres="0")
        caller = await service.pbx.bring(answer["AFTERTONE_MEDIA"])
        await caller.hear_tone()
        said = speech(1.5, seed=3, codec=Codec.PCMA)
        await say(caller, said)
        caller.hang_up()
        await service.settled()
        opened = service.opened(service.note())
        assert opened.meta["type"] == "audio/PCMA"
        assert heard_as(opened, Codec.PCMA) == b"".join(said)
        assert service.row().reason == "busy"


@in_loop
async def test_the_hash_key_sends_and_the_caller_hears_it(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        said = speech(1.2, seed=4)
        await say(caller, said)
        caller.press("#")
        caller.say(*speech(0.2, seed=5))
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "yes"
        opened = service.opened(service.note())
        assert opened.meta["ended"] == "finish_key"
        assert heard_as(opened) == b"".join(said)


@in_loop
async def test_the_star_leaves_nothing_of_the_first_take(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        await say(caller, speech(1.5, seed=6))
        (first,) = service.row().notes
        caller.press("*")
        await caller.hear_tone()
        said = speech(1.1, seed=7)
        await say(caller, said)
        caller.hang_up()
        await service.settled()
        assert await service.pbx.result(media) == "yes"
        note = service.note()
        assert note.id != first.id
        assert note.commit != first.commit
        assert heard_as(service.opened(note)) == b"".join(said)
        assert [blob.stem for blob in service.blobs()] == [note.id.hex()]


@in_loop
async def test_a_caller_who_falls_silent_is_let_go(tmp_path: Path) -> None:
    async with answering(tmp_path, silence_s=0.8) as service:
        caller, media = await begin(service)
        said = speech(1, seed=8) + silent(20)
        await say(caller, said)
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "yes"
        opened = service.opened(service.note())
        assert opened.meta["ended"] == "silence"
        assert heard_as(opened) == b"".join(said)


@in_loop
async def test_the_time_limit_ends_a_long_note(tmp_path: Path) -> None:
    async with answering(tmp_path, note_limit_s=1.0) as service:
        caller, media = await begin(service)
        said = speech(1.5, seed=9)
        await say(caller, said, every_s=0.02)
        assert await caller.hear_tone() == b"".join(CLOSING.frames())
        assert await service.pbx.result(media) == "yes"
        opened = service.opened(service.note())
        assert opened.meta["ended"] == "limit"
        assert 0 < opened.seconds < 1.3
        assert b"".join(said).startswith(heard_as(opened))


@in_loop
async def test_a_click_is_kept_but_is_no_speech(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, media = await begin(service)
        caller.say(*silent(20), *speech(0.02, seed=10), *silent(20))
        caller.hang_up()
        assert await service.pbx.result(media) == "yes"
        assert service.note().speech is False
        assert service.opened(service.note()).seconds == 0.82


@in_loop
async def test_a_call_without_any_sound_leaves_its_row_and_no_note(tmp_path: Path) -> None:
    async with answering(tmp_path, silence_s=0.5) as service:
        caller, media = await begin(service)
        await caller.hear_tone()
        assert await service.pbx.result(media) == "yes"
        assert service.row().notes == []
        assert service.blobs() == []


@in_loop
async def test_who_wants_to_leave_no_note_is_not_sent_to_another_voicemail(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, media = await service.pbx.call()
        caller.press("#")
        await caller.gone()
        assert await service.pbx.result(media) == "yes"
        assert service.row().notes == []


@in_loop
async def test_twenty_callers_at_once_are_not_mixed_up(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:

        async def leave(number: int) -> None:
            caller, media = await begin(service, f"{number}.1", calleridname=f"Caller {number}")
            await say(caller, speech(1 + number / 10, seed=100 + number), every_s=0.01)
            caller.hang_up()
            assert await service.pbx.result(media) == "yes"

        await asyncio.gather(*(leave(number) for number in range(20)))
        found = {}
        for row in service.rows():
            found[service.record(row)["from"]["name"]] = heard_as(service.opened(row.notes[0]))
        assert found == {
            f"Caller {number}": b"".join(speech(1 + number / 10, seed=100 + number)) for number in range(20)
        }


@in_loop
async def test_nothing_that_was_said_or_shown_can_be_read_on_the_disk(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        caller, _ = await begin(service, callerid="+499876543210", calleridname="Zwetschgenmus")
        said = speech(2, seed=11)
        await say(caller, said)
        during = everything_in(tmp_path)
        caller.hang_up()
        await service.settled()
        after = everything_in(tmp_path)
        stored = service.opened(service.note()).media
        assert len(stored) == 16000
        for disk in (during, after):
            assert b"+499876543210" not in disk
            assert b"Zwetschgenmus" not in disk
            assert stored[4000:4040] not in disk
            assert b"".join(said)[4000:4040] not in disk
