"""Fills tables with rows that are the same every time, so that planners can weigh.

The rows obey types, keys and lists of allowed values. Other CHECK rules are put aside in the
scratch database: a plan does not depend on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aragora_sql.checker.catalog import Catalog, Column, Table
from aragora_sql.checker.schema_files import SchemaFile, identifier
from aragora_sql.database.values import format_moment

__all__ = ["VERSION", "Filling", "fillings", "for_copy", "for_sqlite"]

# With fewer rows PostgreSQL prefers, rightly, to read the whole table. An index for searching pays
# later than others do.
ROWS = 4000
SEARCHED_ROWS = 16_000
# To be raised when other rows are made, so that no old ones are used again.
VERSION = 5

_GROUPS = 50
# Of what a column like run_id names, few rows are the same.
_REFERENCES = 1000
_REFERRING = ("_id", "_hash", "_key", "_token")
_LENGTH = re.compile(r"\((\d+)\)")
# Rows are as wide as real ones are, or reading them all would look cheap.
_PADDING = "words " * 20
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filling:
    """A table with the columns that get values, and the values of each column."""

    table: Table
    columns: tuple[str, ...]
    values: tuple[Sequence[Any], ...]


def fillings(catalog: Catalog, files: Sequence[SchemaFile]) -> Iterator[Filling]:
    """Make the rows of all tables, parents before children."""
    allowed = _allowed_values(files)
    for table in _in_order(catalog):
        columns = [c for c in table.columns if not c.generated and c.python_type != "object"]
        if not columns:
            continue
        searched = any(index.method != "btree" for index in table.indexes)
        numbers = range(1, (SEARCHED_ROWS if searched else ROWS) + 1)
        makers = [_Maker(table, c, allowed.get((table.name, c.name))) for c in columns]
        yield Filling(
            table,
            tuple(column.name for column in columns),
            tuple([maker.value(number) for number in numbers] for maker in makers),
        )


def _in_order(catalog: Catalog) -> Iterator[Table]:
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


def _allowed_values(files: Sequence[SchemaFile]) -> Mapping[tuple[str, str], list[str]]:
    """Return the texts that a rule ``column IN ('a', 'b')`` allows."""
    found: dict[tuple[str, str], list[str]] = {}
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
                        found.setdefault((item.table, identifier(token)), texts)
    return found


class _Maker:
    """Makes the values of one column."""

    def __init__(self, table: Table, column: Column, allowed: list[str] | None) -> None:
        self._table, self._column, self._allowed = table, column, allowed
        keys = [table.primary_key, *table.unique]
        keys += [
            tuple(name.removesuffix(" DESC") for name in index.columns)
            for index in table.indexes
            if index.unique
        ]
        self._indexed = any(
            name.removesuffix(" DESC") == column.name
            for index in table.indexes
            for name in index.columns
        )
        self._unique = any(column.name in key for key in keys)
        self._parent = next(
            (key.target_table for key in table.foreign_keys if column.name in key.columns), None
        )

    def value(self, number: int) -> Any:
        """Return the value of a row: rows count from 1."""
        column = self._column
        if self._parent is not None:
            if self._parent == self._table.name:
                # One in ten points at the row before it.
                points = number % 10 == 0
                return self._key(number - 1) if points else self._absent()
            return self._key(number)
        if self._allowed is not None:
            return self._allowed[number % len(self._allowed)]
        kind = column.python_type
        if kind.startswith("list["):
            return "{}"
        if kind == "str" and self._unique:
            return self._key(number)
        if column.nullable and number % 5 == 0 and not self._unique:
            return None
        return self._plain(kind, number)

    def _key(self, number: int) -> Any:
        """Return the value that a parent's key has: made the same way for child and parent."""
        return number if self._column.python_type == "int" else f"key {number}"

    def _absent(self) -> Any:
        return None if self._column.nullable else self._key(1)

    def _plain(self, kind: str, number: int) -> Any:
        if kind == "int":
            return number if self._unique else number % _GROUPS
        if kind == "float":
            return (number % 100) / 100
        if kind == "bool":
            return number % 10 == 0
        if kind == "datetime":
            return _START + timedelta(minutes=number)
        if kind == "Any":
            return self._document()
        if kind == "bytes":
            return number.to_bytes(8, "big") * 8
        if kind == "UUID":
            return f"00000000-0000-4000-8000-{number:012d}"
        if kind == "date":
            return (_START + timedelta(days=number % 365)).date()
        if kind == "timedelta":
            return timedelta(seconds=number)
        name = self._column.name
        groups = _REFERENCES if name.endswith(_REFERRING) else _GROUPS
        text = f"{number % groups} {name}"
        if not self._indexed:
            text = f"{text} {_PADDING}"
        length = _LENGTH.search(self._column.type)
        return text[: int(length[1])] if length else text

    def _document(self) -> Any:
        return [] if "[" in (self._column.default or "[") else {}


def for_sqlite(value: Any) -> Any:
    """Return a value in the form in which SQLite stores it."""
    if isinstance(value, datetime):
        return format_moment(value)
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
