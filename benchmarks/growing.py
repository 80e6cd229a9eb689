"""What it costs to divide a table that is in use, and what partitions are worth after that."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.values import utc_now
from aragora_sql.partitions import (
    GROWING,
    GrowingTable,
    archive_partitions,
    divide_table,
)
from aragora_sql.partitions.bounds import bound_of
from aragora_sql.queries import load_queries
from benchmarks.measure import percentile
from benchmarks.report import Aim, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

if TYPE_CHECKING:
    from aragora_sql.queries.typed.langgraph import PutCheckpointParameters

__all__ = ["divide_growing", "retire_months"]

WRITERS = 4
SECONDS = 5.0
_MONTHS = 24

_FILL = {
    "audit_log": (
        "INSERT INTO audit_log (timestamp, user_id, org_id, action, resource_type, resource_id) "
        "SELECT now() - n * interval '{days} days' / {rows}, 'u' || n % 1000, 'o' || n % 50, "
        "'action.' || n % 20, 'plan', 'r' || n % 5000 FROM generate_series(1, {rows}) AS g (n)"
    ),
    "workflow_checkpoints": (
        "INSERT INTO workflow_checkpoints (id, engine_id, workflow_id, definition_id, "
        "content_checksum, created_at, stored_at) SELECT 'c' || n, 'e' || n, 'w' || n % 5000, 'd', "
        "repeat('0', 64), t, t FROM generate_series(1, {rows}) AS g (n) CROSS JOIN LATERAL "
        "(SELECT now() - n * interval '{days} days' / {rows} AS t) AS m"
    ),
    "langgraph_checkpoints": (
        "INSERT INTO langgraph_checkpoints (thread_id, checkpoint_id, type, content) SELECT "
        "'t' || n % 5000, substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-6' || substr(h, 13, 3) || "
        "'-' || lpad(n::text, 16, '0'), 'msgpack', repeat('x', 200)::bytea FROM "
        "generate_series(1, {rows}) AS g (n) CROSS JOIN LATERAL (SELECT lpad(to_hex(((extract("
        "epoch FROM now() - n * interval '{days} days' / {rows}) + 12219292800) * 10000000)"
        "::bigint), 15, '0') AS h) AS m"
    ),
}

_numbers = itertools.count()


async def _audit_event(connection: Connection) -> None:
    number = next(_numbers)
    await load_queries("audit", "postgres").insert_event(
        connection,
        timestamp=utc_now(),
        user_id=f"u{number % 1000}",
        org_id=f"o{number % 50}",
        action="login.ok",
        resource_type="user",
        resource_id=f"r{number % 5000}",
        old_value=None,
        new_value=None,
        metadata={},
        ip_address=None,
        user_agent=None,
    )


async def _workflow_checkpoint(connection: Connection) -> None:
    number = next(_numbers)
    now = utc_now()
    await load_queries("checkpoints", "postgres").insert_workflow_checkpoint(
        connection,
        id=f"new {number}",
        engine_id=f"new {number}",
        workflow_id=f"w{number % 5000}",
        definition_id="d",
        current_step=None,
        completed_steps=[],
        step_outputs={},
        context_state={},
        checksum="",
        content_checksum="0" * 64,
        created_at=now,
        stored_at=now,
    )


async def _langgraph_checkpoint(connection: Connection) -> None:
    number = next(_numbers)
    table = next(table for table in GROWING if table.name == "langgraph_checkpoints")
    row: PutCheckpointParameters = {
        "thread_id": f"t{number % 5000}",
        "checkpoint_ns": "",
        "checkpoint_id": f"{bound_of(utc_now(), table)}-{uuid.uuid4()}",
        "parent_checkpoint_id": None,
        "run_id": None,
        "channel_versions": {},
        "metadata": {},
        "type": "msgpack",
        "content": b"x" * 200,
    }
    await load_queries("langgraph", "postgres").put_checkpoint(connection, [row])


_WRITES: dict[str, Callable[[Connection], Coroutine[Any, Any, None]]] = {
    "audit_log": _audit_event,
    "workflow_checkpoints": _workflow_checkpoint,
    "langgraph_checkpoints": _langgraph_checkpoint,
}


@dataclass(frozen=True, slots=True)
class _Write:
    began: float
    seconds: float


async def divide_growing(run: Run, rows: int) -> Report:
    """Divide tables of so many rows while others write, and measure how long those wait."""
    lines = []
    aims = []
    with run.stage(f"PostgreSQL, dividing tables of {rows:,} rows", len(_WRITES)) as advance:
        for name, write in _WRITES.items():
            table = next(table for table in GROWING if table.name == name)
            async with _filled(run, table, rows) as database:
                line = await _divided_beside_writers(database, table, write, rows)
            lines.append(line)
            longest = float(line["longest"] or 0)
            aims.append(Aim.at_most(f"{name}, longest wait of a writer in ms", longest, 1000))
            advance()
    columns = [
        Column("table", "table"),
        Column("seconds", "dividing, s", ",.1f"),
        Column("before", "writes/s before", ",.0f"),
        Column("during", "during", ",.0f"),
        Column("after", "after", ",.0f"),
        Column("p99_before", "p99 ms before", ",.1f"),
        Column("p99", "p99 ms during", ",.1f"),
        Column("longest_before", "longest ms before", ",.0f"),
        Column("longest", "longest ms during", ",.0f"),
        Column("lost", "rows lost", ",.0f"),
        Column("bytes", "bytes a row", ",.0f"),
        Column("bytes_after", "with keys", ",.0f"),
    ]
    title = f"PostgreSQL, dividing tables of {rows:,} rows beside {WRITERS} writers"
    return Report("growing-postgres", title, columns, lines, aims)


@asynccontextmanager
async def _filled(run: Run, table: GrowingTable, rows: int) -> AsyncIterator[PostgresDatabase]:
    async with new_database(run.postgres) as dsn:
        database = await PostgresDatabase.connect(dsn, 2, WRITERS + 3, statement_timeout=3600)
        try:
            async with database.connection() as connection:
                fill = _FILL[table.name].format(rows=rows, days=_MONTHS * 30)
                await connection.run_script("fill", fill, unlimited=True)
            async with database.connection() as connection:
                await connection.run_script("vacuum", f"VACUUM ANALYZE {table.name}")
            yield database
        finally:
            await database.close()


async def _divided_beside_writers(
    database: Database,
    table: GrowingTable,
    write: Callable[[Connection], Coroutine[Any, Any, None]],
    rows: int,
) -> dict[str, Any]:
    done: list[_Write] = []
    stopped = asyncio.Event()

    async def work() -> None:
        while not stopped.is_set():
            began = time.perf_counter()
            async with database.connection() as connection:
                await write(connection)
            done.append(_Write(began, time.perf_counter() - began))

    size = await _bytes(database, table)
    writers = [asyncio.create_task(work()) for _ in range(WRITERS)]
    await asyncio.sleep(SECONDS)
    started = time.perf_counter()
    await divide_table(database, table, "month", report=lambda sentence: None)
    ended = time.perf_counter()
    await asyncio.sleep(SECONDS)
    stopped.set()
    await asyncio.gather(*writers)
    stop = time.perf_counter()
    async with database.read() as connection:
        there = await connection.fetch_value(
            Statement("count", f"SELECT count(*) FROM {table.name}"), ()
        )
    # The first second is that of warming up.
    first = done[0].began + 1
    before = [one for one in done if first <= one.began and one.began + one.seconds < started]
    during = [one for one in done if one.began + one.seconds >= started and one.began <= ended]
    after = [one for one in done if one.began > ended]
    return {
        "table": table.name,
        "seconds": ended - started,
        "before": len(before) / (started - first),
        "during": len(during) / (ended - started),
        "after": len(after) / (stop - ended),
        "p99_before": percentile([one.seconds for one in before], 0.99) * 1e3,
        "p99": percentile([one.seconds for one in during], 0.99) * 1e3,
        "longest_before": max(one.seconds for one in before) * 1e3,
        "longest": max(one.seconds for one in during) * 1e3,
        "lost": rows + len(done) - there,
        "bytes": size / rows,
        "bytes_after": await _bytes(database, table) / there,
    }


async def _bytes(database: Database, table: GrowingTable) -> float:
    """Return the size of a table with its indexes, its partitions and its keys."""
    sizes = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname "
        f"LIKE '{table.name}%'"
    )
    async with database.read() as connection:
        return float(await connection.fetch_value(Statement("bytes", sizes), ()))


async def retire_months(run: Run, rows: int) -> Report:
    """Get rid of a month's events: by deleting them, and by taking their partition off."""
    table = GROWING[0]
    month = rows // _MONTHS
    lines = []
    with run.stage(f"PostgreSQL, a month of {rows:,} events", 2) as advance:
        for retire in (_deleted, _detached):
            async with new_database(run.postgres) as dsn:
                database = await _with_months(dsn, table, rows, divided=retire is _detached)
                lines.append(await retire(database, table))
                await database.close()
            advance()
    columns = [
        Column("way", "way"),
        Column("rows", "rows gone", ",.0f"),
        Column("seconds", "s", ",.2f"),
        Column("vacuum", "vacuum after it, s", ",.2f"),
        Column("log", "log written, MB", ",.1f"),
        Column("freed", "disk freed in the table, MB", ",.1f"),
    ]
    title = f"PostgreSQL, a month (about {month:,}) of {rows:,} events"
    return Report("months-postgres", title, columns, lines)


