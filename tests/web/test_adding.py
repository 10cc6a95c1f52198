"""Adding a user to a mailbox over the API, and by a program with a key file."""

from pathlib import Path

import pytest

from bridge import cli, keyholder
from bridge.seal.layout import kid
from tests.loop import in_loop
from tests.web.programs import Streams, key_of, recorded
from tests.web.test_live import listening, up
from tests.web.town import API, Town
from web.answers import to_b64
from web.limits import PACES


def test_a_colleague_with_an_account_is_added_waits_and_hears_of_it_at_once(town: Town) -> None:
    @in_loop
    async def story() -> None:
        box = town.box("1001")
        path = f"{API}/mailboxes/{box.id}/members"
        async with up(town) as url, listening(url, town.page_of(town.carol)) as hers:
            async with town.page_of(town.alice) as page:
                told = await page.post(path, json={"name": " Carol"})
            assert (told.status_code, told.json()) == (
                200,
                {
                    "user_id": town.carol.id,
                    "name": "carol",
                    "public": to_b64(town.carol.public),
                    "state": "waiting",
                    "epochs": [],
                },
            )
            assert (await hers.next())[0] == "missed"
        async with town.page_of(town.carol) as page:
            boxes = (await page.get(f"{API}/me")).json()["mailboxes"]
            assert [(each["extension"], each["my_state"]) for each in boxes] == [
                ("1001", "waiting"),
                ("2002", "member"),
            ]
            assert (await page.get(path)).status_code == 404

    story()


def test_nobody_asks_for_all_names_through_his_mailbox(town: Town) -> None:
    """A member hears whether a name exists, and every name that he asks about counts; others hear nothing."""

    @in_loop
    async def story() -> None:
        path = f"{API}/mailboxes/{town.box('1001').id}/members"
        pace = PACES["add member"]
        async with town.page_of(town.carol) as foreign, town.page_of(town.bob) as waiting:
            for page in (foreign, waiting):
                answers = [await page.post(path, json={"name": name}) for name in ("carol", "nobody")]
                assert [answer.status_code for answer in answers] == [404, 404]
                assert answers[0].content == answers[1].content
        async with town.page_of(town.alice) as page:
            first = await page.post(path, json={"name": "nobody"})
            assert (first.status_code, first.json()["error"]) == (409, "no such user")
            for _ in range(pace.burst - 1):
                await page.post(path, json={"name": "alice"})
            for name in ("nobody", "carol"):
                assert (await page.post(path, json={"name": name})).status_code == 429
            town.seconds.now += pace.every_s
            assert (await page.post(path, json={"name": "carol"})).status_code == 200
        names = {member.name for member in town.store.mailboxes.members(town.box("1001").id)}
        assert names == {"alice", "bob", "carol"}

    story()


def test_a_program_adds_a_user_and_approves_him_only_with_his_fingerprint(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    _, take = recorded(served, "1001")
    alice, carol = key_of(served, served.alice, tmp_path), key_of(served, served.carol, tmp_path)
    assert keyholder.add("Carol", "1001", alice) == 0
    assert capsys.readouterr().out == "carol waits at mailbox 1001: `member approve` lets him in.\n"
    assert keyholder.add("carol", "1001", alice, fingerprint=kid(served.bob.public).hex(" ", 2)) == 3
    assert "another fingerprint than the one given" in capsys.readouterr().err
    assert keyholder.open_note(take.id.hex(), carol, tmp_path / "note.wav") == 4
    print_ = kid(served.carol.public).hex("-", 2).upper()
    assert keyholder.add("carol", "1001", alice, fingerprint=print_) == 0
    assert "carol can read mailbox 1001 now." in capsys.readouterr().out
    assert keyholder.open_note(take.id.hex(), carol, tmp_path / "note.wav") == 0
    assert keyholder.add("carol", "1001", alice) == 0
    assert "carol reads mailbox 1001 already." in capsys.readouterr().out
    assert keyholder.add("nobody", "1001", alice) == 4
    assert keyholder.add("carol", "1001", key_of(served, served.bob, tmp_path)) == 3


def test_the_admin_gives_a_mailbox_to_a_user(
    served: Town, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.setenv("AFTERTONE_DATA", str(served.data))
    monkeypatch.setattr("bridge.hygiene.harden", lambda: None)

    def given(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = cli.main(["mailbox", "give", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    served.store.mailboxes.add("3003")
    for words, code, said in (
        (("1001", "Carol"), 0, "carol waits at mailbox 1001: one of its members must approve him."),
        (("3003", "carol"), 0, "carol has mailbox 3003; it becomes private when its first member opens it."),
        (("2002", "carol"), 0, "carol reads mailbox 2002 already."),
        (("1001", "nobody"), 4, "There is no user of this name."),
        (("1999", "carol"), 4, "There is no mailbox 1999."),
    ):
        told = given(*words)
        assert (told[0], said in told[1]) == (code, True), told
