"""SQLite: one writer and many readers, in one process and in many."""

from __future__ import annotations

import asyncio
import gc
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from aragora_sql.database.sqlite import (
    SQLiteConnection,
    SQLiteDatabase,
    close_sqlite_databases,
    get_sqlite_database,
)
from aragora_sql.database.sqlite_statements import split_script
from aragora_sql.database.statement import Statement
from aragora_sql.errors import (
    ConfigurationError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
)
from tests.database.cancelling import cancel_at
from tests.database.items import Items
from tests.database.waiting import outside, until


@pytest.fixture
async def items(sqlite_database: SQLiteDatabase, items_tree: Path) -> Items:
    return await Items.create(sqlite_database, items_tree)


@pytest.fixture
def path(sqlite_database: SQLiteDatabase) -> str:
    return sqlite_database.path


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    threads = [thread for thread in threading.enumerate() if thread not in before]
    for thread in threads:
        thread.join(10)
    assert [thread for thread in threads if thread.is_alive()] == []


async def pragma(connection: object, name: str) -> object:
    assert isinstance(connection, SQLiteConnection)
    return await connection.fetch_value(Statement("pragma", f"PRAGMA {name}"), {})


# Connections


async def test_every_connection_has_its_pragmas(sqlite_database: SQLiteDatabase) -> None:
    async with sqlite_database.connection() as writer:
        assert await pragma(writer, "journal_mode") == "wal"
        assert await pragma(writer, "synchronous") == 2
        assert await pragma(writer, "foreign_keys") == 1
        assert await pragma(writer, "query_only") == 0
    async with sqlite_database.read() as reader:
        assert await pragma(reader, "foreign_keys") == 1
        assert await pragma(reader, "query_only") == 1


async def test_a_reading_unit_cannot_write(items: Items) -> None:
    async with items.database.read() as reader:
        with pytest.raises(DatabaseError, match="readonly"):
            await items.queries.add(reader, id="a", size=0, parent=None)
    assert await items.ids() == []


async def test_a_reader_does_not_wait_for_the_writer(items: Items) -> None:
    await items.add("a")
    writing, read = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with items.database.transaction():
            await items.grow("a")
            writing.set()
            await until(read.is_set)

    task = asyncio.create_task(write())
    await until(writing.is_set)
    assert await items.size("a") == 0
    read.set()
    await task
    assert await items.size("a") == 1


async def test_a_write_inside_a_reading_unit_is_a_unit_of_its_own(items: Items) -> None:
    async with items.database.read():
        assert await items.ids() == []
        await items.add("a")
        async with items.database.transaction():
            await items.add("b")
            assert await items.ids() == ["a", "b"]
        assert await items.ids() == ["a", "b"]


async def test_many_readers_share_few_connections(
    items: Items, items_tree: Path, no_thread_is_left: None
) -> None:
    assert isinstance(items.database, SQLiteDatabase)
    small = Items.on(SQLiteDatabase(items.database.path, readers=2), items_tree)
    assert await asyncio.gather(*(small.ids() for _ in range(20))) == [[]] * 20
    assert small.database.metrics().size <= 3
    await small.database.close()


@pytest.mark.parametrize("readers", [0, -1])
def test_without_a_reader_there_is_no_database(readers: int) -> None:
    with pytest.raises(ConfigurationError, match="readers"):
        SQLiteDatabase(":memory:", readers=readers)


# Files


async def test_a_database_in_memory(items_tree: Path) -> None:
    database = SQLiteDatabase(":memory:")
    items = await Items.create(database, items_tree)
    async with database.transaction():
        await items.add("a")
        async with database.read():
            assert await items.ids() == ["a"]
        async with database.transaction():
            await items.add("b")
    async with database.read():
        assert await items.ids() == ["a", "b"]
        await items.add("c")
    assert await items.ids() == ["a", "b", "c"]
    assert database.path == ":memory:"
    assert database.metrics().max_size == 1
    other = SQLiteDatabase(":memory:")
    async with other.read() as reader:
        tables = Statement("tables", "SELECT count(*) FROM sqlite_master")
        assert await reader.fetch_value(tables, {}) == 0
    await other.close()
    await database.close()


