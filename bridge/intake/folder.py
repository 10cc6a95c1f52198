"""Folders of app_voicemail's spool: SPOOL/context/mailbox/folder, and what lies in them. Nothing is believed
of it.

Everything is opened relative to its own open folder and without following links, so that no name leads
outside.
"""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.call.model import MAILBOX_NAME

URGENT = "Urgent"
"""Folder of what its callers marked as urgent and nobody has heard."""

NEW = ("INBOX", URGENT)
"""Folders of what nobody has heard (app_voicemail.c, mailbox_folders)."""

KEPT = ("Old", "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5")
"""Folders of what was heard and not thrown away. ``Deleted`` was, and ``Greetings`` are no messages."""

MOST = 9999
"""Messages of one folder, as app_voicemail's MAXMSGLIMIT."""

_CONTEXT = re.compile(r"[A-Za-z0-9_.+@-]{1,80}")
_MESSAGE = re.compile(r"msg([0-9]{4})\.([A-Za-z0-9-]{1,16})")
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK

TEXT = "txt"

FilesKey = frozenset[tuple[str, int, int, int, int]]
"""What files are known by: the end of each name, device, inode, size and time of the last change of
content."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder lies; its words are safe to show, the path is made of them alone."""

    spool: Path
    context: str
    mailbox: str
    name: str

    @property
    def new(self) -> bool:
        """Whether nobody has heard what is in it."""
        return self.name in NEW

    def __str__(self) -> str:
        return f"{self.context}/{self.mailbox}/{self.name}"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one message by the ends of their names, as the folder listed them."""

    number: int
    stats: dict[str, os.stat_result] = field(repr=False)

    @property
    def changed_at(self) -> float:
        """When something was last written to them or renamed, in seconds since 1970 (the later of both
        times)."""
        return max(max(one.st_mtime, one.st_ctime) for one in self.stats.values())

    @property
    def sounds(self) -> set[str]:
        """The ends of the names of all files but the text."""
        return self.stats.keys() - {TEXT}

    def name(self, kind: str) -> str:
        """Return the name of one file."""
        return file_name(self.number, kind)

    @property
    def key(self) -> FilesKey:
        """Equal for the same files, unchanged, whatever their number is."""
        return frozenset(
            (kind, one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for kind, one in self.stats.items()
        )


def file_name(number: int, kind: str) -> str:
    """Return the name of a message's file, as app_voicemail's make_file."""
    return f"msg{number:04}.{kind}"


def places(spool: Path) -> Iterator[Place]:
    """Yield every folder of messages below ``spool``, by name. Raises OSError when it cannot be read."""
    with _opened(spool) as top:
        for context in _folders_in(top):
            if not _CONTEXT.fullmatch(context):
                continue
            with suppress(OSError), _opened(context, top) as contexts:
                for mailbox in _folders_in(contexts):
                    if not MAILBOX_NAME.fullmatch(mailbox) or mailbox.strip(".") == "":
                        continue
                    with suppress(OSError), _opened(mailbox, contexts) as box:
                        there = set(_folders_in(box))
                    for name in (*NEW, *KEPT):
                        if name in there:
                            yield Place(spool, context, mailbox, name)


@contextmanager
def opened(place: Place) -> Iterator[int]:
    """Yield a folder as an open directory, reached without following a link. Raises OSError."""
    with (
        _opened(place.spool) as top,
        _opened(place.context, top) as context,
        _opened(place.mailbox, context) as mailbox,
        _opened(place.name, mailbox) as folder,
    ):
        yield folder


def messages(folder: int) -> list[Files]:
    """Return the messages of an open folder by number; files of other names are none. Raises OSError."""
    found: dict[int, dict[str, os.stat_result]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _MESSAGE.fullmatch(entry.name)
            if match is not None:
                with suppress(FileNotFoundError):
                    found.setdefault(int(match[1]), {})[match[2]] = entry.stat(follow_symlinks=False)
    return [Files(number, stats) for number, stats in sorted(found.items())]


def remove(folder: int, gone: Collection[FilesKey], moves: Callable[[Files], bool]) -> int:
    """Remove messages from a locked folder and let the later ones move up; return how many were there.

    A message is found again by its files, whatever its number is now; one that has changed meanwhile is left.
    One that ``moves`` says no to may be in somebody's hands and keeps its number: app_voicemail closes such
    gaps itself (resequence_mailbox). Raises OSError.
    """
    left: list[Files] = []
    removed = 0
    for files in messages(folder):
        if files.key in gone:
            _unlink(folder, files, files.stats)
            removed += 1
        else:
            left.append(files)
    if removed:
        _move_up(folder, left, moves)
    os.fsync(folder)
    return removed


def _move_up(folder: int, messages: list[Files], moves: Callable[[Files], bool]) -> None:
    free = 0
    for files in messages:
        if files.number == free or not moves(files):
            free = files.number + 1
            continue
        # Linked and not renamed: a crash between text and sound would leave neither of them a message.
        for kind in files.stats:
            os.link(files.name(kind), file_name(free, kind), src_dir_fd=folder, dst_dir_fd=folder,
                    follow_symlinks=False)  # fmt: skip
        _unlink(folder, files, files.stats)
        free += 1


def mend(folder: int) -> None:
    """End what a crash left of moving up, in a locked folder: files with two numbers keep one. Raises
    OSError."""
    owners: dict[tuple[str, int, int], Files] = {}
    for files in messages(folder):
        ours = {kind: (kind, one.st_dev, one.st_ino) for kind, one in files.stats.items() if one.st_nlink > 1}
        doubled = {kind: owners[inode] for kind, inode in ours.items() if inode in owners}
        if doubled and doubled.keys() == files.stats.keys():
            _unlink(folder, files, files.stats)
        else:
            for kind, earlier in doubled.items():
                os.unlink(earlier.name(kind), dir_fd=folder)
        owners |= dict.fromkeys(ours.values(), files)


def is_doubled(found: list[Files]) -> bool:
    """Say whether ``mend`` may have something to do."""
    return any(one.st_nlink > 1 for files in found for one in files.stats.values())


def _unlink(folder: int, files: Files, kinds: Iterable[str]) -> None:
    """Remove files of a message, its text last: without it a sound would be nobody's."""
    for kind in sorted(kinds, key=lambda kind: kind == TEXT):
        os.unlink(files.name(kind), dir_fd=folder)


def is_plain(found: os.stat_result, folder: int) -> bool:
    """Say whether a file is app_voicemail's own: a regular one with one name, of who owns the folder."""
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_nlink == 1
        and found.st_uid in (os.fstat(folder).st_uid, os.geteuid())
    )


@contextmanager
def _opened(name: str | Path, above: int | None = None) -> Iterator[int]:
    handle = os.open(name, _OPEN_FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def _folders_in(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
