"""Writes tests/vectors/sealed-note-1-more.json: `python -m tests.seal.more_vectors`.

Envelopes are random, so every run writes other bytes; run it when a case is added. The keys are for tests.
"""

import json
from typing import Any

from bridge.seal.keys import claim_proof, public_of, recovery_auth, rewrap_envelope, show_recovery_code
from bridge.seal.layout import TAG
from bridge.seal.note import pad_json
from tests.seal.forge import MAILBOX, VECTORS, Forger

ANNE, BOB = b"\x11" * 32, b"\x22" * 32
ANNE_PUBLIC, BOB_PUBLIC = public_of(ANNE), public_of(BOB)
NOTE_ID = bytes(range(16))
NOTE_KEY = bytes(range(100, 132))
START = {"kind": "note", "started_at": "2026-11-22T15:04:05Z", "type": "audio/PCMU", "v": 1}
FINAL = 1
RECOVERY = bytes(range(200, 220))
ALAW = bytes(at * 7 % 256 for at in range(400))

forger = Forger(NOTE_ID, key=NOTE_KEY)


def end(media: int, seconds: float = 1.0) -> dict[str, object]:
    """The final meta of a note with ``media`` records."""
    return {
        "ended": "finish_key",
        "kind": "note",
        "seconds": seconds,
        "streams": {"0": media, "3": 1},
        "v": 1,
    }


def note(*extra: bytes, start: dict[str, Any] = START, media: tuple[bytes, ...] = (b"one", b"two")) -> bytes:
    """The records of a whole note; ``extra`` stands in the middle."""
    records = [forger.record(2, 0, pad_json(start))]
    records += [forger.record(0, at, part, t_ms=500 * at) for at, part in enumerate(media)]
    records += extra
    records.append(forger.record(0, len(media), b"", flags=FINAL, t_ms=500 * len(media)))
    records.append(forger.record(3, 0, b"\x00\xff", flags=FINAL))
    records.append(forger.record(2, 1, pad_json(end(len(media) + 1)), flags=FINAL))
    return b"".join(records)


def flip(record: bytes, at: int = -1) -> bytes:
    """The record with one bit turned."""
    turned = bytearray(record)
    turned[at] ^= 1
    return bytes(turned)


HEAD = forger.head(forger.envelope(ANNE_PUBLIC))
MEDIA_0, MEDIA_1 = (forger.record(0, at, part, t_ms=500 * at) for at, part in enumerate((b"one", b"two")))
LAST = forger.record(0, 2, b"", flags=FINAL, t_ms=1000)
PEAKS = forger.record(3, 0, b"\x00\xff", flags=FINAL)
META_0 = forger.record(2, 0, pad_json(START))
META_1 = forger.record(2, 1, pad_json(end(3)), flags=FINAL)
META = {**START, **end(3)}


def opened(
    name: str, blob: bytes, meta: object = META, media: bytes = b"onetwo", **more: Any
) -> dict[str, Any]:
    """A case that opens."""
    case = {"name": name, "blob": blob.hex(), "sk": ANNE.hex(), "media": media.hex(), "meta": meta}
    return case | {"peaks": "00ff", "cut_off": False, "seconds": 1.0, "gaps": [], "damaged": False} | more


def refused(name: str, blob: bytes, word: str, **more: Any) -> dict[str, Any]:
    """A case that is refused."""
    return {"name": name, "blob": blob.hex(), "sk": ANNE.hex(), "damaged": False, "refused": word} | more


def opened_cases() -> list[dict[str, Any]]:
    """What a reader opens, and what it must find."""
    two = forger.head(forger.envelope(ANNE_PUBLIC), forger.envelope(BOB_PUBLIC))
    future = forger.record(9, 0, b"from the future") + forger.record(9, 1, b"", flags=FINAL)
    long_start = START | {"remark": "Grüße, " * 1500}
    law = START | {"type": "audio/PCMA"}
    proto = START | {"__proto__": {"kind": "call"}, "constructor": "x"}
    moved = rewrap_envelope(forger.envelope(ANNE_PUBLIC), NOTE_ID, MAILBOX, ANNE, forger.commit, BOB_PUBLIC)
    gap = {"index": 1, "t_ms": 500, "length": 3, "at": 3}
    spoilt = HEAD + META_0 + MEDIA_0 + flip(MEDIA_1)
    whole_last = forger.record(0, 1, b"two", flags=FINAL, t_ms=500)
    return [
        opened("two_recipients_first", two + note()),
        opened("two_recipients_second", two + note(), sk=BOB.hex()),
        opened("unknown_stream_passed_over", HEAD + note(future)),
        opened("long_meta", HEAD + note(start=long_start), {**long_start, **end(3)}),
        opened("pcma", HEAD + note(start=law, media=(ALAW,)), {**law, **end(2)}, media=ALAW),
        opened("proto_is_a_key_like_others", HEAD + note(start=proto), {**proto, **end(3)}),
        opened("rewrapped_row_stands_before_head", HEAD + note(), sk=BOB.hex(), envelopes=[moved.hex()]),
        opened("damaged_gap", spoilt + LAST + PEAKS + META_1, media=b"one", gaps=[gap], damaged=True),
        opened("damaged_last_is_no_end", HEAD + META_0 + MEDIA_0 + MEDIA_1 + flip(LAST) + PEAKS + META_1,
               gaps=[{"index": 2, "t_ms": 1000, "length": 0, "at": 6}], damaged=True, cut_off=True,
               seconds=0.00075),
        opened("final_with_sound", HEAD + META_0 + MEDIA_0 + whole_last + PEAKS + META_1, cut_off=True,
               seconds=0.00075),
        opened("empty_final_meta", HEAD + META_0 + MEDIA_0 + MEDIA_1 + LAST + PEAKS
               + forger.record(2, 1, b"", flags=FINAL), START, seconds=0.00075),
        opened("no_peaks_though_told", HEAD + META_0 + MEDIA_0 + MEDIA_1 + LAST + META_1, peaks="",
               cut_off=True, seconds=0.00075),
        opened("head_alone", HEAD, {}, media=b"", peaks="", cut_off=True, seconds=0.0),
    ]  # fmt: skip


