"""``aftertone member list``, and what every command about members finds out first."""

from pathlib import Path
from typing import Any

from bridge.keyholder.client import Client, fingerprint, load_key, unb64
from bridge.keyholder.failure import Exit, Failure, ending, plain
from bridge.keyholder.keyring import Box, Keyring

STATES = {
    "member": "reads this mailbox",
    "waiting": "waits for approval",
    "invited": "has not set up a key yet",
}


def members(mailbox: str, key_file: Path, *, server: str | None = None) -> int:
    """Print who reads a mailbox (by its extension) and who waits to, with the fingerprints of their keys.

    Returns the exit code. ``server`` is where to ask if not at the address in the key file.
    """

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            told = client.get(f"mailboxes/{box_of(keyring, mailbox).id}/members")
            print(f"mailbox {plain(mailbox)}  {fingerprint(unb64(told['public']))}  key {told['epoch']}")
            for member in told["members"]:
                public = member["public"]
                key = f"  {fingerprint(unb64(public))}" if public else ""
                print(plain(f"{member['name']}{key}  {STATES.get(member['state'], member['state'])}"))

    return ending(work)


def box_of(keyring: Keyring, mailbox: str) -> Box:
    """Return a mailbox by extension or id, all of whose keys are here. Raises Failure."""
    box = next((box for box in keyring.boxes if mailbox in (box.extension, box.id)), None)
    if box is None:
        raise Failure(Exit.NOT_FOUND, "there is no such mailbox of this key")
    if box.mine != "member":
        raise Failure(Exit.NOT_ALLOWED, f"this key is no member of mailbox {box.extension} itself")
    if len(box.secrets) != box.epoch + 1:
        raise Failure(Exit.UNOPENED, f"this key does not open all of mailbox {box.extension}")
    return box


def one_of(members: list[dict[str, Any]], box: Box, user: str) -> dict[str, Any]:
    """Return a member by name or id. Raises Failure."""
    wanted = user.casefold()
    for member in members:
        if member["user_id"] == user or str(member["name"]).casefold() == wanted:
            return member
    raise Failure(Exit.NOT_FOUND, f"mailbox {box.extension} has no such user: `member add` gives it to him")
