"""The types of the queries of the store checkpoints.

Made by ``aragora-sql stubs`` from
``sql/postgres/checkpoints/queries.sql`` and ``sql/sqlite/checkpoints/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

StatusWord = Literal[
    "creating",
    "complete",
    "resuming",
    "corrupted",
    "expired",
]

class InsertWorkflowCheckpointParameters(TypedDict):
    """One set of parameters of insert_workflow_checkpoint."""

    id: str
    engine_id: str
    workflow_id: str
    definition_id: str
    current_step: str | None
    completed_steps: Any
    step_outputs: Any
    context_state: Any
    checksum: str
    content_checksum: str
    created_at: datetime
    stored_at: datetime

class GetWorkflowCheckpointRow(TypedDict):
    """A row of get_workflow_checkpoint."""

    storage_id: str
    id: str
    sequence: int
    workflow_id: str
    definition_id: str
    current_step: str | None
    completed_steps: Any
    step_outputs: Any
    context_state: Any
    checksum: str
    content_checksum: str
    created_at: datetime
    stored_at: datetime
    owners: int

class WorkflowCheckpointRow(TypedDict):
    """A row of get_latest_workflow_checkpoint."""

    storage_id: str
    id: str
    sequence: int
    workflow_id: str
    definition_id: str
    current_step: str | None
    completed_steps: Any
    step_outputs: Any
    context_state: Any
    checksum: str
    content_checksum: str
    created_at: datetime
    stored_at: datetime

class CheckpointSummaryRow(TypedDict):
    """A row of list_workflow_checkpoints, find_workflow_checkpoints."""

    storage_id: str
    id: str
    sequence: int
    workflow_id: str
    definition_id: str
    current_step: str | None
    checksum: str
    created_at: datetime
    stored_at: datetime

class UpsertDebateCheckpointParameters(TypedDict):
    """One set of parameters of upsert_debate_checkpoint."""

    checkpoint_id: str
    debate_id: str
    task: str
    current_round: int
    total_rounds: int
    phase: str
    status: StatusWord
    data: Any
    size_bytes: int
    checksum: str
    content_checksum: str
    created_at: datetime
    expires_at: datetime | None
    stored_at: datetime

class DebateCheckpointRow(TypedDict):
    """A row of get_debate_checkpoint, get_latest_debate_checkpoint."""

    checkpoint_id: str
    debate_id: str
    task: str
    current_round: int
    total_rounds: int
    phase: str
    status: StatusWord
    data: Any
    size_bytes: int
    checksum: str
    content_checksum: str
    created_at: datetime
    expires_at: datetime | None
    stored_at: datetime

class DebateCheckpointSummaryRow(TypedDict):
    """A row of find_debate_checkpoint, list_debate_checkpoints, list_all_debate_checkpoints."""

    checkpoint_id: str
    debate_id: str
    task: str
    current_round: int
    total_rounds: int
    phase: str
    status: StatusWord
    size_bytes: int
    created_at: datetime
    expires_at: datetime | None
    stored_at: datetime

class CheckpointStatsRow(TypedDict):
    """A row of get_stats."""

    workflow_checkpoints: int
    workflows: int
    debate_checkpoints: int
    debates: int
    debate_bytes: int

class CheckpointsQueries(Protocol):
    """The queries of the store checkpoints."""

    async def insert_workflow_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        engine_id: str,
        workflow_id: str,
        definition_id: str,
        current_step: str | None,
        completed_steps: Any,
        step_outputs: Any,
        context_state: Any,
        checksum: str,
        content_checksum: str,
        created_at: datetime,
        stored_at: datetime,
    ) -> int:
        """Store a checkpoint of a workflow. The order of its checkpoints is that of their storing:
        it is later

        than all that are there, whatever the clocks of the hosts say.

        Operation !: the number of rows changed.
        """

    async def get_workflow_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
        workflow_id: str | None,
    ) -> GetWorkflowCheckpointRow | None:
        """Return one checkpoint by its storage id, else the newest with this engine's id, of the
        given

        workflow first. owners is the number of workflows that have one with this engine's id.

        Operation ^: the first row, or None.
        """

    async def get_latest_workflow_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        workflow_id: str,
    ) -> WorkflowCheckpointRow | None:
        """Return the newest checkpoint of a workflow.

        Operation ^: the first row, or None.
        """

    def list_workflow_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        workflow_id: str,
        before_stored_at: datetime,
        before_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[CheckpointSummaryRow]:
        """Return the checkpoints of a workflow that are older than a given one, newest first,
        without their

        states.

        Operation (none): every row.
        """

    def find_workflow_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
    ) -> AsyncIterator[CheckpointSummaryRow]:
        """Return the checkpoints that have this storage id or this engine's id, without their
        states.

        Operation (none): every row.
        """

    async def delete_workflow_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        sequences: Sequence[int],
    ) -> int:
        """Delete checkpoints by their places.

        Operation !: the number of rows changed.
        """

    async def delete_workflow(self, connection: Connection, /, *, workflow_id: str) -> int:
        """Delete all checkpoints of a workflow.

        Operation !: the number of rows changed.
        """

    async def prune_workflow(
        self,
        connection: Connection,
        /,
        *,
        workflow_id: str,
        newer: int,
        row_limit: int,
    ) -> int:
        """Delete some of a workflow's oldest checkpoints, of those that have at least newer + 1
        newer ones.

        A checkpoint that is stored at the same time only adds to the newer ones.

        Operation !: the number of rows changed.
        """

    async def delete_old_workflow_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        cutoff: datetime,
        keep_latest: bool,
        row_limit: int,
    ) -> int:
        """Delete some of the checkpoints that are older than a timestamp; with keep_latest not the
        newest of a

        workflow.

        Operation !: the number of rows changed.
        """

    async def upsert_debate_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
        debate_id: str,
        task: str,
        current_round: int,
        total_rounds: int,
        phase: str,
        status: StatusWord,
        data: Any,
        size_bytes: int,
        checksum: str,
        content_checksum: str,
        created_at: datetime,
        expires_at: datetime | None,
        stored_at: datetime,
    ) -> int:
        """Store a checkpoint of a debate, or renew it; that of another debate is left as it is. A
        new one is

        later than all that are there, whatever the clocks say; one of the same time keeps its
        place.

        Operation !: the number of rows changed.
        """

    async def get_debate_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
    ) -> DebateCheckpointRow | None:
        """Return one checkpoint of a debate.

        Operation ^: the first row, or None.
        """

    async def find_debate_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
    ) -> DebateCheckpointSummaryRow | None:
        """Return one checkpoint of a debate without its data.

        Operation ^: the first row, or None.
        """

    async def get_latest_debate_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
    ) -> DebateCheckpointRow | None:
        """Return the newest checkpoint of a debate.

        Operation ^: the first row, or None.
        """

    def list_debate_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        before_stored_at: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateCheckpointSummaryRow]:
        """Return the checkpoints of a debate that are older than a given one, newest first,
        without their

        data.

        Operation (none): every row.
        """

    def list_all_debate_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        before_stored_at: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateCheckpointSummaryRow]:
        """Return the checkpoints of all debates that are older than a given one, newest first,
        without their

        data.

        Operation (none): every row.
        """

    async def delete_debate_checkpoint(
        self,
        connection: Connection,
        /,
        *,
        checkpoint_id: str,
    ) -> int:
        """Delete one checkpoint of a debate.

        Operation !: the number of rows changed.
        """

    async def prune_debate(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        newer: int,
        row_limit: int,
    ) -> int:
        """Delete some of a debate's oldest checkpoints, of those that have at least newer + 1
        newer ones.

        Operation !: the number of rows changed.
        """

    async def delete_expired_debate_checkpoints(
        self,
        connection: Connection,
        /,
        *,
        timestamp: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the debates' checkpoints that have expired.

        Operation !: the number of rows changed.
        """

    async def get_stats(self, connection: Connection, /) -> CheckpointStatsRow:
        """Count checkpoints, workflows and debates.

        Operation ^: the first row, or None.
        """
