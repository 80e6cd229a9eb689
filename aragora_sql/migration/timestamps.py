"""Reads the timestamps of older files.

They are text in three forms, told apart as they were written: with an offset; with a space between
date and time (``2026-02-12 22:42:57``, SQLite's own, UTC); with a ``T`` and no offset (Python's
naive local time, in the time zone of the machine that wrote it). A local time that occurred twice
is read as the first; one that a clock change skipped is read with the offset before the change,
which moves it past the gap (PEP 495, fold 0). Both are counted.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aragora_sql.errors import ConfigurationError
from aragora_sql.migration.bad_values import BadValueError, shortened

__all__ = ["TimestampReader", "are_all", "time_zone", "unix_timestamp"]

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
_NUMERIC = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ZERO_OFFSET = "+00:00"
_CACHE_SIZE = 200_000


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
            raise BadValueError(f"{shortened(value)} is a date without a time")
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
        if not are_all(_PLAIN_TIMESTAMPS, values):
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
            raise BadValueError(
                f"{shortened(value)} is outside the years 1 to 9999 in UTC"
            ) from error


def are_all(lines: re.Pattern[str], values: Sequence[Any]) -> bool:
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
        raise BadValueError(f"{shortened(value)} is not a date of the calendar: {error}") from error


def _offset_text(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _why_no_timestamp(value: str) -> str:
    if _NUMERIC.fullmatch(value.strip()):
        return (
            f"{shortened(value)} is a number where a date and time belong (seconds or milliseconds "
            "since 1970?)"
        )
    return f"{shortened(value)} is not a date and time"


def unix_timestamp(value: float) -> datetime:
    """Return the timestamp so many seconds after 1970. Raises :class:`BadValueError`."""
    if not math.isfinite(value) or value <= 0:
        raise BadValueError(f"{value!r} is not a time in seconds since 1970")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(value * 1e6))
    except OverflowError as error:
        raise BadValueError(f"{value!r} seconds since 1970 are past the year 9999") from error