def refused_cases() -> list[dict[str, Any]]:
    """What a reader refuses, and by which word."""
    other_key = Forger(NOTE_ID, key=b"\x55" * 32)
    two_keys = forger.head(forger.envelope(ANNE_PUBLIC), other_key.envelope(BOB_PUBLIC)) + note()
    neighbour = Forger(bytes(16), key=b"\x66" * 32).record(0, 0, b"one")
    future = forger.head(forger.envelope(ANNE_PUBLIC), b"\x02" + forger.envelope(BOB_PUBLIC)[1:])
    mine = forger.envelope(ANNE_PUBLIC)
    zero_dh = mine[:11] + bytes(32) + mine[43:]
    short_body = mine[:9] + (79).to_bytes(2) + mine[11:-1]
    huge_n = HEAD[: -len(mine) - 4] + (1 << 20).to_bytes(4) + mine
    odd_n = HEAD[: -len(mine) - 4] + (len(mine) - 1).to_bytes(4) + mine
    tiny = (TAG - 1).to_bytes(4) + MEDIA_0[4:]
    metas = {
        "meta_no_json": b"{",
        "meta_no_object": b"[1]",
        "meta_no_utf8": b'{"a":"\xff"}',
        "meta_byte_order_mark": b'\xef\xbb\xbf{"a":1}',
        "meta_half_surrogate": b'{"a":"\\ud800"}',
        "meta_half_surrogate_key": b'{"\\udfff":1}',
        "meta_infinite": b'{"seconds":1e999}',
        "meta_infinite_whole": b'{"seconds":' + b"9" * 400 + b"}",
        "meta_nan": b'{"seconds":NaN}',
        "meta_two_values": b"{}{}",
    }
    return [
        refused("commit_attack_second_key", two_keys, "commit", sk=BOB.hex()),
        refused("unknown_stream_altered", HEAD + note(flip(forger.record(9, 0, b"future"))), "record"),
        refused("unknown_stream_out_of_order", HEAD + note(forger.record(9, 1, b"future")), "index"),
        refused("spliced_from_a_neighbour", HEAD + META_0 + neighbour, "record"),
        refused("media_moved_to_peaks", HEAD + META_0 + MEDIA_0[:4] + b"\x03" + MEDIA_0[5:], "record"),
        refused("suite_of_another_recipient", future + note(), "update needed"),
        refused("no_envelope", forger.head() + note(), "not sealed to this key"),
        refused("zero_dh", forger.head(zero_dh) + note(), "envelope"),
        refused("envelope_body_short", forger.head(short_body) + note(), "envelope"),
        refused("envelopes_do_not_fill", odd_n + note(), "head length"),
        refused("head_huge", huge_n + note(), "head length"),
        refused("record_without_tag", HEAD + tiny, "record length"),
        refused("record_without_tag_torn", HEAD + tiny[:14], "record length"),
        refused("final_twice", HEAD + META_0 + MEDIA_0 + MEDIA_1 + LAST + LAST, "after final"),
        refused("damaged_peaks_stay_refused", HEAD + flip(PEAKS), "record", damaged=True),
        refused("damaged_order_stays_refused", HEAD + MEDIA_1 + MEDIA_0, "index", damaged=True),
        *(refused(name, HEAD + forger.record(2, 0, text), "meta") for name, text in metas.items()),
    ]


def vectors() -> dict[str, Any]:
    """All of it."""
    return {
        "about": "More vectors of FORMAT.md; hex unless plainly text. The private keys are for tests only.",
        "note_id": NOTE_ID.hex(),
        "mailbox": MAILBOX,
        "opened": opened_cases(),
        "refused": refused_cases(),
        "claim": {"sk": ANNE.hex(), "user": "us_example", "proof": claim_proof(ANNE, "us_example").hex()},
        "rewrap": {
            "old_sk": ANNE.hex(),
            "new_sk": BOB.hex(),
            "commit": forger.commit.hex(),
            "envelope": forger.envelope(ANNE_PUBLIC).hex(),
            "note_key": NOTE_KEY.hex(),
        },
        "recovery_login": {
            "code": show_recovery_code(RECOVERY),
            "secret": RECOVERY.hex(),
            "auth": recovery_auth(RECOVERY).hex(),
        },
        "hpke_a1": RFC_9180_A1,
    }


RFC_9180_A1 = {
    "about": "RFC 9180 appendix A.1.1: base mode, X25519, HKDF-SHA256, AES-128-GCM",
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "enc": "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    "sk_e": "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    "pk_r": "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    "sk_r": "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    "shared_secret": "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
    "context": "00725611c9d98c07c03f60095cd32d400d8347d45ed67097bbad50fc56da742d07"
    "cb6cffde367bb0565ba28bb02c90744a20f5ef37f30523526106f637abb05449",
    "secret": "12fff91991e93b48de37e7daddb52981084bd8aa64289c3788471d9a9712f397",
    "key": "4531685d41d65f03dc48f6b8302c05b0",
    "base_nonce": "56d890e5accaaf011cff4b7d",
}

if __name__ == "__main__":
    text = json.dumps(vectors(), indent=1, ensure_ascii=False)
    (VECTORS / "sealed-note-1-more.json").write_text(text + "\n", encoding="utf-8")
