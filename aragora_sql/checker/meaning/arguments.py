"""Arguments for a query: hits, near misses, bounds, values of other columns, NULL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from aragora_sql.checker.facts import ParameterFacts, QueryFacts
from aragora_sql.checker.meaning.rows import Row, kind_of
from aragora_sql.checker.meaning.samples import near, sample, some
from aragora_sql.database.values import format_timestamp

__all__ = ["ArgumentMaker"]

_COLUMN = r'(?:\w+\.)?"?(\w+)"?'
_CAST = r"(?:::\w+(?: precision)?)?"
# Where a query sets a parameter beside a column.
_BESIDE = (
    _COLUMN + r"\s*(?:=|<>|>=|<=|>|<|IS NOT DISTINCT FROM|IS DISTINCT FROM|IS)\s*\(?\s*:{}\b",
    _COLUMN + r"\s*=\s*any\(\s*:{}\b",
    _COLUMN + r"\s*=\s*coalesce\(\s*:{}\b",
    r":{}" + _CAST + r"\s*(?:=|<>|>=|<=|>|<)\s*" + _COLUMN,
    _COLUMN + r"\s+IN\s*\(\s*SELECT\s+[\w.]+\s+FROM\s+json_each\(\s*:{}\b",
)
_ROW_VALUES = re.compile(r"\(([\w.\",\s]+)\)\s*[<>]=?\s*\(([^()]+)\)")
_PREFIXES = ("new_", "after_", "before_", "old_", "min_", "max_", "only_", "given_")
_COUNT = re.compile(r"(?:LIMIT|OFFSET)\s*\(?\s*:(\w+)", re.IGNORECASE)
# Members of the objects that a document lists, and the places of values in inner lists.
_MEMBER = re.compile(r"->>?\s*'(\w+)'(?:\s*\)\s*::(\w+))?")
_KINDS = {"integer": "int", "bigint": "int", "double": "float", "boolean": "bool"}
_PATH = re.compile(r"'\$\.(\w+)'")
_PLACE = re.compile(r"value\s*->>?\s*(\d+)\)?(?:::(\w+))?[^,\n]*?(?:\bAS\s+(\w+))?\s*(?:,|\n)")

Stored = Mapping[str, Sequence[Row]]


class ArgumentMaker:
    """Makes the arguments of the calls of one query; ``stored`` are the rows by table."""

    def __init__(self, postgres: QueryFacts, sqlite: QueryFacts, stored: Stored) -> None:
        self._postgres = postgres
        self._sqlite = sqlite
        touched = {*postgres.tables_read, *postgres.tables_written, *sqlite.tables_read}
        own = {name: rows for name, rows in stored.items() if name in touched and rows}
        self._stored = own or {name: rows for name, rows in stored.items() if rows}
        self._columns = {p.name: self._column_of(p.name) for p in postgres.parameters}
        # How many rows are wanted, or passed over: below 0 neither engine has a meaning for it.
        self._counts = {*_COUNT.findall(postgres.sql), *_COUNT.findall(sqlite.sql)}
        self._members = dict.fromkeys(_PATH.findall(sqlite.sql), "")
        self._members |= dict(_MEMBER.findall(postgres.sql))

    def make(self, chance: Random) -> dict[str, Any]:
        """Return arguments by name; many calls take most of them from one row, to find it."""
        row = self._row(chance) if self._stored and chance.random() < 0.7 else {}
        return {p.name: self._argument(p, row, chance) for p in self._postgres.parameters}

    def _row(self, chance: Random) -> Row:
        """Return one of a few rows: that which has most of what the parameters are about."""
        return self._row_with([column for column in self._columns.values() if column], chance)

    def _row_with(self, columns: Sequence[str], chance: Random) -> Row:
        rows = [
            chance.choice(self._stored[chance.choice(list(self._stored))])
            for _ in range(chance.choice((1, 8)))
        ]
        return max(rows, key=lambda row: sum(row.get(column) is not None for column in columns))

    def _column_of(self, name: str) -> str:
        """Return the column that a parameter is about; empty when none is known."""
        for text in (self._postgres.sql, self._sqlite.sql):
            for columns, values in _ROW_VALUES.findall(text):
                places = [value.strip().split("::")[0] for value in values.split(",")]
                if f":{name}" in places:
                    column = columns.split(",")[places.index(f":{name}")].strip()
                    bare = str(column).rpartition(".")[2].strip('"')
                    if self._has(bare):
                        return bare
        for text in (self._postgres.sql, self._sqlite.sql):
            for pattern in _BESIDE:
                for found in re.findall(
                    pattern.replace("{}", re.escape(name)), text, re.IGNORECASE
                ):
                    if self._has(found):
                        return str(found)
        stems = [name, *(name.removeprefix(prefix) for prefix in _PREFIXES)]
        stems += [stem.removesuffix("s") for stem in stems]
        return next((stem for stem in stems if self._has(stem)), "")

    def _has(self, column: str) -> bool:
        return any(column in rows[0] for rows in self._stored.values())

    def _values(self, column: str) -> list[Any]:
        return [
            row[column]
            for rows in self._stored.values()
            for row in rows
            if row.get(column) is not None
        ]

    def _argument(self, parameter: ParameterFacts, row: Row, chance: Random) -> Any:
        name = parameter.name
        if name in self._counts:
            return chance.choice((0, 1, 2, 3, 5, 100))
        if parameter.nullable and chance.random() < 0.25:
            return None
        kind = kind_of(parameter.python_type, parameter.type)
        column = self._columns[name]
        if kind.startswith("list["):
            inner = kind[5:-1]
            return [self._one(column, inner, {}, chance) for _ in range(chance.randint(0, 4))]
        if kind == "Any":
            return self._document(name, column, chance)
        return self._one(column, kind, row, chance)

    def _one(self, column: str, kind: str, row: Row, chance: Random) -> Any:
        """Return a value: of the row, of the column, near to one of it, or any."""
        drawn = chance.random()
        values = [value for value in self._values(column) if _fits(value, kind)]
        if _fits(row.get(column), kind) and drawn < 0.85:
            return row[column]
        if values and drawn < 0.75:
            return chance.choice(values)
        if values and drawn < 0.9:
            return near(chance.choice(values), chance)
        return sample(kind, chance, is_key=column.endswith("id"))

    def _document(self, name: str, column: str, chance: Random) -> Any:
        """Return a document of a column, or the list that a query takes apart."""
        sql = self._postgres.sql
        if re.search(rf"jsonb_array_elements_text\(\s*:{name}\b", sql):
            texts = [v for v in self._values(column or "id") if isinstance(v, str)]
            return some(texts or ["k1"], chance)
        if re.search(rf"jsonb_array_elements\(\s*:{name}\b", sql):
            places = {int(place): (kind, as_name) for place, kind, as_name in _PLACE.findall(sql)}
            one = self._inner_list if places else self._object
            return [one(places, chance) for _ in range(chance.randint(0, 3))]
        if re.search(rf"jsonb_to_recordset\(\s*:{name}\b", sql):
            members = re.search(rf":{name}\S*\s*\)\s*AS\s+\w+\s*\(([^)]*)\)", sql)
            typed = [] if members is None else [m.split()[:2] for m in members[1].split(",")]
            return [
                {member: self._typed(member, kind.lower(), chance) for member, kind in typed}
                for _ in range(chance.randint(0, 3))
            ]
        if re.search(rf"jsonb_each(?:_text)?\(\s*:{name}\b", sql):
            return sample("Any", chance)
        values = self._values(column)
        if values and chance.random() < 0.8:
            return chance.choice(values)
        return sample("Any", chance, is_list=any(isinstance(value, list) for value in values))

    def _inner_list(self, places: Mapping[int, tuple[str, str]], chance: Random) -> list[Any]:
        row = self._row_with([name for _, name in places.values()], chance)
        return [
            self._placed(*places.get(place, ("", "")), row, chance)
            for place in range(max(places) + 1)
        ]

    def _placed(self, kind: str, name: str, row: Row, chance: Random) -> Any:
        if chance.random() < 0.8 and row.get(name) is not None:
            return _as_json(row[name])
        if kind == "timestamptz":
            return None if chance.random() < 0.5 else _as_json(sample("datetime", chance))
        return self._member(name, chance) if not kind else sample(_KINDS.get(kind, "str"), chance)

    def _object(self, places: object, chance: Random) -> dict[str, Any]:
        return {member: self._typed(member, kind, chance) for member, kind in self._members.items()}

    def _typed(self, member: str, kind: str, chance: Random) -> Any:
        """Return the value of a member that a query casts to a type of PostgreSQL, if to any."""
        return sample(_KINDS[kind], chance) if kind in _KINDS else self._member(member, chance)

    def _member(self, member: str, chance: Random) -> Any:
        values = self._values(member)
        return _as_json(chance.choice(values)) if values else sample("str", chance)


def _fits(value: Any, kind: str) -> bool:
    names = {"bigint": "int", "Any": type(value).__name__}
    return type(value).__name__ == names.get(kind, kind)


def _as_json(value: Any) -> Any:
    """Return a value as the stores write it into a document."""
    return format_timestamp(value) if isinstance(value, datetime) else value
