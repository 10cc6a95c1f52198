"""What strangers may send to the port itself: garbage, endless lines, bodies without end."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.web.serving import bound_socket, serving
from tests.web.town import API, Town
from web import bodies


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(bodies, "USUAL", bodies.Room(seconds=0.5))
    bound = bound_socket()
    town = Town(tmp_path / "data", {"PUBLIC_URL": f"http://localhost:{bound.getsockname()[1]}"})
    with serving(town.app, bound):
        yield bound.getsockname()[1]
    town.close()


def connect(port: int) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), timeout=10)
    found.settimeout(10)
    return found


def all_of(peer: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = b""
    with peer, suppress(ConnectionResetError):
        while piece := peer.recv(65536):
            data += piece
    return data


def healthy(port: int) -> bool:
    return bool(httpx.get(f"http://localhost:{port}/health", trust_env=False).json()["ready"])


def test_garbage_and_endless_lines_are_refused(port: int) -> None:
    for sent in (bytes(range(256)) * 100, b"GET /" + b"a" * (10 << 20), b"\x16\x03\x01\x02\x00\x01"):
        peer = connect(port)
        with suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(sent)
        answer = all_of(peer)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert healthy(port)


def test_a_body_that_never_ends_ends(port: int) -> None:
    head = f"POST {API}/login HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
    peer = connect(port)
    peer.sendall(head.encode() + b"Content-Length: 100\r\n\r\n{")
    answer = all_of(peer)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "too slow"
    peer = connect(port)
    peer.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
    with suppress(ConnectionResetError, BrokenPipeError):
        for _ in range(20):
            peer.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
    answer = all_of(peer)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
    peer = connect(port)
    peer.sendall(head.encode() + b"Content-Length: 999999999999\r\n\r\n")
    answer = all_of(peer)
    assert answer.startswith(b"HTTP/1.1 413")
    assert healthy(port)
