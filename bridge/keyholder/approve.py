"""``aftertone member approve``: let a waiting user read a mailbox, with the key of one who already may."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.errors import Refused
from bridge.keyholder.client import Client, b64, fingerprint, load_key, unb64
from bridge.keyholder.failure import Exit, Failure, ending, plain, tell
from bridge.keyholder.keyring import Box, Keyring
from bridge.keyholder.members import box_of, one_of
from bridge.seal import keys
from bridge.seal.curve import public_of


def approve(user: str, mailbox: str, key_file: Path, *, server: str | None = None) -> int:
    """Close every key of the mailbox (by its extension) for ``user`` (name or id). Returns the exit code.

    The fingerprint that is told first is that of the user's key: he can read his own to you. At a terminal
    somebody is asked whether they are the same. ``server`` is where to ask if not at the address in the key
    file.
    """

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            box = box_of(keyring, mailbox)
            member = one_of(client.get(f"mailboxes/{box.id}/members")["members"], box, user)
            let_in(client, box, member, lambda _print: _confirm())

    return ending(work)


def let_in(client: Client, box: Box, member: dict[str, Any], check: Callable[[str], None]) -> None:
    """Close every key of the mailbox for a waiting user, one of its ``members``.

    ``check`` is given the fingerprint of his key, which was told, and raises Failure unless it is the right
    one. Raises Failure.
    """
    shown = plain(str(member["name"]))
    if member["state"] == "member":
        tell(f"{shown} reads mailbox {box.extension} already")
        return
    if member["state"] != "waiting" or not member["public"]:
        raise Failure(Exit.NOT_ALLOWED, f"{shown} has not joined yet, so has no key")
    public = unb64(member["public"])
    tell(f"the key of {shown} is {fingerprint(public)}: he sees the same in his inbox")
    check(fingerprint(public))
    client.post(
        f"mailboxes/{box.id}/members/{member['user_id']}/approve",
        {"public": b64(public), "wraps": _wraps(box, str(member["user_id"]), public)},
    )
    print(plain(f"{shown} can read mailbox {box.extension} now."))


def _confirm() -> None:
    """Ask whoever sits at the terminal; a script has nobody to ask. Raises Failure."""
    if not sys.stdin.isatty():
        return
    print("Does he read you the same? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise Failure(Exit.NOT_ALLOWED, "not approved")


def _wraps(box: Box, user_id: str, public: bytes) -> list[dict[str, Any]]:
    try:
        return [
            {
                "epoch": epoch,
                "wrap": b64(keys.mailbox_wrap(public, user_id, box.id, epoch, secret, public_of(secret))),
            }
            for epoch, secret in sorted(box.secrets.items())
        ]
    except (Refused, UnicodeEncodeError):
        raise Failure(Exit.NOT_ALLOWED, "the key of this user cannot be used") from None
