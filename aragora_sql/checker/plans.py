"""Rules about plans: hot queries read no whole table, and no edit changes a plan unseen.

The committed plans are the business of :mod:`aragora_sql.checker.plan_snapshots`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aragora_sql.checker.plan_proofs import StorePlans, has_plan, keep_proofs, trust_proved
from aragora_sql.checker.plan_snapshots import (
    PlanChange,
    PlanLines,
    compare_snapshots,
    write_snapshots,
)
from aragora_sql.checker.proofs import Proofs
from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.sqlite_facts import plan_lines as sqlite_lines
from aragora_sql.engines.tree import SQLProblem
from aragora_sql.queries.files import DIALECTS
from aragora_sql.queries.parameters import scan

__all__ = ["check_plans", "update_snapshots"]

_SUBJECT = "seq_scan"
_WALK = "filtered_walk"
# A condition on an index that leads to some rows, and not to all from a place on.
_POINT = re.compile(r"(?<![<>!])=(?!=)|IS NULL|IS NOT DISTINCT")
_USED = re.compile(r"[<>]\(?\?")
_ENDS = {"GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "RETURNING"}
_SOURCES = {"FROM", "JOIN", "UPDATE", "INTO"}
_NO_ALIAS = {"SET", "WHERE", "ON", "USING", "VALUES", "SELECT", "INNER", "LEFT", "CROSS", "ORDER"}
_NO_ALIAS |= {"GROUP", "LIMIT", "UNION", "RETURNING", "JOIN", "DEFAULT", "INDEXED", "NOT", "FULL"}


def check_plans(
    facts: Facts, engines: Engines, report: Report, proofs: Proofs, unproved: StorePlans
) -> None:
    """Explain queries on filled tables, look for full scans, and compare the snapshot.

    ``unproved`` are the stores to look at; what is right is kept in ``proofs``.
    """
    trust_proved(facts, report, unproved)
    plans = _plans(facts, engines, unproved)
    before = report.count
    for table, reason in engines.fill(facts.catalogs, _dialects(unproved)).items():
        place = facts.catalogs["postgres"][table]
        message = f"{table} got no rows to plan with, so a full scan is not seen: {reason}"
        report.add(Finding(place.path, place.line, 1, "full-scan", message, "warning"))
    for key, plan in plans.items():
        query = facts.queries[key]
        for subject, rule, what, steps in (
            (_SUBJECT, "full-scan", "reads the whole table", plan.scans),
            (_WALK, "filtered-walk", "reads and drops rows until LIMIT is reached", plan.walks),
        ):
            if steps:
                message = f"query {query.name!r} {what}: {'; '.join(steps)}"
                report.add(
                    Finding(query.path, query.line, 1, rule, message),
                    kind="plan",
                    subject=subject,
                    scopes=[Scope(query.path, query.name)],
                )
    compare_snapshots(facts, engines, report, _lines_of(plans), _dialects(unproved))
    if report.count == before:
        keep_proofs(facts, engines, report, proofs, unproved)


def _dialects(stores: StorePlans) -> list[Dialect]:
    return [dialect for dialect in DIALECTS if any(of == dialect for of, _ in stores)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The plan of a query: its lines, its full scans, and its walks with a filter."""

    lines: tuple[str, ...]
    scans: tuple[str, ...]
    walks: tuple[str, ...]


Plans = Mapping[tuple[Dialect, str, str], _Plan]


def update_snapshots(
    facts: Facts, engines: Engines, *, whole: bool, accept_worse: bool
) -> list[PlanChange]:
    """Write the plans of the queries to the tree and return what changed, worse ones first.

    ``whole`` says that ``facts`` are of all stores: plans of stores that are gone are removed.
    Without ``accept_worse`` a plan in which a scan or a sort appears is not written.
    """
    plans = _lines_of(_plans(facts, engines))
    return write_snapshots(facts, engines, plans, whole=whole, accept_worse=accept_worse)


def _lines_of(plans: Plans) -> PlanLines:
    return {key: plan.lines for key, plan in plans.items()}


def _plans(facts: Facts, engines: Engines, stores: StorePlans | None = None) -> Plans:
    """Return the plan of each query of some stores (None: of all)."""
    engines.fill(facts.catalogs, DIALECTS if stores is None else _dialects(stores))
    found: dict[tuple[Dialect, str, str], _Plan] = {}
    for key, query in facts.queries.items():
        if stores is not None and key[:2] not in stores:
            continue
        if not has_plan(facts, query):
            continue
        if query.dialect == "postgres":
            lines, plan = engines.planner.explain(query.text)
            partial = _partial_indexes(facts, "postgres")
            scans = _postgres_scans(plan, partial, limited=False)
            walks = _postgres_walks(plan, limited=False)
        else:
            details = engines.sqlite.describe(query.text)
            if isinstance(details, SQLProblem):
                continue
            lines = sqlite_lines(details)
            scans = _sqlite_scans(query, lines, facts)
            walks = _sqlite_walks(query, lines, facts)
        found[key] = _Plan(lines, tuple(dict.fromkeys(scans)), tuple(dict.fromkeys(walks)))
    return found


def _partial_indexes(facts: Facts, dialect: Dialect) -> set[str]:
    """Return the indexes that hold some rows only: to walk one is to read what was asked for."""
    return {
        index.name
        for table in facts.catalogs[dialect].values()
        for index in table.indexes
        if index.predicate is not None
    }


