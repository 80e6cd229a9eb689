"""Simple rules that tell of what type a result is, whether it and a parameter can be NULL.

True and False are certain; None means that the rules cannot tell. An engine knows which column of a
table a result comes from, so only expressions and outer joins are looked at in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from aragora_sql.database import Dialect
from aragora_sql.engines.schema_files import identifier, split
from aragora_sql.queries.parameters import Token, scan

__all__ = [
    "gives_one_row",
    "has_outer_join",
    "nullable_parameters",
    "order_by",
    "select_list",
    "stores_given_row",
]

_OUTER = {"LEFT", "RIGHT", "FULL"}
_SET_OPERATIONS = {"UNION", "INTERSECT", "EXCEPT"}
_NEVER_NULL = {"COUNT", "EXISTS", "ROW_NUMBER", "RANK", "DENSE_RANK", "NOW", "JSON_GROUP_ARRAY"}
_AGGREGATES = {"AVG", "COUNT", "JSONB_AGG", "JSON_GROUP_ARRAY", "MAX", "MIN", "SUM", "TOTAL"}
_LITERALS = {"TRUE", "FALSE"}

NullableColumn = Callable[[str, str], bool | None]
"""Whether a table's column is nullable; None for what is not a column of a known table."""


# All that is asked of a query is asked one after the other.
@lru_cache(maxsize=16)
def _tokens(sql: str, dialect: Dialect) -> tuple[Token, ...]:
    """Return the tokens without comments, and functions without their schema."""
    tokens = [token for token in scan(sql, dialect) if token.kind != "comment"]
    if "pg_catalog" not in sql.lower():
        return tuple(tokens)
    return tuple(
        token
        for index, token in enumerate(tokens)
        if not (
            _is_system_schema(tokens[index : index + 4])
            or _is_system_schema(tokens[max(index - 1, 0) : index + 3])
        )
    )


