"""A town for each story, in which no route makes the loop wait for the disk."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.serving import bound_socket, serving
from tests.web.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Town]:
    """A town that really listens; its PUBLIC_URL is that port."""
    bound = bound_socket()
    made = Town(tmp_path / "data", {"PUBLIC_URL": f"http://localhost:{bound.getsockname()[1]}"})
    with serving(made.app, bound):
        yield made
    made.close()


@pytest.fixture(autouse=True)
def off_the_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Callers are heard on the loop that serves the pages: what a route makes durable, a thread waits for."""
    real, caught = os.fdatasync, []

    def watched(handle: int) -> None:
        routes = [name for name in calling() if "/web/routes/" in name or name.endswith("/web/auth.py")]
        if routes and asyncio._get_running_loop() is not None:
            caught.append(routes[0])
        real(handle)

    monkeypatch.setattr("bridge.store.database.os.fdatasync", watched)
    yield
    assert caught == []


def calling() -> Iterator[str]:
    """Yield the files of the functions that are being executed, innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename
        if frame.f_back is None:
            return
        frame = frame.f_back
