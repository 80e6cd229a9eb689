"""How long items live: LangGraph's ``TTLConfig``, and when an item expires."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from langgraph.store.base import TTLConfig

from aragora_sql.database.values import utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = ["expiry", "minutes_of", "ttl_config"]

TTL_OPTIONS = ("refresh_on_read", "omit_expired", "default_ttl", "sweep_interval_minutes")
NO_SWEEPER = (
    "must be None: the store starts no task of its own; call asweep_ttl(), or sweep_ttl() in a "
    "script, at an interval, from a scheduled job for instance"
)


def ttl_config(config: Any) -> TTLConfig | None:
    """Check the configuration of a store."""
    if config is None:
        return None
    if not isinstance(config, Mapping):
        raise InvalidInputError("ttl", f"must be a dictionary, not {type(config).__name__}")
    checked: TTLConfig = {}
    for name, value in config.items():
        path = f"ttl.{valid.choice(name, 'ttl', TTL_OPTIONS)}"
        if name in ("refresh_on_read", "omit_expired"):
            checked[name] = valid.boolean(value, path)  # type: ignore[literal-required]
        elif name == "default_ttl":
            checked["default_ttl"] = valid.optional(value, path, minutes_of)
        elif value is not None:
            raise InvalidInputError(path, NO_SWEEPER)
    return checked


def minutes_of(value: Any, argument: str) -> float:
    """Check how long an item lives, in minutes."""
    minutes = valid.number(value, argument)
    if minutes == 0:
        raise InvalidInputError(argument, "must be more than 0 minutes")
    try:
        expiry(utc_now() + timedelta(days=1), minutes)
    except OverflowError:
        raise InvalidInputError(argument, "must end before the year 10,000") from None
    return minutes


def expiry(start: datetime, ttl_minutes: float | None) -> datetime | None:
    """Return when an item expires that was stored or read at ``start``; None: never."""
    return None if ttl_minutes is None else start + timedelta(minutes=ttl_minutes)
