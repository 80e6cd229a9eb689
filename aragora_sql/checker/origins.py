"""The rule ``parity-origin``: a result column comes from the same column of a table.

The engines say where a column comes from; of an expression its text says which columns it names.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter

from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines.expressions import select_list
from aragora_sql.engines.facts import ColumnFacts, Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.parameters import scan

__all__ = ["check_origins"]


def check_origins(facts: Facts, report: Report) -> None:
    """Compare the origins of the result columns of both dialects."""
    for (dialect, store, name), query in facts.queries.items():
        counterpart = facts.query("sqlite", store, name)
        if dialect != "postgres" or counterpart is None:
            continue
        if [c.name for c in query.columns] != [c.name for c in counterpart.columns]:
            continue
        for index, (ours, theirs) in enumerate(
            zip(query.columns, counterpart.columns, strict=True)
        ):
            types = {ours.python_type, theirs.python_type}
            if None not in types and len(types) == 2:
                # parity-type says more of it.
                continue
            sides = [_origin(query, index, ours, facts), _origin(counterpart, index, theirs, facts)]
            if sides[0].names.isdisjoint(sides[1].names) and all(side.names for side in sides):
                _report(report, query, counterpart, ours.name, sides)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which columns a result column is made of (none: it can't be told), and its place."""

    names: frozenset[str]
    shown: str
    line: int
    column: int


def _origin(query: QueryFacts, index: int, column: ColumnFacts, facts: Facts) -> _Origin:
    results = select_list(query.sql, query.dialect)
    line, place = query.line, 1
    is_listed = len(results) == len(query.columns)
    if is_listed:
        line, place = query.text.position(results[index].start)
    catalog = facts.catalogs[query.dialect]
    if column.table is not None and column.column is not None:
        # What is no table of a store has no counterpart.
        known = column.table in catalog
        names = frozenset({f"{column.table}.{column.column}"} if known else ())
        return _Origin(names, f"{column.table}.{column.column}", line, place)
    if not is_listed:
        return _Origin(frozenset(), "", line, place)
    end = results[index + 1].start if index + 1 < len(results) else None
    words = _words(query, results[index].start, end)
    touched = [catalog[t] for t in (*query.tables_read, *query.tables_written) if t in catalog]
    names = frozenset(
        f"{table.name}.{one.name}"
        for table in touched
        for one in table.columns
        if one.name in words
    )
    return _Origin(names, f"an expression of {', '.join(sorted(names))}", line, place)


def _words(query: QueryFacts, start: int, end: int | None) -> set[str]:
    """Return the words of an expression, without its alias; to the end of the list at most."""
    words: list[str] = []
    depth = 0
    tokens = list(scan(query.sql, query.dialect))
    for token in tokens[bisect_left(tokens, start, key=attrgetter("start")) :]:
        if token.kind == "comment":
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        is_over = end is None and depth == 0 and token.text.upper() == "FROM"
        if (end is not None and token.start >= end) or is_over:
            break
        words.append(token.text.strip('"'))
    bare = [word for word in words if word not in {",", ";"}]
    if len(bare) > 2 and bare[-2].upper() == "AS":
        bare = bare[:-2]
    return set(bare)


def _report(
    report: Report, query: QueryFacts, counterpart: QueryFacts, name: str, sides: list[_Origin]
) -> None:
    what = (
        f"query {query.name!r}: column {name!r} is {sides[0].shown} on PostgreSQL and "
        f"{sides[1].shown} on SQLite"
    )
    report.add(
        *(
            Finding(one.path, side.line, side.column, "parity-origin", what)
            for one, side in zip((query, counterpart), sides, strict=True)
        ),
        kind="parity",
        subject=f"origin of {name}",
        scopes=[Scope(query.path, query.name), Scope(counterpart.path, counterpart.name)],
    )
