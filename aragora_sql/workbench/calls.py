"""Runs and explains named queries on a database of the user's, without writing unasked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aragora_sql.database import Connection, Database, Statement
from aragora_sql.errors import InvalidInputError
from aragora_sql.queries import adapter_of, load_queries
from aragora_sql.queries.files import packaged_sql_dir
from aragora_sql.queries.parameters import scan
from aragora_sql.workbench.names import NamedQuery

__all__ = [
    "Plan",
    "explain_query",
    "plan_lines",
    "reading",
    "run_query",
    "server_types",
    "statement_queries",
    "writes",
]

_WRITING_OPERATIONS = {"!", "<!", "*!", "#"}
# A read-only transaction refuses row locks too (FOR UPDATE, FOR SHARE).
_WRITING_WORDS = {"INSERT", "UPDATE", "DELETE", "MERGE", "SHARE"}


def statement_queries() -> Any:
    """Return the queries of the workbench itself; they are PostgreSQL's only."""
    return load_queries("statements", "postgres", packaged_sql_dir() / "workbench")


def writes(query: NamedQuery) -> bool:
    """Tell whether a query writes or locks rows.

    In doubt it does; what is overlooked (a function that writes) the engines refuse in the
    read-only transaction that it then gets.
    """
    if query.text.operation in _WRITING_OPERATIONS:
        return True
    words = (token.text.upper() for token in scan(query.text.sql, query.dialect))
    return not _WRITING_WORDS.isdisjoint(words)


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[Connection]:
    """Open a unit of work in which the engine refuses every write."""
    if database.dialect == "sqlite":
        async with database.read() as connection:
            yield connection
        return
    async with database.transaction() as connection:
        await connection.run_script("begin", "SET TRANSACTION READ ONLY")
        yield connection


class _UndoneError(Exception):
    """Leaves a transaction whose work is not wanted."""


@asynccontextmanager
async def _kept(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction that is committed at its end."""
    async with database.transaction() as connection:
        yield connection


@asynccontextmanager
async def _undone(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction that is rolled back at its end."""
    try:
        async with database.transaction() as connection:
            yield connection
            raise _UndoneError
    except _UndoneError:
        pass


async def server_types(database: Database, query: NamedQuery) -> dict[str, str]:
    """Ask PostgreSQL for the types of a query's parameters, by name, without running it."""
    if not query.text.parameters:
        return {}
    call = adapter_of(load_queries(query.store, query.dialect)).call(query.text.name)
    async with reading(database) as connection:
        await connection.run_script(str(query), f"PREPARE aragora_call AS {call.statement.sql}")
        types = await statement_queries().get_parameter_types(
            connection, statement_name="aragora_call"
        )
        # A prepared statement outlives its transaction.
        await connection.run_script(str(query), "DEALLOCATE aragora_call")
    return dict(zip(call.order, types, strict=True))


async def run_query(
    database: Database, query: NamedQuery, parameters: Mapping[str, Any], *, write: bool
) -> Any:
    """Run a query and return what its caller gets: rows, a row, a value or a count.

    Without ``write`` it runs in a read-only transaction; a query that writes is refused then with
    :class:`InvalidInputError`. With it, what was written is committed.
    """
    if writes(query) and not write:
        raise InvalidInputError(
            "query", f"{query} ({query.location}) writes or locks rows: add --write to run it"
        )
    call = getattr(load_queries(query.store, query.dialect), query.text.name)
    async with _kept(database) if write else reading(database) as connection:
        match query.text.operation:
            case "":
                return [row async for row in call(connection, **parameters)]
            case "*!":
                return await call(connection, [parameters])
            case _:
                return await call(connection, **parameters)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the engine runs a query.

    ``lines`` is the plan as the engine's own shell shows it, ``document`` the engine's JSON, which
    for SQLite are the rows of EXPLAIN QUERY PLAN. As SQLite has no EXPLAIN ANALYZE, a query that
    ran there is timed as a whole: ``milliseconds``, and ``row_count`` rows returned or changed.
    """

    lines: tuple[str, ...]
    document: Any = None
    milliseconds: float | None = None
    row_count: int | None = None


async def explain_query(
    database: Database,
    query: NamedQuery,
    parameters: Mapping[str, Any],
    *,
    analyze: bool = False,
    keep: bool = False,
    as_json: bool = False,
) -> Plan:
    """Return the plan of a query for these parameters.

    Without ``analyze`` nothing is executed. With it the query runs: one that reads in a read-only
    transaction, one that writes in a transaction that is rolled back, or committed with ``keep``.
    ``as_json`` asks PostgreSQL for its JSON instead of its text.

    Raises :class:`InvalidInputError` for a script, which has no plan.
    """
    if query.text.operation == "#":
        raise InvalidInputError("query", f"{query} ({query.location}) is a script: it has no plan")
    queries = adapter_of(load_queries(query.store, query.dialect))
    call = queries.call(query.text.name)
    arguments = queries.bind(call, parameters)
    if not (analyze and writes(query)):
        unit = reading(database)
    else:
        unit = _kept(database) if keep else _undone(database)
    async with unit as connection:
        if database.dialect == "postgres":
            return await _explain_postgres(connection, call.statement, arguments, analyze, as_json)
        plan = await _explain_sqlite(connection, call.statement, arguments)
        if not analyze:
            return plan
        started = time.perf_counter()
        if query.text.operation in {"!", "*!"}:
            count = await connection.execute(call.statement, arguments)
        else:
            count = len(await connection.fetch_all(call.statement, arguments))
        elapsed = (time.perf_counter() - started) * 1000
        return replace(plan, milliseconds=elapsed, row_count=count)


async def _explain_postgres(
    connection: Connection, statement: Statement, arguments: Any, analyze: bool, as_json: bool
) -> Plan:
    options = [
        *(("ANALYZE", "BUFFERS") if analyze else ()),
        "SETTINGS",
        f"FORMAT {'JSON' if as_json else 'TEXT'}",
    ]
    explained = replace(
        statement,
        sql=f"EXPLAIN ({', '.join(options)}) {statement.sql}",
        column_kinds={"QUERY PLAN": "json"} if as_json else {},
    )
    rows = await connection.fetch_all(explained, arguments)
    if as_json:
        return Plan(lines=(), document=rows[0]["QUERY PLAN"][0])
    return Plan(lines=tuple(row["QUERY PLAN"] for row in rows))


async def _explain_sqlite(connection: Connection, statement: Statement, arguments: Any) -> Plan:
    explained = replace(statement, sql=f"EXPLAIN QUERY PLAN {statement.sql}", column_kinds={})
    steps = await connection.fetch_all(explained, arguments)
    return Plan(lines=tuple(plan_lines(steps)), document=steps)


def plan_lines(steps: Sequence[Mapping[str, Any]], parent: int = 0, indent: str = "") -> list[str]:
    """Draw the rows of SQLite's EXPLAIN QUERY PLAN as a tree, as its shell does."""
    lines = []
    children = [step for step in steps if step["parent"] == parent]
    for step in children:
        last = step is children[-1]
        lines.append(f"{indent}{'`--' if last else '|--'}{step['detail']}")
        lines += plan_lines(steps, step["id"], indent + ("   " if last else "|  "))
    return lines
