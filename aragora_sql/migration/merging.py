"""Makes one record of the rows that several files (or one without a primary key) hold of it.

The files are read side by side in the order of the key, so memory stays bounded. Rows that are
equal in every column are one. Others follow the mapping's merge rules; what the rules don't name
comes from the row that they choose.
"""

from __future__ import annotations

import heapq
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from aragora_sql.migration.bad_values import BadValueError
from aragora_sql.migration.loading import BadRowError, Loader, SourceRow
from aragora_sql.migration.mappings import ROWID_COLUMN, Mapping
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.timestamps import unix_timestamp

__all__ = ["MergedRow", "Part", "in_order", "merged_rows"]

_ANCIENT = datetime.min.replace(tzinfo=UTC)
# The number of a part, and a row in its shape.
_Numbered = tuple[int, SourceRow]
_SortKey = tuple[tuple[int, Any], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A file, the mapping of its table, and a loader that knows the shape of its rows.

    ``duplicates`` returns the rowids of those rows of a batch that are to be left out.
    """

    source: SourceFile
    mapping: Mapping
    loader: Loader
    duplicates: Callable[[Sequence[SourceRow]], set[int]]


# Gives the new number of a row of a part.
Renumber = Callable[[Part, SourceRow], int]


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A row in the shape of a part, made of ``1 + folded`` rows of the source.

    A duplicate is left out on request, and never merged.
    """

    part: int
    row: SourceRow
    folded: int
    is_duplicate: bool = False


def merged_rows(
    parts: Sequence[Part],
    key: Sequence[str],
    renumber: Renumber,
    batch_size: int,
) -> Iterator[MergedRow]:
    """Read the rows of all parts in the order of their key and merge those of one key.

    An empty ``key`` means every column; ``renumber`` gives the new number of a row.
    """

    def rows_of(number: int, part: Part) -> Iterator[tuple[_SortKey, int, SourceRow, bool]]:
        names = key or part.loader.columns
        places = [part.loader.result_columns.index(name) for name in names]
        order = ", ".join(f'"{name}"' for name in [*names, ROWID_COLUMN])
        for batch in part.source.read(part.mapping, _FIRST, _LAST, batch_size, order=order):
            duplicates = part.duplicates(batch)
            for row in batch:
                sort_key = tuple(_rank(row[place]) for place in places)
                yield sort_key, number, row, row[0] in duplicates

    streams = [rows_of(number, part) for number, part in enumerate(parts)]
    ordered = heapq.merge(*streams, key=lambda item: (item[0], item[1], item[2][0]))

    def merged() -> Iterator[MergedRow]:
        for sort_key, group in groupby(ordered, key=lambda item: item[0]):
            rows: list[_Numbered] = []
            for _, number, row, is_duplicate in group:
                if is_duplicate:
                    yield MergedRow(number, row, 0, is_duplicate=True)
                else:
                    rows.append((number, row))
            if len(rows) <= 1 or (key and any(rank == 0 for rank, _ in sort_key)):
                # A row without a key is never the same record as another one.
                for number, row in rows:
                    yield MergedRow(number, row, 0)
            else:
                yield from _merge_group(rows, parts, renumber)

    rule = parts[0].mapping.merge.number
    return merged() if rule is None else _numbered(merged(), parts, key[0], *rule)


_FIRST, _LAST = -(2**63), 2**63 - 1


def in_order(rows: Iterable[MergedRow], parts: Sequence[Part], column: str) -> Iterator[MergedRow]:
    """Sort rows by a timestamp, then by their file and place; on disk when there are many."""
    with closing(sqlite3.connect("")) as scratch:
        scratch.execute(
            "CREATE TABLE sorted (timestamp REAL, part INTEGER, place INTEGER, row BLOB)"
        )
        scratch.executemany(
            "INSERT INTO sorted VALUES (?, ?, ?, ?)",
            (
                (
                    _timestamp(parts[row.part].loader, row.row, column).timestamp(),
                    row.part,
                    row.row[0],
                    pickle.dumps(row),
                )
                for row in rows
            ),
        )
        for (stored,) in scratch.execute("SELECT row FROM sorted ORDER BY timestamp, part, place"):
            yield pickle.loads(stored)  # noqa: S301 - written above


def _numbered(
    rows: Iterable[MergedRow], parts: Sequence[Part], parent: str, column: str, by: str
) -> Iterator[MergedRow]:
    """Count the rows of a parent again, in the order of a timestamp, where two share a number."""

    def value(row: MergedRow, name: str) -> Any:
        return row.row[parts[row.part].loader.result_columns.index(name)]

    for _, group in groupby(rows, key=lambda row: _rank(value(row, parent))):
        of_parent = list(group)
        if len({value(row, column) for row in of_parent}) < len(of_parent):
            of_parent.sort(
                key=lambda row: (
                    _timestamp(parts[row.part].loader, row.row, by),
                    row.part,
                    _rank(value(row, column)),
                )
            )
            for number, row in enumerate(of_parent, start=1):
                place = parts[row.part].loader.result_columns.index(column)
                changed = (*row.row[:place], number, *row.row[place + 1 :])
                yield MergedRow(row.part, changed, row.folded)
        else:
            yield from of_parent


def _rank(value: Any) -> tuple[int, Any]:
    """Order values as SQLite does: NULL, numbers, text (by its bytes), BLOBs."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value.encode("utf-8", "surrogatepass")
    # Damaged text sorts among text by its bytes.
    return (2 if type(value) is not bytes else 3), bytes(value)


def _merge_group(
    rows: list[_Numbered], parts: Sequence[Part], renumber: Renumber
) -> Iterator[MergedRow]:
    distinct: dict[Any, _Numbered] = {}
    for number, row in rows:
        distinct.setdefault((parts[number].mapping.name, row[1:]), (number, row))
    folded = len(rows) - len(distinct)
    valid: list[_Numbered] = []
    bad: list[_Numbered] = []
    for item in distinct.values():
        try:
            parts[item[0]].loader.convert(item[1])
        except BadRowError:
            bad.append(item)
        else:
            valid.append(item)
    # Each bad row is rejected by itself, and does not spoil the others.
    for place, (number, row) in enumerate(bad):
        yield MergedRow(number, row, 0 if valid or place else folded)
    if valid:
        yield from _merge_distinct(valid, folded, parts, renumber)


def _merge_distinct(
    valid: list[_Numbered],
    folded: int,
    parts: Sequence[Part],
    renumber: Renumber,
) -> Iterator[MergedRow]:
    number, row = valid[0]
    choice = parts[number].mapping.merge.choice
    if choice == "none":
        yield MergedRow(number, row, folded)
        yield from (MergedRow(number, row, 0) for number, row in valid[1:])
        return
    if choice == "renumber":
        yield MergedRow(number, row, folded)
        for number, row in valid[1:]:
            part = parts[number]
            place = part.loader.result_columns.index(part.mapping.key[0])
            fresh = renumber(part, row)
            yield MergedRow(number, (*row[:place], fresh, *row[place + 1 :]), 0)
        return
    number, row = _merge_valid(valid, parts)
    yield MergedRow(number, row, folded + len(valid) - 1)


def _timestamp(loader: Loader, row: SourceRow, name: str) -> datetime:
    """Return a timestamp of a row; the beginning of time when it has none."""
    columns = loader.result_columns
    given = row[columns.index(name)] if name in columns else None
    try:
        if isinstance(given, str):
            return loader.reader.timestamp(given, naive_is_utc=name in loader.mapping.utc)
        if isinstance(given, int | float) and name in loader.mapping.unix:
            return unix_timestamp(given)
    except BadValueError:
        pass
    return _ANCIENT


def _merge_valid(valid: list[_Numbered], parts: Sequence[Part]) -> _Numbered:
    rules = parts[valid[0][0]].mapping.merge

    def value(item: _Numbered, name: str) -> Any:
        columns = parts[item[0]].loader.result_columns
        return item[1][columns.index(name)] if name in columns else None

    def timestamp(item: _Numbered, name: str) -> datetime:
        return _timestamp(parts[item[0]].loader, item[1], name)

    chosen = valid[0]
    newest = rules.newest
    if newest is not None:
        # The later file, and the later row of a file, when the times are equal.
        chosen = max(reversed(valid), key=lambda item: timestamp(item, newest))
    if len(valid) == 1:
        return chosen
    changes: dict[str, Any] = {}
    for name in rules.earliest:
        changes[name] = value(min(valid, key=lambda item: timestamp(item, name)), name)
    for name, weight in rules.mean:
        pairs = [(value(item, name), value(item, weight)) for item in valid]
        changes[name] = _mean(pairs, value(chosen, name))
    for name in rules.add:
        changes[name] = sum(value(item, name) or 0 for item in valid)
    for name in rules.fill:
        known = [v for v in (value(item, name) for item in [chosen, *valid]) if v is not None]
        changes[name] = known[0] if known else None
    columns = parts[chosen[0]].loader.result_columns
    merged = [changes.get(name, old) for name, old in zip(columns, chosen[1], strict=True)]
    return chosen[0], tuple(merged)


def _mean(pairs: Iterable[tuple[Any, Any]], otherwise: Any) -> Any:
    known = [(value, weight or 0) for value, weight in pairs if value is not None]
    total = sum(weight for _, weight in known)
    if not total:
        return otherwise
    return sum(value * weight for value, weight in known) / total
