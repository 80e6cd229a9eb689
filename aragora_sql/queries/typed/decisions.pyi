"""The types of the queries of the store decisions.

Made by ``aragora-sql stubs`` from
``sql/postgres/decisions/queries.sql`` and ``sql/sqlite/decisions/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class SaveResultParameters(TypedDict):
    """One set of parameters of save_result."""

    request_id: str
    debate_id: str | None
    org_id: str | None
    workspace_id: str | None
    status: str
    result: Any
    error: str | None
    extra: Any
    created_at: datetime | None
    completed_at: datetime | None
    retention_seconds: float
    search_terms: str

class DecisionResultRow(TypedDict):
    """A row of get_result, list_debate_results."""

    request_id: str
    debate_id: str | None
    org_id: str | None
    workspace_id: str | None
    status: str
    result: Any
    error: str | None
    extra: Any
    version: int
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime

class DecisionStatusRow(TypedDict):
    """A row of get_status, list_statuses, list_org_statuses, list_statuses_in."""

    request_id: str
    status: str
    completed_at: datetime | None
    created_at: datetime

class FoundDecisionRow(TypedDict):
    """A row of search_results."""

    request_id: str
    debate_id: str | None
    org_id: str | None
    workspace_id: str | None
    status: str
    result: Any
    error: str | None
    extra: Any
    version: int
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime
    matched: int

class GetStatisticsRow(TypedDict):
    """A row of get_statistics."""

    total: int
    expired: int
    versions: int
    oldest_at: datetime | None
    newest_at: datetime | None

class DecisionVersionRow(TypedDict):
    """A row of list_versions."""

    request_id: str
    version: int
    status: str
    result: Any
    error: str | None
    extra: Any
    completed_at: datetime | None
    saved_at: datetime

class DossierEntryRow(TypedDict):
    """A row of get_dossier."""

    kind: str
    id: str
    created_at: datetime
    title: str
    content: str | None
    confidence: float | None
    details: Any

class DecisionsQueries(Protocol):
    """The queries of the store decisions."""

    async def save_result(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        debate_id: str | None,
        org_id: str | None,
        workspace_id: str | None,
        status: str,
        result: Any,
        error: str | None,
        extra: Any,
        created_at: datetime | None,
        completed_at: datetime | None,
        retention_seconds: float,
        search_terms: str,
    ) -> int | None:
        """Store a result, or replace the one of its request, unless that is another organization's
        or

        none's, and return the number of the version. When the request was made, and its
        organization, stay,
        and its debate and workspace unless they were not known.

        Operation $: the first value of the first row, or None.
        """

    async def insert_version(self, connection: Connection, /, *, request_id: str) -> int:
        """Keep what a result is now as a version.

        Operation !: the number of rows changed.
        """

    async def trim_results(
        self,
        connection: Connection,
        /,
        *,
        max_entries: int,
        row_limit: int,
    ) -> int:
        """Delete some of the results that are more than so many, those of the oldest requests
        first.

        Operation !: the number of rows changed.
        """

    async def get_result(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        org_id: str | None,
    ) -> DecisionResultRow | None:
        """Return a result that has not expired, of one organization or of any.

        Operation ^: the first row, or None.
        """

    async def get_status(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        org_id: str | None,
    ) -> DecisionStatusRow | None:
        """Return how a request stands whose result has not expired, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_statuses(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionStatusRow]:
        """List how requests stand whose results have not expired, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_statuses(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        workspace_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionStatusRow]:
        """List how requests of an organization stand whose results have not expired, newest first,
        from a

        place on, of one workspace or of all.

        Operation (none): every row.
        """

    def list_statuses_in(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionStatusRow]:
        """List requests in a status whose results have not expired, newest first, from a place on,
        of one

        organization or of all.

        Operation (none): every row.
        """

    def list_debate_results(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionResultRow]:
        """List the results of a debate that have not expired, newest first, from a place on, of
        one

        organization or of all.

        Operation (none): every row.
        """

    def search_results(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        terms: Sequence[str],
        org_id: str | None,
        workspace_id: str | None,
        most: int,
        row_limit: int,
    ) -> AsyncIterator[FoundDecisionRow]:
        """Find results that have not expired, those with most of the terms first, of these the
        newest; of

        one organization and workspace or of all. Where more than :most match, the newest are
        looked at.

        Operation (none): every row.
        """

    async def count_results(self, connection: Connection, /) -> int:
        """Count the results that have not expired.

        Operation $: the first value of the first row, or None.
        """

    async def count_org_results(self, connection: Connection, /, *, org_id: str) -> int:
        """Count the results of an organization that have not expired.

        Operation $: the first value of the first row, or None.
        """

    async def get_statistics(self, connection: Connection, /) -> GetStatisticsRow:
        """Count results, those that have expired and are not deleted yet, and versions.

        Operation ^: the first row, or None.
        """

    async def delete_result(self, connection: Connection, /, *, request_id: str) -> int:
        """Delete a result with its versions.

        Operation !: the number of rows changed.
        """

    async def delete_expired_results(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of the results that have expired, with their versions.

        Operation !: the number of rows changed.
        """

    def list_versions(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        org_id: str | None,
        after_version: int,
        row_limit: int,
    ) -> AsyncIterator[DecisionVersionRow]:
        """List the versions of a result that has not expired, newest first, below a number, of one

        organization or of any.

        Operation (none): every row.
        """

    def get_dossier(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_kind: str,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DossierEntryRow]:
        """Return what is stored of a debate: itself, its critiques and checkpoints, the consensus
        that it led

        to, and the results that have not expired of one organization or of any; the oldest first,
        from a
        place on.

        Operation (none): every row.
        """