def _postgres_scans(
    plan: Mapping[str, Any], partial: Collection[str], *, limited: bool
) -> Iterator[str]:
    """Find what reads a table from end to end: an index that is walked until LIMIT does not."""
    node = plan["Node Type"]
    limited = limited or node == "Limit"
    if node == "Sort" or node.startswith("Aggregate"):
        limited = False
    relation, index = plan.get("Relation Name"), plan.get("Index Name")
    if node == "Seq Scan":
        yield f"Seq Scan on {relation}"
    walks = node in {"Index Scan", "Index Only Scan"} and "Index Cond" not in plan
    if walks and not limited and index not in partial:
        yield f"{node} using {index} on all of {relation}"
    for child in plan.get("Plans", ()):
        yield from _postgres_scans(child, partial, limited=limited)


def _postgres_walks(plan: Mapping[str, Any], *, limited: bool) -> Iterator[str]:
    """Find walks along an index until LIMIT is reached, on which rows are read and dropped."""
    node = plan["Node Type"]
    limited = limited or node == "Limit"
    if node == "Sort" or node.startswith("Aggregate"):
        limited = False
    walks = node in {"Index Scan", "Index Only Scan"} and limited
    if walks and "Filter" in plan and not _POINT.search(plan.get("Index Cond", "")):
        yield f"{node} using {plan['Index Name']} with the filter {plan['Filter']}"
    for child in plan.get("Plans", ()):
        yield from _postgres_walks(child, limited=limited)


def _sqlite_walks(query: QueryFacts, lines: Sequence[str], facts: Facts) -> Iterator[str]:
    """Find the same in a plan of SQLite, which does not say what it filters by.

    What is asked in WHERE and neither found by the index nor true of all that it holds is a filter.
    """
    catalog = facts.catalogs["sqlite"]
    tables = dict(_pairs(query))
    indexes = {index.name: index for table in catalog.values() for index in table.indexes}
    asked = _limited_conditions(query)
    for number, line in enumerate(lines):
        words = line.split()
        searched = words[0] in {"SCAN", "SEARCH"} and "USING" in words and "=?" not in line
        if not searched or words[1] not in asked or tables.get(words[1]) not in catalog:
            continue
        if _is_sorted(lines, number):
            continue
        index = next((indexes[word] for word in words if word in indexes), None)
        predicate = "" if index is None or index.predicate is None else index.predicate
        implied = len(re.split(r"\bAND\b", predicate, flags=re.IGNORECASE)) if predicate else 0
        if asked[words[1]] > len(_USED.findall(line)) + implied:
            yield f"{line.strip()} with a filter"


def _limited_conditions(query: QueryFacts) -> dict[str, int]:
    """Return of each alias that is read under a LIMIT how many conditions its WHERE has."""
    tokens = [token for token in scan(query.sql, query.dialect) if token.kind != "comment"]
    aliases = {alias for alias, _ in _pairs(query)}
    found: dict[str, int] = {}
    for start, token in enumerate(tokens):
        if token.text.upper() != "SELECT":
            continue
        depth, conditions, between = 0, 0, False
        named: set[str] = set()
        part = ""
        limited = False
        for inner in tokens[start + 1 :]:
            depth += {"(": 1, ")": -1}.get(inner.text, 0)
            word = inner.text.upper()
            if depth < 0 or (depth == 0 and word in {"UNION", "INTERSECT", "EXCEPT"}):
                break
            if depth:
                continue
            if word in {"FROM", "WHERE", *_ENDS}:
                part = word
                conditions += word == "WHERE"
                limited |= word == "LIMIT"
            elif part == "FROM" and inner.text in aliases:
                named.add(inner.text)
            elif part == "WHERE" and word == "BETWEEN":
                between = True
            elif part == "WHERE" and word == "AND":
                conditions += not between
                between = False
        if limited:
            for name in named:
                found[name] = max(conditions, found.get(name, 0))
    return found


def _sqlite_scans(query: QueryFacts, lines: Sequence[str], facts: Facts) -> Iterator[str]:
    catalog = facts.catalogs["sqlite"]
    tables = {name for name, table in _pairs(query) if table in catalog}
    partial = _partial_indexes(facts, "sqlite")
    outer, inner = _asked(query)
    for index, line in enumerate(lines):
        words = line.split()
        if len(words) < 2 or words[0] != "SCAN" or words[1] not in tables or "VIRTUAL" in words:
            continue
        if words[-1] in partial:
            continue
        asked = inner if line.startswith(" ") else outer
        # Walked in the order that is asked for, until LIMIT is reached.
        in_order = "INDEX" in words or "ORDER" in asked
        if not (in_order and "LIMIT" in asked and not _is_sorted(lines, index)):
            yield line.strip()


def _asked(query: QueryFacts) -> tuple[set[str], set[str]]:
    """Return the words of the outermost statement, and those within parentheses."""
    depth = 0
    outer: set[str] = set()
    inner: set[str] = set()
    for token in scan(query.sql, query.dialect):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        (inner if depth else outer).add(token.text.upper())
    return outer, inner


def _is_sorted(lines: Sequence[str], index: int) -> bool:
    """Tell whether the step that a line belongs to sorts its rows."""
    indent = len(lines[index]) - len(lines[index].lstrip())
    for line in lines[index + 1 :]:
        here = len(line) - len(line.lstrip())
        if here < indent:
            return False
        if here == indent and line.strip() == "USE TEMP B-TREE FOR ORDER BY":
            return True
    return False


def _pairs(query: QueryFacts) -> Iterator[tuple[str, str]]:
    words = [token for token in scan(query.sql, query.dialect) if token.kind != "comment"]
    for index, token in enumerate(words[:-1]):
        if token.text.upper() not in _SOURCES:
            continue
        table = words[index + 1].text
        alias = table
        rest = words[index + 2 : index + 4]
        if rest and rest[0].text.upper() == "AS" and len(rest) > 1:
            alias = rest[1].text
        elif rest and rest[0].kind == "word" and rest[0].text.upper() not in _NO_ALIAS:
            alias = rest[0].text
        yield alias, table
