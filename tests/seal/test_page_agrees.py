"""What the page makes opens in Python: slots, wraps, claims and envelopes of a new epoch."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.seal import keys
from bridge.seal.open import open_note
from tests.seal.forge import MAILBOX, tell

NODE = shutil.which("node")
USER = "us_aaaabbbbccccdddd"
PASSPHRASE = "café Ⅷ bridge lamp"


@pytest.mark.skipif(NODE is None, reason="node is not installed; the page's own tests need it too")
def test_what_the_page_made_at_its_first_visit_opens_everywhere() -> None:
    told = tell([b"hello " * 50])
    asked = {
        "userId": USER, "mailboxId": MAILBOX, "passphrase": PASSPHRASE, "noteId": told.note_id.hex(),
        "envelope": told.sealer.envelopes[0].hex(), "commit": told.sealer.commit.hex(),
        "oldSecret": told.private.hex(),
    }  # fmt: skip
    run = subprocess.run(
        ["node", "--no-warnings", str(Path(__file__).with_name("page.js"))],
        input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    page: dict[str, str] = json.loads(run.stdout)
    public, private = bytes.fromhex(page["userPublic"]), bytes.fromhex(page["userSecret"])
    assert keys.public_of(private) == public

    slot = bytes.fromhex(page["passphraseSlot"])
    assert keys.slot_params(slot) == (keys.SlotKind.PASSPHRASE, page["params"])
    secret = keys.passphrase_secret(PASSPHRASE, page["params"])
    assert keys.login_auth(secret).hex() == page["login"]
    assert keys.open_keyslot(slot, secret, public, USER) == private
    code = keys.parse_recovery_code(page["code"])
    assert keys.recovery_auth(code).hex() == page["recovery"]
    assert keys.open_keyslot(bytes.fromhex(page["recoverySlot"]), code, public, USER) == private

    m_private = keys.open_mailbox_wrap(
        bytes.fromhex(page["wrap"]), user_private=private, user_id=USER, mailbox_id=MAILBOX, epoch=1,
        m_public=bytes.fromhex(page["epochOnePublic"]),
    )  # fmt: skip
    assert m_private.hex() == page["epochOneSecret"]
    assert keys.claim_proof(told.private, USER).hex() == page["proof"]
    note = open_note(
        told.blob, note_id=told.note_id, mailbox_id=MAILBOX, secret=m_private,
        envelopes=[bytes.fromhex(page["envelope"])],
    )  # fmt: skip
    assert note.media == b"hello " * 50
