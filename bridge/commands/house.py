"""Commands that work on the server's data folder, whether it is served at the moment or not."""

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import config
from bridge.commands.settings import settings_of, warn
from bridge.errors import Refused

if TYPE_CHECKING:
    from bridge.store import Store
    from bridge.store.mailboxes import Mailbox


def mailbox_add(args: argparse.Namespace) -> int:
    """Make the mailbox of an extension, or give it another name."""
    settings = settings_of(args)
    with _store(settings) as store:
        before = store.mailboxes.by_extension(args.extension)
        box = store.mailboxes.add(args.extension, args.name)
    print(f"Mailbox {box.extension} {_became(before, box)} (data: {settings.data})")
    _warn_if_not_served(settings.data)
    return 0


def mailbox_keep(args: argparse.Namespace) -> int:
    """Say how long a mailbox keeps its missed calls and notes."""
    settings = settings_of(args)
    with _store(settings) as store:
        store.deleting.keep(args.extension, args.days)
    if args.days is None:
        told = "keeps its calls and notes for ever"
    else:
        told = (
            f"removes calls and notes older than {args.days} day{'s' if args.days > 1 else ''}, heard or not"
        )
    print(f"Mailbox {args.extension} {told}. (data: {settings.data})")
    _warn_if_not_served(settings.data)
    return 0


def mailbox_give(args: argparse.Namespace) -> int:
    """Give a mailbox to a user who is there already."""
    settings = settings_of(args)
    with _store(settings) as store:
        member = store.giving.give(args.extension, args.name)
        box = store.mailboxes.by_extension(args.extension)
    if member.state == "member":
        told = f"{member.name} reads mailbox {args.extension} already."
    elif box is not None and box.state == "private":
        told = f"{member.name} waits at mailbox {args.extension}: one of its members must approve him."
    else:
        told = (
            f"{member.name} has mailbox {args.extension}; it becomes private when its first member opens it."
        )
    print(f"{told} (data: {settings.data})")
    _warn_if_not_served(settings.data)
    return 0


def _became(before: "Mailbox | None", box: "Mailbox") -> str:
    privacy = "private." if box.state == "private" else "it becomes private when its first member joins."
    if before is None:
        return f"is new, {box.name}; {privacy}"
    if before.name != box.name:
        return f"renamed from {before.name} to {box.name}; {privacy}"
    return f"is there already, {box.name}; {privacy}"


def user_add(args: argparse.Namespace) -> int:
    """Add a user: with a one-time link for a person, or with a key file for a program."""
    settings = settings_of(args)
    with _store(settings) as store:
        new = [name for name in dict.fromkeys(args.mailbox) if store.mailboxes.by_extension(name) is None]
        if args.key_file is not None:
            _add_with_key(store, args, settings)
        else:
            _, token = store.users.add(args.name, args.mailbox)
    for name in new:
        print(f"Mailbox {name} is new.")
    if args.key_file is not None:
        print(f"{args.key_file} is the only copy of this user's key: keep it safe.")
        print(f"A mailbox that is nobody's yet becomes private at its first use. (data: {settings.data})")
    else:
        _print_link(args.name, settings, token)
    _warn_if_not_served(settings.data)
    return 0


def _add_with_key(store: "Store", args: argparse.Namespace, settings: config.Settings) -> None:
    from bridge.seal.curve import new_keypair
    from bridge.seal.keyfile import KeyFile

    private, public = new_keypair()
    store.users.add_with_key(
        args.name,
        args.mailbox,
        public,
        lambda user: KeyFile(settings.public_url, user.id, private).save(args.key_file),
    )


def user_link(args: argparse.Namespace) -> int:
    """Print a new one-time link for a user who has not joined yet."""
    settings = settings_of(args)
    with _store(settings) as store:
        user = store.users.by_name(args.name)
        if user is None:
            raise Refused("no such user", user=f"There is no user {args.name}: add him with `user add`.")
        if user.public is not None and not store.users.slots(user.id):
            raise Refused("joined already", user=f"{user.name}'s key is in a key file; there is no link.")
        _, token = store.users.reissue(args.name)
    _print_link(user.name, settings, token)
    _warn_if_not_served(settings.data)
    return 0


def backup(args: argparse.Namespace) -> int:
    """Write everything that is needed to open the notes again into one new file."""
    from bridge.backup import backup as write

    write(settings_of(args).data, args.file)
    print(
        f"{args.file} holds database, notes and server secret. Whoever has it can open the notes of mailboxes"
    )
    print("that nobody had claimed when it was written: keep it as safe as the server itself.")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Lay a backup into an empty data folder."""
    from bridge.backup import restore as read

    settings = settings_of(args)
    read(args.file, settings.data)
    print(f"Restored into {settings.data}.")
    return 0


def _store(settings: config.Settings) -> "closing[Store]":
    from bridge.store import open_store

    return closing(open_store(settings.data))


def _print_link(name: str, settings: config.Settings, token: str) -> None:
    print(f"One-time link for {name} (valid for 24 hours; data: {settings.data}):")
    print(f"{settings.public_url}/join#{token}")


def _warn_if_not_served(data: Path) -> None:
    """Tell who has set another folder than that of his server, before he wonders about his link."""
    from bridge.store.survey import is_served

    if not is_served(data):
        warn(f"no aftertone is serving {data} now")
