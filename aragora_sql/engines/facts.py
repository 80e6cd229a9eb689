"""What the two engines know of every named query, and of the tables that they work on.

>>> with Engines(read_tree()) as engines:
...     facts = read_facts(engines)
...     query = facts.query("postgres", "consensus", "get_consensus")
...     query.columns, query.tables_read, plan_lines(engines, query)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from psycopg import pq

from aragora_sql.database import ColumnKind, Dialect
from aragora_sql.engines import sqlite_facts
from aragora_sql.engines.catalog import Catalog, Column, ForeignKey, Index, Place, Table
from aragora_sql.engines.catalog import read_catalog as _read_catalog
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.expressions import (
    has_outer_join,
    nullable_parameters,
    select_list,
)
from aragora_sql.engines.findings import Finding, finding_of
from aragora_sql.engines.kept_by_text import KeptByText
from aragora_sql.engines.python_types import postgres_python_type, sqlite_python_type
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.engines.tree import SQLProblem, Tree, read_tree
from aragora_sql.errors import QueryFileError
from aragora_sql.queries.files import (
    DIALECTS,
    QueryText,
    column_kinds,
    query_folders,
    read_queries,
)
from aragora_sql.queries.parameters import number_parameters, scan

__all__ = [
    "Catalog",
    "Column",
    "ColumnFacts",
    "Engines",
    "Facts",
    "ForeignKey",
    "Index",
    "ParameterFacts",
    "QueryFacts",
    "Table",
    "Tree",
    "catalog_of_files",
    "plan_lines",
    "read_edited",
    "read_facts",
    "read_texts",
    "read_tree",
    "refused",
    "tables_in_text",
]


# What asks an engine, and makes facts of its answers.
_OWN = ("expressions.py", "facts.py", "postgres_engine.py", "python_types.py", "sqlite_facts.py")


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """A parameter. ``type`` is the engine's; SQLite has none, only ``python_type``.

    ``nullable`` is a guess from how the query uses it.
    """

    name: str
    type: str | None
    python_type: str | None
    nullable: bool


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A result column. ``table`` and ``column`` say where it comes from, if from one place.

    ``type`` is the engine's (SQLite: of the origin, else None), ``python_type`` is what the store
    gets (None: SQLite doesn't say), ``nullable`` is None where it can't be told.
    """

    name: str
    type: str | None
    python_type: str | None
    nullable: bool | None
    table: str | None
    column: str | None


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What an engine knows of a query. Paths are absolute or as the tree's root was given.

    ``operation`` is aiosql's suffix. ``columns`` are empty for statements without a result.
    ``columns_read`` and ``columns_written`` are ``table.column``; PostgreSQL does not tell reading
    and writing of a column apart where a statement does both, and version 13 tells no columns.
    """

    store: str
    name: str
    dialect: Dialect
    path: Path
    line: int
    operation: str
    doc: str
    sql: str
    parameters: tuple[ParameterFacts, ...]
    columns: tuple[ColumnFacts, ...]
    tables_read: tuple[str, ...]
    tables_written: tuple[str, ...]
    columns_read: tuple[str, ...]
    columns_written: tuple[str, ...]
    text: QueryText

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        values = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in {"text", "parameters", "columns"}
        }
        return {
            **values,
            "path": str(self.path),
            "parameters": [asdict(parameter) for parameter in self.parameters],
            "columns": [asdict(column) for column in self.columns],
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a tree. Queries that an engine refuses are ``problems`` and have no facts.

    ``texts`` holds every query that could be read, whether the engines take it or not.
    """

    tree: Tree
    queries: Mapping[tuple[Dialect, str, str], QueryFacts]
    texts: Mapping[tuple[Dialect, str, str], QueryText]
    catalogs: Mapping[Dialect, Catalog]
    problems: tuple[Finding, ...]

    @property
    def unloaded(self) -> list[SchemaFile]:
        """The schema files that an engine refused."""
        refused = {problem.path for problem in self.problems if problem.rule == "prepare"}
        return [
            file for files in self.tree.schemas.values() for file in files if file.path in refused
        ]

    def query(self, dialect: Dialect, store: str, name: str) -> QueryFacts | None:
        """Return the facts of a query, or None."""
        return self.queries.get((dialect, store, name))

    @property
    def stores(self) -> list[str]:
        """The stores that have queries, in alphabetical order."""
        return sorted({store for _, store, _ in self.texts})


