"""LangGraph's checkpoints in files of this package, migrated."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from langgraph.checkpoint.base import CheckpointTuple

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from tests.migration.conftest import Target, check_sums
from tests.stores.langgraph.test_saver import (
    EXPECTED_LOG,
    LARGE,
    at,
    graph,
    listed,
    put,
    put_chain,
)

TABLES = ("langgraph_checkpoints", "langgraph_values", "langgraph_writes")


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[LangGraphSaver]:
    saver = LangGraphSaver(database)
    try:
        await saver.initialize()
        yield saver
    finally:
        await database.close()


async def fill(path: Path) -> list[CheckpointTuple]:
    """Write a file of checkpoints, and return them all as its saver reads them."""
    async with opened(SQLiteDatabase(path)) as saver:
        await put_chain(saver, "chain", 5, LARGE)
        # A subgraph of the thread, a thread with a name that sorts elsewhere in other locales.
        await put(
            saver, at("chain", "inner|1"), {"bytes": b"\x00\xff", "text": "🧠" * 600}, run_id="r"
        )
        await put(saver, at("Ärger B_a"), {"n": 2**60, "f": 1e17, "nested": {"a": [None, {}]}})
        stopping = graph(saver, interrupt_before=["b"])
        await stopping.ainvoke({"seen": [], "log": ["start"]}, at("stopped"))
        return await listed(saver, None)


async def stored(target: Target) -> list[CheckpointTuple]:
    async with opened(await PostgresDatabase.connect(target.dsn, 1, 2)) as saver:
        return await listed(saver, None)


@pytest.mark.parametrize("batch_size", [1, 1000])
async def test_checkpoints_are_read_as_before(
    target: Target, tmp_path: Path, batch_size: int
) -> None:
    path = tmp_path / "aragora.db"
    before = await fill(path)
    assert len(before) > 9
    for again in (False, True):
        report = await asyncio.to_thread(target.migrate, path, batch_size=batch_size)
        check_sums(report)
        assert report.success
        assert {table.table for table in report.tables} == set(TABLES)
        for table in report.tables:
            assert table.rows_in_source > 5
            assert (table.already_there if again else table.migrated) == table.rows_in_source
            assert table.verified is not None
            assert table.verified.compared == table.rows_in_source
        assert await stored(target) == before


async def test_a_graph_that_had_stopped_goes_on(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    await fill(path)
    await asyncio.to_thread(target.migrate, path)
    async with opened(await PostgresDatabase.connect(target.dsn, 1, 2)) as saver:
        result = await graph(saver).ainvoke(None, at("stopped"))
        assert result == {"seen": ["a", "b"], "log": EXPECTED_LOG}
    # What has gone on there is not undone by a later run.
    report = await asyncio.to_thread(target.migrate, path)
    assert (report.total_migrated, report.total_different) == (0, 0)


async def test_a_thread_that_went_on_in_a_copy_is_one(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    older = await fill(folder / "a.db")
    shutil.copy(folder / "a.db", folder / "b.db")
    async with opened(SQLiteDatabase(folder / "b.db")) as saver:
        await graph(saver).ainvoke(None, at("stopped"))
        wanted = await listed(saver, None)
    assert len(wanted) > len(older)
    report = await asyncio.to_thread(target.migrate, folder)
    check_sums(report)
    assert report.success
    assert all(table.counts.merged > 0 for table in report.tables)
    assert await stored(target) == wanted


async def test_a_checkpoint_that_breaks_a_rule_takes_no_other_with_it(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "aragora.db"
    before = await fill(path)
    async with opened(SQLiteDatabase(path)) as saver:
        # SQLite would hold it; PostgreSQL has no such text.
        await put(saver, at("nul"), {"n": 1})
        async with saver.database.connection() as connection:
            await connection.run_script(
                "damage",
                "UPDATE langgraph_checkpoints SET run_id = 'a' || char(0) WHERE thread_id = 'nul'",
            )
    report = await asyncio.to_thread(target.migrate, path)
    check_sums(report)
    assert {table.table: table.rejected for table in report.tables if table.rejected} == {
        "langgraph_checkpoints": 1
    }
    [line] = target.rejected("langgraph_checkpoints")
    assert (line["key"]["thread_id"], line["column"]) == ("nul", "run_id")
    assert await stored(target) == before


async def test_a_file_of_the_first_version_is_migrated(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    before = await fill(path)
    async with opened(SQLiteDatabase(path)) as saver, saver.database.connection() as connection:
        await connection.run_script("v1", "DROP VIEW langgraph_puts")
        await connection.run_script("v1", "DROP INDEX idx_langgraph_checkpoints_written")
        await connection.run_script("v1", "ALTER TABLE langgraph_writes DROP COLUMN created_at")
        await connection.run_script(
            "v1", "UPDATE _schema_versions SET version = 1 WHERE module = 'langgraph'"
        )
    report = await asyncio.to_thread(target.migrate, path)
    check_sums(report)
    assert report.success
    assert await stored(target) == before


async def test_a_table_of_ours_that_lacks_what_it_needs_is_left_behind_by_name(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "aragora.db"
    await fill(path)
    async with opened(SQLiteDatabase(path)) as saver, saver.database.connection() as connection:
        await connection.run_script("damage", "ALTER TABLE langgraph_values DROP COLUMN content")
    report = await asyncio.to_thread(target.migrate, path)
    assert report.exit_code == 3
    (left,) = report.left_behind
    assert (left.table, left.rows) == ("langgraph_values", 6)
    assert left.why.endswith("are in no known shape")
