"""Address books that the page sealed, opened in Python: the same bytes, the same proof."""

import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.seal.layout import lp
from bridge.seal.note import split_head
from bridge.seal.open import OpenedNote, open_note

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "addressbook-1.json").read_text(encoding="utf-8")
)
PAGE = """
import { readFileSync } from "node:fs";

import { sealBook } from "../../web/js/book/sealed.js";
import { fromHex, toHex } from "../../web/js/seal/bytes.js";
import { importKeypair } from "../../web/js/seal/curve.js";

const [secret, user, contacts] = JSON.parse(readFileSync(0, "utf8"));
const key = await importKeypair(fromHex(secret));
process.stdout.write(toHex((await sealBook(contacts, { user, key })).sealed));
"""


def opened(sealed: bytes) -> OpenedNote:
    return open_note(
        sealed,
        note_id=split_head(sealed).note_id,
        mailbox_id=VECTOR["user"],
        secret=bytes.fromhex(VECTOR["secret"]),
    )


def proof(note_id: bytes, data: bytes) -> str:
    """What FORMAT.md says of it, in other hands."""
    secret, public = bytes.fromhex(VECTOR["secret"]), bytes.fromhex(VECTOR["public"])
    shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    info = b"sn1 addressbook" + lp(VECTOR["user"].encode())
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(shared)
    return hmac.new(key, note_id + hashlib.sha256(data).digest(), "sha256").hexdigest()


def check(sealed: bytes, contacts: list[dict[str, Any]]) -> None:
    note = opened(sealed)
    head = split_head(sealed)
    assert (head.mailbox_id.decode(), len(head.envelopes)) == (VECTOR["user"], 1)
    assert not note.cut_off
    assert note.meta["proof"] == proof(head.note_id, note.media)
    assert {key: note.meta[key] for key in ("v", "kind", "type")} == {
        "v": 1, "kind": "addressbook", "type": "application/json"
    }  # fmt: skip
    assert len(note.media) % 4096 == 0
    told = json.loads(note.media)
    entries = [{"note": "", **entry} for entry in told.pop("entries")]
    assert (told, entries) == ({"v": 1, "kind": "addressbook"}, contacts)


def test_the_vector_opens_and_its_proof_is_its_owners() -> None:
    sealed = bytes.fromhex(VECTOR["sealed"])
    assert split_head(sealed).note_id.hex() == VECTOR["version"]
    check(sealed, VECTOR["contacts"])


@pytest.mark.parametrize("refused", VECTOR["refused"], ids=lambda refused: refused["why"])
def test_what_the_page_refuses_is_refused_here_or_has_another_proof(refused: dict[str, Any]) -> None:
    sealed = bytes.fromhex(refused["sealed"])
    if refused["word"] != "address book":
        with pytest.raises(Exception, match=refused["word"]):
            opened(sealed)
        return
    note = opened(sealed)
    honest = note.meta.get("proof") == proof(split_head(sealed).note_id, note.media)
    assert note.cut_off or not honest


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; the page needs it too")
def test_what_the_page_seals_now_opens_in_python() -> None:
    contacts = [
        {"name": f"Person {n} <b>ä😀</b>", "numbers": [str(n), "+49 30"], "note": ""} for n in range(9000)
    ]
    run = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", PAGE],
        input=json.dumps([VECTOR["secret"], VECTOR["user"], contacts]),
        capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parent,
    )  # fmt: skip
    check(bytes.fromhex(run.stdout), contacts)
