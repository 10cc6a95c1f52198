"""A house whose mailbox 1001 is Anna's, and a spool beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.inbox import Inbox
from tests.intake.spool import Spool
from tests.store.house import House, claim, joined


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "voicemail")
    made.folder()
    return made


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    house = House(tmp_path / "data")
    anna = joined(house.store, "Anna", "1001")
    box = house.store.mailboxes.by_extension("1001")
    assert box is not None
    yield Inbox(house, anna, box.id, claim(house.store, anna, box.id))
    house.store.close()
