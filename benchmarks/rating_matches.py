"""What a match costs beside its statements alone, and tasks at once beside an optimistic retry."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import orjson

from aragora_sql.database import Database, Dialect
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.stores.elo import EloSystem
from aragora_sql.stores.elo.formulas import rating_changes
from benchmarks.calls import report_race
from benchmarks.measure import Call, Lane, on, race
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database
from benchmarks.statements import raw_statement
from benchmarks.ways import DriverThread, asyncpg_driver, sqlite_driver

__all__ = ["matches_postgres", "matches_sqlite"]

AGENTS = 100
CALLS, WARM_UP = 100, 20
TASKS = (4, 16)
# Of all tasks together, in each round.
MATCHES = 400
K_FACTOR = 32.0

DRIVER = "driver, one transaction"
OURS = "aragora_sql, record_match"
GROUPED = "aragora_sql, record_match"
CHECKED = "read, compute, write where the rating is as read; else again"
SERIALIZABLE = "read, compute, write in a serializable transaction; else again"
SNAPSHOT = "read, compute, write in a deferred transaction; else again"

_STATEMENTS = ("lock_ratings", "insert_match", "set_ratings", "insert_history", "add_relationships")
_numbers = count(1)


class _Statements:
    """The statements of a match in a driver's form, and their arguments."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.by_name = {name: raw_statement(dialect, name, "elo") for name in _STATEMENTS}

    def locking(self, names: list[str]) -> Any:
        """Return the arguments of the first statement."""
        statement = self.by_name["lock_ratings"]
        given = {"agent_names": names if self.dialect == "postgres" else orjson.dumps(names)}
        return statement.arguments(given) if self.dialect == "postgres" else given

    def writes(
        self, names: list[str], ratings: dict[str, float]
    ) -> Iterator[tuple[str, list[Any]]]:
        """Yield each other statement with the rows of a match that the first agent won."""
        scores = {names[0]: 1.0, names[1]: 0.0}
        changes = rating_changes(ratings, scores, names, K_FACTOR, 1.0)
        now: Any = utc_now()
        if self.dialect == "sqlite":
            now = format_timestamp(now)
        debate_id = f"raw {next(_numbers)}"
        a, b = sorted(names)
        no_counts = dict.fromkeys(self.by_name["add_relationships"].names, 0)
        rows: dict[str, list[dict[str, Any]]] = {
            "insert_match": [
                {
                    "debate_id": debate_id,
                    "winner": names[0],
                    "participants": orjson.dumps(names).decode(),
                    "scores": orjson.dumps(scores).decode(),
                    "elo_changes": orjson.dumps(changes).decode(),
                    "multipliers": None,
                    "domain": None,
                    "confidence_weight": 1.0,
                    "k_factor": K_FACTOR,
                    "created_at": now,
                }
            ],
            "set_ratings": [
                {
                    "agent_name": name,
                    "elo_before": ratings[name],
                    "elo": ratings[name] + changes[name],
                    "wins": int(name == names[0]),
                    "losses": int(name != names[0]),
                    "draws": 0,
                    "debates": 1,
                    "played_at": now,
                }
                for name in (a, b)
            ],
            "insert_history": [
                {
                    "agent_name": name,
                    "kind": "match",
                    "reference": debate_id,
                    "domain": None,
                    "elo": ratings[name] + change,
                    "change": change,
                    "domain_change": None,
                    "created_at": now,
                }
                for name, change in changes.items()
            ],
            "add_relationships": [
                {
                    **no_counts,
                    "agent_a": a,
                    "agent_b": b,
                    "debate_count": 1,
                    "a_wins_over_b": int(names[0] == a),
                    "b_wins_over_a": int(names[0] == b),
                    "updated_at": now,
                }
            ],
        }
        for name, entries in rows.items():
            statement = self.by_name[name]
            if self.dialect == "sqlite":
                yield name, list(entries)
            else:
                yield name, [statement.arguments(entry) for entry in entries]


def _pairs(chooser: random.Random, amount: int) -> list[list[str]]:
    return [[f"agent {n:03}" for n in chooser.sample(range(AGENTS), 2)] for _ in range(amount)]


async def _register(database: Database) -> None:
    elo = EloSystem(database)
    await elo.initialize()
    for number in range(AGENTS):
        await elo.register_agent(f"agent {number:03}")


def _record(elo: EloSystem) -> Call:
    async def call(names: list[str]) -> None:
        await elo.record_match(f"ours {next(_numbers)}", names, {names[0]: 1.0, names[1]: 0.0})

    return call


# PostgreSQL


