"""``aftertone member remove``: take somebody off a mailbox, and give those who stay a key that he has not."""

import sys
from pathlib import Path

from bridge.keyholder.client import Client, load_key
from bridge.keyholder.epochs import again, next_key
from bridge.keyholder.failure import Exit, Failure, ending, plain, tell
from bridge.keyholder.keyring import Keyring
from bridge.keyholder.members import box_of, one_of


def remove(user: str, mailbox: str, key_file: Path, *, server: str | None = None) -> int:
    """Remove ``user`` (name or id; oneself to leave) from a mailbox (by extension). Returns the exit code.

    At a terminal somebody is asked first. ``server`` is where to ask if not at the address in the key file.
    """

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            box = box_of(keyring, mailbox)
            path = f"mailboxes/{box.id}/members"
            member = one_of(client.get(path)["members"], box, user)
            shown = plain(str(member["name"]))
            tell(f"{shown} may keep what he has heard or saved, and could read every note so far")
            _confirm(shown, box.extension)
            epoch = again(lambda: _remove(client, path, str(member["user_id"]), box.id))
            print(plain(f"{shown} reads nothing of mailbox {box.extension} any more."))
            if epoch is not None and member["user_id"] != client.key.user:
                Keyring(client).settle()  # older notes, for the new key

    return ending(work)


def _remove(client: Client, path: str, user_id: str, mailbox_id: str) -> int | None:
    """Return the number of the key that was made for it, if one was. Raises Failure."""
    told = client.get(path)
    going = [each for each in told["members"] if each["user_id"] == user_id]
    following = None
    if any(each["state"] == "member" for each in going):
        staying = [
            each for each in told["members"] if each["state"] == "member" and each["user_id"] != user_id
        ]
        following = next_key(mailbox_id, told["epoch"] + 1, staying) if staying else None
    client.post(f"{path}/{user_id}/remove", {"next": following})
    return int(following["epoch"]) if following is not None else None


def _confirm(shown: str, extension: str) -> None:
    """Ask whoever sits at the terminal; a script has nobody to ask. Raises Failure."""
    if not sys.stdin.isatty():
        return
    print(plain(f"Remove {shown} from mailbox {extension}? [y/N] "), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise Failure(Exit.NOT_ALLOWED, "not removed")
