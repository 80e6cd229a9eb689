"""Makes files as an older program left them: rows of every shape that mappings say they read.

Each value depends on its table, column and row alone, so that a column that is added changes none
of the others.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from aragora_sql.checker.mapping.shapes import Group, Holds, Source
from aragora_sql.engines.catalog import Column, Table

__all__ = ["AGAIN", "ROWS", "ZONE", "OlderRow", "RowMaker", "write_files"]

SEED = "older rows"
# The time zone of local times: one that is not UTC.
ZONE = "Europe/Berlin"
ROWS = 8
# Rows of the last file whose keys the first has too.
AGAIN = 4
_APART = 1000
_START = datetime(2026, 1, 5, 9, 0, 0, tzinfo=UTC)
_TEXTS = ("alpha", "Beta gamma", "\u00e4pfel 100%", "it's, so", "10")
_NUMBERS = (1, 2, 3, 4, 5)
_FRACTIONS = (0.25, 0.5, 0.75, 0.125, 0.30000000000000004)
_OBJECTS: tuple[Any, ...] = ({}, {"a": 1}, {"b": [1, "x"]}, {"c": {"d": None}})
_LISTS: tuple[Any, ...] = ([], ["a"], ["b", "a"], ["a", "a"])
_UNKNOWN = "odd"


@dataclass(frozen=True, slots=True)
class OlderRow:
    """A row of an older table: the number of its file, its rowid and its values by column."""

    file: int
    group: int
    rowid: int
    values: dict[str, Any]


def write_files(groups: Sequence[Group], folder: Path) -> list[OlderRow]:
    """Write the files, and return their rows in the order of files, tables and rowids.

    A table comes in three shapes: with all columns, with the required ones alone, and with some of
    the others. Mappings of one table name go to files of their own.
    """
    rows: list[OlderRow] = []
    seen: dict[str, int] = {}
    layers: list[list[int]] = []
    for number, group in enumerate(groups):
        layer = seen.get(group.table, 0)
        seen[group.table] = layer + 1
        while len(layers) <= layer:
            layers.append([])
        layers[layer].append(number)
    offsets = _offsets(groups)
    tables = {source.table.name: source.table for group in groups for source in group.sources}
    for layer, members in enumerate(layers):
        for shape in range(3):
            file = layer * 3 + shape
            with closing(sqlite3.connect(folder / f"older-{file}.db")) as connection:
                for number in members:
                    maker = RowMaker(groups[number], offsets[number], tables)
                    rows += maker.write(connection, file, number, shape)
                connection.commit()
    return rows


def _offsets(groups: Sequence[Group]) -> list[int]:
    """Return where the keys of each group begin: those of one target do not meet."""
    seen: dict[str, int] = {}
    offsets = []
    for group in groups:
        target = group.sources[0].table.name
        offsets.append(seen.get(target, 0) * _APART)
        seen[target] = seen.get(target, 0) + 1
    return offsets


class RowMaker:
    """Makes rows of the older table of a group.

    Keys begin at ``offset``, which is a multiple of 1,000: those of one target that begin at 0 are
    what other rows refer to. ``tables`` are the targets of all mappings by name.
    """

    def __init__(self, group: Group, offset: int, tables: Mapping[str, Table]) -> None:
        self._group = group
        self._offset = offset
        self._tables = tables
        self._holds = group.holds()
        self._compared = group.compared()

    def write(
        self, connection: sqlite3.Connection, file: int, number: int, shape: int
    ) -> list[OlderRow]:
        """Make the table of one shape."""
        group = self._group
        optional = [
            name
            for place, name in enumerate(group.optional)
            if shape == 0 or (shape == 2 and Random(f"{SEED} {group.table} {name}").random() < 0.6)  # noqa: S311
        ]
        columns = [*group.required, *optional]
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(f'CREATE TABLE "{group.table}" ({names})')
        keys = [shape * ROWS + row for row in range(ROWS)]
        if shape == 2:
            keys += range(AGAIN)
        rows = []
        for rowid, key in enumerate(keys, start=1):
            rows.append(OlderRow(file, number, rowid, self.row(columns, key, shape)))
        marks = ", ".join("?" * len(columns))
        connection.executemany(
            f'INSERT INTO "{group.table}" ({names}) VALUES ({marks})',  # noqa: S608 - our names
            [list(row.values.values()) for row in rows],
        )
        return rows

    def row(self, columns: Sequence[str], key: int, shape: int) -> dict[str, Any]:
        """Return the values of a row; with another ``shape`` the same key has others."""
        values = {
            name: self._column(name, self._holds[name], self._offset + key, shape)
            for name in columns
        }
        self._zip(values, self._offset + key)
        return values

    def _zip(self, values: dict[str, Any], key: int) -> None:
        for source in self._group.sources:
            if source.said.zipped is None:
                continue
            document, flag = source.said.zipped
            is_plain = flag in values and self._chance(flag, key, 0).random() < 0.4
            if flag in values:
                values[flag] = 0 if is_plain else 1
            data = str(values[document]).encode()
            values[document] = data if is_plain else gzip.compress(data, mtime=0)

    def _chance(self, path: str, key: int, shape: int) -> Random:
        return Random(f"{SEED} {self._group.table} {path} {key} {shape}")  # noqa: S311

    def _column(self, name: str, holds: Holds, key: int, shape: int) -> Any:
        """Return a value as SQLite holds it."""
        chance = self._chance(name, key, shape)
        is_document = holds.kind == "Any" or holds.members or holds.items is not None
        drawn = chance.random()
        is_bound = not is_document and self._bound(name, holds.kind, key) is not None
        if not (self._is_needed(holds) or holds.members or is_bound) and drawn < 0.25:
            return None
        if is_document:
            if not holds.members and chance.random() < 0.1 and holds.has_default:
                return ""
            return json.dumps(self._inner(name, holds, key, shape), ensure_ascii=False)
        value = self._plain(name, holds, key, shape)
        return int(value) if isinstance(value, bool) else value

    @staticmethod
    def _is_needed(holds: Holds) -> bool:
        """Tell whether a value has to be there."""
        column = holds.target
        if column is None:
            return False
        return not (column.nullable or holds.has_default) or _is_key(column, holds.source)

    def _inner(self, path: str, holds: Holds, key: int, shape: int) -> Any:
        """Return a value inside a document."""
        chance = self._chance(path, key, shape)
        if holds.items is not None:
            items = [
                self._inner(f"{path}[]", holds.items, key * 10 + place, shape)
                for place in range(chance.randint(0, 3))
            ]
            return dict(zip(_TEXTS, items, strict=False)) if holds.is_named else items
        if holds.members or (holds.kind == "Any" and holds.target is None):
            found: dict[str, Any] = {}
            for name, member in holds.members.items():
                own = self._chance(f"{path}.{name}", key, shape)
                drawn = own.random()
                if member.members or member.items is not None or self._is_needed(member):
                    drawn = 1.0
                if drawn < 0.25:
                    continue
                found[name] = (
                    None if drawn < 0.35 else self._inner(f"{path}.{name}", member, key, shape)
                )
            found["unread"] = chance.choice(_TEXTS)
            return found
        if holds.kind == "Any":
            return self._document(holds, chance)
        return self._plain(path, holds, key, shape)

    @staticmethod
    def _document(holds: Holds, chance: Random) -> Any:
        column, source = holds.target, holds.source
        if column is None or source is None:
            return chance.choice(_OBJECTS)
        hint = source.hints.get(column.name)
        is_list = (hint is not None and hint.is_list) or "[]" in (column.default or "")
        for terms in (source.terms.get(column.name, ()),):
            is_list = is_list or any(term.literal == [] for term in terms)
        return chance.choice(_LISTS if is_list else _OBJECTS)

    def _plain(self, path: str, holds: Holds, key: int, shape: int) -> Any:
        chance = self._chance(path, key, shape)
        column, source = holds.target, holds.source
        kind = holds.kind
        if column is not None and source is not None:
            shared = self._shared(column.name, source.table)
            if shared is not None:
                return f"{shared}-{key}"
            parent = _parent(column, source)
            if parent == source.table.name:
                return None if key % _APART < ROWS else f"{parent}-{self._offset + key % 3}"
            if parent is not None:
                # The first file of each target has these.
                return f"{parent}-{chance.randrange(3)}"
            if _is_key(column, source):
                listed = source.allowed(column.name)
                if listed and len(source.mapped.key) > 1:
                    # A part of a key that takes some texts only; the rest tells rows apart.
                    return listed[key % len(listed)]
                return key + 1 if kind in {"int", "bigint"} else self._key(column, source, key)
            texts = source.allowed(column.name)
            if texts:
                odd = holds.has_default and chance.random() < 0.15
                others = [t for t in self._named(path) if isinstance(t, str) and t not in texts]
                return chance.choice((_UNKNOWN, *others)) if odd else chance.choice(texts)
            if kind == "str" and chance.random() < 0.1 and column.nullable:
                return ""
        bound = self._bound(path, kind, key)
        if bound is not None:
            return bound
        return _value(kind, holds.form, chance, f"{path} {key}")

    def _shared(self, column: str, table: Table) -> str | None:
        """Return what the values of a column begin with that a key of several columns is part of.

        Each column of such a key has the number of the row, so that together they name a parent.
        """
        for key in table.foreign_keys:
            if len(key.columns) > 1 and column in key.columns:
                target = key.target_columns[key.columns.index(column)]
                parent = self._tables.get(key.target_table)
                further = None if parent is None else self._shared(target, parent)
                return further or (
                    target if parent and not _is_first(target, parent) else key.target_table
                )
        return None

    def _named(self, path: str) -> Sequence[Any]:
        """Return what a column or member is compared with."""
        return self._compared.get(path.removesuffix("[]").rpartition(".")[2], ())

    def _bound(self, path: str, kind: str, key: int) -> Any:
        """Return a value that the SELECT compares with, or one beside it; None in every other row.

        The bound and what is just above it are in rows whose keys no other file has.
        """
        numbers: list[Any] = []
        texts: list[Any] = []
        for value in self._named(path):
            if isinstance(value, str):
                texts.append(value)
            else:
                # What a rule of the target may refuse is in a row that is one file's alone.
                is_shared = key % _APART < AGAIN
                numbers += [value, value + 1] if is_shared else [value, value + 1, value - 1]
        values: list[Any] = []
        if kind in {"int", "bigint"}:
            values = [value for value in numbers if isinstance(value, int)]
        elif kind == "float":
            values = [float(value) for value in numbers]
        elif kind == "str":
            values = texts
        if not values or key % 2:
            return None
        return values[(key % _APART - AGAIN) // 2 % len(values)]

    def _key(self, column: Column, source: Source, key: int) -> str:
        parents = [k.target_table for k in source.table.foreign_keys if column.name in k.columns]
        first = _is_first(column.name, source.table)
        named = parents[0] if parents else source.table.name if first else column.name
        base = f"{named}-{key}"
        folded = any(
            term.function in {"lower", "normal_email"} for term in source.terms.get(column.name, ())
        )
        # With a capital that SQLite's own lower() does not know.
        return f"\u00c4{base.capitalize()}" if folded else base


def _is_first(column: str, table: Table) -> bool:
    return table.primary_key[:1] == (column,) or column == "id"


def _is_key(column: Column, source: Source | None) -> bool:
    if source is None:
        return False
    keys = {*source.mapped.key, *source.table.primary_key}
    return column.name in keys or (column.name == "id" and not column.nullable)


def _parent(column: Column, source: Source) -> str | None:
    """Return the table of another target that a column refers to."""
    for key in source.table.foreign_keys:
        if column.name in key.columns and column.name not in source.mapped.key[:1]:
            return key.target_table
    return None


def _value(kind: str, form: str, chance: Random, place: str) -> Any:
    if kind in {"int", "bigint"}:
        return chance.choice(_NUMBERS)
    if kind == "float":
        return chance.choice(_FRACTIONS)
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "bytes":
        return chance.choice((b"\x00\x01", b"abc", b"\xff" * 8))
    if kind == "datetime":
        moment = _START + timedelta(microseconds=chance.randrange(40 * 86_400 * 10**6))
        if form == "unix":
            return moment.timestamp()
        drawn = chance.random()
        if drawn < 0.3:
            return moment.strftime("%Y-%m-%d %H:%M:%S")
        if drawn < 0.5:
            return moment.isoformat()
        zone = UTC if form == "utc" else ZoneInfo(ZONE)
        return moment.astimezone(zone).replace(tzinfo=None).isoformat()
    # Of its own in each column and row.
    return f"{place}: {chance.choice(_TEXTS)}"