async def test_the_folder_is_made_at_the_first_use(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "new" / "folder" / "a.db")
    assert not (tmp_path / "new").exists()
    async with database.read():
        pass
    assert (tmp_path / "new" / "folder" / "a.db").exists()
    await database.close()


@pytest.mark.parametrize("name", ["a b.db", "größe.db", "100%.db", "file:a.db?mode=ro", "#1;.db"])
async def test_a_file_of_any_name(tmp_path: Path, items_tree: Path, name: str) -> None:
    database = SQLiteDatabase(str(tmp_path / name))
    items = await Items.create(database, items_tree)
    await items.add("a")
    assert await items.ids() == ["a"]
    await database.close()
    assert (tmp_path / name).is_file()


async def test_a_relative_path_means_the_folder_of_the_timestamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = SQLiteDatabase("a.db")
    monkeypatch.chdir("/")
    async with database.connection():
        pass
    await database.close()
    assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize("where", ["file/a.db", "folder.db", "/proc/nowhere/a.db"])
async def test_a_place_that_cannot_hold_a_file(
    tmp_path: Path, where: str, no_thread_is_left: None
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.db").mkdir()
    database = SQLiteDatabase(tmp_path / where)
    for unit in (database.read(), database.connection(), database.transaction()):
        with pytest.raises(DatabaseUnavailableError, match="cannot open"):
            async with unit:
                pass
    assert database.metrics().in_use == 0
    await database.close()


async def test_a_file_that_is_no_database(tmp_path: Path, no_thread_is_left: None) -> None:
    (tmp_path / "a.db").write_bytes(b"This is a letter to my bank, and no database. " * 100)
    database = SQLiteDatabase(tmp_path / "a.db")
    with pytest.raises(ConnectionLostError, match="not a database"):
        async with database.connection():
            pass
    await database.close()


async def test_a_file_that_works_again_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "place").touch()
    database = SQLiteDatabase(tmp_path / "place" / "a.db")
    with pytest.raises(DatabaseUnavailableError):
        async with database.connection():
            pass
    (tmp_path / "place").unlink()
    async with database.connection():
        pass
    await database.close()


async def test_the_database_of_a_file_is_made_once(tmp_path: Path) -> None:
    one = get_sqlite_database(tmp_path / "a.db")
    assert get_sqlite_database(str(tmp_path / "." / "a.db")) is one
    assert get_sqlite_database(tmp_path / "b.db") is not one
    async with one.connection():
        pass
    await close_sqlite_databases()
    await close_sqlite_databases()
    with pytest.raises(DatabaseClosedError):
        async with one.connection():
            pass
    assert get_sqlite_database(tmp_path / "a.db") is not one


# Closing


async def test_closing_twice_is_harmless(items: Items, no_thread_is_left: None) -> None:
    await items.ids()
    await items.database.close()
    await items.database.close()


async def test_closing_before_the_first_use(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "a.db")
    await database.close()
    assert not (tmp_path / "a.db").exists()


async def test_closing_while_a_reader_is_at_work(
    tmp_path: Path, items_tree: Path, no_thread_is_left: None
) -> None:
    items = await Items.create(SQLiteDatabase(tmp_path / "a.db"), items_tree)
    async with items.database.read() as reader:
        await outside(items.database.close())
        assert await items.queries.get_size(reader, id="a") is None
    assert items.database.metrics().size == 0


async def test_closing_refuses_those_who_wait(
    tmp_path: Path, items_tree: Path, no_thread_is_left: None
) -> None:
    items = await Items.create(SQLiteDatabase(tmp_path / "a.db", readers=1), items_tree)
    async with items.database.transaction():
        waiting = [outside(items.add("never")) for _ in range(3)]
        await until(lambda: items.database.metrics().waiting == 3)
        closing_task = outside(items.database.close())
        await asyncio.sleep(0)
    await closing_task
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseClosedError] * 3


