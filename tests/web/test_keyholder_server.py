"""A key holder's program and the server it meets: moved, away, untrusted, strange, or another one."""

import json
import os
import ssl
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge import keyholder
from bridge.seal.keyfile import KeyFile
from tests.web.programs import Streams, key_of
from tests.web.serving import bound_socket, own_certificate, serving
from tests.web.town import Town


def test_a_key_that_the_server_does_not_know_is_not_let_in(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    for number, user in enumerate(("us_aaaaaaaaaaaaaaaa", served.alice.id)):
        path = tmp_path / f"{number}.key"
        KeyFile(server=served.loaded.public_url, user=user, private=os.urandom(32)).save(path)
        assert keyholder.notes(path, as_json=True) == 3
        assert "does not know this key" in capsys.readouterr().err


def test_a_challenge_of_another_server_is_not_answered(served: Town, tmp_path: Path, capsys: Streams) -> None:
    port = served.loaded.public_url.rpartition(":")[2]
    path = tmp_path / "moved.key"
    KeyFile(server=f"http://127.0.0.1:{port}", user=served.alice.id, private=served.alice.private).save(path)
    assert keyholder.notes(path, as_json=True) == 3
    assert "another address" in capsys.readouterr().err


def test_a_server_that_has_moved_is_reached_with_the_old_key_file(
    served: Town, tmp_path: Path, capsys: Streams
) -> None:
    path = tmp_path / "moved.key"
    KeyFile(server="http://localhost:1", user=served.alice.id, private=served.alice.private).save(path)
    assert keyholder.notes(path, as_json=True) == 6
    row_id = served.call("1001")
    capsys.readouterr()
    assert keyholder.notes(path, as_json=True, server=f"{served.loaded.public_url}/") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [row_id]


def test_a_server_that_is_away_strange_or_untrusted_is_told_apart(
    tmp_path: Path, capsys: Streams, served: Town
) -> None:
    bound = bound_socket()
    port = bound.getsockname()[1]
    bound.close()
    cases = {
        f"http://localhost:{port}": (6, "cannot be reached"),
        "http://notes.example.org": (2, "without https"),
        "ftp://localhost": (2, "without https"),
    }
    for number, (server, (code, words)) in enumerate(cases.items()):
        path = tmp_path / f"{number}.key"
        KeyFile(server=server, user=served.alice.id, private=served.alice.private).save(path)
        assert keyholder.notes(path, as_json=True) == code
        assert words in capsys.readouterr().err
    assert keyholder.notes(tmp_path / "missing.key", as_json=True) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_an_own_certificate_is_trusted_once_it_is_named(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, private = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    bound = bound_socket()
    town = Town(tmp_path / "data", {"PUBLIC_URL": f"https://localhost:{bound.getsockname()[1]}"})
    key = key_of(town, town.alice, tmp_path)
    with serving(town.app, bound, context):
        assert keyholder.notes(key, as_json=True) == 6
        assert "not trusted here" in capsys.readouterr().err
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        assert keyholder.notes(key, as_json=True) == 0
    town.close()


NONSENSE = [
    b"",
    b"[]",
    b"{}",
    b"null",
    b"<html>a router's page</html>",
    b'{"challenge": "AAAA", "challenge_id": 7}',
    b'{"challenge": "\\u00e9"}',
    b'{"error": "x", "message": "\\u001b]0;owned\\u0007"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 500])
@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_a_server_that_talks_nonsense_gets_one_clear_line(
    tmp_path: Path, capsys: Streams, status: int, body: bytes
) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, {"Location": "http://localhost:1/"})(scope, receive, send)

    bound = bound_socket()
    path = tmp_path / "odd.key"
    url = f"http://localhost:{bound.getsockname()[1]}"
    KeyFile(server=url, user="us_aaaaaaaaaaaaaaaa", private=bytes(range(32))).save(path)
    with serving(answer, bound):
        code = keyholder.notes(path, as_json=True)
    told = capsys.readouterr()
    assert code in (1, 3, 4, 6)
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "\x1b" not in told.err
