"""Rows of threads that come from elsewhere: compared with what is stored, and stored if missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import dump_json
from aragora_sql.queries import load_queries

if TYPE_CHECKING:
    from aragora_sql.queries.typed.langgraph import LanggraphQueries

__all__ = [
    "CheckpointRow",
    "Comparison",
    "Row",
    "ThreadTransfer",
    "ValueRow",
    "WriteRow",
]


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint as it is in ``langgraph_checkpoints``."""

    checkpoint_ns: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    run_id: str | None
    channel_versions: Mapping[str, str]
    metadata: Mapping[str, Any]
    type: str
    content: bytes
    created_at: datetime = field(compare=False)

    @property
    def key(self) -> dict[str, Any]:
        """What tells it from others of its thread."""
        return {"checkpoint_ns": self.checkpoint_ns, "checkpoint_id": self.checkpoint_id}


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A channel's value as it is in ``langgraph_values``."""

    checkpoint_ns: str
    channel: str
    version: str
    type: str
    content: bytes

    @property
    def key(self) -> dict[str, Any]:
        """What tells it from others of its thread."""
        return {
            "checkpoint_ns": self.checkpoint_ns,
            "channel": self.channel,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class WriteRow:
    """A write as it is in ``langgraph_writes``; ``created_at`` is None where not known."""

    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    idx: int
    task_path: str
    channel: str
    type: str
    content: bytes
    created_at: datetime | None = field(compare=False)

    @property
    def key(self) -> dict[str, Any]:
        """What tells it from others of its thread."""
        return {
            "checkpoint_ns": self.checkpoint_ns,
            "checkpoint_id": self.checkpoint_id,
            "task_id": self.task_id,
            "idx": self.idx,
        }


Row: TypeAlias = CheckpointRow | ValueRow | WriteRow


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which rows are not stored, and which are with other values; the rest is stored as it is."""

    missing: list[Row]
    different: list[Row]


class ThreadTransfer:
    """Compares and stores rows of threads; the caller holds the unit of work."""

    def __init__(self, database: Database) -> None:
        self._queries: LanggraphQueries = load_queries("langgraph", database.dialect)

    async def lock(self, connection: Connection, thread_ids: list[str]) -> None:
        """Hold off who stores or removes rows of some threads, until the transaction ends."""
        async for _ in self._queries.lock_threads(connection, thread_ids=thread_ids):
            pass

    async def has_rows(self, connection: Connection, thread_id: str) -> bool:
        """Tell whether a thread has checkpoints or writes."""
        return await self._queries.has_rows(connection, thread_id=thread_id)

    async def compare(
        self, connection: Connection, thread_id: str, rows: Sequence[Row]
    ) -> Comparison:
        """Compare rows of one kind with those that are stored under their keys."""
        keys = dump_json([row.key for row in rows], "keys")
        stored = {
            _hashable(row.key): row async for row in self._stored(connection, thread_id, keys, rows)
        }
        found = [(row, stored.get(_hashable(row.key))) for row in rows]
        return Comparison(
            missing=[row for row, other in found if other is None],
            different=[row for row, other in found if other is not None and other != row],
        )

    async def _stored(
        self, connection: Connection, thread_id: str, keys: Any, rows: Sequence[Row]
    ) -> AsyncIterator[Row]:
        given: dict[str, Any] = {"thread_id": thread_id, "keys": keys}
        if isinstance(rows[0], CheckpointRow):
            async for one in self._queries.stored_checkpoints(connection, **given):
                yield CheckpointRow(**one, created_at=rows[0].created_at)
        elif isinstance(rows[0], ValueRow):
            async for value in self._queries.stored_values(connection, **given):
                yield ValueRow(**value)
        else:
            async for write in self._queries.stored_writes(connection, **given):
                yield WriteRow(**write, created_at=None)

    async def insert(self, connection: Connection, thread_id: str, rows: Sequence[Row]) -> int:
        """Store rows of one kind, and return how many were not there."""
        if isinstance(rows[0], ValueRow):
            return await self._queries.insert_values(
                connection, [_parameters(thread_id, row) for row in rows]
            )
        if isinstance(rows[0], WriteRow):
            return await self._queries.import_writes(
                connection, [_parameters(thread_id, row) for row in rows]
            )
        return await self._queries.import_checkpoints(
            connection, [_parameters(thread_id, row) for row in rows]
        )


def _parameters(thread_id: str, row: Row) -> Any:
    values: dict[str, Any] = {name: getattr(row, name) for name in row.__slots__}
    for name in ("channel_versions", "metadata"):
        if name in values:
            values[name] = dump_json(values[name], name)
    return {"thread_id": thread_id, **values}


def _hashable(key: Mapping[str, Any]) -> Iterable[Any]:
    return tuple(key.values())
