"""Finds calls that tell the edits of a query from it, on rows that are made for the query.

It takes longer than a check may, so what is found is kept in the tree. SQLite alone tries them.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from random import Random
from typing import Any

from aragora_sql.checker.meaning.arguments import ArgumentMaker
from aragora_sql.checker.meaning.calls import Call
from aragora_sql.checker.meaning.comparing import TRIED, calls_of
from aragora_sql.checker.meaning.fitting import fitted_scenes
from aragora_sql.checker.meaning.pair import Pair, copy_sqlite
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.checker.meaning.samples import SEED
from aragora_sql.checker.meaning.scenes import SceneMaker
from aragora_sql.checker.meaning.trying import Trial
from aragora_sql.checker.mutating.edits import deciding_edits
from aragora_sql.database.sqlite import SQLiteConnection
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.queries import Queries, adapter_of

__all__ = ["find_calls"]

# How many scenes are made: so many at most, so many in vain, with so many runs of edited texts in
# vain, and so many of many rows.
_SCENES = 1500
_IN_VAIN = 300
_RUNS_IN_VAIN = 20_000
_MANY = 12
_ONE_OF_MANY = 8
# How many calls are made on each of them.
_ON_EACH = 3
# How often a scene differs a little from one on which a call told an edit, or at least gave rows.
_OF_TELLING = 0.35
_OF_ALIVE = 0.7
_ALIVE = 20
# An outcome that came oftener leads nowhere: a count of nothing.
_RARE = 3
_TEXT = re.compile(r"'[^']*'")


async def find_calls(
    pair: Pair,
    query: QueryFacts,
    counterpart: QueryFacts,
    queries: Sequence[Queries],
    stored: Mapping[str, Sequence[Row]],
    known: Sequence[Call] = (),
) -> tuple[list[Call], list[str]]:
    """Return calls of which each tells an edit of SQLite's query, and the edits that none tells.

    ``known`` are tried first: those that were found for earlier texts of the query.
    """
    search = partial(_find, pair, query, counterpart, queries, stored, known)
    async with pair.sqlite.database.connection() as connection:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        return await connection.run_in_thread("search", search)


def _find(
    pair: Pair,
    query: QueryFacts,
    counterpart: QueryFacts,
    queries: Sequence[Queries],
    stored: Mapping[str, Sequence[Row]],
    known: Sequence[Call],
    driver: sqlite3.Connection,
) -> tuple[list[Call], list[str]]:
    statement = adapter_of(queries[1]).call(query.name).statement
    tables = [name for name in counterpart.tables_written if name in pair.sqlite.catalog]
    names = {parameter.name for parameter in query.parameters}
    known = [one for one in known if _takes(one, names)]
    known = fitted_scenes(known, stored, pair.sqlite.catalog)
    with closing(copy_sqlite(driver)) as own:
        trial = Trial(own, statement, tables, is_writing=bool(counterpart.tables_written))
        edited = deciding_edits(counterpart, pair.sqlite.catalog, with_all_signs=True)
        search = _Search(trial, edited, statement.sql)
        for call in known:
            if call.scene is None:
                search.try_call(call)
        for arguments in calls_of(query, counterpart, stored, TRIED if query.parameters else 1):
            if not search.left:
                break
            search.try_call(Call(arguments))
        for call in known:
            if call.scene is not None and search.left and trial.stage(pair.sqlite, call.scene):
                search.try_call(call)
                trial.leave()
        maker = SceneMaker((query, counterpart), stored, pair.sqlite.catalog)
        if maker.tables:
            _search_scenes(
                pair, query, search, trial, maker, ArgumentMaker(query, counterpart, stored)
            )
    return search.found, search.left


def _takes(call: Call, names: set[str]) -> bool:
    """Tell whether a call of an earlier text gives what the query takes now."""
    given = call.arguments if isinstance(call.arguments, list) else [call.arguments]
    return all(arguments.keys() == names for arguments in given)


def _search_scenes(
    pair: Pair,
    query: QueryFacts,
    search: _Search,
    trial: Trial,
    maker: SceneMaker,
    arguments_on: ArgumentMaker,
) -> None:
    """Make calls on scenes: new ones, and such as differ a little from some that showed much."""
    chance = Random(f"{SEED} scenes of {query.store}.{query.name}")  # noqa: S311 - reproducible
    accepts = partial(trial.add, pair.sqlite)
    in_vain = many = runs = 0
    for number in range(_SCENES):
        if not search.left or in_vain > _IN_VAIN or runs > _RUNS_IN_VAIN:
            break
        before = len(search.left)
        trial.empty(maker.tables)
        base = search.base(chance)
        has_many = maker.asks_for_many and many < _MANY and number % _ONE_OF_MANY == 0
        if has_many or base is None or base.scene is None:
            scene, given = maker.make(chance, accepts, has_many=has_many), None
            many += has_many
        else:
            scene, given = maker.vary(base.scene, chance, accepts), base.arguments
        arguments_on.on(scene.rows)
        for arguments in _arguments(query, arguments_on, given, chance):
            runs += len(search.left)
            search.try_call(Call(arguments, scene))
        trial.leave()
        in_vain += 1
        if len(search.left) < before:
            in_vain = runs = 0


def _arguments(
    query: QueryFacts, maker: ArgumentMaker, given: Any, chance: Random
) -> Iterator[Any]:
    """Yield arguments for a scene; ``given`` are those of the scene that it was made of."""
    if given is not None:
        yield given
    for number in range(_ON_EACH if query.parameters else int(given is None)):
        made: Any = maker.make(chance)
        if query.operation == "*!":
            made = [made, *(maker.make(chance) for _ in range(chance.randint(0, 2)))]
        elif given is not None and number == 0:
            name = chance.choice(list(made))
            made = {**given, name: made[name]}
        yield made


class _Search:
    """The edits that are ``left``, and the calls that were ``found`` to tell one."""

    def __init__(self, trial: Trial, edited: Iterable[str], sql: str) -> None:
        own = trial.program(sql)
        self.left = [one for one in edited if trial.program(one) not in (None, own)]
        self.found: list[Call] = []
        # Of those that are made on a scene, those that gave or changed something, by the words of
        # the query's that came out: the last ones, for what is rare leads to more.
        self._alive: dict[Any, deque[Call]] = {}
        self._outcomes: Counter[int] = Counter()
        self._telling: list[Call] = []
        self._trial = trial
        self._words = {text[1:-1] for text in _TEXT.findall(sql)}

    def try_call(self, call: Call) -> None:
        """Make a call of the query and of all edits that are left."""
        bound = self._trial.bind(call.arguments)
        tried = self._trial.run(bound, with_texts=True)
        self._outcomes[tried.outcome] += 1
        left = [sql for sql in self.left if self._trial.run(bound, sql).outcome != tried.outcome]
        if left:
            self.found.append(call)
            self.left = [sql for sql in self.left if sql not in left]
        if call.scene is not None and not call.scene.copies:
            if left:
                self._telling.append(call)
            elif tried.size and self._outcomes[tried.outcome] <= _RARE:
                words = frozenset(self._words.intersection(self._trial.texts))
                self._alive.setdefault(words, deque(maxlen=_ALIVE)).append(call)

    def base(self, chance: Random) -> Call | None:
        """Return a call that showed something, or None for a scene that is all new."""
        drawn = chance.random()
        if self._telling and drawn < _OF_TELLING:
            return chance.choice(self._telling)
        if self._alive and drawn < _OF_ALIVE:
            return chance.choice(self._alive[chance.choice(list(self._alive))])
        return None
