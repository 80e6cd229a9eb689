"""Tells where an engine makes the same program of an edited query, so that nothing can differ."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.mutating.edits import Edit
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.queries.parameters import find_parameters, number_parameters

__all__ = ["is_of_needless_limit", "program"]

# Places in the text, and what tells statements apart in statistics.
_TEXT = re.compile(r" :(?:location|stmt_location|stmt_len|queryId|planId) -?\d+")


# Before parentheses that may give several rows.
_SETS = {"IN", "EXISTS", "FROM", "JOIN", "AS", "LATERAL", "MATERIALIZED", "ARRAY", "ANY", "ALL"}
_SETS |= {"UNION", "INTERSECT", "EXCEPT", "(", ""}


def is_of_needless_limit(query: QueryFacts, edit: Edit) -> bool:
    """Tell whether an edit is of a LIMIT behind which one row is taken, whatever it is.

    That is the LIMIT of a query that returns its first row; in SQLite also that of a subquery that
    stands for a value, of which PostgreSQL refuses a second row. One row has to be left.
    """
    if edit.after.strip() in {"0", "-1"}:
        return False
    statement = Statement(query.sql, query.dialect)
    for clause in statement.clauses:
        if clause.name != "LIMIT" or statement.word(clause.start) != "1":
            continue
        inside = edit.start >= statement.tokens[clause.head - 1].end
        if not (inside and edit.end <= statement.tokens[clause.end - 1].end):
            continue
        openers = [i for i, close in statement.closing.items() if i < clause.head < close]
        if not openers:
            return query.operation in {"^", "$"}
        opener = max(openers)
        is_value = statement.word(opener - 1) not in _SETS and not (
            statement.word(opener - 1) == ","
            and any(c.name == "FROM" and c.start <= opener < c.end for c in statement.clauses)
        )
        return query.dialect == "sqlite" and is_value
    return False


def program(engines: Engines, dialect: Dialect, sql: str) -> Any:
    """Return what an engine runs for a query: SQLite's operations, PostgreSQL's plan.

    It holds every constant, column, key of an order and lock.
    """
    if dialect == "sqlite":
        rows = engines.sqlite.connection.execute(f"EXPLAIN {sql}", _nothing(sql))
        return [row[1:] for row in rows]
    rendered, order = number_parameters(sql, find_parameters(sql, "postgres"))
    call = f"EXECUTE probe({', '.join(['NULL'] * len(order))})" if order else "EXECUTE probe"
    said: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.message_detail is not None and "{PLANNEDSTMT" in diagnostic.message_detail:
            said.append(diagnostic.message_detail)

    with engines.postgres.scratch() as connection:
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE probe AS {rendered}".encode())
        connection.execute("SET LOCAL debug_pretty_print = off")
        connection.execute("SET LOCAL client_min_messages = log")
        connection.execute("SET LOCAL debug_print_plan = on")
        connection.add_notice_handler(hear)
        try:
            connection.execute(f"EXPLAIN (COSTS OFF) {call}".encode())
        finally:
            connection.remove_notice_handler(hear)
            connection.execute("SET LOCAL debug_print_plan = off")
            connection.execute("DEALLOCATE probe")
    return [_TEXT.sub("", text) for text in said]


def _nothing(sql: str) -> dict[str, None]:
    return {parameter.name: None for parameter in find_parameters(sql, "sqlite")}