UNCLOSED = """
import asyncio, sys
from aragora_sql.database.sqlite import SQLiteDatabase

async def main():
    database = SQLiteDatabase(sys.argv[1])
    async with database.transaction() as connection:
        await connection.run_script("table", "CREATE TABLE t (x)")
    async with database.read():
        print("used", flush=True)
        return database

kept = asyncio.run(main())
"""


def test_an_unclosed_database_does_not_keep_the_process_alive(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCLOSED, str(tmp_path / "a.db")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "used\n")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]


# Cancelled anywhere


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
async def test_a_cancellation_anywhere_leaves_no_lock_and_no_thread(
    tmp_path: Path, items_tree: Path, late: bool, complaints: list[str], no_thread_is_left: None
) -> None:
    """From the opening of the file to its closing."""
    path = tmp_path / "a.db"
    other = await Items.create(SQLiteDatabase(path, busy_timeout=5), items_tree)
    place, reached = 1, True
    while reached:
        database = SQLiteDatabase(path)
        items = Items.on(database, items_tree)

        async def work(items: Items = items) -> None:
            async with items.database.read():
                await items.ids()
            async with items.database.transaction():
                await items.add("a")
                async with items.database.connection() as connection:
                    await items.queries.add_many(
                        connection, [{"id": f"{number}", "size": 0} for number in range(50)]
                    )
                async with items.database.transaction():
                    await items.add("b")
            await items.database.close()

        reached = await cancel_at(work(), place, late=late)
        async with asyncio.timeout(10):
            found = len(await other.ids())
            assert found in (0, 52), f"at place {place}: {found} rows"
            # Another connection can write at once: nothing is locked.
            await other.clear()
            if reached:
                await database.close()
        assert database.metrics().in_use == 0
        place += 1
    assert place > 10
    await other.database.close()
    del database, items, work
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
async def test_a_cancelled_close_can_be_finished(
    tmp_path: Path, items_tree: Path, late: bool, no_thread_is_left: None
) -> None:
    place, reached = 1, True
    while reached:
        database = SQLiteDatabase(tmp_path / f"{place}.db")
        items = await Items.create(database, items_tree)
        await items.ids()
        reached = await cancel_at(database.close(), place, late=late)
        await database.close()
        assert database.metrics().size == 0
        place += 1
    assert place > 2


async def test_a_task_that_is_cancelled_again_and_again_settles_first(
    items: Items, no_thread_is_left: None
) -> None:
    await items.add("a")

    async def work() -> None:
        async with items.database.transaction():
            await items.dawdle(writing=True)

    for _ in range(5):
        task = asyncio.create_task(work())
        await until(lambda: items.database.metrics().in_use == 1)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert task.cancelled()
        assert items.database.metrics().in_use == 0
        await items.grow("a")
    assert await items.size("a") == 5
    await items.database.close()


# Other processes


async def test_a_lock_of_another_program_is_waited_for(
    items: Items, path: str, items_tree: Path
) -> None:
    patient = Items.on(SQLiteDatabase(path, busy_timeout=20), items_tree)
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        program.execute("INSERT INTO items (id, size) VALUES ('program', 0)")
        waiting = asyncio.create_task(patient.add("patient"))
        await until(lambda: patient.database.metrics().in_use == 1)
        assert not waiting.done()
        program.execute("COMMIT")
        await waiting
    assert await items.ids() == ["patient", "program"]
    await patient.database.close()


async def test_who_waits_for_another_program_can_be_cancelled(
    items: Items, path: str, items_tree: Path
) -> None:
    patient = Items.on(SQLiteDatabase(path, busy_timeout=3600), items_tree)
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(patient.add("never"))
        await until(lambda: patient.database.metrics().in_use == 1)
        waiting.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await waiting
    await patient.add("a")
    assert await items.ids() == ["a"]
    await patient.database.close()


