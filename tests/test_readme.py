"""The README tells the truth: settings and commands are those of the program."""

import re
from pathlib import Path

from bridge import cli, config

README = Path(__file__).resolve().parent.parent / "README.md"


def part(name: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*)<!-- /{name} -->", README.read_text(encoding="utf-8"), re.S)
    assert match, f"README has no part {name}"
    return match[1].strip()


def settings_table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for row in config.TABLE:
        default = f"`{row.default}`" if row.default else ""
        rows.append(f"| `AFTERTONE_{row.name}` | {default} | {row.help} |")
    return "\n".join(rows)


def commands() -> list[str]:
    """Return the usage of every command a user may call, in the order of ``--help``."""
    found: list[str] = []

    def walk(parser: object, words: str) -> None:
        actions = [a for a in parser._actions if hasattr(a, "choices") and isinstance(a.choices, dict)]  # type: ignore[attr-defined]
        if not actions:
            usage = re.sub(r"\s+", " ", parser.format_usage())  # type: ignore[attr-defined]
            found.append(usage.removeprefix("usage: ").replace(" [-h]", "").strip())
        for action in actions:
            for name, child in action.choices.items():
                walk(child, f"{words} {name}")

    walk(cli.parser(), "aftertone")
    return found


def test_the_readme_lists_every_setting_with_its_default() -> None:
    assert part("settings") == settings_table()


def test_the_readme_lists_every_command() -> None:
    assert part("commands") == "```\n" + "\n".join(commands()) + "\n```"
