"""What is vendored for the page is what the lock names, byte for byte; node is not needed to see it."""

import hashlib
import json
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[2] / "web"
VENDOR = WEB / "js/vendor"
LISTED: list[dict[str, Any]] = json.loads((VENDOR / "VENDOR.json").read_text("utf-8"))
LOCK: dict[str, dict[str, Any]] = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
PACKAGE: dict[str, dict[str, str]] = json.loads((WEB / "package.json").read_text("utf-8"))


def test_each_file_has_the_bytes_that_were_recorded() -> None:
    assert [entry["name"] for entry in LISTED] == ["hash-wasm", "age-encryption"]
    for entry in LISTED:
        assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_each_file_is_of_the_version_that_the_lock_and_the_package_name() -> None:
    for entry in LISTED:
        locked = LOCK[f"node_modules/{entry['name']}"]
        assert (locked["version"], locked["integrity"]) == (entry["version"], entry["integrity"])
        assert PACKAGE["devDependencies"][entry["name"]] == entry["version"]
        assert entry["version"] in entry["file"]


def test_what_was_bundled_with_a_package_is_of_the_versions_that_the_lock_names() -> None:
    (age,) = [entry for entry in LISTED if entry["name"] == "age-encryption"]
    assert "node_modules/@noble/ciphers" in [part["path"] for part in age["includes"]]
    for part in age["includes"]:
        locked = LOCK[part["path"]]
        assert (locked["version"], locked["license"]) == (part["version"], part["license"])


def test_each_file_comes_with_its_licence_and_nothing_lies_beside_them() -> None:
    there = {"VENDOR.json"}
    terms = {"MIT": "Permission is hereby granted", "BSD-3-Clause": "Redistribution and use in source and"}
    for entry in LISTED:
        licence = (VENDOR / entry["licence_file"]).read_text("utf-8")
        for part in [entry, *entry.get("includes", [])]:
            assert terms[part["license"]] in licence
        there |= {entry["file"], entry["licence_file"], entry["file"].removesuffix(".js") + ".d.ts"}
    assert {file.name for file in VENDOR.iterdir()} == there


def test_the_lock_pins_every_package_and_names_no_address() -> None:
    assert not any("resolved" in entry for entry in LOCK.values())
    assert all(entry["integrity"].startswith("sha512-") for name, entry in LOCK.items() if name)
    assert all(version[0].isdigit() for version in PACKAGE["devDependencies"].values())


def test_the_page_loads_the_vendored_files_by_their_names_and_what_only_exports_need_late() -> None:
    importing = (WEB / "js/seal/passphrase.js").read_text("utf-8")
    assert f'"../vendor/{LISTED[0]["file"]}"' in importing
    assert f'"./vendor/{LISTED[1]["file"]}"' in (WEB / "js/age.js").read_text("utf-8")
    at_once = [
        path.name for path in (WEB / "js").glob("*.js") if 'from "./age.js"' in path.read_text("utf-8")
    ]
    assert at_once == []
