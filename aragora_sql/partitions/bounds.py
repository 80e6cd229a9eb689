"""Where an interval begins, and how a bound is written: as a timestamp, or as an identifier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from aragora_sql.errors import ConfigurationError
from aragora_sql.partitions.tables import GrowingTable

__all__ = [
    "INTERVALS",
    "Interval",
    "bound_of",
    "following",
    "interval_of",
    "name_before",
    "name_of",
    "starts",
    "time_of",
]

Interval = Literal["month", "quarter", "year"]
INTERVALS: tuple[str, ...] = get_args(Interval)

_MONTHS: dict[Interval, int] = {"month": 1, "quarter": 3, "year": 12}
# The time in a UUID of version 6 counts 100 ns from the beginning of the Gregorian calendar.
_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
_TICKS_PER_MICROSECOND = 10


def interval_of(text: str) -> Interval:
    """Return an interval by its name.

    Raises :class:`ConfigurationError` for one that is unknown.
    """
    for interval in _MONTHS:
        if text == interval:
            return interval
    raise ConfigurationError(
        f"there is no interval {text!r}: tables are divided by {', '.join(INTERVALS)}"
    )


def start_of(moment: datetime, interval: Interval) -> datetime:
    """Return the beginning of the interval that a moment is in (UTC)."""
    utc = moment.astimezone(UTC)
    month = utc.month - (utc.month - 1) % _MONTHS[interval]
    return datetime(utc.year, month, 1, tzinfo=UTC)


def following(moment: datetime, interval: Interval) -> datetime:
    """Return the beginning of the first interval that begins after a moment (UTC).

    Raises :class:`ConfigurationError` at the end of the calendar.
    """
    start = start_of(moment, interval)
    month = start.month - 1 + _MONTHS[interval]
    year = start.year + month // 12
    if year > datetime.max.year:
        raise ConfigurationError(f"no {interval} begins after {moment:%Y-%m-%d}")
    return datetime(year, month % 12 + 1, 1, tzinfo=UTC)


def starts(first: datetime, interval: Interval, until: datetime) -> Iterator[datetime]:
    """Yield bounds: a first one, and beginnings of intervals until one is not before ``until``."""
    start = first
    yield start
    while start < until:
        start = following(start, interval)
        yield start


def bound_of(moment: datetime, table: GrowingTable) -> str:
    """Return a bound as a value of the column that divides a table."""
    utc = moment.astimezone(UTC)
    if table.kind == "time":
        return f"{utc:%Y-%m-%d %H:%M:%S}+00"
    ticks = (utc - _GREGORIAN) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND
    digits = f"{ticks:015x}"
    # What begins with the time sorts before all identifiers of that time.
    return f"{digits[:8]}-{digits[8:12]}-6{digits[12:]}"


def time_of(text: str | None, moment: datetime | None, table: GrowingTable) -> datetime | None:
    """Return a bound's time (UTC), as the server gave it or as an identifier holds it.

    None: there is no bound, or an identifier that holds no time.
    """
    if moment is not None:
        return moment.astimezone(UTC)
    if text is None or table.kind == "time":
        return None
    digits = text[:8] + text[9:13] + text[15:18]
    try:
        ticks = int(digits, 16)
    except ValueError:
        return None
    return _GREGORIAN + timedelta(microseconds=ticks // _TICKS_PER_MICROSECOND)


def name_of(table: GrowingTable, start: datetime) -> str:
    """Return the name of the partition that begins at a time."""
    return f"{table.name}_{start:%Y_%m}"


def name_before(table: GrowingTable, end: datetime) -> str:
    """Return the name of the partition of all that is before a time."""
    return f"{table.name}_before_{end:%Y_%m}"