def read_facts(engines: Engines, stores: Iterable[str] | None = None) -> Facts:
    """Ask both engines about every query of some stores (default: of all that have a folder)."""
    root = engines.tree.root
    problems = list(engines.problems)
    texts, unread = read_texts(root, stores)
    queries: dict[tuple[Dialect, str, str], QueryFacts] = {}
    catalogs: dict[Dialect, Catalog] = {}
    refused = {problem.path for problem in problems}
    problems += unread
    listed = {file.path for files in engines.tree.schemas.values() for file in files}
    for dialect in DIALECTS:
        kinds: dict[str, dict[str, ColumnKind]] = {}
        for file in engines.tree.schemas[dialect]:
            try:
                status = file.path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                kinds[file.store] = column_kinds(file.path, dialect, stamp)
            except QueryFileError as error:
                problems.append(finding_of(error, "file"))
                kinds[file.store] = {}
        catalogs[dialect] = _catalog(engines, dialect, kinds)
        describe = _describe_postgres if dialect == "postgres" else _describe_sqlite
        kept = KeptByText("facts", _depends_on(engines, dialect))
        for (of, store, name), query in texts.items():
            if of != dialect or query.operation == "#":
                continue
            # Of tables that are not there every query would complain.
            schema = query.path.with_name("schema.sql")
            if schema in refused or (schema.is_file() and schema not in listed):
                continue
            parts = (query.name, query.operation, query.sql, repr(query.result_kinds))
            if (said := kept.get(*parts)) is not None:
                queries[dialect, store, name] = _facts_of(store, query, dialect, _Said.read(said))
                continue
            facts = describe(engines, store, query, catalogs[dialect], kinds.get(store, {}))
            if isinstance(facts, Finding):
                problems.append(facts)
            else:
                queries[dialect, store, name] = facts
                kept.put(asdict(_Said.of(facts)), *parts)
        kept.save()
    return Facts(engines.tree, _with_twins(queries), texts, catalogs, tuple(problems))


@dataclass(frozen=True, slots=True)
class _Said:
    """What an engine said of a query, without the query."""

    parameters: tuple[ParameterFacts, ...]
    columns: tuple[ColumnFacts, ...]
    tables_read: tuple[str, ...]
    tables_written: tuple[str, ...]
    columns_read: tuple[str, ...]
    columns_written: tuple[str, ...]

    @classmethod
    def of(cls, facts: QueryFacts) -> _Said:
        return cls(**{name: getattr(facts, name) for name in cls.__dataclass_fields__})

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> _Said:
        """Return what :func:`dataclasses.asdict` made JSON of."""
        return cls(
            tuple(ParameterFacts(**one) for one in said["parameters"]),
            tuple(ColumnFacts(**one) for one in said["columns"]),
            *(tuple(said[name]) for name in list(cls.__dataclass_fields__)[2:]),
        )


def _facts_of(store: str, query: QueryText, dialect: Dialect, said: _Said) -> QueryFacts:
    return QueryFacts(
        store=store,
        name=query.name,
        dialect=dialect,
        path=query.path,
        line=query.line,
        operation=query.operation,
        doc=query.doc,
        sql=query.sql,
        parameters=said.parameters,
        columns=said.columns,
        tables_read=said.tables_read,
        tables_written=said.tables_written,
        columns_read=said.columns_read,
        columns_written=said.columns_written,
        text=query,
    )


def _depends_on(engines: Engines, dialect: Dialect) -> Iterator[str]:
    """Yield all that an engine's answer about a query depends on beside the query."""
    yield dialect
    for name in _OWN:
        yield (Path(__file__).parent / name).read_text(encoding="utf-8")
    if dialect == "postgres":
        yield str(engines.postgres.connection.info.server_version)
    else:
        yield from (engines.sqlite.version, sqlite3.sqlite_version)
    for file in engines.tree.schemas[dialect]:
        yield file.text


def _with_twins(
    queries: Mapping[tuple[Dialect, str, str], QueryFacts],
) -> dict[tuple[Dialect, str, str], QueryFacts]:
    """Give SQLite's parameters, which have no type, the Python type of PostgreSQL's."""
    complete = {}
    for (dialect, store, name), facts in queries.items():
        counterpart = queries.get(("postgres", store, name))
        if dialect == "sqlite" and counterpart is not None:
            types = {parameter.name: parameter.python_type for parameter in counterpart.parameters}
            facts = replace(
                facts,
                parameters=tuple(
                    replace(parameter, python_type=types.get(parameter.name))
                    for parameter in facts.parameters
                ),
            )
        complete[dialect, store, name] = facts
    return complete


