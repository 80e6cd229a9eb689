"""What the saver of LangGraph's checkpoints returns beyond LangGraph's own types."""

from __future__ import annotations

from dataclasses import dataclass

from aragora_sql.stores.records import Record

__all__ = ["DeletedThreads"]


@dataclass(frozen=True, slots=True)
class DeletedThreads(Record):
    """How many threads were deleted, and how many rows they had."""

    threads: int = 0
    checkpoints: int = 0
    writes: int = 0
    values: int = 0

    def __add__(self, other: DeletedThreads) -> DeletedThreads:
        return DeletedThreads(
            self.threads + other.threads,
            self.checkpoints + other.checkpoints,
            self.writes + other.writes,
            self.values + other.values,
        )
