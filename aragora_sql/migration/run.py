"""Runs a migration from beginning to end."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from aragora_sql.errors import AragoraSQLError, ConfigurationError, SchemaMismatchError
from aragora_sql.migration.audit_files import (
    GATHERED_NAME,
    audit_folders,
    event_tables,
    gather_audit_chains,
)
from aragora_sql.migration.checkpoint_files import (
    COLLECTED_NAME,
    checkpoint_folders,
    collect_checkpoint_files,
)
from aragora_sql.migration.indexes import drop_indexes, dropped_indexes, rebuild_index
from aragora_sql.migration.ledger import create_ledger
from aragora_sql.migration.options import VERIFY_AUTOMATICALLY, MigrationOptions
from aragora_sql.migration.planning import (
    Plan,
    TablePlan,
    find_sources,
    make_plan,
    refuse_nothing,
    stores_found,
)
from aragora_sql.migration.pool import Pool
from aragora_sql.migration.preparing import prepare_schema, refuse_hidden
from aragora_sql.migration.progress import Progress, SilentProgress
from aragora_sql.migration.rejects import (
    Reject,
    is_of_merged,
    reason_of,
    reason_of_line,
    refuse_unwritable,
    stored_rejects,
    write_reject_files,
)
from aragora_sql.migration.report import (
    ChunkResult,
    MigrationReport,
    TableReport,
    VerifyResult,
)
from aragora_sql.migration.scratch import drop_references, scratch_tables
from aragora_sql.migration.sequences import NEVER_REACHED, advance_numbers
from aragora_sql.migration.session import (
    IndexTask,
    RangeTask,
    Session,
    VerifyTask,
    open_sources,
)
from aragora_sql.migration.sources import (
    SourceFile,
    file_state,
    fingerprint,
    last_written,
)
from aragora_sql.migration.statements import call, call_value
from aragora_sql.migration.target import (
    PgConnection,
    check_readable,
    connect,
    driver_errors,
    take_lock,
)
from aragora_sql.temporary import LockedFolder

__all__ = ["IncompleteError", "run_migration"]

log = logging.getLogger(__name__)

# Two writes that follow each other faster may leave a file with the same time (seconds).
_CLOCK_TICK = 0.02
# Files that each run makes again of what is no SQLite file, or in no form that is stored.
_MADE_HERE = (COLLECTED_NAME, GATHERED_NAME)


class UnbuiltIndexError(AragoraSQLError):
    """All rows are migrated, and an index could not be built because of a row."""


class IncompleteError(AragoraSQLError):
    """Rows of the source are not accounted for: a defect, which must not look like success."""


def run_migration(options: MigrationOptions, progress: Progress | None = None) -> MigrationReport:
    """Migrate, check or verify as the options say, and return the report.

    Raises :class:`SourceError` for a source that can't be read,
    :class:`~aragora_sql.errors.ConfigurationError` for options that don't go with what is found,
    :class:`~aragora_sql.errors.SchemaMismatchError` for a foreign schema,
    :class:`~aragora_sql.errors.LockTimeoutError` when another migration is at work,
    :class:`~aragora_sql.errors.ConnectionLostError` when the server goes away (what was committed
    stays, and the next run goes on from there), and :class:`IncompleteError` when the sum does not
    hold.
    """
    return _Run(options, progress or SilentProgress()).run()


class _Run:
    def __init__(self, options: MigrationOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._started = time.monotonic()
        self._report = MigrationReport(
            source_timezone=options.source_timezone,
            is_dry_run=options.dry_run,
            is_verify_only=options.verify == "only",
        )
        self._stack = ExitStack()
        self._indexes_dropped = False
        self._unbuilt: list[str] = []

    def run(self) -> MigrationReport:
        """Do all of it."""
        options = self._options
        if not (options.dry_run or options.verify == "only"):
            refuse_unwritable(options.rejects)
        with self._stack:
            self._find_sources()
            # First, as the processes take their time to be ready.
            self._pool = Pool(0 if options.dry_run else options.jobs - 1)
            self._stack.callback(self._pool.kill)
            # The source first: what is wrong with it can be said without a server.
            self._sources = self._open_sources()
            refuse_nothing(self._sources, options.chosen_stores, are_named=bool(options.stores))
            connection = connect(options.dsn)
            self._stack.callback(connection.close)
            with driver_errors("preparing the target"):
                refuse_hidden(connection, options.chosen_stores)
                if options.dry_run:
                    self._dry_run(connection)
                else:
                    take_lock(connection)
                    is_new = options.verify != "only"
                    if options.source_timezone is None:
                        # Before anything is made in the target.
                        doing = "reading the source"
                        with scratch_tables(connection, options.chosen_stores, doing) as existing:
                            self._plan(connection, existing)
                    self._prepare_schema(connection, create=is_new)
                    plan = self._plan(connection)
                    if is_new:
                        self._migrate(connection, plan)
                    else:
                        self._verify_only(connection, plan)
        self._report.seconds = time.monotonic() - self._started
        return self._report

    def _find_sources(self) -> None:
        """Find the files to read, and gather those that are not SQLite files into one."""
        options = self._options
        is_wanted = not {"checkpoints", "governance"}.isdisjoint(options.chosen_stores)
        folders = checkpoint_folders(options.sqlite_path) if is_wanted else []
        is_audit_wanted = "audit" in options.chosen_stores
        logs = audit_folders(options.sqlite_path) if is_audit_wanted else []
        self._paths, self._left, self._behind = find_sources(
            options.sqlite_path, has_others=bool(folders or logs)
        )
        events = event_tables(self._paths) if is_audit_wanted else []
        needs_scratch = is_wanted and options.sqlite_path.is_dir()
        if needs_scratch or logs or events:
            scratch = LockedFolder("aragora-migration-")
            self._stack.callback(scratch.remove)
        if logs or events:
            gathered = scratch.path / GATHERED_NAME
            found, behind = gather_audit_chains(
                logs, events, gathered, accept_broken=options.accept_broken_chain
            )
            self._left += found
            self._behind += behind
            self._paths.append(gathered)
        if needs_scratch:
            collected = scratch.path / COLLECTED_NAME
            found, behind = collect_checkpoint_files(options.sqlite_path, folders, collected)
            self._left += found
            self._behind += behind
            if folders:
                self._paths.append(collected)

    def _open_sources(self) -> list[SourceFile]:
        # Before they are opened: what is written from then on shows itself as another state.
        self._states, self._is_settled = _settled_states(self._paths)
        sources = open_sources(self._options, self._paths)
        for source in sources:
            self._stack.callback(source.close)
        return sources

    def _prepare_schema(self, connection: PgConnection, *, create: bool) -> None:
        stores = self._options.chosen_stores
        loaded = stores_found(self._sources, stores)
        prepare_schema(connection, self._options.dsn, stores, loaded, create=create)

    def _plan(self, connection: PgConnection, existing: str | None = None) -> Plan:
        options = self._options
        plan = make_plan(connection, self._sources, options.chosen_stores, options.commit_size)
        gathered = {found.path for found in self._left if found.is_taken}
        files = [
            found
            for found in plan.candidates
            if found.path.name not in _MADE_HERE and (found.is_taken or found.path not in gathered)
        ]
        self._report.candidates = [*files, *self._left]
        self._report.left_behind = [*plan.left_behind, *self._behind]
        self._report.tables = [
            TableReport(store=table.store, table=table.table.name, rows_in_source=table.rows)
            for table in plan.tables
        ]
        if options.source_timezone is None:
            self._refuse_naive_times(connection, plan, existing)
        return plan

    def _log_sources(self) -> None:
        for candidate in self._report.candidates:
            verb = "taken" if candidate.is_taken else "left"
            log.info("%s %s: %s", verb, candidate.path, candidate.why)

    def _refuse_naive_times(
        self, connection: PgConnection, plan: Plan, existing: str | None
    ) -> None:
        """Refuse local times whose zone was not given."""
        session = self._session(connection, plan, None, existing)
        found: Counter[str] = Counter()
        for number, table in enumerate(plan.tables):
            for place, part in enumerate(table.parts):
                columns = [
                    column.name
                    for column in table.table.columns
                    if column.type == "timestamp with time zone"
                    and column.name in session.loader(number, place).columns
                    and column.name not in part.mapping.utc
                ]
                source = self._sources[part.file]
                for column in columns:
                    count = source.scalar(
                        f"SELECT count(*) FROM ({part.mapping.sql}) "  # noqa: S608
                        f"WHERE \"{column}\" GLOB '????-??-??T*' "
                        f"AND NOT (\"{column}\" GLOB '*[Zz]' OR \"{column}\" GLOB '*T*[+-]*')",
                        {"first_rowid": -(2**63), "last_rowid": 2**63 - 1},
                    )
                    found[f"{table.table.name}.{column}"] += count
        total = sum(found.values())
        if total:
            where = ", ".join(f"{name} ({count:,})" for name, count in found.items() if count)
            raise ConfigurationError(
                f"--source-timezone: {total:,} times in the source are local times without a zone: "
                f"{where}. Give the zone of the machine that wrote them: an IANA name such as "
                "--source-timezone Europe/Berlin, or local for this machine's zone, or UTC. "
                "Nothing was migrated"
            )

    def _session(
        self, connection: PgConnection, plan: Plan, run_id: int | None, existing: str | None = None
    ) -> Session:
        return Session(
            self._options, self._sources, plan.tables, run_id, connection, existing_in=existing
        )

    # -- migrating

    def _migrate(self, connection: PgConnection, plan: Plan) -> None:
        options = self._options
        self._log_sources()
        create_ledger(connection)
        source = str(options.sqlite_path.absolute())
        # The state of a file that is being written to says nothing about it the next time.
        shape = options.shape() if self._is_settled else f"{options.shape()} {uuid.uuid4()}"
        mark = fingerprint(self._paths, self._states, shape, _MADE_HERE)
        run_id = call_value(connection, "find_run", source=source, fingerprint=mark)
        if run_id is None:
            with connection.transaction():
                call(connection, "drop_old_runs", source=source)
                run_id = call_value(connection, "start_run", source=source, fingerprint=mark)
        else:
            log.info("going on with a run that was interrupted")
        session = self._session(connection, plan, run_id)
        # Of all tables before the first row is loaded: the application may be writing to any.
        for table in plan.tables:
            check_readable(connection, table.table.name)
            self._advance_past_source(session, table)
        self._set_up_pool(plan, run_id)
        try:
            self._indexes_dropped = bool(dropped_indexes(connection))
            to_build: list[IndexTask] = []
            for number, table in enumerate(plan.tables):
                started = time.monotonic()
                dropped = drop_indexes(connection, table.table.name, table.rows)
                self._indexes_dropped |= bool(dropped)
                to_build = self._migrate_table(session, number, table, to_build)
                to_build += map(IndexTask, dropped)
                self._report.tables[number].seconds = time.monotonic() - started
        except BaseException:
            self._save_indexes(session)
            raise
        self._build_indexes(session)
        self._check_sums(plan)
        self._collect_rejects(connection, run_id)
        self._verify(session, plan, run_id)
        # Last of all: until then a run that is begun again gives the report of this one.
        with connection.transaction():
            # Waits for the disk: with it, all that was committed before is safe.
            connection.execute("SET LOCAL synchronous_commit = on")
            call(connection, "finish_run", run_id=run_id)
        self._pool.close()
        if self._unbuilt:
            raise UnbuiltIndexError(
                "all rows are migrated, but rows of the target are too long for an index, which is "
                "missing, so that searches are slow. Shorten the row, then run this command again: "
                + "; ".join(self._unbuilt)
            )

    def _migrate_table(
        self, session: Session, number: int, table: TablePlan, indexes: list[IndexTask]
    ) -> list[IndexTask]:
        """Load a table, and build indexes of other tables beside it; return those that are left."""
        line = self._report.tables[number]
        self._progress.start(table.table.name, table.rows, "migrating")

        def count(outcome: tuple[ChunkResult, bool] | str | None) -> None:
            if isinstance(outcome, str):
                self._unbuilt.append(outcome)
            elif outcome is not None:
                result, was_done = outcome
                line.counts.add(result)
                line.resumed += result.read if was_done else 0
                self._progress.advance(result.read)

        if table.is_merged:
            for outcome in session.load_merged(number):
                count(outcome)
        elif _is_numbered_here(session, number, table):
            # In the order of the source, as the application stored them.
            for tasks in _tasks(number, table, line.counts):
                for task in tasks:
                    count(session.load(task))
        else:
            for tasks in _tasks(number, table, line.counts):
                self._pool.share(session, [*indexes, *tasks], count)
                indexes = []
        self._progress.finish()
        return indexes

    def _build_indexes(self, session: Session) -> None:
        """Build what is left, also of an earlier run."""
        names = dropped_indexes(session.connection)
        if not names:
            return
        started = time.monotonic()
        self._progress.start("indexes", len(names), "building")
        tasks = [IndexTask(name) for name in names]

        def count(problem: str | None) -> None:
            self._progress.advance(1)
            if problem is not None:
                self._unbuilt.append(problem)

        self._pool.share(session, tasks, count)
        self._progress.finish()
        log.info("built %d indexes in %.1f s", len(names), time.monotonic() - started)

    def _save_indexes(self, session: Session) -> None:
        """Build the indexes when the load has failed, so that what is loaded can be searched."""
        if not self._indexes_dropped:
            return
        # Transactions that were left half-way hold locks.
        self._pool.kill()
        session.connection.close()
        try:
            with driver_errors("building indexes"), connect(self._options.dsn) as connection:
                for name in dropped_indexes(connection):
                    problem = rebuild_index(connection, name)
                    if problem is not None:
                        log.warning("an index is missing: %s", problem)
        except AragoraSQLError as error:
            log.warning(
                "indexes that were dropped for the load are missing, and the next run builds them: "
                "%s",
                error,
            )

    def _advance_past_source(self, session: Session, table: TablePlan) -> None:
        """Keep the numbers of the source free: new rows of the application go past them."""
        numbered = [c.name for c in table.table.columns if c.identity == "d"]
        for part in table.parts:
            for column in numbered:
                highest = self._sources[part.file].scalar(
                    f'SELECT max("{column}") FROM ({part.mapping.sql}) '  # noqa: S608
                    f'WHERE typeof("{column}") = \'integer\' AND "{column}" < {NEVER_REACHED}',
                    {"first_rowid": -(2**63), "last_rowid": 2**63 - 1},
                )
                advance_numbers(session.connection, table.table, max(highest or 0, 0))

    def _check_sums(self, plan: Plan) -> None:
        for line in self._report.tables:
            if not line.is_complete:
                raise IncompleteError(
                    f"{line.table}: {line.rows_in_source:,} rows are in the source, and "
                    f"{line.counts.read:,} were read; after merging {line.source:,} remain, but "
                    f"{line.migrated:,} migrated + {line.already_there:,} already there + "
                    f"{line.rejected:,} rejected + {line.left_out:,} left out do not add up. This "
                    "is a defect of the migration: the target must not be trusted"
                )

    def _collect_rejects(self, connection: PgConnection, run_id: int) -> None:
        reasons: Counter[str] = Counter()
        any_stored = False
        for table, line in stored_rejects(connection, run_id):
            any_stored = True
            found = json.loads(line)
            if found.get("kind") != "merged":
                reasons[reason_of_line(table, line)] += 1
        self._report.reasons = dict(reasons)
        if any_stored:
            files = write_reject_files(connection, run_id, self._options.rejects)
            merged = [path for path in files if is_of_merged(path)]
            self._report.merged_files = [str(path) for path in merged]
            self._report.reject_files = [str(path) for path in files if path not in merged]

    def _set_up_pool(self, plan: Plan, run_id: int | None) -> None:
        """Give the processes their task; all of them see the files as this one does."""
        pool = self._pool
        pool.set_up(self._options, self._paths, plan.tables, run_id)
        if pool.is_empty or (
            self._is_settled and self._states == [file_state(path) for path in self._paths]
        ):
            return
        log.warning(
            "the source was written to while it was opened, so several processes would not see it "
            "in the same state: one process does the work"
        )
        pool.kill()

    # -- verifying

    def _verify_only(self, connection: PgConnection, plan: Plan) -> None:
        missing = [table.table.name for table in plan.tables if not table.table.columns]
        if missing:
            raise SchemaMismatchError(
                f"the target has no table {', '.join(missing)}: nothing was migrated into it yet"
            )
        run_id = None
        if call_value(connection, "has_tables"):
            source = str(self._options.sqlite_path.absolute())
            run_id = call_value(connection, "last_run", source=source)
        session = self._session(connection, plan, run_id)
        self._set_up_pool(plan, run_id)
        self._verify(session, plan, run_id)

    def _verify(self, session: Session, plan: Plan, run_id: int | None) -> None:
        wanted = self._options.verify
        for number, table in enumerate(plan.tables):
            if wanted == "none" or (wanted == "auto" and table.rows > VERIFY_AUTOMATICALLY):
                continue
            started = time.monotonic()
            excused = self._places(session.connection, run_id, table)
            self._progress.start(table.table.name, table.rows, "verifying")
            result = self._verify_table(session, number, table, excused)
            self._progress.finish()
            line = self._report.tables[number]
            line.verified = result
            if self._report.is_verify_only:
                line.seconds = time.monotonic() - started
                if result.looked_at != line.rows_in_source:
                    raise IncompleteError(
                        f"{line.table}: {line.rows_in_source:,} rows are in the source, and "
                        f"{result.looked_at:,} were looked at. This is a defect of the migration"
                    )

    def _verify_table(
        self, session: Session, number: int, table: TablePlan, excused: set[tuple[str, int]]
    ) -> VerifyResult:
        result = VerifyResult()

        def add(found: VerifyResult) -> None:
            result.add(found)
            self._progress.advance(found.compared)

        if table.is_merged:
            for found in session.verify_merged(number, excused):
                add(found)
            return result
        name = self._sources[table.parts[0].file].name
        rowids = {rowid for file, rowid in excused if file == name}

        tasks = []
        for part, source_part in enumerate(table.parts):
            for first, last in source_part.ranges:
                of_range = {rowid for rowid in rowids if first <= rowid <= last}
                tasks.append(VerifyTask(RangeTask(number, part, "rows", first, last), of_range))
        self._pool.share(session, tasks, add)
        return result

    def _places(
        self, connection: PgConnection, run_id: int | None, table: TablePlan
    ) -> set[tuple[str, int]]:
        if run_id is None:
            return set()
        name = table.table.name
        if self._report.is_verify_only:
            # What was rejected is missing, unless it was mended and loaded since.
            rows = call(connection, "list_left_out_places", run_id=run_id, target_table=name)
        else:
            rows = call(connection, "list_reject_places", run_id=run_id, target_table=name)
        return {(file, rowid) for file, rowid in rows}

    # -- dry run

    def _dry_run(self, connection: PgConnection) -> None:
        """Load all of it into temporary tables, in a transaction that is undone."""
        options = self._options
        self._prepare_schema(connection, create=False)
        reasons: Counter[str] = Counter()

        def count_rejects(rejects: list[Reject]) -> None:
            reasons.update(
                reason_of(reject.table, reject.column, reject.reason)
                for reject in rejects
                if not reject.is_left_out and reject.kind == "rejected"
            )

        with scratch_tables(connection, options.chosen_stores, "dry run") as existing:
            plan = self._plan(connection, existing)
            self._log_sources()
            drop_references(connection, plan.tables)
            session = self._session(connection, plan, None, existing)
            session.ledger.dry_rejects = count_rejects
            for number, table in enumerate(plan.tables):
                line = self._report.tables[number]
                started = time.monotonic()
                self._progress.start(table.table.name, table.rows, "checking")
                outcomes: Iterator[tuple[ChunkResult, bool]] = (
                    session.load_merged(number)
                    if table.is_merged
                    else (
                        session.load(task)
                        for tasks in _tasks(number, table, line.counts)
                        for task in tasks
                    )
                )
                for result, _ in outcomes:
                    line.counts.add(result)
                    self._progress.advance(result.read)
                self._progress.finish()
                line.seconds = time.monotonic() - started
            self._check_sums(plan)
        self._report.reasons = dict(reasons)


def _settled_states(paths: Sequence[Path]) -> tuple[list[tuple[int, ...]], bool]:
    """Return the states of files, and whether any later write is sure to change them."""
    for _ in range(3):
        states = [file_state(path) for path in paths]
        newest = max(last_written(state) for state in states)
        if abs(time.time_ns() - newest) > _CLOCK_TICK * 1e9:
            return states, True
        time.sleep(_CLOCK_TICK)
    return states, False


def _tasks(number: int, table: TablePlan, done: ChunkResult) -> Iterator[list[RangeTask]]:
    """Give the ranges of a table: first the rows, then those that point into the table itself.

    ``done`` is what the caller has counted so far: once every row was read, none of them does.
    """
    yield [
        RangeTask(number, part, "rows", first, last)
        for part, source_part in enumerate(table.parts)
        for first, last in source_part.ranges
    ]
    if table.table.link is not None and done.read < table.rows:
        yield [
            RangeTask(number, part, "links", part_of.ranges[0][0], part_of.ranges[-1][1])
            for part, part_of in enumerate(table.parts)
            if part_of.ranges
        ]


def _is_numbered_here(session: Session, number: int, table: TablePlan) -> bool:
    """Tell whether the target numbers the rows as they come."""
    return any(
        column.identity and column.name not in session.loader(number, part).columns
        for column in table.table.columns
        for part in range(len(table.parts))
    )
