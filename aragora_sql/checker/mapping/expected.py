"""What the target holds after a move, by what the comments of the mappings say alone."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aragora_sql.checker.mapping.older import ZONE, OlderRow
from aragora_sql.checker.mapping.shapes import ITEM, MEMBER, PLACE, Group, Source
from aragora_sql.checker.mapping.values import Condition, Term
from aragora_sql.database.values import dump_json, format_timestamp
from aragora_sql.engines.schema_files import SchemaFile
from aragora_sql.migration.mappings import Merge
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.terms import search_terms
from aragora_sql.stores.users.emails import normal_email

__all__ = ["Expected", "Rules", "expected_rows", "merged", "same"]

_GZIP = 16 + zlib.MAX_WBITS
_ANCIENT = datetime.min.replace(tzinfo=UTC)
_FUNCTIONS: dict[str, Callable[[str], str | None]] = {
    "topic_hash": topic_hash,
    "topic_terms": lambda text: " ".join(search_terms(text)),
    "lower": str.lower,
    "normal_email": normal_email,
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest() if text else None,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """A row of a target: of which mapping and older row, with the values that are known."""

    source: Source
    older: OlderRow
    values: dict[str, Any]


def expected_rows(
    groups: Sequence[Group], rows: Sequence[OlderRow], rules: Rules
) -> dict[str, list[Expected]]:
    """Return the rows by target table, before those of one key are merged."""
    found: dict[str, list[Expected]] = {}
    for row in rows:
        group = groups[row.group]
        for source in group.sources:
            for values in _rows_of(group, source, row):
                expected = Expected(source, row, values)
                if rules.are_kept_by(expected):
                    found.setdefault(source.table.name, []).append(expected)
    return found


def _rows_of(group: Group, source: Source, row: OlderRow) -> Iterator[dict[str, Any]]:
    if not source.said.unpacked:
        yield _Reading(group, source, row.values, None, 0).row()
        return
    column, *within = source.said.unpacked
    if source.said.filled:
        if row.values.get(column) not in (None, ""):
            yield _Reading(group, source, row.values, None, 0).row()
        return
    items = _inside(_document(group, row.values, column), within)
    if isinstance(items, dict):
        for place, (name, item) in enumerate(items.items(), start=1):
            yield _Reading(group, source, row.values, item, place, name).row()
        return
    for place, item in enumerate(items if isinstance(items, list) else (), start=1):
        yield _Reading(group, source, row.values, item, place).row()


def _document(group: Group, values: Mapping[str, Any], column: str) -> Any:
    """Return the document in a column; None where there is none."""
    data: Any = values.get(column)
    if isinstance(data, bytes) and any(
        source.said.zipped and source.said.zipped[0] == column for source in group.sources
    ):
        is_zipped = data[:2] == b"\x1f\x8b"
        data = (zlib.decompress(data, wbits=_GZIP) if is_zipped else data).decode()
    try:
        return json.loads(data) if isinstance(data, str) else None
    except ValueError:
        return None


_MISSING = object()


def _member(group: Group, values: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return a value by the path from a column; ``_MISSING`` where no member is."""
    if len(path) == 1:
        return values.get(path[0])
    return _inside(_document(group, values, path[0]), path[1:])


