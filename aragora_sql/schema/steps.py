"""Runs statements that change a schema while others use the database.

A step waits for the locks of others for seconds only and tries again, because whoever waits for a
lock on a table makes all others wait that come later. When it has its locks it runs for as long as
it needs, and says every now and then that it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from aragora_sql.database import Connection, Database
from aragora_sql.errors import ConflictError, LockTimeoutError, SchemaError
from aragora_sql.schema.rights import version_queries
from aragora_sql.schema.upgrades import UpgradeStatement

if TYPE_CHECKING:
    from aragora_sql.queries.typed.schema_versions import SchemaVersionsQueries

__all__ = ["Report", "Steps"]

Report = Callable[[str], None]
Result = TypeVar("Result")

log = logging.getLogger("aragora_sql.schema")

_CONCURRENT_INDEX = re.compile(
    r"\s*CREATE(?P<unique>\s+UNIQUE)?\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"[\w\".]+\s+ON\s+(?:ONLY\s+)?[\w\".]+",
    re.IGNORECASE,
)

# How long a step waits for a lock at a time, and how long it goes on trying, in seconds.
LOCK_TIMEOUT = 2.0
LOCK_PATIENCE = 300.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 2.0
# While another process works on the schema there is only its lock to ask for, which is cheap.
LONGEST_PAUSE_FOR_PROCESS = 0.2
# How often a step that takes long says so, in seconds.
PROGRESS_INTERVAL = 10.0


class Steps:
    """The steps of one task: upgrading a store, repairing a schema.

    ``task`` begins each sentence that ``report`` (default: the log) is told; ``tables`` are
    those that may be locked.
    """

    _queries: SchemaVersionsQueries

    def __init__(
        self,
        database: Database,
        task: str,
        tables: Sequence[str],
        root: Path,
        report: Report | None = None,
    ) -> None:
        self._database = database
        self._task = task
        self._tables = list(tables)
        self._queries = version_queries(database.dialect, root)
        self._report = report or log.info

    def report(self, sentence: str) -> None:
        """Say what is done."""
        self._report(f"{self._task}: {sentence}")

    async def in_transaction(self, step: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a step as the only one who changes schemas, again while others hold locks."""
        waiting = _Waiting(self.report)
        while True:
            try:
                async with self._database.transaction() as connection:
                    if await self._queries.try_lock_schema(connection):
                        async with self._limits(connection):
                            return await step(connection)
            except (LockTimeoutError, ConflictError) as error:
                waiting.check(error, await self._lock_holders())
            else:
                waiting.for_other_process()
            await waiting.pause()

    @contextlib.asynccontextmanager
    async def _limits(self, connection: Connection) -> AsyncIterator[None]:
        """Wait for locks for seconds, run statements without end, and leave nothing set."""
        if self._database.dialect == "sqlite":
            yield
            return
        before = {
            row["name"]: row["setting"]
            async for row in self._queries.limit_locks(
                connection, lock_timeout=int(LOCK_TIMEOUT * 1000), to_transaction=True
            )
        }
        yield
        # After an error the transaction is rolled back, and the settings with it.
        async for _ in self._queries.restore_limits(connection, limits=before):
            pass

    @contextlib.asynccontextmanager
    async def outside_transaction(self, what: str) -> AsyncIterator[Connection]:
        """Give a connection as the only one who changes schemas, for what needs no transaction.

        Raises :class:`SchemaError` within a transaction and behind a transaction pooler; ``what``
        names the cause.
        """
        async with self._database.connection() as connection:
            if connection.in_transaction:
                raise SchemaError(
                    f"{what}: it can't run in a transaction, and one is open; run "
                    "'aragora-sql schema apply' first"
                )
            if self._database.dialect == "sqlite":
                try:
                    yield connection
                finally:
                    # What the statements may have switched off for themselves.
                    await connection.run_script("foreign keys", "PRAGMA foreign_keys = ON")
                return
            self.refuse_pooler(what)
            _reset_at_end(connection)
            waiting = _Waiting(self.report)
            while not await self._queries.try_lock_schema_of_session(connection):
                waiting.for_other_process()
                await waiting.pause()
            # Lock and settings end with the session's reset, when the connection is given back.
            yield connection

    def refuse_pooler(self, what: str) -> None:
        """Raise :class:`SchemaError` where a connection is not a session of the server."""
        from aragora_sql.database.postgres import PostgresDatabase

        if isinstance(self._database, PostgresDatabase) and not self._database.has_sessions:
            raise SchemaError(
                f"{what}: it can't run in a transaction, so it needs a session of its own, which "
                "a transaction pooler does not give: use the direct connection (port 5432)"
            )

    async def run_statement(
        self, connection: Connection, name: str, statement: UpgradeStatement
    ) -> None:
        """Run one statement outside a transaction, again while others hold locks.

        An index of a table in partitions is built in each of them first: for the table as a whole
        the server does not do that beside others.
        """
        if self._database.dialect == "sqlite":
            await connection.run_script(name, statement.sql, unlimited=True)
            return
        for part in await self._in_partitions(connection, statement):
            await self._run_statement(connection, name, part)

    async def _in_partitions(
        self, connection: Connection, statement: UpgradeStatement
    ) -> list[UpgradeStatement]:
        """Return what builds an index of a table in partitions, else the statement itself."""
        match = _CONCURRENT_INDEX.match(statement.sql)
        if statement.made_index is None or statement.table is None or match is None:
            return [statement]
        partitions = [
            row["partition_name"]
            async for row in self._queries.list_partitions(connection, table_name=statement.table)
        ]
        if not partitions:
            return [statement]
        index, rest = statement.made_index, statement.sql[match.end() :]
        unique = match["unique"] or ""
        parts = []
        for place, partition in enumerate(partitions):
            own = f"{index[:55]}_p{place}"
            sql = f"CREATE{unique} INDEX CONCURRENTLY IF NOT EXISTS {own} ON {partition} {rest}"
            words = ("CREATE", "INDEX", "CONCURRENTLY", own.upper(), "ON", partition.upper())
            names = ("CREATE", "INDEX", "CONCURRENTLY", own, "ON", partition)
            parts.append(UpgradeStatement(sql, statement.line, words, names))
        # Takes over those of the partitions, and reads no row.
        whole = f"CREATE{unique} INDEX IF NOT EXISTS {index} ON {statement.table} {rest}"
        words_of_whole = ("CREATE", "INDEX", index.upper(), "ON", statement.table.upper())
        names_of_whole = ("CREATE", "INDEX", index, "ON", statement.table)
        return [
            *parts,
            UpgradeStatement(whole, statement.line, words_of_whole, names_of_whole),
        ]

    async def _run_statement(
        self, connection: Connection, name: str, statement: UpgradeStatement
    ) -> None:
        waiting = _Waiting(self.report)
        # While a concurrent statement waits, nobody waits behind it.
        limit = 0 if statement.is_concurrent else int(LOCK_TIMEOUT * 1000)
        while True:
            async for _ in self._queries.limit_locks(
                connection, lock_timeout=limit, to_transaction=False
            ):
                pass
            try:
                if statement.made_index is not None:
                    await self._drop_invalid(connection, statement.made_index)
                await connection.run_script(name, statement.sql, unlimited=True)
            except (LockTimeoutError, ConflictError) as error:
                waiting.check(error, await self._lock_holders())
            else:
                return
            await waiting.pause()

    async def _drop_invalid(self, connection: Connection, index: str) -> None:
        """Drop what an earlier run left of an index: IF NOT EXISTS would take it for the index."""
        drop = await self._queries.find_invalid_index(connection, index_name=index)
        if drop is not None:
            self.report(f"dropping index {index}, whose building was cut short")
            await connection.run_script(f"drop {index}", drop, unlimited=True)

    @contextlib.asynccontextmanager
    async def progress(self, what: str) -> AsyncIterator[None]:
        """Say that something begins, is at work and is done."""
        self.report(f"{what}: begins")
        started = time.monotonic()

        async def tell() -> None:
            while True:
                await asyncio.sleep(PROGRESS_INTERVAL)
                self.report(f"{what}: at work for {time.monotonic() - started:.0f} s")

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
        self.report(f"{what}: done in {time.monotonic() - started:.1f} s")

    async def _lock_holders(self) -> str:
        """Name the transactions that may be in the way."""
        if self._database.dialect == "sqlite":
            return "another process"
        async with self._database.read() as connection:
            holders = [
                row
                async for row in self._queries.list_lock_holders(
                    connection, table_names=self._tables
                )
            ]
        shown = [
            f"process {row['process_id']} ({row['application_name'] or 'without a name'}"
            + (f", in a transaction since {row['since']:%H:%M:%S}Z)" if row["since"] else ")")
            for row in holders
        ]
        return ", ".join(shown) or "a transaction that has ended"


