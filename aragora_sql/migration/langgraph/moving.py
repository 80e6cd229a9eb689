"""Moves the threads of a public saver: what is missing is stored, what is there is compared."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias

from aragora_sql.database import Connection, Database
from aragora_sql.database.sqlite_files import file_id
from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.langgraph.converting import (
    NO_VALUE,
    TABLES,
    Item,
    Rejected,
    TableName,
    convert_thread,
    is_thread_id,
)
from aragora_sql.migration.langgraph.reading import Source, open_source
from aragora_sql.migration.options import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_REJECTS,
    VERIFY_AUTOMATICALLY,
    Verify,
)
from aragora_sql.migration.progress import Progress, SilentProgress
from aragora_sql.migration.rejects import (
    Reject,
    create_private,
    new_run_folder,
    reason_of,
    refuse_unwritable,
)
from aragora_sql.migration.report import (
    SHOWN_KEYS,
    ChunkResult,
    MigrationReport,
    TableReport,
    VerifyResult,
)
from aragora_sql.migration.run import IncompleteError
from aragora_sql.schema import initialize_store, plan_schema
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.langgraph.transfer import Row, ThreadTransfer

__all__ = ["LangGraphOptions", "LangGraphReport", "Target", "ThreadCounts", "move_langgraph"]

STORE = "langgraph"
# Threads that are committed together.
THREADS_PER_COMMIT = 50
# Bytes of content that are held at once, more or less.
MOST_BYTES = 8_000_000

Doing: TypeAlias = Literal["migrating", "checking", "verifying"]


@dataclass(frozen=True, slots=True)
class Target:
    """The database that threads are moved into: ``location`` is a DSN or the path of a file."""

    location: PostgresDSN | Path

    def __str__(self) -> str:
        return str(self.location)

    async def open(self, *, writes: bool) -> Database | None:
        """Open it; None for a file that does not exist and is only looked at."""
        if isinstance(self.location, PostgresDSN):
            from aragora_sql.database.postgres import PostgresDatabase

            return await PostgresDatabase.connect(self.location, min_size=1, max_size=2)
        from aragora_sql.database.sqlite import SQLiteDatabase

        if writes:
            return SQLiteDatabase(self.location)
        return SQLiteDatabase(self.location, mode="read") if self.location.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LangGraphOptions:
    """What is moved and how: ``source`` is a DSN or a path, ``batch_size`` is in rows."""

    source: str = field(repr=False)
    target: Target
    batch_size: int = DEFAULT_BATCH_SIZE
    dry_run: bool = False
    verify: Verify = "auto"
    rejects: Path = DEFAULT_REJECTS

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= 1_000_000:
            raise ConfigurationError(f"--batch-size: {self.batch_size} is not from 1 to 1000000")


@dataclass(slots=True)
class ThreadCounts:
    """What became of threads: each is counted once, by the first of these that holds.

    Of ``moved`` rows were stored (in a dry run: would be), of ``rejected`` nothing is there, and of
    ``already_there`` everything that could be moved was there.
    """

    source: int = 0
    moved: int = 0
    already_there: int = 0
    rejected: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return it in a form that JSON can hold."""
        return {
            "source": self.source,
            "moved": self.moved,
            "already_there": self.already_there,
            "rejected": self.rejected,
        }