def _is_system_schema(tokens: Sequence[Token]) -> bool:
    """Tell whether this is ``pg_catalog . name (``."""
    texts = [token.text.lower() for token in tokens]
    return texts[:2] == ["pg_catalog", "."] and texts[3:4] == ["("]


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

    ``nullable`` and ``type`` are what its text alone tells; ``type`` is SQLite's. ``of_target``
    is a column of the row that the statement itself wrote, which no outer join makes NULL.
    """

    start: int
    is_column: bool
    of_target: bool
    nullable: bool | None
    type: str | None


@lru_cache(maxsize=16384)
def select_list(sql: str, dialect: Dialect) -> tuple[Result, ...]:
    """Return the expressions of the outermost SELECT or RETURNING.

    Nothing when there is none, or several that are put together (UNION).
    """
    tokens = _tokens(sql, dialect)
    depth, start, end = 0, None, len(tokens)
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth:
            continue
        word = token.text.upper()
        if word in _SET_OPERATIONS:
            return ()
        if word == "SELECT" and start is None:
            start = index + 1
        elif word == "RETURNING":
            start, end = index + 1, len(tokens)
        elif word == "FROM" and start is not None and end == len(tokens):
            end = index
    if start is None:
        return ()
    target: set[str] = set()
    absent: dict[str, bool | None] = {}
    if tokens[start - 1].text.upper() == "RETURNING":
        target = _target(tokens)
        absent, start = _absent_rows(tokens, start)
    opened = (Token("symbol", "(", 0), *tokens[start:end], Token("symbol", ")", 0))
    parts = [_without_alias(part) for part in split(opened)]
    return tuple(_result(part, target, absent, dialect) for part in parts if part)


def _result(
    part: tuple[Token, ...],
    target: Container[str],
    absent: Mapping[str, bool | None],
    dialect: Dialect,
) -> Result:
    if len(part) == 3 and part[1].text == "." and _folded(part[0]) in absent:
        return Result(part[0].start, False, False, absent[_folded(part[0])], None)
    is_column = _is_column(part)
    if len(part) == 3:
        of_target = is_column and identifier(part[0]) in target
    else:
        # PostgreSQL's may be one of FROM.
        of_target = is_column and dialect == "sqlite" and bool(target)
    return Result(part[0].start, is_column, of_target, _expression(part), _type(part))


def _folded(token: Token) -> str:
    """Return the name that a token means to PostgreSQL."""
    return identifier(token) if token.kind == "identifier" else token.text.lower()


def _absent_rows(tokens: tuple[Token, ...], start: int) -> tuple[dict[str, bool | None], int]:
    """Return the names in RETURNING of rows that may not be there, and where its list begins.

    ``old`` of an INSERT, which may have updated a row, and ``new`` of a DELETE: their columns may
    be NULL, whatever the table says; of a MERGE it is not known. PostgreSQL 18 has both, under
    these names or others: ``RETURNING WITH (OLD AS o) o.id``.
    """
    names = {"OLD": "old", "NEW": "new"}
    if tokens[start].text.upper() == "WITH" and tokens[start + 1].text == "(":
        for part in split(tokens[start + 1 :]):
            names[part[0].text.upper()] = _folded(part[-1])
        start = _after_parentheses(tokens, start + 1)
    verbs = {"INSERT", "UPDATE", "DELETE", "MERGE"}
    verb = next((word for word in _outer_words(tokens) if word in verbs), "")
    maybe: dict[str, dict[str, bool | None]] = {
        "INSERT": {names["OLD"]: True},
        "DELETE": {names["NEW"]: True},
        "MERGE": {names["OLD"]: None, names["NEW"]: None},
    }
    # A table may be called so.
    found = maybe.get(verb, {})
    return {name: known for name, known in found.items() if name not in _target(tokens)}, start


def _target(tokens: tuple[Token, ...]) -> set[str]:
    """Return the names that the outermost INSERT, UPDATE or DELETE has for the table it writes."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        word = token.text.upper()
        if depth or word not in {"INSERT", "UPDATE", "DELETE"}:
            continue
        named = tokens[index + (1 if word == "UPDATE" else 2) :]
        names = {identifier(named[0])}
        if named[1].text.upper() == "AS":
            # An alias hides the table's own name.
            names = {identifier(named[2])}
        return names
    return set()


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

    An aggregate over everything does, a SELECT without FROM and WHERE, and one from nothing but
    such queries of its WITH.
    """
    tokens = _tokens(sql, dialect)
    outer = _outer_words(tokens)
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
    return (
        bool(_AGGREGATES.intersection(first))
        or _over_aggregate(sql, dialect)
        or _from_single_rows(sql, tokens, outer, dialect)
    )


def stores_given_row(sql: str, dialect: Dialect) -> bool:
    """Tell whether a query stores a row that is given: ``INSERT … VALUES (:id, …)``."""
    outer = outer_words(sql, dialect)
    return "INSERT" in outer and "VALUES" in outer


def outer_words(sql: str, dialect: Dialect) -> list[str]:
    """Return what is outside of all parentheses, in capitals, with these themselves."""
    return _outer_words(_tokens(sql, dialect))


def order_by(sql: str, dialect: Dialect) -> str:
    """Return the text of the outermost ORDER BY, on one line; empty when there is none."""
    depth, start, end = 0, None, len(sql)
    tokens = _tokens(sql, dialect)
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        word = token.text.upper()
        if depth or index == 0:
            continue
        if word == "BY" and tokens[index - 1].text.upper() == "ORDER":
            start, end = token.end, len(sql)
        elif start is not None and end == len(sql) and word in {"LIMIT", "OFFSET", "FOR", "FETCH"}:
            end = token.start
    return "" if start is None else " ".join(sql[start:end].rstrip("; \n").split())


def _outer_words(tokens: tuple[Token, ...]) -> list[str]:
    depth = 0
    outer: list[str] = []
    for token in tokens:
        depth -= token.text == ")"
        if depth == 0:
            outer.append(token.text.upper())
        depth += token.text == "("
    return outer


def _from_single_rows(
    sql: str, tokens: tuple[Token, ...], outer: list[str], dialect: Dialect
) -> bool:
    """Tell whether all that a query reads from are queries of its WITH that give one row each."""
    named = set(outer[outer.index("FROM") + 1 :]) - {"CROSS", "JOIN", ",", ";"}
    single = set()
    for index, token in enumerate(tokens):
        if token.text.upper() == "AS" and tokens[index + 1].text == "(":
            body = sql[
                tokens[index + 1].start + 1 : tokens[_after_parentheses(tokens, index) - 1].start
            ]
            if gives_one_row(body, dialect):
                single.add(tokens[index - 1].text.upper())
    return named <= single


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
    if words[:2] == ["COUNT", "("]:
        closed = _after_parentheses(tokens, 1)
        if words[closed : closed + 2] == ["FILTER", "("] and _closes_at_end(tokens[closed + 1 :]):
            return False
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

    Those that the query asks ``IS NULL`` may be, those in the first argument of a ``coalesce``, and
    those that go into a column which may be NULL.
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
        if asked or _is_first_of_coalesce(words, index):
            names[token.text[1:]] = True
    for name, table, column in (*_inserted(tokens, words), *_updated(tokens, words)):
        if nullable_column(table, column):
            names[name] = True
    return names


def _is_first_of_coalesce(words: list[str], index: int) -> bool:
    for before in range(index - 1, 0, -1):
        if words[before] in {",", ")"}:
            return False
        if words[before] == "(":
            return words[before - 1] == "COALESCE"
    return False


def _inserted(tokens: tuple[Token, ...], words: list[str]) -> list[tuple[str, str, str]]:
    found = []
    for into, word in enumerate(words):
        if word != "INTO":
            continue
        table = identifier(tokens[into + 1])
        columns = [identifier(part[0]) for part in split(tokens[into + 2 :])]
        after = _after_parentheses(tokens, into + 2)
        given: list[tuple[Token, ...]] = []
        if words[after : after + 1] == ["VALUES"]:
            given = list(split(tokens[after + 1 :]))
        elif words[after : after + 1] == ["SELECT"]:
            given = _selected(tokens[after + 1 :])
        found += [
            (part[0].text[1:], table, column)
            for column, part in zip(columns, given, strict=False)
            if part and part[0].kind == "parameter" and _is_value(part)
        ]
    return found


def _after_parentheses(tokens: tuple[Token, ...], start: int) -> int:
    """Return the place behind the first parentheses from ``start`` on."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index].text, 0)
        if tokens[index].text == ")" and depth == 0:
            return index + 1
    return len(tokens)


def _selected(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Return the select list that these tokens begin with, without aliases."""
    depth, end = 0, len(tokens)
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or (depth == 0 and token.text.upper() in {"FROM", "WHERE", *_SET_OPERATIONS}):
            end = index
            break
    opened = (Token("symbol", "(", 0), *tokens[:end], Token("symbol", ")", 0))
    return [_without_alias(part) for part in split(opened)]


def _is_value(tokens: tuple[Token, ...]) -> bool:
    """Tell whether it is a parameter alone, or cast."""
    return len(tokens) == 1 or tokens[1].text == "::"


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
