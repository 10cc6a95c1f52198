"""The recovery key from the command line to the note: made, let in by a member, reading, and turned off."""

import json
from pathlib import Path

import pytest

from bridge import cli, keyholder
from bridge.seal.keyfile import KeyFile
from bridge.seal.layout import kid
from tests.loop import in_loop
from tests.store.house import joined
from tests.web.programs import Streams, key_of, recorded
from tests.web.town import API, CALLER_NUMBER, Town


@pytest.fixture
def ran(served: Town, monkeypatch: pytest.MonkeyPatch, capsys: Streams) -> "Ran":
    """The command line on the served folder."""
    monkeypatch.setenv("AFTERTONE_DATA", str(served.data))
    monkeypatch.setenv("AFTERTONE_PUBLIC_URL", served.loaded.public_url)
    monkeypatch.setattr("bridge.hygiene.harden", lambda: None)
    return Ran(capsys)


class Ran:
    """``ran(words...)`` returns what a command says."""

    def __init__(self, capsys: Streams) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        self._capsys.readouterr()
        assert cli.main(words) == code
        told = self._capsys.readouterr()
        return told.out + told.err


def test_a_key_that_was_made_reads_what_a_member_gave_it_and_lets_somebody_in(
    served: Town, tmp_path: Path, ran: Ran, capsys: Streams
) -> None:
    assert ran("recovery-key", "show") == "There is no recovery key.\n"
    _, take = recorded(served, "1001")
    path = tmp_path / "recovery.key"
    told = ran("recovery-key", "make", "-o", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert kid(KeyFile.load(path).public).hex(" ", 2) in told
    assert "It opens: nothing yet." in told
    assert "Not let in by a member yet: 1001, 2002." in told
    assert KeyFile.load(path).private.hex() not in told
    assert "turn it off first" in ran("recovery-key", "make", "-o", str(tmp_path / "other.key"), code=1)
    assert keyholder.notes(path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []
    alice = key_of(served, served.alice, tmp_path)
    name = "organisation recovery key"
    assert keyholder.approve(name, "1001", alice) == 0
    capsys.readouterr()
    assert keyholder.notes(path, as_json=True) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["from_number"], row["mailbox"]) == (CALLER_NUMBER, "1001")
    assert keyholder.open_note(take.id.hex(), path, tmp_path / "note.wav") == 0
    assert take.sent in (tmp_path / "note.wav").read_bytes()
    erin = joined(served.store, "erin", "1001")
    assert keyholder.approve("erin", "1001", path) == 0
    assert keyholder.notes(key_of(served, erin, tmp_path), as_json=True) == 0
    told = ran("recovery-key", "off")
    assert "It has been let into: 1001." in told
    assert "also what comes from now on" in told
    assert keyholder.notes(path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []
    told = ran("recovery-key", "set", str(path))
    assert f"Its key file names the user {KeyFile.load(path).user}." in told
    assert "Nobody had let it in" in ran("recovery-key", "off")


def test_only_a_key_is_taken_for_one(served: Town, tmp_path: Path, ran: Ran) -> None:
    assert "neither a public key" in ran("recovery-key", "set", "1001", code=78)
    foreign = tmp_path / "foreign.key"
    KeyFile(served.loaded.public_url, "us_foreign", bytes(range(32))).save(foreign)
    assert "of another installation" in ran("recovery-key", "set", str(foreign), code=1)
    assert served.store.recovery.now() is None
    public = KeyFile.load(foreign).public
    assert "A recovery key is on" in ran("recovery-key", "set", public.hex())
    assert "turn it off first" in ran("recovery-key", "set", served.alice.public.hex(), code=1)


def test_every_member_is_told_of_his_own_mailboxes_alone(town: Town) -> None:
    public = joined(town.store, "dora", "3003").public

    @in_loop
    async def story() -> None:
        async with town.page_of(town.alice) as page:
            assert (await page.get(f"{API}/me")).json()["recovery"] is None
            user = town.store.recovery.turn_on(public)
            told = (await page.get(f"{API}/me")).json()["recovery"]
            assert (told["user_id"], told["opens"], told["waits"]) == (user.id, [], [town.box("1001").id])
        async with town.page_of(town.bob) as page:
            told = (await page.get(f"{API}/me")).json()["recovery"]
            assert (told["opens"], told["waits"]) == ([], []), "he waits himself"

    story()
