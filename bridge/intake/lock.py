"""The lock that app_voicemail takes on a folder of messages, taken as it does (main/app.c, ast_lock_path).

Both of its ways at once, since a folder does not tell which one the PBX uses (``lockmode`` in asterisk.conf):
a file that is linked to ``.lock``, and flock(2) on ``lock``. app_voicemail waits five seconds for a lock;
after that it *loses the message it has just recorded*. So whoever uses this does nothing meanwhile but look
and rename.
"""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.errors import Refused

PATIENCE_S = 5.0
"""As long as app_voicemail itself waits."""

POLL_S = 0.01

NAME = ".lock"
FLOCKED = "lock"

MARK = b"aftertone\n"
"""In lock files of ours (Asterisk's are empty). We hold flock(2) on them as long as we live, so that one
which a crash of ours left behind can be told and removed; the PBX would wait for it for ever."""


@contextmanager
def locked(
    folder: int, *, wait: Callable[[float], None] = time.sleep, patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """Hold the lock of a folder, given as an open directory.

    Raises Refused(``folder locked``) when somebody else holds it all the time, OSError when no lock file can
    be made there (a folder that is not ours to write).
    """
    until = time.monotonic() + patience_s
    own = _make(folder, until, wait)
    try:
        flocked = _flock(folder, until, wait)
        try:
            yield
        finally:
            _drop(folder, FLOCKED, flocked)
    finally:
        _drop(folder, NAME, own)


def _make(folder: int, until: float, wait: Callable[[float], None]) -> int:
    """Return an open file that is linked to ``.lock``."""
    name = f"{NAME}-{secrets.token_hex(4)}"
    own = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
    try:
        fcntl.flock(own, fcntl.LOCK_EX)
        os.write(own, MARK)
        while True:
            try:
                os.link(name, NAME, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                if not remove_ours(folder):
                    _rest(until, wait)
            else:
                return own
    except BaseException:
        os.close(own)
        raise
    finally:
        os.unlink(name, dir_fd=folder)


def _flock(folder: int, until: float, wait: Callable[[float], None]) -> int:
    """Return an open file ``lock``, flocked, that nobody has removed meanwhile (whoever lets it go removes
    it)."""
    while True:
        held = os.open(FLOCKED, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666, dir_fd=folder)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(folder, FLOCKED, held):
                return held
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK:
                os.close(held)
                raise
        os.close(held)
        _rest(until, wait)


def remove_ours(folder: int) -> bool:
    """Remove a ``.lock`` that a crash of ours left behind; True when there is none any more.

    Raises OSError when it cannot be removed.
    """
    try:
        found = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if os.read(found, len(MARK) + 1) != MARK:
            return False
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(folder, NAME, found):
            os.unlink(NAME, dir_fd=folder)
    except BlockingIOError:
        return False
    finally:
        os.close(found)
    return True


def _is(folder: int, name: str, handle: int) -> bool:
    """Say whether a name in the folder is the open file."""
    try:
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(handle))


def _drop(folder: int, name: str, handle: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    finally:
        os.close(handle)


def _rest(until: float, wait: Callable[[float], None]) -> None:
    if time.monotonic() >= until:
        raise Refused("folder locked")
    wait(POLL_S)