def _inside(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return _MISSING
        document = document[name]
    return document


@dataclass(frozen=True, slots=True)
class _Reading:
    """One row that a mapping gives."""

    group: Group
    source: Source
    values: Mapping[str, Any]
    item: Any
    place: int
    member: str = ""

    def row(self) -> dict[str, Any]:
        """Return the values of the target's columns."""
        return {
            name: self._value(name, terms) for name, terms in self.source.terms.items() if terms
        }

    def _value(self, name: str, terms: Sequence[Term]) -> Any:
        column = self.source.table.column(name)
        if column is None:
            return None
        allowed = self.source.allowed(name)
        for place, term in enumerate(terms):
            if not self._holds(term.condition):
                continue
            value = term.literal if term.is_literal else self._given(term)
            if value is _MISSING:
                continue
            if value is None:
                if term.modifier == "present":
                    return None
                continue
            if term.modifier == "nonblank" and value == "":
                continue
            if term.modifier == "nonzero" and value == 0:
                continue
            if not term.is_literal:
                value = self._converted(column.python_type, name, value, term)
                if value is None:
                    continue
            literals = [one.literal for one in terms[place + 1 :] if one.is_literal]
            if allowed and value not in allowed and literals:
                # What is there and unknown is not looked for elsewhere.
                return literals[0]
            return bool(value) if column.python_type == "bool" else value
        return None

    def _holds(self, condition: Condition | None) -> bool:
        if condition is None:
            return True
        value = self.values.get(condition.column)
        return value in condition.among if condition.among else bool(value and value > 0)

    def _given(self, term: Term) -> Any:
        if term.parts:
            texts = [one.literal if one.is_literal else self._given(one) for one in term.parts]
            return None if None in texts or _MISSING in texts else "".join(map(str, texts))
        if term.source == (PLACE,):
            return self.place
        if term.source == (MEMBER,):
            return self.member
        if term.function == "others":
            return self._others(term)
        if term.source[0] == ITEM:
            value = _inside(self.item, term.source[1:])
        else:
            value = _member(self.group, self.values, term.source)
        if term.function and isinstance(value, str):
            return _FUNCTIONS[term.function](value)
        return value

    def _others(self, term: Term) -> Any:
        """Return a document without the members that columns or rows are made of."""
        head = term.source[0]
        document = self.item if head == ITEM else _document(self.group, self.values, head)
        if not isinstance(document, dict):
            return None
        read = {
            one.source[1]
            for source in ([self.source] if head == ITEM else self.group.sources)
            for terms in source.terms.values()
            for one in terms
            if one.source[:1] == (head,) and len(one.source) > 1
        }
        if head != ITEM:
            read |= {
                source.said.unpacked[1]
                for source in self.group.sources
                if source.said.unpacked[:1] == (head,)
            }
        return {name: value for name, value in document.items() if name not in read}

    def _converted(self, python_type: str, name: str, value: Any, term: Term) -> Any:
        if python_type == "Any":
            if term.function == "others" or len(term.source) > 1:
                return value
            return _document(self.group, self.values, term.source[0])
        if python_type == "datetime":
            return _timestamp(value, is_utc=name in self.source.mapped.utc)
        if python_type == "bool":
            return bool(value)
        if python_type == "float":
            return float(value)
        return value


def _timestamp(value: Any, *, is_utc: bool) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        zone = UTC if is_utc or " " in value else ZoneInfo(ZONE)
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


class Rules:
    """The CHECK rules of the targets, as SQLite knows them: what breaks one is to be rejected."""

    def __init__(self, files: Sequence[SchemaFile]) -> None:
        self._connection = sqlite3.connect(":memory:")
        for file in files:
            self._connection.executescript(file.text)
        self._connection.execute("PRAGMA foreign_keys = OFF")

    def close(self) -> None:
        """Forget the tables."""
        self._connection.close()

    def are_kept_by(self, row: Expected) -> bool:
        """Tell whether a table takes the row, as far as its CHECK rules go."""
        names = ", ".join(f'"{name}"' for name in row.values)
        marks = ", ".join("?" * len(row.values))
        statement = f'INSERT INTO "{row.source.table.name}" ({names}) VALUES ({marks})'  # noqa: S608
        try:
            self._connection.execute(statement, [_stored(value) for value in row.values.values()])
        except sqlite3.IntegrityError as error:
            # What is missing or there twice is for others to say.
            return not str(error).startswith("CHECK")
        except sqlite3.Error:
            return True
        finally:
            self._connection.rollback()
        return True


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, dict | list):
        return dump_json(value)
    return int(value) if isinstance(value, bool) else value


def merged(rows: Sequence[Expected]) -> dict[str, Any] | None:
    """Return what becomes of rows of one key; None where the comments do not say it.

    Copies are told by what files have in common, which is not looked at here.
    """
    # Those that give way to others say nothing beside them.
    rows = [row for row in rows if not row.source.mapped.merge.last] or rows
    values = [row.values for row in rows]
    mapped = rows[0].source.mapped
    if len(rows) == 1 or all(same(one, values[0]) for one in values):
        return values[0]
    merge = mapped.merge
    if mapped.copies or merge.choice == "renumber" or merge.conflict or merge.distinct:
        return None
    if merge.newest is not None and any(merge.newest not in one for one in values):
        return None
    return _by_rules(values, merge)


def _by_rules(values: Sequence[dict[str, Any]], merge: Merge) -> dict[str, Any]:
    chosen = values[0]
    if merge.choice == "newest" and merge.newest is not None:
        newest = merge.newest
        # Of equal ones the last.
        chosen = max(reversed(values), key=lambda row: row[newest] or _ANCIENT)
    result = dict(chosen)
    if merge.choice == "none":
        return result
    for name in merge.earliest:
        result[name] = min(values, key=lambda row: row[name] or _ANCIENT)[name]
    for name in merge.add:
        result[name] = sum(row[name] or 0 for row in values)
    for name, weight in merge.mean:
        total = sum(row[weight] or 0 for row in values)
        if total:
            result[name] = sum(row[name] * (row[weight] or 0) for row in values) / total
    for name in merge.fill:
        known = [row[name] for row in (chosen, *values) if row[name] is not None]
        result[name] = known[0] if known else None
    for kept in merge.keep:
        # A sign that is computed is not known here: nor is then what is kept.
        known_signs = all(name in row for row in values for name in kept.signs)
        having = [
            row
            for row in (chosen, *values)
            if not known_signs or any(kept.is_sign(row[name]) for name in kept.signs)
        ]
        if known_signs and (not having or having[0] is chosen):
            continue
        # What is computed is not known here, so whose values are kept is not known either.
        donor: dict[str, Any] = {}
        if kept.same is None and known_signs:
            donor = max(reversed(having), key=lambda row: row[merge.newest or ""] or _ANCIENT)
        for name in kept.columns:
            result.pop(name, None)
        result.update((name, donor[name]) for name in kept.columns if name in donor)
    return result


def same(one: Any, two: Any) -> bool:
    """Tell whether two values are equal, floats to the rounding of a sum."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(
            same(value, two[name]) for name, value in one.items()
        )
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) <= 1e-12 * max(abs(one), abs(two), 1.0)
    return bool(one == two)
