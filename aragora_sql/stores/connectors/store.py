"""Connectors to other systems, and their sync jobs.

Its queries: ``sql/postgres/connectors/queries.sql`` and ``sql/sqlite/connectors/queries.sql``.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    ConnectorNotFoundError,
    EncryptionError,
    InvalidInputError,
    TenantMismatchError,
)
from aragora_sql.redaction import hide_in_text
from aragora_sql.stores import validation as valid
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.connectors.records import (
    CONNECTOR_STATUSES,
    SYNC_ENDS,
    Connector,
    ConnectorOwner,
    ConnectorStatus,
    SyncEnd,
    SyncJob,
    SyncStatistics,
)
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.integrations.secrets import (
    keep_sealed,
    open_secrets,
    reseal_secrets,
    seal_secrets,
)
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import (
    Change,
    RotatesKeys,
    Rotation,
    RotationFailure,
    try_keys,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.connectors import (
        ConnectorsQueries,
        GetConnectorRow,
        ListSecretsRow,
        SetSecretsParameters,
    )

__all__ = ["ConnectorStore"]

BATCH = 500
# Some hundred years: no time that is made with it leaves the calendar.
LONGEST_AGE = 86_400.0 * 36_500

log = logging.getLogger(__name__)


class ConnectorStore(RotatesKeys):
    """Keeps connectors, with the secrets of their settings encrypted, and their sync jobs.

    ``keyring`` holds the keys (default: those of the environment). What is a secret tells
    :mod:`aragora_sql.redaction`; without a key none is stored, and ``decrypt=False`` reads.

    With ``org_id`` a method sees the connectors of that organization and their sync jobs only.
    Lists return pages: ``limit=``, and ``after=`` the last record of the page before. Bad arguments
    are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "connectors"
    _queries: ConnectorsQueries

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring

    # Connectors

    async def save_connector(
        self,
        connector_id: str,
        connector_type: str,
        name: str,
        config: dict[str, Any],
        *,
        org_id: str | None = None,
        workspace_id: str | None = None,
    ) -> None:
        """Store a connector, or replace type, name and settings of the one of its id.

        A sealed secret stays what it is. Raises
        :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is a secret and no key,
        and :class:`~aragora_sql.errors.TenantMismatchError` with ``org_id`` where it belongs to
        another organization, or to none.
        """
        owner = ConnectorOwner(valid.key(connector_id, "connector_id"))
        if not isinstance(config, dict):
            raise InvalidInputError("config", f"must be a dictionary, not {type(config).__name__}")
        row: Any = {
            "id": owner.connector_id,
            "org_id": valid.optional(org_id, "org_id", valid.key),
            "workspace_id": valid.optional(workspace_id, "workspace_id", valid.key),
            "connector_type": valid.key(connector_type, "connector_type"),
            "name": valid.identifier(name, "name"),
            "config": valid.document(
                seal_secrets(config, self._keyring, owner, "config"), "config"
            ),
            "at_time": utc_now(),
        }
        async with self._database.connection() as connection:
            if not await self._queries.save_connector(connection, **row):
                raise TenantMismatchError(owner.connector_id, "org_id")

    async def get_connector(
        self, connector_id: str, *, org_id: str | None = None, decrypt: bool = True
    ) -> Connector | None:
        """Return a connector, or None.

        With ``decrypt=False`` secrets are sealed, and no key is needed. Otherwise a secret that no
        key fits is :class:`~aragora_sql.errors.DecryptionError`.
        """
        key = _of_one("connector_id", connector_id, org_id)
        opened = valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_connector(connection, **key)
        return None if row is None else self._connector(row, decrypt=opened)

    async def list_connectors(
        self,
        status: ConnectorStatus | None = None,
        connector_type: str | None = None,
        limit: int = 100,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[Connector]:
        """Return a page of the connectors, the last changed first.

        One whose secrets can't be decrypted does not hide the others: it is in the list with its
        secrets sealed, ``problem`` says why, and a warning is logged.
        """
        organization = valid.optional_text(org_id, "org_id")
        page: Any = {
            "status": valid.optional(
                status, "status", lambda v, a: valid.choice(v, a, CONNECTOR_STATUSES)
            ),
            "connector_type": valid.optional_text(connector_type, "connector_type"),
            **newest_page(limit, after, order="updated_at"),
        }
        opened = valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            if organization is None:
                rows = self._queries.list_connectors(connection, **page)
            else:
                rows = self._queries.list_org_connectors(connection, org_id=organization, **page)
            found = [row async for row in rows]
        return [self._listed(row, decrypt=opened) for row in found]

    def _connector(self, row: GetConnectorRow, *, decrypt: bool) -> Connector:
        owner = ConnectorOwner(row["id"])
        config = (
            open_secrets(row["config"], self._keyring, owner)
            if decrypt
            else keep_sealed(row["config"], owner)
        )
        columns: Any = {**row, "config": config}
        return Connector(**columns)

    def _listed(self, row: GetConnectorRow, *, decrypt: bool) -> Connector:
        try:
            return self._connector(row, decrypt=decrypt)
        except EncryptionError as error:
            log.warning("%s", error)
            return replace(self._connector(row, decrypt=False), problem=str(error))

    async def delete_connector(self, connector_id: str, *, org_id: str | None = None) -> bool:
        """Delete a connector with its sync jobs; False when there is none."""
        key = _of_one("connector_id", connector_id, org_id)
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_connector(connection, **key))

    async def update_connector_status(
        self,
        connector_id: str,
        status: ConnectorStatus,
        error_message: str | None = None,
        *,
        org_id: str | None = None,
    ) -> bool:
        """Keep how a connector stands, without the secrets that the form of an error shows.

        False when there is none.
        """
        key = _of_one("connector_id", connector_id, org_id)
        word = valid.choice(status, "status", CONNECTOR_STATUSES)
        error = valid.optional(error_message, "error_message", _hidden)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_status(
                    connection, **key, status=word, error_message=error, at_time=utc_now()
                )
            )

    # Sync jobs

    async def record_sync_start(
        self, connector_id: str, sync_id: str | None = None, *, org_id: str | None = None
    ) -> SyncJob:
        """Store that a sync job begins, and return it; its connector is ``active`` then.

        Raises :class:`~aragora_sql.errors.ConnectorNotFoundError`, and
        :class:`~aragora_sql.errors.DuplicateKeyError` for an id that another job has.
        """
        key = _of_one("connector_id", connector_id, org_id)
        job_id = new_id() if sync_id is None else valid.key(sync_id, "sync_id")
        now = utc_now()
        async with self._database.transaction() as connection:
            if not await self._queries.set_status(
                connection, **key, status="active", error_message=None, at_time=now
            ):
                raise ConnectorNotFoundError(key["id"])
            await self._queries.insert_job(
                connection, id=job_id, connector_id=key["id"], started_at=now
            )
        return SyncJob(job_id, key["id"], "running", now, None, 0, 0, None, None)

    async def record_sync_progress(
        self, sync_id: str, items_synced: int, items_failed: int | None = None
    ) -> bool:
        """Keep how far a sync job is; False when none of this id runs.

        ``items_failed`` None: as many as before.
        """
        key = valid.text(sync_id, "sync_id")
        synced = valid.integer(items_synced, "items_synced")
        failed = valid.optional(items_failed, "items_failed", valid.integer)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_progress(
                    connection, id=key, items_synced=synced, items_failed=failed
                )
            )

    async def record_sync_complete(
        self,
        sync_id: str,
        status: SyncEnd = "completed",
        items_synced: int | None = None,
        items_failed: int | None = None,
        error_message: str | None = None,
    ) -> SyncJob | None:
        """End a sync job, and return it; None when none of this id runs, and nothing is changed.

        Of two calls at once one ends it. Its connector is ``configured`` then (``active``
        where another of its jobs runs), or in ``error`` after ``failed``, and has the items more.
        ``items_synced`` and ``items_failed`` None: as many as the last progress said.
        """
        key = valid.text(sync_id, "sync_id")
        word = valid.choice(status, "status", SYNC_ENDS)
        synced = valid.optional(items_synced, "items_synced", valid.integer)
        failed = valid.optional(items_failed, "items_failed", valid.integer)
        error = valid.optional(error_message, "error_message", _hidden)
        async with self._database.transaction() as connection:
            job = await self._queries.get_job(connection, id=key, org_id=None)
            # The connector first, as who deletes it does.
            if job is None or not await self._queries.hold_connector(
                connection, id=job["connector_id"]
            ):
                return None
            now = utc_now()
            seconds = max(0.0, (now - job["started_at"]).total_seconds())
            brought = await self._queries.finish_job(
                connection,
                id=key,
                status=word,
                completed_at=now,
                items_synced=synced,
                items_failed=failed,
                error_message=error,
                duration_seconds=seconds,
            )
            if brought is None:
                return None
            await self._queries.settle_connector(
                connection,
                id=job["connector_id"],
                status="error" if word == "failed" else "configured",
                last_sync_status=word,
                items_synced=brought["items_synced"],
                error_message=error,
                at_time=now,
            )
        return replace(
            record_of(SyncJob, **job),
            status=word,
            completed_at=now,
            **brought,
            error_message=error,
            duration_seconds=seconds,
        )

    async def get_sync_history(
        self,
        connector_id: str | None = None,
        limit: int = 50,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[SyncJob]:
        """Return a page of the sync jobs, of one connector or of all, newest first."""
        connector = valid.optional_text(connector_id, "connector_id")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, order="started_at")
        async with self._database.read() as connection:
            if connector is None:
                rows = self._queries.list_jobs(connection, org_id=organization, **page)
            else:
                rows = self._queries.list_connector_jobs(
                    connection, connector_id=connector, org_id=organization, **page
                )
            return [record_of(SyncJob, **row) async for row in rows]

    async def get_sync_stats(
        self, connector_id: str | None = None, *, org_id: str | None = None
    ) -> SyncStatistics:
        """Return counts and sums of the sync jobs, of one connector or of all."""
        connector = valid.optional_text(connector_id, "connector_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_statistics(
                connection, connector_id=connector, org_id=organization
            )
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        return {
            "total_syncs": row["total_syncs"],
            "successful_syncs": row["successful_syncs"],
            "failed_syncs": row["failed_syncs"],
            "active_syncs": row["active_syncs"],
            "total_items_synced": row["total_items_synced"],
            "total_items_failed": row["total_items_failed"],
            "avg_duration_seconds": row["avg_duration_seconds"],
        }

    async def recover_running_jobs(self, min_age_seconds: float = 0.0) -> int:
        """End sync jobs that run as ``interrupted``, and return how many there were.

        For the start of an application that alone runs them. Where others do too,
        ``min_age_seconds`` leaves alone what began later. Connectors that were active with them
        are ``configured``.
        """
        age = valid.number(min_age_seconds, "min_age_seconds", most=LONGEST_AGE)
        now = utc_now()
        before = now - timedelta(seconds=age)

        async def batch() -> int:
            async with self._database.transaction() as connection:
                # The connectors first, as who ends a job or deletes them does.
                held = [
                    row["id"]
                    async for row in self._queries.hold_running(
                        connection, begun_before=before, row_limit=BATCH
                    )
                ]
                if not held:
                    return 0
                ended = await self._queries.interrupt_jobs(
                    connection, ids=held, begun_before=before, at_time=now
                )
                await self._queries.release_connectors(connection, ids=held, at_time=now)
            return ended

        return await in_batches(batch)

    # Keys

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on stored secrets: of the connectors with the lowest ids, so many at most.

        Returns how many connectors were looked at, and those whose secrets no key fits.
        """
        return await try_keys(
            self._database, self._page_of_secrets, self._open_row, _failure, "", limit
        )

    def _open_row(self, row: ListSecretsRow) -> None:
        open_secrets(row["config"], self._keyring, ConnectorOwner(row["id"]))

    def _rotation(self) -> Rotation[ListSecretsRow, str, SetSecretsParameters]:
        return Rotation(
            count=self._queries.count_connectors,
            page=self._page_of_secrets,
            first="",
            place_of=itemgetter("id"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_secrets,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: str, size: int, locked: bool
    ) -> list[ListSecretsRow]:
        read = self._queries.lock_secrets if locked else self._queries.list_secrets
        return [row async for row in read(connection, after_id=after, row_limit=size)]

    def _resealed(self, row: ListSecretsRow) -> Change[SetSecretsParameters]:
        config, old, clear = reseal_secrets(row["config"], self._keyring, ConnectorOwner(row["id"]))
        if not (old or clear):
            return Change(None)
        return Change({"id": row["id"], "config": valid.document(config, "config")}, old, clear)


def _failure(row: ListSecretsRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(
        user_id=None, integration_type=None, problem=str(error), connector_id=row["id"]
    )


def _hidden(value: Any, argument: str) -> str:
    return hide_in_text(valid.text(value, argument))


def _of_one(argument: str, value: Any, org_id: Any) -> Any:
    return {
        "id": valid.text(value, argument),
        "org_id": valid.optional_text(org_id, "org_id"),
    }