async def matches_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    statements = _Statements("postgres")
    async with new_database(run.postgres) as dsn:
        async with _postgres(dsn, 1) as database:
            await _register(database)
        lanes = [
            Lane(
                DRIVER,
                _pairs_of(1),
                on(lambda c: _asyncpg_match(c, statements), asyncpg_driver, dsn),
            ),
            Lane(OURS, _pairs_of(1), on(lambda d: _record(EloSystem(d)), _held, dsn)),
        ]
        return [
            await _costs(run, lanes, "matches-postgres", "PostgreSQL"),
            *[
                await _throughput(
                    run,
                    {
                        GROUPED: lambda tasks, pairs: _ours(_postgres(dsn, tasks), tasks, pairs),
                        CHECKED: lambda tasks, pairs: _asyncpg_tasks(
                            dsn, statements, tasks, pairs, _checked
                        ),
                        SERIALIZABLE: lambda tasks, pairs: _asyncpg_tasks(
                            dsn, statements, tasks, pairs, _serializable
                        ),
                    },
                    "matches-throughput-postgres",
                    "PostgreSQL",
                    tasks,
                )
                for tasks in TASKS
            ],
        ]


@asynccontextmanager
async def _postgres(dsn: str, size: int) -> AsyncIterator[Database]:
    database = await PostgresDatabase.connect(dsn, size, size)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _held(dsn: str) -> AsyncIterator[Database]:
    """Keep the connection from call to call, as the driver's lane does."""
    async with _postgres(dsn, 1) as database, database.connection():
        yield database


def _pairs_of(seed: int) -> Callable[[int], list[Any]]:
    chooser = random.Random(seed)
    return lambda amount: _pairs(chooser, amount)


async def _write(connection: Any, statements: _Statements, names: list[str], read: Any) -> None:
    ratings = {row["agent_name"]: row["elo"] for row in read}
    for name, rows in statements.writes(names, ratings):
        sql = statements.by_name[name].sql
        if len(rows) == 1:
            await connection.execute(sql, *rows[0])
        else:
            await connection.executemany(sql, rows)


def _asyncpg_match(connection: Any, statements: _Statements) -> Call:
    lock = statements.by_name["lock_ratings"].sql

    async def call(names: list[str]) -> None:
        async with connection.transaction():
            read = await connection.fetch(lock, *statements.locking(names))
            await _write(connection, statements, names, read)

    return call


class _ChangedError(Exception):
    """A rating is not as it was read."""


async def _checked(connection: Any, statements: _Statements, names: list[str]) -> int:
    """Record a match; return how often it was tried in vain."""
    read_sql = "SELECT agent_name, elo FROM elo_ratings WHERE agent_name = ANY($1)"
    for retries in count():
        rows = await connection.fetch(read_sql, names)
        ratings = {row["agent_name"]: row["elo"] for row in rows}
        try:
            async with connection.transaction():
                for name, entries in statements.writes(names, ratings):
                    for entry in entries:
                        status = await connection.execute(statements.by_name[name].sql, *entry)
                        if name == "set_ratings" and status != "UPDATE 1":
                            raise _ChangedError
            return retries
        except _ChangedError:
            continue
    raise AssertionError("unreachable")


async def _serializable(connection: Any, statements: _Statements, names: list[str]) -> int:
    """Record a match; return how often it was tried in vain."""
    read_sql = "SELECT agent_name, elo FROM elo_ratings WHERE agent_name = ANY($1)"
    for retries in count():
        try:
            async with connection.transaction(isolation="serializable"):
                read = await connection.fetch(read_sql, names)
                await _write(connection, statements, names, read)
            return retries
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            continue
    raise AssertionError("unreachable")


Retrying = Callable[[Any, _Statements, list[str]], Awaitable[int]]


async def _asyncpg_tasks(
    dsn: str, statements: _Statements, tasks: int, pairs: list[list[str]], record: Retrying
) -> tuple[float, int]:
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(asyncpg_driver(dsn)) for _ in range(tasks)]
        retries = 0

        async def work(connection: Any) -> None:
            nonlocal retries
            while pairs:
                retries += await record(connection, statements, pairs.pop())

        started = time.perf_counter()
        await asyncio.gather(*map(work, connections))
        return time.perf_counter() - started, retries


# SQLite


async def matches_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    statements = _Statements("sqlite")
    path = run.folder / "matches.db"
    async with _sqlite(path) as database:
        await _register(database)
    lanes = [
        Lane(DRIVER, _pairs_of(1), on(lambda d: _sqlite_match(d, statements), sqlite_driver, path)),
        Lane(OURS, _pairs_of(1), on(lambda d: _record(EloSystem(d)), _sqlite, path)),
    ]
    return [
        await _costs(run, lanes, "matches-sqlite", "SQLite"),
        *[
            await _throughput(
                run,
                {
                    GROUPED: lambda tasks, pairs: _ours(_sqlite(path), tasks, pairs),
                    SNAPSHOT: lambda tasks, pairs: _sqlite_tasks(path, statements, tasks, pairs),
                },
                "matches-throughput-sqlite",
                "SQLite",
                tasks,
            )
            for tasks in TASKS
        ],
    ]


