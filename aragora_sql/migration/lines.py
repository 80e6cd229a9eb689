"""Converted rows as what COPY reads, column by column: no value passes through Python code.

The form is CSV in which every field is quoted by a control character, so that nothing in a field
has to be escaped, and NULL is another one. A batch in which a text has one of the two is
:class:`~.conversion.SuspiciousError`: it goes another way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from psycopg import sql

from aragora_sql.migration.conversion import SuspiciousError

__all__ = ["as_lines", "copy_lines_statement"]

_QUOTE, _NULL = "\x01", "\x02"
_BETWEEN = f"{_QUOTE},{_QUOTE}"
_END = f"{_QUOTE}\n"


def copy_lines_statement(table: str, columns: Sequence[str]) -> sql.Composed:
    """Return the statement that copies lines of these columns into a table."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(
        "COPY {table} ({names}) FROM STDIN "
        "(FORMAT csv, QUOTE {quote}, NULL {null}, FORCE_NULL ({names}))"
    ).format(
        table=sql.Identifier(table),
        names=names,
        quote=sql.Literal(_QUOTE),
        null=sql.Literal(_NULL),
    )


def as_lines(columns: Iterable[Sequence[Any]]) -> bytes:
    """Return converted rows, given as columns, as lines.

    Raises :class:`SuspiciousError` or :class:`UnicodeEncodeError` when a value of them has to be
    looked at by itself.
    """
    rows = map(_BETWEEN.join, zip(*map(_texts, columns), strict=True))
    return f"{_QUOTE}{f'{_END}{_QUOTE}'.join(rows)}{_END}".encode()


def _texts(values: Sequence[Any]) -> Sequence[str]:
    types = set(map(type, values))
    if types == {str}:
        _check(values)
        return values
    if types == {float}:
        _check_finite(values)
        # In C, and exact: the shortest text of each.
        return orjson.dumps(values)[1:-1].decode().split(",")
    if types <= {int, bool}:
        return [*map(str, values)]
    _check([value for value in values if type(value) is str])
    _check_finite([value for value in values if type(value) is float])
    return [_NULL if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _check(texts: Sequence[str]) -> None:
    text = "".join(texts)
    if _QUOTE in text or _NULL in text:
        raise SuspiciousError


def _check_finite(numbers: Sequence[float]) -> None:
    if not all(map(math.isfinite, numbers)):
        raise SuspiciousError
