"""Comments that say that no answer depends on a piece of a query.

>>> -- meaning: no answer depends on LIMIT 1 because id is the key
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aragora_sql.checker.mutating.clauses import Statement
from aragora_sql.checker.report import Report
from aragora_sql.database import Dialect
from aragora_sql.engines.facts import Facts
from aragora_sql.engines.findings import Finding
from aragora_sql.queries.files import Directive, QueryText

__all__ = ["Declared", "check_declared", "declared_parts"]

_FORM = re.compile(r"no answer depends on\s+(?P<part>\S.*?)\s+because\s+\S.*", re.IGNORECASE)
# What goes with a piece that is taken away.
_JOINING = re.compile(r"\A(?:\s|,|AND\b|OR\b)+|(?:\s|,|\bAND|\bOR)+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared piece: its comment, and the offsets of every place where the query has it."""

    directive: Directive
    part: str
    spans: tuple[tuple[int, int], ...]

    def covers(self, sql: str, start: int, end: int) -> bool:
        """Tell whether an edit from ``start`` to before ``end`` is of this piece alone."""
        text = sql[start:end]
        inner = _JOINING.sub("", text)
        if inner:
            start += text.index(inner)
            end = start + len(inner)
        return any(first <= start and end <= last for first, last in self.spans)


def declared_parts(text: QueryText, dialect: Dialect) -> Iterator[Declared]:
    """Yield what the comments of a query declare so; without places what is not in the query."""
    for directive in text.directives:
        form = _FORM.fullmatch(directive.text) if directive.kind == "meaning" else None
        if form is not None:
            yield Declared(directive, form["part"], _places(text.sql, form["part"], dialect))


def check_declared(facts: Facts, report: Report) -> None:
    """Report the comments about pieces that their query does not have."""
    for (dialect, _, _), text in facts.texts.items():
        for one in declared_parts(text, dialect):
            if not one.spans:
                message = f"query {text.name!r} has no {one.part!r}, on which no answer depends"
                report.add(Finding(text.path, one.directive.line, 1, "directive", message))


def _places(sql: str, part: str, dialect: Dialect) -> tuple[tuple[int, int], ...]:
    statement, wanted = Statement(sql, dialect), Statement(part, dialect).words
    tokens, words = statement.tokens, statement.words
    return tuple(
        (tokens[place].start, tokens[place + len(wanted) - 1].end)
        for place in range(len(words) - len(wanted) + 1)
        if words[place : place + len(wanted)] == wanted
    )
