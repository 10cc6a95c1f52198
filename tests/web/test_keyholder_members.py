"""Programs that claim a mailbox, are let in, or let others in."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from bridge import keyholder
from bridge.errors import Refused
from bridge.seal.keys import mailbox_wrap, public_of
from bridge.seal.layout import kid, lp
from tests.store.house import claim, joined
from tests.web.programs import Streams, key_of, recorded
from tests.web.town import CALLER_NUMBER, Town


def test_the_first_use_claims_what_is_nobodys_and_seals_older_notes_anew(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    row_id, take = recorded(served, "4004")
    dora = joined(served.store, "dora", "4004")
    key = key_of(served, dora, tmp_path)
    assert keyholder.notes(key, as_json=True) == 0
    told = capsys.readouterr()
    assert "mailbox 4004 was nobody's yet" in told.err
    assert "2 older calls and notes" in told.err
    assert [row["id"] for row in json.loads(told.out)] == [row_id]
    box = served.box("4004")
    assert (box.state, box.epoch) == ("private", 1)
    assert served.store.envelopes.left(box.id) == 0
    served.store.tidy()
    assert keyholder.open_note(take.id.hex(), key, tmp_path / "old.wav") == 0
    assert take.sent in (tmp_path / "old.wav").read_bytes()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("lost", ["claim/confirm", "rewraps", "me"])
def test_a_claim_that_is_interrupted_goes_on_at_the_next_use(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    _, take = recorded(served, "4004")
    dora = joined(served.store, "dora", "4004")
    key = key_of(served, dora, tmp_path)
    real = keyholder.client.Client._ask
    seen: list[str] = []

    def dies(self: keyholder.client.Client, method: str, path: str, *rest: object) -> object:
        answer = real(self, method, path, *rest)  # type: ignore[arg-type]
        seen.append(path)
        if path.endswith(lost) and (lost != "me" or seen.count("me") == 2):
            raise KeyboardInterrupt  # the answer is lost on its way
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(keyholder.client.Client, "_ask", dies)
        with pytest.raises(KeyboardInterrupt):
            keyholder.notes(key, as_json=True)
    capsys.readouterr()
    assert keyholder.notes(key, as_json=True) == 0
    ((note,),) = [row["notes"] for row in json.loads(capsys.readouterr().out)]
    assert note["id"] == take.id.hex()
    assert served.store.envelopes.left(served.box("4004").id) == 0


def test_a_members_rubbish_costs_the_others_no_note(served: Town, tmp_path: Path, capsys: Streams) -> None:
    """Dora's claim broke off before older notes got new envelopes; Mallory, let in by then, sends his."""
    row_id, take = recorded(served, "4004")
    store = served.store
    dora, mallory = joined(store, "dora", "4004"), joined(store, "mallory", "4004")
    box = served.box("4004")
    keys = claim(store, dora, box.id)
    wraps = [
        (epoch, mailbox_wrap(mallory.public, mallory.id, box.id, epoch, secret, public_of(secret)))
        for epoch, secret in keys.items()
    ]
    store.mailboxes.approve(box.id, dora.id, mallory.id, mallory.public, wraps)
    junk = [
        (item.id, b"\1" + kid(public_of(keys[1])) + lp(os.urandom(80)))
        for item in store.mailboxes.pending_rewraps(box.id, 100)
    ]
    assert (len(junk), store.mailboxes.put_envelopes(box.id, mallory.id, junk)) == (2, 0)
    store.tidy()
    key = key_of(served, dora, tmp_path)
    assert keyholder.notes(key, as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["from_number"], row.get("problem")) == (row_id, CALLER_NUMBER, None)
    assert (row["notes"][0]["seconds"], row["notes"][0].get("problem")) == (1.5, None)
    assert keyholder.open_note(take.id.hex(), key, tmp_path / "kept.wav") == 0
    assert take.sent in (tmp_path / "kept.wav").read_bytes()


