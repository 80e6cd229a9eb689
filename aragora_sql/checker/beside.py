"""The SQL files beside the stores, prepared like theirs: of the migration and of the workbench.

A folder with ``queries.sql`` is of one engine alone; what its queries need beside the stores'
tables is in its ``schema.sql``. A file of ``legacy/`` maps older SQLite tables onto today's: what a
table looked like is what the mapping's own comment lines say that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path

from aragora_sql.checker.callers import check_calls_by_name
from aragora_sql.checker.report import Report
from aragora_sql.engines.catalog import Table
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.expressions import select_list
from aragora_sql.engines.facts import Facts, refused
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.postgres_engine import PostgresEngine
from aragora_sql.engines.schema_files import read_schema_file
from aragora_sql.engines.sqlite_engine import SQLiteEngine
from aragora_sql.engines.tree import SQLProblem
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import QueryText, read_queries, read_sql

__all__ = ["check_beside"]

_FOLDERS = ("migration", "migration/*/postgres", "workbench/postgres/*")
_FOLDERS_OF_SQLITE = ("migration/*/sqlite",)


def check_beside(facts: Facts, engines: Engines, report: Report, python: Iterable[Path]) -> None:
    """Prepare the queries that belong to no store, and compare mappings with their targets.

    The calls of the migration's queries in the folders ``python`` are compared with them.
    """
    root = facts.tree.root
    for pattern in _FOLDERS:
        for path in sorted(root.glob(f"{pattern}/queries.sql")):
            _add(report, path, _in_postgres(path, engines.postgres))
    for pattern in _FOLDERS_OF_SQLITE:
        for path in sorted(root.glob(f"{pattern}/queries.sql")):
            _add(report, path, _in_sqlite(path))
    migration = root / "migration" / "queries.sql"
    if migration.is_file() and migration not in report.broken:
        check_calls_by_name(read_queries(migration, "postgres"), report, python)
    paths = sorted((root / "legacy").glob("*.sql"))
    if paths:
        engine = SQLiteEngine(())
        try:
            _add_functions(engine)
            for path in paths:
                _add(report, path, _mapped(path, facts, engine))
        finally:
            engine.close()


def _add(report: Report, path: Path, findings: Iterator[Finding]) -> None:
    try:
        report.add(*findings)
    except QueryFileError as error:
        if error.path not in report.broken:
            report.add(finding_of(error, "file"))


def _in_postgres(path: Path, engine: PostgresEngine) -> Iterator[Finding]:
    schema = path.with_name("schema.sql")
    queries = read_queries(path, "postgres").values()
    with engine.scratch():
        if schema.is_file():
            file = read_schema_file(path.parent.name, schema, "postgres")
            problem = engine.load(file)
            if problem is not None:
                # Of tables that are not there every query would complain.
                yield problem
                return
        for query in queries:
            described = engine.prepare(query)
            if isinstance(described, SQLProblem):
                yield refused(query, described)


def _in_sqlite(path: Path) -> Iterator[Finding]:
    queries = read_queries(path, "sqlite").values()
    engine = SQLiteEngine(())
    try:
        engine.connection.execute(read_sql(path.with_name("schema.sql")))
        for query in queries:
            described = engine.describe(query)
            if isinstance(described, SQLProblem):
                yield refused(query, described)
    finally:
        engine.close()


def _add_functions(engine: SQLiteEngine) -> None:
    """Make the functions known that mappings call."""
    from aragora_sql.migration.conversion import TimestampReader
    from aragora_sql.migration.functions import Functions

    for name, arguments, function in Functions(TimestampReader(UTC)).listed():
        engine.connection.create_scalar_function(name, function, arguments)


def _mapped(path: Path, facts: Facts, engine: SQLiteEngine) -> Iterator[Finding]:
    from aragora_sql.migration.mappings import read_mapping

    unloaded = {file.store for file in facts.unloaded}
    for query in read_queries(path, "sqlite").values():
        mapping = read_mapping(path.stem, query)
        table = facts.catalogs["postgres"].get(mapping.target)
        if table is None or table.store != mapping.store:
            if mapping.store not in unloaded:
                message = f"there is no table {mapping.target!r} of store {mapping.store!r}"
                yield _finding(query, message)
            continue
        columns = ", ".join(f'"{name}"' for name in sorted(mapping.required | mapping.optional))
        engine.connection.execute(f'CREATE TEMP TABLE "{mapping.table}" ({columns})')
        try:
            described = engine.describe(query)
        finally:
            engine.connection.execute(f'DROP TABLE temp."{mapping.table}"')
        if isinstance(described, SQLProblem):
            yield refused(query, described)
            continue
        names = [name for name, *_ in described.description_full or ()]
        yield from _compare(query, names, table)


def _compare(query: QueryText, names: list[str], table: Table) -> Iterator[Finding]:
    """Compare what a mapping gives with the columns of its target."""
    from aragora_sql.migration.mappings import NOTE_PREFIX, ROWID_COLUMN

    places = [result.start for result in select_list(query.sql, "sqlite")]
    if len(places) != len(names):
        # The columns of a UNION have no place in the text.
        places = [0] * len(names)
    if names[:1] != [ROWID_COLUMN]:
        yield _finding(query, f"its first column is not {ROWID_COLUMN}")
    for name, place in zip(names[1:], places[1:], strict=True):
        if not name.startswith(NOTE_PREFIX) and table.column(name) is None:
            yield _finding(query, f"{table.name} has no column {name!r}", place)
    for name in _needed(table):
        if name not in names:
            yield _finding(query, f"it gives no value for {table.name}.{name}")


def _needed(table: Table) -> Iterable[str]:
    return (
        column.name
        for column in table.columns
        if not (column.nullable or column.generated or column.default is not None)
    )


def _finding(query: QueryText, message: str, offset: int = 0) -> Finding:
    return refused(query, SQLProblem(message, offset))
