"""``aftertone import voicemail`` as an admin meets it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation
from tests.intake.spool import Spool

pytestmark = pytest.mark.process


@pytest.fixture
def house(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "house")
    made.temporary.mkdir(parents=True)
    return made


def test_look_then_go_then_remove(house: Installation, spool: Spool) -> None:
    house.add_reader("1001")
    for number in range(3):
        spool.put("ulaw", callerid=f'"Wilhelmine" <49309876{number}>', duration="" if number == 1 else "2")
    spool.put("gsm", folder=spool.folder("1002", "Old"))
    words = ["import", "voicemail", "--spool", str(spool.path)]

    told = house.run(*words)
    assert "Mailboxes that are not here yet and would be made: 1002." in told
    assert "default/1001/INBOX: 2 to be taken over, 1 left alone" in told
    assert "left alone: default/1001/INBOX/msg0001: no duration" in told
    assert told.splitlines()[-1] == "Nothing was changed. The same with --go does it."
    assert "nobody belongs to 1002" in house.errors(*words)

    told = house.run(*words, "--mailbox", "1001", "--go")
    assert "Together: 2 taken over, 1 left alone." in told
    assert "the messages still lie there in the clear" in told
    assert len(spool.names()) == 6

    told = house.run(*words, "--go", "--remove")
    assert "Together: 1 taken over, 2 taken over before, 3 removed, 1 left alone." in told
    assert "left alone: default/1001/INBOX/msg0000: no duration" in told
    assert spool.names() == ["msg0000.txt", "msg0000.ulaw"]
    assert "Wilhelmine" not in told and "49309876" not in told

    with house:
        rows: list[dict[str, Any]] = json.loads(
            house.run("notes", "--key-file", str(house.key_file), "--json")
        )
    assert sorted(row["from_number"] for row in rows) == ["493098760", "493098762"]
    assert all(len(row["notes"]) == 1 for row in rows)


def test_a_folder_that_is_not_there_is_named(house: Installation, tmp_path: Path) -> None:
    told = house.run("import", "voicemail", "--spool", str(tmp_path / "nowhere"), code=78)
    assert f"the voicemail folder {tmp_path / 'nowhere'} cannot be read: No such file or directory" in told


def test_a_bridge_that_serves_takes_the_spool_itself(house: Installation, spool: Spool) -> None:
    spool.put("ulaw")
    made = Installation(house.folder, SPOOL=str(spool.path))
    made.add_reader("1001")
    with made:
        asyncio.run(emptied(spool))
        (row,) = made.rows()
    assert (row["from_name"], len(row["notes"])) == ("Caller 0", 1)


async def emptied(spool: Spool) -> None:
    """Wait until nothing is left in the inbox; the bridge needs some ten seconds."""
    async with asyncio.timeout(120):
        while spool.names():  # noqa: ASYNC110  the bridge is another process
            await asyncio.sleep(0.2)
