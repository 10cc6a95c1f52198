"""What a process that holds keys and sound in memory owes them (sealed-note format, hygiene)."""

import ctypes
import os
import resource

PR_SET_DUMPABLE = 4

FILES = 16384
"""Descriptors: 2,000 calls with a socket and a blob each, pages, and a thousand strangers, with room."""


def harden() -> None:
    """No core dumps, no debugger of the same user, private files only, enough descriptors (prctl(2))."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
