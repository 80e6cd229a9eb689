"""How a value of a SQLite file becomes a value of a PostgreSQL column, or why it can't.

A column's :class:`Converter` has two ways: ``many`` takes a column of a batch, trusts what it
can't check cheaply and raises :class:`SuspiciousError` when something is odd; ``one`` takes a value
and raises :class:`BadValueError` with a reason. The loader tries the first and falls back to the
second.

Timestamps are text in three forms, told apart as they were written: with an offset; with a blank
(``2026-02-12 22:42:57``, SQLite's own, UTC); with a ``T`` and no offset (Python's naive local time,
in the time zone of the machine that wrote it). A local time that occurred twice is taken as the
first; one that a clock change left out is taken with the offset before the change, which moves it
past the gap (PEP 495, fold 0). Both are counted.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aragora_sql.database.values import check_text, dump_json, load_json
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.migration.target import Column

__all__ = [
    "BadValueError",
    "Converter",
    "DamagedText",
    "SuspiciousError",
    "TimestampReader",
    "converter_for",
    "time_zone",
    "unix_timestamp",
]

AMBIGUOUS = "local times that occurred twice, taken as the first"
NONEXISTENT = "local times that a clock change left out, moved past the gap"

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:([ T])([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?"
    r"(?:\s?(Z|z|[+-](?:0\d|1[0-5])(?::?[0-5]\d(?::[0-5]\d)?)?))?)?",
    re.ASCII,
)
# Timestamps, one to a line, with which nothing is wrong: no case of a calendar, no zone.
_DATE = (
    r"(?!9999)[1-9]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_PLAIN_TIMESTAMPS = re.compile(rf"(?:{_DATE}[ T]{_CLOCK}\n)*", re.ASCII)
# Numbers in JSON, one to a line, that a float and an integer hold as they are written.
_PLAIN_NUMBERS = {
    "double precision": re.compile(r"(?:-?(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?\n)*", re.ASCII),
    "integer": re.compile(r"(?:-?(?:0|[1-9]\d{0,8})\n)*", re.ASCII),
    "bigint": re.compile(r"(?:-?(?:0|[1-9]\d{0,17})\n)*", re.ASCII),
}
_NUMERIC = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ZERO_OFFSET = "+00:00"
_CACHE_SIZE = 200_000
_INT_LIMITS = {"smallint": 15, "integer": 31, "bigint": 63}
_EXACT_INT = 2**53
# Documents nested less deeply than this can be read and written everywhere.
_DEEP = 250
# In text translated so, a number with an exponent is a blank, zeros, an e and zeros.
_NUMBERS_AS_ZERO = bytes.maketrans(b"123456789+E:,[\t\n\r", b"0000000000e      ")
_EXPONENT = b"0e0"
_NUMBER_WITH_EXPONENT = re.compile(rb" -?0[0.]*e0")


class SuspiciousError(Exception):
    """A batch holds something that has to be looked at value by value."""


class BadValueError(Exception):
    """A value can't go where it belongs; the message says why."""


class DamagedText(bytes):
    """Bytes of a TEXT value that are not UTF-8."""

    __slots__ = ()


def time_zone(name: str) -> tzinfo:
    """Return the zone of ``--source-timezone``: ``UTC``, ``local`` or an IANA name."""
    if name.upper() == "UTC":
        return UTC
    if name == "local":
        return _LocalZone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"--source-timezone: {name!r} is not a time zone; give an IANA name such as "
            "Europe/Berlin, or local, or UTC"
        ) from error


class _LocalZone(tzinfo):
    """The zone of this machine, with its clock changes."""

    def utcoffset(self, timestamp: datetime | None) -> timedelta | None:
        if timestamp is None:
            return None
        return timestamp.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, timestamp: datetime | None) -> timedelta | None:
        return None

    def tzname(self, timestamp: datetime | None) -> str:
        return "local"


