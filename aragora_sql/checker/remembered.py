"""What rules find out from texts alone, remembered from check to check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aragora_sql.checker.report import Report, Scope
from aragora_sql.engines import cache
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.engines.kept_by_text import KeptByText

__all__ = ["Found", "is_remembered", "remembered", "report_remembered"]

Found = Iterable[tuple[int, str]]
"""Offsets in the SQL of a query, and what is said of them."""


def report_remembered(
    facts: Facts,
    engines: Engines,
    report: Report,
    rule: str,
    version: str,
    prepare: Callable[[], Callable[[QueryFacts], Found]],
) -> None:
    """Report what a rule finds in each query of PostgreSQL, by its text and the schemas alone.

    ``version`` is raised when the rule finds other things. ``prepare`` is called where a text is
    new; what it returns looks at one query.
    """
    files = [file.text for file in facts.tree.schemas["postgres"]]
    kept = KeptByText(rule, [version, str(engines.postgres.version), *files])
    queries = [query for (dialect, *_), query in facts.queries.items() if dialect == "postgres"]
    missing = [query for query in queries if kept.get(query.sql) is None]
    if missing:
        look = prepare()
        for query in missing:
            kept.put(list(look(query)), query.sql)
        kept.save()
    for query in queries:
        for offset, what in kept.get(query.sql):
            line, column = query.text.position(offset)
            report.add(
                Finding(query.path, line, column, rule, f"query {query.name!r}: {what}"),
                subject=rule,
                scopes=[Scope(query.path, query.name)],
            )


def is_remembered(name: str, depends_on: Iterable[str | bytes]) -> bool:
    """Tell whether :func:`remembered` would ask nobody."""
    return cache.load(_file_of(name, depends_on)) is not None


def remembered(name: str, depends_on: Iterable[str | bytes], make: Callable[[], Any]) -> Any:
    """Return what ``make`` makes, of which JSON can be made; it is asked where something is new.

    ``depends_on`` is all that the result depends on. Each result has a file of its own, so that
    checks at the same time lose none of each other.
    """
    file = _file_of(name, depends_on)
    saved = cache.load(file)
    if saved is not None:
        return saved["made"]
    value = make()
    cache.save(file, {"made": value})
    return value


def _file_of(name: str, depends_on: Iterable[str | bytes]) -> str:
    return f"{name}-{cache.digest(depends_on)}.json"
