"""What a setting may be: each reader turns text into a value, or raises ValueError(what would be right)."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit


def absolute(text: str) -> Path:
    """Return an absolute path, ``~`` resolved."""
    return Path(text).expanduser().absolute()


def folder(text: str) -> Path:
    """Read a folder, which may not be there yet. Raises ValueError."""
    path = absolute(text)
    # access(2) and not Path.exists, which raises where a folder above may not be searched
    if not text or (os.access(path, os.F_OK) and not path.is_dir()):
        raise ValueError("a folder")
    return path


def folder_or_none(text: str) -> Path | None:
    """Read a folder, or nothing. Raises ValueError."""
    return folder(text) if text else None


def file(text: str) -> Path | None:
    """Read a file that is there, or nothing. Raises ValueError."""
    if not text:
        return None
    path = absolute(text)
    if not os.access(path, os.R_OK) or not path.is_file():
        raise ValueError("a file that can be read")
    return path


def url(text: str) -> str:
    """Read an origin (scheme, host, port), or nothing. Raises ValueError."""
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("scheme, host and port only, such as https://notes.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def word(text: str) -> str:
    """Read one line. Raises ValueError."""
    if not re.fullmatch(r"[\x20-\x7e]{0,200}", text):
        raise ValueError("one line of at most 200 printable ASCII characters")
    return text


def switch(text: str) -> bool:
    """Read on or off. Raises ValueError."""
    if text not in ("on", "off"):
        raise ValueError("on or off")
    return text == "on"


def count(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers; it raises ValueError."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def number(unit: str, least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers with a unit; it raises ValueError."""

    def read(text: str) -> float:
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) or not least <= float(text) <= most:
            raise ValueError(f"{unit} from {least:g} to {most:g}")
        return float(text)

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of seconds; it raises ValueError."""
    return number("seconds", least, most)


def size(text: str) -> int:
    """Read bytes, with a unit or without. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,15})\s*(|[KMGT]i?B?|B)", text)
    if not match:
        raise ValueError("a size such as 500MiB or 2GiB")
    unit = match[2][:1]
    return int(match[1]) * (1024 ** " KMGT".index(unit) if unit in "KMGT" and unit else 1)
