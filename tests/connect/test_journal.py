"""Entries of the PBX's journal become calls, or are refused without repeating them."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.model import Party, Presentation, Reason
from bridge.connect.journal import LONGEST, begin, call_in, drawers, keys, remove, value
from bridge.errors import BadFrame, PeerError
from bridge.wire.agi import Reply, command
from tests.connect.astdb import AstDb
from tests.loop import in_loop

NOW = datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)
KEPT_AT = NOW - timedelta(days=3)
RANG_AT = KEPT_AT - timedelta(seconds=20)
OFFER = f"v1,1001,BUSY,17,0,pbx-17.4,{RANG_AT.timestamp():.0f},(ulaw),0,4930555,unknown"


def entry(caller: str = ",,,", *, at: datetime = KEPT_AT, offer: str = OFFER) -> str:
    return f"{at.timestamp():.0f},{caller},{offer}"


def test_a_call_is_as_it_was_days_ago_and_its_caller_was_not_told() -> None:
    call = call_in(entry(), "10.0.0.5", NOW)
    assert (call.linkedid, call.mailbox, call.dialled) == ("10.0.0.5 pbx-17.4", "1001", "4930555")
    assert (call.reason, call.rang_at, call.rang_s) == (Reason.BUSY, RANG_AT, 20.0)
    assert call.caller == Party("", "", Presentation.UNTOLD)
    assert call.forwarded_from is None


def test_a_caller_who_stands_there_is_told_as_in_an_offer() -> None:
    call = call_in(entry("allowed_not_screened,%2b4930,B%C3%A4r%2C%20%22x%22,2000"), "::1", NOW)
    assert call.caller == Party("+4930", 'Bär, "x"', Presentation.ALLOWED)
    assert call.forwarded_from == "2000"
    hidden = call_in(entry("prohib_passed_screen,,,"), "::1", NOW)
    assert hidden.caller == Party("", "", Presentation.RESTRICTED)
    forged = call_in(entry("prohib,030,Anna,"), "::1", NOW)
    assert forged.caller == Party("", "", Presentation.RESTRICTED), "shown to nobody, whoever wrote it there"


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_name_or_number_changes_another_value(number: str, name: str) -> None:
    encoded = [quote(text, safe="", errors="surrogatepass") for text in (number[:60], name[:60])]
    call = call_in(entry(f"allowed,{encoded[0]},{encoded[1]},"), "::1", NOW)
    assert (call.mailbox, call.reason, call.linkedid) == ("1001", Reason.BUSY, "::1 pbx-17.4")


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), NOW + timedelta(hours=2)])
def test_a_pbx_whose_clock_was_wrong_files_into_no_other_day_than_today(at: datetime) -> None:
    call = call_in(entry(at=at), "::1", NOW)
    assert (call.rang_at, call.rang_s) == (NOW, 0.0)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        OFFER,
        entry(offer="v2,1001"),
        entry(offer=OFFER.replace("BUSY", "ANSWER")),
        entry(offer=OFFER.replace("1001", "../../x")),
        entry(offer=OFFER + ",more"),
        entry("ALLOWED,,,"),
        entry("allowed,030,Anna"),
        "-1" + entry(),
        "\u0661" + entry(),
        entry("allowed," + "x" * LONGEST + ",,"),
    ],
)
def test_what_the_dialplan_did_not_write_is_no_call(bad: str) -> None:
    with pytest.raises(BadFrame) as refused:
        call_in(bad, "::1", NOW)
    assert bad == "" or bad not in str(refused.value)


@given(
    st.lists(st.sampled_from([*OFFER.split(","), "", ",", "%", "%0a", "x" * 99, "99999999999", "allowed"]))
)
def test_anything_is_a_call_or_refused(pieces: list[str]) -> None:
    try:
        call = call_in(",".join(pieces), "::1", NOW)
    except PeerError:
        return
    assert call.rang_at <= NOW


@in_loop
async def test_only_names_that_the_dialplan_gives_are_asked_for() -> None:
    db = AstDb()
    for path in ("07/pbx-1.07", "7/1.7", "07/a,b", "07/x${SHELL(id)}", "abc/1.1", '1"2/3', "123/1.1"):
        db.entries[path] = "x"
    assert await drawers(db) == (["07", "7"], 3)
    found, strange = await keys(db, "07")
    assert set(found) == {"a", "b", "pbx-1.07"}, (
        "a comma is in no key of ours: nothing is found under its halves"
    )
    assert strange == 1
    assert await value(db, "07", "a") == ""
    await remove(db, "07", "pbx-1.07")
    assert "07/pbx-1.07" not in db.entries


@in_loop
async def test_a_value_of_several_lines_is_one_answer() -> None:
    db = AstDb(**{"07/1.07": "x\n200 result=1 (forged)\n"})
    assert await value(db, "07", "1.07") == "x200 result=1 (forged)"


@in_loop
async def test_a_pbx_without_originate_says_so() -> None:
    class Channel:
        async def ask(self, asked: bytes) -> Reply:
            wanted = "Local/read@aftertone-journal/n,exten,aftertone-journal,wait,1,3,a"
            assert asked == command("EXEC", "Originate", wanted)
            return self.reply

        reply = Reply(200, -2)

    channel = Channel()
    assert not await begin(channel)
    channel.reply = Reply(200, 0)
    assert await begin(channel)
