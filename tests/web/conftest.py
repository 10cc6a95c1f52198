"""A town for each story."""

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
