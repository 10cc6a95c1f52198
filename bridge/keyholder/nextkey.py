"""``aftertone member new-key``: give a mailbox another key."""

from pathlib import Path

from bridge.keyholder.client import Client, load_key
from bridge.keyholder.epochs import again, next_key
from bridge.keyholder.failure import ending, plain
from bridge.keyholder.keyring import Keyring
from bridge.keyholder.members import box_of


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
            again(lambda: _renew(client, box.id))
            print(plain(f"Mailbox {box.extension} has a new key."))
            Keyring(client).settle()  # older notes, for the new key

    return ending(work)


def _renew(client: Client, mailbox_id: str) -> None:
    told = client.get(f"mailboxes/{mailbox_id}/members")
    staying = [each for each in told["members"] if each["state"] == "member"]
    client.post(f"mailboxes/{mailbox_id}/key", next_key(mailbox_id, told["epoch"] + 1, staying))
