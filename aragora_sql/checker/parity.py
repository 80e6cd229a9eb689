"""Rules that compare the queries of both dialects."""

from __future__ import annotations

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.expressions import select_list
from aragora_sql.engines.facts import ColumnFacts, Facts, QueryFacts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import DIALECTS, QueryText, sql_folder

__all__ = ["check_parity"]

# What the table of values knows; a list is a document on SQLite.
_VALUES = {"Any", "bool", "bytes", "datetime", "float", "int", "str", "None"}
_NEEDS_KIND = {"Any": "json", "bool": "boolean", "datetime": "timestamp"}


def check_parity(facts: Facts, report: Report) -> None:
    """Compare names, parameters, operations, result columns, their types and nullability."""
    names: dict[tuple[str, str], dict[Dialect, QueryText]] = {}
    for (dialect, store, name), text in facts.texts.items():
        names.setdefault((store, name), {})[dialect] = text
    for (store, name), texts in names.items():
        if len(texts) == 1:
            _alone(facts, report, store, texts)
            continue
        postgres, sqlite = texts["postgres"], texts["sqlite"]
        scopes = [Scope(postgres.path, name), Scope(sqlite.path, name)]
        if postgres.parameters != sqlite.parameters:
            _both(
                report,
                (postgres, postgres.line, 1),
                (sqlite, sqlite.line, 1),
                "parity-parameters",
                f"({', '.join(postgres.parameters)})",
                f"({', '.join(sqlite.parameters)})",
                "parameters",
                scopes,
            )
        if postgres.operation != sqlite.operation:
            _both(
                report,
                (postgres, postgres.line, 1),
                (sqlite, sqlite.line, 1),
                "parity-operation",
                repr(postgres.operation or "none"),
                repr(sqlite.operation or "none"),
                "operation",
                scopes,
            )
        described = [facts.query(dialect, store, name) for dialect in DIALECTS]
        if described[0] is not None and described[1] is not None:
            _compare_results(report, described[0], described[1], scopes)


def _alone(facts: Facts, report: Report, store: str, texts: dict[Dialect, QueryText]) -> None:
    ((dialect, text),) = texts.items()
    other: Dialect = "sqlite" if dialect == "postgres" else "postgres"
    path = sql_folder(store, other, facts.tree.root) / "queries.sql"
    if path.is_file() and not any((d, s) == (other, store) for d, s, _ in facts.texts):
        return  # the file could not be read, which is said already
    here = Finding(
        text.path,
        text.line,
        1,
        "parity-query",
        f"query {text.name!r} is not in {path}",
    )
    there = Finding(
        path,
        _place_of_missing(facts, store, dialect, other, text.name),
        1,
        "parity-query",
        f"query {text.name!r} is missing; it is defined in {text.path}:{text.line}",
    )
    report.add(here, there, kind="parity", subject="query", scopes=[Scope(text.path, text.name)])


def _place_of_missing(facts: Facts, store: str, here: Dialect, there: Dialect, name: str) -> int:
    """Return the line behind which a query is missing: that of the query that comes before it."""
    line = 1
    for dialect, of, other in facts.texts:
        if (dialect, of) != (here, store):
            continue
        if other == name:
            break
        counterpart = facts.texts.get((there, store, other))
        line = line if counterpart is None else counterpart.line
    return line


Place = tuple[QueryText, int, int]


def _both(
    report: Report,
    postgres: Place,
    sqlite: Place,
    rule: str,
    in_postgres: str,
    in_sqlite: str,
    subject: str,
    scopes: list[Scope],
) -> None:
    """Report a difference at both of its ends: nobody knows which side was meant."""
    name = postgres[0].name
    what = f"query {name!r}: {subject} {in_postgres} on PostgreSQL, {in_sqlite} on SQLite"
    findings = [
        Finding(
            text.path, line, column, rule, f"{what} ({other[0].path.parent.parent.name}:{other[1]})"
        )
        for (text, line, column), other in ((postgres, sqlite), (sqlite, postgres))
    ]
    report.add(*findings, kind="parity", subject=subject, scopes=scopes)


def _place(facts: QueryFacts, index: int) -> Place:
    """Return where a result column is in the file."""
    results = select_list(facts.sql, facts.dialect)
    if len(results) != len(facts.columns) or index >= len(results):
        return facts.text, facts.line, 1
    return facts.text, *facts.text.position(results[index].start)


def _compare_results(
    report: Report, postgres: QueryFacts, sqlite: QueryFacts, scopes: list[Scope]
) -> None:
    ours = [column.name for column in postgres.columns]
    theirs = [column.name for column in sqlite.columns]
    if ours != theirs:
        pairs = zip([*ours, None], [*theirs, None], strict=False)
        index = next((i for i, (one, two) in enumerate(pairs) if one != two), 0)
        _both(
            report,
            _place(postgres, index),
            _place(sqlite, index),
            "parity-columns",
            _shown(ours, index),
            _shown(theirs, index),
            "columns",
            scopes,
        )
        return
    for index, (one, two) in enumerate(zip(postgres.columns, sqlite.columns, strict=True)):
        differences = []
        problem = _type_problem(one, two)
        if problem is not None:
            differences.append(("parity-type", *problem, f"type of {one.name}"))
        if one.nullable is not None and two.nullable is not None and one.nullable != two.nullable:
            ours_said, theirs_said = (
                "may be NULL" if c.nullable else "is never NULL" for c in (one, two)
            )
            subject = f"nullability of {one.name}"
            differences.append(("parity-nullability", ours_said, theirs_said, subject))
        for difference in differences:
            _both(report, _place(postgres, index), _place(sqlite, index), *difference, scopes)


def _shown(names: list[str], index: int) -> str:
    if not names:
        return "none"
    here = names[index] if index < len(names) else "nothing"
    return f"{here!r} at place {index + 1} of {len(names)}"


def _type_problem(postgres: ColumnFacts, sqlite: ColumnFacts) -> tuple[str, str] | None:
    ours = postgres.python_type or "object"
    if ours.startswith("list["):
        ours = "Any"
    if ours not in _VALUES:
        return f"{postgres.type}, which is not in the table of values: cast it", "anything"
    theirs = sqlite.python_type
    if theirs is None:
        kind = _NEEDS_KIND.get(ours)
        if kind is None:
            return None
        return ours, f"what is written there: declare '-- result: {sqlite.name} {kind}'"
    return None if ours == theirs else (f"{ours} ({postgres.type})", theirs)
