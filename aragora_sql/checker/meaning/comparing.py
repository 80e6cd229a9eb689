"""Runs each pair of queries on both databases, and says where the answers differ."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from aragora_sql.checker.expressions import outer_words
from aragora_sql.checker.facts import QueryFacts
from aragora_sql.checker.meaning.arguments import ArgumentMaker
from aragora_sql.checker.meaning.pair import Pair, Side
from aragora_sql.checker.meaning.rows import Row, is_compared
from aragora_sql.database import Connection
from aragora_sql.errors import AragoraSQLError, IntegrityError
from aragora_sql.queries import Queries

__all__ = ["Compared", "Difference", "compare_query"]

CALLS = 30
SEED = 20261128
_WITHIN = re.compile(r"(?P<subject>\S+) within (?P<most>[0-9.e-]+)")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Difference:
    """What two dialects answer differently, with the first call that showed it.

    ``subject`` is a result column, ``rows`` (other rows or another number of them), ``order``,
    ``error`` or, for what a write leaves, ``table.column`` or the table's name.
    """

    subject: str
    arguments: str
    postgres: str
    sqlite: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What the calls of a query showed; ``is_idle`` when none found or changed anything."""

    differences: tuple[Difference, ...]
    calls: int
    is_idle: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    error: AragoraSQLError | None
    result: Any
    tables: Mapping[str, Sequence[Row]]


class _UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


async def compare_query(
    pair: Pair,
    query: QueryFacts,
    counterpart: QueryFacts,
    queries: Sequence[Queries],
    stored: Mapping[str, Sequence[Row]],
) -> Compared:
    """Compare the answers of a query of PostgreSQL and its ``counterpart`` of SQLite.

    ``queries`` are the loaded queries of the store, of PostgreSQL first; ``stored`` are the rows
    that both databases hold, by table. A difference that a comment allows (``-- meaning: score
    within 1e-9 because …``) has the subject that the comment names.
    """
    tolerances = _tolerances(query, counterpart)
    chance = Random(f"{SEED} {query.store}.{query.name}")  # noqa: S311 - the same each time
    maker = ArgumentMaker(query, counterpart, stored)
    written = _written(pair, query, counterpart)
    is_ordered = any("ORDER" in outer_words(one.sql, one.dialect) for one in (query, counterpart))
    found: dict[str, Difference] = {}
    idle, calls = True, CALLS if query.parameters else 1
    for _ in range(calls):
        arguments: Any = maker.make(chance)
        if query.operation == "*!":
            arguments = [arguments, *(maker.make(chance) for _ in range(chance.randint(0, 2)))]
        ours, theirs = [
            await _answer(side, of, query, arguments, written)
            for side, of in zip(pair.sides, queries, strict=True)
        ]
        idle = idle and (ours.error is not None or not ours.result)
        for subject, one, two in _differences(ours, theirs, query.operation, ordered=is_ordered):
            for name, most in tolerances.get(subject, ()):
                if _distance(one, two) <= most:
                    subject = name
                    break
            if subject not in found:
                found[subject] = Difference(subject, _short(arguments), _short(one), _short(two))
    return Compared(tuple(found.values()), calls, idle)


def _tolerances(query: QueryFacts, counterpart: QueryFacts) -> dict[str, list[tuple[str, float]]]:
    """Return by column what comments allow: (subject of the comment, largest distance)."""
    found: dict[str, list[tuple[str, float]]] = {}
    for directive in (*query.text.directives, *counterpart.text.directives):
        match = _WITHIN.match(directive.text) if directive.kind == "meaning" else None
        if match is not None:
            found.setdefault(match["subject"], []).append((match[0], float(match["most"])))
    return found


def _distance(one: Any, two: Any) -> float:
    """Return how far two values are apart: of numbers a fraction of the larger, else seconds."""
    if isinstance(one, datetime) and isinstance(two, datetime):
        return abs((one - two).total_seconds())
    if type(one) is float and type(two) is float:
        return abs(one - two) / max(abs(one), abs(two), 1.0)
    return math.inf


def _written(pair: Pair, query: QueryFacts, counterpart: QueryFacts) -> list[str]:
    """Return the tables that a call may change: all of a store, for the sake of its triggers."""
    tables = {*query.tables_written, *counterpart.tables_written}
    if not tables:
        return []
    catalogs = [side.catalog for side in pair.sides]
    catalog = pair.postgres.catalog
    stores = {query.store, *(catalog[name].store for name in tables if name in catalog)}
    while True:
        # what a deletion does to children of other stores
        children = {
            table.store
            for table in catalog.values()
            for key in table.foreign_keys
            if key.target_table in catalog and catalog[key.target_table].store in stores
        }
        if children <= stores:
            break
        stores |= children
    return [
        table.name
        for table in catalog.values()
        if table.store in stores and is_compared(table.name, catalogs)
    ]


