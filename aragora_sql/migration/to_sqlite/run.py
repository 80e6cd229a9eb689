"""Moves a PostgreSQL database to a SQLite file, from beginning to end."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aragora_sql.errors import AragoraSQLError, ConfigurationError, SchemaMismatchError
from aragora_sql.migration.accounting import LeftBehind
from aragora_sql.migration.options import VERIFY_AUTOMATICALLY
from aragora_sql.migration.progress import Progress, SilentProgress
from aragora_sql.migration.rejects import (
    create_private,
    new_run_folder,
    reason_of_line,
    refuse_unwritable,
)
from aragora_sql.migration.report import ChunkResult, MigrationReport, TableReport
from aragora_sql.migration.run import IncompleteError
from aragora_sql.migration.to_sqlite.comparing import compare_table
from aragora_sql.migration.to_sqlite.filling import Filler, take_out_orphans
from aragora_sql.migration.to_sqlite.ledger import Ledger, Run
from aragora_sql.migration.to_sqlite.options import ToSQLiteOptions
from aragora_sql.migration.to_sqlite.places import (
    Place,
    check_schema,
    locked,
    open_file,
    prepare_schema,
    refuse_place,
    sqlite_errors,
)
from aragora_sql.migration.to_sqlite.snapshot import Snapshot, Survey
from aragora_sql.migration.to_sqlite.tables import MovedTable, describe_moved
from aragora_sql.queries.quoting import quoted
from aragora_sql.schema import table_names

__all__ = ["ToSQLiteReport", "move_to_sqlite"]

log = logging.getLogger(__name__)

NEGATIVE_ZERO = "-0.0 became 0.0: SQLite has no negative zero"
ONLY_THERE = "a row of the target is not in the source, and was left as it is"


@dataclass(slots=True)
class ToSQLiteReport(MigrationReport):
    """The outcome of a move to SQLite: ``source`` is without secrets, ``target`` is the file."""

    source: str = ""
    target: str = ""

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
        }


def move_to_sqlite(options: ToSQLiteOptions, progress: Progress | None = None) -> ToSQLiteReport:
    """Move, check or verify as the options say, and return the report.

    Raises :class:`~aragora_sql.errors.ConfigurationError` for a file that can't be the target,
    :class:`~aragora_sql.errors.SchemaVersionError` when either database is not of this release,
    :class:`~aragora_sql.errors.SchemaMismatchError` when it differs from the schema files,
    :class:`~aragora_sql.errors.LockTimeoutError` when another move into the file is at work,
    :class:`~aragora_sql.errors.ConnectionLostError` when the server goes away or the disk is full
    (what was committed stays, and the next run goes on from there), and
    :class:`~aragora_sql.migration.IncompleteError` when the sum does not hold.
    """
    return _Run(options, progress or SilentProgress()).run()


@dataclass(slots=True)
class _Work:
    """A table, what the source has of it, and its line of the report."""

    table: MovedTable
    survey: Survey
    line: TableReport
    rejected: set[str] = field(default_factory=set)


class _Run:
    def __init__(self, options: ToSQLiteOptions, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._report = ToSQLiteReport(
            is_dry_run=options.dry_run, is_verify_only=options.verify == "only"
        )
        self._works: list[_Work] = []

    def run(self) -> ToSQLiteReport:
        """Do all of it."""
        started = time.monotonic()
        options = self._options
        with ExitStack() as stack:
            if options.verify == "only":
                if not options.sqlite_path.is_file():
                    raise ConfigurationError(f"--to-sqlite: there is no file {options.sqlite_path}")
            elif not options.dry_run:
                refuse_unwritable(options.rejects)
            # What is wrong with the file can be said without a server.
            refuse_place(options.sqlite_path)
            if not (options.dry_run or options.verify == "only"):
                stack.enter_context(locked(options.sqlite_path))
            self._place = Place(options.sqlite_path, is_dry_run=options.dry_run)
            stack.callback(self._place.close)
            self._snapshot = Snapshot(
                options.dsn,
                options.chosen_stores,
                options.batch_size,
                are_named=bool(options.stores),
            )
            stack.callback(self._snapshot.close)
            self._report.source = self._snapshot.place
            self._report.target = str(options.sqlite_path)
            if options.verify == "only":
                self._verify_only()
            else:
                self._move()
        self._report.seconds = time.monotonic() - started
        return self._report

    # -- moving

    def _move(self) -> None:
        place, options = self._place, self._options
        is_resumed = place.work.exists() and self._can_go_on(place)
        if is_resumed:
            log.info("going on with a run that was interrupted")
        elif place.is_new:
            place.begin_anew()
        # What is put off of a new file is remembered in its ledger.
        if not (is_resumed and place.is_new):
            prepare_schema(place, self._schemas(), create=True)
        connection = open_file(place, writes=True)
        try:
            with sqlite_errors(f"filling {place.path}"):
                self._survey(connection)
                ledger = Ledger(connection)
                if not is_resumed:
                    self._begin(connection, ledger)
                self._fill(connection)
                self._end_filling(connection, ledger)
                self._check_sums(connection)
                self._collect_rejects(ledger)
                if options.verify != "none":
                    self._verify(connection)
                with ledger.transaction():
                    ledger.end()
                if place.is_new:
                    self._settle(connection)
        finally:
            connection.close()
        if place.is_new and (differences := check_schema(place, self._schemas())):
            raise IncompleteError(
                f"the schema of the new file is not whole: {'; '.join(differences)}. This is a "
                f"defect of the migration; {place.work} was not given its name"
            )
        place.finish()

    def _schemas(self) -> Sequence[str]:
        """Return the stores whose tables are made: also those that the source has not yet."""
        return self._options.stores or self._options.chosen_stores

    def _can_go_on(self, place: Place) -> bool:
        """Tell whether an interrupted run stored rows of the same source in its present state."""
        with ExitStack() as stack:
            try:
                connection = open_file(place, writes=True)
                stack.callback(connection.close)
                run = Ledger(connection).find_run()
            except (AragoraSQLError, sqlite3.Error, ValueError, KeyError) as error:
                log.info("%s can't be gone on with: %s", place.work, error)
                return False
            if run is None or run.source != self._mark():
                return False
            is_unchanged = all(
                self._snapshot.is_unchanged(
                    describe_moved(self._snapshot.connection, connection, store, name),
                    run.rows.get(name, -1),
                    run.oldest_transaction,
                )
                for store in self._snapshot.stores
                for name in table_names(store, "sqlite")
            )
        if not is_unchanged:
            log.warning(
                "the source was written to since the run that was interrupted, or somebody had "
                "begun to: all rows are looked at again"
            )
        return is_unchanged

    def _mark(self) -> list[Any]:
        """Return what says what is moved."""
        return [self._snapshot.place, list(self._snapshot.stores), *_lists(self._options.shape())]

    def _survey(self, connection: sqlite3.Connection) -> None:
        """Count what is to be moved, and tell what can't be."""
        for store in self._snapshot.stores:
            for name in table_names(store, "sqlite"):
                table = describe_moved(self._snapshot.connection, connection, store, name)
                survey = self._snapshot.survey(table)
                line = TableReport(store=store, table=name, rows_in_source=survey.rows)
                if survey.negative_zeros:
                    line.counts.notes[NEGATIVE_ZERO] += survey.negative_zeros
                self._works.append(_Work(table, survey, line))
                self._report.tables.append(line)
                for column, values in survey.extras.items():
                    if values:
                        why = "no store has such a column"
                        left = LeftBehind(Path("PostgreSQL"), why, name, column, values)
                        self._report.left_behind.append(left)

    def _begin(self, connection: sqlite3.Connection, ledger: Ledger) -> None:
        """Record a run. Rows that are there are looked at again: they may have changed since."""
        if ledger.find_run() is None:
            self._refuse_orphans(connection)
        else:
            # There were none before the run that was interrupted, so these are its own.
            with ledger.transaction():
                for work in self._works:
                    take_out_orphans(connection, work.table)
                ledger.end()
        rows = {work.table.name: work.survey.rows for work in self._works}
        with ledger.transaction():
            ledger.start(Run(self._mark(), rows, self._snapshot.oldest_transaction))
            if self._place.is_new:
                ledger.put_off_indexes()

    def _refuse_orphans(self, connection: sqlite3.Connection) -> None:
        """Refuse a file whose rows lack parents: they could not be told from those that come."""
        for work in self._works:
            name = work.table.name
            found = connection.execute(
                "SELECT count(*) FROM pragma_foreign_key_check(?)", [name]
            ).fetchone()[0]
            if found:
                raise SchemaMismatchError(
                    f"{self._place.path}: {found:,} rows of {name} have no parent (PRAGMA "
                    f"foreign_key_check({name})). Mend them first. Nothing was moved"
                )

    def _fill(self, connection: sqlite3.Connection) -> None:
        for work in self._works:
            started = time.monotonic()
            table, line = work.table, work.line
            doing = "checking" if self._options.dry_run else "migrating"
            self._progress.start(table.name, line.rows_in_source, doing)

            def count(result: ChunkResult, was_done: bool, line: TableReport = line) -> None:
                line.counts.add(result)
                line.resumed += result.read if was_done else 0
                self._progress.advance(result.read)

            Filler(
                connection,
                table,
                work.survey,
                is_empty=self._place.is_new,
                skip_existing=self._options.skip_existing,
                source=self._snapshot.place,
            ).fill(self._snapshot, self._options.commit_size, count)
            self._progress.finish()
            line.seconds = time.monotonic() - started

    def _end_filling(self, connection: sqlite3.Connection, ledger: Ledger) -> None:
        started = time.monotonic()
        with ledger.transaction():
            ledger.build_indexes()
        log.info("indexes and full-text tables: %.1f s", time.monotonic() - started)
        for work in self._works:
            work.rejected = ledger.reject_keys(work.table.name)

    def _check_sums(self, connection: sqlite3.Connection) -> None:
        for work in self._works:
            line = work.line
            if not line.is_complete:
                raise IncompleteError(
                    f"{line.table}: {line.rows_in_source:,} rows are in the source, and "
                    f"{line.counts.read:,} were read; {line.migrated:,} moved + "
                    f"{line.already_there:,} already there + {line.rejected:,} rejected do not "
                    "add up. This is a defect of the migration: the target must not be trusted"
                )
            (found,) = connection.execute(work.table.counting()).fetchone()
            others = found - line.migrated - line.already_there
            if self._place.is_new and others:
                raise IncompleteError(
                    f"{line.table}: {line.migrated:,} rows were moved, and {found:,} are there. "
                    "This is a defect of the migration: the target must not be trusted"
                )
            if others > 0:
                line.counts.notes[ONLY_THERE] += others

    def _collect_rejects(self, ledger: Ledger) -> None:
        """Count the reasons of rejects, and write their files."""
        reasons: Counter[str] = Counter()
        with ExitStack() as stack:
            files: dict[str, Any] = {}
            folder = None
            for table, line in ledger.rejects():
                reasons[reason_of_line(table, line)] += 1
                if self._options.dry_run:
                    continue
                if folder is None:
                    folder = new_run_folder(self._options.rejects, "to-sqlite")
                    folder.mkdir(mode=0o700)
                if table not in files:
                    path = folder / f"{table}.jsonl"
                    files[table] = stack.enter_context(create_private(path))
                    self._report.reject_files.append(str(path))
                files[table].write(line + "\n")
        self._report.reasons = dict(reasons)

    def _settle(self, connection: sqlite3.Connection) -> None:
        """Make one file of a new database, and check it as a whole."""
        if self._options.verify != "none":
            said = [text for (text,) in connection.execute("PRAGMA integrity_check(5)")]
            if said != ["ok"]:
                raise IncompleteError(
                    f"{self._place.work} is damaged: {'; '.join(said)}. It was not given its name"
                )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()

    # -- verifying

    def _verify(self, connection: sqlite3.Connection) -> None:
        for work in self._works:
            line = work.line
            if (
                self._options.verify == "auto"
                and line.rows_in_source > VERIFY_AUTOMATICALLY
                and not line.resumed
            ):
                continue
            self._verify_table(connection, work, work.rejected)
        for name in Ledger(connection).searches():
            # Compares the words of the full-text table with its rows; raises what differs.
            connection.execute(
                f"INSERT INTO {quoted(name)} ({quoted(name)}, rank) "  # noqa: S608
                "VALUES ('integrity-check', 1)"
            )

    def _verify_table(
        self, connection: sqlite3.Connection, work: _Work, rejected: set[str] | None
    ) -> None:
        line = work.line
        self._progress.start(line.table, line.rows_in_source, "verifying")
        line.verified = compare_table(
            self._snapshot, connection, work.table, work.survey, rejected, self._progress.advance
        )
        self._progress.finish()
        if line.verified.looked_at != line.rows_in_source:
            raise IncompleteError(
                f"{line.table}: {line.rows_in_source:,} rows are in the source, and "
                f"{line.verified.looked_at:,} were looked at. This is a defect of the migration"
            )

    def _verify_only(self) -> None:
        prepare_schema(self._place, self._snapshot.stores, create=False)
        connection = open_file(self._place, writes=False)
        try:
            with sqlite_errors(f"reading {self._place.path}"):
                self._survey(connection)
                for work in self._works:
                    started = time.monotonic()
                    self._verify_table(connection, work, None)
                    work.line.seconds = time.monotonic() - started
                    (found,) = connection.execute(work.table.counting()).fetchone()
                    if found > work.line.rows_in_source:
                        others = found - work.line.rows_in_source
                        work.line.counts.notes[ONLY_THERE] += others
        finally:
            connection.close()


def _lists(value: Sequence[object]) -> list[object]:
    """Return a value as JSON gives it back."""
    return [list(one) if isinstance(one, tuple) else one for one in value]
