"""Edits that take one column or parameter for another one of the same type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.engines.catalog import Catalog, Column
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.engines.schema_files import identifier

__all__ = ["ColumnEdits"]

E = TypeVar("E")
_SOURCES = {"FROM", "JOIN", "UPDATE", "INTO", "USING"}
_LISTS = {"SELECT", "RETURNING"}
# Where a name stands for a value.
_VALUES = {
    *("SELECT", "RETURNING", "WHERE", "ON", "HAVING", "ORDER", "GROUP", "SET", "PARTITION"),
    *("WHEN", "THEN", "ELSE"),
}


class ColumnEdits:
    """Finds the columns and parameters of one query."""

    def __init__(self, statement: Statement, query: QueryFacts, catalog: Catalog) -> None:
        self._statement = statement
        self._parameters = query.parameters
        self._catalog = catalog
        self._aliases = dict(self._sources())

    def edits(self, edit: Callable[[str, int, int, str], E]) -> Iterator[E]:
        """Yield the edits; ``edit`` makes one of its kind, two offsets and the new text."""
        statement = self._statement
        named = self._named_results()
        types = {p.name: (p.type or p.python_type, p.nullable) for p in self._parameters}
        names = list(types)
        for index, token in enumerate(statement.tokens):
            if token.kind == "parameter":
                name = token.text[1:]
                same = [other for other in names if types[other] == types[name] and other != name]
                if same and types[name][0] is not None:
                    other = next((o for o in same if names.index(o) > names.index(name)), same[0])
                    yield edit("parameter", token.start, token.end, f":{other}")
                continue
            found = self._column(index)
            if found is None:
                continue
            table, column = found
            another = self._another(table, column)
            if another is not None:
                after = f"{another} AS {token.text}" if index in named else another
                yield edit("column", token.start, token.end, after)

    def _sources(self) -> Iterator[tuple[str, str]]:
        """Yield (alias, table) of what a statement reads from and writes to."""
        statement = self._statement
        for index, word in enumerate(statement.words):
            if word not in _SOURCES or index + 1 >= len(statement.tokens):
                continue
            table = identifier(statement.tokens[index + 1])
            if table not in self._catalog:
                continue
            if word == "INTO":
                yield "excluded", table
            if statement.word(index + 2) == "AS":
                yield identifier(statement.tokens[index + 3]), table
            else:
                yield table, table

    def _column(self, index: int) -> tuple[str, Column] | None:
        """Return the table and column that a token names where a value is meant."""
        statement = self._statement
        token = statement.tokens[index]
        if token.kind not in {"word", "identifier"} or statement.word(index + 1) in {"(", "."}:
            return None
        name = identifier(token)
        if statement.word(index - 1) == ".":
            table = self._aliases.get(identifier(statement.tokens[index - 2]))
            column = self._catalog[table].column(name) if table is not None else None
            return None if table is None or column is None else (table, column)
        if statement.word(index - 1) in {"AS", "COLLATE", "::", "=>"}:
            return None
        if statement.word(index + 1) == "=>" or self._is_target(index):
            return None
        for table in dict.fromkeys(self._aliases.values()):
            column = self._catalog[table].column(name)
            if column is not None and self._stands_for_value(index):
                return table, column
        return None

    def _stands_for_value(self, index: int) -> bool:
        inside = [c for c in self._statement.clauses if c.start <= index < c.end]
        return bool(inside) and min(inside, key=lambda c: c.end - c.start).name in _VALUES

    def _is_target(self, index: int) -> bool:
        """Tell whether it is the column that SET gives a value."""
        before, after = self._statement.word(index - 1), self._statement.word(index + 1)
        inside = [
            c for c in self._statement.clauses if c.name == "SET" and c.start <= index < c.end
        ]
        return bool(inside) and after == "=" and before in {"SET", ","}

    def _another(self, table: str, column: Column) -> str | None:
        """Return the next column of a table that has the same type."""
        kind = column.type, column.python_type
        columns = [c for c in self._catalog[table].columns if (c.type, c.python_type) == kind]
        if len(columns) < 2:
            return None
        names = [c.name for c in columns]
        return names[(names.index(column.name) + 1) % len(names)]

    def _named_results(self) -> set[int]:
        """Return the places of columns that give a result its name."""
        statement = self._statement
        found: set[int] = set()
        for clause in statement.clauses:
            if clause.name not in _LISTS:
                continue
            for start, end in statement.split(clause.start, clause.end, {","}):
                if statement.word(start) in {"DISTINCT", "ALL"}:
                    start += 1
                plain = end - start == 1 or (end - start == 3 and statement.word(start + 1) == ".")
                if plain:
                    found.add(end - 1)
        return found
