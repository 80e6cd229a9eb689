"""Small sets of rows that are made for one query: few rows, alike, at the bounds it compares with.

Rows are made of those that the engines have taken already, with a few values changed that the
query asks for. Chance finds so what a query has to meet all at once: a row in a certain state, with
attempts left, beside another one of the same key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from aragora_sql.checker.meaning.calls import Copies, Scene
from aragora_sql.checker.meaning.emptying import with_children
from aragora_sql.checker.meaning.hints import declared_values
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.checker.meaning.samples import PINNED, SECONDS, near
from aragora_sql.checker.meaning.wishes import Wish, wishes_of
from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.engines.catalog import Catalog, Column, Table
from aragora_sql.engines.facts import QueryFacts

__all__ = ["SceneMaker"]

# How many rows a table has: few show most, but some orders need more.
_SIZES = (1, 1, 2, 2, 2, 3, 3, 4, 5, 7)
# How often a row is another one of the scene with a few values changed: of one scene more than of
# another one.
_ALIKE = (0.5, 0.9, 0.9)
# How often it has the value that the scene is about.
_OF_THEME = 0.7
# How often it has what rows of other tables have in a column of the same name.
_JOINED = 0.5
# How often a row has what conditions ask, and how many of them.
_WISHED = 0.4
_GRANTED = 0.75
# How often a row is tried again that the engine refuses.
_TRIES = 8
# Numbers of rows that a query asks for.
_MANY = range(31, 3000)
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.$:])\d+(?:\.\d+)?\b")
_COUNT = re.compile(r"(?:\bLIMIT|count\(\*\)[^<>=]*[<>]=?)\s*\(?\s*(\d+)\b", re.IGNORECASE)
_LIMIT = re.compile(r"\bLIMIT\s*\(?\s*:(\w+)", re.IGNORECASE)
_WORD = re.compile(r"\b[a-z_][a-z_0-9]*\b")
_MOMENTS = tuple(PINNED + timedelta(seconds=one) for one in SECONDS)
_SCALARS = (0, 1, 2, 1.0, 0.5, 1.5, "1", "x", "", True, False, None)
_ASKING = {"WHERE", "ON", "HAVING", "ORDER", "PARTITION", "GROUP", "WHEN", "LIMIT"}
_GIVING = {"SELECT", "SET", "THEN", "ELSE", "RETURNING"}
_PLAIN = 5
_ORDERED = {"int", "float", "datetime"}


class SceneMaker:
    """Makes scenes for a query, given in both dialects; ``stored`` are the rows by table.

    ``tables`` are those that a scene is about, parents before children: those that the query names,
    and those that point to them, which are empty.
    """

    def __init__(
        self,
        queries: Sequence[QueryFacts],
        stored: Mapping[str, Sequence[Row]],
        catalog: Catalog,
    ) -> None:
        named_tables = {
            name for query in queries for name in (*query.tables_read, *query.tables_written)
        }
        self._touched = {name for name in named_tables if stored.get(name)}
        self.tables = with_children(self._touched, stored, catalog)
        self._stored = stored
        self._catalog = catalog
        sql = " ".join(query.sql for query in queries)
        words = set(_WORD.findall(sql))
        asked = {word for query in queries for word in _asked_words(query)}
        texts = {text.replace("''", "'") for text in _TEXT.findall(sql)}
        numbers = [float(text) if "." in text else int(text) for text in _NUMBER.findall(sql)]
        most = _most_rows(queries, sql)
        self._many = sorted({n for n in map(int, _COUNT.findall(sql)) if n in _MANY and n < most})
        self._pools: dict[tuple[str, str], list[Any]] = {}
        self._columns: dict[str, list[Column]] = {}
        self._named: dict[str, list[Column]] = {}
        self._asked: dict[str, list[Column]] = {}
        # What a scene may be about: (column, value) that the query asks for.
        self._themes: dict[str, list[tuple[str, Any]]] = {}
        wishes = list(dict.fromkeys(wish for query in queries for wish in wishes_of(query)))
        # What conditions ask, by table and column.
        self._wishes: dict[str, list[tuple[Column, list[Wish]]]] = {}
        for name in self._touched:
            held = stored[name][0]
            columns = [
                column
                for column in catalog[name].columns
                if column.name in held and column.generated in {"", "identity"}
            ]
            self._columns[name] = columns
            self._named[name] = [c for c in columns if c.name in words] or columns
            self._asked[name] = [c for c in columns if c.name in asked] or self._named[name]
            self._wishes[name] = [
                (column, asked_of)
                for column in columns
                if (asked_of := [wish for wish in wishes if wish.column == column.name])
            ]
            self._themes[name] = []
            for column in columns:
                values = {repr(row[column.name]): row[column.name] for row in stored[name]}
                pool = [value for value in values.values() if value is not None]
                if column.python_type == "str":
                    known = [value for value in pool if value in texts]
                    self._themes[name] += [(column.name, value) for value in known]
                    pool += known * 3
                elif column.python_type in {"int", "float"}:
                    kind = int if column.python_type == "int" else float
                    pool += [kind(one) for one in numbers]
                elif column.python_type == "datetime":
                    pool += _MOMENTS
                self._pools[name, column.name] = pool

    @property
    def asks_for_many(self) -> bool:
        """Whether a query counts to more rows than a scene has."""
        return bool(self._many)

    def make(
        self,
        chance: Random,
        accepts: Callable[[str, Sequence[Row]], bool],
        *,
        has_many: bool = False,
    ) -> Scene:
        """Return a scene; ``accepts`` stores rows of a table, or says no.

        ``has_many`` says whether a table has about as many rows as the query counts to.
        """
        rows: dict[str, list[Row]] = {name: [] for name in self.tables}
        copies: dict[str, Copies] = {}
        for name in self.tables:
            if name not in self._touched:
                continue
            themes = self._themes[name]
            theme = chance.choice(themes) if themes else None
            often = chance.choice(_ALIKE)
            size = 0 if chance.random() < 0.06 else chance.choice(_SIZES)
            for _ in range(size):
                self._add(name, theme, often, rows, chance, accepts)
            if rows[name] and self._many and has_many:
                # together with the row itself one less, as many, or a few more
                number = chance.choice(self._many) + chance.choice((-2, -1, 0, 1, 2))
                made = self._copies(name, number, rows[name][-1])
                if made.number > 0 and accepts(name, list(made.of(rows[name][-1]))):
                    copies[name] = made
        return Scene(rows, copies)

    def vary(
        self, scene: Scene, chance: Random, accepts: Callable[[str, Sequence[Row]], bool]
    ) -> Scene:
        """Return another scene that differs in a row or two from one; ``accepts`` is as before."""
        rows: dict[str, list[Row]] = {name: [] for name in self.tables}
        filled = [name for name in self.tables if scene.rows.get(name)]
        known = [name for name in self.tables if name in self._touched]
        changes = [
            (chance.choice(filled if filled and chance.random() < 0.8 else known), chance.random())
            for _ in range(chance.choice((1, 1, 2)))
        ]
        for name in known:
            some: list[Row] = [dict(row) for row in scene.rows.get(name, ())]
            added = 0
            for table, drawn in changes:
                if table != name:
                    continue
                if some and drawn < 0.5:
                    place = chance.randrange(len(some))
                    drawn = chance.random()
                    columns = (
                        self._asked
                        if drawn < 0.7
                        else self._named
                        if drawn < 0.9
                        else self._columns
                    )
                    column = chance.choice(columns[name])
                    around = {**rows, name: some}
                    value = self._value(self._catalog[name], column, some[place], around, chance)
                    some[place] = {**some[place], column.name: value}
                elif some and drawn < 0.6:
                    some.remove(chance.choice(some))
                else:
                    added += 1
            for row in some:
                pointing = dict(row)
                if self._points(self._catalog[name], pointing, rows, chance) and accepts(
                    name, [pointing]
                ):
                    rows[name].append(pointing)
            for _ in range(added):
                self._add(name, None, 0.9, rows, chance, accepts)
        return Scene(rows)

    def _add(
        self,
        name: str,
        theme: tuple[str, Any] | None,
        often: float,
        rows: Mapping[str, list[Row]],
        chance: Random,
        accepts: Callable[[str, Sequence[Row]], bool],
    ) -> None:
        for _ in range(_TRIES):
            row = self._row(name, theme, often, rows, chance)
            if row is not None and accepts(name, [row]):
                rows[name].append(row)
                return

    def _row(
        self,
        name: str,
        theme: tuple[str, Any] | None,
        often: float,
        rows: Mapping[str, list[Row]],
        chance: Random,
    ) -> Row | None:
        table = self._catalog[name]
        own = rows[name]
        is_alike = bool(own) and chance.random() < often
        bases: Sequence[Row] = own if is_alike else self._stored[name]
        if theme is not None and not is_alike and chance.random() < _OF_THEME:
            column_name, wanted = theme
            bases = [row for row in bases if row[column_name] == wanted]
        row = dict(chance.choice(bases))
        if not is_alike:
            self._join(name, row, rows, chance)
        if chance.random() < _WISHED:
            for column, wishes in self._wishes[name]:
                if chance.random() < _GRANTED:
                    row[column.name] = chance.choice(wishes).granted(column, row, chance)
        asked = self._asked[name]
        changed = chance.sample(asked, min(chance.choice((0, 1, 1, 1, 2, 2, 3)), len(asked)))
        if chance.random() < 0.4:
            changed.append(chance.choice(self._named[name]))
        for column in changed:
            row[column.name] = self._value(table, column, row, rows, chance)
        for key in (table.primary_key, *table.unique):
            if key and any(all(row.get(c) == other.get(c) for c in key) for other in own):
                renewed = table.column(chance.choice(key))
                if renewed is not None and renewed.name in row:
                    row[renewed.name] = self._fresh(name, renewed, chance)
        return row if self._points(table, row, rows, chance) else None

    def _join(
        self, name: str, row: dict[str, Any], rows: Mapping[str, list[Row]], chance: Random
    ) -> None:
        """Let a row have what rows of other tables have in columns of the same name."""
        for column in self._asked[name]:
            held = [
                other[column.name]
                for table, some in rows.items()
                for other in some
                if table != name and other.get(column.name) is not None
            ]
            if held and chance.random() < _JOINED:
                row[column.name] = chance.choice(held)

    def _points(
        self, table: Table, row: dict[str, Any], rows: Mapping[str, list[Row]], chance: Random
    ) -> bool:
        """Let a row point to parents that are there; say no where one is missing."""
        for key in table.foreign_keys:
            parents = rows.get(key.target_table)
            places = list(zip(key.columns, key.target_columns, strict=True))
            if parents is None or any(
                all(row.get(a) == p.get(b) for a, b in places) for p in parents
            ):
                continue
            columns = [table.column(name) for name in key.columns]
            if all(c is not None and c.nullable for c in columns) and (
                not parents or chance.random() < 0.3
            ):
                row.update(dict.fromkeys(key.columns))
            elif parents:
                parent = chance.choice(parents)
                row.update({a: parent[b] for a, b in places})
            else:
                return False
        return True

    def _fresh(self, name: str, column: Column, chance: Random) -> Any:
        """Return a value that no other row may have."""
        pool = self._pools[name, column.name]
        if column.python_type == "int":
            return chance.randint(1, 40)
        value = chance.choice(pool) if pool else None
        if isinstance(value, str) and chance.random() < 0.3:
            return f"{value}{chance.choice('abc')}"
        return value

    def _value(
        self,
        table: Table,
        column: Column,
        row: Row,
        rows: Mapping[str, list[Row]],
        chance: Random,
    ) -> Any:
        drawn = chance.random()
        if column.nullable and drawn < 0.25:
            return None
        if drawn < 0.4:
            # as another row of the scene has it
            held = [one[column.name] for one in rows[table.name]]
        elif drawn < 0.6 and column.python_type in _ORDERED:
            held = [row[c.name] for c in self._alike(table.name, column)]
        elif drawn < 0.5 and column.python_type == "str":
            # what one column points to by another name
            held = [
                other[c.name]
                for name, some in rows.items()
                for other in some
                for c in self._alike(name, column)
            ]
        else:
            held = []
        held = [value for value in held if value is not None]
        if held:
            value = chance.choice(held)
        elif column.python_type == "bool":
            return drawn < 0.7
        elif column.python_type == "Any" and chance.random() < 0.5:
            return self._document(table.name, column, chance)
        else:
            pool = self._pools[table.name, column.name]
            value = chance.choice(pool) if pool else row[column.name]
        is_moved = column.python_type in _ORDERED and chance.random() < 0.25
        return near(value, chance) if is_moved else value

    def _alike(self, table: str, column: Column) -> list[Column]:
        """Return the other columns that a query names, of the same type."""
        return [
            other
            for other in self._named.get(table, ())
            if other.python_type == column.python_type and other.name != column.name
        ]

    def _document(self, table: str, column: Column, chance: Random) -> Any:
        """Return a document of the table's, with some members changed."""
        pool = self._pools[table, column.name]
        value = chance.choice(pool) if pool else {}
        if chance.random() < 0.3:
            return _with_other_numbers(value)
        if isinstance(value, Mapping):
            members = sorted({name for one in pool if isinstance(one, Mapping) for name in one})
            changed = chance.sample(members, min(len(members), chance.randint(1, 2)))
            return {**value, **{name: _member(chance, 2) for name in changed}}
        if isinstance(value, list):
            return [_member(chance, 1) for _ in range(chance.randint(0, 3))]
        return value

    def _copies(self, name: str, number: int, row: Row) -> Copies:
        """Return how a row is stored many more times: what tells it apart is another each time."""
        table = self._catalog[name]
        told = {key[-1] for key in (table.primary_key, *table.unique) if key}
        return Copies(number, tuple(sorted(told.intersection(row))))


