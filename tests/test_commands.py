"""What an admin reads when he runs a command: where he is, what he did, and what was wrong."""

import re
import socket
import time
from importlib import metadata
from pathlib import Path

import pytest

from bridge.phone.pbx import free_port
from tests.installation import Installation

pytestmark = pytest.mark.process


@pytest.fixture
def house(tmp_path: Path) -> Installation:
    """An installation that is not served."""
    made = Installation(tmp_path / "house")
    made.temporary.mkdir(parents=True)
    return made


def test_a_mailbox_is_new_then_renamed_and_never_by_accident(house: Installation) -> None:
    told = house.run("mailbox", "add", "1001", "--name", "Front desk")
    assert told.startswith("Mailbox 1001 is new, Front desk; it becomes private when")
    assert f"(data: {house.data})" in told
    assert "is there already, Front desk;" in house.run("mailbox", "add", "1001")
    assert "renamed from Front desk to Empfang;" in house.run("mailbox", "add", "1001", "--name", "Empfang")
    with house:
        house.add_reader("1001")
        assert house.rows() == []  # the first use claims it
        assert house.run("mailbox", "add", "1001") == (
            f"Mailbox 1001 is there already, Empfang; private. (data: {house.data})\n"
        )


def test_an_admin_says_how_long_a_mailbox_keeps_its_calls(house: Installation) -> None:
    house.run("mailbox", "add", "1001")
    told = house.run("mailbox", "keep", "1001", "90")
    assert (
        told
        == f"Mailbox 1001 removes calls and notes older than 90 days, heard or not. (data: {house.data})\n"
    )
    assert "older than 1 day, heard" in house.run("mailbox", "keep", "1001", "1")
    assert "keeps its calls and notes for ever" in house.run("mailbox", "keep", "1001", "forever")
    assert "There is no mailbox 1999." in house.run("mailbox", "keep", "1999", "90", code=4)
    for wrong in ("0", "-1", "3651", "1.5", "soon", "²", "9" * 99):
        assert "from 1 to 3650, or forever" in house.run("mailbox", "keep", "1001", wrong, code=2), wrong


def test_a_mistyped_mailbox_is_told_as_a_new_one(house: Installation) -> None:
    house.run("mailbox", "add", "1001")
    told = house.run("user", "add", "carl", "--mailbox", "1001", "--mailbox", "1999").splitlines()
    assert told[0] == "Mailbox 1999 is new."
    assert told[1].endswith(f"data: {house.data}):")
    assert re.fullmatch(rf"{house.url}/join#\S{{20,}}", told[2])


def test_a_link_for_who_cannot_use_one_says_why(house: Installation) -> None:
    house.add_reader("1001", name="robo")
    assert "robo's key is in a key file; there is no link." in house.run("user", "link", "robo", code=3)
    assert "There is no user nemo" in house.run("user", "link", "nemo", code=4)


def test_who_writes_into_a_folder_that_nobody_serves_is_told(house: Installation) -> None:
    def words() -> str:
        return house.errors("user", "add", f"u{time.monotonic_ns()}", "--mailbox", "1001")

    assert f"no aftertone is serving {house.data} now" in words()
    with house:
        assert words() == ""


def test_a_second_server_of_the_same_folder_says_so_once_and_ends(house: Installation) -> None:
    with house:
        told = house.run("serve", code=78)
    assert "starting a new one" not in told
    assert f"another aftertone serves {house.data}: stop it first\n" in told


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null"])
def test_a_folder_that_cannot_be_one_ends_serve_at_once(tmp_path: Path, folder: str) -> None:
    house = Installation(tmp_path / "house", DATA=folder)
    house.temporary.mkdir(parents=True)
    told = house.run("serve", code=78)
    assert "AFTERTONE_DATA" in told
    assert len(told.splitlines()) == 1


def test_the_settings_file_may_stand_before_or_after_the_command_and_its_typos_are_told(
    house: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    file.write_text("AFTERTONE_HTPP=127.0.0.1:1\n")
    house.run("user", "add", "anna", "--mailbox", "1001")
    for words in (
        ["--config", str(file), "user", "link", "anna"],
        ["user", "link", "anna", "--config", str(file)],
    ):
        assert f"AFTERTONE_HTPP in {file} is not a setting" in house.errors(*words)
    assert "settings file" in house.run("serve", "--config", str(tmp_path / "none"), code=78)


def test_the_dialplan_names_an_address_that_the_pbx_can_reach(tmp_path: Path) -> None:
    house = Installation(tmp_path / "house", AGI="0.0.0.0:4573")
    house.temporary.mkdir(parents=True)
    assert "--agi 192.0.2.7:4573" in house.run("dialplan", code=78)
    assert "Set(AFTERTONE_AGI=bridge.example:4573)" in house.run("dialplan", "--agi", "bridge.example:4573")
    assert "host:port" in house.run("dialplan", "--agi", "bridge", code=2)
    assert "\nwrite = originate\n" in house.run("dialplan", "--manager")


def test_an_inbox_for_other_machines_without_https_is_warned_of(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    house = Installation(tmp_path / "house", HTTP=f"0.0.0.0:{port}", PUBLIC_URL=f"http://localhost:{port}")
    house.url = f"http://localhost:{port}"
    with house:
        pass
    (warned,) = [line for line in house.log().splitlines() if "only over https" in line]
    assert "AFTERTONE_TLS_CERT" in warned


def test_the_version_is_told_and_the_worker_is_nobodys_command(house: Installation) -> None:
    assert house.run("--version") == f"aftertone {metadata.version('aftertone')}\n"
    assert "worker" not in house.run("nothing", code=2)


def test_a_key_holder_needs_none_of_the_servers_settings(tmp_path: Path) -> None:
    house = Installation(tmp_path / "house", TLS_KEY="/nowhere/key.pem", TLS_CERT="")
    house.temporary.mkdir(parents=True)
    assert "cannot be read" in house.run("notes", "--key-file", str(tmp_path / "no.key"), code=2)
