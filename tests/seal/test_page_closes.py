"""What the page seals opens in Python, byte for byte; cut or turned it is refused as the bridge's own is."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Refused
from bridge.intake.frames import Frames, check_call_record, check_head
from bridge.seal.keys import new_keypair
from bridge.seal.note import Recipient, pad_json, scan_records, split_head
from bridge.seal.open import open_note
from tests.seal.forge import MAILBOX

NODE = shutil.which("node")
PAIR = new_keypair()
SOUND = os.urandom(4000 * 5 + 123)
PEAKS = os.urandom(170)
NAME = '<b>"Ada"\\ \U0001f600 שלום\x07'
CALL = {
    "from": {"number": "+1555", "name": NAME, "presentation": "allowed"}, "dialled": "1001",
    "forwarded_from": "", "group": False, "rang_at": "2026-03-01T11:59:40Z", "rang_s": 15,
}  # fmt: skip
FORWARDED = {
    "by": "anna", "mailbox": "Anna Weber", "extension": "1001", "at": "2026-03-01T12:00:00.000Z",
    "text": "für dich",
}  # fmt: skip
VALUES: list[Any] = [{"b": NAME, "a": [1, 2.5, None, True]}, {}, {"x": {"z": "\u2028", "y": "ä" * 300}}]

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node is not installed; the page's own tests need it too"
)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    meta = {"type": "audio/PCMU", "started_at": "2026-03-01T11:59:55Z", "ended": "finish_key", "urgent": True}
    told = {
        "mailboxId": MAILBOX, "publicKey": PAIR[1].hex(), "call": CALL, "reason": "busy",
        "forwarded": FORWARDED,
        "note": {"media": SOUND.hex(), "peaks": PEAKS.hex(), "meta": meta, "seconds": 2.515, "cutOff": False},
        "values": VALUES,
    }  # fmt: skip
    run = subprocess.run(
        ["node", "--no-warnings", str(Path(__file__).with_name("close.js"))],
        input=json.dumps(told), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def opened(made: dict[str, Any], blob: bytes) -> Any:
    return open_note(blob, note_id=bytes.fromhex(made["id"]), mailbox_id=MAILBOX, secret=PAIR[0])


def test_the_note_has_the_same_sound_peaks_and_meta(made: dict[str, Any]) -> None:
    note = opened(made, bytes.fromhex(made["blob"]))
    assert (note.media, note.peaks, note.cut_off, note.gaps) == (SOUND, PEAKS, False, [])
    assert note.meta == {
        "v": 1, "kind": "note", "type": "audio/PCMU", "started_at": "2026-03-01T11:59:55Z", "seconds": 2.515,
        "ended": "finish_key", "urgent": True, "streams": {"0": 6, "3": 4},
    }  # fmt: skip


def test_its_segments_are_as_long_as_the_bridges_so_that_lengths_tell_nothing(made: dict[str, Any]) -> None:
    blob = bytes.fromhex(made["blob"])
    _end, headers = scan_records(blob[split_head(blob).size :])
    media = [header for header in headers if header.stream == 0]
    assert [header.length for header in media] == [4016] * 5 + [123 + 16]
    assert [header.final for header in media] == [False] * 5 + [True]
    assert [header.t_ms for header in media] == sorted(header.t_ms for header in media)


def test_the_call_record_keeps_the_caller_and_tells_who_forwarded_it(made: dict[str, Any]) -> None:
    call_id = bytes.fromhex(made["callId"])
    call = open_note(bytes.fromhex(made["call"]), note_id=call_id, mailbox_id=MAILBOX, secret=PAIR[0])
    assert not call.cut_off
    expected = CALL | {
        "v": 1,
        "kind": "call",
        "reason": "busy",
        "forwarded": [FORWARDED],
        "forwarded_from": None,
    }
    assert call.meta == expected
    assert made["callId"] != made["id"]


def test_what_the_page_pads_is_what_python_pads(made: dict[str, Any]) -> None:
    assert [bytes.fromhex(each) for each in made["json"]] == [pad_json(value) for value in VALUES]


def test_cut_at_every_byte_it_is_heard_up_to_there_and_says_so(made: dict[str, Any]) -> None:
    blob = bytes.fromhex(made["blob"])
    for length in range(split_head(blob).size, len(blob), 61):
        note = opened(made, blob[:length])
        assert note.cut_off
        assert SOUND.startswith(note.media)


def test_turned_anywhere_it_is_refused_or_a_true_beginning(made: dict[str, Any]) -> None:
    blob = bytes.fromhex(made["blob"])
    for bit in [*range(split_head(blob).size * 8), *range(split_head(blob).size * 8, len(blob) * 8, 977)]:
        turned = bytearray(blob)
        turned[bit >> 3] ^= 1 << (bit & 7)
        try:
            note = opened(made, bytes(turned))
        except Refused:
            continue
        assert note.cut_off
        assert SOUND.startswith(note.media)


def test_the_servers_own_check_finds_nothing_to_refuse(made: dict[str, Any]) -> None:
    recipient = Recipient(MAILBOX, 1, PAIR[1])
    check_call_record(bytes.fromhex(made["call"]), bytes.fromhex(made["callId"]), recipient)
    head = bytes.fromhex(made["head"])
    check_head(head, bytes.fromhex(made["id"]), recipient)
    records = bytes.fromhex(made["blob"])[len(head) :]
    frames = Frames(len(records), most_peaks=4096)
    frames.feed(records)
    frames.close()
