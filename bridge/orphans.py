"""The duty of a container's first process: wait for the ended children of others, which are given to it."""

import os

FIRST = 1
"""Process id of init: whatever a parent leaves behind becomes its child (wait(2), notes)."""


def reap(own: int | None) -> int:
    """Let every ended child but ``own`` go, without waiting for any; return how many there were.

    ``own`` is left to the one who waits for it by name. When it has ended, too, those behind it stay until it
    has been waited for.
    """
    count = 0
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return count
        if ended is None or ended.si_pid == own:
            return count
        os.waitpid(ended.si_pid, 0)
        count += 1
