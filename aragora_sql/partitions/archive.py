"""Takes old partitions off into an archive, and brings them back.

The archive is the schema NAME_archive beside the one of the tables. What is in it is a plain table
with all its rows and indexes: it can be dumped, read, dropped, or attached again. The keys of its
rows stay taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from aragora_sql.database import Connection, Database
from aragora_sql.errors import PartitionError
from aragora_sql.partitions.ahead import MOST_MOVED
from aragora_sql.partitions.bounds import bound_of, name_before
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
    read_archived,
    read_facts,
    read_partitions,
    refuse_sqlite,
)
from aragora_sql.partitions.tables import GrowingTable
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema.rights import version_queries
from aragora_sql.schema.steps import Report, Steps
from aragora_sql.schema.upgrades import UpgradeStatement

__all__ = ["archive_partitions", "attach_partitions"]

# The first version that detaches a partition without needing the table for itself.
_CONCURRENTLY = 14


async def archive_partitions(
    database: Database, table: GrowingTable, before: datetime, *, report: Report | None = None
) -> list[str]:
    """Move the partitions that end at or before a time into the archive; return their names there.

    From version 14 on, a partition is detached without holding anybody up; before, the table is
    locked for some milliseconds. Rows of that time that come later find a new, empty partition. A
    run that was cut short is gone on with.

    Raises :class:`PartitionError` for a table that is not divided, :class:`SchemaRightsError`,
    :class:`LockTimeoutError`; what was archived by then stays so.
    """
    refuse_sqlite(database)
    work = _Archiving(database, table, steps_of(database, table, report))
    await work.refuse()
    done = await work.finish_earlier()
    async with database.read() as connection:
        partitions = await read_partitions(connection, table)
    old = [
        partition
        for partition in partitions
        if partition.upper is not None and partition.upper <= before.astimezone(UTC)
    ]
    for partition in old:
        done += await work.archive(partition)
    if old or done:
        await work.open_the_beginning()
    return done


async def attach_partitions(
    database: Database, table: GrowingTable, since: datetime, *, report: Report | None = None
) -> list[str]:
    """Bring back what is archived of the time from ``since`` on; return the names.

    All of it comes back, or nothing. Rows that came meanwhile stay, as long as they are a few.

    Raises :class:`PartitionError` for a gap between what comes back and what is there.
    """
    refuse_sqlite(database)
    work = _Archiving(database, table, steps_of(database, table, report))
    await work.refuse()
    await work.finish_earlier()
    return await work.attach(since.astimezone(UTC))


class _Archiving:
    """The steps for one table."""

    def __init__(self, database: Database, table: GrowingTable, steps: Steps) -> None:
        self._database = database
        self._table = table
        self._steps = steps
        self._queries = partition_queries()

    async def refuse(self) -> None:
        async with self._database.read() as connection:
            facts = await read_facts(connection, self._table)
        if facts["kind"] != "p" or not facts["is_by_column"]:
            raise PartitionError(
                f"{self._table.name} is not divided by {self._table.column}: there is no "
                "partition to archive"
            )

    async def finish_earlier(self) -> list[str]:
        """End what an earlier run has begun: a detaching, or a move into the archive."""
        async with self._database.read() as connection:
            leaving = [
                partition
                for partition in await read_partitions(connection, self._table)
                if partition.is_leaving
            ]
        for partition in leaving:
            await self._run_alone((await self._plan(partition))["finalize"])
        async with self._database.read() as connection:
            detached = await read_archived(connection, self._table, moved=False)
        return [await self._move(partition) for partition in detached]

    async def archive(self, partition: Partition) -> list[str]:
        """Take one partition off; an empty one of all that is before a time is dropped."""
        plan = await self._plan(partition)
        if partition.lower_text is None and await self._is_empty(partition):

            async def drop(connection: Connection) -> bool:
                await brief_locks(connection)
                remove = await self._reopening(connection, partition)
                await run_all(connection, "detach", [remove["detach"]])
                if not await self._is_empty(partition, connection):
                    await run_all(
                        connection, "attach", [await self._attaching(connection, partition)]
                    )
                    return False
                await run_all(connection, "drop", [remove["remove"]])
                return True

            if await self._steps.in_transaction(drop):
                return []

        async def remark(connection: Connection) -> None:
            await brief_locks(connection)
            await run_all(connection, "remark", [plan["remark"]])

        await self._steps.in_transaction(remark)
        if await self._can_detach_concurrently():
            await self._run_alone(plan["detach_concurrently"])
            return [await self._move(partition)]

        async def detach(connection: Connection) -> None:
            await brief_locks(connection)
            await run_all(connection, "detach", [plan["detach"]])

        await self._steps.in_transaction(detach)
        return [await self._move(partition)]

    async def open_the_beginning(self) -> None:
        """Make the partition of all that is before the first one, unless there is one."""

        async def step(connection: Connection) -> None:
            first = (await read_partitions(connection, self._table))[0]
            if first.lower_text is None or first.lower is None:
                return
            await brief_locks(connection)
            await self._make_first(connection, first.lower, first.name)

        await self._steps.in_transaction(step)

    async def _make_first(self, connection: Connection, end: datetime, like: str) -> None:
        statements = [
            row["ddl"]
            async for row in self._queries.plan_partition(
                connection,
                table_name=self._table.name,
                like_name=like,
                partition_name=name_before(self._table, end),
                lower_bound=None,
                upper_bound=bound_of(end, self._table),
            )
        ]
        await run_all(connection, "first partition", statements)

    async def attach(self, since: datetime) -> list[str]:
        table = self._table
        async with self._database.read() as connection:
            archived = await read_archived(connection, table)
            partitions = await read_partitions(connection, table)
        wanted = [one for one in archived if one.upper is None or one.upper > since]
        if not wanted:
            return []
        # What came late, for a time that was archived already, is of the same time as others.
        pieces = _without_late(wanted)
        late = [one for one in wanted if one not in pieces]
        first = partitions[0]
        if first.lower_text is not None or first.upper != pieces[-1].upper:
            raise PartitionError(
                f"{table.name}: what is archived ends at {pieces[-1].upper}, and its first "
                f"partition at {first.upper}; there is a gap, so nothing was attached"
            )
        for one, following in pairwise(pieces):
            if one.upper != following.lower:
                raise PartitionError(
                    f"{table.name}: there is a gap between {one.name} and {following.name} in the "
                    "archive; nothing was attached"
                )
        few = sum([await self._count(first), *[await self._count_archived(one) for one in late]])
        if few > MOST_MOVED:
            raise PartitionError(
                f"{table.name}: {few} rows came for the time of what is archived, and at most "
                f"{MOST_MOVED} are moved; nothing was attached"
            )
        for one in pieces:
            await self._prove_bounds(one)

        async def step(connection: Connection) -> float:
            await lock_table(connection, table)
            started = time.monotonic()
            old = await self._reopening(connection, first, f"{table.name}_moved")
            await run_all(connection, "detach", [old["detach"], old["rename"]])
            await rename_indexes(connection, f"{table.name}_moved", first.name)
            for one in [*pieces, *late]:
                plan = await self._plan(one, connection)
                await run_all(connection, "bring back", [plan["bring_back"], plan["forget"]])
            for one in pieces:
                reopening = await self._reopening(connection, one)
                await run_all(
                    connection,
                    "attach",
                    [await self._attaching(connection, one), reopening["unbound"]],
                )
            if pieces[0].lower is not None:
                await self._make_first(connection, pieces[0].lower, pieces[0].name)
            for name in [f"{table.name}_moved", *(one.name for one in late)]:
                moving = await self._reopening(connection, first, name, name)
                await run_all(connection, "move", [moving["move"], moving["remove"]])
            return time.monotonic() - started

        seconds = await self._steps.in_transaction(step)
        self._steps.report(
            f"{', '.join(one.name for one in pieces)} attached in {seconds * 1000:.0f} ms"
        )
        return [one.name for one in pieces]

    async def _prove_bounds(self, one: Partition) -> None:
        async def prove(connection: Connection) -> None:
            ddl = await self._queries.plan_bounds_of_archived(
                connection,
                table_name=self._table.name,
                column_name=self._table.column,
                partition_name=one.name,
                lower_bound=one.lower_text,
                upper_bound=one.upper_text,
            )
            await run_all(connection, "bounds", [ddl])

        await self._steps.in_transaction(prove)

    async def _plan(self, partition: Partition, connection: Connection | None = None) -> Any:
        given = {
            "table_name": self._table.name,
            "partition_name": partition.name,
            "archived_name": partition.name,
            "bound": partition.bound,
        }
        if connection is not None:
            return await self._queries.plan_archiving(connection, **given)
        async with self._database.read() as reading:
            return await self._queries.plan_archiving(reading, **given)

    async def _reopening(
        self,
        connection: Connection,
        partition: Partition,
        new_name: str | None = None,
        part: str | None = None,
    ) -> Any:
        return await self._queries.plan_reopening(
            connection,
            table_name=self._table.name,
            column_name=self._table.column,
            partition_name=part or partition.name,
            new_name=new_name or partition.name,
            lower_bound=partition.lower_text,
            upper_bound=partition.upper_text,
        )

    async def _attaching(self, connection: Connection, partition: Partition) -> str:
        ddl: str = await self._queries.plan_attaching(
            connection,
            table_name=self._table.name,
            partition_name=partition.name,
            lower_bound=partition.lower_text,
            upper_bound=partition.upper_text,
        )
        return ddl

    async def _move(self, partition: Partition) -> str:
        """Move a detached partition into the archive, under a name that is free there."""

        async def step(connection: Connection) -> str:
            taken = {one.name for one in await read_archived(connection, self._table)}
            name, number = partition.name, 1
            while name in taken:
                number += 1
                name = f"{partition.name}_{number}"
            plan = await self._queries.plan_archiving(
                connection,
                table_name=self._table.name,
                partition_name=partition.name,
                archived_name=name,
                bound=partition.bound,
            )
            if name != partition.name:
                await run_all(connection, "rename", [plan["rename"]])
                await rename_indexes(connection, name, partition.name)
            await run_all(connection, "archive", [plan["make_archive"], plan["move"]])
            return name

        name = await self._steps.in_transaction(step)
        self._steps.report(f"{partition.name} is in the archive as {name}")
        return name

    async def _can_detach_concurrently(self) -> bool:
        from aragora_sql.database.postgres import PostgresDatabase

        if not (isinstance(self._database, PostgresDatabase) and self._database.has_sessions):
            return False
        async with self._database.read() as connection:
            rights = await version_queries("postgres", sql_dir()).get_rights(connection)
        return rights["server_version"] >= _CONCURRENTLY

    async def _run_alone(self, ddl: str) -> None:
        """Run a statement that must not be in a transaction."""
        statement = UpgradeStatement(ddl, 1, tuple(ddl.upper().split()), ())
        async with self._steps.outside_transaction(self._table.name) as connection:
            await self._steps.run_statement(connection, "detach", statement)

    async def _is_empty(self, partition: Partition, connection: Connection | None = None) -> bool:
        if connection is not None:
            return await self._count_of(connection, partition.name, 1) == 0
        async with self._database.read() as reading:
            return await self._count_of(reading, partition.name, 1) == 0

    async def _count(self, partition: Partition) -> int:
        async with self._database.read() as connection:
            return await self._count_of(connection, partition.name, MOST_MOVED + 1)

    async def _count_archived(self, partition: Partition) -> int:
        async with self._database.read() as connection:
            return await self._count_of(connection, partition.name, MOST_MOVED + 1, moved=True)

    async def _count_of(
        self, connection: Connection, name: str, limit: int, *, moved: bool = False
    ) -> int:
        counting = await self._queries.plan_counting_all(
            connection, table_name=name, is_archived=moved
        )
        return int((await ask(connection, "rows", counting, limit))["rows"])


def _without_late(archived: Sequence[Partition]) -> list[Partition]:
    """Return what was archived first for each time: what begins where another one ends."""
    pieces: list[Partition] = []
    for one in sorted(archived, key=_order, reverse=True):
        if not pieces or (one.upper is not None and one.upper == pieces[-1].lower):
            pieces.append(one)
    return pieces[::-1]


def _order(one: Partition) -> tuple[datetime, datetime, str]:
    lowest = datetime.min.replace(tzinfo=UTC)
    return (one.upper or lowest, one.lower or lowest, one.name)
