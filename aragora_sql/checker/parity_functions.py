"""The rule ``parity-function``: what both dialects call alike means the same in both.

``lower()``, ``LIKE``, ``round()`` and their like are there on both engines and give other answers.
Where only one dialect of a query uses one of them, the other says in its own way what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from aragora_sql.checker.report import Report, Scope
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import QueryText
from aragora_sql.queries.parameters import scan

__all__ = ["check_functions"]

# What differs, and what to write.
_FUNCTIONS = {
    "lower": "SQLite knows A to Z only: compare a form that the application folds",
    "upper": "SQLite knows A to Z only: compare a form that the application folds",
    "round": "PostgreSQL rounds a half to even in DOUBLE PRECISION: round in the application",
}
_LIKE = "SQLite does not tell A from a: compare a range, or use the full-text index"
_CONCAT = "concat() leaves NULL out, || gives NULL: write coalesce() on both sides"


def check_functions(facts: Facts, report: Report) -> None:
    """Find functions and operators that mean something else in the other dialect of a query."""
    for (dialect, store, name), postgres in facts.texts.items():
        sqlite = facts.texts.get(("sqlite", store, name))
        if dialect != "postgres" or sqlite is None:
            continue
        sides = [
            (postgres, dict(_words(postgres, "postgres"))),
            (sqlite, dict(_words(sqlite, "sqlite"))),
        ]
        for word, reason in _differences(sides[0][1], sides[1][1]):
            findings = [
                Finding(
                    text.path,
                    *text.position(words[word]),
                    "parity-function",
                    f"query {name!r}: {word}: {reason}",
                )
                for text, words in sides
                if word in words
            ]
            scopes = [Scope(postgres.path, name), Scope(sqlite.path, name)]
            report.add(*findings, kind="parity", subject=f"function {word}", scopes=scopes)


def _words(text: QueryText, dialect: Dialect) -> Iterator[tuple[str, int]]:
    """Yield the functions and operators of a query, in small letters, each with its offset."""
    tokens = [token for token in scan(text.sql, dialect) if token.kind != "comment"]
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        word = token.text.lower()
        is_call = after is not None and after.text == "("
        if (is_call and (word in _FUNCTIONS or word == "concat")) or word in ("like", "ilike"):
            yield ("like" if word == "ilike" else word), token.start


def _differences(postgres: dict[str, int], sqlite: dict[str, int]) -> Iterator[tuple[str, str]]:
    both = postgres.keys() & sqlite.keys()
    yield from ((word, reason) for word, reason in _FUNCTIONS.items() if word in both)
    if "like" in both:
        yield "like", _LIKE
    if ("concat" in postgres) != ("concat" in sqlite):
        yield "concat", _CONCAT
