"""How a value of a SQLite file becomes a value of a PostgreSQL column, or why it can't.

A column's :class:`Converter` has two ways: ``many`` takes a column of a batch, trusts what it
can't check cheaply and raises :class:`SuspiciousError` when something is odd; ``one`` takes a value
and raises :class:`BadValueError` with a reason. The loader tries the first and falls back to the
second.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from aragora_sql.database.values import check_text, dump_json, load_json
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.migration.bad_values import BadValueError, DamagedText, shortened
from aragora_sql.migration.target import Column
from aragora_sql.migration.timestamps import TimestampReader, are_all, unix_timestamp

__all__ = ["Converter", "SuspiciousError", "TimestampReader", "converter_for"]

# Numbers in JSON, one to a line, that a float and an integer hold as they are written.
_PLAIN_NUMBERS = {
    "double precision": re.compile(r"(?:-?(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?\n)*", re.ASCII),
    "integer": re.compile(r"(?:-?(?:0|[1-9]\d{0,8})\n)*", re.ASCII),
    "bigint": re.compile(r"(?:-?(?:0|[1-9]\d{0,17})\n)*", re.ASCII),
}
_INT_LIMITS = {"smallint": 15, "integer": 31, "bigint": 63}
_EXACT_INT = 2**53
# Documents nested less deeply than this can be read and written everywhere.
_DEEP = 250
# Of documents, one to a line, what is kept to find numbers whose exponent is not negative:
# their digits (as zeros) and exponents, what stands before a number (as commas), and quotes.
_LOOKED_FOR = bytes.maketrans(b"123456789E:[\n", b"000000000e,,,")
_SKIPPED = bytes(set(range(256)) - set(b'0123456789eE:,[\n-"'))
_NUMBER_WITH_EXPONENT = re.compile(rb",(?:0|-0)0*e0")


class SuspiciousError(Exception):
    """A batch holds something that has to be looked at value by value."""


@dataclass(frozen=True, slots=True)
class Converter:
    """How one column is converted; ``is_null_allowed`` as in the target.

    ``compared`` is what a verification takes for ``many``, where it can do with less.
    """

    column: str
    is_null_allowed: bool
    many: Callable[[Sequence[Any]], Sequence[Any]]
    convert: Callable[[Any], Any]
    compared: Callable[[Sequence[Any]], Sequence[Any]]

    def one(self, value: Any) -> Any:
        """Convert one value. Raises :class:`BadValueError`."""
        if value is None:
            if self.is_null_allowed:
                return None
            raise BadValueError("NULL where a value is needed")
        return self.convert(value)


def converter_for(
    column: Column,
    reader: TimestampReader,
    *,
    json_text: bool = False,
    unix: bool = False,
    utc: bool = False,
) -> Converter:
    """Return the converter of a target column; the flags come from its mapping."""
    kind = column.type
    allowed: set[type]
    convert: Callable[[Any], Any]
    if kind == "text":
        allowed, convert = {str}, _text
    elif kind in _INT_LIMITS:
        bits = _INT_LIMITS[kind]
        allowed, convert = {int}, lambda value: _integer(value, bits)
    elif kind == "double precision":
        allowed, convert = {float}, _float
    elif kind == "bytea":
        allowed, convert = {bytes}, _bytes
    elif kind == "boolean":
        return _converter(column, _many_booleans, _boolean)
    elif kind in {"jsonb", "json"}:
        # What is compared is decoded, in whatever way it is written.
        return _converter(column, _many_documents, _document, _texts)
    elif kind == "timestamp with time zone":

        def timestamp(value: Any) -> str:
            if unix and isinstance(value, int | float) and not isinstance(value, bool):
                return unix_timestamp(value).isoformat()
            # What matches holds no character that PostgreSQL can't.
            text = value if type(value) is str else _text(value)
            return reader.text(text, naive_is_utc=utc)

        def many_timestamps(values: Sequence[Any]) -> Sequence[Any]:
            try:
                usual = reader.usual(values, naive_is_utc=utc)
                if usual is not None:
                    return usual
                return [None if value is None else timestamp(value) for value in values]
            except BadValueError as error:
                raise SuspiciousError from error

        return _converter(column, many_timestamps, timestamp)
    else:
        raise ConfigurationError(f"column {column.name}: nothing is known of the type {kind}")
    none = type(None)
    accepted = {*allowed, none}
    if json_text:
        plain, plain_numbers = convert, _PLAIN_NUMBERS.get(kind)

        def decode(value: Any) -> Any:
            return plain(_decoded(value) if isinstance(value, str) else value)

        def decode_many(values: Sequence[Any]) -> Sequence[Any]:
            if plain_numbers is not None:
                types = set(map(type, values))
                if types <= accepted or (types <= {str, none} and are_all(plain_numbers, values)):
                    # PostgreSQL reads a number in JSON as it reads one of its own.
                    return values
            try:
                return [None if value is None else decode(value) for value in values]
            except BadValueError as error:
                raise SuspiciousError from error

        return _converter(column, decode_many, decode)

    def many(values: Sequence[Any]) -> Sequence[Any]:
        if not set(map(type, values)) <= accepted:
            raise SuspiciousError
        return values

    return _converter(column, many, convert)


def _converter(
    column: Column,
    many: Callable[[Sequence[Any]], Sequence[Any]],
    one: Callable[[Any], Any],
    compared: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
) -> Converter:
    return Converter(column.name, not column.not_null, many, one, compared or many)


def _wrong_type(value: Any, wanted: str) -> BadValueError:
    if isinstance(value, DamagedText):
        return BadValueError(f"{shortened(bytes(value))} is not UTF-8")
    what = {
        str: "text",
        bytes: "a BLOB",
        int: "an integer",
        float: "a floating-point number",
        bool: "a boolean",
        type(None): "null",
        list: "a list",
        dict: "an object",
    }[type(value)]
    return BadValueError(f"{what} ({shortened(value)}) where {wanted} belongs")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "text")
    try:
        check_text(value, "text")
    except InvalidInputError as error:
        raise BadValueError(str(error).partition(": ")[2]) from error
    return value


def _integer(value: Any, bits: int) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INT:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(value, "an integer")
    if not -(2**bits) <= value < 2**bits:
        raise BadValueError(f"{value} does not fit an integer of {bits + 1} bits")
    return value


def _float(value: Any) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > _EXACT_INT:
            raise BadValueError(f"{value} has no exact floating-point form")
        return float(value)
    if not isinstance(value, float):
        raise _wrong_type(value, "a number")
    if not math.isfinite(value):
        raise BadValueError(f"{value} where a finite number belongs")
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes) or isinstance(value, DamagedText):
        raise _wrong_type(value, "a BLOB")
    return value


_BOOLEAN = {0: False, 1: True, None: None}


def _many_booleans(values: Sequence[Any]) -> Sequence[Any]:
    if not set(map(type, values)) <= {int, type(None)}:
        raise SuspiciousError
    try:
        return [_BOOLEAN[value] for value in values]
    except KeyError as error:
        raise SuspiciousError from error


def _boolean(value: Any) -> bool:
    if not isinstance(value, int):
        raise _wrong_type(value, "0 or 1")
    if value not in _BOOLEAN:
        raise BadValueError(f"{value} where 0 or 1 belongs")
    return bool(value)


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    if not set(map(type, values)) <= {str, type(None)}:
        raise SuspiciousError
    return values


def _many_documents(values: Sequence[Any]) -> Sequence[Any]:
    _texts(values)
    # PostgreSQL checks the rest. Only numbers with an exponent would change without an error.
    present = [value for value in values if value is not None]
    if _may_have_exponent("\n".join(present)):
        try:
            values = [
                _document(value) if value is not None and _may_have_exponent(value) else value
                for value in values
            ]
        except BadValueError as error:
            raise SuspiciousError from error
    # It also takes what is nested deeper than the stores can read or write.
    long = [value for value in present if len(value) > 2 * _DEEP]
    if _most(long, "[") + _most(long, "{") > _DEEP and any(map(_is_too_deep, long)):
        raise SuspiciousError
    return values


def _may_have_exponent(text: str) -> bool:
    """Tell whether a number of documents, one to a line, has an exponent that is not negative.

    jsonb keeps 1e+17 as the integer 100000000000000000, and 1e400, which no float holds, as 401
    digits. Only text that looks like such a number behind a comma is taken for one too.
    """
    kept = text.encode().translate(_LOOKED_FOR, _SKIPPED)
    return _NUMBER_WITH_EXPONENT.search(b"," + kept) is not None


def _most(texts: Sequence[str], bracket: str) -> int:
    return max(map(str.count, texts, repeat(bracket)), default=0)


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= _DEEP:
        return False
    try:
        _document(text)
    except BadValueError:
        return True
    return False


def _document(value: Any) -> str:
    text = _text(value)
    decoded = _decoded(text)
    try:
        return dump_json(decoded)
    except InvalidInputError as error:
        raise BadValueError(f"JSON that PostgreSQL can't hold: {error}") from error


def _decoded(text: str) -> Any:
    try:
        return load_json(text)
    except (ValueError, RecursionError) as error:
        try:
            # NaN and Infinity are no JSON, but Python writes and reads them.
            json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise BadValueError(f"{shortened(text)} is not valid JSON: {error}") from error
        problem = "a lone surrogate" if "surrogate" in str(error) else str(error)
        raise BadValueError(f"JSON that PostgreSQL or a store can't hold: {problem}") from error


def _refuse_constant(name: str) -> Any:
    raise BadValueError(f"JSON that PostgreSQL can't hold: {name}")