async def _with_months(
    dsn: str, table: GrowingTable, rows: int, *, divided: bool
) -> PostgresDatabase:
    database = await PostgresDatabase.connect(dsn, 1, 3, statement_timeout=3600)
    if divided:
        first = utc_now() - timedelta(days=_MONTHS * 30)
        first = datetime(first.year, first.month, 1, tzinfo=UTC)
        await divide_table(database, table, "month", first=first, report=lambda sentence: None)
    async with database.connection() as connection:
        fill = _FILL[table.name].format(rows=rows, days=_MONTHS * 30)
        await connection.run_script("fill", fill, unlimited=True)
    async with database.connection() as connection:
        await connection.run_script("vacuum", f"VACUUM ANALYZE {table.name}", unlimited=True)
    return database


_SIZES = Statement(
    "sizes",
    "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS log, "
    "pg_total_relation_size('audit_log') + coalesce((SELECT sum(pg_total_relation_size(inhrelid)) "
    "FROM pg_inherits WHERE inhparent = 'audit_log'::regclass), 0) AS bytes, "
    "(SELECT count(*) FROM audit_log) AS rows",
)


async def _sizes(database: Database) -> Any:
    async with database.read() as connection:
        return await connection.fetch_one(_SIZES, ())


async def _oldest_month(database: Database, table: GrowingTable) -> datetime:
    async with database.read() as connection:
        first = await connection.fetch_value(
            Statement("first", f"SELECT min({table.column}) FROM {table.name}"), ()
        )
    # The first month is not a whole one.
    start = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)
    return datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)


