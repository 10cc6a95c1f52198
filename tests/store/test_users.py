"""Invitations, logins and sessions, and who tries to get by them."""

import hashlib
import os

import pytest

from bridge.errors import Refused
from bridge.seal.keys import login_challenge, new_keypair
from bridge.seal.keyslot import SlotKind, login_auth, make_keyslot, passphrase_params, recovery_auth
from bridge.store.members import MemberState
from tests.store.house import LOW_ORDER, House, joined

CODE = bytes(range(20))
RECOVERY = recovery_auth(CODE)


def slots(user_id: str, private: bytes, salt: bytes, secret: bytes) -> list[bytes]:
    return [
        make_keyslot(SlotKind.PASSPHRASE, secret, private, user_id, passphrase_params(salt)),
        make_keyslot(SlotKind.RECOVERY, CODE, private, user_id),
    ]


def test_a_link_is_looked_at_used_once_and_then_void(house: House) -> None:
    users = house.store.users
    user, token = users.add("Anna", ["1001", "1002", "1001"])
    assert len(token) >= 43
    assert [seen.mailbox.extension for seen in house.store.mailboxes.of_user(user.id)] == ["1001", "1002"]
    assert {seen.state for seen in house.store.mailboxes.of_user(user.id)} == {MemberState.INVITED}
    for _ in range(2):
        assert users.look_token(token) == user
    private, public = new_keypair()
    salt, secret = os.urandom(16), os.urandom(32)
    made = slots(user.id, private, salt, secret)
    auth = login_auth(secret)
    after = users.join(token, public=public, slots=made, salt=salt, login=auth, recovery=RECOVERY)
    assert after.public == public
    assert users.slots(user.id) == made
    assert users.look_token(token) is None
    with pytest.raises(Refused, match="link"):
        users.join(token, public=public, slots=made, salt=salt, login=auth, recovery=RECOVERY)
    with pytest.raises(Refused, match="joined already"):
        users.reissue("anna")
    assert {seen.state for seen in house.store.mailboxes.of_user(user.id)} == {MemberState.WAITING}
    assert users.check_login("ANNA", auth) == users.check_login("anna", RECOVERY) == users.get(user.id)
    for name, wrong in (
        ("Anna", bytes(32)),
        ("Anna", b""),
        ("Anna", CODE),
        ("Anna", recovery_auth(secret)),
        ("Anna", login_auth(CODE)),
        ("Eve", auth),
        ("Eve", RECOVERY),
        ("", b""),
        ("\ud800", b""),
    ):
        assert users.check_login(name, wrong) is None


def test_neither_programs_nor_the_invited_nor_who_has_no_code_log_in_by_one(house: House) -> None:
    users = house.store.users
    joined(house.store, "Robot", "1001")
    users.add("Bert", ["1001"])
    user, token = users.add("Anna", ["1001"])
    private, public = new_keypair()
    salt, secret, prf = os.urandom(16), os.urandom(32), os.urandom(32)
    by_passkey = [
        slots(user.id, private, salt, secret)[0],
        make_keyslot(SlotKind.PASSKEY, prf, private, user.id),
    ]
    auth = login_auth(secret)
    with pytest.raises(Refused, match="login"):
        users.join(token, public=public, slots=by_passkey, salt=salt, login=auth, recovery=RECOVERY)
    users.join(token, public=public, slots=by_passkey, salt=salt, login=auth, recovery=None)
    assert users.check_login("Anna", auth) is not None
    for name in ("Robot", "Bert", "Anna"):
        for shown in (RECOVERY, bytes(32), b"", recovery_auth(b"")):
            assert users.check_login(name, shown) is None


def test_no_secret_of_a_user_is_in_the_files(house: House) -> None:
    users = house.store.users
    user, token = users.add("Anna", ["1001"])
    private, public = new_keypair()
    salt, secret = os.urandom(16), os.urandom(32)
    auth = login_auth(secret)
    made = slots(user.id, private, salt, secret)
    users.join(token, public=public, slots=made, salt=salt, login=auth, recovery=RECOVERY)
    _, open_token = users.add("Bert", ["1001"])
    session = house.store.sessions.open(user.id, "cookie")
    data = b"".join(path.read_bytes() for path in house.data.rglob("*") if path.is_file())
    assert hashlib.sha256(auth).digest() in data
    assert hashlib.sha256(RECOVERY).digest() in data
    tokens = (token.encode(), open_token.encode(), session.encode())
    for clear in (*tokens, auth, RECOVERY, secret, CODE, private):
        assert clear not in data


def test_a_link_is_void_after_a_day_or_when_a_new_one_is_asked_for(house: House) -> None:
    users = house.store.users
    user, first = users.add("Anna", ["1001"])
    again, second = users.reissue("Anna")
    assert again == user
    assert users.look_token(first) is None
    house.clock.turn(hours=23, minutes=59)
    assert users.look_token(second) == user
    house.clock.turn(minutes=1)
    assert users.look_token(second) is None
    house.store.tidy()
    _, third = users.reissue("Anna")
    assert users.look_token(third) == user
    with pytest.raises(Refused, match="no such user"):
        users.reissue("Eve")


