"""The vectors of FORMAT.md in Python; tests/seal/vectors.test.js runs the same ones in JavaScript."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.seal import keys
from bridge.seal.derive import open_envelopes
from bridge.seal.layout import next_record, split_envelopes, split_head
from bridge.seal.note import NoteSealer, kid, pad_json
from bridge.seal.open import OpenedNote, open_note, open_row
from tests.seal.forge import VECTORS

FIRST: dict[str, Any] = json.loads((VECTORS / "sealed-note-1.json").read_text("utf-8"))
MORE: dict[str, Any] = json.loads((VECTORS / "sealed-note-1-more.json").read_text("utf-8"))
NOTE = FIRST["note"]
USER = FIRST["user"]
unhex = bytes.fromhex


def ask(case: dict[str, Any], blob: str, secret: str, *, damaged: bool = False) -> OpenedNote:
    """Open what a case asks for."""
    envelopes = [unhex(envelope) for envelope in case["envelopes"]] if "envelopes" in case else None
    return open_note(
        unhex(blob),
        note_id=unhex(case.get("note_id", MORE["note_id"])),
        mailbox_id=case.get("mailbox", MORE["mailbox"]),
        secret=unhex(secret),
        envelopes=envelopes,
        damaged=damaged,
    )


def test_the_note_opens_with_everything_in_it() -> None:
    note = ask(NOTE, NOTE["blob"], NOTE["sk"])
    assert note.media == NOTE["plain"].encode()
    assert note.meta == json.loads(NOTE["meta_start"]) | json.loads(NOTE["meta_end"])
    assert note.peaks.hex() == NOTE["peaks"]
    assert note.note_key.hex() == NOTE["note_key"]
    assert (note.cut_off, note.gaps, note.seconds) == (False, [], 1.0)


def test_the_writer_makes_the_same_bytes() -> None:
    sealer = NoteSealer(
        unhex(NOTE["note_id"]), NOTE["mailbox"], [unhex(NOTE["pk"])], key=unhex(NOTE["note_key"])
    )
    assert sealer.commit.hex() == NOTE["commit"]
    assert kid(unhex(NOTE["pk"])).hex() == NOTE["kid"]
    written = [
        sealer.record(0, b"one", 0),
        sealer.record(0, b"two", 500),
        sealer.record(0, b"", 1000, final=True),
    ]
    assert [record.hex() for record in written] == NOTE["segments"]
    assert pad_json(json.loads(NOTE["meta_start"])).decode() == NOTE["meta_start"]
    assert pad_json(json.loads(NOTE["meta_end"])).decode() == NOTE["meta_end"]
    assert split_head(sealer.head).commit.hex() == NOTE["commit"]
    assert len(sealer.head) == len(unhex(NOTE["header"]))


def test_the_call_record_opens() -> None:
    record = FIRST["call_record"]
    opened = ask(record, record["blob"], NOTE["sk"])
    assert opened.meta == json.loads(record["plain"])
    assert (opened.media, opened.cut_off) == (b"", False)
    assert pad_json(opened.meta).decode() == record["plain"]


@pytest.mark.parametrize("case", FIRST["cut"], ids=lambda case: str(case["name"]))
def test_a_cut_note_gives_what_is_whole(case: dict[str, Any]) -> None:
    note = ask(NOTE, case["blob"], NOTE["sk"])
    assert note.media.hex() == case["stream0"]
    assert note.cut_off is not case["closed"]


@pytest.mark.parametrize("case", FIRST["refused"], ids=lambda case: str(case["name"]))
def test_the_first_refusals(case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refusal:
        ask(case, case["blob"], NOTE["sk"])
    assert refusal.value.word == case["refused"]


@pytest.mark.parametrize("case", MORE["opened"], ids=lambda case: str(case["name"]))
def test_more_that_opens(case: dict[str, Any]) -> None:
    note = ask(case, case["blob"], case["sk"], damaged=case["damaged"])
    assert note.media.hex() == case["media"]
    assert note.meta == case["meta"]
    assert note.peaks.hex() == case["peaks"]
    assert note.cut_off is case["cut_off"]
    assert note.seconds == case["seconds"]
    gaps = [{"index": gap.index, "t_ms": gap.t_ms, "length": gap.length, "at": gap.at} for gap in note.gaps]
    assert gaps == case["gaps"]


@pytest.mark.parametrize("case", MORE["refused"], ids=lambda case: str(case["name"]))
def test_more_refusals(case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refusal:
        ask(case, case["blob"], case["sk"], damaged=case["damaged"])
    assert refusal.value.word == case["refused"]


@pytest.mark.parametrize("name", ["record_bit", "spliced_from_a_neighbour"])
def test_nothing_of_a_refused_note_is_in_the_error(name: str) -> None:
    case = next(case for case in FIRST["refused"] + MORE["refused"] if case["name"] == name)
    with pytest.raises(Refused) as refusal:
        ask(case, case["blob"], case.get("sk", NOTE["sk"]))
    assert refusal.value.__cause__ is None
    assert refusal.value.args == (case["refused"],)


def test_the_row_alone_tells_what_the_list_shows() -> None:
    blob = unhex(NOTE["blob"])
    head = split_head(blob)
    copies, at = [], head.size
    while header := next_record(blob, at):
        if header.stream in (2, 3):
            copies.append(blob[at : header.end])
        at = header.end
    row = open_row(
        copies,
        note_id=unhex(NOTE["note_id"]),
        mailbox_id=NOTE["mailbox"],
        secret=unhex(NOTE["sk"]),
        commit=head.commit,
        envelopes=[envelope.raw for envelope in head.envelopes],
    )
    assert row.meta["ended"] == "caller_hangup"
    assert (row.peaks.hex(), row.media, row.cut_off, row.seconds) == (NOTE["peaks"], b"", False, 1.0)


@pytest.mark.parametrize("name", ["passphrase", "passkey", "recovery"])
def test_each_kind_of_slot_opens(name: str) -> None:
    slot = FIRST["slots"][name]
    secret = unhex(slot.get("secret") or slot["prf"])
    assert keys.slot_params(unhex(slot["slot"])) == (keys.SlotKind(slot["kind"]), slot["params"])
    assert keys.open_keyslot(unhex(slot["slot"]), secret, unhex(USER["pk"]), USER["id"]).hex() == USER["sk"]


def test_a_passphrase_is_the_same_secret_however_it_is_composed() -> None:
    slot = FIRST["slots"]["passphrase"]
    decomposed = slot["passphrase"].replace("é", "e\u0301").replace("Ⅷ", "VIII")
    assert decomposed != slot["passphrase"]
    secret = keys.passphrase_secret(decomposed, slot["params"])
    assert secret.hex() == slot["secret"]
    assert keys.login_auth(secret).hex() == slot["login"]


def test_the_recovery_code_is_read_as_people_type() -> None:
    slot = FIRST["slots"]["recovery"]
    assert keys.show_recovery_code(unhex(slot["secret"])) == slot["code"]
    for dash in (" ", "", "\u00a0", "\u2013", " \u2014 ", "\u2212", "\n\t"):
        typed = slot["code"].lower().replace("-", dash).replace("0", "o").replace("1", "l")
        assert keys.parse_recovery_code(f" {typed}\n").hex() == slot["secret"]


def test_the_recovery_code_logs_in_and_what_is_shown_for_it_opens_nothing() -> None:
    login, slot = MORE["recovery_login"], FIRST["slots"]["recovery"]
    secret = keys.parse_recovery_code(login["code"])
    assert secret.hex() == login["secret"]
    assert keys.recovery_auth(secret).hex() == login["auth"] != keys.login_auth(secret).hex()
    shown = keys.recovery_auth(unhex(slot["secret"]))
    for seen in (shown, shown[:20]):
        with pytest.raises(Refused, match="wrong secret"):
            keys.open_keyslot(unhex(slot["slot"]), seen, unhex(USER["pk"]), USER["id"])


def test_the_mailbox_wrap_opens() -> None:
    wrap = FIRST["mailbox_wrap"]
    m_private = keys.open_mailbox_wrap(
        unhex(wrap["wrap"]),
        user_private=unhex(USER["sk"]),
        user_id=USER["id"],
        mailbox_id=NOTE["mailbox"],
        epoch=wrap["epoch"],
        m_public=unhex(NOTE["pk"]),
    )
    assert m_private.hex() == wrap["plain"]


def test_the_login_challenge_is_answered() -> None:
    login = FIRST["login"]
    answer = keys.answer_challenge(
        unhex(USER["sk"]), unhex(USER["pk"]), USER["id"], login["origin"], unhex(login["challenge"])
    )
    assert answer.hex() == login["plain"]


def test_the_claim_is_proven() -> None:
    claim = MORE["claim"]
    assert keys.claim_proof(unhex(claim["sk"]), claim["user"]).hex() == claim["proof"]


def test_a_rewrapped_envelope_opens_with_the_new_key_alone() -> None:
    case = MORE["rewrap"]
    note_id, mailbox, commit = unhex(MORE["note_id"]), MORE["mailbox"], unhex(case["commit"])
    old, new = unhex(case["old_sk"]), unhex(case["new_sk"])
    new_public = keys.public_of(new)
    renewed = keys.rewrap_envelope(
        unhex(case["envelope"]), note_id, mailbox, old, commit, new_public, new_private=new
    )
    found = open_envelopes(split_envelopes(renewed), note_id, mailbox.encode(), commit, new, new_public)
    assert found.hex() == case["note_key"]
    with pytest.raises(Refused, match="not sealed to this key"):
        open_envelopes(split_envelopes(renewed), note_id, mailbox.encode(), commit, old, keys.public_of(old))


def test_every_word_of_a_refusal_stands_in_the_format() -> None:
    root = Path(__file__).parents[2]
    written = (root / "bridge/seal/FORMAT.md").read_text("utf-8")
    sources = [*(root / "bridge/seal").glob("*.py"), *(root / "web/js/seal").glob("*.js")]
    words = {word for file in sources for word in re.findall(r'Refused\("([^"]+)"', file.read_text("utf-8"))}
    assert len(words) >= 20
    assert {word for word in words if f"`{word}`" not in written} == set()
