"""SQL in colours, with the ``:name`` parameters of named queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer, bygroups, inherit
from pygments.lexers.sql import PostgresLexer, SqlLexer
from pygments.token import Keyword, Name, Operator, Punctuation, _TokenType

from aragora_sql.database import Dialect

__all__ = ["html", "lexer"]


def _rules() -> dict[str, list[Any]]:
    # Pygments changes the lists that it is given, so each lexer needs its own.
    return {
        "root": [
            (r"::", Operator),
            (r":[A-Za-z_]\w*", Name.Variable),
            # A column of a table, and the table, even when named like a keyword.
            (r"(\.)([A-Za-z_]\w*)", bygroups(Punctuation, Name)),  # type: ignore[no-untyped-call]
            (r"[A-Za-z_]\w*(?=\.)", Name),
            inherit,
        ]
    }


class _Names(Filter):
    """Takes names for no keywords: where these are capitals, what is written small is none.

    PostgreSQL's list has words such as C, NAME and TYPE, which are aliases and columns here.
    """

    def filter(
        self, lexer: Lexer | None, stream: Iterable[tuple[_TokenType, str]]
    ) -> Iterator[tuple[_TokenType, str]]:
        found = list(stream)
        has_capitals = any(_is_keyword(kind) and text.isupper() for kind, text in found)
        for kind, text in found:
            yield Name if has_capitals and _is_keyword(kind) and text.islower() else kind, text


def _is_keyword(kind: _TokenType) -> bool:
    return kind[: len(Keyword)] == Keyword


class _PostgresQueryLexer(PostgresLexer):
    tokens = _rules()


class _SQLiteQueryLexer(SqlLexer):
    tokens = _rules()


def lexer(dialect: Dialect) -> PostgresLexer | SqlLexer:
    """Return Pygments' lexer for a dialect of named queries."""
    found = _PostgresQueryLexer() if dialect == "postgres" else _SQLiteQueryLexer()
    found.add_filter(_Names())
    return found


def html(sql: str, dialect: Dialect) -> str:
    """Return SQL as HTML with Pygments' short classes, without an element around it."""
    return highlight(sql, lexer(dialect), HtmlFormatter(nowrap=True)).rstrip("\n")
