"""Missed calls as rows, with a note or without: real sockets, real sealing, a real store."""

from pathlib import Path

import pytest

from bridge.errors import Refused
from bridge.seal.open import open_note
from tests.loop import in_loop
from tests.session.answering import answering, begin, heard_as, say, speech
from tests.store.house import claim, joined


@in_loop
async def test_a_withheld_number_is_not_kept_anywhere(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        await service.pbx.offer(callerid="030123", calleridname="Eve", callingpres="35")
        told = service.record(service.row())
        assert told["from"] == {"number": "", "name": "", "presentation": "restricted"}


@in_loop
async def test_a_hostile_name_is_filed_as_text(tmp_path: Path) -> None:
    name = "'); DROP TABLE call;--\x00<svg/onload=1>\U0001f4a3\u202e" + "A" * 1000
    async with answering(tmp_path) as service:
        await service.pbx.offer(calleridname=name)
        told = service.record(service.row())
        assert (
            told["from"]["name"]
            == ("'); DROP TABLE call;--\ufffd<svg/onload=1>\U0001f4a3\ufffd" + "A" * 1000)[:256]
        )


@in_loop
async def test_who_gives_up_while_it_rings_has_a_row_once(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        args = ("v1", "1001", "CANCEL", "127", "0", "5.5", "", "ulaw", "0", "1001", "")
        await service.pbx.agi("gone", *args, callerid="030")
        await service.pbx.agi("gone", *args, callerid="030")
        assert service.row().reason == "cancelled"
        assert service.row().notes == []


@in_loop
async def test_a_call_that_only_its_end_tells_of_has_the_reason_of_its_dial(tmp_path: Path) -> None:
    """The bridge was away when the call was offered, and is back when the caller leaves the fallback."""
    async with answering(tmp_path) as service:
        args = ("v1", "1001", "CHANUNAVAIL", "3", "0", "5.6", "", "ulaw", "0", "1001", "")
        await service.pbx.agi("gone", *args, callerid="030", calleridname="Ida")
        assert (service.row().reason, service.row().notes) == ("unreachable", [])
        assert service.record(service.row())["from"]["name"] == "Ida"
        assert service.record(service.row())["reason"] == "unreachable"


@in_loop
async def test_a_second_note_of_one_call_stands_in_the_same_row(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        for seed in (12, 13):
            caller, media = await begin(service, "7.7")
            await say(caller, speech(1.2, seed=seed))
            caller.hang_up()
            assert await service.pbx.result(media) == "yes"
        heard = {heard_as(service.opened(note)) for note in service.row().notes}
        assert heard == {b"".join(speech(1.2, seed=seed)) for seed in (12, 13)}


@in_loop
async def test_a_caller_of_an_extension_nobody_claimed_is_filed_too(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        await service.pbx.offer(mailbox="2002", linkedid="2.2")
        mailbox = service.store.mailboxes.by_extension("2002")
        assert mailbox is not None
        assert mailbox.epoch == 0
        assert len(service.store.calls.rows([mailbox.id], None)[0]) == 1


@in_loop
async def test_a_call_that_is_forwarded_deeper_stands_in_the_last_mailbox_only(tmp_path: Path) -> None:
    async with answering(tmp_path) as service:
        await service.pbx.offer(mailbox="2002", linkedid="6.6")
        answer = await service.pbx.offer(mailbox="1001", linkedid="6.6", rdnis="2002")
        assert answer["AFTERTONE_ANSWER"] == "record"
        assert service.record(service.row())["forwarded_from"] == "2002"
        other = service.store.mailboxes.by_extension("2002")
        assert other is not None
        assert service.store.calls.rows([other.id], None)[0] == []


@in_loop
async def test_two_extensions_that_ring_for_one_call_each_keep_their_own_note(tmp_path: Path) -> None:
    """Both go to their mailboxes with one linkedid, the second while the first still hears the sentence."""
    async with answering(tmp_path) as service:
        first = (await service.pbx.offer(mailbox="1001", linkedid="8.8"))["AFTERTONE_MEDIA"]
        second = (await service.pbx.offer(mailbox="2002", linkedid="8.8"))["AFTERTONE_MEDIA"]
        for media, seed in ((first, 31), (second, 32)):
            caller = await service.pbx.bring(media)
            await caller.hear_tone()
            await say(caller, speech(1.2, seed=seed))
            caller.hang_up()
            assert await service.pbx.result(media) == "yes"
        assert heard_as(service.opened(service.note())) == b"".join(speech(1.2, seed=31))
        other = service.store.mailboxes.by_extension("2002")
        assert other is not None
        (row,), _ = service.store.calls.rows([other.id], None)
        assert len(row.notes) == 1


@in_loop
async def test_who_speaks_after_a_claim_is_heard_only_with_the_new_key(tmp_path: Path) -> None:
    """The call was filed, and its note's key sealed, while the server still held the mailbox's key."""
    async with answering(tmp_path) as service:
        media = (await service.pbx.offer(mailbox="2002", linkedid="4.4"))["AFTERTONE_MEDIA"]
        berta = joined(service.store, "Berta", "2002")
        mailbox = service.store.mailboxes.by_extension("2002")
        assert mailbox is not None
        keys = claim(service.store, berta, mailbox.id)
        caller = await service.pbx.bring(media)
        await caller.hear_tone()
        await say(caller, speech(1.2, seed=34))
        caller.hang_up()
        assert await service.pbx.result(media) == "yes"
        await service.pbx.offer(mailbox="2002", linkedid="5.5")
        later, earlier = sorted(
            service.store.calls.rows([mailbox.id], None)[0], key=lambda row: len(row.notes)
        )
        (note,) = earlier.notes
        assert note.epoch == 1
        blob = service.store.blobs.read(note.id)
        opened = open_note(blob, note_id=note.id, mailbox_id=mailbox.id, secret=keys[1])
        assert heard_as(opened) == b"".join(speech(1.2, seed=34))
        assert open_note(later.sealed, note_id=later.id, mailbox_id=mailbox.id, secret=keys[1]).meta["v"] == 1
        with pytest.raises(Refused, match="not sealed to this key"):
            open_note(blob, note_id=note.id, mailbox_id=mailbox.id, secret=keys[0])
