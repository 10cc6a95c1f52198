"""The keys around a note, and those who hold a wrong one."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bridge.errors import Refused, SettingError
from bridge.seal import hpke, keys
from bridge.seal.derive import open_envelopes
from bridge.seal.keys import KeyFile, SlotKind
from bridge.seal.layout import split_envelopes
from tests.seal.forge import MAILBOX, Forger, tell

USER = "us_aaaabbbbccccdddd"
ORIGIN = "https://notes.example"
LOW_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)


def word_of(attempt: Callable[[], object]) -> str:
    """The word by which an attempt is refused."""
    with pytest.raises(Refused) as refusal:
        attempt()
    return refusal.value.word


def test_a_lost_passphrase_the_recovery_code_brings_the_key_back() -> None:
    private, public = keys.new_keypair()
    code, secret = keys.new_recovery_code()
    slot = keys.make_keyslot(SlotKind.RECOVERY, secret, private, USER)
    typed = keys.parse_recovery_code(code.replace("-", "").lower())
    assert keys.open_keyslot(slot, typed, public, USER) == private


def test_a_slot_says_the_same_to_everyone_it_is_not_for() -> None:
    private, public = keys.new_keypair()
    _, secret = keys.new_recovery_code()
    slot = keys.make_keyslot(SlotKind.RECOVERY, secret, private, USER)
    attempts: list[Callable[[], object]] = [
        lambda: keys.open_keyslot(slot, bytes(20), public, USER),
        lambda: keys.open_keyslot(slot, secret, public, "us_other"),
        lambda: keys.open_keyslot(slot, secret, keys.new_keypair()[1], USER),
        *(partial(keys.open_keyslot, slot[:length], secret, public, USER) for length in range(len(slot))),
    ]
    for bit in range(len(slot) * 8):
        turned = bytearray(slot)
        turned[bit // 8] ^= 1 << bit % 8
        attempts.append(partial(keys.open_keyslot, bytes(turned), secret, public, USER))
    assert {word_of(attempt) for attempt in attempts} == {"wrong secret"}


@pytest.mark.parametrize(
    "change",
    [{"m_kib": 65535}, {"t": 2}, {"p": 2}, {"v": 16}, {"kdf": "argon2i"}, {"salt": "00"}, {"salt": "zz"},
     {"salt": None}, {"m_kib": 1 << 30}, {"t": 10**9}, {"t": "3"}, {"t": 3.5}, {"m_kib": True}],
)  # fmt: skip
def test_a_server_that_asks_for_a_cheap_or_endless_argon2_is_refused(change: dict[str, object]) -> None:
    params = json.dumps(json.loads(keys.passphrase_params()) | change)
    assert word_of(lambda: keys.passphrase_secret("lamp", params)) == "passphrase parameters"


@pytest.mark.parametrize("params", ["", "null", "[]", "{}", "[" * 100000])
def test_params_that_are_none_are_refused(params: str) -> None:
    assert word_of(lambda: keys.passphrase_secret("lamp", params)) == "passphrase parameters"


def test_params_of_a_new_slot_are_ours_with_a_salt_of_their_own() -> None:
    one, two = (json.loads(keys.passphrase_params()) for _ in range(2))
    assert one.pop("salt") != two.pop("salt")
    assert one == {"kdf": "argon2id", "m_kib": 65536, "p": 1, "t": 3, "v": 19}


def test_what_cannot_be_a_recovery_code_is_told_at_once() -> None:
    code, _ = keys.new_recovery_code()
    for text in ("", code[1:], code + "0", "U" + code[1:], "ß" + code[1:], "🔑" + code[1:], code * 9):
        assert word_of(partial(keys.parse_recovery_code, text)) == "recovery code"


def test_a_wrap_goes_to_one_member_one_mailbox_and_one_epoch() -> None:
    user, m = keys.new_keypair(), keys.new_keypair()
    wrap = keys.mailbox_wrap(user[1], USER, MAILBOX, 1, m[0], m[1])

    def unwrap(
        private: bytes = user[0],
        user_id: str = USER,
        mailbox: str = MAILBOX,
        epoch: int = 1,
        public: bytes = m[1],
    ) -> bytes:
        return keys.open_mailbox_wrap(
            wrap, user_private=private, user_id=user_id, mailbox_id=mailbox, epoch=epoch, m_public=public
        )

    assert unwrap() == m[0]
    stranger = keys.new_keypair()
    wrong = [
        lambda: unwrap(private=stranger[0]),
        lambda: unwrap(user_id="us_other"),
        lambda: unwrap(mailbox="mb_other"),
        lambda: unwrap(epoch=2),
        lambda: unwrap(public=stranger[1]),
    ]
    assert {word_of(attempt) for attempt in wrong} == {"mailbox key"}


def test_a_server_that_plants_its_own_key_under_the_mailboxs_name_is_found_out() -> None:
    user, pinned, planted = keys.new_keypair(), keys.new_keypair(), keys.new_keypair()
    wrap = keys.mailbox_wrap(user[1], USER, MAILBOX, 1, planted[0], pinned[1])
    assert (
        word_of(
            lambda: keys.open_mailbox_wrap(
                wrap, user_private=user[0], user_id=USER, mailbox_id=MAILBOX, epoch=1, m_public=pinned[1]
            )
        )
        == "mailbox key"
    )


def test_a_challenge_is_answered_by_its_user_to_its_server_only() -> None:
    private, public = keys.new_keypair()
    challenge, answer = keys.login_challenge(public, USER, ORIGIN)
    assert keys.answer_challenge(private, public, USER, ORIGIN, challenge) == answer
    assert len(answer) == 32
    stranger = keys.new_keypair()
    wrong = [
        lambda: keys.answer_challenge(private, public, USER, "https://evil.example", challenge),
        lambda: keys.answer_challenge(private, public, "us_other", ORIGIN, challenge),
        lambda: keys.answer_challenge(*stranger, USER, ORIGIN, challenge),
        lambda: keys.answer_challenge(private, public, USER, ORIGIN, challenge[:-1]),
        lambda: keys.answer_challenge(private, public, USER, ORIGIN, b""),
    ]
    assert {word_of(attempt) for attempt in wrong} == {"challenge"}


def test_a_claim_is_proven_for_one_member() -> None:
    m = keys.new_keypair()[0]
    assert keys.claim_proof(m, USER) == keys.claim_proof(m, USER)
    assert keys.claim_proof(m, USER) != keys.claim_proof(m, "us_other")
    assert keys.claim_proof(m, USER) != keys.claim_proof(keys.new_keypair()[0], USER)


def test_an_old_note_goes_over_to_a_new_epoch() -> None:
    told, new = tell(), keys.new_keypair()
    envelope = told.sealer.envelopes[0]
    args = (envelope, told.note_id, MAILBOX, told.private, told.sealer.commit, new[1])
    renewed = keys.rewrap_envelope(*args, new_private=new[0])
    opened = open_envelopes(
        split_envelopes(renewed), told.note_id, MAILBOX.encode(), told.sealer.commit, *new
    )
    assert len(opened) == 32
    stranger = keys.new_keypair()[0]
    assert word_of(lambda: keys.rewrap_envelope(*args, new_private=stranger)) == "envelope"


def test_a_server_cannot_have_a_foreign_note_key_rewrapped() -> None:
    told, new = tell(), keys.new_keypair()
    planted = Forger(told.note_id).envelope(told.public)
    args = (told.note_id, MAILBOX, told.private, told.sealer.commit, new[1])
    assert word_of(lambda: keys.rewrap_envelope(planted, *args)) == "commit"
    assert word_of(lambda: keys.rewrap_envelope(planted[:-1], *args)) == "head length"
    elsewhere = (told.note_id, "mb_other", told.private, told.sealer.commit, new[1])
    assert word_of(lambda: keys.rewrap_envelope(told.sealer.envelopes[0], *elsewhere)) == "envelope"


@pytest.mark.parametrize("point", LOW_ORDER)
def test_a_key_of_low_order_is_refused_on_both_sides(point: bytes) -> None:
    private = keys.new_keypair()[0]
    assert word_of(lambda: hpke.seal(point, b"info", b"hello")) == "public key"
    assert word_of(lambda: hpke.open(private, b"info", point + bytes(40))) == "envelope"


def test_a_key_file_is_its_owners_alone_and_comes_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "anne.key"
    key = KeyFile(server=ORIGIN, user=USER, private=keys.new_keypair()[0])
    key.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile.load(path) == key
    assert KeyFile.load(path).public == keys.public_of(key.private)
    assert json.loads(path.read_text()) == {
        "version": 1, "server": ORIGIN, "user": USER, "sk": key.private.hex(),
    }  # fmt: skip
    assert key.private.hex() not in repr(key)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "anne.key"
    first = KeyFile(server=ORIGIN, user=USER, private=keys.new_keypair()[0])
    first.save(path)
    with pytest.raises(SettingError, match="only copy"):
        KeyFile(server=ORIGIN, user=USER, private=keys.new_keypair()[0]).save(path)
    assert KeyFile.load(path) == first
    with pytest.raises(SettingError, match="cannot be written"):
        first.save(tmp_path / "no" / "such" / "folder")


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "anne.key"
    KeyFile(server=ORIGIN, user=USER, private=keys.new_keypair()[0]).save(path)
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(SettingError, match="0600"):
            KeyFile.load(path)


@pytest.mark.parametrize(
    "text",
    [b"", b"not json", b"[]", b"{}", b'{"version":2,"server":"s","user":"u","sk":"' + b"00" * 32 + b'"}',
     b'{"version":1,"server":"s","user":"u","sk":"00"}', b'{"version":1,"server":"s","user":"u","sk":7}',
     b"\xff\xfe", b"[" * 60000],
)  # fmt: skip
def test_what_is_no_key_file_is_told_without_its_contents(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "anne.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(SettingError, match="is not a key file"):
        KeyFile.load(path)
    with pytest.raises(SettingError, match="cannot be read"):
        KeyFile.load(tmp_path / "missing.key")
