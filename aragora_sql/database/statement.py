"""What a connection needs to know about one named query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Literal, NamedTuple

__all__ = ["ColumnKind", "Shape", "Statement", "not_held", "row_named"]

ColumnKind = Literal["boolean", "json", "timestamp"]

_KINDS: Mapping[ColumnKind, str] = {
    "boolean": "boolean",
    "json": "JSON document that Python can hold",
    "timestamp": "timestamp that Python can hold",
}


class Shape(NamedTuple):
    """The columns of a result, and those that hold timestamps and documents.

    Python finds the parameter of a keyword at once where both names are one object, so these are
    the interned ones: a record of 30 fields was made in 14 us with the driver's own names, and in
    3 us with these.
    """

    names: tuple[str, ...]
    timestamps: tuple[str, ...]
    documents: tuple[str, ...]


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
    _shapes: dict[tuple[str, ...], Shape] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def shape(self, columns: tuple[str, ...]) -> Shape:
        """Return what is known of a result with these columns."""
        try:
            return self._shapes[columns]
        except KeyError:
            names = tuple(map(intern, columns))
            of_kind = {
                kind: tuple(name for name in names if self.column_kinds.get(name) == kind)
                for kind in ("timestamp", "json")
            }
            shape = Shape(names, of_kind["timestamp"], of_kind["json"])
            self._shapes[columns] = shape
            return shape


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
