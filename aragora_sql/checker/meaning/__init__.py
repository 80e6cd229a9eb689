"""Proves that the dialects mean the same: each query runs in both on the same rows.

What comes back is compared: rows, their order where the query promises one, counts, errors, and
what a write leaves in the tables. Rows and arguments are made from the schema, the same each time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from aragora_sql.checker import cache
from aragora_sql.checker.engines import Engines
from aragora_sql.checker.facts import Facts, QueryFacts
from aragora_sql.checker.findings import Finding
from aragora_sql.checker.meaning.comparing import SEED, Difference, compare_query
from aragora_sql.checker.meaning.pair import Pair, open_pair
from aragora_sql.checker.meaning.rows import Filled, fill_pair
from aragora_sql.checker.postgres_engine import EmptyDatabase
from aragora_sql.checker.report import Report, Scope
from aragora_sql.queries import Queries, load_queries
from aragora_sql.queries.files import DIALECTS, SYSTEM

__all__ = ["Meaning", "check_meaning"]

# To be raised when other rows, arguments or comparisons are made.
VERSION = 2
RULE = "meaning"


@dataclass(slots=True)
class Meaning:
    """What was compared: pairs of queries, calls of them, and those that no call got an answer of.

    ``idle`` are the latter, as ``store.query``.
    """

    queries: int = 0
    calls: int = 0
    idle: list[str] = field(default_factory=list)


def check_meaning(facts: Facts, engines: Engines, report: Report) -> Meaning:
    """Compare the answers of all queries that both dialects have."""
    meaning = Meaning()
    # Rows that are made can't show every difference that a comment speaks of.
    report.unsure.add(RULE)
    pairs = [
        pair for pair in _pairs(facts) if not report.is_declared(RULE, "not compared", pair.scopes)
    ]
    if facts.unloaded or not pairs:
        # Of tables that are not there nothing can be said.
        return meaning
    schemas = [file.text for dialect in DIALECTS for file in facts.tree.schemas[dialect]]
    versions = [str(VERSION), str(engines.postgres.version), sqlite3.sqlite_version]
    name = f"meaning-{cache.digest([*versions, *schemas])}.json"
    saved: dict[str, Any] = cache.load(name) or {}
    missing = [pair for pair in pairs if pair.key not in saved]
    if missing or "tables" not in saved:
        with engines.empty_database() as empty:
            if empty is None:
                message = (
                    "the answers of the dialects were not compared: the role may make no database"
                )
                report.add(Finding(facts.tree.root, 1, 1, RULE, message, "warning"))
                return meaning
            asyncio.run(_compare(facts, empty, missing, saved))
        cache.save(name, saved)
    _report_tables(facts, saved["tables"], report)
    for pair in pairs:
        result = saved[pair.key]
        meaning.queries += 1
        meaning.calls += result["calls"]
        if result["is_idle"]:
            meaning.idle.append(f"{pair.query.store}.{pair.query.name}")
        for difference in result["differences"]:
            _report(pair, Difference(**difference), report)
    return meaning


@dataclass(frozen=True, slots=True)
class _QueryPair:
    """A query of PostgreSQL, and its counterpart of SQLite."""

    query: QueryFacts
    counterpart: QueryFacts

    @property
    def key(self) -> str:
        """What the answers depend on besides the schema."""
        query, counterpart = self.query, self.counterpart
        said = [d.text for d in (*query.text.directives, *counterpart.text.directives)]
        return cache.digest([query.name, query.operation, query.sql, counterpart.sql, *said])

    @property
    def scopes(self) -> list[Scope]:
        """Where comments speak of it."""
        return [Scope(one.path, one.name) for one in (self.query, self.counterpart)]


def _pairs(facts: Facts) -> list[_QueryPair]:
    """Return the queries of stores that are in both dialects, with the same form."""
    found = []
    system = facts.tree.root / SYSTEM
    for (dialect, store, name), query in sorted(facts.queries.items()):
        counterpart = facts.queries.get(("sqlite", store, name))
        if dialect != "postgres" or counterpart is None or query.path.is_relative_to(system):
            continue
        same = {p.name for p in query.parameters} == {p.name for p in counterpart.parameters}
        if same and query.operation == counterpart.operation:
            found.append(_QueryPair(query, counterpart))
    return found


async def _compare(
    facts: Facts, empty: EmptyDatabase, pairs: Iterable[_QueryPair], saved: dict[str, Any]
) -> None:
    async with open_pair(empty, facts.tree.schemas, facts.catalogs) as both:
        chance = Random(SEED)  # noqa: S311 - the same each time
        filled = await fill_pair(both, facts.tree.schemas["postgres"], chance)
        saved["tables"] = _tables(filled)
        loaded: dict[str, list[Queries]] = {}
        for pair in pairs:
            query = pair.query
            queries = loaded.get(query.store) or _load(facts, both, query.store)
            loaded[query.store] = queries
            compared = await compare_query(both, query, pair.counterpart, queries, filled.rows)
            saved[pair.key] = asdict(compared)


def _load(facts: Facts, pair: Pair, store: str) -> list[Queries]:
    root = facts.tree.root
    return [load_queries(store, side.dialect, root) for side in pair.sides]


def _tables(filled: Filled) -> list[tuple[str, str, str]]:
    """Return (table, subject, message) of what is to be said about tables."""
    said = []
    for refusal in filled.refusals:
        other = "sqlite" if refusal.refused_by == "postgres" else "postgres"
        shown = ", ".join(f"{name}: {value!r}" for name, value in refusal.row.items())
        said.append(
            (
                refusal.table,
                f"rows of {refusal.table}",
                f"{refusal.refused_by} refuses a row of {refusal.table!r} that {other} takes "
                f"({refusal.error}): {shown:.400}",
            )
        )
    for table, error in filled.without.items():
        said.append(
            (
                table,
                f"no rows of {table}",
                f"no generated row keeps the rules of {table!r}, so its queries are compared on "
                f"none; the last one: {error}",
            )
        )
    return said


def _report_tables(facts: Facts, said: Iterable[tuple[str, str, str]], report: Report) -> None:
    for name, subject, message in said:
        tables = [facts.catalogs[dialect][name] for dialect in DIALECTS]
        report.add(
            Finding(tables[1].path, tables[1].line, 1, RULE, message),
            kind=RULE,
            subject=subject,
            scopes=[Scope(table.path) for table in tables],
        )


def _report(pair: _QueryPair, difference: Difference, report: Report) -> None:
    query, counterpart = pair.query, pair.counterpart
    table, dot, _ = difference.subject.partition(".")
    if dot and report.is_declared(RULE, table, pair.scopes):
        return
    message = (
        f"query {query.name!r} answers otherwise than PostgreSQL's: {difference.subject} is "
        f"{difference.sqlite} here and {difference.postgres} there, called with "
        f"{difference.arguments}"
    )
    report.add(
        Finding(counterpart.path, counterpart.line, 1, RULE, message),
        kind=RULE,
        subject=difference.subject,
        scopes=pair.scopes,
    )
