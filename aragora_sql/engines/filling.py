"""Fills tables with rows that are the same every time, so that planners can weigh.

The rows obey types, keys and lists of allowed values. Other CHECK rules are put aside in the
scratch database: a plan does not depend on them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aragora_sql.database.values import format_timestamp
from aragora_sql.engines.catalog import Catalog, Column, Table
from aragora_sql.engines.schema_files import SchemaFile, identifier

__all__ = ["VERSION", "Filling", "allowed_values", "fillings", "for_copy", "for_sqlite", "in_order"]

# With fewer rows PostgreSQL prefers, rightly, to read the whole table. An index for searching pays
# later than others do.
ROWS = 4000
SEARCHED_ROWS = 16_000
# To be raised when other rows are made, so that no old ones are used again.
VERSION = 9

_GROUPS = 50
# Of what a column like run_id names, few rows are the same; one in five of what may be is NULL.
_REFERENCES = 1000
_NULLS = 5
_REFERRING = ("_id", "_hash", "_key", "_token")
_LENGTH = re.compile(r"\((\d+)\)")
# Rows are as wide as real ones are, or reading them all would look cheap.
_PADDING = "words " * 20
_UNNAMED = {"int", "float", "bool", "datetime", "Any", "bytes", "UUID", "date", "timedelta"}
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filling:
    """A table with the columns that get values, and the values of each column for one engine."""

    table: Table
    columns: tuple[str, ...]
    values: tuple[Sequence[Any], ...]


def fillings(
    catalog: Catalog, files: Sequence[SchemaFile], form: Callable[[Any], Any]
) -> Iterator[Filling]:
    """Make the rows of all tables, parents before children.

    ``form`` brings a value into the form that an engine takes: :func:`for_copy`,
    :func:`for_sqlite`.
    """
    allowed = allowed_values(files)
    # Many columns hold the same, such as the keys of parents and children.
    made: dict[tuple[_Maker, int], Sequence[Any]] = {}
    searched = _searched(catalog)
    for table in in_order(catalog):
        columns = [c for c in table.columns if not c.generated and c.python_type != "object"]
        if not columns:
            continue
        rows = SEARCHED_ROWS if table.name in searched else ROWS
        values = []
        for column in columns:
            maker = _maker(table, column, allowed.get((table.name, column.name)))
            if (maker, rows) not in made:
                made[maker, rows] = maker.values(rows, form)
            values.append(made[maker, rows])
        yield Filling(table, tuple(column.name for column in columns), tuple(values))


def _searched(catalog: Catalog) -> set[str]:
    """Return the tables with an index for searching, and those that their rows refer to."""
    found: set[str] = set()
    waiting = [t for t in catalog.values() if any(i.method != "btree" for i in t.indexes)]
    while waiting:
        table = waiting.pop()
        found.add(table.name)
        names = {key.target_table for key in table.foreign_keys} - found
        waiting += [catalog[name] for name in names]
    return found


def in_order(catalog: Catalog) -> Iterator[Table]:
    """Yield the tables, parents before children."""
    done: set[str] = set()
    waiting = [table for table in catalog.values() if table.kind == "table"]
    while waiting:
        ready = [
            table
            for table in waiting
            if all(
                key.target_table in done or key.target_table == table.name
                for key in table.foreign_keys
            )
        ]
        # Tables that point at each other: their keys stay empty.
        for table in ready or waiting[:1]:
            yield table
            done.add(table.name)
            waiting.remove(table)


def allowed_values(files: Sequence[SchemaFile]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the texts that a rule ``column IN ('a', 'b')`` allows."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for file in files:
        for item in file.items:
            if item.kind != "check":
                continue
            tokens = item.tokens
            for index, token in enumerate(tokens[:-2]):
                if tokens[index + 1].text.upper() == "IN" and tokens[index + 2].text == "(":
                    texts = []
                    for inner in tokens[index + 3 :]:
                        if inner.text == ")":
                            break
                        if inner.kind == "string":
                            texts.append(inner.text[1:-1].replace("''", "'"))
                    if texts:
                        found.setdefault((item.table, identifier(token)), tuple(texts))
    return found


def _maker(table: Table, column: Column, allowed: tuple[str, ...] | None) -> _Maker:
    keys = [table.primary_key, *table.unique]
    keys += [
        tuple(name.removesuffix(" DESC") for name in index.columns)
        for index in table.indexes
        if index.unique
    ]
    indexed = any(
        name.removesuffix(" DESC") == column.name
        for index in table.indexes
        for name in index.columns
    )
    parent = next(
        (key.target_table for key in table.foreign_keys if column.name in key.columns), None
    )
    kind = column.python_type
    unique = any(column.name in key for key in keys)
    named = kind not in _UNNAMED and parent is None and not (unique and kind == "str")
    length = _LENGTH.search(column.type) if named else None
    return _Maker(
        kind=kind,
        nullable=column.nullable,
        unique=unique,
        points_at={None: "nothing", table.name: "itself"}.get(parent, "parent"),
        allowed=allowed,
        name=column.name if named else "",
        padded=named and not indexed,
        length=int(length[1]) if length else None,
        listed=kind == "Any" and "[" in (column.default or "["),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the values of one column; it holds what they depend on and nothing else.

    ``name`` is of texts that hold it, ``padded`` whether they are as wide as real ones are,
    ``listed`` whether a document is a list.
    """

    kind: str
    nullable: bool
    unique: bool
    points_at: str
    allowed: tuple[str, ...] | None
    name: str
    padded: bool
    length: int | None
    listed: bool

    def values(self, rows: int, form: Callable[[Any], Any]) -> Sequence[Any]:
        """Return the values of all rows; what repeats itself is made once."""
        period = min(self._period() or rows, rows)
        once = [form(self.value(number)) for number in range(1, period + 1)]
        return (once * math.ceil(rows / period))[:rows]

    def _period(self) -> int | None:
        """Return after how many rows the values come again; None for never."""
        if self.points_at != "nothing":
            return None
        if self.allowed is not None:
            return len(self.allowed)
        if self.kind.startswith("list["):
            return 1
        if self.unique and self.kind in {"str", "int"}:
            return None
        periods = {"int": _GROUPS, "float": 100, "bool": 10, "Any": 1, "str": self._groups()}
        period = periods.get(self.kind)
        return None if period is None else math.lcm(period, _NULLS)

    def value(self, number: int) -> Any:
        """Return the value of a row: rows count from 1."""
        if self.points_at == "itself":
            # One in ten points at the row before it.
            return self._key(number - 1) if number % 10 == 0 else self._absent()
        if self.points_at == "parent":
            # A parent that is not searched has no more rows.
            return None if self.nullable and number > ROWS else self._key(number)
        if self.allowed is not None:
            return self.allowed[number % len(self.allowed)]
        if self.kind.startswith("list["):
            return "{}"
        if self.kind == "str" and self.unique:
            return self._key(number)
        if self.nullable and number % _NULLS == 0 and not self.unique:
            return None
        return self._plain(number)

    def _key(self, number: int) -> Any:
        """Return the value that a parent's key has: made the same way for child and parent."""
        return number if self.kind == "int" else f"key {number}"

    def _absent(self) -> Any:
        return None if self.nullable else self._key(1)

    def _groups(self) -> int:
        return _REFERENCES if self.name.endswith(_REFERRING) else _GROUPS

    def _plain(self, number: int) -> Any:
        kind = self.kind
        if kind == "int":
            return number if self.unique else number % _GROUPS
        if kind == "float":
            return (number % 100) / 100
        if kind == "bool":
            return number % 10 == 0
        if kind == "datetime":
            return _START + timedelta(minutes=number)
        if kind == "Any":
            return [] if self.listed else {}
        if kind == "bytes":
            return number.to_bytes(8, "big") * 8
        if kind == "UUID":
            return f"00000000-0000-4000-8000-{number:012d}"
        if kind == "date":
            return (_START + timedelta(days=number % 365)).date()
        if kind == "timedelta":
            return timedelta(seconds=number)
        text = f"{number % self._groups()} {self.name}"
        if self.padded:
            text = f"{text} {_PADDING}"
        return text[: self.length]


def for_sqlite(value: Any) -> Any:
    """Return a value in the form in which SQLite stores it."""
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, list | dict):
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def for_copy(value: Any) -> str:
    """Return a value in the text form of PostgreSQL's COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, list | dict):
        value = json.dumps(value)
    if isinstance(value, bytes):
        value = f"\\x{value.hex()}"
    text = str(value)
    return text.replace("\\", "\\\\") if "\\" in text else text
