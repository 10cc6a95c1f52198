"""What stories of key holders' programs share: key files, and a call with a note."""

import asyncio
from pathlib import Path

import pytest

from bridge.seal.keyfile import KeyFile
from tests.store.house import Person, Take
from tests.web.town import Town

Streams = pytest.CaptureFixture[str]


def key_of(town: Town, who: Person, folder: Path) -> Path:
    path = folder / f"{who.name}.key"
    if not path.exists():
        KeyFile(server=town.loaded.public_url, user=who.id, private=who.private).save(path)
    return path


def recorded(town: Town, extension: str, *, segments: int = 3) -> tuple[str, Take]:
    """A missed call with one whole note."""

    async def story() -> tuple[str, Take]:
        row_id = town.call(extension)
        return row_id, await town.note(extension, row_id, segments)

    return asyncio.run(story())
