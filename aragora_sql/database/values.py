"""What a value looks like on its way into a database and back.

=========  =========================================  ====================  ====================
meaning    Python                                     PostgreSQL            SQLite
=========  =========================================  ====================  ====================
timestamp  aware ``datetime``, returned in UTC        ``TIMESTAMPTZ``       ISO-8601 text in UTC
document   ``dict``, ``list``                         ``JSONB``             JSON text
boolean    ``bool``                                   ``BOOLEAN``           0 or 1
measure    ``float``, finite, all 64 bits             ``DOUBLE PRECISION``  ``REAL``
=========  =========================================  ====================  ====================

JSON round-trips exactly. Two traps are met here: PostgreSQL's ``jsonb`` prints ``1e17`` as an
integer, so large floats are written with a decimal point; and a fast JSON reader turns integers
beyond 64 bits into floats, so texts with long digit runs go to the exact reader.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from aragora_sql.errors import InvalidInputError

__all__ = [
    "EncodedJSON",
    "dump_json",
    "dump_plain_json",
    "dump_scalars",
    "format_timestamp",
    "load_json",
    "parse_timestamp",
    "utc_now",
]

_ORJSON_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
# Searching text in which every digit is a zero is many times faster than a regular expression.
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_LARGE_FLOAT = 1e15
# Python reads back no more than 4300 digits.
_MOST_BITS = 14_000


class EncodedJSON(str):
    """JSON text that has been checked and encoded already; drivers pass it on as it is."""

    __slots__ = ()


# Most lists and documents are empty.
_EMPTY: dict[type, EncodedJSON] = {
    dict: EncodedJSON("{}"),
    list: EncodedJSON("[]"),
    tuple: EncodedJSON("[]"),
}


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
        encoded = orjson.dumps(_exact(value, argument), option=_ORJSON_OPTIONS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise InvalidInputError(argument, f"cannot be encoded as JSON: {error}") from error
    return EncodedJSON(encoded, "utf-8")


def dump_plain_json(value: Any) -> EncodedJSON | None:
    """Encode what the fast writer alone gets right, or return None."""
    try:
        encoded = orjson.dumps(value, option=_ORJSON_OPTIONS)
    except orjson.JSONEncodeError:
        return None
    # What it gets wrong shows: null where NaN was, NUL characters, exponents.
    if b"null" in encoded or b"\\u0000" in encoded or b"0e" in encoded.translate(_DIGITS_AS_ZERO):
        return None
    return EncodedJSON(encoded, "utf-8")


def dump_scalars(values: Sequence[str | int | float | None]) -> str:
    """Encode values as the inside of a JSON array, without looking into them.

    For texts that :func:`check_text` has seen, integers of 64 bits, and floats below 1e15.
    """
    return orjson.dumps(values)[1:-1].decode()


def _exact(value: Any, path: str) -> Any:
    """Return ``value`` with every number that the fast writer would change pre-encoded."""
    if isinstance(value, str):
        check_text(value, path)
        return str(value)
    if isinstance(value, dict):
        exact = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidInputError(path, f"the JSON key {key!r} is not text")
            check_text(key, path)
            exact[str(key)] = _exact(item, f"{path}[{key!r}]")
        return exact
    if isinstance(value, list | tuple):
        return [_exact(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise InvalidInputError(path, f"an integer of {value.bit_length()} bits is too large")
        return orjson.Fragment(int.__repr__(value).encode())
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(path, f"{value!r} has no form in JSON")
        if abs(value) >= _LARGE_FLOAT:
            digits = f"{Decimal(repr(float(value))):f}"
            return orjson.Fragment(digits if "." in digits else f"{digits}.0")
        return float(value)
    raise InvalidInputError(path, f"a {type(value).__name__} has no form in JSON")


def load_json(text: str | bytes) -> Any:
    """Decode JSON text; integers of any size and floats come back exactly."""
    if isinstance(text, str):
        text = text.encode()
    if text == b"[]":
        return []
    if text == b"{}":
        return {}
    if len(text) >= len(_LONG_NUMBER) and _LONG_NUMBER in text.translate(_DIGITS_AS_ZERO):
        return json.loads(text)
    return orjson.loads(text)


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def format_timestamp(timestamp: date) -> str:
    """Return an aware timestamp as SQLite stores it: ``2026-02-12T16:42:57.123456Z``.

    The width is fixed, so text order is time order. Raises :class:`InvalidInputError` for a naive
    timestamp or a date.
    """
    if not isinstance(timestamp, datetime) or timestamp.tzinfo is None:
        raise InvalidInputError(
            "datetime", f"must be a datetime with a time zone, best in UTC, not {timestamp!r}"
        )
    return timestamp.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


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
