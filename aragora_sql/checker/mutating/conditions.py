"""The conditions of a statement: what WHERE, HAVING, ON and the WHEN of a searched CASE ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aragora_sql.checker.mutating.clauses import Clause, Statement

__all__ = ["Condition", "conditions"]

_ASKING = {"WHERE", "HAVING", "ON", "WHEN"}
_ROWS = {"SELECT", "VALUES", "WITH"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition from the token ``start`` to before ``end``.

    ``joined`` is AND or OR where it is one of several, with ``first`` saying whether it is the
    first of them; else it is empty and the condition is all of the clause ``of`` or of a pair of
    parentheses. ``is_leaf`` says that no smaller ones are in it, besides those of subqueries.
    """

    start: int
    end: int
    joined: str
    first: bool
    is_leaf: bool
    of: Clause


def conditions(statement: Statement) -> Iterator[Condition]:
    """Yield all conditions, larger ones before those that they are made of."""
    for clause in statement.clauses:
        if clause.name not in _ASKING or clause.start >= clause.end:
            continue
        # CASE x WHEN 1 asks nothing by itself
        if clause.name == "WHEN" and not _is_searched(statement, clause):
            continue
        yield from _within(statement, clause, clause.start, clause.end, "", True)


def _is_searched(statement: Statement, clause: Clause) -> bool:
    opener = next(
        index
        for index in range(clause.head - 1, -1, -1)
        if statement.words[index] == "CASE" and statement.closing.get(index, 0) > clause.head
    )
    return statement.word(opener + 1) == "WHEN"


def _within(
    statement: Statement, clause: Clause, start: int, end: int, joined: str, first: bool
) -> Iterator[Condition]:
    for word in ("OR", "AND"):
        parts = (
            statement.split(start, end, {"OR"}) if word == "OR" else statement.split_and(start, end)
        )
        if len(parts) > 1:
            yield Condition(start, end, joined, first, False, clause)
            for number, (begin, stop) in enumerate(parts):
                yield from _within(statement, clause, begin, stop, word, number == 0)
            return
    inner = start
    while statement.word(inner) == "NOT":
        inner += 1
    opened = statement.word(inner) == "(" and statement.closing.get(inner) == end - 1
    if opened and _is_condition(statement, inner + 1, end - 1):
        yield Condition(start, end, joined, first, False, clause)
        yield from _within(statement, clause, inner + 1, end - 1, "", True)
        return
    yield Condition(start, end, joined, first, True, clause)


def _is_condition(statement: Statement, start: int, end: int) -> bool:
    """Tell whether parentheses hold a condition, and no subquery and no row."""
    if statement.word(start) in _ROWS:
        return False
    return all(statement.words[index] != "," for index in statement.level(start, end))
