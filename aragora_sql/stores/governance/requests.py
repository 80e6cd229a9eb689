"""Approval requests: steps of workflows that wait for the answer of a person.

Their queries: ``sql/postgres/governance/queries.sql`` and ``sql/sqlite/governance/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import ApprovalRefusedError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.governance.records import (
    LEAST_URGENT,
    MOST_URGENT,
    REQUEST_STATUSES,
    ApprovalRequest,
    RequestStatusWord,
    request_parameters,
)
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP, LastRow, key_of, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aragora_sql.queries.typed.governance import ApprovalRequestRow, GovernanceQueries

__all__ = ["ApprovalRequestStore"]

Document = dict[str, Any]

BATCH = 500
ANSWERS = ("approved", "rejected")


class ApprovalRequestStore(Store):
    """Keeps what workflows ask of people. ``GovernanceStore.requests`` is one.

    Requests are documents: dictionaries with timestamps as ISO-8601 text in UTC. Whether one has
    expired is told by the clock of the database. Lists return pages: ``limit=``, and ``after=``
    the last document of the page before.
    """

    name = "governance"
    _queries: GovernanceQueries

    async def save(self, data: Mapping[str, Any]) -> None:
        """Store a request's document, or replace the one of its ``request_id``.

        ``request_id``, ``workflow_id``, ``step_id`` and ``title`` are needed; members that are not
        known are kept, and so is the creation of a stored one. An answer stays: to save another
        status than a stored request was answered with is
        :class:`~aragora_sql.errors.ApprovalRefusedError`.
        """
        row = request_parameters(data)
        async with self._database.connection() as connection:
            if await self._queries.save_request(connection, **row):
                return
        raise ApprovalRefusedError(
            "data.status", row["request_id"], "has another answer already, which stays"
        )

    async def get(self, request_id: str) -> Document | None:
        """Return a request's document, or None."""
        valid.text(request_id, "request_id")
        async with self._database.read() as connection:
            row = await self._queries.get_request(connection, request_id=request_id)
        return None if row is None else record_of(ApprovalRequest, **row).to_document()

    async def exists(self, request_id: str) -> bool:
        """Tell whether there is a request of this id."""
        return await self.get(request_id) is not None

    async def delete(self, request_id: str) -> bool:
        """Delete a request; False when there is none of this id."""
        valid.text(request_id, "request_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_request(connection, request_id=request_id))

    async def count(self) -> int:
        """Return the number of requests."""
        async with self._database.read() as connection:
            return await self._queries.count_requests(connection)

    async def respond(
        self,
        request_id: str,
        status: RequestStatusWord,
        responder_id: str,
        response_data: Mapping[str, Any] | None = None,
    ) -> bool:
        """Answer a request with ``approved`` or ``rejected``.

        False when there is none of this id that waits: it was answered, or has expired. Of two
        answers at once the first counts.
        """
        valid.key(request_id, "request_id")
        answer = valid.choice(status, "status", ANSWERS)
        responder = valid.key(responder_id, "responder_id")
        data = valid.optional(response_data, "response_data", valid.document)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.respond_request(
                    connection,
                    request_id=request_id,
                    status=answer,
                    responder_id=responder,
                    response_data=data,
                )
            )

    async def expire(self) -> int:
        """Let the requests expire whose time is over, and return how many did."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.expire_requests(connection, row_limit=BATCH)

        return await in_batches(batch)

    async def list_all(self, limit: int = 1000, *, after: LastRow | None = None) -> list[Document]:
        """Return a page of the requests, newest first."""
        page = newest_page(limit, after, "request_id", "created_at", first=LAST_TIMESTAMP)
        async with self._database.read() as connection:
            return await _documents(self._queries.list_requests(connection, **page))

    async def list_by_workflow(
        self, workflow_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the requests of a workflow, newest first."""
        valid.text(workflow_id, "workflow_id")
        page = newest_page(limit, after, "request_id", "created_at", first=LAST_TIMESTAMP)
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_workflow_requests(connection, workflow_id=workflow_id, **page)
            )

    async def list_by_workspace(
        self, workspace_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the requests of a workspace, newest first."""
        valid.text(workspace_id, "workspace_id")
        page = newest_page(limit, after, "request_id", "created_at", first=LAST_TIMESTAMP)
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_workspace_requests(connection, workspace_id=workspace_id, **page)
            )

    async def list_by_status(
        self, status: RequestStatusWord, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the requests in a status, the most urgent first, of these the newest."""
        wanted = valid.choice(status, "status", REQUEST_STATUSES)
        row_limit = valid.limit(limit)
        priority, timestamp, request_id = key_of(
            after,
            {
                "priority": lambda v, a: valid.integer(v, a, MOST_URGENT, LEAST_URGENT),
                "created_at": valid.timestamp_or_text,
                "request_id": valid.text,
            },
            (MOST_URGENT - 1, LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_requests_in_status(
                    connection,
                    status=wanted,
                    after_priority=priority,
                    after_timestamp=timestamp,
                    after_id=request_id,
                    row_limit=row_limit,
                )
            )

    async def list_pending(
        self, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the requests that wait, the most urgent first, of these the newest."""
        return await self.list_by_status("pending", limit, after=after)

    async def list_expired(
        self, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the requests that still wait though their time is over, oldest first."""
        page = newest_page(limit, after, "request_id", "expires_at", first=FIRST_TIMESTAMP)
        async with self._database.read() as connection:
            return await _documents(self._queries.list_expired_requests(connection, **page))


async def _documents(rows: AsyncIterator[ApprovalRequestRow]) -> list[Document]:
    return [record_of(ApprovalRequest, **row).to_document() async for row in rows]