def test_joining_without_two_ways_in_or_with_odd_keys_is_refused_and_the_link_stays(house: House) -> None:
    users = house.store.users
    user, token = users.add("Anna", ["1001"])
    private, public = new_keypair()
    salt, secret = os.urandom(16), os.urandom(32)
    good = slots(user.id, private, salt, secret)
    auth = login_auth(secret)
    other_salt = make_keyslot(
        SlotKind.PASSPHRASE, secret, private, user.id, passphrase_params(os.urandom(16))
    )
    cheap = passphrase_params(salt).replace("65536", "8")
    cheap_slot = make_keyslot(SlotKind.PASSPHRASE, secret, private, user.id, cheap)
    for bad in (
        [],
        good[:1],
        good[1:],
        [good[0], good[0]],
        [*good, good[0]],
        [other_salt, good[1]],
        [cheap_slot, good[1]],
        [good[0], good[1][:-1]],
        [good[0], b""],
        [good[0], b"\x09\0\0" + bytes(60)],
        good * 20,
        [good[0], bytes(2000)],
    ):
        with pytest.raises(Refused, match="keyslots"):
            users.join(token, public=public, slots=bad, salt=salt, login=auth, recovery=RECOVERY)
    for login, recovery in (
        (b"short", RECOVERY),
        (b"", RECOVERY),
        (auth, b"short"),
        (auth, b""),
        (auth, CODE),
        (auth, None),
    ):
        with pytest.raises(Refused, match="login"):
            users.join(token, public=public, slots=good, salt=salt, login=login, recovery=recovery)
    for key in (bytes(32), public[:-1], b"", *LOW_ORDER):
        with pytest.raises(Refused, match="public key"):
            users.join(token, public=key, slots=good, salt=salt, login=auth, recovery=RECOVERY)
        with pytest.raises(Refused, match="public key"):
            users.add_with_key("Robot", ["1001"], key)
    assert users.look_token(token) == user
    after = users.join(token, public=public, slots=good, salt=salt, login=auth, recovery=RECOVERY)
    assert after.id == user.id


def test_a_login_does_not_tell_whether_a_name_exists(house: House) -> None:
    users = house.store.users
    joined(house.store, "Robot", "1001")
    user, token = users.add("Anna", ["1001"])
    invited_salt, _ = users.login_salt("Anna")
    private, public = new_keypair()
    salt, secret = os.urandom(16), os.urandom(32)
    made, auth = slots(user.id, private, salt, secret), login_auth(secret)
    users.join(token, public=public, slots=made, salt=salt, login=auth, recovery=RECOVERY)
    answers = {
        name: users.login_salt(name) for name in ("Anna", "Robot", "Eve", "Mallory", "", "\ud800", "x" * 5000)
    }
    assert answers["Anna"][0] == salt.hex() != invited_salt
    assert len({found for found, _ in answers.values()}) == len(answers)
    for name, (found, params) in answers.items():
        assert users.login_salt(name) == (found, params)
        assert params == {"kdf": "argon2id", "m_kib": 65536, "p": 1, "salt": found, "t": 3, "v": 19}
    house.open_again()
    assert house.store.users.login_salt("Eve") == answers["Eve"]
    assert house.store.users.login_salt("  EVE ") == answers["Eve"]


@pytest.mark.parametrize("other", ["Anna", "anna", " ANNA ", "Ａｎｎａ"])
def test_names_that_read_the_same_are_one_user(other: str, house: House) -> None:
    house.store.users.add("Anna", ["1001"])
    with pytest.raises(Refused, match="user name taken"):
        house.store.users.add(other, ["1002"])
    assert house.store.mailboxes.by_extension("1002") is None
    with pytest.raises(Refused, match="mailbox name"):
        house.store.users.add("Bert", ["1001", "no way"])
    assert house.store.users.by_name("Bert") is None
    assert [user.name for user in house.store.users.all()] == ["Anna"]


def test_a_cookie_lives_on_while_it_is_used_and_a_bearer_does_not(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    sessions = house.store.sessions
    cookie, (bearer, until) = sessions.open(anna.id, "cookie"), sessions.open_until(anna.id, "bearer")
    assert (until - house.clock.now).total_seconds() == 12 * 3600
    house.clock.turn(hours=11, minutes=59)
    assert sessions.user(bearer) == sessions.user(cookie) == house.store.users.get(anna.id)
    house.clock.turn(minutes=1)
    assert sessions.user(bearer) is None
    for _ in range(4):
        house.clock.turn(days=29)
        assert sessions.user(cookie) is not None
    house.clock.turn(days=30)
    assert sessions.user(cookie) is None
    for odd in ("", "x", "\ud800", bearer + "x"):
        assert sessions.user(odd) is None


def test_a_closed_session_is_closed_for_good(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    sessions = house.store.sessions
    here, there = sessions.open(anna.id, "cookie"), sessions.open(anna.id, "cookie")
    assert sessions.form_mark(here) != sessions.form_mark(there)
    sessions.close(here)
    sessions.close("unknown")
    assert (sessions.user(here), sessions.user(there) is None) == (None, False)
    house.open_again()
    assert house.store.sessions.user(here) is None
    assert house.store.sessions.user(there) is not None
    with pytest.raises(ValueError, match="admin"):
        sessions.open(anna.id, "admin")


def test_a_challenge_is_answered_once_and_within_a_minute(house: House) -> None:
    anna = joined(house.store, "Anna", "1001")
    challenges = house.store.challenges
    _, answer = login_challenge(anna.public, anna.id, "http://localhost:8080")
    asked = challenges.create(anna.id, answer)
    assert challenges.take(asked, answer) == anna.id
    assert challenges.take(asked, answer) is None
    wrong = challenges.create(anna.id, answer)
    assert challenges.take(wrong, bytes(32)) is None
    assert challenges.take(wrong, answer) is None, "a wrong answer uses it up"
    late = challenges.create(anna.id, answer)
    house.clock.turn(seconds=60)
    assert challenges.take(late, answer) is None
    assert challenges.take("unknown", answer) is None


def test_a_flood_of_challenges_has_an_end(house: House) -> None:
    ids = [house.store.challenges.create("us_x", b"answer") for _ in range(1100)]
    assert house.store.challenges.take(ids[0], b"answer") is None
    assert house.store.challenges.take(ids[-1], b"answer") == "us_x"
