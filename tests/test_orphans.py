"""What a container's first process owes the children that others leave to it."""

import subprocess
import sys

STORY = """
import ctypes, os, sys, time
from bridge import orphans

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

def child(code):
    pid = os.fork()
    if pid == 0:
        os._exit(code)
    return pid

def wait_until_ended(pid):
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

assert orphans.reap(None) == 0, "no children at all"

parent = os.fork()
if parent == 0:
    for code in range(3):
        child(code)
    os._exit(0)
os.waitpid(parent, 0)
count, end = 0, time.monotonic() + 20
while count < 3 and time.monotonic() < end:
    count += orphans.reap(None)
assert count == 3, "the grandchildren were left to us"

own = child(7)
wait_until_ended(own)
assert orphans.reap(own) == 0
assert os.waitstatus_to_exitcode(os.waitpid(own, 0)[1]) == 7, "its exit code is for who asks for it"
"""


def test_orphans_are_let_go_and_the_own_child_is_left_to_its_parent() -> None:
    subprocess.run([sys.executable, "-c", STORY], check=True, timeout=60)
