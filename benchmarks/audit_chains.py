"""What audit entries cost: appending, verifying, and pages of a log of a million events.

Appending is measured beside the same rows, with hashes that are there already, which the driver
inserts into a table with the same indexes. Verifying is measured beside the older way: an entry is
read, made a dictionary, and hashed as sorted JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from aragora_sql.database import Database, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.values import format_timestamp
from aragora_sql.stores.audit import AuditEntry, AuditStore, SigningKeys
from benchmarks.pages import AT, fill, numbers, race_pages, seconds_of
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["audit_postgres", "audit_sqlite"]

BATCH, TASKS, BATCHES = 100, 4, 6
EVENTS, PAGE = 1_000_000, 100
# Entries of the chain that is verified, and those that the older way gets to.
ENTRIES, OLDER_ENTRIES = 20_000, 500

OURS, BARE = "aragora_sql, append_many", "driver, executemany of the same rows"
VERIFY, OLDER = "aragora_sql, verify_integrity", "one by one, as the older system"

_ENTRY: dict[str, Any] = {
    "event_type": "finding_created",
    "actor": "alice",
    "resource_type": "finding",
    "resource_id": "f-1",
    "action": "create",
    "details": {"severity": "high", "line": 3},
    "ip_address": "192.0.2.1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
}
_COLUMNS = [
    "details" if name == "details_text" else name for name in AuditEntry.__dataclass_fields__
]
_numbers = count(1)

Work = Callable[[], Awaitable[object]]


async def audit_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    async with new_database(run.postgres) as dsn, AsyncExitStack() as stack:
        database = await PostgresDatabase.connect(dsn, 2, TASKS, statement_timeout=600)
        stack.push_async_callback(database.close)
        pool = await asyncpg.create_pool(dsn, min_size=TASKS, max_size=TASKS)
        stack.push_async_callback(pool.close)
        table = "bare_audit_entries"
        await pool.execute(f"CREATE TABLE {table} (LIKE immutable_audit_entries INCLUDING ALL)")
        insert = _insert(table, [f"${n}" for n in range(1, len(_COLUMNS) + 1)])

        async def bare(rows: list[list[Any]]) -> None:
            async with pool.acquire() as connection:
                await connection.executemany(insert, rows)

        async def older(sequence: int) -> Any:
            return await pool.fetchrow(
                "SELECT * FROM immutable_audit_entries WHERE chain = 'main' "
                "AND sequence_number = $1",
                sequence,
            )

        return await _measure(run, database, bare, older)


async def audit_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    database = SQLiteDatabase(run.folder / "audit.db", statement_timeout=600)
    beside = run.folder / "bare.db"
    try:
        await AuditStore(database, SigningKeys()).initialize()
        table = "immutable_audit_entries"
        await _copy_schema(database, table, beside)
        insert = _insert(table, ["?"] * len(_COLUMNS))

        def in_thread(rows: list[list[Any]]) -> None:
            with closing(_opened(beside)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(insert, rows)
                connection.execute("COMMIT")

        async def bare(rows: list[list[Any]]) -> None:
            await asyncio.to_thread(in_thread, rows)

        reader = _opened(run.folder / "audit.db")
        reader.row_factory = sqlite3.Row

        async def older(sequence: int) -> Any:
            return reader.execute(
                "SELECT * FROM immutable_audit_entries WHERE chain = 'main' "
                "AND sequence_number = ?",
                [sequence],
            ).fetchone()

        with closing(reader):
            return await _measure(run, database, bare, older)
    finally:
        await database.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


async def _copy_schema(database: SQLiteDatabase, table: str, target: Path) -> None:
    """Make the table with its indexes, and without triggers, in another file."""
    async with database.read() as connection:
        found = await connection.fetch_all(
            Statement(
                "schema",
                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL "
                f"AND tbl_name = '{table}' AND type IN ('table', 'index') ORDER BY type DESC",
            ),
            {},
        )
    with closing(sqlite3.connect(target)) as beside:
        beside.execute("PRAGMA journal_mode = WAL")
        for row in found:
            beside.execute(row["sql"])
        beside.commit()


def _insert(table: str, marks: list[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(_COLUMNS)}) VALUES ({', '.join(marks)})"


async def _measure(
    run: Run,
    database: Database,
    bare: Callable[[list[list[Any]]], Awaitable[None]],
    older: Callable[[int], Awaitable[Any]],
) -> list[Report]:
    engine = "PostgreSQL" if database.dialect == "postgres" else "SQLite"
    audit = AuditStore(database, SigningKeys())
    await audit.initialize()
    return [
        await _appending(run, audit, bare, engine),
        await _verifying(run, audit, older, engine),
        await _paging(run, audit, engine),
    ]


async def _appending(
    run: Run, audit: AuditStore, bare: Callable[[list[list[Any]]], Awaitable[None]], engine: str
) -> Report:
    samples = await audit.append_many([_ENTRY] * BATCH)
    as_text = audit.database.dialect == "sqlite"

    def rows() -> list[list[Any]]:
        """Return rows as they are stored, with keys that are not there yet."""
        made = []
        for entry in samples:
            number = next(_numbers)
            values = {
                **entry,
                "details": entry.details_text,
                "id": str(uuid.uuid4()),
                "sequence_number": number,
                "entry_hash": hashlib.sha256(str(number).encode()).hexdigest(),
                "timestamp": format_timestamp(entry.timestamp) if as_text else entry.timestamp,
            }
            made.append([values[name] for name in _COLUMNS])
        return made

    async def ours() -> float:
        async def work() -> None:
            for _ in range(BATCHES):
                await audit.append_many([_ENTRY] * BATCH)

        return await seconds_of(lambda: asyncio.gather(*(work() for _ in range(TASKS))))

    async def theirs() -> float:
        given = [[rows() for _ in range(BATCHES)] for _ in range(TASKS)]

        async def work(batches: list[list[list[Any]]]) -> None:
            for batch in batches:
                await bare(batch)

        return await seconds_of(lambda: asyncio.gather(*map(work, given)))

    seconds: dict[str, list[float]] = {OURS: [], BARE: []}
    chooser = random.Random(5)
    await ours()
    await theirs()
    with run.stage(f"{engine}, audit entries, {TASKS} tasks", run.rounds) as advance:
        for _ in range(run.rounds):
            lanes = {OURS: ours, BARE: theirs}
            for lane, work in chooser.sample(list(lanes.items()), len(lanes)):
                seconds[lane].append(await work())
            advance()
    total = BATCH * BATCHES * TASKS
    ratio = median(a / b for a, b in zip(seconds[OURS], seconds[BARE], strict=True))
    rows_of: list[dict[str, Cell]] = [
        {
            "lane": lane,
            "rate": total / median(some),
            "ratio": median(a / b for a, b in zip(some, seconds[BARE], strict=True)),
        }
        for lane, some in seconds.items()
    ]
    return Report(
        f"audit-append-{audit.database.dialect}",
        f"{engine}, audit entries in batches of {BATCH}, {TASKS} tasks at once",
        [
            Column("lane", "way"),
            Column("rate", "entries/s", ",.0f"),
            Column("ratio", "x bare insert", ".2f"),
        ],
        rows_of,
        [Aim.at_most(f"{engine}, append_many, times a bare insert", ratio, 2.5)],
    )


async def _verifying(
    run: Run, audit: AuditStore, older: Callable[[int], Awaitable[Any]], engine: str
) -> Report:
    while (await audit.get_statistics()).last_sequence < ENTRIES:
        await audit.append_many([_ENTRY] * 1000)
    rates: dict[str, list[float]] = {VERIFY: [], OLDER: []}
    of_core: dict[str, list[float]] = {VERIFY: [], OLDER: []}

    async def ours() -> int:
        found = await audit.verify_integrity()
        if not found.is_valid:
            raise RuntimeError(found.errors[0])
        return found.entries_checked

    async def one_by_one() -> int:
        for sequence in range(1, OLDER_ENTRIES + 1):
            _older_hash(await older(sequence))
        return OLDER_ENTRIES

    lanes = {VERIFY: ours, OLDER: one_by_one}
    with run.stage(f"{engine}, a chain of {ENTRIES:,} entries", run.rounds) as advance:
        for _ in range(run.rounds):
            for lane, work in lanes.items():
                started, busy = time.perf_counter(), time.process_time()
                done = await work()
                rates[lane].append(done / (time.perf_counter() - started))
                of_core[lane].append(done / (time.process_time() - busy))
            advance()
    ratio = median(a / b for a, b in zip(rates[VERIFY], rates[OLDER], strict=True))
    best = median(of_core[VERIFY])
    rows: list[dict[str, Cell]] = [
        {"lane": lane, "rate": median(rates[lane]), "core": median(of_core[lane])} for lane in lanes
    ]
    return Report(
        f"audit-verify-{audit.database.dialect}",
        f"{engine}, verifying a chain of {ENTRIES:,} entries",
        [
            Column("lane", "way"),
            Column("rate", "entries/s", ",.0f"),
            Column("core", "entries/s of this process's CPU time", ",.0f"),
        ],
        rows,
        [
            Aim(
                f"{engine}, verifying, 100,000 entries/s of a core, or 10 times the older way "
                f"({ratio:.1f} times)",
                best,
                best >= 100_000 or ratio >= 10,
            )
        ],
    )


def _older_hash(row: Any) -> str:
    fields = {
        name: row[name]
        for name in (
            *("id", "sequence_number", "previous_hash", "event_type", "actor", "actor_type"),
            *("resource_type", "resource_id", "action", "correlation_id", "workspace_id"),
        )
    }
    timestamp = row["timestamp"]
    fields["timestamp"] = timestamp if isinstance(timestamp, str) else timestamp.isoformat()
    fields["details"] = json.loads(row["details"])
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


async def _paging(run: Run, audit: AuditStore, engine: str) -> Report:
    dialect = audit.database.dialect
    await fill(
        audit.database,
        "INSERT INTO audit_log (timestamp, user_id, org_id, action, resource_type, resource_id) "
        f"SELECT {AT[dialect]}, 'u' || (n % 1000), 'o' || (n % 50), "
        f"'action.' || (n % 40), 'plan', 'r' || n FROM {numbers(dialect, EVENTS)}",
    )
    return await race_pages(
        run,
        f"audit-pages-{dialect}",
        f"{engine}, pages of {PAGE} of {EVENTS:,} events",
        lambda last: audit.get_log(limit=PAGE, after=last),
    )
