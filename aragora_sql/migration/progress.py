"""How far a migration is, for whatever shows it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "SilentProgress"]


class Progress(Protocol):
    """Receives how far a migration is. ``rows`` are source rows."""

    def start(self, table: str, rows: int, doing: str) -> None:
        """Begin a table; ``doing`` is migrating, checking or verifying."""

    def advance(self, rows: int) -> None:
        """Some more rows of the table are done."""

    def finish(self) -> None:
        """The table is done."""


class SilentProgress:
    """Shows nothing."""

    def start(self, table: str, rows: int, doing: str) -> None:
        """Begin a table."""

    def advance(self, rows: int) -> None:
        """Some more rows are done."""

    def finish(self) -> None:
        """The table is done."""
