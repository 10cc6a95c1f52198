"""Which characters of hostile text may be shown, and where."""

import unicodedata
from collections.abc import Callable

# Explicit embeddings, overrides and isolates turn text around on the page and in a terminal (Unicode TR 36).
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_ENDS = frozenset("\u2028\u2029")


def is_readable(char: str) -> bool:
    """Say whether a caller's character may stay: no control character, line's end, half surrogate, nor what
    turns text around. Joiners stay, since emoji and scripts are made of them."""
    return char not in _TURNING and char not in _LINE_ENDS and unicodedata.category(char) not in ("Cc", "Cs")


def is_plain(char: str) -> bool:
    """Say whether a character is visible by itself: for names that people choose, and for terminals.

    No control or format character, half surrogate, private use, or line's end.
    """
    return char not in _LINE_ENDS and unicodedata.category(char)[0] != "C"


def shown(text: str, most: int, may_stay: Callable[[str], bool]) -> str:
    """Return at most ``most`` characters of a text; what may not stay is U+FFFD."""
    return "".join(char if may_stay(char) else "\ufffd" for char in text[:most])
