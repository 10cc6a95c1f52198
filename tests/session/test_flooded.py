"""Somebody who forges calls without end, and the real caller beside him: real sockets, a real store."""

from pathlib import Path

import pytest

from bridge.call import flood
from bridge.session import LAST_BYTES
from tests.loop import in_loop
from tests.session.answering import Service, answering, begin, say, speech


async def give_up(service: Service, linkedid: str, mailbox: str = "1001") -> None:
    args = ("v1", mailbox, "CANCEL", "127", "0", linkedid, "", "ulaw", "0", mailbox, "")
    await service.pbx.agi("gone", *args, callerid="030")


@in_loop
async def test_forged_calls_do_not_fill_a_mailbox_nor_keep_a_real_caller_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(flood, "MOST", 5)
    async with answering(tmp_path) as service:
        for number in range(20):
            await give_up(service, f"{number}.1")
        assert len(service.rows()) == 5
        assert caplog.text.count("NO MORE are filed") == 1
        caller, media = await begin(service, "90.1")
        await say(caller, speech(1.2, seed=41))
        caller.hang_up()
        assert await service.pbx.result(media) == "yes"
        assert [len(row.notes) for row in service.rows()].count(1) == 1
        service.sessions.settings.max_calls = 0  # type: ignore[misc]
        assert await service.pbx.offer(linkedid="91.1") == {"AFTERTONE_ANSWER": "decline"}
        assert len(service.rows()) == 6, "an offer that cannot record is a missed call like others"
        assert await service.pbx.offer(linkedid="92.1", mailbox="2002") == {"AFTERTONE_ANSWER": "decline"}
        other = service.store.mailboxes.by_extension("2002")
        assert other is not None
        assert len(service.store.calls.rows([other.id], None)[0]) == 1, "other mailboxes are not concerned"


@in_loop
async def test_missed_calls_leave_the_last_of_the_disk_to_the_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(tmp_path, min_free=1 << 30) as service:
        decline = {"AFTERTONE_ANSWER": "decline"}
        kept_by_the_pbx: dict[str, str] = {}
        for free, answer, rows in (
            (LAST_BYTES, decline, 1),
            (LAST_BYTES - 1, kept_by_the_pbx, 1),
            (0, kept_by_the_pbx, 1),
            (LAST_BYTES + 1, decline, 2),
        ):
            service.sessions._free = lambda _data, free=free: free  # type: ignore[misc]
            assert await service.pbx.offer(linkedid=f"{free}.1") == answer
            await give_up(service, f"{free}.1")
            assert len(service.rows()) == rows, free
    assert caplog.text.count("THE DISK IS FULL: a missed call of mailbox 1001 is NOT filed") == 4
