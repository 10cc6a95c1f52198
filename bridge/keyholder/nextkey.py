"""A mailbox's next key, closed for all who read on."""

from pathlib import Path
from typing import Any

from bridge.errors import Refused
from bridge.keyholder.client import Client, b64, load_key, unb64
from bridge.keyholder.failure import Exit, Failure, ending, plain, tell
from bridge.keyholder.keyring import Keyring
from bridge.keyholder.members import box_of, fingerprint
from bridge.seal import keys
from bridge.seal.curve import new_keypair

TRIES = 5
"""Times that somebody may be let in or removed while the key for those who stay is being made."""


def new_key(mailbox: str, key_file: Path, *, server: str | None = None) -> int:
    """Give a mailbox (by its extension) a new key for its present members. Returns the exit code.

    Whose keys it is closed for is told with their fingerprints. ``server`` is where to ask if not at the
    address in the key file.
    """

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            box = box_of(keyring, mailbox)
            _renew(client, box.id)
            print(plain(f"Mailbox {box.extension} has a new key."))
            Keyring(client).settle()  # older notes, for the new key

    return ending(work)


def next_key(mailbox_id: str, epoch: int, staying: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the key of an epoch for ``staying``, members as the server tells of them. Raises Failure."""
    private, public = new_keypair()
    wraps = []
    for member in staying:
        user_id, theirs = str(member["user_id"]), unb64(member["public"])
        try:
            wrap = keys.mailbox_wrap(theirs, user_id, mailbox_id, epoch, private, public)
        except (Refused, UnicodeEncodeError):
            raise Failure(Exit.NOT_ALLOWED, "the key of a member cannot be used") from None
        tell(f"the new key is for {plain(str(member['name']))} ({fingerprint(theirs)})")
        wraps.append({"user_id": user_id, "wrap": b64(wrap)})
    return {"epoch": epoch, "public": b64(public), "wraps": wraps}


def _renew(client: Client, mailbox_id: str) -> None:
    for last in (False,) * (TRIES - 1) + (True,):
        told = client.get(f"mailboxes/{mailbox_id}/members")
        staying = [each for each in told["members"] if each["state"] == "member"]
        try:
            client.post(f"mailboxes/{mailbox_id}/key", next_key(mailbox_id, told["epoch"] + 1, staying))
        except Failure as failure:
            if failure.word != "members changed" or last:
                raise
        else:
            return