class TimestampReader:
    """Reads timestamps; ``counts`` says how often a rule about clock changes was needed."""

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self.counts: Counter[str] = Counter()
        self._dates: dict[str, bool] = {}
        self._offsets: dict[str, str | None] = {}

    def text(self, value: str, *, naive_is_utc: bool = False) -> str:
        """Return a timestamp as PostgreSQL reads it, with its offset."""
        match = _TIMESTAMP.fullmatch(value)
        if match is None:
            raise BadValueError(_why_no_timestamp(value))
        date, separator, hour, minute, second, fraction, zone = match.groups()
        if hour is None and not naive_is_utc:
            raise BadValueError(f"{_short(value)} is a date without a time")
        if date not in self._dates:
            _check_date(date, value)
            _bound(self._dates)[date] = True
        clock = (
            f"{hour}:{minute}:{second or '00'}" + (f".{fraction}" if fraction else "")
            if hour
            else "00:00:00"
        )
        if zone:
            offset = _ZERO_OFFSET if zone in "Zz" else zone
        elif separator == " " or naive_is_utc or self.zone is UTC:
            offset = _ZERO_OFFSET
        else:
            offset = self._offset(date, hour or "00", clock)
        if date[:4] in {"0001", "9999"}:
            # The year after or before has no place in Python's calendar, so stores can't read it.
            self._check_edges(date, clock, offset, value)
        return f"{date}T{clock}{offset}"

    def usual(self, values: Sequence[Any], *, naive_is_utc: bool = False) -> Sequence[Any] | None:
        """Return timestamps as PostgreSQL reads them in a session whose time zone is UTC.

        They are those that :meth:`text` gives, sooner; None when one is not written in the usual
        way, without a zone.
        """
        if not _are_all(_PLAIN_TIMESTAMPS, values):
            return None
        if naive_is_utc or self.zone is UTC:
            return values
        hours = {value[:13] for value in values if value is not None}
        offsets = {hour: self._offset_of_hour(hour) for hour in hours}
        if None in offsets.values():
            return None
        return [None if value is None else value + offsets[value[:13]] for value in values]

    def timestamp(self, value: str, *, naive_is_utc: bool = False) -> datetime:
        """Return a timestamp as an aware datetime in UTC."""
        return datetime.fromisoformat(self.text(value, naive_is_utc=naive_is_utc)).astimezone(UTC)

    def _offset_of_hour(self, hour: str) -> str | None:
        """Return the offset of ``YYYY-MM-DD?HH``, or None when it changes within the hour."""
        if hour[10] == " ":
            return _ZERO_OFFSET
        if self.zone is None:
            raise BadValueError("a local time without zone, and --source-timezone is not given")
        if hour not in self._offsets:
            start = datetime.fromisoformat(f"{hour}:00:00").replace(tzinfo=self.zone)
            end = start.replace(minute=59, second=59, microsecond=999_999)
            found = {at.replace(fold=fold).utcoffset() for at in (start, end) for fold in (0, 1)}
            only = found.pop() if len(found) == 1 else None
            _bound(self._offsets)[hour] = None if only is None else _offset_text(only)
        return self._offsets[hour]

    def _offset(self, date: str, hour: str, clock: str) -> str:
        offset = self._offset_of_hour(f"{date}T{hour}")
        if offset is None:
            local = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=self.zone)
            first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
            if first is None:
                raise BadValueError("the time zone has no offset for this time")
            if second is not None and first > second:
                self.counts[AMBIGUOUS] += 1
            elif second is not None and first < second:
                self.counts[NONEXISTENT] += 1
            offset = _offset_text(first)
        return offset

    def _check_edges(self, date: str, clock: str, offset: str, value: str) -> None:
        try:
            datetime.fromisoformat(f"{date}T{clock}{offset}").astimezone(UTC)
        except OverflowError as error:
            raise BadValueError(f"{_short(value)} is outside the years 1 to 9999 in UTC") from error


def _are_all(lines: re.Pattern[str], values: Sequence[Any]) -> bool:
    """Tell whether all values but NULL are texts of which each is a line of the pattern."""
    present = [value for value in values if value is not None]
    try:
        joined = "\n".join(present)
    except TypeError:
        return False
    return not present or lines.fullmatch(joined + "\n") is not None


def _bound(cache: dict[str, Any]) -> dict[str, Any]:
    if len(cache) >= _CACHE_SIZE:
        cache.clear()
    return cache


def _check_date(date: str, value: str) -> None:
    try:
        datetime.fromisoformat(date)
    except ValueError as error:
        raise BadValueError(f"{_short(value)} is no date of the calendar: {error}") from error


def _offset_text(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _why_no_timestamp(value: str) -> str:
    if _NUMERIC.fullmatch(value.strip()):
        return (
            f"{_short(value)} is a number where a date and time belong (seconds or milliseconds "
            "since 1970?)"
        )
    return f"{_short(value)} is not a date and time"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


@dataclass(frozen=True, slots=True)
class Converter:
    """How one column is converted; ``is_null_allowed`` as in the target."""

    column: str
    is_null_allowed: bool
    many: Callable[[Sequence[Any]], Sequence[Any]]
    convert: Callable[[Any], Any]

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
    """Return the converter of a target column; the flags are the mapping's words on it."""
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
        return _converter(column, _many_documents, _document)
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
                if types <= accepted or (types <= {str, none} and _are_all(plain_numbers, values)):
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
) -> Converter:
    return Converter(column.name, not column.not_null, many, one)


def _wrong_type(value: Any, wanted: str) -> BadValueError:
    if isinstance(value, DamagedText):
        return BadValueError(f"{_short(bytes(value))} is not UTF-8")
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
    return BadValueError(f"{what} ({_short(value)}) where {wanted} belongs")


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


def _many_documents(values: Sequence[Any]) -> Sequence[Any]:
    if not set(map(type, values)) <= {str, type(None)}:
        raise SuspiciousError
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
    if any(_is_too_deep(value) for value in present if len(value) > 2 * _DEEP):
        raise SuspiciousError
    return values


def _may_have_exponent(text: str) -> bool:
    """Tell whether a number of a document has an exponent that is not negative.

    jsonb keeps 1e+17 as the integer 100000000000000000, and 1e400, which no float holds, as 401
    digits. Only text that looks like such a number after a blank or a comma is taken for one too.
    """
    plain = text.encode().translate(_NUMBERS_AS_ZERO)
    # The search alone is ten times slower.
    return _EXPONENT in plain and _NUMBER_WITH_EXPONENT.search(b" " + plain) is not None


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
            raise BadValueError(f"{_short(text)} is not valid JSON: {error}") from error
        problem = "a lone surrogate" if "surrogate" in str(error) else str(error)
        raise BadValueError(f"JSON that PostgreSQL or a store can't hold: {problem}") from error


def _refuse_constant(name: str) -> Any:
    raise BadValueError(f"JSON that PostgreSQL can't hold: {name}")


def unix_timestamp(value: float) -> datetime:
    """Return the timestamp so many seconds after 1970. Raises :class:`BadValueError`."""
    if not math.isfinite(value) or value <= 0:
        raise BadValueError(f"{value!r} is not a time in seconds since 1970")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(value * 1e6))
    except OverflowError as error:
        raise BadValueError(f"{value!r} seconds since 1970 are past the year 9999") from error
