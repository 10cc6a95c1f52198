"""The demo PBX's configuration: templates in etc/, filled in for one folder and its telephones."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ETC = Path(__file__).parent / "etc"


@dataclass(frozen=True, slots=True)
class Extension:
    """One telephone: logs in with ``password``; callers of it hear prompts in ``language``.

    ``lamp``: whether it is told how many messages wait; pyVoIP falls over any NOTIFY.
    """

    number: str
    language: str = "en"
    name: str = ""
    password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    voicemail: bool = True
    lamp: bool = True


def demo_extensions() -> tuple[Extension, ...]:
    """Return the demo's telephones: one English, one German, and the one that calls them."""
    return (
        Extension("1001", "en", lamp=False),
        Extension("1002", "de"),
        Extension("1009", "en", "Demo caller", voicemail=False, lamp=False),
    )


def write(
    folder: Path, values: Mapping[str, str], extensions: Sequence[Extension], more: Mapping[str, str]
) -> None:
    """Write every file of the configuration into ``folder``, readable for its owner only.

    ``values`` replace ``@NAME@`` in the templates, ``more`` is appended to files by name.
    """
    phone = template("pjsip-phone.conf")
    phones = "".join(fill(phone, words_of(one)) for one in extensions)
    values = {
        **values,
        "LANGUAGES": "\n".join(f"LANGUAGE_{one.number}={one.language}" for one in extensions),
        "MAILBOXES": "\n".join(f"{one.number} => ,{one.number}" for one in extensions if one.voicemail),
    }
    appended = {**more, "pjsip.conf": phones + more.get("pjsip.conf", "")}
    for source in sorted(ETC.glob("*.conf")):
        if source.name != "pjsip-phone.conf":
            target = folder / source.name
            target.touch(0o600)
            text = fill(template(source.name), values) + "\n" + appended.get(source.name, "")
            target.write_text(text, encoding="utf-8")


def words_of(one: Extension) -> dict[str, str]:
    """Return what a telephone's part of pjsip.conf says of it."""
    return {
        "EXTENSION": one.number,
        "NAME": one.name or one.number,
        "PASSWORD": one.password,
        "LANGUAGE": one.language,
        "LAMPS": ",".join(lamps_of(one)),
    }


def lamps_of(one: Extension) -> list[str]:
    """Return the mailboxes whose messages light this telephone's lamp, ours first."""
    if not one.lamp:
        return []
    return [f"{one.number}@aftertone", *([f"{one.number}@default"] if one.voicemail else [])]


def template(name: str) -> str:
    """Return one template of the configuration."""
    return (ETC / name).read_text(encoding="utf-8")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace every ``@NAME@``: the dialplan's own ``${...}`` stays as it is."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
