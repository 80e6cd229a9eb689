"""A migration into a database of the test's own, and looking into both ends."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from aragora_sql.migration import MigrationOptions, MigrationReport, run_migration
from aragora_sql.settings import PostgresDSN
from tests.conftest import PostgresServer
from tests.migration.legacy import SOURCE_ZONE

# The template holds the schemas of all stores, as for tests of stores.
from tests.stores.conftest import template_database

__all__ = ["template_database"]

SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Target:
    """The database that a test migrates into, with one session that looks into it."""

    dsn: str
    folder: Path

    @cached_property
    def _session(self) -> psycopg.Connection[tuple[Any, ...]]:
        session = psycopg.connect(self.dsn, autocommit=True)
        session.execute("SET timezone = 'UTC'")
        return session

    def close(self) -> None:
        """Close the session."""
        if "_session" in vars(self):
            self._session.close()

    @property
    def rejects(self) -> Path:
        """The folder of reject files."""
        return self.folder / "rejects"

    def migrate(self, path: Path, **options: Any) -> MigrationReport:
        """Migrate a file or a folder; local times are of the fixtures' zone."""
        chosen: dict[str, Any] = {"source_timezone": SOURCE_ZONE, "rejects": self.rejects} | options
        return run_migration(
            MigrationOptions(sqlite_path=path, dsn=PostgresDSN.parse(self.dsn), **chosen)
        )

    def query(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows, if it gives any."""
        cursor = self._session.execute(statement.encode(), arguments or None)
        return cursor.fetchall() if cursor.description else []

    def row(self, table: str, key: Any, column: str = "id") -> dict[str, Any]:
        """Return the one row of a key, by column."""
        cursor = self._session.execute(
            sql.SQL("SELECT * FROM {} WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            ),
            [key],
        )
        [found] = cursor.fetchall()
        return dict(zip([c.name for c in cursor.description or ()], found, strict=True))

    def counts(self, *tables: str) -> dict[str, int]:
        """Return the number of rows of each table."""
        return {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables}

    def reject_file(self, table: str, kind: str = "rejected") -> Path:
        """Return where the newest run with rejects has those of a table."""
        runs = sorted(self.rejects.iterdir()) if self.rejects.exists() else []
        folder = runs[-1] if runs else self.rejects
        return (folder / "merged" if kind == "merged" else folder) / f"{table}.jsonl"

    def rejected(self, table: str, kind: str = "rejected") -> list[dict[str, Any]]:
        """Return the lines of a table's reject file of the newest run."""
        path = self.reject_file(table, kind)
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def target(postgres_dsn: str, tmp_path: Path) -> Iterator[Target]:
    """A database of the test's own that holds the schemas of all stores, and no rows."""
    with closing(Target(postgres_dsn, tmp_path)) as target:
        yield target


@pytest.fixture(scope="module")
def module_target(
    servers: Any,
    template_database: Callable[[PostgresServer], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Target]:
    """A database for all tests of a module that only look at what one migration did."""
    server: PostgresServer = servers.default
    name = server.create_database(template_database(server))
    with closing(Target(server.dsn(name), tmp_path_factory.mktemp("migrated"))) as target:
        yield target
    server.drop_database(name)


@pytest.fixture
def empty_target(servers: Any, tmp_path: Path) -> Iterator[Target]:
    """A database without anything."""
    server: PostgresServer = servers.default
    name = server.create_database()
    with closing(Target(server.dsn(name), tmp_path)) as target:
        yield target
    server.drop_database(name)


def check_sums(report: MigrationReport) -> None:
    """Assert that each row of the source is accounted for."""
    for table in report.tables:
        outcome = table.migrated + table.already_there + table.rejected + table.left_out
        assert table.source == outcome, table.table
        assert table.rows_in_source == table.source + table.counts.merged, table.table


def tables_of(path: Path) -> dict[str, int]:
    """Count the rows of each table of a file, in another way than the migration does."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' "
            "AND type <> 'view' AND name NOT LIKE 'sqlite%' AND name <> '_schema_versions'"
        ).fetchall()
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for (name,) in names
        }


def check_every_row(folder: Path, report: MigrationReport) -> None:
    """Assert that each table and row of each SQLite file of a folder is in the report once."""
    check_sums(report)
    taken = {candidate.path: candidate.tables for candidate in report.candidates}
    left: dict[tuple[Path, str | None], int | None] = {
        (item.path, item.table): item.rows for item in report.left_behind if item.column is None
    }
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            with path.open("rb") as file:
                is_sqlite = file.read(16) == SQLITE
            if is_sqlite:
                for table, rows in tables_of(path).items():
                    moved = taken.get(path, {}).get(table)
                    kept = left.get((path, table))
                    assert (moved, kept) in {(rows, None), (None, rows or None)}, (path, table)
    # What is moved of the files is what the tables of the target account for.
    for line in report.tables:
        accounted = line.migrated + line.already_there + line.rejected + line.left_out
        assert accounted + line.counts.merged == line.rows_in_source, line.table
        assert line.counts.kept_aside <= line.counts.merged, line.table
