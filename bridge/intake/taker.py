"""Takes the messages of a folder over: looks and opens under the lock, reads and seals without it, and
removes under it again what is durably a note.

Disk and decoder work in threads. Rows are filed on the loop, as all rows are, since pages are told of them
there.
"""

import asyncio
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from bridge.call.model import Call
from bridge.errors import Refused, StoreError
from bridge.events import News
from bridge.intake import mark
from bridge.intake.folder import URGENT, Files, FilesKey, Place, is_doubled, mend, messages, opened, remove
from bridge.intake.limits import Limits
from bridge.intake.lock import locked, remove_ours
from bridge.intake.message import BUSY, OpenMessage
from bridge.intake.note import sealed_note
from bridge.intake.thread import to_the_end
from bridge.record import call_record
from bridge.seal.note import Recipient, seal_call_record
from bridge.store import Store
from bridge.store.calls import UNTOLD
from bridge.store.taken import MessageId
from bridge.wire.voicemail import MessageText

BATCH = 32
"""Messages whose files are open at once, two each."""

SETTLE_S = 5.0
"""Seconds after its last change before a message is taken: app_voicemail still copies it to further
recipients and puts it into mails, without its lock."""


@dataclass(frozen=True, slots=True)
class Left:
    """A message, or a whole folder, that is left alone: its path below the spool, and why. ``lasting``: as
    long as its files are those of ``key``, there is nothing new to find out."""

    path: str
    why: str
    key: FilesKey = field(default=frozenset(), repr=False)
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``act``: else only look. ``removes``: taken messages go from the spool. ``fresh``: what to do about
    messages that changed just now. ``admits`` says why a message may not be taken, None if it may; the flag:
    our mark is in it."""

    act: bool
    removes: bool
    fresh: Literal["skip", "wait", "take"]
    admits: Callable[[Place, bool], str | None]
    limits: Limits


@dataclass(slots=True)
class Result:
    """What was found in a folder: ``taken`` (or to be taken, in a plan that only looks), ``known`` from an
    earlier run, ``fresh`` and skipped, ``removed``, and what is left alone."""

    taken: int = 0
    known: int = 0
    fresh: int = 0
    removed: int = 0
    left: list[Left] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Count another folder's, too."""
        self.taken += other.taken
        self.known += other.known
        self.fresh += other.fresh
        self.removed += other.removed
        self.left += other.left