@dataclass(slots=True)
class LangGraphReport(MigrationReport):
    """The outcome of a whole run."""

    source: str = ""
    target: str = ""
    threads: ThreadCounts = field(default_factory=ThreadCounts)

    @property
    def can_be_mended(self) -> bool:
        """Whether rejected rows can be loaded after they were mended: those of a source can't."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            **MigrationReport.to_dict(self),
            "source": self.source,
            "target": self.target,
            "threads": self.threads.to_dict(),
        }


def move_langgraph(options: LangGraphOptions, progress: Progress | None = None) -> LangGraphReport:
    """Move, check or verify as the options say, and return the report.

    Raises :class:`~aragora_sql.migration.SourceError` for a source that can't be read or is of an
    unknown release, and what the target raises; what was committed stays, and the next run goes on
    from there. Raises :class:`~aragora_sql.migration.IncompleteError` when the sum does not hold.
    """
    return asyncio.run(_Run(options, progress or SilentProgress()).run())


class _RejectFiles:
    """Files that only their owner may read; the folder is made with the first row."""

    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source
        self._within: Path | None = None
        self._files: dict[TableName, TextIO] = {}
        self._paths: list[str] = []

    def write(self, table: TableName, rejected: Rejected) -> None:
        if table not in self._files:
            if self._within is None:
                self._within = new_run_folder(self._folder, "langgraph")
                self._within.mkdir(mode=0o700)
            path = self._within / f"{table}.jsonl"
            self._files[table] = create_private(path)
            self._paths.append(str(path))
        self._files[table].write(
            Reject(
                table=table,
                source_file=self._source,
                rowid=0,
                key=rejected.key,
                row=rejected.row,
                reason=rejected.reason,
                column=rejected.column,
            ).to_line()
            + "\n"
        )

    def close(self) -> list[str]:
        for file in self._files.values():
            file.close()
        return self._paths


@dataclass(slots=True)
class _Outcome:
    """What became of some threads; ``values_within`` were parts of checkpoints in the source."""

    counts: dict[TableName, ChunkResult] = field(
        default_factory=lambda: {table: ChunkResult() for table in TABLES}
    )
    verified: dict[TableName, VerifyResult] = field(
        default_factory=lambda: {table: VerifyResult() for table in TABLES}
    )
    threads: ThreadCounts = field(default_factory=ThreadCounts)
    rejected: list[tuple[TableName, Rejected]] = field(default_factory=list)
    source_rows: int = 0
    values_within: int = 0


class _Run:
    def __init__(self, options: LangGraphOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._reasons: Counter[str] = Counter()
        self._report = LangGraphReport(
            is_dry_run=options.dry_run, is_verify_only=options.verify == "only"
        )

    async def run(self) -> LangGraphReport:
        """Do all of it."""
        started = time.monotonic()
        options, report = self._options, self._report
        is_moved = not (options.dry_run or options.verify == "only")
        if is_moved:
            refuse_unwritable(options.rejects)
        with closing(open_source(options.source)) as source:
            self._source: Source = source
            self._refuse_one_file()
            report.source, report.target = source.name, str(options.target)
            rows = source.counts()
            report.tables = [
                TableReport(STORE, f"langgraph_{table}", rows_in_source=rows[table])
                for table in TABLES
            ]
            async with AsyncExitStack() as stack:
                self._database = await options.target.open(writes=is_moved)
                if self._database is not None:
                    stack.push_async_callback(self._database.close)
                    self._transfer = ThreadTransfer(self._database)
                self._is_there = await self._prepare(create=is_moved)
                total = sum(rows.values())
                if options.verify != "only":
                    await self._pass("migrating" if is_moved else "checking", total)
                if options.verify in ("all", "only") or (
                    is_moved and options.verify == "auto" and total <= VERIFY_AUTOMATICALLY
                ):
                    await self._pass("verifying", total)
            source.check_unchanged()
        report.reasons = dict(self._reasons)
        report.seconds = time.monotonic() - started
        return report

    def _refuse_one_file(self) -> None:
        place, location = getattr(self._source, "path", None), self._options.target.location
        if place is not None and isinstance(location, Path):
            one, other = file_id(place), file_id(location)
            if one is not None and one == other:
                raise ConfigurationError(
                    f"{location} is the source and the target: the source stays as it is, so name "
                    "another file"
                )

    async def _prepare(self, *, create: bool) -> bool:
        """Make or upgrade the target's tables if that is asked for; tell whether they are there."""
        if self._database is None:
            return False
        if create:
            await initialize_store(self._database, STORE)
            return True
        (plan,) = await plan_schema(self._database, [STORE])
        return plan.present is not None

    async def _pass(self, doing: Doing, total: int) -> None:
        files = _RejectFiles(self._options.rejects, self._source.name)
        started = time.monotonic()
        self._progress.start("LangGraph's threads", total, doing)
        try:
            with closing(self._source.threads()) as every:
                while threads := list(islice(every, THREADS_PER_COMMIT)):
                    outcome = await self._group(doing, threads)
                    # Only what was committed counts.
                    self._add(doing, outcome, files)
                    self._progress.advance(outcome.source_rows)
        finally:
            self._report.reject_files += files.close()
        self._progress.finish()
        for table in self._report.tables:
            if doing != "verifying":
                table.seconds = time.monotonic() - started
                if not table.is_complete:
                    raise IncompleteError(
                        f"{table.table}: {table.counts.read} of {table.rows_in_source} rows were "
                        "read; this is a defect, please report it. What was moved stays"
                    )

    def _add(self, doing: Doing, outcome: _Outcome, files: _RejectFiles) -> None:
        report = self._report
        for table, line in zip(TABLES, report.tables, strict=True):
            if doing == "verifying":
                line.verified = line.verified or VerifyResult()
                line.verified.add(outcome.verified[table])
                continue
            counts = outcome.counts[table]
            if table == "values":
                line.rows_in_source += outcome.values_within
            line.counts.add(counts)
        if doing == "verifying" and self._options.verify != "only":
            return
        report.threads.source += outcome.threads.source
        report.threads.moved += outcome.threads.moved
        report.threads.already_there += outcome.threads.already_there
        report.threads.rejected += outcome.threads.rejected
        for table, rejected in outcome.rejected:
            self._reasons[reason_of(table, rejected.column, rejected.reason)] += 1
            if doing == "migrating":
                files.write(table, rejected)

    @asynccontextmanager
    async def _unit(self, doing: Doing) -> AsyncIterator[Connection | None]:
        if self._database is None:
            yield None
        elif doing == "migrating":
            async with self._database.transaction() as connection:
                yield connection
        else:
            async with self._database.read() as connection:
                yield connection

    async def _group(self, doing: Doing, threads: list[Any]) -> _Outcome:
        """Look at some threads, and store what is missing of them in one transaction."""
        outcome = _Outcome()
        async with self._unit(doing) as connection:
            if doing == "migrating" and connection is not None:
                known = [thread for thread in threads if is_thread_id(thread)]
                await self._transfer.lock(connection, known)
            for thread in threads:
                await self._thread(doing, thread, connection, outcome)
            self._source.check_unchanged()
        return outcome

    async def _thread(
        self, doing: Doing, thread: Any, connection: Connection | None, outcome: _Outcome
    ) -> None:
        here = _Thread(self, doing, thread, connection, outcome)
        await here.look()
        with closing(convert_thread(self._source, thread)) as items:
            for item in items:
                outcome.source_rows += item.source_rows
                outcome.values_within += item.source_rows == 0
                await here.add(item)
        await here.finish()

    @property
    def is_looked_at_alone(self) -> bool:
        """Whether a verification is all that was asked for."""
        return self._options.verify == "only"


