"""The organisation's recovery key, on the server's data folder. Off until somebody turns it on here."""

import argparse
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import config
from bridge.commands.settings import settings_of
from bridge.errors import Refused, SettingError

if TYPE_CHECKING:
    from bridge.store import Store
    from bridge.store.recovery import Recovery
    from bridge.store.users import User

_HEX = re.compile(r"[0-9a-fA-F]{64}")

LEFT = """\
Backups that were made while it was on still hold what it was given: with its file and such a backup
everything in these mailboxes can be opened, also what comes from now on, until they are given a new key.
The next member's page to look gives them one, or offers to where it does not know everybody's key;
`member new-key` does it, too."""


def make(args: argparse.Namespace) -> int:
    """Make a recovery key, turn it on, and write its private half into a new file."""
    from bridge.seal.curve import new_keypair
    from bridge.seal.keyfile import KeyFile

    settings = settings_of(args)
    private, public = new_keypair()
    with _store(settings) as store:
        store.recovery.turn_on(
            public, lambda user: KeyFile(settings.public_url, user.id, private).save(args.output)
        )
        _tell(store.recovery.now())
    print(f"{args.output} is the only copy of its private half, which this server does not keep.")
    print("Take it off this machine now, and keep it where nobody reads notes with it unnoticed.")
    return 0


def turn_on(args: argparse.Namespace) -> int:
    """Turn on a recovery key whose private half is elsewhere."""
    settings = settings_of(args)
    public, names = _public_of(args.public)
    with _store(settings) as store:

        def keep(user: "User") -> None:
            if names not in (None, user.id):
                raise Refused(
                    "recovery key file",
                    user=f"This key file is of another installation: here its user is {user.id}.",
                )

        user = store.recovery.turn_on(public, keep)
        _tell(store.recovery.now())
    print(f"Its key file names the user {user.id}.")
    return 0


def off(args: argparse.Namespace) -> int:
    """Turn the recovery key off, and say what it can still open."""
    with _store(settings_of(args)) as store:
        was = store.recovery.turn_off()
    print("The recovery key is off. It gets no key any more, and what it had is removed from this server.")
    if was.opens:
        print(f"It has been let into: {', '.join(was.opens.values())}.")
        print(LEFT)
    else:
        print("Nobody had let it in: it opens nothing.")
    return 0


def show(args: argparse.Namespace) -> int:
    """Tell whether a recovery key is on, and what it opens."""
    with _store(settings_of(args)) as store:
        found = store.recovery.now()
    if found is None:
        print("There is no recovery key.")
    else:
        _tell(found)
    return 0


def _tell(found: "Recovery | None") -> None:
    from bridge.seal.layout import kid

    if found is None:
        return
    print(f"A recovery key is on since {found.since:%Y-%m-%d}: {kid(found.public).hex(' ', 2)}")
    print(f"It opens: {', '.join(found.opens.values()) or 'nothing yet'}.")
    if found.waits:
        print(f"Not let in by a member yet: {', '.join(found.waits.values())}.")
    print("Every member is told in the inbox, with this fingerprint; one of each mailbox must let it in.")


def _public_of(text: str) -> tuple[bytes, str | None]:
    """Return a public key of 64 hex digits, or that of a key file with its user. Raises SettingError."""
    from bridge.seal.keyfile import KeyFile

    if _HEX.fullmatch(text):
        return bytes.fromhex(text), None
    if not Path(text).exists():
        raise SettingError(f"{text}: is neither a public key (64 hex digits) nor a key file")
    found = KeyFile.load(Path(text))
    return found.public, found.user


def _store(settings: config.Settings) -> "closing[Store]":
    from bridge.store import open_store

    return closing(open_store(settings.data))
