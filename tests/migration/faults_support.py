"""What the fault tests share: the command as a process, and all that a migration leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from aragora_sql.cli import exit_codes
from tests.conftest import PostgresServer
from tests.migration.legacy import (
    BAD_ROWS,
    SOURCE_ZONE,
    make_critique,
    write_bad_rows,
    write_critique,
)
from tests.migration.legacy.values import connect as open_sqlite
from tests.migration.legacy.values import insert

# Long, as a busy machine runs a command many times slower.
PATIENCE = 300.0
DONE, WITH_REJECTS = exit_codes.OK, exit_codes.DIFFERENT
LEFT_BEHIND, INTERRUPTED = exit_codes.LEFT_BEHIND, exit_codes.INTERRUPTED
TERMINATED = exit_codes.TERMINATED
# The command was wrong, the database refused or went away, or it was not there.
FAILED = {exit_codes.USAGE, exit_codes.REFUSED, exit_codes.UNREACHABLE}

# Numbers that the target gives to rows without one: they tell nothing about the source.
_OWN_NUMBERS = {"archive_id"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of the command ended."""

    code: int
    output: str
    errors: str

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.output)
        return report

    @property
    def figures(self) -> dict[str, Any]:
        """The report without what differs between runs that do the same."""
        report = self.report
        for name in ("seconds", "reject_files", "merged_files"):
            del report[name]
        for table in report["tables"]:
            del table["seconds"], table["resumed"]
            table["different_keys"].sort()
        return report

    @property
    def resumed(self) -> int:
        return sum(table["resumed"] for table in self.report["tables"])

    def check_failed(self, *wanted: str, hidden: str | None = None) -> None:
        """Assert that it failed as it should: with a message that names what is wrong."""
        assert self.code in FAILED, self
        for text in (*wanted, "aragora-sql migrate: "):
            assert text in self.errors, self
        for text in ("Traceback", hidden or "Traceback"):
            assert text not in self.errors + self.output, self


