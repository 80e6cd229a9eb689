"""What a value looks like on its way into a database and back.

=========  =========================================  ====================  ====================
meaning    Python                                     PostgreSQL            SQLite
=========  =========================================  ====================  ====================
timestamp  aware ``datetime``, returned in UTC        ``TIMESTAMPTZ``       ISO-8601 text in UTC
document   ``dict``, ``list``                         ``JSONB``             JSON text
boolean    ``bool``                                   ``BOOLEAN``           0 or 1
measure    ``float``, finite, all 64 bits             ``DOUBLE PRECISION``  ``REAL``
=========  =========================================  ====================  ====================

A document holds what JSON has a form for: None, booleans, text, integers, finite floats, lists, and
dictionaries with text as keys. A tuple counts as a list, and an object of a derived class as what
it derives from: a member of a ``(str, Enum)`` as its text, a named tuple as a list. Everything else
is refused (a UUID, a Decimal, a date, a dataclass, a member of another ``Enum``), whatever is
beside it.

JSON round-trips exactly. Two traps are met here: PostgreSQL's ``jsonb`` prints ``1e17`` as an
integer, so large floats are written with a decimal point; and a fast JSON reader turns integers
beyond 64 bits into floats, so texts with long digit runs go to the exact reader.
"""

from __future__ import annotations

import json
import marshal
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from aragora_sql.errors import InvalidInputError

__all__ = [
    "EncodedJSON",
    "UndecodableText",
    "dump_json",
    "dump_plain_each",
    "dump_plain_json",
    "dump_rows",
    "dump_scalars",
    "dump_text_lists",
    "format_timestamp",
    "load_documents",
    "load_json",
    "load_jsonb",
    "parse_timestamp",
    "utc_now",
]

_ORJSON_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_dump_fast = partial(orjson.dumps, option=_ORJSON_OPTIONS)
# Searching text in which every digit is a zero is many times faster than a regular expression.
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
# So many digits in a row may be a number that the fast reader gets wrong.
_LONG_DIGITS = 19
_LONG_NUMBER = b"0" * _LONG_DIGITS
_LARGE_FLOAT = 1e15
_PLUS, _BACKSLASH = b"+\\"
# Python reads back no more than 4300 digits.
_MOST_BITS = 14_000
# What the fast writer takes.
MOST_NESTED = 254


class EncodedJSON(str):
    """JSON text that has been checked and encoded already; drivers pass it on as it is."""

    __slots__ = ()


# Most lists and documents are empty.
_EMPTY: dict[type, EncodedJSON] = {
    dict: EncodedJSON("{}"),
    list: EncodedJSON("[]"),
    tuple: EncodedJSON("[]"),
}


class UndecodableText(str):
    """Stored text that is not UTF-8, with U+FFFD in the place of what can't be decoded."""

    __slots__ = ()


