"""What the store of origins takes and returns."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aragora_sql.errors import ConfigurationError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import Record

__all__ = ["DebateOrigin", "ttl_from_env"]

TTL = "DEBATE_ORIGIN_TTL"
# Some hundred years: no time that is made with it leaves the calendar.
LONGEST_TTL = 1e10


@dataclass(frozen=True, slots=True)
class DebateOrigin(Record):
    """Where something came from; ``debate_id`` is the debate that it is about.

    ``result_sent``: the result was sent, or somebody has claimed it to send it; of a reply by
    e-mail: it came.
    """

    origin_type: str
    origin_id: str
    debate_id: str | None
    platform: str
    channel_id: str
    user_id: str
    thread_id: str | None
    message_id: str | None
    session_id: str | None
    metadata: dict[str, Any]
    result_sent: bool
    result_sent_at: datetime | None
    created_at: datetime
    expires_at: datetime


def checked_ttl(value: Any, argument: str = "ttl_seconds") -> float:
    """Check for how many seconds an origin is kept: more than 0."""
    return valid.number(value, argument, 0.001, LONGEST_TTL)


def ttl_from_env(environ: Mapping[str, str] | None = None) -> float:
    """Return the seconds that ``DEBATE_ORIGIN_TTL`` says, or a day.

    Raises :class:`~aragora_sql.errors.ConfigurationError`.
    """
    text = (os.environ if environ is None else environ).get(TTL, "").strip()
    if not text:
        return 86_400.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.001 <= seconds <= LONGEST_TTL:
        raise ConfigurationError(
            f"{TTL}: {text!r} is not a number of seconds from 0.001 up to {LONGEST_TTL:g}"
        )
    return seconds
