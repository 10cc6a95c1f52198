"""``aftertone member add``: give a mailbox to a user who is there already, and let him in if he is known."""

from pathlib import Path
from typing import Any

from bridge.keyholder.approve import let_in
from bridge.keyholder.client import Client, load_key
from bridge.keyholder.failure import Exit, Failure, ending, plain
from bridge.keyholder.keyring import Box, Keyring
from bridge.keyholder.members import box_of

NO_MEANING = str.maketrans("", "", " -:")
"""What people write between the digits of a fingerprint."""


def add(
    user: str, mailbox: str, key_file: Path, *, fingerprint: str | None = None, server: str | None = None
) -> int:
    """Give the mailbox (by its extension) to ``user`` (his name). Returns the exit code.

    He waits for approval, unless ``fingerprint`` is that of his key: then he is approved at once. ``server``
    is where to ask if not at the address in the key file.
    """

    def check(found: str) -> None:
        if found.translate(NO_MEANING) != (fingerprint or "").translate(NO_MEANING).casefold():
            raise Failure(Exit.NOT_ALLOWED, "not approved: that is another fingerprint than the one given")

    def work() -> None:
        with Client(load_key(key_file, server)) as client:
            keyring = Keyring(client)
            keyring.settle()
            box = box_of(keyring, mailbox)
            member = _added(client, box, user)
            if fingerprint is not None:
                let_in(client, box, member, check)
            elif member["state"] == "member":
                print(plain(f"{member['name']} reads mailbox {box.extension} already."))
            else:
                print(
                    plain(f"{member['name']} waits at mailbox {box.extension}: `member approve` lets him in.")
                )

    return ending(work)


def _added(client: Client, box: Box, user: str) -> Any:
    try:
        return client.post(f"mailboxes/{box.id}/members", {"name": user})
    except Failure as failure:
        code = Exit.NOT_FOUND if failure.word == "no such user" else failure.code
        raise Failure(code, failure.user, failure.word) from None
