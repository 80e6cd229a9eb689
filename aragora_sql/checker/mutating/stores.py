"""Makes small edits in queries, one at a time, and says how many of them ``check`` notices.

Each is made in one dialect of a query. What notices it is found out with the rows, calls and rules
of ``check`` itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aragora_sql.checker.meaning import (
    RULE,
    QueryPair,
    load_pair,
    query_pairs,
)
from aragora_sql.checker.meaning.calls import read_calls
from aragora_sql.checker.meaning.comparing import chosen_calls
from aragora_sql.checker.meaning.pair import Pair, open_pair
from aragora_sql.checker.meaning.rows import Row, fill_pair
from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.mutating.conditions import conditions
from aragora_sql.checker.mutating.edits import Edit, edits_of, forced
from aragora_sql.checker.mutating.judging import Judge
from aragora_sql.checker.mutating.result import Outcome, StoreResult, Undecided
from aragora_sql.checker.mutating.running import Bench
from aragora_sql.checker.report import Report
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.filling import allowed_values
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.postgres_engine import EmptyDatabase
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries import Queries

__all__ = ["mutate"]

# An edit can let a statement run for ever.
_MOST_SECONDS = 1.0
_DOCUMENTS = {"{}": '{"x": 1}', "[]": '["x"]'}
Say = Callable[[str, int, int], None]


def mutate(facts: Facts, engines: Engines, say: Say) -> list[StoreResult]:
    """Edit every query that both dialects have, and return what was noticed, by store.

    ``say`` is told the store, how many of its queries are done, and of how many. Raises
    :class:`ConfigurationError` where no scratch database can be made.
    """
    with engines.empty_database() as empty:
        if empty is None:
            raise ConfigurationError(
                "edits are held against the answers of both dialects, in a scratch database: the "
                "role may make none"
            )
        return asyncio.run(_mutate(facts, engines, empty, say))


async def _mutate(
    facts: Facts, engines: Engines, empty: EmptyDatabase, say: Say
) -> list[StoreResult]:
    engines.fill(facts.catalogs)
    schemas = facts.tree.schemas
    by_store: dict[str, list[QueryPair]] = {}
    for pair in query_pairs(facts):
        by_store.setdefault(pair.query.store, []).append(pair)
    results = []
    async with open_pair(empty, schemas, facts.catalogs, most_seconds=_MOST_SECONDS) as both:
        filled = await fill_pair(both, schemas["postgres"])
        for side in both.sides:
            side.share(filled.rows)
        report = Report(facts)
        texts = _other_texts(facts)
        for store, pairs in by_store.items():
            loaded = load_pair(facts, both, store)
            work = _Store(facts, engines, both, loaded, filled.rows, report, texts)
            for done, pair in enumerate(pairs):
                say(store, done, len(pairs))
                await work.run(pair)
            results.append(work.result(store))
    return results


def _other_texts(facts: Facts) -> dict[str, str]:
    """Return for the literals of lists of allowed values the next one of their list."""
    found: dict[str, str] = {}
    for values in allowed_values(facts.tree.schemas["postgres"]).values():
        for one, other in zip(values, (*values[1:], values[0]), strict=True):
            found.setdefault(one, other)
    return found


class _Store:
    """Edits the queries of one store."""

    def __init__(
        self,
        facts: Facts,
        engines: Engines,
        both: Pair,
        loaded: Sequence[Queries],
        rows: Mapping[str, Sequence[Row]],
        report: Report,
        texts: Mapping[str, str],
    ) -> None:
        self._outcomes: list[Outcome] = []
        self._undecided: list[Undecided] = []
        self._conditions = 0
        self._differing: list[str] = []
        self._findings: list[Finding] = []
        self._facts = facts
        self._engines = engines
        self._both = both
        self._loaded = loaded
        self._rows = rows
        self._report = report
        self._texts = texts
        self._kept = read_calls(facts.tree.root, facts.stores)

    def result(self, store: str) -> StoreResult:
        """Return what the edits came to."""
        return StoreResult(
            store,
            self._outcomes,
            self._conditions,
            self._undecided,
            self._differing,
            self._findings,
        )

    async def run(self, pair: QueryPair) -> None:
        """Make the edits of a pair of queries, in one dialect after the other."""
        is_compared = not self._report.is_declared(RULE, "not compared", pair.scopes)
        bench = Bench(self._both, pair, self._loaded)
        calls = await chosen_calls(
            self._both,
            pair.query,
            pair.counterpart,
            self._loaded,
            self._rows,
            self._kept.get(pair.place),
        )
        own = await bench.prepare(self._rows, calls)
        # Where no answers are committed, none are compared with them.
        has_answers = (self._facts.tree.root / "answers").is_dir()

        def is_declared(subject: str) -> bool:
            table, dot, _ = subject.partition(".")
            subjects = [subject, table] if dot else [subject]
            return any(self._report.is_declared(RULE, one, pair.scopes) for one in subjects)

        def is_allowed(subject: str) -> bool:
            return not is_compared or subject in own or is_declared(subject)

        if is_compared and not all(map(is_declared, own)):
            self._differing.append(pair.query.name)

        for query, other in ((pair.query, pair.counterpart), (pair.counterpart, pair.query)):
            judge = Judge(self._facts, self._engines, query, other)
            known: dict[str, str | None] = {}

            async def noticed(
                edit: Edit, query: QueryFacts = query, known: dict[str, str | None] = known
            ) -> str | None:
                sql = edit.of(query.sql)
                if sql not in known:
                    rule = await bench.notices(query, sql, is_allowed)
                    known[sql] = rule if rule == RULE or has_answers else None
                return known[sql]

            for edit in edits_of(query, self._facts.catalogs[query.dialect], self._other_text):
                verdict = judge.refusal(edit) or await noticed(edit) or judge.verdict(edit)
                self._outcomes.append(_outcome(query, edit, verdict))
            statement = Statement(query.sql, query.dialect)
            for condition in conditions(statement):
                if not condition.is_leaf:
                    continue
                self._conditions += 1
                edits = forced(statement, condition)
                missing = [
                    word
                    for word, edit in zip(("false", "true"), edits, strict=True)
                    if judge.refusal(edit) is None and await noticed(edit) is None
                ]
                if missing and not judge.is_declared(edits[0]):
                    self._undecided.append(_undecided(query, edits[0], missing))
            self._findings += judge.unneeded()

    def _other_text(self, literal: str) -> str:
        inner = literal[1:-1]
        if inner in self._texts:
            return f"'{self._texts[inner]}'"
        if inner in _DOCUMENTS:
            return f"'{_DOCUMENTS[inner]}'"
        return f"{literal[:-1]}x'"


def _outcome(query: QueryFacts, edit: Edit, verdict: str) -> Outcome:
    before = query.sql[edit.start : edit.end]
    line, column = query.text.position(edit.start + len(before) - len(before.lstrip()))
    return Outcome(
        store=query.store,
        dialect=query.dialect,
        query=query.name,
        path=query.path,
        line=line,
        column=column,
        kind=edit.kind,
        before=" ".join(before.split()),
        after=edit.after,
        verdict=verdict,
    )


def _undecided(query: QueryFacts, edit: Edit, missing: Sequence[str]) -> Undecided:
    line, column = query.text.position(edit.start)
    return Undecided(
        store=query.store,
        dialect=query.dialect,
        query=query.name,
        path=query.path,
        line=line,
        column=column,
        condition=" ".join(query.sql[edit.start : edit.end].split()),
        missing=" and ".join(missing),
    )
