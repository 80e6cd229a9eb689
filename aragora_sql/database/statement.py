"""What a connection needs to know about one named query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ColumnKind", "Statement"]

ColumnKind = Literal["boolean", "json", "timestamp"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in the form that a driver takes.

    ``name`` is ``store.query``, for error messages. ``json_positions`` are the 0-based
    positions of ``jsonb`` arguments (PostgreSQL). ``column_kinds`` says which result columns the
    engine itself has no type for.
    """

    name: str
    sql: str
    json_positions: tuple[int, ...] = ()
    column_kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
