"""Counts by group, as statistics return them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["counts"]


def counts(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return a grouped count, which queries give as [name, count] pairs, as a dictionary."""
    return {name: int(count) for name, count in pairs}