@dataclass(frozen=True, slots=True)
class Migration:
    """The command with its options."""

    source: Path
    dsn: str
    rejects: Path
    options: tuple[str, ...] = ()

    def command(self, *options: str) -> list[str]:
        return [
            *(sys.executable, "-m", "aragora_sql", "migrate", "--json"),
            *("--sqlite-path", str(self.source), "--postgres-dsn", self.dsn),
            *("--rejects", str(self.rejects), "--source-timezone", SOURCE_ZONE),
            *self.options,
            *options,
        ]

    def start(
        self, *options: str, environment: Mapping[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
            **more,
        )

    def run(
        self, *options: str, environment: Mapping[str, str] | None = None, **more: Any
    ) -> Outcome:
        return finish(self.start(*options, environment=environment, **more))


def finish(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a command and its workers, which hold the same standard error."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Outcome(process.returncode, output, errors)


def wait_until(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[str] | None = None
) -> None:
    """Wait for a condition; fail when it takes too long, or a process that should not end ends."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the command ended before {what}: {finish(process)}")
        assert time.monotonic() < deadline, f"it took too long until {what}"
        time.sleep(0.002)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children()
        return [child for child in children if "worker_process" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


# -- the target


class Target:
    """A look at a target from a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._connection.execute("SET timezone = 'UTC'")

    def close(self) -> None:
        self._connection.close()

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), arguments or None).fetchall()

    def execute(self, script: str) -> None:
        """Run statements that give nothing."""
        self._connection.execute(script.encode())

    def value(self, query: str, *arguments: Any) -> Any:
        cursor = self._connection.execute(query.encode(), arguments or None)
        row = cursor.fetchone()
        assert row is not None
        return row[0]

    @property
    def chunks(self) -> int:
        """How many ranges are committed."""
        if self.value("SELECT to_regclass('_migration_chunks')") is None:
            return 0
        return int(self.value("SELECT count(*) FROM _migration_chunks"))

    @property
    def is_finished(self) -> bool:
        if self.value("SELECT to_regclass('_migration_runs')") is None:
            return False
        return bool(self.value("SELECT bool_or(finished_at IS NOT NULL) FROM _migration_runs"))

    @property
    def sessions(self) -> int:
        """How many sessions of a migration are open."""
        return int(
            self.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name LIKE 'aragora-sql migrate%'"
            )
        )

    def wait_until_left(self) -> None:
        """Wait until the server has noticed that a migration is gone."""
        wait_until(lambda: not self.sessions, "its sessions were closed")

    @property
    def tables(self) -> list[str]:
        return [
            row[0]
            for row in self.rows(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() "
                "AND tablename NOT LIKE '\\_%' ORDER BY 1"
            )
        ]

    def contents(self) -> dict[str, list[str]]:
        """Return every row of every table of the stores, as text, in order."""
        found = {}
        for table in self.tables:
            columns = [
                sql.Identifier(row[0])
                for row in self.rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
                    "AND attnum > 0 AND NOT attisdropped ORDER BY attname",
                    table,
                )
                if row[0] not in _OWN_NUMBERS
            ]
            query = sql.SQL("SELECT ROW({})::text FROM {}").format(
                sql.SQL(", ").join(columns), sql.Identifier(table)
            )
            found[table] = sorted(row[0] for row in self._connection.execute(query))
        return found

    def next_number(self) -> int:
        """Return where the numbers of critiques have got to."""
        return int(self.value("SELECT last_value FROM critiques_id_seq"))

    def check_ledger(self) -> None:
        """Assert that exactly the rows are there which the ledger says were migrated."""
        counted: dict[Any, Any] = dict(
            self.rows(
                "SELECT target_table, sum((result ->> 'migrated')::bigint)::bigint "
                "FROM _migration_chunks GROUP BY 1"
            )
        )
        for table in self.tables:
            assert self.value(f"SELECT count(*) FROM {table}") == counted.get(table, 0), table


@contextmanager
def new_target(server: PostgresServer) -> Iterator[Target]:
    """Make a database and look at it."""
    name = server.create_database()
    try:
        with closing(Target(server.dsn(name))) as target:
            yield target
    finally:
        server.drop_database(name)


@dataclass(frozen=True, slots=True)
class Result:
    """All that a migration leaves behind."""

    contents: dict[str, list[str]]
    next_number: int
    rejects: dict[str, list[str]]

    @classmethod
    def of(cls, target: Target, rejects: Path) -> Result:
        return cls(target.contents(), target.next_number(), reject_lines(rejects))


def reject_lines(folder: Path) -> dict[str, list[str]]:
    """Return the lines of all reject files, in order of themselves: workers end in any order."""
    found: dict[str, list[str]] = {}
    for run in sorted(folder.iterdir()) if folder.exists() else []:
        # The newest has all that is rejected.
        found = {
            str(file.relative_to(run)): sorted(file.read_text(encoding="utf-8").splitlines())
            for file in sorted(run.rglob("*.jsonl"))
        }
    return found


# -- the source


def write_source(folder: Path, rows: int) -> Path:
    """Write a data directory: both stores with every bad value but the huge one, orphans, tables
    that are in two files, and critiques of both whose numbers clash.
    """
    folder.mkdir()
    bad = [row for row in BAD_ROWS if row.name != "huge-text"]
    write_bad_rows(folder / "agora_memory.db", bad, good=rows)
    tables = make_critique(rows=max(rows // 20, 20), seed=6)
    write_critique(folder / "memory.db", shape="consolidated", tables=tables)
    return folder


def add_rows(path: Path, table: str, rows: list[dict[str, Any]]) -> None:
    with closing(open_sqlite(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        insert(connection, table, rows)
        connection.execute("COMMIT")


def kill(process: subprocess.Popen[str] | psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)