def _reset_at_end(connection: Connection) -> None:
    """Have the session's settings and locks undone when its unit of work ends."""
    from aragora_sql.database.postgres import PostgresConnection

    if not isinstance(connection, PostgresConnection):
        raise TypeError("not a PostgreSQL connection")
    # That is what asking for the driver's own connection does.
    _ = connection.raw


class _Waiting:
    """The pauses between attempts, what is said about them, and their end."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pause = FIRST_PAUSE
        self._give_up = time.monotonic() + LOCK_PATIENCE
        self._has_said = False

    def for_other_process(self) -> None:
        """Say that another process works on the schema; that may take as long as it needs."""
        if not self._has_said:
            self._report("waiting for another process that works on the schema")
        self._has_said = True
        self._pause = min(self._pause, LONGEST_PAUSE_FOR_PROCESS)

    def check(self, error: Exception, holders: str) -> None:
        """Say what is waited for; raise when that has taken too long."""
        if time.monotonic() >= self._give_up:
            raise LockTimeoutError(
                f"{error}; tried for {LOCK_PATIENCE:g} s, and nothing of this step was kept. In "
                f"the way: {holders}"
            ) from error
        self._report(f"waiting for a lock that is held by {holders}")

    async def pause(self) -> None:
        """Wait a moment, longer each time."""
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
