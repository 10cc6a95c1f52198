"""What is half written, damaged or somebody's trick stays where it is, and its path and reason are told."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bridge.intake import lock, taker
from bridge.media.sound import MOST_BYTES
from tests.intake.inbox import Inbox, bring
from tests.intake.spool import Spool


def half_written(text: Path) -> None:
    text.write_bytes(text.read_bytes().split(b"flag=")[0])


def sound_missing(text: Path) -> None:
    text.with_suffix(".wav").unlink()


def sound_empty(text: Path) -> None:
    text.with_suffix(".wav").write_bytes(b"")


def sound_cut(text: Path) -> None:
    sound = text.with_suffix(".wav")
    sound.write_bytes(sound.read_bytes()[:-100])


def text_missing(text: Path) -> None:
    text.unlink()


def text_garbage(text: Path) -> None:
    text.write_bytes(os.urandom(500))


def text_huge(text: Path) -> None:
    text.write_bytes(text.read_bytes() + b";" * 20000)


def sound_huge(text: Path) -> None:
    os.truncate(text.with_suffix(".wav"), MOST_BYTES + 1)


def sound_linked_elsewhere(text: Path) -> None:
    sound = text.with_suffix(".wav")
    sound.rename(text.parents[3] / "secret.wav")
    sound.symlink_to("../../../secret.wav")


def sound_with_a_second_name(text: Path) -> None:
    os.link(text.with_suffix(".wav"), text.parents[3] / "outside.wav")


def text_of_another_with_a_second_name(text: Path) -> None:
    os.link(text, text.parents[3] / "outside.txt")


def sound_is_a_pipe(text: Path) -> None:
    text.with_suffix(".wav").unlink()
    os.mkfifo(text.with_suffix(".wav"))


def sound_is_a_folder(text: Path) -> None:
    text.with_suffix(".wav").unlink()
    text.with_suffix(".wav").mkdir()


def with_a_film(text: Path) -> None:
    text.with_suffix(".h264").write_bytes(b"film")


def wide_band_only(text: Path) -> None:
    text.with_suffix(".wav").rename(text.with_suffix(".wav16"))


TRICKS: dict[Callable[[Path], None], str] = {
    half_written: "no duration",
    sound_missing: "no sound",
    sound_empty: "sound damaged",
    sound_cut: "sound cut off",
    text_missing: "no text",
    text_garbage: "not a message text",
    text_huge: "text too long",
    sound_huge: "sound too long",
    sound_linked_elsewhere: "not a plain file",
    sound_with_a_second_name: "not a plain file",
    text_of_another_with_a_second_name: "not a plain file",
    sound_is_a_pipe: "not a plain file",
    sound_is_a_folder: "not a plain file",
    with_a_film: "a file of another kind",
    wide_band_only: "sound of another kind",
}


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_it_is_left_as_it_is_and_its_neighbours_are_taken(
    inbox: Inbox, spool: Spool, trick: Callable[[Path], None]
) -> None:
    text = spool.put()
    spool.put()
    trick(text)
    before = {path.name: path.lstat() for path in text.parent.glob("msg0000.*")}
    report = bring(inbox, spool, remove=True)
    assert [(left.path, left.why) for left in report.total.left] == [
        ("default/1001/INBOX/msg0000", TRICKS[trick])
    ]
    assert inbox.callers() == ["Caller 1"]
    after = {path.name: path.lstat() for path in text.parent.iterdir()}
    assert after == before | {name: after[name] for name in after.keys() & before.keys()}
    assert {name: (stat.st_ino, stat.st_size) for name, stat in after.items()} == {
        name: (stat.st_ino, stat.st_size) for name, stat in before.items()
    }


def test_a_file_of_somebody_else_is_not_read_for_him(
    inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = spool.put()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(text.with_suffix(".wav"), 4321, 4321)
    (left,) = bring(inbox, spool).total.left
    assert left.why == "not a plain file"


def test_a_mailbox_or_folder_that_is_a_link_is_not_entered(inbox: Inbox, spool: Spool) -> None:
    elsewhere = Spool(spool.path.parent / "elsewhere")
    elsewhere.put()
    (spool.path / "device").symlink_to(elsewhere.path / "default")
    (spool.path / "default" / "1002").symlink_to(elsewhere.path / "default" / "1001")
    (spool.path / "default" / "1001" / "Old").symlink_to(elsewhere.folder())
    report = bring(inbox, spool, remove=True)
    assert (report.total.taken, report.total.left) == (0, [])
    assert elsewhere.names() == ["msg0000.txt", "msg0000.wav"]


@pytest.mark.parametrize("name", ["...", "1001;id", "a b", "\u0663", "x" * 41, "10\n01"])
def test_a_folder_of_an_impossible_name_is_no_mailbox(inbox: Inbox, spool: Spool, name: str) -> None:
    spool.put(folder=spool.folder(name))
    assert bring(inbox, spool).folders[0][0].mailbox == "1001"
    assert len(inbox.store.mailboxes.all()) == 1


def test_other_files_in_a_folder_are_no_messages_and_stay(inbox: Inbox, spool: Spool) -> None:
    spool.put()
    strange = [
        "msg0001.tx",
        "msg99999.txt",
        "msg-001.txt",
        "unavail.wav",
        ".lock-1234abcd",
        "msg0001",
        "x.txt",
    ]
    for name in strange:
        (spool.folder() / name).write_bytes(b"x")
    report = bring(inbox, spool, remove=True)
    assert report.total.taken == 1
    assert sorted(strange) == spool.names() or [left.path for left in report.total.left] == [
        "default/1001/INBOX/msg0000"
    ]


def test_a_folder_that_somebody_holds_is_told_and_nothing_is_read_there(
    inbox: Inbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taker, "locked", partial(lock.locked, patience_s=0.03))
    spool.put()
    (spool.folder() / ".lock").touch()
    (left,) = bring(inbox, spool, remove=True).total.left
    assert (left.path, left.why) == ("default/1001/INBOX", "folder locked")
    assert inbox.rows() == []
