"""Pages of an archive of 100,000 debates."""

from __future__ import annotations

from contextlib import AsyncExitStack

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.debate_archive import DebateArchive
from benchmarks.pages import AT, fill, numbers, race_pages
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["archive_postgres", "archive_sqlite"]

DEBATES, PAGE = 120_000, 100


async def archive_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    async with new_database(run.postgres) as dsn, AsyncExitStack() as stack:
        database = await PostgresDatabase.connect(dsn, 1, 2, statement_timeout=600)
        stack.push_async_callback(database.close)
        return await _measure(run, database, "PostgreSQL")


async def archive_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    database = SQLiteDatabase(run.folder / "archive.db", statement_timeout=600)
    try:
        return await _measure(run, database, "SQLite")
    finally:
        await database.close()


async def _measure(run: Run, database: Database, engine: str) -> list[Report]:
    archive = DebateArchive(database)
    await archive.initialize()
    dialect = database.dialect
    await fill(
        database,
        "INSERT INTO debate_archive "
        "(id, slug, task, artifact_json, org_id, created_at, search_terms) "
        "SELECT 'd' || n, 's' || n, 'Task ' || n, '{\"rounds\": 3}', 'o' || (n % 4), "
        f"{AT[dialect]}, 'task ' || n FROM {numbers(dialect, DEBATES)}",
    )
    title = f"{engine}, pages of {PAGE} of {DEBATES:,} debates"
    return [
        await race_pages(
            run,
            f"archive-pages-{dialect}",
            title,
            lambda last: archive.list_recent(PAGE, after=last),
        )
    ]
