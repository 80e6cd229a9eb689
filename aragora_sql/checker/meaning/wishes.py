"""What the conditions of a query ask of single columns: ``status = 'pending'``, ``NOT done``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from aragora_sql.checker.meaning.rows import Row
from aragora_sql.checker.meaning.samples import near
from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.mutating.conditions import conditions
from aragora_sql.engines.catalog import Column
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.engines.schema_files import identifier

__all__ = ["Wish", "wishes_of"]

_SIGNS = {"=", "<>", "!=", "<", "<=", ">", ">=", "IS"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# How often a number or a timestamp is beside the one that a column is compared with.
_BESIDE = 0.3

Kind = Literal["value", "column", "null", "not null", "truth"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a condition asks of a column: a value, what another column has, NULL or not."""

    column: str
    kind: Kind
    value: Any = None

    def granted(self, column: Column, row: Row, chance: Random) -> Any:
        """Return what a column of a row has to be for it; as it is where it can't be so."""
        held = row[column.name]
        if self.kind == "null":
            return None if column.nullable else held
        if self.kind == "truth":
            return self.value if column.python_type == "bool" else held
        wanted = row.get(self.value) if self.kind == "column" else self.value
        if column.python_type == "float" and type(wanted) is int:
            wanted = float(wanted)
        if wanted is None or type(wanted).__name__ != column.python_type:
            return held
        is_ordered = column.python_type in {"int", "float", "datetime"}
        return near(wanted, chance) if is_ordered and chance.random() < _BESIDE else wanted


def wishes_of(query: QueryFacts) -> Iterator[Wish]:
    """Yield what the conditions of a query ask of columns, in the order of its text."""
    statement = Statement(query.sql, query.dialect)
    for condition in conditions(statement):
        if condition.is_leaf:
            yield from _of_condition(statement, condition.start, condition.end)


def _of_condition(statement: Statement, start: int, end: int) -> Iterator[Wish]:
    truth = True
    while start < end and statement.words[start] in {"NOT", "(", "+"}:
        truth ^= statement.words[start] == "NOT"
        start += 1
    found = _column(statement, start, end)
    if found is None:
        return
    name, start = found
    words = statement.words[start:end]
    if not words or words[0] == ")":
        yield Wish(name, "truth", truth)
    elif words[:2] == ["IS", "NULL"]:
        yield Wish(name, "null")
    elif words[:3] == ["IS", "NOT", "NULL"]:
        yield Wish(name, "not null")
    elif words[0] == "IN" or words[:2] == ["NOT", "IN"]:
        for index in range(start, end):
            yield from _of_literal(statement, name, index)
    elif words[0] in _SIGNS:
        other = _column(statement, start + 1, end)
        if other is not None:
            yield Wish(name, "column", other[0])
        elif start + 1 < end:
            yield from _of_literal(statement, name, start + 1)


def _of_literal(statement: Statement, name: str, index: int) -> Iterator[Wish]:
    token = statement.tokens[index]
    if token.kind == "string":
        yield Wish(name, "value", token.text[1:-1].replace("''", "'"))
    elif _NUMBER.fullmatch(token.text):
        yield Wish(name, "value", float(token.text) if "." in token.text else int(token.text))


def _column(statement: Statement, start: int, end: int) -> tuple[str, int] | None:
    """Return the name of a column that stands at a place, and where it ends."""
    if start >= end or not _is_name(statement, start):
        return None
    if statement.word(start + 1) == "." and start + 2 < end:
        return identifier(statement.tokens[start + 2]), start + 3
    return identifier(statement.tokens[start]), start + 1


def _is_name(statement: Statement, index: int) -> bool:
    token = statement.tokens[index]
    is_word = token.kind in {"word", "identifier"} and not _NUMBER.fullmatch(token.text)
    return is_word and statement.word(index + 1) != "("