READ_MODIFY_WRITE = """
import asyncio, sys
from pathlib import Path
from typing import Literal
from aragora_sql.database.sqlite import SQLiteDatabase
from tests.database.items import Items

async def main(path, tree, rounds):
    database = SQLiteDatabase(path)
    items = Items.on(database, Path(tree))
    for _ in range(rounds):
        async with database.transaction() as connection:
            size = await items.queries.get_size(connection, id="counter")
            await items.queries.set_size(connection, id="counter", size=size + 1)
    await database.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_eight_processes_lose_nothing_and_raise_nothing(
    items: Items, path: str, items_tree: Path, pytestconfig: pytest.Config
) -> None:
    await items.add("counter")
    command = [sys.executable, "-W", "error", "-c", READ_MODIFY_WRITE, path, str(items_tree), "200"]
    processes = [
        await asyncio.create_subprocess_exec(
            *command, stderr=asyncio.subprocess.PIPE, cwd=pytestconfig.rootpath
        )
        for _ in range(8)
    ]
    complaints = [(await process.communicate())[1].decode() for process in processes]
    assert complaints == [""] * 8
    assert await items.size("counter") == 8 * 200


# Scripts


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        (" ;; \n;", []),
        ("SELECT 1", ["SELECT 1;"]),
        ("SELECT 1;\n-- the end", ["SELECT 1;", "-- the end"]),
        ("SELECT 1;SELECT ';';", ["SELECT 1;", "SELECT ';';"]),
        ("SELECT 1 -- a; b\n;\nSELECT 2 /* ; */;", ["SELECT 1 -- a; b\n;", "SELECT 2 /* ; */;"]),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END; SELECT 1;",
            [
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;",
                "SELECT 1;",
            ],
        ),
    ],
)
def test_a_script_is_split_at_the_ends_of_statements(script: str, statements: list[str]) -> None:
    assert list(split_script(script)) == statements


# Files that exist already


@pytest.mark.parametrize("name", ["a b.db", "größe.db", "100%.db", "a?mode=rwc.db", "#1;.db"])
@pytest.mark.parametrize("journal", ["delete", "wal"])
async def test_reading_changes_no_byte(tmp_path: Path, name: str, journal: str) -> None:
    path = tmp_path / name
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE t (a INTEGER)")
        connection.execute("INSERT INTO t VALUES (42)")
        connection.commit()
    before = path.read_bytes()
    database = SQLiteDatabase(path, mode="read")
    async with database.read() as connection:
        rows = await connection.fetch_all(Statement("test", "SELECT a FROM t"), {})
        assert rows == [{"a": 42}]
        with pytest.raises(DatabaseError, match="readonly"):
            await connection.run_script("test", "INSERT INTO t VALUES (43)")
    for unit in (database.connection(), database.transaction()):
        with pytest.raises(DatabaseError, match="opened for reading only"):
            async with unit:
                pytest.fail("a unit of work that may write")
    await database.close()
    assert path.read_bytes() == before


async def test_writing_to_an_existing_file_keeps_its_journal_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    database = SQLiteDatabase(path, mode="write")
    async with database.transaction() as connection:
        await connection.run_script("test", "INSERT INTO t VALUES (1)")
    await database.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize("mode", ["read", "write"])
async def test_a_file_that_has_to_exist_is_not_made(
    tmp_path: Path, mode: Literal["read", "write"]
) -> None:
    path = tmp_path / "deep" / "a.db"
    database = SQLiteDatabase(path, mode=mode)
    unit = database.read() if mode == "read" else database.transaction()
    with pytest.raises(DatabaseUnavailableError, match=re.escape(f"cannot open {path}: ")):
        async with unit:
            pytest.fail("there is nothing to open")
    await database.close()
    assert not path.parent.exists()
