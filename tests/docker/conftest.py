"""One engine, one base image, and each of the project's images, built once for the whole run."""

from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine

BRIDGE, PBX = "aftertone", "aftertone-pbx"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A podman with both images in it, and nothing else."""
    engine = Engine(tmp_path_factory.mktemp("engine"))
    try:
        engine.make_base()
        engine.build("pbx", PBX)
        engine.build("bridge", BRIDGE)
        yield engine
    finally:
        engine.clear()
