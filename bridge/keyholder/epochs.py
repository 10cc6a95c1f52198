"""A mailbox's next key, closed for all who read on, and what to do when they are others by then."""

from collections.abc import Callable
from typing import Any, TypeVar

from bridge.errors import Refused
from bridge.keyholder.client import b64, fingerprint, unb64
from bridge.keyholder.failure import Exit, Failure, plain, tell
from bridge.seal import keys
from bridge.seal.curve import new_keypair

T = TypeVar("T")

MOVED = "members changed"
"""The server's word when somebody was let in or removed, or another key made, meanwhile."""

TRIES = 5
"""Times that this may happen while a key is being made."""


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


def again(work: Callable[[], T]) -> T:
    """Do it anew, with what the server says then, while others are faster. Raises Failure."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except Failure as failure:
            if failure.word != MOVED:
                raise
    return work()