async def _answer(
    side: Side, queries: Queries, query: QueryFacts, arguments: Any, written: Collection[str]
) -> _Answer:
    """Call a query in a transaction that is undone; return what it gave and left."""
    result: Any = None
    tables: dict[str, Sequence[Row]] = {}
    try:
        async with side.database.transaction() as connection:
            for name in written:
                await side.reset_numbers(connection, name)
            result = await _call(queries, query, connection, arguments)
            for name in written:
                tables[name] = await side.read_table(connection, name)
            raise _UndoneError
    except _UndoneError:
        return _Answer(None, result, tables)
    except AragoraSQLError as error:
        return _Answer(error, None, {})


async def _call(queries: Queries, query: QueryFacts, connection: Connection, arguments: Any) -> Any:
    function = getattr(queries, query.name)
    if query.operation == "*!":
        return await function(connection, arguments)
    if query.operation == "":
        return [row async for row in function(connection, **arguments)]
    return await function(connection, **arguments)


def _differences(
    ours: _Answer, theirs: _Answer, operation: str, *, ordered: bool
) -> list[tuple[str, Any, Any]]:
    """Return (subject, PostgreSQL's, SQLite's) for what differs."""
    if ours.error is not None or theirs.error is not None:
        if _kind_of(ours.error) is _kind_of(theirs.error):
            return []
        one, two = (a.result if a.error is None else _Said(a.error) for a in (ours, theirs))
        return [("error", one, two)]
    found: list[tuple[str, Any, Any]] = []
    if operation == "":
        found += _unlike_rows(ours.result, theirs.result, "rows", "")
        if not found and ordered and _plain(ours.result) != _plain(theirs.result):
            found.append(("order", ours.result, theirs.result))
    elif operation == "^" and ours.result is not None and theirs.result is not None:
        found += _unlike_rows([ours.result], [theirs.result], "rows", "")
    elif _plain(ours.result) != _plain(theirs.result):
        found.append(("rows", ours.result, theirs.result))
    for name, rows in ours.tables.items():
        found += _unlike_rows(rows, theirs.tables[name], name, f"{name}.")
    return found


def _kind_of(error: AragoraSQLError | None) -> type[Any]:
    """Return the class of an error; of a row that breaks two rules either one may be named."""
    return IntegrityError if isinstance(error, IntegrityError) else type(error)


class _Said:
    """An error as it is shown among values."""

    def __init__(self, error: AragoraSQLError) -> None:
        self._text = f"{type(error).__name__}: {error}".partition("\n")[0]

    def __repr__(self) -> str:
        return self._text


def _unlike_rows(
    ours: Sequence[Row], theirs: Sequence[Row], whole: str, prefix: str
) -> list[tuple[str, Any, Any]]:
    """Compare rows in any order: the columns in which the nearest two rows differ, or ``whole``."""
    only_ours, only_theirs = _unmatched(*_unmatched(ours, theirs, repr), _plain)
    if not only_ours and not only_theirs:
        return []
    if len(ours) != len(theirs) or not only_ours or not only_theirs:
        return [(whole, only_ours or len(ours), only_theirs or len(theirs))]
    names, one, two = min(
        ((_unlike(a, b), a, b) for a in only_ours[:3] for b in only_theirs),
        key=lambda found: len(found[0]),
    )
    if len(names) > len(one) // 2 + 1:
        return [(whole, only_ours, only_theirs)]
    return [(f"{prefix}{name}", one[name], two.get(name)) for name in names]


def _unmatched(
    ours: Sequence[Row], theirs: Sequence[Row], form: Callable[[Row], str]
) -> tuple[list[Row], list[Row]]:
    """Return the rows that the other side does not have, as often as they are there."""
    right: dict[str, list[Row]] = {}
    for row in theirs:
        right.setdefault(form(row), []).append(row)
    left = []
    for row in ours:
        same = right.get(form(row))
        if same:
            same.pop()
        else:
            left.append(row)
    return left, [row for rows in right.values() for row in rows]


def _unlike(one: Row, two: Row) -> list[str]:
    return [name for name in one if _plain(one[name]) != _plain(two.get(name))]


def _plain(value: Any) -> str:
    """Return a value as text that tells types apart, but not two ways to write a document."""
    if isinstance(value, Mapping):
        members = sorted(f"{name!r}: {_plain(member)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return _plain(json.loads(value))
        except ValueError:
            return repr(value)
    return repr(value)


def _short(value: Any) -> str:
    text = repr(value).replace("datetime.datetime", "datetime").replace("datetime.timezone.", "")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
