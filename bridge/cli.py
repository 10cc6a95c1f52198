"""``aftertone``: the command line. What the commands do is in ``commands``.

Exit codes: 0 done, 1 failed here, 2 usage, 3 not allowed, 4 not found, 5 cannot be opened, 6 server away,
78 a setting is wrong (sysexits.h). ``check``: 0 nothing to mend, 1 something to mend, 2 could not check.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge import config, hygiene
from bridge.commands import checking, house, importing, reader, recovery, server
from bridge.errors import AftertoneError, Refused, SettingError
from bridge.supervisor import EXIT_SETTINGS

FAILED = 1
REFUSALS = {"joined already": 3, "no such user": 4, "no such mailbox": 4}
MOST_DAYS = 3650
"""Days that a mailbox may keep its rows if not for ever: whoever means more than ten years means for ever."""
Command = Callable[[argparse.Namespace], int]
Group = Any  # argparse has no public name for what add_subparsers returns


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = argparse.ArgumentParser(
        prog="aftertone", description="A voicemail replacement beside your own PBX."
    )
    top.add_argument("--config", type=Path, metavar="FILE", help="settings file (AFTERTONE_NAME=value lines)")
    top.add_argument("--version", action=_Version, nargs=0, help="tell the version and end")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "serve", server.serve)
    _house_commands(commands)
    made = _add(commands, "dialplan", server.dialplan)
    made.add_argument(
        "--agi", type=_agi, metavar="HOST:PORT", help="the bridge's AGI port as the PBX reaches it"
    )
    made.add_argument("--manager", action="store_true", help="the AMI user for manager.conf instead")
    _add(commands, "check", checking.check).add_argument(
        "--json", action="store_true", help="findings for machines"
    )
    _add(commands, "backup", house.backup).add_argument("file", type=Path, help="new file to write")
    _add(commands, "restore", house.restore).add_argument("file", type=Path, help="file that backup wrote")
    _import_commands(commands)
    _key_holder_commands(commands)
    return top


def _house_commands(commands: Group) -> None:
    mailbox = _group(commands, "mailbox", "mailboxes (on the server's data)")
    made = _add(mailbox, "add", house.mailbox_add)
    made.add_argument("extension", help="what the dialplan calls it")
    made.add_argument("--name", help="what people call it")
    kept = _add(mailbox, "keep", house.mailbox_keep)
    kept.add_argument("extension", help="what the dialplan calls it")
    kept.add_argument("days", type=_days, help="1 to 3650: what is older is removed; or: forever")
    given = _add(mailbox, "give", house.mailbox_give)
    given.add_argument("extension", help="what the dialplan calls it")
    given.add_argument("name", help="the name that the user logs in with")
    user = _group(commands, "user", "users (on the server's data)")
    made = _add(user, "add", house.user_add)
    made.add_argument("name", help="the name to log in with")
    made.add_argument("--mailbox", action="append", required=True, help="extension; may be given again")
    made.add_argument("--key-file", type=Path, help="for a program: write its key into this new file")
    made = _add(user, "link", house.user_link)
    made.add_argument("name", help="the user's name")
    key = _group(commands, "recovery-key", "the organisation's recovery key (on the server's data)")
    made = _add(key, "make", recovery.make)
    made.add_argument("-o", "--output", type=Path, required=True, help="new file for the private half")
    made = _add(key, "set", recovery.turn_on)
    made.add_argument("public", help="64 hex digits, or the key file")
    _add(key, "show", recovery.show)
    _add(key, "off", recovery.off)


def _import_commands(commands: Group) -> None:
    made = _add(_group(commands, "import", "what others recorded"), "voicemail", importing.voicemail)
    made.add_argument("--spool", type=Path, metavar="DIR", help="app_voicemail's folder; default: SPOOL")
    made.add_argument(
        "--mailbox", nargs="+", action="extend", default=[], help="1001 or 1001@context; default: all"
    )
    made.add_argument("--go", action="store_true", help="do it")
    made.add_argument("--remove", action="store_true", help="remove from there what is a note")


def _key_holder_commands(commands: Group) -> None:
    made = _key(_add(commands, "notes", reader.notes))
    made.add_argument("--json", action="store_true", help="decrypted rows for scripts")
    made = _key(_add(commands, "open", reader.open_note))
    made.add_argument("note_id", help="32 hex digits, as notes shows them")
    made.add_argument(
        "-o", "--output", type=Path, required=True, help="WAV file to write, - for standard output"
    )
    made.add_argument("--damaged", action="store_true", help="keep what can still be opened, tell the gaps")
    member = _group(commands, "member", "members of a mailbox (over the HTTP API)")
    made = _key(_add(member, "add", reader.member_add))
    made.add_argument("user", help="the name that a user of this installation logs in with")
    made.add_argument("--mailbox", required=True, help="extension")
    made.add_argument(
        "--fingerprint", metavar="HEX", help="of his key, as he reads it to you: approve him at once"
    )
    made = _key(_add(member, "approve", reader.member_approve))
    made.add_argument("user", help="name or id of the one who waits")
    made.add_argument("--mailbox", required=True, help="extension")
    made = _key(_add(member, "remove", reader.member_remove))
    made.add_argument("user", help="name or id; your own to leave")
    made.add_argument("--mailbox", required=True, help="extension")
    made = _key(_add(member, "new-key", reader.member_new_key))
    made.add_argument("--mailbox", required=True, help="extension")
    made = _key(_add(member, "list", reader.member_list))
    made.add_argument("--mailbox", required=True, help="extension")


def _add(under: Group, name: str, run: Command) -> argparse.ArgumentParser:
    about = (run.__doc__ or "").strip().rstrip(".")
    made: argparse.ArgumentParser = under.add_parser(name, help=about, description=about)
    # --config before or after the command; suppressed, or its default would undo the one before.
    made.add_argument("--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    made.set_defaults(run=run)
    return made


def _group(under: Group, name: str, about: str) -> Group:
    return under.add_parser(name, help=about).add_subparsers(required=True, metavar="COMMAND")


def _key(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("--key-file", type=Path, required=True, help="the file that user add --key-file wrote")
    made.add_argument("--server", metavar="URL", help="when the server has moved since the key file was made")
    return made


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        print(f"aftertone {metadata.version('aftertone')}")
        parser.exit()


def _agi(text: str) -> config.Address:
    try:
        return config.address("192.0.2.7:4573")(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it must be {error}") from None


def _days(text: str) -> int | None:
    if text == "forever":
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"it must be a number of days from 1 to {MOST_DAYS}, or forever")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = parser().parse_args(argv)
    if args.run is not server.serve:
        hygiene.harden()  # all but the supervisor may hold keys, the server secret or a note in clear
    try:
        return int(args.run(args))
    except SettingError as error:
        print(f"aftertone: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    except AftertoneError as error:
        print(f"aftertone: {error.user}", file=sys.stderr)
        return REFUSALS.get(error.word, FAILED) if isinstance(error, Refused) else FAILED
    except BrokenPipeError:
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
