"""Cron schedules: when the next run is due.

A schedule belongs to the database, not to a process: any number of workers look for runs that are
due, and one of them enqueues each run's job.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = ["cron_expression", "next_run", "time_zone"]


def time_zone(value: Any, argument: str = "time_zone") -> str:
    """Check the IANA name of a time zone, such as ``Europe/Berlin``."""
    name = valid.key(value, argument)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            argument, f"must be the IANA name of a time zone, such as Europe/Berlin, not {name!r}"
        ) from None
    return name


def next_run(cron: str, zone: str, after: datetime, argument: str = "cron") -> datetime:
    """Return the first time of a cron expression after ``after``, in UTC.

    The five fields (minute, hour, day of month, month, day of week) are read in the time zone
    ``zone``. When clocks go forward, a run in the hour that is left out follows right after it;
    when they go back, a run at a fixed hour happens once, one of every hour in both hours. Raises
    :class:`~aragora_sql.errors.InvalidInputError` for an expression that is wrong or never true.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError as error:
        raise ConfigurationError(
            "cron schedules need cronsim: pip install 'aragora-sql[schedules]'"
        ) from error
    try:
        found = next(CronSim(cron, after.astimezone(ZoneInfo(zone))))
    except CronSimError as error:
        raise InvalidInputError(argument, f"{cron!r} is not a cron expression: {error}") from error
    except StopIteration:
        raise InvalidInputError(argument, f"{cron!r} is never true") from None
    return found.astimezone(UTC)


def cron_expression(value: Any, argument: str = "cron") -> str:
    """Check that a cron expression has five fields; what they say is checked by next_run()."""
    text = valid.key(value, argument)
    fields = text.split()
    if len(fields) != 5:
        raise InvalidInputError(
            argument,
            f"must have five fields (minute, hour, day of month, month, day of week), "
            f"not {len(fields)}",
        )
    return " ".join(fields)