def _most_rows(queries: Sequence[QueryFacts], sql: str) -> float:
    """Return of how many rows there have to be fewer: where comments say what a LIMIT is called
    with, more would be cut off, and which ones they are may be left open.
    """
    declared = declared_values(d for query in queries for d in query.text.directives)
    counts = [
        [value for value in declared.get(name, ()) if type(value) is int]
        for name in _LIMIT.findall(sql)
    ]
    return min((max(some) for some in counts if some), default=math.inf)


def _asked_words(query: QueryFacts) -> Iterator[str]:
    """Yield the names in what a query asks of rows, and what it puts them in order by."""
    statement = Statement(query.sql, query.dialect)
    for clause in statement.clauses:
        if clause.name in _ASKING:
            yield from (word.lower() for word in statement.words[clause.start : clause.end])
        elif clause.name in _GIVING:
            for start, end in statement.split(clause.start, clause.end, {","}):
                # A column by itself decides nothing: alias . column AS name
                if end - start > _PLAIN:
                    yield from (word.lower() for word in statement.words[start:end])


def _with_other_numbers(value: Any) -> Any:
    """Return a document that is equal, with 1.0 for 1 and 1 for 1.0."""
    if isinstance(value, Mapping):
        return {name: _with_other_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_other_numbers(member) for member in value]
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    return int(value) if type(value) is float and value.is_integer() else value


def _member(chance: Random, depth: int) -> Any:
    drawn = chance.random()
    if depth and drawn < 0.15:
        return [_member(chance, depth - 1) for _ in range(chance.randint(0, 2))]
    if depth and drawn < 0.3:
        return {
            name: _member(chance, depth - 1) for name in chance.sample("ab", chance.randint(0, 2))
        }
    return chance.choice(_SCALARS)