def _catalog(
    engines: Engines, dialect: Dialect, kinds: Mapping[str, Mapping[str, ColumnKind]]
) -> Catalog:
    engine = engines.postgres if dialect == "postgres" else engines.sqlite
    return catalog_of_files(dialect, engines.tree.schemas[dialect], engine.rows, kinds)


def catalog_of_files(
    dialect: Dialect,
    files: Sequence[SchemaFile],
    run: Callable[[QueryText], Iterable[Mapping[str, Any]]],
    kinds: Mapping[str, Mapping[str, ColumnKind]],
) -> Catalog:
    """Read the tables that files made where ``run`` runs queries, with their places in the files.

    ``kinds`` says by store what columns hold beyond their type.
    """
    places = {
        (item.kind, item.table, item.name): Place(file.store, file.path, item.line)
        for file in files
        for item in file.items
    }
    # a view is listed as a table is
    places |= {
        ("table", table, name): place
        for (kind, table, name), place in places.items()
        if kind == "view"
    }
    return _read_catalog(dialect, run, places, kinds)


def read_edited(
    engines: Engines, catalogs: Mapping[Dialect, Catalog], query: QueryFacts, text: QueryText
) -> QueryFacts | Finding:
    """Ask the engine of a query about another text of it; return what it knows, or refuses."""
    schema = query.path.with_name("schema.sql")
    status = schema.stat()
    kinds = column_kinds(schema, query.dialect, (status.st_mtime_ns, status.st_size))
    describe = _describe_postgres if query.dialect == "postgres" else _describe_sqlite
    return describe(engines, query.store, text, catalogs[query.dialect], kinds)


def refused(query: QueryText, problem: SQLProblem) -> Finding:
    """Return the finding of a query that an engine refuses, at the place in the file."""
    line, column = query.position(problem.offset or 0)
    return Finding(
        query.path, line, column, problem.rule, f"query {query.name!r}: {problem.message}"
    )


def _described(
    store: str,
    query: QueryText,
    dialect: Dialect,
    catalog: Catalog,
    parameters: Mapping[str, str],
    columns: Iterable[tuple[str, str | None, str | None, str | None, str | None]],
    touched: tuple[set[str], set[str], set[str], set[str]],
) -> QueryFacts:
    def nullable_column(table: str, column: str) -> bool | None:
        found = catalog[table].column(column) if table in catalog else None
        return None if found is None else found.nullable

    may_be_none = nullable_parameters(query.sql, dialect, nullable_column)
    by_text = select_list(query.sql, dialect)
    outer = has_outer_join(query.sql, dialect)
    results = []
    for index, (name, type_name, python_type, table, column) in enumerate(columns):
        # The columns of a UNION have no place in the text; SQLite gives the first branch's origin.
        nullable = by_text[index].nullable if index < len(by_text) else None
        if (
            table is not None
            and column is not None
            and index < len(by_text)
            and by_text[index].is_column
        ):
            nullable = nullable_column(table, column)
            if nullable is False and outer and not by_text[index].of_target:
                nullable = None
        results.append(ColumnFacts(name, type_name, python_type, nullable, table, column))
    names = tuple(
        ParameterFacts(
            name,
            parameters.get(name),
            postgres_python_type(parameters[name]) if name in parameters else None,
            may_be_none.get(name, False),
        )
        for name in query.parameters
    )
    said = _Said(names, tuple(results), *(tuple(sorted(found)) for found in touched))
    return _facts_of(store, query, dialect, said)


def _describe_postgres(
    engines: Engines,
    store: str,
    query: QueryText,
    catalog: Catalog,
    kinds: Mapping[str, ColumnKind],
) -> QueryFacts | Finding:
    engine = engines.postgres
    result = engine.prepare(query)
    if isinstance(result, SQLProblem):
        return refused(query, result)
    _, order = number_parameters(query.sql, list(query.found))
    types = [engine.type_name(result.param_type(number)) for number in range(result.nparams)]
    return _described(
        store,
        query,
        "postgres",
        catalog,
        dict(zip(order, types, strict=True)),
        [_postgres_column(engines, result, number) for number in range(result.nfields)],
        _touched_in_postgres(engines, query, types, catalog),
    )


