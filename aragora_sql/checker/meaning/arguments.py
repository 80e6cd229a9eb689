"""Arguments for a query: hits, near misses, bounds, values of other columns, NULL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import permutations
from random import Random
from typing import Any

from aragora_sql.checker.meaning.hints import declared_values
from aragora_sql.checker.meaning.rows import Row, kind_of
from aragora_sql.checker.meaning.samples import SECONDS, near, sample, some
from aragora_sql.database.values import format_timestamp
from aragora_sql.engines.expressions import stores_given_row
from aragora_sql.engines.facts import ParameterFacts, QueryFacts

__all__ = ["ArgumentMaker"]

_COLUMN = r'(?:\w+\.)?"?(?P<column>\w+)"?'
_NAME = r":(?P<name>\w+)\b"
_CAST = r"(?:::\w+(?: precision)?)?"
# Where a query sets a parameter beside a column.
_BESIDE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_COLUMN}\s*(?:=|<>|>=|<=|>|<|IS NOT DISTINCT FROM|IS DISTINCT FROM|IS)\s*\(?\s*{_NAME}",
        rf"{_COLUMN}\s*=\s*any\(\s*{_NAME}",
        rf"{_COLUMN}\s*=\s*coalesce\(\s*{_NAME}",
        rf"(?<!:){_NAME}{_CAST}\s*(?:=|<>|>=|<=|>|<)\s*{_COLUMN}",
        rf"{_COLUMN}\s+IN\s*\(\s*SELECT\s+[\w.]+\s+FROM\s+json_each\(\s*{_NAME}",
    )
)
_ROW_VALUES = re.compile(r"\(([\w.\",\s]+)\)\s*[<>]=?\s*\(([^()]+)\)")
_PREFIXES = ("new_", "after_", "before_", "old_", "min_", "max_", "only_", "given_")
# Of fewer values it can't be told that they are keys.
_FEW = 6
# SQLite's clock has milliseconds.
_AGES = [abs(one) for one in SECONDS if round(one, 3) == one]
# How often arguments are of one row but for one of them.
_ONE_OFF = 0.4
_COUNT = re.compile(r"(LIMIT|OFFSET)\s*\(?\s*:(\w+)", re.IGNORECASE)
# A parameter that a column has to be below, or above.
_BOUND = re.compile(r"([<>])=?\s*\(?\s*:(\w+)")
_TEXT = re.compile(r"'((?:[^']|'')*)'")
# How far behind a name the texts are that it is compared with: (… = 'a'), (… IN ('a', 'b')).
_COMPARED = (
    r"\b{}\b[)\s]*(?:::\w+\s*)?(?:=|<>|\bIN\b|\bNOT IN\b)\s*\(?\s*('[^()]*?')\s*(?:\)|\s[^,]|$)"
)
_ALIAS = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+(\w+)(?:\s+AS\s+(\w+))?", re.IGNORECASE)
_HAS_TEXT = re.compile(r"(?:\b(\w+)\.)?\b(\w+)\s*=\s*'(\w+)'(?!\s*,?\s*\n\s*\w+ =)")
_PIECE = re.compile(r"[^\W_]+")
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
        self._tables = list(self._stored)
        self._columns = {p.name: self._column_of(p.name) for p in postgres.parameters}
        # How many rows are wanted, or passed over: below 0 neither engine has a meaning for it.
        self._counts = {
            name: word.upper()
            for query in (postgres, sqlite)
            for word, name in _COUNT.findall(query.sql)
        }
        self._bounds = {
            name: sign for query in (postgres, sqlite) for sign, name in _BOUND.findall(query.sql)
        }
        said = (*postgres.text.directives, *sqlite.text.directives)
        self._declared = declared_values(said)
        self._stores_rows = stores_given_row(sqlite.sql, "sqlite")
        self._known: dict[str, list[Any]] = {}
        self._scalars = _scalars(self._stored)
        # What rows have that a query is about: (column, text).
        self._wanted = {
            (column, text)
            for query in (postgres, sqlite)
            for column, text in _texts_of_rows(query.sql, self._stored)
            if self._has(column)
        }
        self._members = dict.fromkeys(_PATH.findall(sqlite.sql), "")
        self._members |= dict(_MEMBER.findall(postgres.sql))

    def on(self, rows: Stored) -> None:
        """Make what follows of other rows, by table; of those tables that the query names."""
        self._stored = {name: rows[name] for name in self._tables if rows.get(name)}
        self._known = {key: held for key, held in self._known.items() if key.startswith("= ")}
        self._scalars = _scalars(self._stored)

    def make(self, chance: Random) -> dict[str, Any]:
        """Return arguments by name; many calls take most of them from one row, to find it."""
        row = self._row(chance) if self._stored and chance.random() < 0.75 else {}
        made = {p.name: self._argument(p, row, chance) for p in self._postgres.parameters}
        if row and chance.random() < _ONE_OFF:
            # All of one row but one: what depends on that one alone shows.
            other = chance.choice(list(made)) if made else ""
            made |= {
                p.name: row[column]
                for p in self._postgres.parameters
                if (column := self._columns[p.name]) in row
                and p.name != other
                and p.name not in self._declared
                and self._may_be(p, row[column])
            }
            return made
        self._order_bounds(made, chance)
        if self._stores_rows and chance.random() < 0.6:
            # A row whose keys no other row has, or most calls would be refused.
            for name, value in made.items():
                if isinstance(value, str) and self._tells_rows_apart(self._columns.get(name, "")):
                    made[name] = f"{value}{chance.choice('nop')}"
        return made

    def _may_be(self, parameter: ParameterFacts, value: Any) -> bool:
        """Tell whether a value of a row can be given for a parameter."""
        if value is None:
            return parameter.nullable
        return _fits(value, kind_of(parameter.python_type, parameter.type))

    def _tells_rows_apart(self, column: str) -> bool:
        """Tell whether no two of the stored rows have the same text in a column."""
        values = self._values(column)
        return len(values) > _FEW and len(set(map(repr, values))) == len(values)

    def _order_bounds(self, made: dict[str, Any], chance: Random) -> None:
        """Let the lower and the upper bound of a column be so that there may be rows between."""
        for low, high in permutations(self._bounds, 2):
            column = self._columns.get(low)
            between = (self._bounds[low], self._bounds[high]) == (">", "<")
            if not between or not column or self._columns.get(high) != column:
                continue
            if made.get(low) is None or made.get(high) is None or chance.random() < 0.15:
                continue
            values = self._values(column)
            if values and isinstance(made[low], type(values[0])):
                made[low], made[high] = sorted((chance.choice(values), chance.choice(values)))
                if chance.random() < 0.5:
                    made[high] = _above(made[high])

    def _row(self, chance: Random) -> Row:
        """Return one of a few rows: that which has most of what the parameters are about."""
        return self._row_with([column for column in self._columns.values() if column], chance)

    def _row_with(self, columns: Sequence[str], chance: Random) -> Row:
        if not self._stored:
            return {}
        rows = [
            chance.choice(self._stored[chance.choice(list(self._stored))])
            for _ in range(chance.choice((1, 10)))
        ]
        wanted = self._wanted if chance.random() < 0.7 else set()
        return max(
            rows,
            key=lambda row: (
                sum((column, row.get(column)) in wanted for column, _ in wanted),
                sum(row.get(column) is not None for column in columns),
            ),
        )

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
            for beside, column in _beside(text):
                if beside == name and self._has(column):
                    return column
        stems = [name, *(name.removeprefix(prefix) for prefix in _PREFIXES)]
        stems += [stem.removesuffix("s") for stem in stems]
        return next((stem for stem in stems if self._has(stem)), "")

    def _has(self, column: str) -> bool:
        return any(column in rows[0] for rows in self._stored.values())

    def _values(self, column: str) -> list[Any]:
        if column not in self._known:
            self._known[column] = [
                row[column]
                for rows in self._stored.values()
                for row in rows
                if row.get(column) is not None
            ]
        return self._known[column]

    def _argument(self, parameter: ParameterFacts, row: Row, chance: Random) -> Any:
        name = parameter.name
        if name in self._declared:
            return chance.choice(self._declared[name])
        if name in self._counts:
            if self._counts[name] == "OFFSET":
                return chance.choice((0, 0, 0, 1, 2))
            return chance.choice((0, 1, 1, 2, 2, 3, 5, 100, 100))
        if parameter.nullable and chance.random() < 0.25:
            return None
        if name.endswith("seconds") and parameter.python_type == "float" and chance.random() < 0.7:
            # Then a bound is exactly at what rows have.
            return float(chance.choice(_AGES))
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
            return near(row[column], chance) if drawn < 0.08 else row[column]
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
            return [self._record(typed, chance) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
        if re.search(rf"jsonb_each(?:_text)?\(\s*:{name}\b", sql):
            return sample("Any", chance)
        values = self._values(column)
        if values and chance.random() < 0.8:
            return chance.choice(values)
        return sample("Any", chance, is_list=any(isinstance(value, list) for value in values))

    def _inner_list(self, places: Mapping[int, tuple[str, str]], chance: Random) -> list[Any]:
        row = self._row_with([name for _, name in places.values()], chance)
        # Often all is of one row, but one value: what depends on that one alone shows.
        other = chance.choice(list(places)) if chance.random() < _ONE_OFF else None
        return [
            self._placed(
                *places.get(place, ("", "")),
                {} if place == other else row,
                chance,
                1.0 if other is not None else 0.8,
            )
            for place in range(max(places) + 1)
        ]

    def _placed(self, kind: str, name: str, row: Row, chance: Random, often: float) -> Any:
        if chance.random() < often and row.get(name) is not None:
            return _as_json(row[name])
        if kind in _KINDS and chance.random() < 0.2:
            return None
        if kind == "timestamptz":
            return None if chance.random() < 0.5 else _as_json(sample("datetime", chance))
        return self._member(name, chance) if not kind else sample(_KINDS.get(kind, "str"), chance)

    def _object(self, places: object, chance: Random) -> dict[str, Any]:
        return {member: self._typed(member, kind, chance) for member, kind in self._members.items()}

    def _record(self, typed: Sequence[Sequence[str]], chance: Random) -> dict[str, Any]:
        row = self._row_with([member for member, _ in typed], chance)
        return {
            member: (
                _as_json(row[member])
                if chance.random() < 0.7 and row.get(member) is not None
                else self._typed(member, kind.lower(), chance)
            )
            for member, kind in typed
        }

    def _typed(self, member: str, kind: str, chance: Random) -> Any:
        """Return the value of a member that a query casts to a type of PostgreSQL, if to any."""
        return sample(_KINDS[kind], chance) if kind in _KINDS else self._member(member, chance)

    def _member(self, member: str, chance: Random) -> Any:
        values = self._values(member)
        if values:
            return _as_json(chance.choice(values))
        texts = self._compared(member)
        if texts and chance.random() < 0.5:
            return chance.choice(texts)
        if self._scalars and chance.random() < 0.8:
            # of which it is known only that documents may have it
            return chance.choice(self._scalars)
        return sample("str", chance)

    def _compared(self, name: str) -> Sequence[str]:
        """Return the texts that a query compares something of this name with."""
        key = f"= {name}"
        if key not in self._known:
            found = [
                text.replace("''", "'")
                for query in (self._postgres, self._sqlite)
                for list_of in re.findall(_COMPARED.replace("{}", re.escape(name)), query.sql)
                for text in _TEXT.findall(list_of)
            ]
            self._known[key] = list(dict.fromkeys(found))
        return self._known[key]


@lru_cache(maxsize=4)
def _beside(sql: str) -> tuple[tuple[str, str], ...]:
    """Return the names of parameters with the columns that a query sets them beside."""
    return tuple(
        (found["name"], found["column"]) for form in _BESIDE for found in form.finditer(sql)
    )


def _texts_of_rows(sql: str, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (column, text) for texts that a query asks of rows of some tables to have."""
    named = [(table, alias or table) for table, alias in _ALIAS.findall(sql) if table in tables]
    aliases = {name for both in named for name in both}
    for alias, column, text in _HAS_TEXT.findall(sql):
        if not alias or alias in aliases:
            yield column, text


def _scalars(stored: Stored) -> list[Any]:
    """Return what documents have for names and values, and the pieces of texts with dots."""
    found: dict[str, Any] = {}
    for rows in stored.values():
        for row in rows:
            for value in row.values():
                if isinstance(value, Mapping):
                    found |= {repr(one): one for one in (*value, *value.values())}
                elif isinstance(value, str) and "." in value:
                    found |= {repr(one): one for one in _PIECE.findall(value)}
    return list(found.values())


def _above(value: Any) -> Any:
    """Return a value that is above all that begin with this one, or a little larger."""
    if isinstance(value, str):
        return f"{value}~"
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    return value + 1 if isinstance(value, int | float) else value


def _fits(value: Any, kind: str) -> bool:
    names = {"bigint": "int", "Any": type(value).__name__}
    return type(value).__name__ == names.get(kind, kind)


def _as_json(value: Any) -> Any:
    """Return a value as the stores write it into a document."""
    return format_timestamp(value) if isinstance(value, datetime) else value
