"""Files that are deleted or replaced while they are open, and reading without leaving a trace."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aragora_sql.database import sqlite_thread
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.sqlite_files import ReadableFile, shm_of, wal_of
from aragora_sql.errors import ConnectionLostError, DatabaseUnavailableError
from tests.database.items import Items

NOBODY = 65534


@pytest.fixture
async def items(sqlite_database: SQLiteDatabase, items_tree: Path) -> Items:
    found = await Items.create(sqlite_database, items_tree)
    await found.add("before")
    return found


def remove(path: Path) -> None:
    for part in (path, wal_of(path), shm_of(path)):
        part.unlink(missing_ok=True)


def copy_of(items: Items, place: Path) -> Path:
    """A backup with what is stored now."""
    with sqlite3.connect(place) as target, sqlite3.connect(path_of(items)) as source:
        source.backup(target)
    target.close()
    source.close()
    return place


@pytest.fixture(autouse=True)
def every_write_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests write faster than the file is looked at again."""
    monkeypatch.setattr(sqlite_thread, "LOOK_EVERY", 0.0)


def path_of(items: Items) -> Path:
    assert isinstance(items.database, SQLiteDatabase)
    return Path(items.database.path)


# Deleted or replaced


@pytest.mark.parametrize("write", ["statement", "transaction", "nested"])
async def test_a_file_that_is_deleted_is_noticed_at_the_next_write(
    items: Items, tmp_path: Path, write: str
) -> None:
    backup = copy_of(items, tmp_path / "backup.db")
    path = path_of(items)
    remove(path)

    async def attempt(name: str) -> None:
        if write == "statement":
            await items.add(name)
            return
        async with items.database.transaction():
            if write == "nested":
                async with items.database.transaction():
                    await items.add(name)
            else:
                await items.add(name)

    # However often it is tried, no empty file takes its place.
    for _ in range(3):
        with pytest.raises(ConnectionLostError, match="the file was deleted"):
            await attempt("lost")
        assert not path.exists()
    with pytest.raises(ConnectionLostError, match="the file was deleted"):
        await items.ids()
    shutil.copyfile(backup, path)
    await attempt("after")
    assert await items.ids() == ["after", "before"]


async def test_a_file_that_is_replaced_is_noticed_at_the_next_write(
    items: Items, tmp_path: Path
) -> None:
    backup = copy_of(items, tmp_path / "backup.db")
    await items.add("newer")
    path = path_of(items)
    for part in (wal_of(path), shm_of(path)):
        part.unlink()
    backup.replace(path)
    with pytest.raises(ConnectionLostError, match=r"replaced by another one.*opens the file"):
        await items.add("lost")
    assert await items.ids() == ["before"]
    await items.add("after")
    assert await items.ids() == ["after", "before"]


async def test_a_write_ahead_log_that_is_deleted_is_noticed_too(items: Items) -> None:
    await items.add("a")
    wal_of(path_of(items)).unlink()
    with pytest.raises(ConnectionLostError, match="without its -wal"):
        await items.add("lost")
    await items.add("after")
    assert "lost" not in await items.ids()


async def test_writes_in_quick_succession_notice_it_too(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_thread, "LOOK_EVERY", 0.01)
    remove(path_of(items))

    async def write_on() -> None:
        # What is written within the first hundredth of a second is lost with the file.
        for number in range(100_000):
            await items.add(f"{number}")

    async with asyncio.timeout(20):
        with pytest.raises(ConnectionLostError, match="the file was deleted"):
            await write_on()


async def test_a_file_that_is_replaced_within_a_transaction_is_noticed_at_its_commit(
    items: Items, tmp_path: Path
) -> None:
    backup = copy_of(items, tmp_path / "backup.db")
    with pytest.raises(ConnectionLostError, match="replaced by another one"):  # noqa: PT012
        async with items.database.transaction():
            await items.add("lost")
            remove(path_of(items))
            shutil.copyfile(backup, path_of(items))
    await items.add("after")
    assert await items.ids() == ["after", "before"]


async def test_readers_that_are_at_work_meanwhile_and_watches_move_on_too(
    items: Items, tmp_path: Path
) -> None:
    backup = copy_of(items, tmp_path / "backup.db")
    await items.add("newer")
    watch = items.database.watch("channel")
    await watch.mark()
    reading = items.database.read()
    await asyncio.create_task(reading.__aenter__())
    remove(path_of(items))
    shutil.copyfile(backup, path_of(items))
    with pytest.raises(ConnectionLostError):
        await items.add("lost")
    await reading.__aexit__(None, None, None)
    assert await items.ids() == ["before"]
    mark = await watch.mark()
    await items.add("after")
    assert await watch.changed(mark, 10)
    await watch.close()


