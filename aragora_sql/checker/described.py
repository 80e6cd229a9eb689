"""What a script of a schema makes, described by an engine in a place of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from aragora_sql.database import Dialect
from aragora_sql.engines.catalog import CatalogQueries
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.sqlite_engine import SQLiteEngine
from aragora_sql.queries.files import QueryText, packaged_sql_dir, read_queries, sql_folder
from aragora_sql.schema import VERSIONS, CatalogKey
from aragora_sql.schema.catalog import catalog_of, without_layout
from aragora_sql.schema.upgrades import statements_of

__all__ = ["Parts", "describe", "describe_file", "differences", "place_of_part"]

Parts = Mapping[CatalogKey, str]
"""Definitions by (table, kind, name)."""

_PLACE = "aragora_version"


def describe(dialect: Dialect, run: Callable[[QueryText], Iterable[Mapping[str, Any]]]) -> Parts:
    """Describe the schema in which a connection makes tables; ``run`` runs a query there."""
    path = sql_folder(VERSIONS, dialect, packaged_sql_dir()) / "queries.sql"
    rows = [*run(read_queries(path, dialect)["describe_catalog"])]
    if dialect == "postgres":
        rows += CatalogQueries(dialect, run).describe_details()
    catalog = catalog_of(dialect, rows)
    # SQLite keeps indexes, triggers and views as they were written.
    written = {key: sql for key, sql in catalog.statements.items() if key[1] != "table"}
    return {**catalog.parts, **{key: without_layout(sql) for key, sql in written.items()}}


def describe_file(engines: Engines, file: SchemaFile, dialect: Dialect) -> Parts | Finding:
    """Return what a file makes besides the tables of other stores, or why it can't be run."""
    if dialect == "postgres":
        engine = engines.postgres
        with engine.scratch() as connection:
            ((before,),) = connection.execute("SELECT current_schema()").fetchall()
            connection.execute(f"CREATE SCHEMA {_PLACE}")
            # What the file refers to of other stores is in the schema that is searched next.
            connection.execute(f'SET LOCAL search_path = {_PLACE}, "{before}"')
            problem = engine.load(file)
            return problem or describe(dialect, engine.rows)
    versions = [one for one in engines.tree.schemas[dialect] if one.store == VERSIONS]
    alone = SQLiteEngine([*versions, file])
    try:
        if alone.problems:
            return alone.problems[-1]
        own = {table for table, _, _ in _versions_parts(versions)}
        parts = describe(dialect, alone.rows)
        return {key: text for key, text in parts.items() if key[0] not in own}
    finally:
        alone.close()


def _versions_parts(files: Sequence[SchemaFile]) -> Iterator[tuple[str, str, str]]:
    for file in files:
        for item in file.items:
            yield item.table, item.kind, item.name


def differences(
    expected: Parts, found: Parts
) -> Iterator[tuple[CatalogKey, str | None, str | None]]:
    """Yield what differs: (key, expected definition, found one), None for what is not there.

    Of a table that only one of them has nothing else is told.
    """
    keys = sorted({*expected, *found})
    whole = {
        table
        for table, kind, _ in keys
        if kind == "table" and ((table, kind, table) in expected) != ((table, kind, table) in found)
    }
    for key in keys:
        wanted, there = expected.get(key), found.get(key)
        if wanted == there or (key[1] != "table" and key[0] in whole):
            continue
        column = (key[0], "column", key[2])
        if key[1] == "column comment" and (column in expected) != (column in found):
            continue  # it goes with its column
        yield key, wanted, there


def place_of_part(file: SchemaFile, key: CatalogKey, dialect: Dialect) -> tuple[int, int]:
    """Return line and column of where a file makes a part of a table: the part, else the table."""
    table, kind, name = key
    if kind == "sequence":
        # that of a column, which is named so
        for item in file.items:
            if item.kind == "column" and name == f"{item.table}_{item.name}_seq":
                return item.line, item.column
    if kind in {"table comment", "column comment"}:
        for statement in statements_of(file.text, dialect):
            about = (table,) if kind == "table comment" else (table, ".", name)
            if statement.words[:2] == ("COMMENT", "ON") and statement.names[3:-2] == about:
                return statement.line, 1
    kinds = {
        "constraint": {"check", "unique", "primary key", "foreign key"},
        "column comment": {"column"},
    }.get(kind, {kind})
    own = [item for item in file.items if item.table == table]
    # the items of triggers have their own name for that of their table
    alone = [i for i in file.items if i.kind == kind and kind in {"trigger", "function", "view"}]
    for item in (*own, *alone):
        if item.kind in kinds and name in {item.name, item.constraint}:
            return item.line, item.column
    # a constraint that stands in its column
    named = (item for item in own if any(token.text == name for token in item.tokens))
    found = next(named, None) or next((i for i in own if i.kind in {"table", "view"}), None)
    return (1, 1) if found is None else (found.line, found.column)
