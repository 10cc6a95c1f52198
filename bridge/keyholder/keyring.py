"""The keys of my mailboxes: opened from their wraps, claimed where nobody has, and used on what is sealed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.errors import Refused
from bridge.keyholder.client import Client, b64, unb64, unhex
from bridge.keyholder.epochs import MOVED, next_key
from bridge.keyholder.failure import Exit, Failure, tell
from bridge.seal import keys
from bridge.seal.curve import new_keypair, public_of
from bridge.seal.layout import kid, split_envelopes

T = TypeVar("T")

BATCH = 50
"""Envelopes per request: little is done twice after an interruption."""


@dataclass(slots=True)
class Box:
    """One mailbox of mine. ``outgrown``: somebody who is no member may have its present key. ``secrets`` are
    the raw private keys by epoch."""

    id: str
    extension: str
    state: str
    mine: str
    epoch: int
    outgrown: bool
    secrets: dict[int, bytes] = field(default_factory=dict, repr=False)

    def opened(self, attempt: Callable[[bytes], T]) -> T:
        """Return what ``attempt`` makes with the first key that fits, newest first.

        An envelope of the newest key that does not open may be another member's rubbish; an older one beside
        it still opens. Raises Refused: ``not sealed to this key`` when there is none, else the first word.
        """
        why = Refused("not sealed to this key")
        for _, secret in sorted(self.secrets.items(), reverse=True):
            try:
                return attempt(secret)
            except Refused as refused:
                if refused.word not in ("not sealed to this key", "envelope", "commit"):
                    raise
                if why.word == "not sealed to this key":
                    why = refused
        raise why


class Keyring:
    """All that this key opens."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.boxes: list[Box] = []
        self._read(client.get("me"))

    def settle(self) -> None:
        """Claim mailboxes that are nobody's yet, begin an epoch where who left may have kept the key, and
        give older notes their envelopes of the new key."""
        waiting = [box for box in self.boxes if box.state != "private"]
        for box in waiting:
            try:
                self._claim(box)
            except (Failure, Refused) as error:
                if isinstance(error, Failure) and error.code is not Exit.FAILED:
                    raise
                # Somebody was faster, or the wrap does not open: the other mailboxes still do.
                tell(f"mailbox {box.extension} could not be claimed: {error.user}")
        if waiting:
            self._read(self._client.get("me"))
        outgrown = [box for box in self.boxes if box.outgrown and box.mine == "member"]
        for box in outgrown:
            self._succeed(box)
        if outgrown:
            self._read(self._client.get("me"))
        for box in self.boxes:
            if box.mine == "member" and box.epoch in box.secrets and len(box.secrets) > 1:
                self._rewrap(box)

    def box(self, mailbox_id: str) -> Box | None:
        """Return a mailbox of mine by id."""
        return next((box for box in self.boxes if box.id == mailbox_id), None)

    def _read(self, me: dict[str, Any]) -> None:
        key = self._client.key
        self.boxes = [
            Box(
                told["id"],
                told["extension"],
                told["state"],
                told["my_state"],
                told["epoch"],
                told["outgrown"],
            )
            for told in me["mailboxes"]
        ]
        for wrap in me["wraps"]:
            box = self.box(wrap["mailbox_id"])
            if box is None:
                continue
            try:
                box.secrets[wrap["epoch"]] = keys.open_mailbox_wrap(
                    unb64(wrap["wrap"]),
                    user_private=key.private,
                    user_id=key.user,
                    mailbox_id=box.id,
                    epoch=wrap["epoch"],
                    m_public=unb64(wrap["public"]),
                )
            except Refused:
                # One key that does not open must not hide the mailboxes that do.
                tell(f"mailbox {box.extension}: its key of epoch {wrap['epoch']} does not open with yours")

    def _claim(self, box: Box) -> None:
        client, key = self._client, self._client.key
        offer = client.post(f"mailboxes/{box.id}/claim", {})
        first = keys.open_mailbox_wrap(
            unb64(offer["wrap"]),
            user_private=key.private,
            user_id=key.user,
            mailbox_id=box.id,
            epoch=offer["epoch"],
            m_public=unb64(offer["public"]),
        )
        private, public = new_keypair()
        wrap = keys.mailbox_wrap(key.public, key.user, box.id, offer["epoch"] + 1, private, public)
        client.post(
            f"mailboxes/{box.id}/claim/confirm",
            {"proof": b64(keys.claim_proof(first, key.user)), "public": b64(public), "wrap": b64(wrap)},
        )
        tell(f"mailbox {box.extension} was nobody's yet: it is private now, and this key file opens it")

    def _succeed(self, box: Box) -> None:
        """Begin the next epoch where nobody else reads.

        A program knows nobody's key by heart: it closes none for another unless somebody tells it to and
        sees the fingerprints, or who can write the server's database would only have to add himself.
        """
        client, key = self._client, self._client.key
        members = client.get(f"mailboxes/{box.id}/members")["members"]
        if any(each["state"] == "member" and each["user_id"] != key.user for each in members):
            tell(
                f"mailbox {box.extension}: somebody who is gone may have kept its key;"
                f" `member new-key --mailbox {box.extension}` gives it another, if no member's page does"
            )
            return
        me = [{**each, "public": b64(key.public)} for each in members if each["user_id"] == key.user]
        try:
            client.post(f"mailboxes/{box.id}/key", next_key(box.id, box.epoch + 1, me))
        except Failure as failure:
            if failure.word != MOVED:
                raise
        else:
            tell(f"mailbox {box.extension} has a new key: who left could have kept the one so far")

    def _rewrap(self, box: Box) -> None:
        path = f"mailboxes/{box.id}/rewraps"
        by_kid = {kid(public_of(secret)): secret for secret in box.secrets.values()}
        done = failed = 0
        while items := self._client.get(path, {"limit": BATCH, "skip": failed})["items"]:
            made = [new for item in items if (new := self._new_envelope(box, by_kid, item)) is not None]
            failed += len(items) - len(made)
            if made:
                self._client.post(path, {"items": made})
            done += len(made)
        if failed:
            tell(f"mailbox {box.extension}: {failed} older notes cannot be given a new envelope")
        if done:
            tell(f"mailbox {box.extension}: {done} older calls and notes are sealed to the new key now")

    @staticmethod
    def _new_envelope(box: Box, by_kid: dict[bytes, bytes], item: dict[str, Any]) -> dict[str, str] | None:
        newest = box.secrets[box.epoch]
        try:
            known = [each for each in split_envelopes(unb64(item["envelope"])) if each.kid in by_kid]
        except (Refused, ValueError):
            return None
        for each in reversed(known):  # the newest may be another member's rubbish
            try:
                new = keys.rewrap_envelope(
                    each.raw,
                    unhex(item["id"]),
                    box.id,
                    by_kid[each.kid],
                    unb64(item["commit"]),
                    public_of(newest),
                    new_private=newest,
                )
            except (Refused, ValueError):
                continue
            return {"id": item["id"], "envelope": b64(new)}
        return None