@asynccontextmanager
async def _sqlite(path: Path) -> AsyncIterator[Database]:
    database = SQLiteDatabase(path)
    try:
        yield database
    finally:
        await database.close()


def _sqlite_work(
    connection: sqlite3.Connection, statements: _Statements, names: list[str], begin: str
) -> None:
    connection.execute(begin)
    try:
        lock = statements.by_name["lock_ratings"].sql
        read = connection.execute(lock, statements.locking(names)).fetchall()
        ratings = {row[0]: row[1] for row in read}
        for name, rows in statements.writes(names, ratings):
            connection.executemany(statements.by_name[name].sql, rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _sqlite_match(driver: DriverThread, statements: _Statements) -> Call:
    async def call(names: list[str]) -> None:
        await driver.in_own(_sqlite_work, statements, names, "BEGIN IMMEDIATE")

    return call


async def _sqlite_tasks(
    path: Path, statements: _Statements, tasks: int, pairs: list[list[str]]
) -> tuple[float, int]:
    async with AsyncExitStack() as stack:
        drivers = [await stack.enter_async_context(sqlite_driver(path)) for _ in range(tasks)]
        retries = 0

        async def work(driver: DriverThread) -> None:
            nonlocal retries
            while pairs:
                names = pairs.pop()
                while True:
                    try:
                        await driver.in_own(_sqlite_work, statements, names, "BEGIN")
                        break
                    except sqlite3.OperationalError as error:
                        if "locked" not in str(error):
                            raise
                        retries += 1

        started = time.perf_counter()
        await asyncio.gather(*map(work, drivers))
        return time.perf_counter() - started, retries


# Both


async def _ours(opened: Any, tasks: int, pairs: list[list[str]]) -> tuple[float, int]:
    async with opened as database:
        call = _record(EloSystem(database))

        async def work() -> None:
            while pairs:
                await call(pairs.pop())

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(tasks)))
        return time.perf_counter() - started, 0


async def _costs(run: Run, lanes: list[Lane], name: str, engine: str) -> Report:
    with run.stage(f"{engine}, a match", run.rounds) as advance:
        timings = await race(lanes, CALLS, WARM_UP, run.rounds, advance)
    aims = [
        Aim.at_most(
            f"{engine}, record_match, times its statements by the driver",
            timings.ratio(OURS, DRIVER),
            1.6,
        )
    ]
    title = f"{engine}, a match of two ({run.rounds} rounds of {CALLS} calls, medians)"
    return report_race(name, title, ("µs", 1e6), lanes, {"x driver": DRIVER}, timings, aims)


Lanes = dict[str, Callable[[int, list[list[str]]], Awaitable[tuple[float, int]]]]


async def _throughput(run: Run, lanes: Lanes, name: str, engine: str, tasks: int) -> Report:
    chooser = random.Random(12)
    speeds: dict[str, list[float]] = {lane: [] for lane in lanes}
    retried = dict.fromkeys(lanes, 0)
    with run.stage(f"{engine}, {tasks} tasks", run.rounds) as advance:
        for _ in range(run.rounds):
            for lane, play in chooser.sample(list(lanes.items()), len(lanes)):
                seconds, retries = await play(tasks, _pairs(chooser, MATCHES))
                speeds[lane].append(MATCHES / seconds)
                retried[lane] += retries
            advance()
    ours = speeds[GROUPED]
    rows: list[dict[str, Cell]] = []
    aims = []
    for lane, some in speeds.items():
        ratio = median(mine / theirs for mine, theirs in zip(ours, some, strict=True))
        rows.append(
            {
                "lane": lane,
                "speed": median(some),
                "retries": retried[lane] / run.rounds / MATCHES,
                "ratio": ratio,
            }
        )
        if lane != GROUPED:
            what = f"{engine}, record_match of {tasks} tasks, times '{lane}'"
            aims.append(Aim.at_least(what, ratio, 3))
    columns = [
        Column("lane", f"{tasks} tasks, {AGENTS} agents"),
        Column("speed", "matches per second", ",.0f"),
        Column("retries", "retries per match", ".2f"),
        Column("ratio", "record_match, x this", ".2f"),
    ]
    title = f"{engine}, matches of {tasks} tasks ({run.rounds} rounds of {MATCHES}, medians)"
    return Report(f"{name}-{tasks}", title, columns, rows, aims)
