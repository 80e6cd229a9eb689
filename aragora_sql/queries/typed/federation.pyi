"""The types of the queries of the store federation.

Made by ``aragora-sql stubs`` from
``sql/postgres/federation/queries.sql`` and ``sql/sqlite/federation/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ModeWord = Literal[
    "push",
    "pull",
    "bidirectional",
    "none",
]

SyncScopeWord = Literal[
    "full",
    "metadata",
    "summary",
]

class SaveRegionParameters(TypedDict):
    """One set of parameters of save_region."""

    region_id: str
    workspace_id: str
    endpoint_url: str
    api_key: str
    mode: ModeWord
    sync_scope: SyncScopeWord
    enabled: bool
    last_sync_at: datetime | None
    last_push_at: datetime | None
    last_pull_at: datetime | None
    last_sync_error: str | None
    total_pushes: int
    total_pulls: int
    total_nodes_synced: int
    total_sync_errors: int
    metadata: Any
    extra: Any
    created_at: datetime
    updated_at: datetime

class GetRegionRow(TypedDict):
    """A row of get_region, list_regions, list_enabled_regions, list_workspace_regions,
    list_enabled_workspace_regions."""

    region_id: str
    workspace_id: str
    endpoint_url: str
    api_key: str
    mode: ModeWord
    sync_scope: SyncScopeWord
    enabled: bool
    last_sync_at: datetime | None
    last_push_at: datetime | None
    last_pull_at: datetime | None
    last_sync_error: str | None
    total_pushes: int
    total_pulls: int
    total_nodes_synced: int
    total_sync_errors: int
    metadata: Any
    extra: Any
    created_at: datetime
    updated_at: datetime

class ListApiKeysRow(TypedDict):
    """A row of list_api_keys, lock_api_keys."""

    region_id: str
    workspace_id: str
    api_key: str

class SetApiKeysParameters(TypedDict):
    """One set of parameters of set_api_keys."""

    region_id: str
    workspace_id: str
    api_key: str

class InsertOutgoingParameters(TypedDict):
    """One set of parameters of insert_outgoing."""

    region_id: str
    workspace_id: str
    sequence: int
    changes: Any
    created_at: datetime

class OutgoingMessageRow(TypedDict):
    """A row of list_outgoing."""

    region_id: str
    workspace_id: str
    sequence: int
    changes: Any
    created_at: datetime

class InsertIncomingParameters(TypedDict):
    """One set of parameters of insert_incoming."""

    region_id: str
    workspace_id: str
    sequence: int
    content_hash: str
    changes: Any
    received_at: datetime
    applied_at: datetime | None

class ListHeldRow(TypedDict):
    """A row of list_held."""

    sequence: int
    changes: Any

class SyncStateRow(TypedDict):
    """A row of get_sync_state."""

    region_id: str
    workspace_id: str
    last_sent: int
    last_acknowledged: int
    last_applied: int
    held: int
    updated_at: datetime | None

class MergeRecordsParameters(TypedDict):
    """One set of parameters of merge_records."""

    workspace_id: str
    record_id: str
    content: Any
    origin: str
    updated_at: datetime

class FederatedRecordRow(TypedDict):
    """A row of get_record, list_records."""

    workspace_id: str
    record_id: str
    content: Any
    origin: str
    updated_at: datetime

class FederationQueries(Protocol):
    """The queries of the store federation."""

    async def save_region(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        endpoint_url: str,
        api_key: str,
        mode: ModeWord,
        sync_scope: SyncScopeWord,
        enabled: bool,
        last_sync_at: datetime | None,
        last_push_at: datetime | None,
        last_pull_at: datetime | None,
        last_sync_error: str | None,
        total_pushes: int,
        total_pulls: int,
        total_nodes_synced: int,
        total_sync_errors: int,
        metadata: Any,
        extra: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a region, or what an application changed in it: of one that is there the counters,
        the times of

        its exchanges and its creation stay.

        Operation !: the number of rows changed.
        """

    async def update_region(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        endpoint_url: str,
        mode: ModeWord,
        sync_scope: SyncScopeWord,
        enabled: bool,
        metadata: Any,
        extra: Any,
        updated_at: datetime,
    ) -> int:
        """Store what an application changed in a region, but not its key.

        Operation !: the number of rows changed.
        """

    async def get_region(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
    ) -> GetRegionRow | None:
        """Return a region.

        Operation ^: the first row, or None.
        """

    def list_regions(
        self,
        connection: Connection,
        /,
        *,
        after_region: str,
        after_workspace: str,
        row_limit: int,
    ) -> AsyncIterator[GetRegionRow]:
        """List the regions of all workspaces, from a place on.

        Operation (none): every row.
        """

    def list_enabled_regions(
        self,
        connection: Connection,
        /,
        *,
        after_region: str,
        after_workspace: str,
        row_limit: int,
    ) -> AsyncIterator[GetRegionRow]:
        """List the regions of all workspaces that are enabled, from a place on.

        Operation (none): every row.
        """

    def list_workspace_regions(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_region: str,
        row_limit: int,
    ) -> AsyncIterator[GetRegionRow]:
        """List the regions of a workspace, from a place on.

        Operation (none): every row.
        """

    def list_enabled_workspace_regions(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_region: str,
        row_limit: int,
    ) -> AsyncIterator[GetRegionRow]:
        """List the regions of a workspace that are enabled, from a place on.

        Operation (none): every row.
        """

    async def delete_region(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
    ) -> int:
        """Delete a region with its state and its messages.

        Operation !: the number of rows changed.
        """

    async def set_sync_status(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        direction: str,
        nodes_synced: int,
        sync_error: str | None,
        synced_at: datetime,
    ) -> int:
        """Count an exchange with a region, and keep when it was and why it failed.

        Operation !: the number of rows changed.
        """

    async def count_api_keys(self, connection: Connection, /) -> int:
        """Count the regions that have a key.

        Operation $: the first value of the first row, or None.
        """

    def list_api_keys(
        self,
        connection: Connection,
        /,
        *,
        after_region: str,
        after_workspace: str,
        row_limit: int,
    ) -> AsyncIterator[ListApiKeysRow]:
        """List encrypted keys of regions, from a place on.

        Operation (none): every row.
        """

    def lock_api_keys(
        self,
        connection: Connection,
        /,
        *,
        after_region: str,
        after_workspace: str,
        row_limit: int,
    ) -> AsyncIterator[ListApiKeysRow]:
        """Take a page of the keys of regions for encrypting them again.

        Operation (none): every row.
        """

    async def set_api_keys(
        self,
        connection: Connection,
        parameters: Sequence[SetApiKeysParameters],
        /,
    ) -> int:
        """Replace encrypted keys of regions.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def take_sequence(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        at_time: datetime,
    ) -> int | None:
        """Return the number of the next message to a region that gets messages; none of one that
        does not.

        Who writes another one to it waits here until this one is there.

        Operation $: the first value of the first row, or None.
        """

    async def insert_outgoing(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        sequence: int,
        changes: Any,
        created_at: datetime,
    ) -> int:
        """Store a message to a region.

        Operation !: the number of rows changed.
        """

    def list_outgoing(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[OutgoingMessageRow]:
        """List the messages to a region that it has not acknowledged, in their order, from a place
        on.

        Operation (none): every row.
        """

    async def set_acknowledged(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        sequence: int,
        at_time: datetime,
    ) -> int:
        """Keep that a region has all messages up to a number, which was sent.

        Operation !: the number of rows changed.
        """

    async def delete_outgoing(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        sequence: int,
    ) -> int:
        """Delete the messages to a region up to a number.

        Operation !: the number of rows changed.
        """

    async def hold_state(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        at_time: datetime,
    ) -> int | None:
        """Return the number of the last message that was applied of a region that gives messages;
        none of one

        that does not. Who applies another one of it waits here.

        Operation $: the first value of the first row, or None.
        """

    async def get_incoming(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        sequence: int,
    ) -> str | None:
        """Return the hash of a message that came before.

        Operation $: the first value of the first row, or None.
        """

    async def insert_incoming(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        sequence: int,
        content_hash: str,
        changes: Any,
        received_at: datetime,
        applied_at: datetime | None,
    ) -> int:
        """Keep a message: of one that is applied its hash, of one that waits its changes too.

        Operation !: the number of rows changed.
        """

    def list_held(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        after_sequence: int,
        row_limit: int,
    ) -> AsyncIterator[ListHeldRow]:
        """List the messages of a region that wait for an earlier one, in their order, from a place
        on.

        Operation (none): every row.
        """

    async def mark_applied(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        first_sequence: int,
        last_sequence: int,
        applied_at: datetime | None,
    ) -> int:
        """Keep that messages that waited are applied.

        Operation !: the number of rows changed.
        """

    async def set_applied(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
        last_applied: int,
    ) -> int:
        """Keep up to which number the messages of a region are applied.

        Operation !: the number of rows changed.
        """

    async def get_sync_state(
        self,
        connection: Connection,
        /,
        *,
        region_id: str,
        workspace_id: str,
    ) -> SyncStateRow | None:
        """Return how far the messages to and from a region are, and how many wait for an earlier
        one.

        Operation ^: the first row, or None.
        """

    async def merge_records(
        self,
        connection: Connection,
        parameters: Sequence[MergeRecordsParameters],
        /,
    ) -> int:
        """Store records, unless a later write is there; of two at one time the origin decides.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_record(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        record_id: str,
    ) -> FederatedRecordRow | None:
        """Return a record; the content of one that was deleted is NULL.

        Operation ^: the first row, or None.
        """

    def list_records(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FederatedRecordRow]:
        """List the records of a workspace, also those that were deleted, from a place on.

        Operation (none): every row.
        """

    async def purge_inbox(
        self,
        connection: Connection,
        /,
        *,
        applied_before: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of what is kept of messages that were applied long ago, the oldest first.

        Operation !: the number of rows changed.
        """

    async def purge_deleted(
        self,
        connection: Connection,
        /,
        *,
        deleted_before: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the records that were deleted long ago, the oldest first.

        Operation !: the number of rows changed.
        """