def test_a_member_lets_another_in_and_both_hear_the_same(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    _, take = recorded(served, "1001")
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    assert keyholder.notes(bob, as_json=True) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert "a member must approve" in told.err
    assert keyholder.open_note(take.id.hex(), bob, tmp_path / "bob.wav") == 4
    assert keyholder.approve("Bob", "1001", alice) == 0
    told = capsys.readouterr()
    assert f"the key of bob is {kid(served.bob.public).hex(' ', 2)}" in told.err
    assert told.out == "bob can read mailbox 1001 now.\n"
    assert keyholder.approve("bob", "1001", alice) == 0
    assert keyholder.open_note(take.id.hex(), bob, tmp_path / "bob.wav") == 0
    assert take.sent in (tmp_path / "bob.wav").read_bytes()


@pytest.mark.parametrize(("said", "code"), [("n\n", 3), ("", 3), ("yes\n", 0)])
def test_who_sits_at_a_terminal_is_asked_whether_the_fingerprint_is_the_same(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch, said: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(said))
    assert keyholder.approve("bob", "1001", key_of(served, served.alice, tmp_path)) == code
    told = capsys.readouterr().err
    assert told.index("the key of bob is") < told.index("Does he read you the same?")
    states = {
        member.name: str(member.state) for member in served.store.mailboxes.members(served.box("1001").id)
    }
    assert states["bob"] == ("member" if code == 0 else "waiting")


def test_nobody_lets_himself_or_a_stranger_in(served: Town, tmp_path: Path, capsys: Streams) -> None:
    served.store.users.add("invited", ["1001"])
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    assert keyholder.approve("bob", "1001", bob) == 3
    assert keyholder.approve("bob", "2002", alice) == 4
    assert keyholder.approve("nobody", "1001", alice) == 4
    assert keyholder.approve("carol", "1001", alice) == 4
    assert keyholder.approve("invited", "1001", alice) == 3
    assert "has not joined yet" in capsys.readouterr().err
    states = {
        member.name: str(member.state) for member in served.store.mailboxes.members(served.box("1001").id)
    }
    assert states == {"alice": "member", "bob": "waiting", "invited": "invited"}


def test_a_mailbox_that_somebody_else_was_faster_to_claim_hides_no_other(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id, _ = recorded(served, "4004")
    served.call("5005")
    dora, erin = joined(served.store, "dora", "4004", "5005"), joined(served.store, "erin", "5005")
    key = key_of(served, dora, tmp_path)
    real = keyholder.keyring.Keyring._claim

    def late(self: keyholder.keyring.Keyring, box: keyholder.keyring.Box) -> None:
        if box.extension == "5005":
            claim(served.store, erin, box.id)
        real(self, box)

    monkeypatch.setattr(keyholder.keyring.Keyring, "_claim", late)
    assert keyholder.notes(key, as_json=True) == 0
    told = capsys.readouterr()
    assert "mailbox 5005 could not be claimed: Somebody has claimed this mailbox" in told.err
    assert [row["id"] for row in json.loads(told.out)] == [row_id]


def test_a_member_removes_another_whose_key_opens_no_later_note(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    _, old = recorded(served, "1001")
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    assert keyholder.approve("bob", "1001", alice) == 0
    keys = served.bob.keys(served.store, served.box("1001").id)
    capsys.readouterr()
    assert keyholder.remove("Bob", "1001", alice) == 0
    told = capsys.readouterr()
    assert told.out == "bob reads nothing of mailbox 1001 any more.\n"
    assert "bob may keep what he has heard or saved" in told.err
    assert f"the new key is for alice ({kid(served.alice.public).hex(' ', 2)})" in told.err
    assert "mailbox 1001: 2 older calls and notes are sealed to the new key now" in told.err
    assert served.store.envelopes.left(served.box("1001").id) == 0

    _, new = recorded(served, "1001")
    assert keyholder.open_note(new.id.hex(), alice, tmp_path / "new.wav") == 0
    assert new.sent in (tmp_path / "new.wav").read_bytes()
    assert keyholder.open_note(old.id.hex(), alice, tmp_path / "old.wav") == 0
    assert old.sent in (tmp_path / "old.wav").read_bytes()
    assert keyholder.open_note(new.id.hex(), bob, tmp_path / "bob.wav") == 4
    for key in keys.values():
        with pytest.raises(Refused, match="not sealed to this key"):
            new.opened(served.store, key)


def test_a_member_leaves_and_the_list_tells_who_is_left(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    served.store.users.add("invited", ["1001"])
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    assert keyholder.approve("bob", "1001", alice) == 0
    assert keyholder.remove("invited", "1001", alice) == 0
    assert keyholder.remove("alice", "1001", alice) == 0
    capsys.readouterr()
    assert keyholder.members("1001", bob) == 0  # and makes a key that alice never had
    key = kid(served.box("1001").public).hex(" ", 2)
    assert capsys.readouterr().out == (
        f"mailbox 1001  {key}  key 3\nbob  {kid(served.bob.public).hex(' ', 2)}  reads this mailbox\n"
    )
    assert keyholder.members("1001", alice) == 4
    assert keyholder.remove("bob", "1001", bob) == 1
    assert "Nobody else could read this mailbox then." in capsys.readouterr().err
    assert keyholder.remove("carol", "1001", bob) == 4


def test_somebody_who_is_let_in_meanwhile_gets_the_new_key_as_well(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = joined(served.store, "dora", "1001")
    alice = key_of(served, served.alice, tmp_path)
    assert keyholder.approve("bob", "1001", alice) == 0
    real = keyholder.client.Client.post
    made: list[str] = []

    def late(self: keyholder.client.Client, path: str, body: object) -> object:
        if path.endswith("/remove") and not made:
            made.append(path)
            assert keyholder.approve("dora", "1001", alice) == 0
        return real(self, path, body)

    monkeypatch.setattr(keyholder.client.Client, "post", late)
    assert keyholder.remove("bob", "1001", alice) == 0
    box = served.box("1001")
    assert (made != [], box.epoch) == (True, 2)
    assert dora.keys(served.store, box.id) == served.alice.keys(served.store, box.id)
    assert sorted(dora.keys(served.store, box.id)) == [0, 1, 2]


@pytest.mark.parametrize(("said", "code"), [("n\n", 3), ("y\n", 0)])
def test_who_sits_at_a_terminal_is_asked_before_somebody_goes(
    served: Town, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch, said: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(said))
    assert keyholder.remove("bob", "1001", key_of(served, served.alice, tmp_path)) == code
    assert "Remove bob from mailbox 1001?" in capsys.readouterr().err
    names = [member.name for member in served.store.mailboxes.members(served.box("1001").id)]
    assert names == (["alice"] if code == 0 else ["alice", "bob"])


def test_a_program_that_is_left_alone_makes_a_key_that_who_left_never_had(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    assert keyholder.approve("bob", "1001", alice) == 0
    assert keyholder.remove("bob", "1001", bob) == 0
    assert served.box("1001").epoch == 2
    capsys.readouterr()
    for said in (True, False):
        assert keyholder.notes(alice, as_json=True) == 0
        assert ("mailbox 1001 has a new key" in capsys.readouterr().err) is said
    assert served.box("1001").epoch == 3
    assert sorted(served.alice.keys(served.store, served.box("1001").id)) == [0, 1, 2, 3]


def test_a_program_closes_a_new_key_for_others_only_when_somebody_tells_it_to(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    dora = joined(served.store, "dora", "1001")
    alice, bob = key_of(served, served.alice, tmp_path), key_of(served, served.bob, tmp_path)
    for name in ("bob", "dora"):
        assert keyholder.approve(name, "1001", alice) == 0
    assert keyholder.remove("bob", "1001", bob) == 0
    capsys.readouterr()
    assert keyholder.notes(alice, as_json=True) == 0
    assert "`member new-key --mailbox 1001` gives it another" in capsys.readouterr().err
    assert served.box("1001").epoch == 2
    assert keyholder.new_key("1001", alice) == 0
    told = capsys.readouterr()
    assert f"the new key is for dora ({kid(dora.public).hex(' ', 2)})" in told.err
    assert told.out == "Mailbox 1001 has a new key.\n"
    assert keyholder.notes(alice, as_json=True) == 0
    assert "new-key" not in capsys.readouterr().err
    box = served.box("1001")
    assert (box.epoch, dora.keys(served.store, box.id)) == (3, served.alice.keys(served.store, box.id))
    assert keyholder.new_key("1001", bob) == 4
