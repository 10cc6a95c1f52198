"""Migrations, pragmas, and several processes on one folder."""

import multiprocessing
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from bridge.errors import StoreError, Unready
from bridge.store import open_store
from bridge.store.database import Database
from bridge.store.migrations import MIGRATIONS, NEWEST, migrate
from bridge.store.tables import TABLES
from tests.store.house import House, file_call, row


def test_the_migrations_make_exactly_the_tables_of_the_model(house: House) -> None:
    found = inspect(house.store._database.engine)
    assert set(found.get_table_names()) == {*TABLES, "version"}
    for name, table in TABLES.items():
        made = {column["name"]: column for column in found.get_columns(name)}
        assert list(made) == [column.name for column in table.columns]
        for column in table.columns:
            assert made[column.name]["nullable"] == column.nullable, f"{name}.{column.name}"
        keys = found.get_pk_constraint(name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
        foreign = {
            (key["constrained_columns"][0], key["referred_table"]) for key in found.get_foreign_keys(name)
        }
        assert foreign == {(key.parent.name, key.column.table.name) for key in table.foreign_keys}


def test_no_commit_waits_for_the_disk_and_every_connection_overwrites_what_it_deletes(house: House) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 1,
        "wal_autocheckpoint": 0,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 2000,
        "temp_store": 2,
    }
    database = house.store._database
    with database.read() as one, database.read() as two:
        for connection in (one, two):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
            assert found == wanted
    assert {name: database.ask(f"PRAGMA {name}") for name in wanted} == {
        name: [(value,)] for name, value in wanted.items()
    }
    with database.write_soon() as soon:
        told = {name: soon.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
        assert told == wanted


def test_a_database_of_a_newer_program_is_refused_and_left_as_it_is(house: House) -> None:
    with house.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE version SET number = ?", (NEWEST + 1,))
    house.store.close()
    before = (house.data / "aftertone.db").read_bytes()
    with pytest.raises(Unready, match="written by a newer Aftertone"):
        open_store(house.data)
    assert (house.data / "aftertone.db").read_bytes() == before


def test_a_change_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "x.db")
    migrate(database)
    monkeypatch.setattr("bridge.store.migrations.NEWEST", NEWEST + 1)
    broken = ("CREATE TABLE half (id INTEGER)", "CREATE TABLE call (id INTEGER)")
    monkeypatch.setattr("bridge.store.migrations.MIGRATIONS", [*MIGRATIONS, broken])
    with pytest.raises(StoreError, match="already exists"):
        migrate(database)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT number FROM version").scalar_one() == NEWEST
        assert "half" not in inspect(connection).get_table_names()
    database.close()


def test_what_is_no_database_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "server.secret").write_bytes(bytes(32))
    (tmp_path / "aftertone.db").write_bytes(b"this was something else" * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="data folder"):
        open_store(tmp_path / "file" / "below")


def test_an_error_of_the_database_tells_no_value(house: House) -> None:
    with (
        pytest.raises(StoreError) as caught,
        house.store._database.write() as connection,
    ):
        connection.exec_driver_sql("INSERT INTO claim VALUES (?, ?, ?)", ("mb", "us", "+15550100"))
    assert "+15550100" not in f"{caught.value} {caught.value.__cause__}"


def test_a_disk_that_hangs_in_a_commit_holds_the_loop_a_second_once(house: House) -> None:
    """200 callers hang up while another thread's commit waits for the disk: the worker must stay alive."""
    recipient = house.store.mailboxes.recipient("1001")
    hangs, answers = threading.Event(), threading.Event()

    def commit() -> None:
        with house.store._database.write():
            hangs.set()
            answers.wait(20)

    other = threading.Thread(target=commit)
    other.start()
    assert hangs.wait(20)
    begun = time.monotonic()
    for number in range(200):
        with pytest.raises(StoreError, match="does not answer"):
            file_call(house.store, recipient, str(number))
    assert time.monotonic() - begun < 2.0
    assert house.store.mailboxes.recipient("1001") == recipient, "readers do not wait at all"
    answers.set()
    other.join(20)
    assert row(house.store, file_call(house.store, recipient)).extension == "1001"


def test_calls_go_on_while_the_disk_takes_a_members_change(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipient = house.store.mailboxes.recipient("1001")
    begun, answers, real = threading.Event(), threading.Event(), os.fdatasync

    def slow(handle: int) -> None:
        begun.set()
        assert answers.wait(20)
        real(handle)

    def change() -> None:
        with house.store._database.write() as connection:
            connection.exec_driver_sql("UPDATE mailbox SET name = 'changed'")

    monkeypatch.setattr("bridge.store.database.os.fdatasync", slow)
    member = threading.Thread(target=change)
    member.start()
    assert begun.wait(20)
    filed = [file_call(house.store, recipient, str(number)) for number in range(20)]
    assert member.is_alive(), "it is not done before the disk has it"
    answers.set()
    member.join(20)
    assert [row(house.store, call).extension for call in filed] == ["1001"] * 20


def test_a_transaction_that_is_refused_leaves_nothing_and_stops_no_later_one(house: House) -> None:
    database = house.store._database
    recipient = house.store.mailboxes.recipient("1001")
    for broken in ("INSERT INTO heard VALUES ('us_nobody', x'00')", "no SQL at all"):
        with pytest.raises(StoreError), database.write_soon() as connection:
            connection.execute("UPDATE mailbox SET name = 'half done'")
            connection.execute(broken)
    with pytest.raises(StoreError, match="no such table"):
        database.ask("SELECT 1 FROM no_table")
    assert database.ask("SELECT name FROM mailbox") == [("1001",)]
    assert row(house.store, file_call(house.store, recipient)).extension == "1001"


def fill(data: Path, name: str) -> None:
    """Another process, as a command would be."""
    store = open_store(data)
    for number in range(20):
        store.users.add(f"{name} {number}", [f"{name}{number}"])
    store.close()


@pytest.mark.thorough
def test_commands_and_the_bridge_write_at_the_same_time(house: House) -> None:
    house.store.close()
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=fill, args=(house.data, "a"))
    other.start()
    store = house.open_again()
    recipient = store.mailboxes.recipient("1001")
    filed = 0
    while other.is_alive():
        file_call(store, recipient, str(filed))
        filed += 1
        other.join(0.005)
    assert other.exitcode == 0
    assert len(store.users.all()) == 20
    assert len(store.mailboxes.all()) == 21
    with closing(sqlite3.connect(house.data / "aftertone.db")) as raw:
        assert raw.execute("SELECT count(*) FROM call").fetchone() == (filed,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
