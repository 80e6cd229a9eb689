"""What calls of queries answer: results, errors, what a write leaves; and their plain forms."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aragora_sql.checker.meaning.calls import Call, Scene
from aragora_sql.checker.meaning.pair import Side
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.checker.meaning.staging import stage
from aragora_sql.database import Connection
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.errors import AragoraSQLError, IntegrityError
from aragora_sql.queries import Queries

__all__ = [
    "Answer",
    "Said",
    "UndoneError",
    "answer_of",
    "answer_to",
    "answered",
    "is_same",
    "kind_of_error",
    "plain",
    "short",
    "unmatched",
]

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave, and what it left in the tables; only the ``error`` when it raised one.

    ``changed`` are the tables that are not as they were before, and ``before`` what those held.
    """

    error: AragoraSQLError | None
    result: Any
    tables: Mapping[str, Sequence[Row]]
    changed: frozenset[str] = frozenset()
    before: Mapping[str, Sequence[Row]] = field(default_factory=dict, compare=False, repr=False)


class UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


Ask = Callable[[Connection], Awaitable[Any]]


async def answer_to(
    side: Side, queries: Queries, query: QueryFacts, call: Call, written: Sequence[str]
) -> Answer:
    """Make a call of a query in a transaction that is undone; return what it gave and left."""

    async def ask(connection: Connection) -> Any:
        return await _call(queries, query, connection, call.arguments)

    return await answer_of(side, ask, written, call.scene)


async def answer_of(
    side: Side, ask: Ask, written: Sequence[str], scene: Scene | None = None
) -> Answer:
    """Do something in a transaction that is undone; return what it gave and left."""
    answer = Answer(None, None, {})
    try:
        async with side.database.transaction() as connection:
            if scene is not None:
                side = await stage(side, connection, scene, written)
            if written:
                await side.reset_numbers(connection, written)
            result = await ask(connection)
            before = [side.places[name] for name in written]
            changed = await side.changes(connection, written, before)
            answer = answered(side, result, changed, written)
            raise UndoneError
    except UndoneError:
        return answer
    except AragoraSQLError as error:
        return Answer(error, None, {})


def answered(
    side: Side, result: Any, changed: Mapping[str, Sequence[Row]], written: Sequence[str]
) -> Answer:
    """Return the answer of a call that raised no error, and ``changed`` some of the tables."""
    tables = {name: changed.get(name, side.initial[name]) for name in written}
    before = {name: side.initial[name] for name in changed}
    return Answer(None, result, tables, frozenset(changed), before)


async def _call(queries: Queries, query: QueryFacts, connection: Connection, arguments: Any) -> Any:
    function = getattr(queries, query.name)
    if query.operation == "*!":
        return await function(connection, arguments)
    if query.operation == "":
        return [row async for row in function(connection, **arguments)]
    return await function(connection, **arguments)


def kind_of_error(error: AragoraSQLError | None) -> type[Any]:
    """Return the class of an error; of a row that breaks two rules either one may be named."""
    return IntegrityError if isinstance(error, IntegrityError) else type(error)


class Said:
    """An error as it is shown among values."""

    def __init__(self, error: AragoraSQLError) -> None:
        self._text = f"{type(error).__name__}: {error}".partition("\n")[0]

    def __repr__(self) -> str:
        return self._text


def unmatched(
    ours: Sequence[Row], theirs: Sequence[Row], form: Callable[[Row], str]
) -> tuple[list[Row], list[Row]]:
    """Return the rows that the other side does not have, as often as they are there."""
    # Most rows of both sides are those that were stored before the call, and one object.
    shared = {id(row) for row in ours} & {id(row) for row in theirs}
    if shared:
        ours = [row for row in ours if id(row) not in shared]
        theirs = [row for row in theirs if id(row) not in shared]
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


def is_same(one: Any, two: Any) -> bool:
    """Tell whether two values are the same, in whatever way a document is written."""
    return repr(one) == repr(two) or plain(one) == plain(two)


def plain(value: Any) -> str:
    """Return a value as text that tells types apart, but not two ways to write a document."""
    if isinstance(value, Mapping):
        members = sorted(f"{name!r}: {plain(member)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return plain(json.loads(value))
        except ValueError:
            return repr(value)
    return repr(value)


def short(value: Any) -> str:
    """Return a value as it is shown in a message."""
    text = repr(value).replace("datetime.datetime", "datetime").replace("datetime.timezone.", "")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
