"""Checkpoint store: states of workflows and debates, to resume them from.

Its queries: ``sql/postgres/checkpoints/queries.sql`` and ``sql/sqlite/checkpoints/queries.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, Unpack

from aragora_sql.database import Connection
from aragora_sql.errors import (
    DamagedCheckpointError,
    DuplicateKeyError,
    InvalidInputError,
    UnreadableValueError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.checkpoints.records import (
    CheckpointPage,
    CheckpointStats,
    CheckpointSummary,
    DebateCheckpoint,
    DebateCheckpointPage,
    DebateCheckpointSummary,
    Default,
    WorkflowCheckpoint,
    new_debate_checkpoint,
    new_workflow_checkpoint,
)
from aragora_sql.stores.paging import cursor_of, parse_cursor, split_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.checkpoints import (
        CheckpointsQueries,
        WorkflowCheckpointRow,
    )

__all__ = [
    "CheckpointStore",
]

DELETE_BATCH = 500
# How many checkpoints are looked up at once while an undamaged one is sought.
SEARCH_PAGE = 100
DEFAULT_KEEP = 10
ON_DAMAGE = ("raise", "previous")

OnDamage = Literal["raise", "previous"]
T = TypeVar("T")


class _Unreadable(Enum):
    """In the place of a checkpoint whose documents are not JSON any more."""

    ROW = "row"


UNREADABLE: Final = _Unreadable.ROW


class CheckpointStore(Store):
    """Stores checkpoints and gives them back as they were, or says that they are damaged.

    A workflow's checkpoint has two ids: :meth:`save` returns the storage id, and the engine's own
    (``checkpoint.id``) is accepted wherever an id is asked for. The order of the
    checkpoints of a workflow or debate is that of their storing: the clocks of the hosts that take
    them (``created_at``) may differ. One from an older system has the place of its ``created_at``.

    Every checkpoint carries a checksum of its whole content (:func:`content_checksum
    <aragora_sql.stores.checkpoints.records.content_checksum>`), which loading verifies:
    :class:`~aragora_sql.errors.DamagedCheckpointError` names the newest older one that is usable,
    and ``on_damage="previous"`` loads that one instead.
    """

    name = "checkpoints"
    _queries: CheckpointsQueries

    # Workflows

    async def save(self, checkpoint: object, *, default: Default | None = None) -> str:
        """Store a checkpoint of a workflow and return its storage id.

        ``checkpoint`` is a mapping or an object with ``id``, ``workflow_id``, ``definition_id``,
        ``created_at`` (aware), and optionally ``current_step``, ``completed_steps``,
        ``step_outputs``, ``context_state`` and ``checksum``. A value that JSON has no form for is
        refused with its path, unless ``default`` (such as ``str``) converts it. Each call stores a
        checkpoint of its own.
        """
        row = new_workflow_checkpoint(checkpoint, default)
        storage_id: str = row["id"]

        async def insert() -> str:
            async with self._database.connection() as connection:
                await self._queries.insert_workflow_checkpoint(connection, **row)
            return storage_id

        async def stored() -> str:
            return storage_id

        return await self._repeat_insert(insert, stored)

    async def load(
        self,
        checkpoint_id: str,
        workflow_id: str | None = None,
        *,
        on_damage: OnDamage = "raise",
    ) -> WorkflowCheckpoint | None:
        """Return a checkpoint by its storage id or its engine's id, or None when there is none.

        Of several with the same engine's id it is the newest. With ``workflow_id`` a checkpoint of
        another workflow is refused (:class:`~aragora_sql.errors.InvalidInputError`); without it, an
        engine's id that several workflows use is. See the class for damaged checkpoints.
        """
        valid.key(checkpoint_id, "checkpoint_id")
        if workflow_id is not None:
            valid.key(workflow_id, "workflow_id")
        valid.choice(on_damage, "on_damage", ON_DAMAGE)
        async with self._database.read() as connection:
            row = await _decoded(
                self._queries.get_workflow_checkpoint(
                    connection, checkpoint_id=checkpoint_id, workflow_id=workflow_id
                )
            )
            if row is None:
                return None
            if row is UNREADABLE:
                place = await self._place_of(checkpoint_id, workflow_id)
                return await self._replacement(place, on_damage)
            checkpoint, owners = _with_owners(**row)
            _check_owner(
                checkpoint_id, checkpoint.storage_id, checkpoint.workflow_id, workflow_id, owners
            )
            if checkpoint.is_intact():
                return checkpoint
            return await self._replacement(checkpoint, on_damage)

    async def load_latest(
        self, workflow_id: str, *, on_damage: OnDamage = "raise"
    ) -> WorkflowCheckpoint | None:
        """Return the newest checkpoint of a workflow, or None when there is none.

        See the class for damaged checkpoints.
        """
        valid.key(workflow_id, "workflow_id")
        valid.choice(on_damage, "on_damage", ON_DAMAGE)
        async with self._database.read() as connection:
            row = await _decoded(
                self._queries.get_latest_workflow_checkpoint(connection, workflow_id=workflow_id)
            )
            if row is None:
                return None
            if row is UNREADABLE:
                newest = (await self.list_page(workflow_id, 1)).checkpoints[0]
                return await self._replacement(newest, on_damage)
            checkpoint = record_of(WorkflowCheckpoint, **row)
            if checkpoint.is_intact():
                return checkpoint
            return await self._replacement(checkpoint, on_damage)

    async def _place_of(self, checkpoint_id: str, workflow_id: str | None) -> CheckpointSummary:
        """Find a checkpoint whose content can't be read, without reading its content."""
        async with self._database.read() as connection:
            rows = self._queries.find_workflow_checkpoints(connection, checkpoint_id=checkpoint_id)
            found = [record_of(CheckpointSummary, **row) async for row in rows]
        owners = len({one.workflow_id for one in found})
        found.sort(
            key=lambda one: (
                one.storage_id == checkpoint_id,
                one.workflow_id == workflow_id,
                one.stored_at,
                one.sequence,
            )
        )
        place = found[-1]
        _check_owner(checkpoint_id, place.storage_id, place.workflow_id, workflow_id, owners)
        return place

    async def _replacement(
        self, damaged: WorkflowCheckpoint | CheckpointSummary, on_damage: OnDamage
    ) -> WorkflowCheckpoint:
        """Return the newest undamaged checkpoint before a damaged one, or raise that it is."""
        previous = None
        async for older in self._summaries(
            damaged.workflow_id, cursor_of(damaged.stored_at, damaged.sequence)
        ):
            async with self._database.read() as connection:
                row = await _decoded(
                    self._queries.get_workflow_checkpoint(
                        connection, checkpoint_id=older.storage_id, workflow_id=None
                    )
                )
            if row is None or row is UNREADABLE:
                continue
            candidate, _ = _with_owners(**row)
            if candidate.is_intact():
                previous = candidate
                break
        if on_damage == "previous" and previous is not None:
            return previous
        raise DamagedCheckpointError(
            damaged.storage_id,
            f"workflow {damaged.workflow_id!r}",
            None if previous is None else previous.storage_id,
        )

    async def _summaries(
        self, workflow_id: str, before: str | None = None
    ) -> AsyncIterator[CheckpointSummary]:
        while True:
            page = await self.list_page(workflow_id, SEARCH_PAGE, before=before)
            for summary in page.checkpoints:
                yield summary
            if page.next is None:
                return
            before = page.next

    async def list_checkpoints(self, workflow_id: str, limit: int | None = None) -> list[str]:
        """Return the storage ids of a workflow's checkpoints (default: of all), newest first."""
        row_limit = valid.LARGEST_INTEGER if limit is None else valid.limit(limit)
        found = await self._list(valid.key(workflow_id, "workflow_id"), row_limit, None)
        return [summary.storage_id for summary in found]

    async def list_page(
        self, workflow_id: str, limit: int = 100, *, before: str | None = None
    ) -> CheckpointPage:
        """Return a page of a workflow's checkpoints without their states, newest first.

        ``before`` is the ``next`` of an earlier page. The cost of a page does not grow with the
        number of pages before it.
        """
        valid.key(workflow_id, "workflow_id")
        size = valid.integer(limit, "limit", 1, valid.LARGEST_INTEGER - 1)
        found = await self._list(workflow_id, size + 1, before)
        page, more = split_page(found, size)
        return CheckpointPage(
            checkpoints=page,
            next=cursor_of(page[-1].stored_at, page[-1].sequence) if more else None,
        )

    async def _list(
        self, workflow_id: str, row_limit: int, before: str | None
    ) -> list[CheckpointSummary]:
        timestamp, key = parse_cursor(before, "before")
        sequence = valid.LARGEST_INTEGER
        if key:
            if not (key.isascii() and key.isdecimal() and len(key) <= 18):
                raise InvalidInputError("before", "must be the next of an earlier page")
            sequence = int(key)
        async with self._database.read() as connection:
            rows = self._queries.list_workflow_checkpoints(
                connection,
                workflow_id=workflow_id,
                before_stored_at=timestamp,
                before_sequence=sequence,
                row_limit=row_limit,
            )
            return [record_of(CheckpointSummary, **row) async for row in rows]

    async def delete(self, checkpoint_id: str, workflow_id: str | None = None) -> bool:
        """Delete a checkpoint by its storage id, or all with this engine's id.

        Returns False when there is none. Refuses what :meth:`load` refuses.
        """
        valid.key(checkpoint_id, "checkpoint_id")
        if workflow_id is not None:
            valid.key(workflow_id, "workflow_id")
        async with self._database.connection() as connection:
            rows = self._queries.find_workflow_checkpoints(connection, checkpoint_id=checkpoint_id)
            found = [record_of(CheckpointSummary, **row) async for row in rows]
            if not found:
                return False
            chosen = [one for one in found if one.storage_id == checkpoint_id]
            chosen = chosen or [one for one in found if workflow_id in (None, one.workflow_id)]
            first = (chosen or found)[0]
            owners = len({one.workflow_id for one in chosen})
            _check_owner(checkpoint_id, first.storage_id, first.workflow_id, workflow_id, owners)
            deleted = await self._queries.delete_workflow_checkpoints(
                connection, sequences=[one.sequence for one in chosen]
            )
        return bool(deleted)

    async def delete_workflow(self, workflow_id: str) -> int:
        """Delete all checkpoints of a workflow and return their number."""
        valid.key(workflow_id, "workflow_id")
        async with self._database.connection() as connection:
            return await self._queries.delete_workflow(connection, workflow_id=workflow_id)

    async def prune(self, workflow_id: str, keep: int = DEFAULT_KEEP) -> int:
        """Delete all but the newest ``keep`` (1 or more) checkpoints; return how many went.

        Checkpoints that are stored meanwhile are never deleted, and never fewer than ``keep`` are
        left of those that were there. Works in small batches; may be repeated.
        """
        valid.key(workflow_id, "workflow_id")
        newer = valid.integer(keep, "keep", least=1) - 1
        return await self._in_batches(
            lambda connection: self._queries.prune_workflow(
                connection, workflow_id=workflow_id, newer=newer, row_limit=DELETE_BATCH
            ),
        )

    async def cleanup_old_checkpoints(
        self, workflow_id: str, keep_count: int = DEFAULT_KEEP
    ) -> int:
        """Delete all but the newest ``keep_count`` checkpoints of a workflow: :meth:`prune`."""
        return await self.prune(workflow_id, valid.integer(keep_count, "keep_count", least=1))

    async def cleanup_older_than(
        self,
        max_age_days: float,
        *,
        keep_latest: bool = True,
        now: datetime | None = None,
    ) -> int:
        """Delete checkpoints of all workflows that are older than some days; return how many went.

        ``max_age_days`` is counted back from ``now`` (default: the present time) and compared with
        ``created_at``. With ``keep_latest`` the newest checkpoint of each workflow stays, however
        old it is, so that the workflow can still be resumed.
        """
        valid.boolean(keep_latest, "keep_latest")
        cutoff = age_limit(max_age_days, valid.timestamp_or_now(now, "now"))
        return await self._in_batches(
            lambda connection: self._queries.delete_old_workflow_checkpoints(
                connection, cutoff=cutoff, keep_latest=keep_latest, row_limit=DELETE_BATCH
            ),
        )

    async def _in_batches(self, delete: Callable[[Connection], Awaitable[int]]) -> int:
        async def batch() -> int:
            async with self._database.connection() as connection:
                return await delete(connection)

        return await in_batches(batch)

    # Debates

    async def save_debate(
        self, checkpoint: Mapping[str, Any], *, default: Default | None = None
    ) -> str:
        """Store a checkpoint of a debate, or renew it, and return its ``checkpoint_id``.

        ``checkpoint`` is a document with ``checkpoint_id``, ``debate_id``, ``task``,
        ``current_round``, ``total_rounds``, ``phase``, ``status`` (creating, complete, resuming,
        corrupted or expired), ``created_at``, optionally ``expires_at`` and ``checksum``, and
        whatever else belongs to the debate. Timestamps are aware datetimes or ISO-8601 text with a
        zone. ``default`` as in :meth:`save`.

        Raises :class:`~aragora_sql.errors.DuplicateKeyError` when another debate has a checkpoint
        of this id.
        """
        row = new_debate_checkpoint(checkpoint, default)
        async with self._database.connection() as connection:
            written = await self._queries.upsert_debate_checkpoint(connection, **row)
        if not written:
            raise DuplicateKeyError(
                f"checkpoint {row['checkpoint_id']!r} belongs to another debate"
            )
        return row["checkpoint_id"]

    async def load_debate(
        self,
        checkpoint_id: str,
        debate_id: str | None = None,
        *,
        on_damage: OnDamage = "raise",
    ) -> DebateCheckpoint | None:
        """Return a checkpoint of a debate, or None when there is none.

        With ``debate_id`` a checkpoint of another debate is refused
        (:class:`~aragora_sql.errors.InvalidInputError`). See the class for damaged checkpoints.
        """
        valid.key(checkpoint_id, "checkpoint_id")
        if debate_id is not None:
            valid.key(debate_id, "debate_id")
        valid.choice(on_damage, "on_damage", ON_DAMAGE)
        async with self._database.read() as connection:
            read = await self._read_debate(checkpoint_id)
            found: DebateCheckpoint | DebateCheckpointSummary | None
            if read is UNREADABLE:
                row = await self._queries.find_debate_checkpoint(
                    connection, checkpoint_id=checkpoint_id
                )
                found = None if row is None else record_of(DebateCheckpointSummary, **row)
            else:
                found = read
        if found is None:
            return None
        if debate_id is not None and found.debate_id != debate_id:
            raise InvalidInputError(
                "debate_id", f"checkpoint {checkpoint_id!r} belongs to another debate"
            )
        return await self._usable_debate(found, on_damage)

    async def load_latest_debate(
        self, debate_id: str, *, on_damage: OnDamage = "raise"
    ) -> DebateCheckpoint | None:
        """Return the newest checkpoint of a debate, or None when there is none.

        See the class for damaged checkpoints.
        """
        valid.key(debate_id, "debate_id")
        valid.choice(on_damage, "on_damage", ON_DAMAGE)
        async with self._database.read() as connection:
            row = await _decoded(
                self._queries.get_latest_debate_checkpoint(connection, debate_id=debate_id)
            )
            if row is None:
                return None
            if row is UNREADABLE:
                newest = (await self.list_debates(debate_id, 1))[0]
                return await self._usable_debate(newest, on_damage)
        return await self._usable_debate(record_of(DebateCheckpoint, **row), on_damage)

    async def _read_debate(
        self, checkpoint_id: str
    ) -> DebateCheckpoint | Literal[_Unreadable.ROW] | None:
        """Return a debate's checkpoint, None, or ``UNREADABLE``; it is not verified."""
        async with self._database.read() as connection:
            row = await _decoded(
                self._queries.get_debate_checkpoint(connection, checkpoint_id=checkpoint_id)
            )
        return row if row is None or row is UNREADABLE else record_of(DebateCheckpoint, **row)

    async def _usable_debate(
        self, found: DebateCheckpoint | DebateCheckpointSummary, on_damage: OnDamage
    ) -> DebateCheckpoint:
        """Return an undamaged checkpoint, else the newest undamaged one before it, or raise."""
        if isinstance(found, DebateCheckpoint) and found.is_intact():
            return found
        previous = None
        before: str | None = cursor_of(found.stored_at, found.checkpoint_id)
        while before is not None and previous is None:
            page = await self.list_debate_page(found.debate_id, SEARCH_PAGE, before=before)
            for older in page.checkpoints:
                candidate = await self._read_debate(older.checkpoint_id)
                if isinstance(candidate, DebateCheckpoint) and candidate.is_intact():
                    previous = candidate
                    break
            before = page.next
        if on_damage == "previous" and previous is not None:
            return previous
        raise DamagedCheckpointError(
            found.checkpoint_id,
            f"debate {found.debate_id!r}",
            None if previous is None else previous.checkpoint_id,
        )

    async def list_debates(
        self, debate_id: str | None = None, limit: int = 100
    ) -> list[DebateCheckpointSummary]:
        """Return the newest checkpoints of a debate, or of all, without their data."""
        return await self._list_debates(debate_id, valid.limit(limit), None)

    async def list_debate_page(
        self, debate_id: str | None = None, limit: int = 100, *, before: str | None = None
    ) -> DebateCheckpointPage:
        """Return a page of the checkpoints of a debate, or of all; like :meth:`list_page`."""
        size = valid.integer(limit, "limit", 1, valid.LARGEST_INTEGER - 1)
        found = await self._list_debates(debate_id, size + 1, before)
        page, more = split_page(found, size)
        return DebateCheckpointPage(
            checkpoints=page,
            next=cursor_of(page[-1].stored_at, page[-1].checkpoint_id) if more else None,
        )

    async def _list_debates(
        self, debate_id: str | None, row_limit: int, before: str | None
    ) -> list[DebateCheckpointSummary]:
        timestamp, key = parse_cursor(before, "before")
        async with self._database.read() as connection:
            if debate_id is None:
                rows = self._queries.list_all_debate_checkpoints(
                    connection, before_stored_at=timestamp, before_id=key, row_limit=row_limit
                )
                return [record_of(DebateCheckpointSummary, **row) async for row in rows]
            of_one = self._queries.list_debate_checkpoints(
                connection,
                debate_id=valid.key(debate_id, "debate_id"),
                before_stored_at=timestamp,
                before_id=key,
                row_limit=row_limit,
            )
            return [record_of(DebateCheckpointSummary, **row) async for row in of_one]

    async def delete_debate(self, checkpoint_id: str) -> bool:
        """Delete one checkpoint of a debate; False when there is none."""
        valid.key(checkpoint_id, "checkpoint_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_debate_checkpoint(
                    connection, checkpoint_id=checkpoint_id
                )
            )

    async def prune_debate(self, debate_id: str, keep: int = DEFAULT_KEEP) -> int:
        """Delete all but the newest ``keep`` (1 or more) checkpoints of a debate; like prune()."""
        valid.key(debate_id, "debate_id")
        newer = valid.integer(keep, "keep", least=1) - 1
        return await self._in_batches(
            lambda connection: self._queries.prune_debate(
                connection, debate_id=debate_id, newer=newer, row_limit=DELETE_BATCH
            )
        )

    async def cleanup_expired(self, now: datetime | None = None) -> int:
        """Delete the debates' checkpoints whose ``expires_at`` is not after ``now``.

        Returns how many went. ``now`` is an aware datetime (default: the present time).
        """
        timestamp = valid.timestamp_or_now(now, "now")
        return await self._in_batches(
            lambda connection: self._queries.delete_expired_debate_checkpoints(
                connection, timestamp=timestamp, row_limit=DELETE_BATCH
            )
        )

    async def get_stats(self) -> CheckpointStats:
        """Return counts of the whole store in one round trip."""
        async with self._database.read() as connection:
            return record_of(CheckpointStats, **await self._queries.get_stats(connection))


def _with_owners(
    *, owners: int, **row: Unpack[WorkflowCheckpointRow]
) -> tuple[WorkflowCheckpoint, int]:
    """Return a checkpoint, and how many workflows have one with this engine's id."""
    return record_of(WorkflowCheckpoint, **row), owners


async def _decoded(query: Awaitable[T]) -> T | Literal[_Unreadable.ROW]:
    """Return a row, None, or ``UNREADABLE`` for one whose documents are not JSON any more."""
    try:
        return await query
    except UnreadableValueError:
        return UNREADABLE


def _check_owner(
    checkpoint_id: str, storage_id: str, owner: str, workflow_id: str | None, owners: int
) -> None:
    if workflow_id is not None and owner != workflow_id:
        raise InvalidInputError(
            "workflow_id", f"checkpoint {checkpoint_id!r} belongs to another workflow"
        )
    if workflow_id is None and storage_id != checkpoint_id and owners > 1:
        raise InvalidInputError(
            "checkpoint_id",
            f"{checkpoint_id!r} is the engine's id of checkpoints of {owners} workflows; pass "
            "workflow_id, or use the storage id",
        )
