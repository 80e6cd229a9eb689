"""Simple rules that tell of what type a result is, whether it and a parameter can be NULL.

True and False are certain; None means that the rules cannot tell. An engine knows which column of a
table a result comes from, so only expressions and outer joins are looked at in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from aragora_sql.checker.schema_files import identifier, split
from aragora_sql.database import Dialect
from aragora_sql.queries.parameters import Token, scan

__all__ = ["gives_one_row", "has_outer_join", "nullable_parameters", "select_list"]

_OUTER = {"LEFT", "RIGHT", "FULL"}
_SET_OPERATIONS = {"UNION", "INTERSECT", "EXCEPT"}
_NEVER_NULL = {"COUNT", "EXISTS", "ROW_NUMBER", "RANK", "DENSE_RANK", "NOW", "JSON_GROUP_ARRAY"}
_AGGREGATES = {"AVG", "COUNT", "JSONB_AGG", "JSON_GROUP_ARRAY", "MAX", "MIN", "SUM", "TOTAL"}
_LITERALS = {"TRUE", "FALSE"}

NullableColumn = Callable[[str, str], bool | None]
"""Whether a table's column is nullable; None for what is no column of a known table."""


# All that is asked of a query is asked one after the other.
@lru_cache(maxsize=16)
def _tokens(sql: str, dialect: Dialect) -> tuple[Token, ...]:
    return tuple(token for token in scan(sql, dialect) if token.kind != "comment")


def has_outer_join(sql: str, dialect: Dialect) -> bool:
    """Tell whether a column that is never NULL in its table may be NULL in the result."""
    tokens = _tokens(sql, dialect)
    return any(
        token.text.upper() in _OUTER and after.text.upper() in {"JOIN", "OUTER"}
        for token, after in pairwise(tokens)
    )


@dataclass(frozen=True, slots=True)
class Result:
    """An expression of a select list, which starts at an offset of the SQL.

    ``nullable`` and ``type`` are what its text alone tells; ``type`` is SQLite's.
    """

    start: int
    is_column: bool
    nullable: bool | None
    type: str | None


def select_list(sql: str, dialect: Dialect) -> list[Result]:
    """Return the expressions of the outermost SELECT or RETURNING.

    An empty list when there is none, or several that are put together (UNION).
    """
    tokens = _tokens(sql, dialect)
    depth, start, end = 0, None, len(tokens)
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth:
            continue
        word = token.text.upper()
        if word in _SET_OPERATIONS:
            return []
        if word == "SELECT" and start is None:
            start = index + 1
        elif word == "RETURNING":
            start, end = index + 1, len(tokens)
        elif word == "FROM" and start is not None and end == len(tokens):
            end = index
    if start is None:
        return []
    opened = (Token("symbol", "(", 0), *tokens[start:end], Token("symbol", ")", 0))
    parts = [_without_alias(part) for part in split(opened)]
    return [
        Result(part[0].start, _is_column(part), _expression(part), _type(part))
        for part in parts
        if part
    ]


def _type(tokens: tuple[Token, ...]) -> str | None:
    """Return the SQLite type of an expression whose outermost part says it."""
    words = [token.text.upper() for token in tokens]
    if len(tokens) == 1:
        if tokens[0].kind == "string":
            return "TEXT"
        return "INTEGER" if words[0].isdigit() else None
    if len(words) > 2 and words[1] == "(" and _closes_at_end(tokens[1:]):
        if words[0] == "CAST":
            return words[-2]
        return {"COUNT": "INTEGER", "LENGTH": "INTEGER", "EXISTS": "INTEGER"}.get(words[0])
    return None


def gives_one_row(sql: str, dialect: Dialect) -> bool:
    """Tell whether a query gives exactly one row, whatever is in the tables.

    An aggregate over everything does, and a SELECT without FROM and WHERE.
    """
    depth = 0
    outer: list[str] = []
    for token in _tokens(sql, dialect):
        depth -= token.text == ")"
        if depth == 0:
            outer.append(token.text.upper())
        depth += token.text == "("
    if outer[:1] == ["INSERT"] and "VALUES" in outer and "SELECT" not in outer:
        return "RETURNING" in outer and "NOTHING" not in outer and "WHERE" not in outer
    if "SELECT" not in outer or not {
        "GROUP",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "UNION",
        "INSERT",
    }.isdisjoint(outer):
        return False
    if "FROM" not in outer:
        return "WHERE" not in outer
    first = outer[outer.index("SELECT") + 1 : outer.index("FROM")]
    return bool(_AGGREGATES.intersection(first)) or _over_aggregate(sql, dialect)


