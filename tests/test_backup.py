"""Backups of a SQLite database: one moment, whole, and never in the way of anything."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql.backup import BackupError, back_up, restore
from aragora_sql.cli import main
from aragora_sql.cli.exit_codes import REFUSED, USAGE
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import ConfigurationError
from aragora_sql.schema import apply_schema, inspect_schema
from aragora_sql.stores.consensus.store import ConsensusMemory

# Writes pairs of rows, each pair in one transaction, until its input ends.
WRITER = """
import sqlite3, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
number = 0
while not stop.is_set():
    connection.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        connection.execute("INSERT INTO pairs VALUES (?, ?, zeroblob(3000))", (sys.argv[2], number))
    connection.execute("COMMIT")
    number += 1
    if number == 1:
        print("begun", flush=True)
print(number)
"""


async def store(database: SQLiteDatabase, topic: str) -> None:
    memory = ConsensusMemory(database)
    await memory.store_consensus(topic, "Use it", "strong", 0.9, ["ann"], ["ann"])


async def make_database(path: Path) -> None:
    database = SQLiteDatabase(path)
    try:
        await apply_schema(database)
        await store(database, "Caching")
    finally:
        await database.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "aragora.db"
    asyncio.run(make_database(path))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def topics(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [topic for (topic,) in connection.execute("SELECT topic FROM consensus")]


@pytest.fixture
def writers(source: Path) -> Iterator[list[subprocess.Popen[str]]]:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("CREATE TABLE pairs (writer TEXT, number INTEGER, padding BLOB)")
        connection.commit()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(source), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
    yield running
    for process in running:
        process.kill()
        process.communicate()


def test_a_backup_is_one_moment_while_four_processes_write(
    source: Path, tmp_path: Path, writers: list[subprocess.Popen[str]]
) -> None:
    made = [back_up(source, tmp_path / f"{number}.db") for number in range(5)]
    written = sum(int(process.communicate("")[0]) for process in writers)
    counts = [one.rows["pairs"] for one in made]
    assert counts == sorted(counts)
    assert counts[-1] <= 2 * written
    for one in made:
        with closing(sqlite3.connect(one.path)) as connection:
            halves = "SELECT count(*) FROM (SELECT 1 FROM pairs GROUP BY writer, number"
            assert connection.execute(f"{halves} HAVING count(*) <> 2)").fetchone() == (0,)
            assert connection.execute(f"{halves})").fetchone() == (one.rows["pairs"] // 2,)


def test_a_restored_database_is_what_it_was(source: Path, tmp_path: Path) -> None:
    source.chmod(0o640)
    made = back_up(source, tmp_path)
    assert made.path.parent == tmp_path
    assert made.rows["consensus"] == 1
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("UPDATE consensus SET topic = 'Later'")
        connection.commit()
    done = restore(made.path, source, replace=True)
    assert topics(source) == ["Caching"]
    assert done.kept is not None
    assert topics(done.kept) == ["Later"]
    assert source.stat().st_mode & 0o777 == 0o640

    async def work_on() -> None:
        database = SQLiteDatabase(source)
        try:
            assert not (await inspect_schema(database)).differences
            await store(database, "Again")
        finally:
            await database.close()

    asyncio.run(work_on())
    assert names(tmp_path) == {"aragora.db", made.path.name, done.kept.name}


def test_a_restore_to_another_place(source: Path, tmp_path: Path) -> None:
    made = back_up(source, tmp_path / "copy.db")
    assert restore(made.path, tmp_path / "new.db").kept is None
    assert topics(tmp_path / "new.db") == ["Caching"]


def test_a_database_that_is_open_is_not_replaced(source: Path, tmp_path: Path) -> None:
    made = back_up(source, tmp_path / "copy.db")
    before = names(tmp_path)

    async def work_on() -> None:
        database = SQLiteDatabase(source)
        try:
            await ConsensusMemory(database).get_statistics()
            with pytest.raises(BackupError, match=r"is in use .*: stop the applications"):
                restore(made.path, source, replace=True)
            await store(database, "Still")
        finally:
            await database.close()

    asyncio.run(work_on())
    assert names(tmp_path) == before
    assert topics(source) == ["Caching", "Still"]


def test_nothing_is_overwritten(source: Path, tmp_path: Path) -> None:
    made = back_up(source, tmp_path / "copy.db")
    with pytest.raises(ConfigurationError, match=r"copy\.db is there already; give another name"):
        back_up(source, made.path)
    with pytest.raises(ConfigurationError, match=r"aragora\.db is there already; --replace"):
        restore(made.path, source)
    with pytest.raises(ConfigurationError, match="is the backup itself"):
        restore(made.path, made.path, replace=True)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        back_up(source, tmp_path / "missing" / "copy.db")


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 8192)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def no_database(path: Path) -> None:
    path.write_text("no database " * 100)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, "the database is damaged|malformed"),
        (foreign, "has no table _schema_versions"),
        (no_database, "file is not a database"),
    ],
)
def test_what_is_no_good_database_is_named_and_left(
    source: Path, tmp_path: Path, spoil: object, message: str
) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(back_up(source, tmp_path / "copy.db").path.read_bytes())
    assert callable(spoil)
    spoil(bad)
    before = names(tmp_path)
    with pytest.raises(BackupError, match=message):
        back_up(bad, tmp_path / "more.db")
    with pytest.raises(BackupError, match=message):
        restore(bad, source, replace=True)
    assert names(tmp_path) == before
    assert topics(source) == ["Caching"]


def test_a_log_that_was_copied_along_counts(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    folder.mkdir()
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("UPDATE consensus SET topic = 'In the log'")
        connection.commit()
        for path in (source, source.with_name("aragora.db-wal")):
            (folder / path.name).write_bytes(path.read_bytes())
    made = back_up(folder / "aragora.db", tmp_path / "copy.db")
    assert topics(made.path) == ["In the log"]
    assert names(folder) == {"aragora.db", "aragora.db-wal"}


def test_a_disk_that_is_full_leaves_nothing(source: Path, tmp_path: Path) -> None:
    before = names(tmp_path)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from aragora_sql.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = ["backup", "copy.db", "--sqlite-path", str(source)]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == REFUSED, done
    assert "no backup was made: " in done.stderr
    assert names(tmp_path) == before


def test_commands(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    copy = str(tmp_path / "copy.db")
    assert main(["backup", copy]) == 0
    assert capsys.readouterr().out.startswith(f"{copy}: ")
    assert main(["backup", copy]) == USAGE
    assert main(["restore", copy, "--replace", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"]["consensus"] == 1
    assert Path(report["kept"]).is_file()
    assert main(["restore", str(tmp_path / "none.db"), "--replace"]) == USAGE
    assert "there is no backup" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    assert main(["backup", copy]) == USAGE
    assert "pg_dump" in capsys.readouterr().err
    assert topics(source) == ["Caching"]
