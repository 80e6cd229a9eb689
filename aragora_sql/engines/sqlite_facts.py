"""Reads what SQLite tells of a prepared statement: what it touches, and its plan."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw.ext

__all__ = ["plan_lines", "touched"]

_WRITING = {"SQLITE_INSERT", "SQLITE_UPDATE", "SQLITE_DELETE"}


def touched(
    details: apsw.ext.QueryDetails, tables: Container[str]
) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return tables read and written, columns read and written.

    What triggers and cascades do is left out: it is no part of the query's text.
    """
    tables_read, tables_written = set(), set()
    columns_read, columns_written = set(), set()
    for action in details.actions or ():
        table = action.table_name
        if table is None or table not in tables:
            continue
        if action.action_name == "SQLITE_READ":
            tables_read.add(table)
            if action.column_name:
                columns_read.add(f"{table}.{action.column_name}")
        elif action.action_name in _WRITING:
            tables_written.add(table)
            if action.column_name:
                columns_written.add(f"{table}.{action.column_name}")
    return tables_read, tables_written, columns_read, columns_written


def plan_lines(details: apsw.ext.QueryDetails) -> tuple[str, ...]:
    """Return the plan as indented lines."""
    plan = details.query_plan
    return () if plan is None else tuple(_lines(plan.sub or [], 0))


def _lines(nodes: list[apsw.ext.QueryPlan], depth: int) -> Iterator[str]:
    for node in nodes:
        yield "  " * depth + node.detail
        yield from _lines(node.sub or [], depth + 1)