def _over_aggregate(sql: str, dialect: Dialect) -> bool:
    """Tell whether the first expression is made of an aggregate: ``coalesce(sum(x), 0)``."""
    results = select_list(sql, dialect)
    if not results:
        return False
    words = [t.text.upper() for t in _tokens(sql[results[0].start :], dialect)][:4]
    return words[1:2] == ["("] and words[3:4] == ["("] and words[2] in _AGGREGATES


def _is_column(tokens: tuple[Token, ...]) -> bool:
    return all(t.kind in {"word", "identifier"} or t.text == "." for t in tokens)


def _expression(tokens: tuple[Token, ...]) -> bool | None:
    if len(tokens) > 2 and tokens[-2].text == "::":
        tokens = tokens[:-2]
    words = [token.text.upper() for token in tokens]
    if not words:
        return None
    if len(tokens) == 1:
        return False if _is_literal(tokens[0]) else True if words[0] == "NULL" else None
    if words[:2] == ["NOT", "EXISTS"] or words[-2:] == ["IS", "NULL"]:
        return False
    if words[-3:] == ["IS", "NOT", "NULL"]:
        return False
    if words[:4] == ["(", "SELECT", "COUNT", "("]:
        return None if "GROUP" in words else False
    call = len(words) > 2 and words[1] == "(" and _closes_at_end(tokens[1:])
    if call and words[0] in _NEVER_NULL:
        return False
    if call and words[0] == "COALESCE":
        last = list(split(tokens[1:]))[-1]
        return False if _is_literal(last[0]) and _is_plain(last) else None
    return None


def _without_alias(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    return tokens[:-2] if len(tokens) > 2 and tokens[-2].text.upper() == "AS" else tokens


def _closes_at_end(tokens: tuple[Token, ...]) -> bool:
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return index == len(tokens) - 1
    return False


def _is_literal(token: Token) -> bool:
    text = token.text.upper()
    return token.kind == "string" or text in _LITERALS or text[0].isdigit()


def _is_plain(tokens: tuple[Token, ...]) -> bool:
    return len(tokens) == 1 or (len(tokens) == 3 and tokens[1].text == "::")


def nullable_parameters(
    sql: str, dialect: Dialect, nullable_column: NullableColumn
) -> Mapping[str, bool]:
    """Guess which parameters may be None.

    Those that the query asks ``IS NULL`` or gives to ``coalesce`` may be, and those that go into a
    column which may be NULL.
    """
    tokens = _tokens(sql, dialect)
    words = [token.text.upper() for token in tokens]
    names = {token.text[1:]: False for token in tokens if token.kind == "parameter"}
    for index, token in enumerate(tokens):
        if token.kind != "parameter":
            continue
        after = index + 1
        if words[after : after + 1] == ["::"]:
            after += 4 if words[after + 2 : after + 4] == ["[", "]"] else 2
        asked = words[after : after + 2] == ["IS", "NULL"]
        asked |= words[after : after + 3] == ["IS", "NOT", "NULL"]
        given = words[max(0, index - 2) : index] == ["COALESCE", "("]
        if asked or given:
            names[token.text[1:]] = True
    for name, table, column in (*_inserted(tokens, words), *_updated(tokens, words)):
        if nullable_column(table, column):
            names[name] = True
    return names


def _inserted(tokens: tuple[Token, ...], words: list[str]) -> list[tuple[str, str, str]]:
    if "INTO" not in words or "VALUES" not in words:
        return []
    into, values = words.index("INTO"), words.index("VALUES")
    table = identifier(tokens[into + 1])
    columns = [identifier(part[0]) for part in split(tokens[into + 2 : values])]
    given = list(split(tokens[values + 1 :]))
    return [
        (part[0].text[1:], table, column)
        for column, part in zip(columns, given, strict=False)
        if part and part[0].kind == "parameter"
    ]


def _updated(tokens: tuple[Token, ...], words: list[str]) -> list[tuple[str, str, str]]:
    found = []
    table = ""
    for index, word in enumerate(words):
        if word in {"UPDATE", "INTO"} and index + 1 < len(words) and words[index + 1] != "SET":
            table = identifier(tokens[index + 1])
        starts = index > 0 and words[index - 1] in {"SET", ","}
        if starts and words[index + 1 : index + 2] == ["="] and index + 2 < len(tokens):
            value = tokens[index + 2]
            if value.kind == "parameter":
                found.append((value.text[1:], table, identifier(tokens[index])))
    return found
