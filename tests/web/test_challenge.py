"""Logging in by key file, which members who are programs do."""

from bridge.seal.keys import answer_challenge
from tests.loop import in_loop
from tests.web.town import API, URL, Town
from web.answers import from_b64, to_b64


def test_a_key_file_answers_its_challenge_once_and_in_time(town: Town) -> None:
    @in_loop
    async def story() -> None:
        async with town.client() as program:
            for wait_s, status in ((59, 200), (61, 401)):
                asked = (await program.post(f"{API}/login/challenge", json={"user": town.alice.id})).json()
                answer = answer_challenge(
                    town.alice.private, town.alice.public, town.alice.id, URL, from_b64(asked["challenge"])
                )
                body = {"challenge_id": asked["challenge_id"], "answer": to_b64(answer)}
                town.clock.turn(seconds=wait_s)
                told = await program.post(f"{API}/login/answer", json=body)
                assert told.status_code == status
                again = await program.post(f"{API}/login/answer", json=body)
                assert again.status_code == 401
                if status == 200:
                    assert "set-cookie" not in told.headers
                    assert told.json()["expires_at"].endswith("Z")
                    bearer = {"Authorization": f"Bearer {told.json()['token']}"}
                    rows = await program.get(f"{API}/rows", headers=bearer)
                    assert rows.status_code == 200

    story()


def test_a_challenge_for_nobody_looks_like_any_other(town: Town) -> None:
    @in_loop
    async def story() -> None:
        town.store.users.add("invited", ["1001"])
        invited = town.store.users.by_name("invited")
        assert invited is not None
        async with town.client() as program:
            for user in (town.alice.id, "us_aaaaaaaaaaaaaaaa", invited.id, "\u20ac", "x" * 200):
                told = await program.post(f"{API}/login/challenge", json={"user": user})
                assert told.status_code == 200
                assert len(from_b64(told.json()["challenge"])) == 80
                body = {"challenge_id": told.json()["challenge_id"], "answer": to_b64(bytes(32))}
                answer = await program.post(f"{API}/login/answer", json=body)
                assert (answer.status_code, answer.json()["error"]) == (401, "wrong key")

    story()
