"""Runs an edited query on the rows and calls of ``check``, and says whether that is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aragora_sql.checker.meaning import QueryPair
from aragora_sql.checker.meaning.answers import Answer, answer_of, answer_to, kind_of_error
from aragora_sql.checker.meaning.asking import call_statement
from aragora_sql.checker.meaning.calls import Call as QueryCall
from aragora_sql.checker.meaning.comparing import (
    declared_subjects,
    differences,
    is_ordered,
    on_empty,
    tolerances_of,
    tolerated,
    touched_tables,
    written_tables,
)
from aragora_sql.checker.meaning.emptying import emptied, with_children
from aragora_sql.checker.meaning.fingerprints import fingerprints
from aragora_sql.checker.meaning.pair import Pair, Side
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.database import Connection, Dialect
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.queries import OPERATIONS, Queries, adapter_of
from aragora_sql.queries.adapters import Adapter, Call

__all__ = ["Bench"]


@dataclass(slots=True)
class _Expected:
    """A call, and what the two queries answer as they stand."""

    call: QueryCall
    answers: Mapping[Dialect, Answer]
    shown: Mapping[Dialect, str]


@dataclass(slots=True)
class _Noticed:
    """What the answers of an edited query came to."""

    is_difference: bool = False
    is_other: bool = False


class Bench:
    """The calls of one pair of queries with their answers, to hold edited queries against."""

    def __init__(self, both: Pair, pair: QueryPair, loaded: Sequence[Queries]) -> None:
        self._both = both
        self._pair = pair
        self._loaded = dict(zip(("postgres", "sqlite"), loaded, strict=True))
        self._written = written_tables(both, pair.query, pair.counterpart)
        self._is_ordered = is_ordered(pair.query, pair.counterpart)
        self._tolerances = tolerances_of(pair.query, pair.counterpart)
        self._expected: list[_Expected] = []
        self._on_empty: list[_Expected] = []
        self._empty: list[str] = []

    async def prepare(
        self, stored: Mapping[str, Sequence[Row]], calls: Sequence[QueryCall]
    ) -> set[str]:
        """Make calls of both queries as they stand; return the subjects in which they differ."""
        subjects: set[str] = set()
        query = self._pair.query
        self._expected = [await self._ask(call) for call in calls]
        tables = touched_tables(query, self._pair.counterpart, stored)
        self._empty = with_children(tables, stored, self._both.postgres.catalog)
        if self._empty:
            async with emptied(self._both.sides, self._empty):
                self._on_empty = [await self._ask(call) for call in on_empty(calls)]
        for expected in (*self._expected, *self._on_empty):
            subjects.update(self._subjects(expected.answers))
        return subjects

    async def _ask(self, call: QueryCall) -> _Expected:
        answers = {
            side.dialect: await answer_to(
                side, self._loaded[side.dialect], self._pair.query, call, self._written
            )
            for side in self._both.sides
        }
        shown = {dialect: repr(answer.result) for dialect, answer in answers.items()}
        return _Expected(call, answers, shown)

    async def notices(
        self, query: QueryFacts, sql: str, is_allowed: Callable[[str], bool]
    ) -> Literal["meaning", "answer-snapshot"] | None:
        """Return the rule that notices what an edited query answers; None where none does.

        It answers otherwise than the other dialect, or at least than it did before. ``is_allowed``
        says of the subject of a difference that it is no finding.
        """
        side = self._both.postgres if query.dialect == "postgres" else self._both.sqlite
        noticed = _Noticed()
        await self._look(self._expected, side, query, sql, is_allowed, noticed)
        if self._on_empty and not noticed.is_difference:
            async with emptied([side], self._empty):
                await self._look(self._on_empty, side, query, sql, is_allowed, noticed)
        if noticed.is_difference:
            return "meaning"
        return "answer-snapshot" if noticed.is_other else None

    async def _look(
        self,
        calls: list[_Expected],
        side: Side,
        query: QueryFacts,
        sql: str,
        is_allowed: Callable[[str], bool],
        noticed: _Noticed,
    ) -> None:
        """Make some calls of an edited query, until one differs."""
        dialect = query.dialect
        adapter, call = self._statement(query, sql)
        for place, expected in enumerate(calls):

            async def ask(connection: Connection, arguments: Any = expected.call.arguments) -> Any:
                return await call_statement(connection, adapter, call, query.operation, arguments)

            answer = await answer_of(side, ask, self._written, expected.call.scene)
            if _is_unchanged(answer, expected.answers[dialect], expected.shown[dialect]):
                continue
            subjects = self._subjects({**expected.answers, dialect: answer})
            if not all(map(is_allowed, subjects)):
                # What told one edit from the query often tells the next one.
                calls.insert(0, calls.pop(place))
                noticed.is_difference = True
                return
            if not noticed.is_other:
                noticed.is_other = self._print(answer) != self._print(expected.answers[dialect])

    def _print(self, answer: Answer) -> Mapping[str, str]:
        return fingerprints(
            [(answer, answer)],
            ordered=self._is_ordered,
            declared=declared_subjects(self._pair.query, self._pair.counterpart),
        )

    def _subjects(self, answers: Mapping[Dialect, Answer]) -> Iterator[str]:
        """Yield the subjects of what differs between the answers of the dialects."""
        ours, theirs = answers["postgres"], answers["sqlite"]
        found = differences(ours, theirs, self._pair.query.operation, ordered=self._is_ordered)
        for subject, _, _ in tolerated(found, self._tolerances):
            yield subject

    def _statement(self, query: QueryFacts, sql: str) -> tuple[Adapter, Call]:
        known = adapter_of(self._loaded[query.dialect])
        adapter = type(known)(known.store)
        adapter.process_sql(query.name, OPERATIONS[query.operation], sql)
        kinds = known.call(query.name).statement.column_kinds
        adapter.describe(query.name, query.path, query.line, kinds)
        return adapter, adapter.call(query.name)


def _is_unchanged(answer: Answer, before: Answer, shown: str) -> bool:
    """Tell whether a call did what it did before the edit; ``shown`` is the result of then."""
    if answer.error is not None or before.error is not None:
        return kind_of_error(answer.error) is kind_of_error(before.error)
    return (
        repr(answer.result) == shown
        and answer.changed == before.changed
        and all(answer.tables[name] == before.tables[name] for name in answer.changed)
    )
