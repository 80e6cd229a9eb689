"""Makes one record of the rows that several files (or one without a primary key) hold of it.

The files are read side by side in the order of the key, so memory stays bounded. Rows that are
equal in every column are one. Others follow the mapping's merge rules; what the rules don't name
comes from the row that they choose.
"""

from __future__ import annotations

import heapq
import pickle
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from aragora_sql.migration.bad_values import BadValueError
from aragora_sql.migration.loading import BadRowError, Loader, SourceRow
from aragora_sql.migration.mappings import ROWID_COLUMN, Kept, Mapping, Merge
from aragora_sql.migration.sources import SourceFile
from aragora_sql.migration.timestamps import TimestampReader, unix_timestamp

__all__ = [
    "COUNTERS",
    "Dropped",
    "MergedRow",
    "Part",
    "in_order",
    "merged_rows",
    "timestamp_of",
]

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
class Dropped:
    """A row that differs from the one that it was merged into, and what became of it."""

    part: int
    row: SourceRow
    reason: str


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A row in the shape of a part, made of ``1 + folded`` rows of the source.

    Those of them that differ from it are ``dropped``. A duplicate is left out on request, and never
    merged. What has a ``refusal``, a column and a reason, is rejected.
    """

    part: int
    row: SourceRow
    folded: int
    is_duplicate: bool = False
    dropped: tuple[Dropped, ...] = ()
    refusal: tuple[str, str] | None = None


def merged_rows(
    parts: Sequence[Part],
    key: Sequence[str],
    renumber: Renumber,
    are_related: Callable[[Part, Part], bool],
    batch_size: int,
) -> Iterator[MergedRow]:
    """Read the rows of all parts in the order of their key and merge those of one key.

    An empty ``key`` means every column; ``renumber`` gives the new number of a row; ``are_related``
    tells whether the file of one part is a copy of another's.
    """
    group_of = _Group(parts, renumber, are_related)

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
                yield from group_of.merge(rows)

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
                yield replace(row, row=changed)
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


OLDER = "an older version of the record; the newest is in the target"
COPY = "a copy of a record that another file holds; the newest is in the target"
ADDED = "another file's record of the same key; its counts were added up"
OTHER = "another version of the record; the first is in the target"
# In place of columns: copies of a record without a creation time, whose counters only grow.
COUNTERS = frozenset({"counters"})


class _Group:
    """Makes one record of the rows of one key."""

    def __init__(
        self,
        parts: Sequence[Part],
        renumber: Renumber,
        are_related: Callable[[Part, Part], bool],
    ) -> None:
        self._parts = parts
        self._renumber = renumber
        self._are_related = are_related

    def merge(self, rows: list[_Numbered]) -> Iterator[MergedRow]:
        """Merge rows that are equal in every column, then the others; bad ones stay apart."""
        distinct: dict[Any, _Numbered] = {}
        for number, row in rows:
            distinct.setdefault((self._parts[number].mapping.name, row[1:]), (number, row))
        folded = len(rows) - len(distinct)
        valid: list[_Numbered] = []
        bad: list[_Numbered] = []
        for item in distinct.values():
            try:
                self._parts[item[0]].loader.convert(item[1])
            except BadRowError:
                bad.append(item)
            else:
                valid.append(item)
        # Each bad row is rejected by itself, and does not spoil the others.
        for place, (number, row) in enumerate(bad):
            yield MergedRow(number, row, 0 if valid or place else folded)
        if valid:
            yield from self._merge_distinct(valid, folded)

    def _merge_distinct(self, valid: list[_Numbered], folded: int) -> Iterator[MergedRow]:
        number, row = valid[0]
        choice = self._parts[number].mapping.merge.choice
        if choice == "none":
            yield MergedRow(number, row, folded)
            yield from (MergedRow(number, row, 0) for number, row in valid[1:])
        elif choice == "renumber":
            yield from self._renumbered(valid, folded)
        else:
            yield from self._merge_valid(valid, folded)

    def _renumbered(self, valid: list[_Numbered], folded: int) -> Iterator[MergedRow]:
        for place, copies in enumerate(self._copies(valid)):
            number, row = chosen = self._newest(copies)
            dropped = _dropped(copies, chosen, COPY)
            if place:
                part = self._parts[number]
                column = part.loader.result_columns.index(part.mapping.key[0])
                row = (*row[:column], self._renumber(part, row), *row[column + 1 :])
            folded_here = len(dropped) + (0 if place else folded)
            yield MergedRow(number, row, folded_here, dropped=dropped)

    def _merge_valid(self, valid: list[_Numbered], folded: int) -> Iterator[MergedRow]:
        rules = self._parts[valid[0][0]].mapping.merge
        chosen = valid[0] if rules.newest is None else self._newest(valid)
        for item, column, reason in self._refused(valid, chosen, rules):
            valid = [other for other in valid if other is not item]
            yield MergedRow(*item, 0, refusal=(column, reason))
        if len(valid) == 1:
            yield MergedRow(*chosen, folded)
            return
        groups = self._copies(valid)
        newest = [self._newest(copies) for copies in groups]
        changes: dict[str, Any] = {}
        for name in rules.earliest:
            first = min(valid, key=lambda item: self._timestamp(item, name))
            changes[name] = self._value(first, name)
        for name, weight in rules.mean:
            pairs = [(self._value(item, name), self._value(item, weight)) for item in newest]
            changes[name] = _mean(pairs, self._value(chosen, name))
        for name in rules.add:
            # Of copies that both went on, the part that they share must not count twice.
            changes[name] = sum(
                max(self._value(item, name) or 0 for item in copies) for copies in groups
            )
        for name in rules.fill:
            known = (self._value(item, name) for item in [chosen, *valid])
            changes[name] = next((value for value in known if value is not None), None)
        # Those of another shape may not know the columns.
        for rule in self._parts[chosen[0]].mapping.merge.keep:
            changes.update(self._kept(valid, chosen, rule))
        columns = self._parts[chosen[0]].loader.result_columns
        merged = [changes.get(name, old) for name, old in zip(columns, chosen[1], strict=True)]
        otherwise = OTHER if rules.newest is None else OLDER
        dropped: tuple[Dropped, ...] = ()
        for copies, of_copies in zip(groups, newest, strict=True):
            dropped += _dropped(copies, of_copies, COPY if rules.add else otherwise)
            if of_copies is not chosen:
                dropped += (Dropped(*of_copies, ADDED if rules.add else otherwise),)
        yield MergedRow(chosen[0], tuple(merged), folded + len(dropped), dropped=dropped)

    def _kept(self, valid: list[_Numbered], chosen: _Numbered, rule: Kept) -> dict[str, Any]:
        """Return the columns that the chosen row lacks and another one has."""

        def has_sign(item: _Numbered) -> bool:
            return any(rule.is_sign(self._value(item, name)) for name in rule.signs)

        def is_same(item: _Numbered) -> bool:
            same = rule.same
            return same is None or self._value(item, same) == self._value(chosen, same)

        having = [item for item in valid if has_sign(item) and is_same(item)]
        if not having or has_sign(chosen):
            return {}
        newest = self._newest(having)
        return {name: self._value(newest, name) for name in rule.columns}

    def _refused(
        self, valid: list[_Numbered], chosen: _Numbered, rules: Merge
    ) -> Iterator[tuple[_Numbered, str, str]]:
        """Return rows whose key became the chosen one's, and which are about something else."""
        files = Counter(number for number, _ in valid)
        for item in valid if rules.conflict or rules.distinct else ():
            if item is chosen:
                continue
            conflict = rules.conflict if files[item[0]] > 1 else ()
            for column in (*conflict, *rules.distinct):
                if self._value(item, column) != self._value(chosen, column):
                    part = self._parts[chosen[0]]
                    key = ", ".join(part.mapping.key)
                    yield (
                        item,
                        column,
                        f"has the same key ({key}) in the target as row {chosen[1][0]} of "
                        f"{part.source.name}, and another {column}",
                    )
                    break

    def _copies(self, valid: list[_Numbered]) -> list[list[_Numbered]]:
        """Put those rows together that are copies of one record."""
        groups: list[list[_Numbered]] = []
        for item in valid:
            for group in groups:
                if any(self._is_copy(item, other) for other in group):
                    group.append(item)
                    break
            else:
                groups.append([item])
        return groups

    def _is_copy(self, one: _Numbered, other: _Numbered) -> bool:
        part, of_other = self._parts[one[0]], self._parts[other[0]]
        columns = part.mapping.copies
        # Rows of one file are records of their own, and so are those of unrelated files.
        if part.source is of_other.source or not self._are_related(part, of_other):
            return False
        if columns != COUNTERS:
            return bool(columns) and all(
                self._value(one, name) == self._value(other, name) for name in columns
            )
        older, newer = sorted(
            (other, one), key=lambda item: self._timestamp(item, part.mapping.merge.newest or "")
        )
        return all(
            (self._value(older, name) or 0) <= (self._value(newer, name) or 0)
            for name in part.mapping.merge.add
        )

    def _newest(self, rows: list[_Numbered]) -> _Numbered:
        """Return the newest row: in a consolidated file, a later file, a later row where equal.

        Before that one goes in which the column ``without`` of the rules is NULL.
        A mapping that is last comes behind the others, however new its row is.
        """
        rules = self._parts[rows[0][0]].mapping.merge
        name = rules.newest
        preferred = self._preferred(rows, rules)

        def rank(item: _Numbered) -> tuple[bool, bool, datetime, bool, bool]:
            timestamp = _ANCIENT if name is None else self._timestamp(item, name)
            is_preferred = self._record(item, rules) in preferred
            part = self._parts[item[0]]
            is_first = not part.mapping.merge.last
            is_without = rules.without is not None and self._value(item, rules.without) is None
            return is_first, is_preferred, timestamp, is_without, part.source.is_consolidated

        return max(reversed(rows), key=rank)

    def _preferred(self, rows: list[_Numbered], rules: Merge) -> set[tuple[Any, ...]]:
        """Return those of several records of one key that are to stay."""
        if rules.prefer is None:
            return set()
        one, other = rules.prefer
        return {
            self._record(item, rules)
            for item in rows
            if self._value(item, one) == self._value(item, other)
        }

    def _record(self, item: _Numbered, rules: Merge) -> tuple[Any, ...]:
        return tuple(self._value(item, name) for name in rules.distinct)

    def _value(self, item: _Numbered, name: str) -> Any:
        columns = self._parts[item[0]].loader.result_columns
        return item[1][columns.index(name)] if name in columns else None

    def _timestamp(self, item: _Numbered, name: str) -> datetime:
        return _timestamp(self._parts[item[0]].loader, item[1], name)


def _dropped(rows: list[_Numbered], chosen: _Numbered, reason: str) -> tuple[Dropped, ...]:
    return tuple(Dropped(*item, reason) for item in rows if item is not chosen)


def _timestamp(loader: Loader, row: SourceRow, name: str) -> datetime:
    """Return a timestamp of a row; the beginning of time when it has none."""
    columns = loader.result_columns
    given = row[columns.index(name)] if name in columns else None
    return timestamp_of(given, name, loader.mapping, loader.reader) or _ANCIENT


def timestamp_of(
    given: Any, name: str, mapping: Mapping, reader: TimestampReader
) -> datetime | None:
    """Return the timestamp that a mapping gives for a column; None when it can't be read."""
    try:
        if isinstance(given, str):
            return reader.timestamp(given, naive_is_utc=name in mapping.utc)
        if isinstance(given, int | float) and name in mapping.unix:
            return unix_timestamp(given)
    except BadValueError:
        pass
    return None


def _mean(pairs: Iterable[tuple[Any, Any]], otherwise: Any) -> Any:
    known = [(value, weight or 0) for value, weight in pairs if value is not None]
    total = sum(weight for _, weight in known)
    if not total:
        return otherwise
    return sum(value * weight for value, weight in known) / total