class _Thread:
    """One thread on its way: rows are gathered by table, and stored or compared together."""

    def __init__(
        self, run: _Run, doing: Doing, thread: Any, connection: Connection | None, outcome: _Outcome
    ) -> None:
        self._run = run
        self._doing = doing
        self._thread = thread
        self._connection = connection
        self._outcome = outcome
        self._waiting: dict[TableName, list[Row]] = {table: [] for table in TABLES}
        self._bytes: dict[TableName, int] = dict.fromkeys(TABLES, 0)
        self._has_rows = False
        self._stored = self._found = self._bad = 0

    async def look(self) -> None:
        """Find out whether there is anything to compare with."""
        if self._connection is not None and self._run._is_there and is_thread_id(self._thread):
            self._has_rows = await self._run._transfer.has_rows(self._connection, self._thread)

    async def add(self, item: Item) -> None:
        """Take a row."""
        table, counts = item.table, self._outcome.counts[item.table]
        counts.read += 1
        if item.row is not None:
            self._waiting[table].append(item.row)
            self._bytes[table] += len(item.row.content)
            is_full = len(self._waiting[table]) >= self._run._options.batch_size
            if is_full or self._bytes[table] >= MOST_BYTES:
                await self._flush(table)
        elif item.rejected is not None:
            self._reject(table, item.rejected)
        else:
            counts.left_out += 1
            counts.notes[NO_VALUE] += 1
            self._outcome.verified[table].excused += 1

    def _reject(self, table: TableName, rejected: Rejected) -> None:
        self._bad += 1
        self._outcome.counts[table].rejected += 1
        self._outcome.rejected.append((table, rejected))
        verified = self._outcome.verified[table]
        if self._run.is_looked_at_alone:
            verified.rejected += 1
            verified.mismatches += 1
            _note(verified.first, f"{table} {rejected.key}: {rejected.reason}")
        else:
            verified.excused += 1

    async def finish(self) -> None:
        """Deal with what still waits, and count the thread."""
        for table in TABLES:
            await self._flush(table)
        threads = self._outcome.threads
        threads.source += 1
        if self._stored:
            threads.moved += 1
        elif self._bad and not self._found:
            threads.rejected += 1
        else:
            threads.already_there += 1

    async def _flush(self, table: TableName) -> None:
        rows, self._waiting[table], self._bytes[table] = self._waiting[table], [], 0
        if not rows:
            return
        missing, different = rows, list[Row]()
        if self._has_rows and self._connection is not None:
            found = await self._run._transfer.compare(self._connection, self._thread, rows)
            missing, different = found.missing, found.different
        if self._doing == "verifying":
            verified = self._outcome.verified[table]
            verified.compared += len(rows)
            verified.mismatches += len(missing) + len(different)
            for how, some in (("is missing", missing), ("differs", different)):
                for row in some:
                    _note(verified.first, f"{table} {self._name(row)}: {how}")
            self._found += len(rows) - len(missing)
            return
        stored = len(missing)
        if self._doing == "migrating" and missing and self._connection is not None:
            stored = await self._run._transfer.insert(self._connection, self._thread, missing)
        counts = self._outcome.counts[table]
        counts.migrated += stored
        counts.already_there += len(rows) - stored
        counts.different += len(different)
        for row in different:
            _note(counts.different_keys, self._name(row))
        self._stored += stored
        self._found += len(rows) - stored

    def _name(self, row: Row) -> str:
        return " ".join([repr(self._thread), *(repr(value) for value in row.key.values())])


def _note(shown: list[str], text: str) -> None:
    if len(shown) < SHOWN_KEYS:
        shown.append(text)
