"""One message of the spool: opened under the folder's lock, read afterwards, and refused unless it is
whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bridge.errors import Refused
from bridge.intake.folder import TEXT, Files, is_plain
from bridge.media import sound
from bridge.media.sound import Sound
from bridge.wire import voicemail
from bridge.wire.voicemail import MessageText

BUSY = "being written"
"""The refusal of a message that somebody is still at work on."""

_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""O_NONBLOCK: a pipe of that name would hold us for ever."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message. ``file`` is the sound as it lay there, by which the message is known again."""

    text: MessageText = field(repr=False)
    sound: Sound = field(repr=False)
    file: bytes = field(repr=False)


class OpenMessage:
    """A message whose files are open: whatever is renamed meanwhile, text and sound belong together.

    ``unfit``: it was refused for what is in it, and will be as long as its files are the same.
    """

    def __init__(self, folder: int, files: Files) -> None:
        """Open it, while the folder is locked.

        Raises Refused: ``no text``, ``no sound``, ``not a plain file`` (link, pipe, somebody else's, or with
        a second name elsewhere), ``text too long``, ``sound too long``, ``being written``, and as
        ``sound.best``.
        """
        self.files = files
        self.unfit = False
        if TEXT not in files.stats:
            raise Refused("no text")
        if not all(is_plain(found, folder) for found in files.stats.values()):
            raise Refused("not a plain file")
        self._text = _opened(folder, files, TEXT, voicemail.TEXT_LIMIT, "text too long")
        self._sound = -1
        self._kind = ""
        try:
            if files.sounds:
                self._kind = sound.best(files.sounds)
                self._sound = _opened(folder, files, self._kind, sound.MOST_BYTES, "sound too long")
        except BaseException:
            self.close()
            raise

    def text(self) -> MessageText:
        """Return what the text tells. Raises Refused as ``voicemail.parse``, ``being written``, ``cannot be
        read``."""
        with self._judged():
            return voicemail.parse(_whole(self._text, self.files.stats[TEXT].st_size))

    def read(self) -> Message:
        """Return the message; takes as long as its sound has to be decoded.

        Raises Refused as ``text`` and ``sound.read``.
        """
        text = self.text()
        with self._judged():
            if self._sound < 0:
                raise Refused("no sound")
            data = _whole(self._sound, self.files.stats[self._kind].st_size)
            return Message(text, sound.read(self._kind, data), data)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            self.unfit = refused.word != BUSY
            raise
        except OSError:
            self.unfit = True
            raise Refused("cannot be read") from None

    def close(self) -> None:
        """Close its files."""
        for handle in (self._text, self._sound):
            if handle >= 0:
                os.close(handle)
        self._text = self._sound = -1


def _opened(folder: int, files: Files, kind: str, most: int, too_long: str) -> int:
    if files.stats[kind].st_size > most:
        raise Refused(too_long)
    try:
        handle = os.open(files.name(kind), _OPEN_FILE, dir_fd=folder)
    except OSError:
        raise Refused("cannot be read") from None
    if not os.path.samestat(os.fstat(handle), files.stats[kind]):
        os.close(handle)
        raise Refused(BUSY)
    return handle


def _whole(handle: int, size: int) -> bytes:
    """Return a file of the size that was listed. Raises Refused(``being written``) when it has another by
    now."""
    data = bytearray()
    while piece := os.pread(handle, size + 1 - len(data), len(data)):
        data += piece
        if len(data) > size:
            break
    if len(data) != size:
        raise Refused(BUSY)
    return bytes(data)
