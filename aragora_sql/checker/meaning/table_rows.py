"""Statements that store and delete single rows of a table, on either engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aragora_sql.checker.meaning.pair import Side
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.database import Statement
from aragora_sql.engines.catalog import Column, Table

__all__ = ["deletion", "given", "insertion"]


def insertion(side: Side, name: str, names: Sequence[str]) -> tuple[Statement, list[Column]]:
    """Return the statement that stores a row, and the columns whose values it takes.

    They are those of ``names`` that can be given, generated numbers among them.
    """
    columns = [
        column
        for column in side.catalog[name].columns
        if column.name in names and column.generated in {"", "identity"}
    ]
    listed = ", ".join(f'"{column.name}"' for column in columns)
    marks = ", ".join(_marks(side, columns))
    overriding = " OVERRIDING SYSTEM VALUE" if side.dialect == "postgres" else ""
    sql = f'INSERT INTO "{name}" ({listed}){overriding} VALUES ({marks})'  # noqa: S608 - catalog's
    documents = tuple(i for i, column in enumerate(columns) if column.python_type == "Any")
    return Statement(f"rows of {name}", sql, documents), columns


def deletion(side: Side, name: str) -> tuple[Statement, list[Column]]:
    """Return the statement that deletes one row, and the columns whose values it takes."""
    columns = _key(side, side.catalog[name])
    same = "IS NOT DISTINCT FROM" if side.dialect == "postgres" else "IS"
    marks = _marks(side, columns)
    rules = [f'"{c.name}" {same} {mark}' for c, mark in zip(columns, marks, strict=True)]
    sql = f'DELETE FROM "{name}" WHERE {" AND ".join(rules)}'  # noqa: S608 - names of the catalog
    return Statement(f"rows of {name}", sql), columns


def given(side: Side, row: Row, columns: Sequence[Column] = ()) -> Any:
    """Return the values of some columns of a row, in the form that the adapter takes."""
    values = {column.name: row[column.name] for column in columns}
    return list(values.values()) if side.dialect == "postgres" else values


def _marks(side: Side, columns: Sequence[Column]) -> list[str]:
    if side.dialect == "sqlite":
        return [f":{column.name}" for column in columns]
    return [f"${number}::{column.type}" for number, column in enumerate(columns, start=1)]


def _key(side: Side, table: Table) -> list[Column]:
    """Return the columns that tell rows apart: of a key, else all that can be compared."""
    names = {c.name for c in table.columns if side.other[table.name].column(c.name)}
    key = next((k for k in (table.primary_key, *table.unique) if k and names.issuperset(k)), None)
    return [
        column
        for column in table.columns
        if (column.name in key if key else column.name in names and column.python_type != "Any")
    ]
