"""All calls of a query at once answer what each call alone does, on both engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aragora_sql.checker.meaning import load_pair, query_pairs
from aragora_sql.checker.meaning.answers import Answer, answer_to, kind_of_error
from aragora_sql.checker.meaning.asking import answers_to
from aragora_sql.checker.meaning.calls import Call
from aragora_sql.checker.meaning.comparing import calls_of, touched_tables, written_tables
from aragora_sql.checker.meaning.pair import Side, open_pair
from aragora_sql.checker.meaning.rows import fill_pair
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts
from aragora_sql.errors import StatementTimeoutError
from aragora_sql.queries import OPERATIONS, Queries, adapter_of

STORE = "consensus"
CALLS = 4
ENDLESS = {
    "postgres": "SELECT count(*) FROM generate_series(1, 100000000000)",
    "sqlite": (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    ),
}


def shown(answers: Sequence[Answer], written: Sequence[str]) -> list[Any]:
    """What answers say; rows in any order, and errors by their kind."""
    return [
        (
            None if one.error is None else kind_of_error(one.error),
            repr(one.result),
            {name: sorted(map(repr, one.tables.get(name, ()))) for name in written},
        )
        for one in answers
    ]


@pytest.mark.slow
async def test_calls_together_answer_what_each_alone_does(engines: Engines, facts: Facts) -> None:
    pairs = [pair for pair in query_pairs(facts) if pair.query.store == STORE]
    errors = changes = reads = 0
    with engines.empty_database() as empty:
        assert empty is not None
        async with open_pair(empty, facts.tree.schemas, facts.catalogs, most_seconds=2.0) as both:
            schema = facts.tree.schemas["postgres"]
            rows = (await fill_pair(both, schema)).rows
            for side in both.sides:
                side.share(rows)
            loaded = load_pair(facts, both, STORE)
            for pair in pairs:
                query, other = pair.query, pair.counterpart
                calls = [Call(one) for one in calls_of(query, other, rows, CALLS)]
                written = written_tables(both, query, other)
                is_writing = bool(query.tables_written or other.tables_written)
                for side, queries in zip(both.sides, loaded, strict=True):
                    alone = [await answer_to(side, queries, query, one, written) for one in calls]
                    together = await answers_to(
                        side, queries, query, calls, written, is_writing=is_writing
                    )
                    assert shown(together, written) == shown(alone, written), query.name
                    errors += sum(one.error is not None for one in together)
                    changes += sum(bool(one.changed) for one in together)
                    reads += not is_writing
            # Rows that nobody wrote are the objects of before; the other side's as well.
            one, two = (
                [id(row) for rows in s.initial.values() for row in rows] for s in both.sides
            )
            assert len(set(one) & set(two)) > len(one) // 2
            # The tables are as they were.
            tables = touched_tables(pairs[0].query, pairs[0].counterpart, rows)
            for side in both.sides:
                async with side.database.connection() as connection:
                    for name in tables:
                        held = await side.read_table(connection, name)
                        assert sorted(map(repr, held)) == sorted(map(repr, side.initial[name]))
            # The first call that does not end is the last one that is made.
            for side in both.sides:
                await _ends_in_time(side, facts, loaded[0 if side.dialect == "postgres" else 1])
    assert errors
    assert changes
    assert reads


async def _ends_in_time(side: Side, facts: Facts, queries: Queries) -> None:
    adapter = adapter_of(queries)
    query = next(
        one
        for (dialect, store, _), one in facts.queries.items()
        if dialect == side.dialect and store == STORE and one.operation == "$"
    )
    known = adapter._calls[query.name]
    adapter.process_sql(query.name, OPERATIONS["$"], ENDLESS[side.dialect])
    try:
        answers = await answers_to(side, queries, query, [Call({})] * 3, (), is_writing=False)
    finally:
        adapter._calls[query.name] = known
    assert [type(one.error) for one in answers] == [StatementTimeoutError]
