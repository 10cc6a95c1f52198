"""Backups taken while callers speak, and archives that want to harm."""

import asyncio
import io
import os
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.backup import backup, restore
from bridge.errors import Refused, StoreError, Unready
from bridge.store import open_store
from tests.store.house import House, Take, claim, file_call, joined, note, opened


def test_a_backup_taken_while_a_caller_speaks_opens_everything_again(house: House, tmp_path: Path) -> None:
    store = house.store
    anna = joined(store, "Anna", "1001")
    (box,) = store.mailboxes.all()
    before = Take(
        store, store.mailboxes.recipient("1001"), file_call(store, store.mailboxes.recipient("1001"), "1")
    )
    asyncio.run(before.finish())
    keys = claim(store, anna, box.id)
    mine, theirs = store.mailboxes.recipient("1001"), store.mailboxes.recipient("1002")
    after = Take(store, mine, file_call(store, mine, "2"))
    asyncio.run(after.finish())
    unclaimed = Take(store, theirs, file_call(store, theirs, "3"))
    asyncio.run(unclaimed.finish())
    speaking = Take(store, mine, file_call(store, mine, "4"))
    speaking.speak(3)

    archive = tmp_path / "backup.tar"
    assert backup(house.data, archive) == 4
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] in (["data", "backup.tar"], ["backup.tar", "data"])
    said = speaking.sent
    speaking.speak(2)

    other = tmp_path / "other"
    assert restore(archive, other) == 4
    for path in (other, *other.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    again = open_store(other)
    assert again.recover().kept == 1
    assert opened(again, note(again, before.id), keys[0]).media == before.sent
    assert opened(again, note(again, after.id), keys[1]).media == after.sent
    cut = opened(again, note(again, speaking.id), keys[1])
    assert (cut.media, cut.cut_off, note(again, speaking.id).cut_off) == (said, True, True)
    bert = joined(again, "Bert", "1002")
    late = claim(again, bert, theirs.mailbox_id)
    assert opened(again, note(again, unclaimed.id), late[0]).media == unclaimed.sent
    again.close()


def test_a_folder_with_something_in_it_is_left_alone(house: House, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    backup(house.data, archive)
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious").write_text("here")
    with pytest.raises(Refused, match="not empty"):
        restore(archive, full)
    assert [path.name for path in full.iterdir()] == ["precious"]
    with pytest.raises(Refused, match="not empty"):
        restore(archive, house.data)


def test_a_folder_without_aftertone_is_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(Unready, match="no aftertone data"):
        backup(tmp_path, tmp_path / "backup.tar")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(house: House, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing does not exist"):
        backup(house.data, tmp_path / "missing" / "backup.tar")
    taken, other = tmp_path / "taken", tmp_path / "other.tar"
    taken.mkdir()
    other.write_bytes(b"the only good one")
    for there in (taken, other):
        with pytest.raises(Refused, match="exists"):
            backup(house.data, there)
    assert other.read_bytes() == b"the only good one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "other.tar", "taken"]


def test_a_backup_that_is_not_there_is_named_and_nothing_is_made_of_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as told:
        restore(tmp_path / "nope.tar", tmp_path / "data")
    assert str(told.value) == f"backup {tmp_path / 'nope.tar'} cannot be read: No such file or directory"
    assert list(tmp_path.iterdir()) == []


def members(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found.append((member, file.read()))
        return found


def packed(path: Path, parts: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in parts:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def odd(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    return member, b"x" * 32 if kind == tarfile.REGTYPE else b""


HOSTILE = {
    "a path upwards": odd("../escaped"),
    "a path upwards within notes": odd("notes/../../escaped"),
    "an absolute path": odd("/tmp/escaped"),
    "a symbolic link": odd("notes/aa", tarfile.SYMTYPE, "/etc"),
    "a symbolic link named as a note": odd("notes/aa/" + "a" * 32 + ".sn1", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": odd("notes/aa/" + "a" * 32 + ".sn1", tarfile.LNKTYPE, "server.secret"),
    "a device": odd("notes/aa/" + "a" * 32 + ".sn1", tarfile.CHRTYPE),
    "a pipe": odd("aftertone.db-wal", tarfile.FIFOTYPE),
    "a folder": odd("notes", tarfile.DIRTYPE),
    "a sparse file": odd("notes/aa/" + "a" * 32 + ".sn1", tarfile.GNUTYPE_SPARSE),
    "another file": odd("aftertone.db-wal"),
    "a note in a wrong folder": odd("notes/bb/" + "a" * 32 + ".sn1"),
    "a note of a wrong name": odd("notes/aa/" + "A" * 32 + ".sn1"),
    "a second secret": odd("server.secret"),
    "a long name": odd("notes/aa/" + "a" * 300 + ".sn1"),
    "a name with a line break": odd("notes/aa/" + "a" * 32 + ".sn1\n"),
}


@pytest.mark.parametrize("story", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_of_it_stays(
    story: str, house: House, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    backup(house.data, archive)
    packed(archive, [*members(archive), HOSTILE[story]])
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(Refused, match="not a backup"):
        restore(archive, target)
    assert list(target.iterdir()) == []
    with pytest.raises(Refused, match="not a backup"):
        restore(archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "escaped").exists()


def test_an_archive_that_claims_more_than_the_disk_has_is_refused(house: House, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    backup(house.data, archive)
    member = tarfile.TarInfo("notes/aa/" + "a" * 32 + ".sn1")
    member.size = 1 << 60
    data = archive.read_bytes()
    end = data.rindex(b"SQLite format 3\0")
    size = members(archive)[2][0].size
    archive.write_bytes(data[: end + size + -size % 512] + member.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)
    with pytest.raises(Refused, match="too large"):
        restore(archive, tmp_path / "new")


@pytest.mark.parametrize("missing", ["aftertone-backup.json", "server.secret", "aftertone.db", "notes"])
def test_an_archive_without_one_of_its_parts_is_refused(missing: str, house: House, tmp_path: Path) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    asyncio.run(Take(house.store, recipient, file_call(house.store, recipient)).finish())
    archive = tmp_path / "backup.tar"
    backup(house.data, archive)
    packed(archive, [part for part in members(archive) if not part[0].name.startswith(missing)])
    with pytest.raises(Refused, match=r"incomplete|not a backup"):
        restore(archive, tmp_path / "new")


def test_another_version_says_so(house: House, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    backup(house.data, archive)
    parts = members(archive)
    packed(archive, [(parts[0][0], b'{"version":2}'), *parts[1:]])
    with pytest.raises(Refused, match="wrong version"):
        restore(archive, tmp_path / "new")


@pytest.mark.thorough
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), cut=st.booleans(), salt=st.integers(1, 255))
def test_a_damaged_archive_is_refused_or_whole(
    house: House, tmp_path: Path, at: float, cut: bool, salt: int
) -> None:
    archive = tmp_path / f"backup-{os.urandom(4).hex()}.tar"
    backup(house.data, archive)
    data = bytearray(archive.read_bytes())
    place = int(at * (len(data) - 1))
    if cut:
        del data[place:]
    else:
        data[place] ^= salt
    archive.write_bytes(data)
    target = tmp_path / f"new-{os.urandom(4).hex()}"
    try:
        restore(archive, target)
    except Refused:
        assert not target.exists()
    else:
        assert (target / "server.secret").stat().st_size == 32


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER t BEFORE DELETE ON server_copy BEGIN UPDATE user SET login_salt = old.closed; END",
        "CREATE VIEW v AS SELECT * FROM session",
        "UPDATE version SET number = -5",
    ],
)
def test_a_backup_in_which_somebody_planted_a_program_is_refused(
    house: House, tmp_path: Path, planted: str
) -> None:
    """The trigger would keep a mailbox's key when its first member claims it and the server forgets it."""
    house.store.mailboxes.recipient("1001")
    backup(house.data, tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar") as good:
        parts = [(member.name, good.extractfile(member)) for member in good]
        contents = {name: part.read() for name, part in parts if part is not None}
    database = tmp_path / "planted.db"
    database.write_bytes(contents["aftertone.db"])
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(planted)
        connection.commit()
    contents["aftertone.db"] = database.read_bytes()
    with tarfile.open(tmp_path / "bad.tar", "w", format=tarfile.USTAR_FORMAT) as bad:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            bad.addfile(member, io.BytesIO(content))
    with pytest.raises(Refused, match="not a backup"):
        restore(tmp_path / "bad.tar", tmp_path / "new")
    assert not (tmp_path / "new").exists()
