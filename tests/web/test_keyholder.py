"""Members who are programs: the real commands against the real server, over a real connection."""

import asyncio
import json
import sqlite3
import struct
from pathlib import Path

import pytest

from bridge import keyholder
from bridge.seal.layout import RECORD_HEADER, split_head
from bridge.store.handling import OPEN, HandlingState
from tests.store.house import Take
from tests.web.programs import Streams, key_of, recorded
from tests.web.town import CALLER_NAME, CALLER_NUMBER, Town


def test_a_program_lists_its_rows_in_clear(served: Town, tmp_path: Path, capsys: Streams) -> None:
    row_id, take = recorded(served, "1001")
    recorded(served, "2002")
    assert keyholder.notes(key_of(served, served.alice, tmp_path), as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["id"] == row_id
    assert row["mailbox"] == "1001"
    assert (row["from_number"], row["from_name"]) == (CALLER_NUMBER, CALLER_NAME)
    assert row["presentation"] == "allowed"
    assert row["reason"] == "no_answer"
    assert row["rang_at"] == "2026-03-01T11:59:40Z"
    (note,) = row["notes"]
    assert note["id"] == take.id.hex()
    assert note["seconds"] == pytest.approx(take.ms / 1000)
    assert (note["ended"], note["heard"], note["speech"], note["cut_off"]) == (
        "caller_hangup",
        False,
        True,
        False,
    )


def test_more_rows_than_one_answer_holds_come_all_and_once(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyholder.listing, "PAGE", 7)
    filed = [served.call("1001", minutes=number) for number in range(30)]
    assert keyholder.notes(key_of(served, served.alice, tmp_path), as_json=True) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == filed[::-1]


def test_a_callers_name_cannot_speak_to_the_terminal(served: Town, tmp_path: Path, capsys: Streams) -> None:
    served.call("1001", name="\x1b]0;pwned\x07\u202eAda\r\nfake line\u2028x\udcff")
    assert keyholder.notes(key_of(served, served.alice, tmp_path), as_json=False) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    for bad in ("\x1b", "\x07", "\u202e", "\r", "\u2028"):
        assert bad not in out
    assert "Ada" in out
    assert CALLER_NUMBER in out
    assert "nobody answered  (new)" in out


def test_who_has_a_call_in_hand_is_told(served: Town, tmp_path: Path, capsys: Streams) -> None:
    calls = [bytes.fromhex(served.call("1001", minutes=minutes)) for minutes in range(3)]
    served.store.handling.mark(calls[1], served.alice.id, HandlingState.TAKEN, OPEN)
    served.store.handling.mark(calls[2], "us_gone", HandlingState.DONE, OPEN)
    key = key_of(served, served.alice, tmp_path)
    assert keyholder.notes(key, as_json=True) == 0
    assert [row["handling"] for row in json.loads(capsys.readouterr().out)] == [
        {"state": "done", "by": None, "at": "2026-03-01T12:00:00Z"},
        {"state": "taken", "by": "alice", "at": "2026-03-01T12:00:00Z"},
        {"state": "open", "by": None, "at": None},
    ]
    assert keyholder.notes(key, as_json=False) == 0
    done, taken, still = capsys.readouterr().out.splitlines()
    assert done.endswith("(done by somebody who is gone)")
    assert taken.endswith("(taken by alice)")
    assert still.endswith("(new)")


def test_a_note_without_a_word_says_so_in_the_list(served: Town, tmp_path: Path, capsys: Streams) -> None:
    row_id = served.call("1001")

    async def story() -> None:
        take = served.take("1001", row_id)
        take.speak(2)
        assert await take.finish(speech=False)

    asyncio.run(story())
    assert keyholder.notes(key_of(served, served.alice, tmp_path), as_json=False) == 0
    assert capsys.readouterr().out.endswith("  1.0 s, no speech\n")


def test_the_sound_that_was_spoken_is_the_sound_in_the_file(served: Town, tmp_path: Path) -> None:
    _, take = recorded(served, "1001")
    out = tmp_path / "note.wav"
    key = key_of(served, served.alice, tmp_path)
    assert keyholder.open_note(take.id.hex(), key, out) == 0
    data = out.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600
    assert data[:4] == b"RIFF"
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert data[8:16] == b"WAVEfmt "
    assert struct.unpack_from("<IHHIIHHH", data, 16) == (18, 7, 1, 8000, 8000, 1, 8, 0)
    assert data[38:46] == b"fact" + struct.pack("<I", 4)
    assert struct.unpack_from("<I", data, 46)[0] == len(take.sent)
    assert data[50:58] == b"data" + struct.pack("<I", len(take.sent))
    assert data[58 : 58 + len(take.sent)] == take.sent
    assert len(data) % 2 == 0


def test_sound_goes_down_a_pipe(
    served: Town, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    _, take = recorded(served, "1001")
    assert keyholder.open_note(take.id.hex(), key_of(served, served.alice, tmp_path), Path("-")) == 0
    out = capsysbinary.readouterr().out
    assert out[58 : 58 + len(take.sent)] == take.sent


def test_an_existing_file_is_never_overwritten(served: Town, tmp_path: Path, capsys: Streams) -> None:
    _, take = recorded(served, "1001")
    out = tmp_path / "kept.wav"
    out.write_bytes(b"another note")
    key = key_of(served, served.alice, tmp_path)
    assert keyholder.open_note(take.id.hex(), key, out) == 2
    assert out.read_bytes() == b"another note"
    assert "not overwritten" in capsys.readouterr().err
    link = tmp_path / "link.wav"
    link.symlink_to(tmp_path / "elsewhere")
    assert keyholder.open_note(take.id.hex(), key, link) == 2
    assert keyholder.open_note(take.id.hex(), key, tmp_path / "no" / "folder.wav") == 1


def test_ids_that_are_nobodys_and_ids_that_are_somebody_elses_are_not_found(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    _, take = recorded(served, "2002")
    key = key_of(served, served.alice, tmp_path)
    told = []
    for note_id in (take.id.hex(), "0" * 32):
        assert keyholder.open_note(note_id, key, tmp_path / "x.wav") == 4
        told.append(capsys.readouterr().err)
    assert told[0] == told[1] == "aftertone: no such note, or this key may not open it\n"
    assert keyholder.open_note("../../etc/passwd", key, tmp_path / "x.wav") == 2
    assert not (tmp_path / "x.wav").exists()


def test_a_note_whose_blob_has_rubbish_for_envelopes_opens_by_those_of_its_row(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    recorded(served, "1001")
    _, take = recorded(served, "1001")
    path = served.store.blobs.path(take.id)
    blob = bytearray(path.read_bytes())
    (envelope,) = split_head(bytes(blob)).envelopes
    at = blob.index(envelope.body)
    blob[at + 40] ^= 1
    path.write_bytes(blob)
    assert keyholder.open_note(take.id.hex(), key_of(served, served.alice, tmp_path), tmp_path / "x.wav") == 0
    assert take.sent in (tmp_path / "x.wav").read_bytes()
    assert capsys.readouterr().err == ""


def test_a_damaged_note_says_so_and_can_be_heard_in_part(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    _, take = recorded(served, "1001", segments=4)
    path = served.store.blobs.path(take.id)
    blob = bytearray(path.read_bytes())
    at = split_head(bytes(blob)).size
    at += RECORD_HEADER.size + RECORD_HEADER.unpack_from(blob, at)[0]  # the meta at the start
    at += RECORD_HEADER.size + RECORD_HEADER.unpack_from(blob, at)[0]  # the first segment
    blob[at + RECORD_HEADER.size + 100] ^= 1
    path.write_bytes(blob)
    key, out = key_of(served, served.alice, tmp_path), tmp_path / "part.wav"
    assert keyholder.open_note(take.id.hex(), key, out) == 5
    assert "--damaged" in capsys.readouterr().err
    assert not out.exists()
    assert keyholder.open_note(take.id.hex(), key, out, damaged=True) == 0
    assert "0.5 s at 0.5 s are missing" in capsys.readouterr().err
    sound = out.read_bytes()[58 : 58 + len(take.sent)]
    assert sound[:4000] == take.sent[:4000]
    assert sound[4000:8000] == b"\xff" * 4000
    assert sound[8000:] == take.sent[8000:]


def test_a_note_that_a_crash_cut_off_tells_its_true_length(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    row_id = served.call("1001")

    async def story() -> Take:
        take = served.take("1001", row_id)
        take.speak(5)
        await take.recording.cut_off()
        return take

    take = asyncio.run(story())
    key = key_of(served, served.alice, tmp_path)
    assert keyholder.notes(key, as_json=True) == 0
    ((note,),) = [row["notes"] for row in json.loads(capsys.readouterr().out)]
    assert (note["seconds"], note["ended"], note["cut_off"]) == (2.5, "cut_off", True)
    assert keyholder.open_note(take.id.hex(), key, tmp_path / "cut.wav") == 0
    assert "the end of this note is missing" in capsys.readouterr().err
    assert take.sent in (tmp_path / "cut.wav").read_bytes()


def test_a_forged_row_says_that_it_cannot_be_opened_and_hides_nothing_else(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    good, bad = served.call("1001", minutes=1), served.call("1001", minutes=2)
    row = served.store.calls.row(bytes.fromhex(bad))
    assert row is not None
    forged = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
    with sqlite3.connect(served.data / "aftertone.db") as database:
        database.execute("UPDATE call SET sealed = ? WHERE id = ?", (forged, row.id))
    database.close()
    assert keyholder.notes(key_of(served, served.alice, tmp_path), as_json=True) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[good]["from_number"] == CALLER_NUMBER
    assert rows[bad]["problem"] == "record"
    assert rows[bad]["from_number"] is None
