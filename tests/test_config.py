"""Settings: where a value comes from, and what an admin reads when one is wrong."""

from pathlib import Path
from traceback import format_exception

import pytest

from bridge import config
from bridge.config import Address, load
from bridge.errors import SettingError

HOME = {"HOME": "/home/admin"}


def test_nothing_set_gives_loopback_everywhere() -> None:
    settings = load(HOME)
    assert settings.http == Address("127.0.0.1", 8080)
    assert settings.agi == Address("127.0.0.1", 4573)
    assert settings.audiosocket == Address("127.0.0.1", 9092)
    assert settings.public_url == "http://localhost:8080"
    assert (settings.max_calls, settings.min_free) == (250, 1024**3)
    assert settings.data == Path("/home/admin/.local/share/aftertone")


def test_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    file = tmp_path / "aftertone.conf"
    file.write_text('# ours\nAFTERTONE_MAX_CALLS=7\nAFTERTONE_MIN_FREE="2GiB"\n')
    settings = load(HOME | {"AFTERTONE_MAX_CALLS": "9"}, file)
    assert (settings.max_calls, settings.min_free) == (9, 2 * 1024**3)


def test_a_value_can_be_handed_over_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://notes.example.org/\n")
    settings = load(HOME | {"AFTERTONE_PUBLIC_URL_FILE": str(tmp_path / "url")})
    assert settings.public_url == "https://notes.example.org"


def test_one_settings_file_says_the_same_to_the_service_and_to_every_command(tmp_path: Path) -> None:
    """systemd reads it into the environment (EnvironmentFile=), commands by --config."""
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "data").write_text(f"{tmp_path}\n")
    lines = {
        "AFTERTONE_AMI_USER": "aftertone",
        "AFTERTONE_AMI_SECRET_FILE": str(tmp_path / "secret"),
        "AFTERTONE_DATA_FILE": str(tmp_path / "data"),
        "AFTERTONE_MAX_CALLS": "7",
    }
    file = tmp_path / "aftertone.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    as_command, as_service = load(HOME, file), load(HOME | lines)
    assert as_command == as_service
    assert (as_command.ami_secret, as_command.data) == ("s3cret", tmp_path)
    assert config.unknown(HOME, file) == []
    assert (
        load(HOME | {"AFTERTONE_AMI_SECRET": "of the environment"}, file).ami_secret == "of the environment"
    )
    (tmp_path / "secret").unlink()
    with pytest.raises(SettingError, match="AFTERTONE_AMI_SECRET_FILE cannot be read"):
        load(HOME, file)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("HTTP", "8080", "host:port, such as 127.0.0.1:8080"),
        ("DATA", "/dev/null", "a folder"),
        ("AGI", "127.0.0.1:99999", "host:port"),
        ("MAX_CALLS", "0", "from 1 to 2000"),
        ("MAX_CALLS", "\u0664", "from 1 to 2000"),
        ("MIN_FREE", "much", "500MiB"),
        ("PEERS", "10.0.0.1/24", "networks"),
        ("PUBLIC_URL", "notes.example.org", "https://"),
        ("PUBLIC_URL", "https://notes.example.org/inbox", "https://"),
        ("TLS_CERT", "/nowhere/cert.pem", "can be read"),
        ("NOTE_LIMIT_S", "forever", "seconds from 5 to 3600"),
        ("AMI_TLS", "yes", "on or off"),
        ("AMI_USER", "after\ntone", "one line"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_is_right(name: str, value: str, right: str) -> None:
    with pytest.raises(SettingError) as told:
        load(HOME | {f"AFTERTONE_{name}": value})
    assert f"environment variable AFTERTONE_{name}" in str(told.value)
    assert right in str(told.value)


def test_half_a_tls_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("x")
    with pytest.raises(SettingError, match="go together"):
        load(HOME | {"AFTERTONE_TLS_CERT": str(tmp_path / "cert.pem")})


def test_a_user_without_a_secret_and_a_ca_without_tls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="go together"):
        load(HOME | {"AFTERTONE_AMI_USER": "aftertone"})
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(SettingError, match="only with AFTERTONE_AMI_TLS=on"):
        load(HOME | {"AFTERTONE_AMI_CA": str(tmp_path / "ca.pem")})


def test_a_secret_is_taken_from_its_file_and_never_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("tr0ub4dor\n")
    given = {"AFTERTONE_AMI_USER": "aftertone", "AFTERTONE_AMI_SECRET_FILE": str(tmp_path / "secret")}
    settings = load(HOME | given)
    assert settings.ami_secret == "tr0ub4dor"
    assert "tr0ub4dor" not in repr(settings)
    with pytest.raises(SettingError, match="not shown") as told:
        load(HOME | {"AFTERTONE_AMI_SECRET": settings.ami_secret + "\nAction: Command"})
    assert settings.ami_secret not in "".join(format_exception(told.value))


def test_a_line_that_is_no_pair_is_named_by_number(tmp_path: Path) -> None:
    file = tmp_path / "aftertone.conf"
    file.write_text("AFTERTONE_MAX_CALLS=7\nMAX_CALLS 9\n")
    with pytest.raises(SettingError, match="line 2"):
        load(HOME, file)


def test_a_typo_is_told_with_the_name_that_was_meant() -> None:
    assert config.unknown({"AFTERTONE_HTPP": "x", "AFTERTONE_HTTP": "x", "PATH": "x"}) == [
        "AFTERTONE_HTPP is not a setting of this version and is ignored; did you mean AFTERTONE_HTTP?"
    ]
