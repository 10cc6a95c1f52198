"""What is vendored for the page is what the lock names, byte for byte; node is not needed to see it."""

import hashlib
import json
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[2] / "web"
VENDOR = WEB / "js/vendor"
LISTED: list[dict[str, str]] = json.loads((VENDOR / "VENDOR.json").read_text("utf-8"))
LOCK: dict[str, dict[str, Any]] = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
PACKAGE: dict[str, dict[str, str]] = json.loads((WEB / "package.json").read_text("utf-8"))


def test_each_file_has_the_bytes_that_were_recorded() -> None:
    assert [entry["name"] for entry in LISTED] == ["hash-wasm"]
    for entry in LISTED:
        assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_each_file_is_of_the_version_that_the_lock_and_the_package_name() -> None:
    for entry in LISTED:
        locked = LOCK[f"node_modules/{entry['name']}"]
        assert (locked["version"], locked["integrity"]) == (entry["version"], entry["integrity"])
        assert PACKAGE["devDependencies"][entry["name"]] == entry["version"]
        assert entry["version"] in entry["file"]


def test_each_file_comes_with_its_licence_and_nothing_lies_beside_them() -> None:
    there = {"VENDOR.json"}
    for entry in LISTED:
        assert "Permission is hereby granted" in (VENDOR / entry["licence_file"]).read_text("utf-8")
        there |= {entry["file"], entry["licence_file"], entry["file"].removesuffix(".js") + ".d.ts"}
    assert {file.name for file in VENDOR.iterdir()} == there


def test_the_lock_pins_every_package_and_names_no_address() -> None:
    assert not any("resolved" in entry for entry in LOCK.values())
    assert all(entry["integrity"].startswith("sha512-") for name, entry in LOCK.items() if name)
    assert all(version[0].isdigit() for version in PACKAGE["devDependencies"].values())


def test_the_page_loads_the_vendored_file_by_its_name() -> None:
    importing = (WEB / "js/seal/passphrase.js").read_text("utf-8")
    assert f'"../vendor/{LISTED[0]["file"]}"' in importing
