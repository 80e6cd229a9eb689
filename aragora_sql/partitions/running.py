"""Runs the statements of a step on tables that others use."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from aragora_sql.database import Connection, Database, Statement
from aragora_sql.partitions.state import partition_queries
from aragora_sql.partitions.tables import GrowingTable
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.steps import Report, Steps

__all__ = ["ask", "brief_locks", "lock_table", "rename_indexes", "run_all", "steps_of"]

# How long those who use a table may wait behind a step that needs the table for itself. Together
# with the step it stays below a second.
_BRIEFLY_MS = 300


def steps_of(database: Database, table: GrowingTable, report: Report | None) -> Steps:
    """Return the runner of the steps of a table."""
    return Steps(database, table.name, [table.name], sql_dir(), report)


async def brief_locks(connection: Connection) -> None:
    """Wait no longer than a part of a second for locks, until the end of the transaction."""
    await connection.run_script("brief locks", f"SET LOCAL lock_timeout = {_BRIEFLY_MS}")


async def lock_table(connection: Connection, table: GrowingTable) -> float:
    """Lock a table for a step that needs it for itself; return since when others waited for it.

    That is a time of :func:`time.monotonic`. A lock that holds up neither reading nor writing comes
    first: it keeps vacuum and changes of the schema away.
    """
    queries = partition_queries()
    early = await queries.plan_early_lock(connection, table_name=table.name)
    await run_all(connection, "early lock", [early])
    lock = await queries.plan_lock(connection, table_name=table.name)
    await brief_locks(connection)
    asked = time.monotonic()
    await run_all(connection, "lock", [lock])
    return asked


async def run_all(connection: Connection, name: str, statements: Iterable[str]) -> None:
    """Run statements that the server wrote, in one round trip."""
    script = ";\n".join(statements)
    if script:
        await connection.run_script(name, script, unlimited=True)


async def ask(connection: Connection, name: str, sql: str, *values: Any) -> Any:
    """Return the one row of a statement that the server wrote."""
    row = await connection.fetch_one(Statement(name, sql), values)
    if row is None:
        raise RuntimeError(f"{name} gave no row")
    return row


async def rename_indexes(connection: Connection, name: str, old_name: str) -> None:
    """Give the indexes of a table that had another name names that fit it."""
    statements = [
        row["ddl"]
        async for row in partition_queries().plan_renaming_indexes(
            connection, table_name=name, old_name=old_name
        )
    ]
    await run_all(connection, "names of indexes", statements)