async def _deleted(database: Database, table: GrowingTable) -> dict[str, Any]:
    end = await _oldest_month(database, table)
    before = await _sizes(database)
    started = time.perf_counter()
    queries = load_queries("audit", "postgres")
    while True:
        async with database.transaction() as connection:
            if not await queries.delete_events(connection, older_than=end, row_limit=1000):
                break
    deleted = time.perf_counter()
    async with database.connection() as connection:
        await connection.run_script("vacuum", f"VACUUM {table.name}", unlimited=True)
    vacuumed = time.perf_counter()
    return _line(
        "DELETE, 1,000 rows at a time", before, await _sizes(database), started, deleted, vacuumed
    )


async def _detached(database: Database, table: GrowingTable) -> dict[str, Any]:
    end = await _oldest_month(database, table)
    before = await _sizes(database)
    started = time.perf_counter()
    await archive_partitions(database, table, end, report=lambda sentence: None)
    detached = time.perf_counter()
    return _line("--archive-before", before, await _sizes(database), started, detached, detached)


def _line(
    way: str, before: Any, after: Any, started: float, done: float, vacuumed: float
) -> dict[str, Any]:
    return {
        "way": way,
        "rows": before["rows"] - after["rows"],
        "seconds": done - started,
        "vacuum": vacuumed - done,
        "log": float(after["log"] - before["log"]) / 1e6,
        "freed": float(before["bytes"] - after["bytes"]) / 1e6,
    }