# Reading


SCRIPT = """
import asyncio, os, sys
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.statement import Statement
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
async def main():
    database = SQLiteDatabase(sys.argv[1], mode="read")
    async with database.read() as connection:
        print(await connection.fetch_value(Statement("count", "SELECT count(*) FROM t"), {{}}))
    await database.close()
asyncio.run(main())
"""


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user can read and not write."""
    with tempfile.TemporaryDirectory(prefix="aragora-test-") as name:
        yield Path(name)
        Path(name).chmod(0o700)


def make_file(path: Path, journal: str = "wal") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("CREATE TABLE t (n)")
    connection.execute("INSERT INTO t VALUES (1), (2)")
    return connection


def read_as_somebody_else(path: Path) -> str:
    path.parent.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(nobody=NOBODY), str(path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("state", ["closed", "empty log", "in use", "killed", "log alone", "plain"])
def test_a_file_in_a_folder_that_cannot_be_written_is_read(shared_folder: Path, state: str) -> None:
    path = shared_folder / "a.db"
    connection = make_file(path, "delete" if state == "plain" else "wal")
    if state in ("killed", "log alone"):
        # As a process leaves them that is killed, or a copy of the files takes them along.
        for part in (path, wal_of(path), shm_of(path)):
            if state == "killed" or part != shm_of(path):
                shutil.copyfile(part, part.with_name(part.name.replace("a.db", "b.db")))
        path = shared_folder / "b.db"
    if state in ("closed", "empty log"):
        connection.close()
    if state == "empty log":
        wal_of(path).touch()
    before = {found.name: found.stat().st_size for found in shared_folder.iterdir()}
    assert read_as_somebody_else(path) == "2\n"
    assert {found.name: found.stat().st_size for found in shared_folder.iterdir()} == before
    shared_folder.chmod(0o755)
    connection.close()
    # The application can still write to it.
    again = sqlite3.connect(path, isolation_level=None)
    again.execute("INSERT INTO t VALUES (3)")
    assert again.execute("SELECT count(*) FROM t").fetchone() == (3,)
    again.close()


@pytest.mark.parametrize("state", ["closed", "log alone"])
async def test_reading_leaves_nothing_behind_where_it_could(tmp_path: Path, state: str) -> None:
    def names() -> set[str]:
        return {found.name for found in tmp_path.iterdir()}

    path = tmp_path / "a.db"
    connection = make_file(path)
    if state == "log alone":
        for part in (path, wal_of(path)):
            shutil.copyfile(part, part.with_name(part.name.replace("a.db", "b.db")))
        path = tmp_path / "b.db"
    connection.close()
    before = names()
    database = SQLiteDatabase(path, mode="read")
    for _ in range(3):
        async with database.read() as reading:
            await reading.run_script("test", "SELECT * FROM t")
    await database.close()
    assert names() == before


async def test_a_file_that_is_written_to_meanwhile_is_read_anew(
    items_tree: Path, tmp_path: Path
) -> None:
    writing = SQLiteDatabase(tmp_path / "a.db")
    await (await Items.create(writing, items_tree)).add("first")
    await writing.close()
    reading = Items.on(SQLiteDatabase(tmp_path / "a.db", mode="read"), items_tree)
    assert await reading.ids() == ["first"]
    writing = SQLiteDatabase(tmp_path / "a.db")
    await Items.on(writing, items_tree).add("second")
    assert await reading.ids() == ["first", "second"]
    await writing.close()
    assert await reading.ids() == ["first", "second"]
    await reading.database.close()


async def test_what_cannot_be_read_at_all_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 100)
    (tmp_path / "folder").mkdir()
    for name, kind, problem in (
        ("missing.db", DatabaseUnavailableError, "cannot open .*missing.db.*No such file"),
        ("folder", DatabaseUnavailableError, "cannot open .*folder.*Is a directory"),
        ("text.db", ConnectionLostError, "test: file is not a database"),
    ):
        database = SQLiteDatabase(tmp_path / name, mode="read")
        with pytest.raises(kind, match=problem):
            async with database.read() as connection:
                await connection.run_script("test", "SELECT * FROM sqlite_schema")
        await database.close()


def test_a_copy_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = make_file(tmp_path / "a.db")
    for part in ("a.db", "a.db-wal"):
        shutil.copyfile(tmp_path / part, tmp_path / part.replace("a.db", "b.db"))
    connection.close()
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    found = ReadableFile(tmp_path / "b.db")
    assert len(list(place.iterdir())) == 1
    assert found.is_as_it_was()
    os.utime(tmp_path / "b.db-wal", (1, 1))
    assert not found.is_as_it_was()
    found.close()
    found.close()
    assert list(place.iterdir()) == []
