"""Makes the partitions of the time to come, out of the last one, which has no end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import PartitionError
from aragora_sql.partitions.bounds import Interval, bound_of, following, name_of, starts, time_of
from aragora_sql.partitions.running import (
    ask,
    brief_locks,
    lock_table,
    rename_indexes,
    run_all,
    steps_of,
)
from aragora_sql.partitions.state import (
    Partition,
    partition_queries,
    read_facts,
    read_partitions,
    refuse_sqlite,
)
from aragora_sql.partitions.tables import GrowingTable
from aragora_sql.schema.steps import Report, Steps

__all__ = ["MOST_MOVED", "create_partitions", "horizon", "later_name", "make_ahead"]

# So many rows are moved while nobody else can use the table: some tens of milliseconds.
MOST_MOVED = 5_000
_MARGIN = timedelta(days=14)


def horizon(interval: Interval, ahead: int) -> datetime:
    """Return where partitions made ahead end: ``ahead`` intervals after the current one."""
    end = following(utc_now(), interval)
    for _ in range(ahead):
        end = following(end, interval)
    return end


def later_name(table: GrowingTable) -> str:
    """Return the name of the partition of all that no other one is for yet."""
    return f"{table.name}_later"


async def create_partitions(
    connection: Connection,
    table: GrowingTable,
    like_name: str,
    ranges: Iterable[tuple[datetime | None, datetime | None]],
) -> list[str]:
    """Make partitions from a time to another (None: no bound) and return their names."""
    queries = partition_queries()
    statements: list[str] = []
    names = []
    for lower, upper in ranges:
        if lower is None:
            raise ValueError("a partition of all that is before a time has a name of its own")
        name = later_name(table) if upper is None else name_of(table, lower)
        names.append(name)
        statements += [
            row["ddl"]
            async for row in queries.plan_partition(
                connection,
                table_name=table.name,
                like_name=like_name,
                partition_name=name,
                lower_bound=bound_of(lower, table),
                upper_bound=None if upper is None else bound_of(upper, table),
            )
        ]
    await run_all(connection, "partitions", statements)
    return names


async def make_ahead(
    database: Database,
    table: GrowingTable,
    interval: Interval,
    ahead: int = 3,
    *,
    report: Report | None = None,
) -> list[str]:
    """Make the partitions that are missing for ``ahead`` intervals after the current one.

    Rows that came for a time without a partition are in the last one, which has no end. A few are
    moved; where there are many, that partition becomes the one of its time, unread and unmoved,
    and may be longer than the interval then. Returns the names of what was made.

    Raises :class:`PartitionError` for a table that is not divided, or whose last partition has
    many rows of the time to be divided and others of a time behind it.
    """
    refuse_sqlite(database)
    steps = steps_of(database, table, report)
    async with database.read() as connection:
        facts = await read_facts(connection, table)
        if facts["kind"] != "p" or not facts["is_by_column"]:
            raise PartitionError(
                f"{table.name} is not divided by {table.column}: run 'aragora-sql schema "
                f"partition --store {table.store} --by month' first"
            )
        last = _open_one(await read_partitions(connection, table), table)
        end = horizon(interval, ahead)
        if last.lower is None or last.lower >= end:
            return []
        counts = await _count(connection, table, last, end)
    if counts["below"] + counts["above"] <= MOST_MOVED:
        return await _move(steps, table, interval, end)
    if counts["above"]:
        raise PartitionError(
            f"{last.name} has more than {MOST_MOVED} rows, some of them before and others at or "
            f"after {bound_of(end, table)}: delete those of a time that can't be, or make more "
            "partitions at a time with --ahead. Nothing was changed"
        )
    return await _widen(database, steps, table, interval, end)


def _open_one(partitions: list[Partition], table: GrowingTable) -> Partition:
    for partition in partitions:
        if partition.upper_text is None and partition.name == later_name(table):
            return partition
    raise PartitionError(
        f"{table.name} has no partition {later_name(table)} without an end: it was divided by "
        "another program, which has to make the next ones"
    )


async def _count(
    connection: Connection, table: GrowingTable, last: Partition, end: datetime
) -> Any:
    counting = await partition_queries().plan_counts(
        connection, table_name=last.name, column_name=table.column, bound=bound_of(end, table)
    )
    return await ask(connection, "rows of the last partition", counting, MOST_MOVED + 1)


async def _reopening(
    connection: Connection, table: GrowingTable, last: Partition, name: str, bound: str
) -> Any:
    return await partition_queries().plan_reopening(
        connection,
        table_name=table.name,
        column_name=table.column,
        partition_name=last.name,
        new_name=name,
        lower_bound=last.lower_text,
        upper_bound=bound,
    )


async def _move(steps: Steps, table: GrowingTable, interval: Interval, end: datetime) -> list[str]:
    """Make a new last partition, and those before it; move the rows of the old one, if any."""

    async def step(connection: Connection) -> tuple[list[str], int, float]:
        last = _open_one(await read_partitions(connection, table), table)
        if last.lower is None or last.lower >= end:
            return [], 0, 0.0
        # Another name for the time that it is beside the new one.
        like = f"{table.name}_moved"
        bound = bound_of(end, table)
        plan = await _reopening(connection, table, last, like, bound)
        moved = await _reopening(connection, table, replace(last, name=like), like, bound)
        await lock_table(connection, table)
        started = time.monotonic()
        counts = await _count(connection, table, last, end)
        rows = counts["below"] + counts["above"]
        if rows > MOST_MOVED:
            raise PartitionError(f"{last.name} filled up meanwhile: run it again")
        await run_all(connection, "detach", [plan["detach"], plan["rename"]])
        bounds = [*starts(last.lower, interval, end)]
        await rename_indexes(connection, like, last.name)
        names = await create_partitions(
            connection, table, like, [*pairwise(bounds), (bounds[-1], None)]
        )
        done = [moved["remove"]] if rows == 0 else [moved["move"], moved["remove"]]
        await run_all(connection, "move", done)
        return names[:-1], rows, time.monotonic() - started

    names, rows, seconds = await steps.in_transaction(step)
    if names:
        what = f", {rows} rows were moved into them" if rows else ""
        steps.report(f"{', '.join(names)} made{what} in {seconds * 1000:.0f} ms")
    return names


async def _widen(
    database: Database, steps: Steps, table: GrowingTable, interval: Interval, end: datetime
) -> list[str]:
    """Let the last partition be that of the time of its rows, and make a new last one."""
    queries = partition_queries()
    async with database.read() as connection:
        last = _open_one(await read_partitions(connection, table), table)
        finding = await queries.plan_last(
            connection, table_name=last.name, column_name=table.column
        )
        row = await ask(connection, "last row", finding)
    newest = time_of(row["last_text"], row["last_value"] if table.kind == "time" else None, table)
    if newest is None or last.lower is None:
        raise PartitionError(
            f"{last.name} has rows whose {table.column} tells no time ({row['last_text']}). "
            "Nothing was changed"
        )
    stop = following(max(newest, utc_now() + _MARGIN), interval)
    name = name_of(table, last.lower)
    bound = bound_of(stop, table)

    async def begin(connection: Connection) -> None:
        plan = await _reopening(connection, table, last, last.name, bound)
        await brief_locks(connection)
        await run_all(connection, "bound", [plan["unbound"], plan["bound"]])

    async def check(connection: Connection) -> None:
        plan = await _reopening(connection, table, last, name, bound)
        await run_all(connection, "validate", [plan["validate"]])

    async def step(connection: Connection) -> tuple[list[str], float]:
        plan = await _reopening(connection, table, last, name, bound)
        attach = await queries.plan_attaching(
            connection,
            table_name=table.name,
            partition_name=name,
            lower_bound=last.lower_text,
            upper_bound=bound,
        )
        await lock_table(connection, table)
        started = time.monotonic()
        await run_all(connection, "detach", [plan["detach"], plan["rename"]])
        await rename_indexes(connection, name, last.name)
        bounds = [*starts(stop, interval, end)]
        await run_all(connection, "attach", [attach, plan["unbound"]])
        made = await create_partitions(
            connection, table, name, [*pairwise(bounds), (bounds[-1], None)]
        )
        return made[:-1], time.monotonic() - started

    try:
        await steps.in_transaction(begin)
        async with steps.progress(f"checking the rows of {last.name}"):
            await steps.in_transaction(check)
        names, seconds = await steps.in_transaction(step)
    except BaseException:
        await _take_back(database, steps, table, last, bound)
        raise
    steps.report(
        f"{last.name} is {name} now, until {stop:%Y-%m-%d}; that took {seconds * 1000:.0f} ms"
    )
    return [name, *names]


async def _take_back(
    database: Database, steps: Steps, table: GrowingTable, last: Partition, bound: str
) -> None:
    try:
        async with asyncio.timeout(10), database.transaction() as connection:
            plan = await _reopening(connection, table, last, last.name, bound)
            await brief_locks(connection)
            await run_all(connection, "bound", [plan["unbound"]])
    except Exception:
        steps.report(
            f"the rule {table.name}_until of {last.name} could not be taken back: it refuses rows "
            f"from {bound} on until 'aragora-sql schema partition' is run again"
        )
