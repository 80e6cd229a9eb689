"""Results of decisions: kept for a while, with every version that was saved.

Its queries: ``sql/postgres/decisions/queries.sql`` and ``sql/sqlite/decisions/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.errors import TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import LONGEST_DAYS, CleanupTurns, in_batches
from aragora_sql.stores.decisions.limits import DecisionLimits
from aragora_sql.stores.decisions.records import (
    DecisionMetrics,
    DecisionResult,
    DecisionStatus,
    DecisionVersion,
    DossierEntry,
    FoundDecision,
    StatusAnswer,
    result_parameters,
)
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LastRow, key_of, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms, any_term
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.decisions import DecisionsQueries

__all__ = ["DecisionStore"]

BATCH = 500
# Results that a search ranks: the newest of those that match.
MOST_RANKED = 1000
MOST_VERSIONS = 2**31 - 1
SECONDS_PER_DAY = 86_400.0


class DecisionStore(Store):
    """Keeps what came of requests for decisions.

    ``retention_days`` (above 0) is how long a result is kept from its last save on, by the clock of
    the database; ``max_entries`` (1 or more) how many are kept, those of the newest requests. None:
    what the environment says (:mod:`~aragora_sql.stores.decisions.limits`). What is over is deleted
    by :meth:`cleanup_expired`, which :meth:`save` calls every five minutes at most.

    With ``org_id`` a method sees the results of that organization only. Lists return pages:
    ``limit=``, and ``after=`` the last row of the page before.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "decisions"
    _queries: DecisionsQueries

    def __init__(
        self,
        database: Database,
        *,
        retention_days: float | None = None,
        max_entries: int | None = None,
    ) -> None:
        super().__init__(database)
        limits = DecisionLimits.from_env()
        self._retention_days = (
            limits.retention_days
            if retention_days is None
            else valid.number(retention_days, "retention_days", 1e-6, LONGEST_DAYS)
        )
        self._max_entries = (
            limits.max_entries
            if max_entries is None
            else valid.integer(max_entries, "max_entries", least=1)
        )
        self._cleanup_turns = CleanupTurns()

    async def save(
        self,
        request_id: str,
        data: Mapping[str, Any],
        *,
        debate_id: str | None = None,
        org_id: str | None = None,
        workspace_id: str | None = None,
    ) -> int:
        """Store what came of a request, or replace it, and return the number of the version.

        ``data`` may have ``status`` (``unknown`` without one), ``result`` (a dictionary),
        ``error``, ``created_at`` and ``completed_at`` (aware, ISO-8601 text, or seconds since
        1970); other members are kept. ``debate_id``, ``org_id`` and ``workspace_id`` may stand in
        it too; the debate is that of the result when nothing else is said. When the request was
        made and whose it is stays from the first save on, and the time until it expires begins
        anew. Where there are more than ``max_entries``, those of the oldest requests are deleted.

        Raises :class:`~aragora_sql.errors.TenantMismatchError` for a request of another
        organization, or with ``org_id`` of none.
        """
        row = result_parameters(
            request_id, data, debate_id=debate_id, org_id=org_id, workspace_id=workspace_id
        )
        async with self._database.transaction() as connection:
            version = await self._queries.save_result(
                connection, retention_seconds=self._retention_days * SECONDS_PER_DAY, **row
            )
            if version is None:
                raise TenantMismatchError(row["request_id"], "org_id")
            await self._queries.insert_version(connection, request_id=row["request_id"])
            if version == 1:
                await self._queries.trim_results(
                    connection, max_entries=self._max_entries, row_limit=BATCH
                )
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()
        return version

    async def get(self, request_id: str, *, org_id: str | None = None) -> DecisionResult | None:
        """Return the result of a request; None when there is none, or it has expired."""
        key = valid.text(request_id, "request_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_result(connection, request_id=key, org_id=organization)
        return None if row is None else record_of(DecisionResult, **row)

    async def get_status(self, request_id: str, *, org_id: str | None = None) -> StatusAnswer:
        """Return how a request stands; ``not_found`` when there is no result of it."""
        key = valid.text(request_id, "request_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_status(connection, request_id=key, org_id=organization)
        return {
            "request_id": key,
            "status": "not_found" if row is None else row["status"],
            "completed_at": None if row is None else row["completed_at"],
        }

    async def list_recent(
        self,
        limit: int = 20,
        *,
        org_id: str | None = None,
        workspace_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[DecisionStatus]:
        """Return how requests stand, those that were made last first.

        ``workspace_id`` is one of ``org_id``, which has to be given then.
        """
        organization = valid.optional_text(org_id, "org_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        if workspace is not None:
            organization = valid.text(org_id, "org_id")
        page = newest_page(limit, after, "request_id")
        async with self._database.read() as connection:
            if organization is None:
                rows = self._queries.list_statuses(connection, **page)
            else:
                rows = self._queries.list_org_statuses(
                    connection, org_id=organization, workspace_id=workspace, **page
                )
            return [record_of(DecisionStatus, **row) async for row in rows]

    async def list_by_status(
        self,
        status: str,
        limit: int = 20,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[DecisionStatus]:
        """Return requests that stand so, those that were made last first."""
        wanted = valid.text(status, "status")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "request_id")
        async with self._database.read() as connection:
            rows = self._queries.list_statuses_in(
                connection, status=wanted, org_id=organization, **page
            )
            return [record_of(DecisionStatus, **row) async for row in rows]

    async def list_by_debate(
        self,
        debate_id: str,
        limit: int = 20,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[DecisionResult]:
        """Return the results of a debate, those of the requests that were made last first."""
        debate = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "request_id")
        async with self._database.read() as connection:
            rows = self._queries.list_debate_results(
                connection, debate_id=debate, org_id=organization, **page
            )
            return [record_of(DecisionResult, **row) async for row in rows]

    async def search(
        self,
        text: str,
        limit: int = 20,
        *,
        every_word: bool = False,
        org_id: str | None = None,
        workspace_id: str | None = None,
    ) -> list[FoundDecision]:
        """Return the results in whose texts words are: those with most of them first, then newest.

        Words are compared without case and accents; ``every_word`` asks for all of them. Any text
        may be searched for; its first 16 words count. Where very many match, the newest 1,000 are
        ranked.
        """
        terms = search_terms(valid.text(text, "text"))[:MOST_SEARCH_TERMS]
        row_limit = valid.limit(limit)
        every = valid.boolean(every_word, "every_word")
        organization = valid.optional_text(org_id, "org_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        if not terms:
            return []
        async with self._database.read() as connection:
            rows = self._queries.search_results(
                connection,
                expression=all_terms(terms) if every else any_term(terms),
                terms=terms,
                org_id=organization,
                workspace_id=workspace,
                most=MOST_RANKED,
                row_limit=row_limit,
            )
            return [record_of(FoundDecision, **row) async for row in rows]

    async def list_versions(
        self,
        request_id: str,
        limit: int = 100,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[DecisionVersion]:
        """Return what each save of a request brought, the last one first."""
        key = valid.text(request_id, "request_id")
        organization = valid.optional_text(org_id, "org_id")
        row_limit = valid.limit(limit)
        (version,) = key_of(after, {"version": valid.integer}, (MOST_VERSIONS,))
        async with self._database.read() as connection:
            rows = self._queries.list_versions(
                connection,
                request_id=key,
                org_id=organization,
                after_version=version,
                row_limit=row_limit,
            )
            return [record_of(DecisionVersion, **row) async for row in rows]

    async def get_dossier(
        self,
        debate_id: str,
        limit: int = 1000,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[DossierEntry]:
        """Return what the stores have of a debate, the oldest first: one query over four stores.

        That is the debate, its critiques and checkpoints, the consensus that it led to, and the
        results (of ``org_id`` only, where it is given; all else belongs to no organization).
        """
        debate = valid.text(debate_id, "debate_id")
        organization = valid.optional_text(org_id, "org_id")
        row_limit = valid.limit(limit)
        timestamp, kind, last = key_of(
            after,
            {"created_at": valid.timestamp_or_text, "kind": valid.text, "id": valid.text},
            (FIRST_TIMESTAMP, "", ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.get_dossier(
                connection,
                debate_id=debate,
                org_id=organization,
                after_timestamp=timestamp,
                after_kind=kind,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(DossierEntry, **row) async for row in rows]

    async def count(self, *, org_id: str | None = None) -> int:
        """Return the number of results that have not expired."""
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            if organization is None:
                return await self._queries.count_results(connection)
            return await self._queries.count_org_results(connection, org_id=organization)

    async def get_metrics(self) -> DecisionMetrics:
        """Return sizes and limits."""
        async with self._database.read() as connection:
            row = await self._queries.get_statistics(connection)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        return {
            "total": row["total"],
            "expired": row["expired"],
            "versions": row["versions"],
            "oldest_at": row["oldest_at"],
            "newest_at": row["newest_at"],
            "max_entries": self._max_entries,
            "retention_days": self._retention_days,
        }

    async def delete(self, request_id: str) -> bool:
        """Delete the result of a request with its versions; False when there is none."""
        key = valid.text(request_id, "request_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_result(connection, request_id=key))

    async def cleanup_expired(self) -> int:
        """Delete what has expired, and what is more than ``max_entries``, in small transactions.

        Returns how many results were deleted.
        """

        async def expired() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_results(connection, row_limit=BATCH)

        async def too_many() -> int:
            async with self._database.connection() as connection:
                return await self._queries.trim_results(
                    connection, max_entries=self._max_entries, row_limit=BATCH
                )

        return await in_batches(expired) + await in_batches(too_many)
