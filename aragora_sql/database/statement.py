"""What a connection needs to know about one named query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["ColumnKind", "Statement", "not_held", "row_named"]

ColumnKind = Literal["boolean", "json", "timestamp"]

_KINDS: Mapping[ColumnKind, str] = {
    "boolean": "boolean",
    "json": "JSON document that Python can hold",
    "timestamp": "timestamp that Python can hold",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in the form that a driver takes.

    ``name`` is ``store.query``, for error messages. ``json_positions`` are the 0-based
    positions of ``jsonb`` arguments (PostgreSQL). ``column_kinds`` says which result columns the
    engine itself has no type for. ``location`` is the file and line of a named query.
    """

    name: str
    sql: str
    json_positions: tuple[int, ...] = ()
    column_kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    location: tuple[str, int] | None = None


def row_named(statement: Statement, row: Mapping[str, Any]) -> str:
    """Begin a message about a row, which its ids name; no other value is shown."""
    ids = [
        f"{name} {value!r:.100}"
        for name, value in row.items()
        if name.rpartition("_")[2] == "id" and isinstance(value, str | int)
    ]
    row_of = f"row of {', '.join(ids)}, " if ids else ""
    return f"{statement.name}: {row_of}"


def not_held(statement: Statement, row: Mapping[str, Any], column: str, kind: ColumnKind) -> str:
    """Say which stored value has no form in Python, without showing it."""
    return f"{row_named(statement, row)}column {column}: a stored value is not a {_KINDS[kind]}"