class Taker:
    """``clock`` is seconds since 1970; ``skip`` are messages of which is known that they cannot be taken."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        *,
        publish: Callable[[News], None],
        clock: Callable[[], float] = time.time,
        step: Callable[[], None] = lambda: None,
    ) -> None:
        self.skip: dict[FilesKey, str] = {}
        self._settled: set[FilesKey] = set()
        self._store = store
        self._plan = plan
        self._publish = publish
        self._clock = clock
        self._step = step

    async def take(self, place: Place) -> Result:
        """Take what is in a folder. Raises StoreError; what was taken until then is taken."""
        result = Result()
        try:
            with opened(place) as folder:
                await self._settle(folder)
                await self._take_in(folder, place, result)
        except Refused as refused:
            result.left.append(Left(str(place), refused.word))
        except OSError as error:
            result.left.append(Left(str(place), f"cannot be used: {error.strerror}{_remedy(error)}"))
        return result

    async def _take_in(self, folder: int, place: Place, result: Result) -> None:
        seen: set[FilesKey] = set()
        self._settled.clear()
        while batch := await to_the_end(self._open, folder, place, seen, result):
            await self._take_all(folder, place, batch, result)
        if result.removed:
            # Those that stay have moved up.
            numbers = {files.key: files for files in messages(folder)}
            result.left = [_moved(left, place, numbers) for left in result.left]

    async def _settle(self, folder: int) -> None:
        if self._plan.fresh == "wait" and self._plan.act and any(map(self._is_fresh, messages(folder))):
            await asyncio.sleep(SETTLE_S + 0.1)

    def _is_fresh(self, files: Files) -> bool:
        """Say whether somebody may be at work on a message: not for having been moved up by us."""
        if self._plan.fresh == "take" or files.key in self._settled:
            return False
        fresh = files.changed_at > self._clock() - SETTLE_S
        if not fresh:
            self._settled.add(files.key)
        return fresh

    def _open(self, folder: int, place: Place, seen: set[FilesKey], result: Result) -> list[OpenMessage]:
        """Return the next messages, open. The lock is only taken when there is something to open."""
        remove_ours(folder)
        found = messages(folder)
        torn = self._plan.removes and self._plan.act and is_doubled(found)
        if not self._choose(found, place, seen, result) and not torn:
            return []
        batch: list[OpenMessage] = []
        with self._locked(folder):
            if torn:
                mend(folder)
            for files in self._choose(messages(folder), place, seen, result)[:BATCH]:
                seen.add(files.key)
                try:
                    batch.append(OpenMessage(folder, files))
                except Refused as refused:
                    result.left.append(_left(place, files, refused.word, lasting=refused.word != BUSY))
        return batch

    def _choose(self, found: list[Files], place: Place, seen: set[FilesKey], result: Result) -> list[Files]:
        chosen = []
        for files in found:
            if files.key in seen:
                continue
            if files.key in self.skip:
                result.left.append(_left(place, files, self.skip[files.key], lasting=True))
            elif self._is_fresh(files):
                result.fresh += 1
            else:
                chosen.append(files)
                continue
            seen.add(files.key)
        return chosen

    @contextmanager
    def _locked(self, folder: int) -> Iterator[None]:
        """Lock the folder. One that is not ours to write (a copy, mounted to be read) is read as it is: there
        app_voicemail would not wait either."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder))
            except OSError as error:
                if self._plan.removes or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                    raise
            yield

    async def _take_all(self, folder: int, place: Place, batch: list[OpenMessage], result: Result) -> None:
        gone: set[FilesKey] = set()
        try:
            for message in batch:
                try:
                    new = await self._take_one(message, place)
                except Refused as refused:
                    result.left.append(_left(place, message.files, refused.word, lasting=message.unfit))
                else:
                    result.taken += new
                    result.known += not new
                    gone.add(message.files.key)
                self._step()
        finally:
            for message in batch:
                message.close()
            if gone and self._plan.removes and self._plan.act:
                result.removed += await to_the_end(self._remove, folder, gone)

    def _remove(self, folder: int, gone: set[FilesKey]) -> int:
        with locked(folder):
            return remove(folder, gone, lambda files: not self._is_fresh(files))

    async def _take_one(self, message: OpenMessage, place: Place) -> bool:
        """Return True when it is new, False for one that is a note already. Raises Refused and StoreError."""
        text = message.text()
        linked = mark.marked(text, place.mailbox)
        why_not = self._plan.admits(place, linked is not None)
        if why_not is not None:
            raise Refused(why_not)
        words = _words(text, place)
        taken = self._store.taken
        try:
            whole = await to_the_end(message.read)
        except Refused as refused:
            if refused.word == "no sound" and taken.leftover(taken.name(words)):
                return False
            raise
        name = taken.name(words, whole.file)
        if taken.done(name):
            return False
        if self._plan.act:
            if self._store.free_bytes() < self._plan.limits.min_free:
                raise StoreError("the disk is almost full")
            text = replace(text, at=min(text.at, datetime.fromtimestamp(self._clock(), UTC)))
            recipient = self._store.mailboxes.recipient(place.mailbox)
            row = self._row(linked, text, place, name, recipient)
            thresholds, urgent = self._plan.limits.thresholds, place.name == URGENT
            note = await to_the_end(sealed_note, text, whole.sound, recipient, thresholds, urgent=urgent)
            await to_the_end(taken.keep, name, row, note)
            if not place.new:
                self._mark_heard(row, recipient)
            self._publish(News("row", recipient.mailbox_id, row.hex()))
        return True

    def _row(
        self, linked: Call | None, text: MessageText, place: Place, name: MessageId, recipient: Recipient
    ) -> bytes:
        """Return the row of the call that left the message, filed now unless it was."""
        if linked is not None:
            own = linked.linkedid.removeprefix(f"{mark.PEER} ")
            found = self._store.taken.row_of(recipient.mailbox_id, own, text.at)
            if found is not None:
                row, filed_as = found
                if not filed_as.startswith(UNTOLD):
                    return row
                # Filed without the caller, whom the message tells: his row takes the place of that one.
                linked = replace(linked, linkedid=filed_as.removeprefix(UNTOLD))
        call = linked or mark.unmarked(text, place.mailbox, name.id.hex())
        call_id = os.urandom(16)
        sealed = seal_call_record(call_id, recipient, call_record(call))
        return self._store.calls.file(
            call_id, recipient.mailbox_id, call.linkedid, call.reason, call.rang_at, sealed, supersede=True
        )

    def _mark_heard(self, row: bytes, recipient: Recipient) -> None:
        """Who belongs to the mailbox now has heard what lies in its other folders."""
        for member in self._store.mailboxes.members(recipient.mailbox_id):
            self._store.calls.mark_heard(row, member.user_id, True)


def _words(text: MessageText, place: Place) -> tuple[str, ...]:
    """Return by what a message is known, in words; its folder changes when it is heard."""
    spoken = str(int(text.at.timestamp()))
    return place.context, place.mailbox, text.message_id, spoken, text.number, text.name


def _left(place: Place, files: Files, why: str, *, lasting: bool) -> Left:
    return Left(f"{place}/msg{files.number:04}", why, files.key, lasting)


def _moved(left: Left, place: Place, now: dict[FilesKey, Files]) -> Left:
    files = now.get(left.key)
    return left if files is None else replace(left, path=f"{place}/msg{files.number:04}")


def _remedy(error: OSError) -> str:
    """Return what to do about a folder that was not opened for us, or nothing."""
    if error.errno == errno.EROFS:
        return " (under systemd: ReadWritePaths= for this folder)"
    if error.errno in (errno.EACCES, errno.EPERM):
        return " (the bridge's user must be in the group of Asterisk, and that group may write here)"
    return ""
