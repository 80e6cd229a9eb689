"""SQL in colours, with the ``:name`` parameters of named queries."""

from __future__ import annotations

from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import bygroups, inherit
from pygments.lexers.sql import PostgresLexer, SqlLexer
from pygments.token import Name, Operator, Punctuation

from aragora_sql.database import Dialect

__all__ = ["html", "lexer"]


def _rules() -> dict[str, list[Any]]:
    # Pygments changes the lists that it is given, so each lexer needs its own.
    return {
        "root": [
            (r"::", Operator),
            (r":[A-Za-z_]\w*", Name.Variable),
            # A column of a table, even one that is named like a keyword.
            (r"(\.)([A-Za-z_]\w*)", bygroups(Punctuation, Name)),  # type: ignore[no-untyped-call]
            inherit,
        ]
    }


class _PostgresQueryLexer(PostgresLexer):
    tokens = _rules()


class _SQLiteQueryLexer(SqlLexer):
    tokens = _rules()


def lexer(dialect: Dialect) -> PostgresLexer | SqlLexer:
    """Return Pygments' lexer for a dialect of named queries."""
    return _PostgresQueryLexer() if dialect == "postgres" else _SQLiteQueryLexer()


def html(sql: str, dialect: Dialect) -> str:
    """Return SQL as HTML with Pygments' short classes, without an element around it."""
    return highlight(sql, lexer(dialect), HtmlFormatter(nowrap=True)).rstrip("\n")
