"""The data folder: whose it is, who may look into it, and what must be in it."""

import logging
import stat
from pathlib import Path

import pytest

from bridge.errors import StoreError, Unready
from bridge.store import open_store
from tests.store.house import House, joined


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_others_may_read_is_closed_before_anything_is_put_into_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    open_store(data).close()
    assert mode_of(data) == 0o700
    assert "was open to other users of this machine" in caplog.text
    data.chmod(0o750)
    open_store(data).close()
    assert mode_of(data) == 0o700, "also one that an admin has opened later"


def test_a_folder_of_ours_is_opened_without_a_word(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.open_again()
    assert not [line for line in caplog.records if line.levelno > logging.INFO]


def test_a_folder_full_of_other_things_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter").write_text("private")
    home.chmod(0o755)
    with pytest.raises(Unready, match=r"open to other users .*755.*chmod 700"):
        open_store(home)
    assert mode_of(home) == 0o755
    assert [path.name for path in home.iterdir()] == ["letter"]


def test_a_database_without_its_server_secret_is_told_from_a_new_folder(house: House) -> None:
    joined(house.store, "Anna", "1001")
    house.store.close()
    kept = (house.data / "server.secret").read_bytes()
    (house.data / "server.secret").unlink()
    with pytest.raises(Unready, match="Restore it from a backup"):
        open_store(house.data)
    (house.data / "server.secret").write_bytes(kept[:-1])
    with pytest.raises(Unready, match="31 bytes"):
        open_store(house.data)
    (house.data / "server.secret").write_bytes(bytes(32))
    house.open_again()
    anna = house.store.users.by_name("anna")
    box = house.store.mailboxes.by_extension("1001")
    assert anna is not None and box is not None
    with pytest.raises(StoreError, match="does not fit this database"):
        house.store.mailboxes.offer_claim(box.id, anna.id)
