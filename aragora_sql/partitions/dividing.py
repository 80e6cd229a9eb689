"""Turns a table into a partitioned one, while others read and write it.

The table itself becomes the first partition: no row is moved or written again. What takes long
(copying the keys, checking the rows) holds up nobody; what needs the table for itself is a matter
of milliseconds, waits for locks for a part of a second only, and tries again. Each step is kept by
itself: a run that was cut short is gone on with by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import CheckViolationError, PartitionError
from aragora_sql.partitions.ahead import create_partitions, horizon, later_name, make_ahead
from aragora_sql.partitions.bounds import (
    Interval,
    bound_of,
    following,
    name_before,
    name_of,
    starts,
)
from aragora_sql.partitions.running import ask, brief_locks, lock_table, run_all, steps_of
from aragora_sql.partitions.state import partition_queries, read_facts, refuse_sqlite
from aragora_sql.partitions.tables import GrowingTable
from aragora_sql.schema.steps import Report, Steps

__all__ = ["divide_table"]

# Between a run that dies and the time from which its rule would refuse rows, so that somebody sees
# it and runs it again.
_MARGIN = timedelta(days=14)
# Rows whose keys are copied in one transaction: that long a delete may wait.
_PAGE = 5_000
_TOO_LATE = 1_000


async def divide_table(
    database: Database,
    table: GrowingTable,
    interval: Interval,
    *,
    ahead: int = 3,
    first: datetime | None = None,
    report: Report | None = None,
) -> bool:
    """Divide a table, or go on where an earlier run was cut short; True when that was done.

    Where the table is divided already, partitions are made ahead and nothing else. What is there
    becomes one partition, up to ``first`` (default: the first interval that begins in two weeks or
    later); from there on each ``interval`` has one, for at least ``ahead`` of them after the
    current one, and what comes later goes into a last one without an end.

    Raises :class:`PartitionError` for a table that can't be divided as it is, and for rows at or
    after ``first``, :class:`SchemaRightsError`, :class:`LockTimeoutError` when others kept locks
    for minutes, and :class:`ConfigurationError` on SQLite. The table works as before then.
    """
    refuse_sqlite(database)
    async with database.read() as connection:
        facts = await read_facts(connection, table)
    if facts["kind"] == "p":
        if not facts["is_by_column"]:
            raise PartitionError(
                f"{table.name} is in partitions already, by something else than "
                f"{table.column}: nothing was changed"
            )
        await make_ahead(database, table, interval, ahead, report=report)
        return False
    end = (first or following(utc_now() + _MARGIN, interval)).astimezone(UTC)
    work = _Dividing(database, table, end, steps_of(database, table, report))
    bounds = [*starts(end, interval, horizon(interval, ahead))]
    async with database.read() as connection:
        await work.refuse(connection, facts, bounds)
    await work.follow_keys()
    try:
        await work.bound()
        await work.switch(bounds)
    except BaseException:
        await work.take_bound_back()
        raise
    await work.count_values()
    return True


class _Dividing:
    """The steps for one table; each does nothing where it was done."""

    def __init__(
        self, database: Database, table: GrowingTable, end: datetime, steps: Steps
    ) -> None:
        self._database = database
        self._table = table
        self._end = end
        self._bound = bound_of(end, table)
        self._steps = steps
        self._queries = partition_queries()
        self._keys: list[tuple[str, ...]] = []

    async def refuse(
        self, connection: Connection, facts: dict[str, Any], bounds: Sequence[datetime]
    ) -> None:
        """Raise why the table can't be divided, before anything is changed."""
        table = self._table
        name, column = table.name, table.column
        wanted = "timestamp with time zone" if table.kind == "time" else "text"
        why = None
        if facts["kind"] != "r":
            why = "it is no table"
        elif facts["relatives"]:
            why = f"it inherits from, or is a partition of, or has heirs: {facts['relatives']}"
        elif facts["views"]:
            why = f"views read it, and would go on to read its first partition: {facts['views']}"
        elif facts["foreign_keys"]:
            why = f"foreign keys lead to it or from it: {facts['foreign_keys']}"
        elif facts["column_type"] != wanted or not facts["is_not_null"]:
            why = f"its column {column} is not of the type {wanted} and NOT NULL"
        if why is None:
            others = [
                row["index_name"]
                async for row in self._queries.list_unique_indexes(
                    connection, table_name=name, column_name=column
                )
            ]
            if others:
                why = f"it has unique indexes of its own: {', '.join(others)}"
        self._keys = [
            tuple(row["columns"])
            async for row in self._queries.list_keys(
                connection, table_name=name, column_name=column
            )
        ]
        if why is None:
            names = [name_before(table, self._end), *(name_of(table, start) for start in bounds)]
            names.append(later_name(table))
            if self._keys and not facts["has_keys"]:
                names.append(f"{name}_keys")
            taken = [
                row["name"] async for row in self._queries.list_taken_names(connection, names=names)
            ]
            if taken:
                why = f"there is something else of the name {', '.join(taken)}"
        if why is not None:
            raise PartitionError(f"{name} can't be put into partitions: {why}. Nothing was changed")
        await self._refuse_late_rows(connection)

    async def _refuse_late_rows(self, connection: Connection) -> None:
        table = self._table
        counting = await self._queries.plan_counting(
            connection, table_name=table.name, column_name=table.column, lower_bound=self._bound
        )
        late = await ask(connection, "late rows", counting, _TOO_LATE)
        if late["rows"]:
            many = f"{_TOO_LATE} or more" if late["rows"] >= _TOO_LATE else late["rows"]
            raise PartitionError(
                f"{table.name} has rows whose {table.column} is not before {self._bound}, where "
                f"the first partition would end ({many} of them, such as {late['last']}): correct "
                "or delete them, or let it end later with --from. Nothing was changed"
            )

    async def follow_keys(self) -> None:
        """Make the table of keys, have it follow the table, and copy the keys that are there."""
        if not self._keys:
            return
        columns = list(dict.fromkeys(column for key in self._keys for column in key))
        given = {
            "table_name": self._table.name,
            "columns": columns,
            "key_columns": list(self._keys[0]),
        }

        async def make(connection: Connection) -> bool:
            facts = await read_facts(connection, self._table)
            if facts["has_keys"] or facts["kind"] == "p":
                return not facts["has_all_keys"]
            rows = [row["ddl"] async for row in self._queries.plan_keys(connection, **given)]
            await brief_locks(connection)
            await run_all(connection, "keys", rows)
            self._steps.report(f"its keys are followed in {self._table.name}_keys")
            return True

        if not await self._steps.in_transaction(make):
            return
        async with self._database.read() as connection:
            filling = await self._queries.plan_filling(connection, **given)
            facts = await read_facts(connection, self._table)
        last: Any = None
        done = 0
        said = time.monotonic()
        async with self._steps.progress("copying the keys"):
            while True:

                async def fill(connection: Connection, behind: Any = last) -> Any:
                    return await ask(connection, "copy keys", filling, behind, _PAGE)

                page = await self._steps.in_transaction(fill)
                done += page["rows"]
                if page["rows"] < _PAGE:
                    break
                last = page["last_key"]
                if time.monotonic() - said >= 1:
                    said = time.monotonic()
                    self._steps.report(f"{done} of about {facts['estimated_rows']} keys copied")

        async def mark(connection: Connection) -> None:
            ddl = await self._queries.plan_filled(connection, table_name=self._table.name)
            await run_all(connection, "keys complete", [ddl])

        await self._steps.in_transaction(mark)

    async def bound(self) -> None:
        """Make the rule that lets the table become a partition without being read again."""
        async with self._database.read() as connection:
            rows = self._queries.plan_bound(
                connection,
                table_name=self._table.name,
                column_name=self._table.column,
                upper_bound=self._bound,
            )
            add, validate = [row["ddl"] async for row in rows]

        async def begin(connection: Connection) -> None:
            # One of an earlier run may end elsewhere.
            drop = await self._queries.plan_unbound(connection, table_name=self._table.name)
            await brief_locks(connection)
            await run_all(connection, "bound", [drop, add])

        async def check(connection: Connection) -> None:
            await run_all(connection, "validate", [validate])

        await self._steps.in_transaction(begin)
        async with self._steps.progress(f"checking that all rows are before {self._bound}"):
            try:
                await self._steps.in_transaction(check)
            except CheckViolationError:
                async with self._database.read() as connection:
                    await self._refuse_late_rows(connection)
                raise

    async def switch(self, bounds: Sequence[datetime]) -> None:
        """Put the partitioned table into the place of the plain one."""
        table = self._table

        async def step(connection: Connection) -> float | None:
            facts = await read_facts(connection, table)
            if facts["kind"] == "p":
                return None
            started = await lock_table(connection, table)
            first_name = name_before(table, self._end)
            statements = [
                row["ddl"]
                async for row in self._queries.plan_switch(
                    connection,
                    table_name=table.name,
                    column_name=table.column,
                    first_name=first_name,
                    upper_bound=self._bound,
                )
            ]
            await run_all(connection, "switch", statements)
            await create_partitions(
                connection,
                table,
                first_name,
                [*pairwise(bounds), (bounds[-1], None)],
            )
            return time.monotonic() - started

        seconds = await self._steps.in_transaction(step)
        if seconds is not None:
            self._steps.report(
                f"is in partitions; nobody else could use it for {seconds * 1000:.0f} ms at most"
            )

    async def take_bound_back(self) -> None:
        """After an error, leave no rule that would refuse the rows of a time to come."""

        async def drop(connection: Connection) -> None:
            facts = await read_facts(connection, self._table)
            if facts["kind"] != "r" or facts["bound_definition"] is None:
                return
            ddl = await self._queries.plan_unbound(connection, table_name=self._table.name)
            await brief_locks(connection)
            await run_all(connection, "bound", [ddl])

        try:
            async with asyncio.timeout(10), self._database.transaction() as connection:
                await drop(connection)
        except Exception:
            self._steps.report(
                f"the rule {self._table.name}_until could not be taken back: it refuses rows from "
                f"{self._bound} on. Run 'aragora-sql schema partition' again before, or ALTER "
                f"TABLE {self._table.name} DROP CONSTRAINT {self._table.name}_until"
            )

    async def count_values(self) -> None:
        """Have the planner know the values of the whole table."""
        async with self._database.read() as connection:
            ddl = await self._queries.plan_analyzing(connection, table_name=self._table.name)

        async def analyze(connection: Connection) -> None:
            await run_all(connection, "analyze", [ddl])

        with contextlib.suppress(TimeoutError):
            await self._steps.in_transaction(analyze)