def _postgres_column(
    engines: Engines, result: pq.abc.PGresult, number: int
) -> tuple[str, str, str, str | None, str | None]:
    type_name = engines.postgres.type_name(result.ftype(number))
    origin = engines.postgres.column_name(result.ftable(number), result.ftablecol(number))
    table, column = origin or (None, None)
    name = (result.fname(number) or b"").decode()
    return name, type_name, postgres_python_type(type_name), table, column


def _touched_in_postgres(
    engines: Engines, query: QueryText, types: list[str], catalog: Catalog
) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return tables read and written, columns read and written."""
    uses = engines.postgres.uses(query, types)
    sources, written = tables_in_text(query.sql, "postgres")
    written &= catalog.keys()
    tables = {table for table, _ in uses if table in catalog}
    # A table that is only inserted into is not read.
    read = {table for table in tables if table not in written or table in sources}
    named = {(table, column) for table, column in uses if table in catalog and column}
    return (
        read,
        written,
        {f"{table}.{column}" for table, column in named if table in read},
        {f"{table}.{column}" for table, column in named if table in written},
    )


def tables_in_text(sql: str, dialect: Dialect) -> tuple[set[str], set[str]]:
    """Return what a statement names as a source of rows, and what it writes to.

    Names of common table expressions are among the sources.
    """
    words = [token for token in scan(sql, dialect) if token.kind != "comment"]
    sources: set[str] = set()
    written: set[str] = set()
    before = ""
    for verb, target in pairwise(words):
        word = verb.text.upper()
        inserting, deleting = (
            (before, word) == ("INSERT", "INTO"),
            (before, word) == ("DELETE", "FROM"),
        )
        updating = word == "UPDATE" and before not in {"FOR", "DO", "KEY"}
        if inserting or deleting or updating:
            written.add(target.text)
        if word in {"FROM", "JOIN", "USING"} or updating:
            sources.add(target.text)
        before = word
    for literal, cast, kind in zip(words, words[1:], words[2:], strict=False):
        # A table that a function is given.
        if cast.kind == "cast" and kind.text.lower() == "regclass" and literal.kind == "string":
            sources.add(literal.text.strip("'"))
    return sources, written


def read_texts(
    root: Path, stores: Iterable[str] | None = None
) -> tuple[dict[tuple[Dialect, str, str], QueryText], list[Finding]]:
    """Read the queries of some stores (default: of all that have a folder), asking no engine."""
    wanted = None if stores is None else set(stores)
    texts: dict[tuple[Dialect, str, str], QueryText] = {}
    problems: list[Finding] = []
    for dialect in DIALECTS:
        for folder in query_folders(dialect, root):
            path = folder / "queries.sql"
            if not path.is_file() or (wanted is not None and folder.name not in wanted):
                continue
            try:
                read = read_queries(path, dialect)
            except QueryFileError as error:
                problems.append(finding_of(error, "file"))
                continue
            texts |= {(dialect, folder.name, query.name): query for query in read.values()}
    return texts, problems


def _describe_sqlite(
    engines: Engines,
    store: str,
    query: QueryText,
    catalog: Catalog,
    kinds: Mapping[str, ColumnKind],
) -> QueryFacts | Finding:
    details = engines.sqlite.describe(query)
    if isinstance(details, SQLProblem):
        return refused(query, details)
    if engines.sqlite.python is not None and (problem := engines.sqlite.python.problem(query)):
        return refused(query, problem)
    merged = {**kinds, **query.result_kinds}
    by_text = [result.type for result in select_list(query.sql, "sqlite")]
    columns = []
    for index, (name, declared, _, table, column) in enumerate(details.description_full or ()):
        type_name = declared or (by_text[index] if index < len(by_text) else None)
        python_type = sqlite_python_type(type_name, merged.get(name))
        columns.append((name, type_name, python_type, table, column))
    return _described(
        store, query, "sqlite", catalog, {}, columns, sqlite_facts.touched(details, catalog)
    )


def plan_lines(engines: Engines, query: QueryFacts) -> tuple[str, ...]:
    """Return the engine's plan of a query, a line for each step, without costs.

    On empty tables the planner chooses otherwise than on full ones. Raises
    :class:`~aragora_sql.errors.QueryFileError` when the engine refuses.
    """
    if query.dialect == "postgres":
        return engines.planner.plan_lines(query.text)
    details = engines.sqlite.describe(query.text)
    if isinstance(details, SQLProblem):
        raise query.text.error(details.message)
    return sqlite_facts.plan_lines(details)
