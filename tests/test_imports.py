"""Who may import whom: the layers of the house, read from the sources.

The table says for each layer which of our own layers it may use, and which outside modules it never touches.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent

BASE = {"config", "values", "errors", "log", "events"}
PURE_NEVER = {"socket", "asyncio", "time", "os", "threading", "sqlmodel", "fastapi", "subprocess", "select"}
NETWORK = {"socket", "asyncio", "httpx", "fastapi", "uvicorn", "ssl"}

MAY: dict[str, set[str]] = {
    **dict.fromkeys(sorted(BASE), BASE),
    "hygiene": set(),
    "supervisor": {"notify_socket", "orphans"},
    "notify_socket": set(),
    "orphans": set(),
    "health": {"config", "errors"},
    "call": {"call", "errors"},
    "wire": {"wire", "call", "errors"},
    "media": {"media", "call", "errors"},
    "seal": {"seal", "call", "errors"},
    "store": {"store", "call", "seal", "errors", "config", "log", "events"},
    "backup": {"store", "seal", "errors", "config", "log"},
    "connect": {"connect", "wire", "call", "errors", "config", "log"},
    "control": {"control", "wire", "call", "errors", "config", "log"},
    "keyholder": {"keyholder", "seal", "media", "call", "errors", "config"},
    "phone": {"phone", "config", "errors"},
    "record": {"call"},
    "take": {"record", "call", "media", "seal", "store", "errors", "events", "log"},
    "conversation": {"take", "call", "media", "seal", "store", "errors"},
    "session": {
        "conversation",
        "take",
        "record",
        "media",
        "call",
        "seal",
        "store",
        "errors",
        "events",
        "config",
        "log",
    },
    "intake": {"intake", "take", "record", "connect", "wire", "media", "call", "seal", "store", *BASE},
    "webdoor": {"connect", "errors"},
    "outbox": {"store", "control", "errors"},
    "lamps": {"outbox", "control", "store", "events"},
    "journal": {"outbox", "connect", "control", "call", "store", "errors"},
    "service": {
        "session",
        "intake",
        "media",
        "lamps",
        "journal",
        "connect",
        "control",
        "store",
        "hygiene",
        "supervisor",
        "webdoor",
        *BASE,
    },
    "check": {"check", "store", "control", "webdoor", "health", "config", "errors"},
    "worker": {"service", "supervisor", "hygiene", "web", *BASE},
    "commands": {
        "commands",
        "check",
        "supervisor",
        "keyholder",
        "backup",
        "intake",
        "store",
        "seal",
        "config",
        "errors",
    },
    "cli": {"commands", "supervisor", "hygiene", "config", "errors"},
    "web": {"web", "intake", "store", "call", "seal", *BASE},
}
"""``store`` publishes what it committed as News, so it knows ``events``; ``seal`` and ``media`` know ``call``
for the names of codecs; ``hygiene`` and ``supervisor`` stand alone so that the parent stays light."""

NEVER: dict[str, set[str]] = {
    "call": PURE_NEVER,
    "wire": PURE_NEVER,
    "media": NETWORK,
    "seal": NETWORK,
    "store": {"fastapi", "httpx", "uvicorn"},
    "session": {"fastapi", "socket"},
    "conversation": {"fastapi", "socket"},
    "supervisor": {"numpy", "fastapi", "sqlmodel", "cryptography", "asyncio"},
}

OPENING = {"bridge.seal.open"}
"""Closing is for everybody, opening for key holders: only they and the tests import these."""
OPENERS = {"keyholder", "seal"}


def modules() -> list[Path]:
    return [path for top in ("bridge", "web") for path in sorted((HOUSE / top).rglob("*.py"))]


def layer_of(name: str) -> str:
    """Return the layer of a dotted module name of ours."""
    parts = name.split(".")
    if parts[0] == "web":
        return "web"
    return parts[1] if len(parts) > 1 else "bridge"


def dotted(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute name of everything a file imports, late imports included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    layer = layer_of(dotted(path))
    if layer == "bridge":
        assert not list(imports(path)), "bridge/__init__.py holds no code"
        return
    assert layer in MAY, f"{layer} is a new layer: give it a row in MAY"
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in NEVER.get(layer, set()), f"{layer} must not touch {top}"
        if top in ("bridge", "web"):
            assert layer_of(name) in MAY[layer], f"{layer} must not import {layer_of(name)} ({name})"


def test_only_key_holders_can_open_a_note() -> None:
    culprits = [
        dotted(path)
        for path in modules()
        if layer_of(dotted(path)) not in OPENERS
        and any(name.startswith(opening) for name in imports(path) for opening in OPENING)
    ]
    assert culprits == []


def test_every_layer_of_the_table_exists() -> None:
    there = {layer_of(dotted(path)) for path in modules()}
    assert set(MAY) - there == set()
