"""The types of the queries of the store connectors.

Made by ``aragora-sql stubs`` from
``sql/postgres/connectors/queries.sql`` and ``sql/sqlite/connectors/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class SaveConnectorParameters(TypedDict):
    """One set of parameters of save_connector."""

    id: str
    org_id: str | None
    workspace_id: str | None
    connector_type: str
    name: str
    config: Any
    at_time: datetime

class GetConnectorRow(TypedDict):
    """A row of get_connector, list_connectors, list_org_connectors."""

    id: str
    org_id: str | None
    workspace_id: str | None
    connector_type: str
    name: str
    config: Any
    status: str
    created_at: datetime
    updated_at: datetime
    last_sync_at: datetime | None
    last_sync_status: str | None
    items_indexed: int
    error_message: str | None

class InsertJobParameters(TypedDict):
    """One set of parameters of insert_job."""

    id: str
    connector_id: str
    started_at: datetime

class SyncJobRow(TypedDict):
    """A row of get_job, list_jobs, list_connector_jobs."""

    id: str
    connector_id: str
    status: str
    started_at: datetime
    completed_at: datetime | None
    items_synced: int
    items_failed: int
    error_message: str | None
    duration_seconds: float | None

class FinishJobRow(TypedDict):
    """A row of finish_job."""

    items_synced: int
    items_failed: int

class GetStatisticsRow(TypedDict):
    """A row of get_statistics."""

    total_syncs: int
    successful_syncs: int
    failed_syncs: int
    active_syncs: int
    total_items_synced: int
    total_items_failed: int
    avg_duration_seconds: float | None

class HoldRunningRow(TypedDict):
    """A row of hold_running."""

    id: str

class ListSecretsRow(TypedDict):
    """A row of list_secrets, lock_secrets."""

    id: str
    config: Any

class SetSecretsParameters(TypedDict):
    """One set of parameters of set_secrets."""

    id: str
    config: Any

class ConnectorsQueries(Protocol):
    """The queries of the store connectors."""

    async def save_connector(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
        workspace_id: str | None,
        connector_type: str,
        name: str,
        config: Any,
        at_time: datetime,
    ) -> int:
        """Store a connector, or replace the type, name and settings of the one of its id, unless
        that is

        another organization's, or none's. Its organization stays, and its workspace unless there
        was none.

        Operation !: the number of rows changed.
        """

    async def get_connector(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
    ) -> GetConnectorRow | None:
        """Return a connector, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_connectors(
        self,
        connection: Connection,
        /,
        *,
        status: str | None,
        connector_type: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GetConnectorRow]:
        """List the connectors, in one status and of one type or all, the last changed first, from
        a place on.

        Operation (none): every row.
        """

    def list_org_connectors(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        status: str | None,
        connector_type: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GetConnectorRow]:
        """List the connectors of an organization, in one status and of one type or all, the last
        changed first, from a place on.

        Operation (none): every row.
        """

    async def delete_connector(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
    ) -> int:
        """Delete a connector with its sync jobs, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def set_status(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
        status: str,
        error_message: str | None,
        at_time: datetime,
    ) -> int:
        """Keep how a connector of one organization or of any stands.

        Operation !: the number of rows changed.
        """

    async def insert_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        connector_id: str,
        started_at: datetime,
    ) -> int:
        """Store a sync job that begins.

        Operation !: the number of rows changed.
        """

    async def get_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
    ) -> SyncJobRow | None:
        """Return a sync job, of one organization or of any.

        Operation ^: the first row, or None.
        """

    async def set_progress(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        items_synced: int,
        items_failed: int | None,
    ) -> int:
        """Keep how far a sync job is that runs; NULL leaves how many items failed.

        Operation !: the number of rows changed.
        """

    async def hold_connector(self, connection: Connection, /, *, id: str) -> str | None:
        """Hold a connector until the transaction ends.

        Operation $: the first value of the first row, or None.
        """

    async def finish_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        status: str,
        completed_at: datetime | None,
        items_synced: int | None,
        items_failed: int | None,
        error_message: str | None,
        duration_seconds: float | None,
    ) -> FinishJobRow | None:
        """End a sync job that runs, and return how many items it has brought, and how many not.

        NULL leaves a number as the last progress said.

        Operation ^: the first row, or None.
        """

    async def settle_connector(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        status: str,
        last_sync_status: str | None,
        items_synced: int,
        error_message: str | None,
        at_time: datetime | None,
    ) -> int:
        """Keep how the last sync job of a connector ended. It stays active while another one runs,
        unless

        it is in error.

        Operation !: the number of rows changed.
        """

    def list_jobs(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[SyncJobRow]:
        """List sync jobs, of one organization or of all, newest first, from a place on.

        Operation (none): every row.
        """

    def list_connector_jobs(
        self,
        connection: Connection,
        /,
        *,
        connector_id: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[SyncJobRow]:
        """List the sync jobs of a connector, of one organization or of any, newest first, from a
        place on.

        Operation (none): every row.
        """

    async def get_statistics(
        self,
        connection: Connection,
        /,
        *,
        connector_id: str | None,
        org_id: str | None,
    ) -> GetStatisticsRow:
        """Count and add up sync jobs, of one connector and organization or of all.

        Operation ^: the first row, or None.
        """

    def hold_running(
        self,
        connection: Connection,
        /,
        *,
        begun_before: datetime,
        row_limit: int,
    ) -> AsyncIterator[HoldRunningRow]:
        """Hold connectors of some of the sync jobs that began at a time or before and have not
        ended.

        Operation (none): every row.
        """

    async def interrupt_jobs(
        self,
        connection: Connection,
        /,
        *,
        ids: Sequence[str],
        begun_before: datetime,
        at_time: datetime | None,
    ) -> int:
        """End the sync jobs of connectors that began at a time or before and have not ended.

        Operation !: the number of rows changed.
        """

    async def release_connectors(
        self,
        connection: Connection,
        /,
        *,
        ids: Sequence[str],
        at_time: datetime | None,
    ) -> int:
        """Keep of active connectors that their sync jobs were interrupted, where none runs.

        Operation !: the number of rows changed.
        """

    async def count_connectors(self, connection: Connection, /) -> int:
        """Count the connectors.

        Operation $: the first value of the first row, or None.
        """

    def list_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """List the settings of connectors by id, from a place on.

        Operation (none): every row.
        """

    def lock_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """Hold connectors by id, from a place on, and list their settings.

        Operation (none): every row.
        """

    async def set_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetSecretsParameters],
        /,
    ) -> int:
        """Replace the settings of connectors.

        Operation *!: the number of rows changed, for many sets of parameters.
        """
