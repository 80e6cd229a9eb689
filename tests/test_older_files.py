"""A new, empty SQLite file beside older files with data does not appear without a word."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql import older_files

LOGGER = "aragora_sql.storage"


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_files, "_warned", set())


def write(path: Path, rows: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE debates (id TEXT)")
        connection.executemany("INSERT INTO debates VALUES (?)", [("d",)] * rows)
        connection.commit()
    return path


def listing(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


async def open_stores(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "sqlite")
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(folder))
    caplog.clear()
    with caplog.at_level(logging.WARNING, LOGGER):
        await aragora_sql.get_consensus_memory()
        await aragora_sql.get_critique_store()
    await aragora_sql.close_databases()
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


async def test_going_back_to_sqlite_says_what_is_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = write(tmp_path / "agora_memory.db", 2)
    write(tmp_path / "unused.db", 0)
    (tmp_path / "notes.db").write_text("a text")
    [said] = await open_stores(tmp_path, caplog, monkeypatch)
    assert f"{tmp_path / 'aragora.db'} does not exist, so a new, empty one is made" in said
    assert f"do not read: {older}." in said
    assert f"aragora-sql migrate --sqlite-path {tmp_path}" in said
    # Once it is there, it is what the application uses.
    assert await open_stores(tmp_path, caplog, monkeypatch) == []


async def test_the_nested_folder_of_a_relative_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "var" / "aragora"
    older = write(folder / "var" / "aragora" / "memory.db", 1)
    [said] = await open_stores(folder, caplog, monkeypatch)
    assert str(older) in said


async def test_a_first_start_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "empty.db", 0)
    assert await open_stores(tmp_path, caplog, monkeypatch) == []
    assert await open_stores(tmp_path / "new", caplog, monkeypatch) == []


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path / "agora_memory.db", 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = listing(tmp_path)
    assert older_files.older_files_with_data(tmp_path / "aragora.db") == [path]
    assert listing(tmp_path) == before