def dump_json(value: Any, argument: str = "value") -> EncodedJSON:
    """Encode ``value`` as JSON text that reads back equal on both engines.

    ``argument`` is the name that an error reports. Raises :class:`InvalidInputError` for NaN,
    infinities, keys that are not text, NUL characters, lone surrogates, and objects that JSON has
    no form for.
    """
    if type(value) is EncodedJSON:
        return value
    if not value and type(value) in _EMPTY:
        return _EMPTY[type(value)]
    text = dump_plain_json(value)
    if text is not None:
        return text
    try:
        encoded = orjson.dumps(_exact(value, argument, 0), option=_ORJSON_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise InvalidInputError(argument, f"cannot be encoded as JSON: {error}") from error
    return EncodedJSON(encoded, "utf-8")


def dump_plain_json(value: Any) -> EncodedJSON | None:
    """Encode what the fast writer alone gets right, or return None."""
    encoded = dump_plain_each((value,))
    return None if encoded is None else EncodedJSON(encoded[0], "utf-8")


def dump_plain_each(values: tuple[Any, ...]) -> list[bytes] | None:
    """Encode several values which the fast writer alone gets right; None where it does not."""
    try:
        encoded = [*map(_dump_fast, values)]
        # The writer has a form of its own for UUIDs and enumerations. This one refuses all objects
        # that are not exactly of one of the types that JSON has, faster than a loop would.
        plain = marshal.dumps(values)
    except (orjson.JSONEncodeError, ValueError):
        return None
    # What the writer gets wrong shows: large exponents, NUL characters, and null where NaN or an
    # infinity was, which have a byte 7F or FF. To look for one byte first costs next to nothing.
    joined = encoded[0] if len(encoded) == 1 else b",".join(encoded)
    if (
        _has_exponent(joined)
        or (_BACKSLASH in joined and joined.find(b"\\u0000") >= 0)
        or ((0x7F in plain or 0xFF in plain) and joined.find(b"null") >= 0)
    ):
        return None
    return encoded


def dump_rows(rows: Sequence[Sequence[str | int | float | None]]) -> EncodedJSON:
    """Encode rows of checked values as a JSON array of arrays, for one statement that stores all.

    A value is text that :func:`check_text` has seen, an integer of 64 bits, a finite float, a
    boolean or None. A document is text here: SQLite reads a string faster than what is in it.
    """
    return EncodedJSON(orjson.dumps(rows), "utf-8")


def dump_text_lists(lists: Iterable[Sequence[str]]) -> list[bytes]:
    """Encode lists of texts that :func:`check_text` has seen."""
    return [*map(_dump_fast, lists)]


def _has_signed_exponent(encoded: bytes) -> bool:
    """Tell whether there may be a large float in what a writer of ``1e+17`` wrote."""
    return _PLUS in encoded and encoded.find(b"e+") >= 0


def _has_any_exponent(encoded: bytes) -> bool:
    """Tell whether there may be a large or a small float in what any writer wrote."""
    return encoded.translate(_DIGITS_AS_ZERO).find(b"0e") >= 0


# Releases of the fast writer differ: 1e17 and 1e+17.
_has_exponent = _has_signed_exponent if b"+" in orjson.dumps(1e17) else _has_any_exponent


def dump_scalars(values: Sequence[str | int | float | None]) -> str:
    """Encode values as the inside of a JSON array, without looking into them.

    For texts that :func:`check_text` has seen, integers of 64 bits, and floats below 1e15.
    """
    return orjson.dumps(values)[1:-1].decode()


def _exact(value: Any, path: str, depth: int) -> Any:
    """Return ``value`` with every number that the fast writer would change pre-encoded."""
    if isinstance(value, str):
        check_text(value, path)
        # str() of an enumeration's member may be its Python name.
        return str.__str__(value)
    if isinstance(value, dict | list | tuple) and depth >= MOST_NESTED:
        raise InvalidInputError(path, f"is nested deeper than {MOST_NESTED} levels")
    if isinstance(value, dict):
        exact = {}
        for key, item in value.items():
            name = json_key(key, path)
            check_text(name, path)
            if name in exact:
                raise InvalidInputError(path, f"the JSON key {name!r} is there twice")
            exact[name] = _exact(item, f"{path}[{name!r}]", depth + 1)
        return exact
    if isinstance(value, list | tuple):
        return [_exact(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise InvalidInputError(path, f"an integer of {value.bit_length()} bits is too large")
        return orjson.Fragment(int.__repr__(value).encode())
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(path, f"{float.__repr__(value)} has no form in JSON")
        if abs(value) >= _LARGE_FLOAT:
            digits = f"{Decimal(float.__repr__(value)):f}"
            return orjson.Fragment(digits if "." in digits else f"{digits}.0")
        return float.__float__(value)
    raise no_form(value, path)


def json_key(key: object, path: str) -> str:
    """Return the key of a dictionary as JSON has it; only text can be one."""
    if not isinstance(key, str):
        raise InvalidInputError(path, f"the JSON key {key!r} is not text")
    return str.__str__(key)


def no_form(value: object, path: str) -> InvalidInputError:
    """Return the error of a value that JSON has no form for."""
    return InvalidInputError(
        path, f"a {type(value).__name__} has no form in JSON; convert it, to text for example"
    )


def load_json(text: str | bytes) -> Any:
    """Decode JSON text; integers of any size and floats come back exactly."""
    if isinstance(text, str):
        text = text.encode()
    # find() takes a third of the time of `in`.
    if len(text) >= _LONG_DIGITS and text.translate(_DIGITS_AS_ZERO).find(_LONG_NUMBER) >= 0:
        return json.loads(text)
    return orjson.loads(text)


def load_jsonb(data: bytes) -> Any:
    """Do the same for what PostgreSQL sends of a jsonb in binary form: a version, and text."""
    # A row may have ten of them: this has no call of load_json() in it.
    text = data[1:]
    if len(text) >= _LONG_DIGITS and text.translate(_DIGITS_AS_ZERO).find(_LONG_NUMBER) >= 0:
        return json.loads(text)
    return orjson.loads(text)


def load_documents(texts: Sequence[str]) -> list[Any]:
    """Decode several JSON texts as :func:`load_json` does, in less time than one by one."""
    lines = "\n".join(texts).encode().translate(_DIGITS_AS_ZERO)
    if lines.find(_LONG_NUMBER) < 0:
        return [*map(orjson.loads, texts)]
    found = [line.find(_LONG_NUMBER) for line in lines.split(b"\n")]
    if len(found) != len(texts):
        # One is written in several lines.
        return [*map(load_json, texts)]
    return [
        orjson.loads(text) if place < 0 else json.loads(text)
        for text, place in zip(texts, found, strict=True)
    ]


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def format_timestamp(timestamp: date) -> str:
    """Return an aware timestamp as SQLite stores it: ``2026-02-12T16:42:57.123456Z``.

    The width is fixed, so text order is time order. Raises :class:`InvalidInputError` for a naive
    timestamp or a date.
    """
    if type(timestamp) is not datetime or timestamp.tzinfo is not UTC:
        if not isinstance(timestamp, datetime) or timestamp.utcoffset() is None:
            raise InvalidInputError(
                "datetime", f"must be a datetime with a time zone, best in UTC, not {timestamp!r}"
            )
        timestamp = timestamp.astimezone(UTC)
    return timestamp.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_timestamp(text: str) -> datetime:
    """Return the aware UTC timestamp of what :func:`format_timestamp` wrote."""
    return datetime.fromisoformat(text)


def check_text(text: str, argument: str) -> None:
    """Raise :class:`InvalidInputError` for text that PostgreSQL cannot hold.

    That is a NUL character or a lone surrogate. SQLite would take the NUL and show the text cut.
    """
    if "\x00" in text:
        raise InvalidInputError(argument, f"a NUL character at position {text.index(chr(0))}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            argument, f"a lone surrogate (not a Unicode character) at position {error.start}"
        ) from None
