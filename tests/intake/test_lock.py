"""The folder's lock: app_voicemail waits for us and we for it, in both of its ways, and a crash of ours holds
nobody."""

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import Refused
from bridge.intake import lock
from bridge.intake.lock import MARK, locked


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


def as_voicemail_locks(path: Path) -> bool:
    """One try of ast_lock_path_lockfile."""
    own = path / ".lock-0badcafe"
    own.touch(exist_ok=False)
    try:
        os.link(own, path / ".lock")
    except FileExistsError:
        return False
    finally:
        own.unlink()
    return True


def test_while_we_hold_it_app_voicemail_does_not_get_it_and_afterwards_it_does(
    tmp_path: Path, folder: int
) -> None:
    with locked(folder):
        assert not as_voicemail_locks(tmp_path)
        with (tmp_path / "lock").open() as flocked, pytest.raises(BlockingIOError):
            fcntl.flock(flocked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(tmp_path.iterdir()) == []
    assert as_voicemail_locks(tmp_path)


def test_we_wait_until_app_voicemail_lets_go(tmp_path: Path, folder: int) -> None:
    assert as_voicemail_locks(tmp_path)
    rests: list[float] = []

    def wait(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 3:
            (tmp_path / ".lock").unlink()

    with locked(folder, wait=wait):
        assert len(rests) == 3


def test_we_wait_for_the_other_kind_of_lock_too_and_never_hold_a_removed_one(
    tmp_path: Path, folder: int
) -> None:
    theirs = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(theirs, fcntl.LOCK_EX)

    def let_go(_seconds: float) -> None:
        (tmp_path / "lock").unlink()
        os.close(theirs)

    with locked(folder, wait=let_go), (tmp_path / "lock").open() as now, pytest.raises(BlockingIOError):
        fcntl.flock(now, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", [".lock", "lock"])
def test_who_never_lets_go_is_left_with_it(tmp_path: Path, folder: int, way: str) -> None:
    with (tmp_path / way).open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="folder locked"), locked(folder, patience_s=0.03):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [way]


def test_a_lock_that_a_crash_of_ours_left_is_taken_away_and_one_that_is_held_is_not(
    tmp_path: Path, folder: int
) -> None:
    (tmp_path / ".lock").write_bytes(MARK)
    with locked(folder, patience_s=0.0):
        assert not lock.remove_ours(folder)
        with pytest.raises(Refused, match="folder locked"), locked(folder, patience_s=0.03):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path, folder: int) -> None:
    (tmp_path / "else").write_bytes(MARK)
    (tmp_path / ".lock").symlink_to("else")
    assert not lock.remove_ours(folder)
    assert (tmp_path / "else").exists()


def test_a_hundred_turns_of_two_never_overlap(tmp_path: Path) -> None:
    inside, worst = 0, 0

    def work() -> None:
        nonlocal inside, worst
        handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(50):
            with locked(handle, wait=lambda _: None, patience_s=60):
                inside += 1
                worst = max(worst, inside)
                inside -= 1
        os.close(handle)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1
    assert list(tmp_path.iterdir()) == []
