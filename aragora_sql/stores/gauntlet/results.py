"""What gauntlets found, and what is in flight.

Their queries: ``sql/postgres/gauntlet/queries.sql`` and ``sql/sqlite/gauntlet/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import DamagedGauntletResultError, TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.gauntlet.records import (
    INFLIGHT_STATUSES,
    SEVERITIES,
    VERDICTS,
    GauntletComparison,
    GauntletResult,
    GauntletSummary,
    InflightGauntlet,
    InflightStatus,
    Severity,
    Verdict,
    VerdictStatistics,
    result_hash,
    result_parameters,
)
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LastRow, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.gauntlet import GauntletQueries

__all__ = ["GauntletResultStore"]

BATCH = 500
ENDED = ("completed", "failed", "interrupted")
UNDER_WAY = ("pending", "running")
# Some hundred years.
LONGEST_AGE = 1e10


class GauntletResultStore(Store):
    """Keeps what gauntlets found, and what is in flight. ``GauntletStore.results`` is one.

    A result is stored with the SHA-256 of its content. Where somebody changed it outside of the
    store, :meth:`get` and :meth:`compare` raise
    :class:`~aragora_sql.errors.DamagedGauntletResultError`. With ``org_id`` a method sees the rows
    of that organization only. Lists return pages: ``limit=``, and ``after=`` the last row of the
    page before.
    """

    name = "gauntlet"
    _queries: GauntletQueries

    async def save(self, result: Mapping[str, Any], org_id: str | None = None) -> str:
        """Store a result, or replace the one of its ``gauntlet_id``, and return that.

        It is no longer in flight then, in the same transaction. ``gauntlet_id`` is needed;
        ``verdict`` (``unknown`` without one), ``confidence`` and ``robustness_score`` (0.5),
        ``input_hash``, ``input_summary``, ``agents_used``, ``template_used``,
        ``duration_seconds`` and ``created_at`` have columns. Findings are counted by the lists
        ``critical_findings`` and so on, else by ``risk_summary`` or ``severity_counts``; all of
        them by ``total_findings``, else the list ``vulnerabilities`` or ``findings``, else the sum.
        The document is kept whole. When a stored one was made, and whose it is, stays.

        Raises :class:`~aragora_sql.errors.TenantMismatchError` when an organization stores one that
        belongs to another one, or to none, or that another one has in flight.
        """
        row = result_parameters(result, org_id)
        async with self._database.transaction() as connection:
            if not await self._queries.save_result(connection, **row):
                raise TenantMismatchError(row["gauntlet_id"], "org_id")
            owner = await self._queries.end_inflight(connection, gauntlet_id=row["gauntlet_id"])
            if owner is not None and row["org_id"] not in {None, owner}:
                raise TenantMismatchError(row["gauntlet_id"], "org_id")
        return str(row["gauntlet_id"])

    async def get(self, gauntlet_id: str, org_id: str | None = None) -> GauntletResult | None:
        """Return a result, verified; None when there is none."""
        key = valid.text(gauntlet_id, "gauntlet_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_result(connection, gauntlet_id=key, org_id=organization)
        if row is None:
            return None
        if result_hash(row) != row["content_hash"]:
            raise DamagedGauntletResultError(key)
        return record_of(GauntletResult, **row)

    async def delete(self, gauntlet_id: str, org_id: str | None = None) -> bool:
        """Delete a result; False when there is none."""
        key = valid.text(gauntlet_id, "gauntlet_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_result(connection, gauntlet_id=key, org_id=organization)
            )

    async def count(self, org_id: str | None = None, verdict: Verdict | None = None) -> int:
        """Return the number of results, with one verdict or with any."""
        organization = valid.optional_text(org_id, "org_id")
        word = _verdict(verdict)
        async with self._database.read() as connection:
            return await self._queries.count_results(connection, org_id=organization, verdict=word)

    async def list_recent(
        self,
        limit: int = 20,
        *,
        org_id: str | None = None,
        verdict: Verdict | None = None,
        min_severity: Severity | None = None,
        after: LastRow | None = None,
    ) -> list[GauntletSummary]:
        """Return a page of the results without their documents, newest first.

        ``min_severity``: those with findings that are as severe, or more.
        """
        organization = valid.optional_text(org_id, "org_id")
        word = _verdict(verdict)
        severity = _severity(min_severity)
        page = newest_page(limit, after, "gauntlet_id")
        async with self._database.read() as connection:
            if organization is not None:
                rows = self._queries.list_org_results(
                    connection, org_id=organization, verdict=word, severity=severity, **page
                )
            elif word is not None:
                rows = self._queries.list_verdict_results(
                    connection, verdict=word, severity=severity, **page
                )
            else:
                rows = self._queries.list_results(connection, severity=severity, **page)
            return [record_of(GauntletSummary, **row) async for row in rows]

    async def get_history(
        self,
        input_hash: str,
        limit: int = 10,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[GauntletSummary]:
        """Return a page of the results of one input without their documents, newest first."""
        hashed = valid.text(input_hash, "input_hash")
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "gauntlet_id")
        async with self._database.read() as connection:
            rows = self._queries.list_history(
                connection, input_hash=hashed, org_id=organization, **page
            )
            return [record_of(GauntletSummary, **row) async for row in rows]

    async def compare(
        self, gauntlet_id_1: str, gauntlet_id_2: str, org_id: str | None = None
    ) -> GauntletComparison | None:
        """Return how two results differ; None when one is not there."""
        valid.text(gauntlet_id_1, "gauntlet_id_1")
        valid.text(gauntlet_id_2, "gauntlet_id_2")
        one = await self.get(gauntlet_id_1, org_id)
        two = await self.get(gauntlet_id_2, org_id)
        if one is None or two is None:
            return None
        return {
            "gauntlet_1": one.gauntlet_id,
            "gauntlet_2": two.gauntlet_id,
            "confidence": one.confidence - two.confidence,
            "robustness": one.robustness_score - two.robustness_score,
            "critical": two.critical_count - one.critical_count,
            "high": two.high_count - one.high_count,
            "medium": two.medium_count - one.medium_count,
            "low": two.low_count - one.low_count,
            "total": two.total_findings - one.total_findings,
            "verdict_changed": one.verdict != two.verdict,
            "verdict_improved": one.verdict == "pass" and two.verdict != "pass",
            "improved": one.critical_count <= two.critical_count
            and one.high_count <= two.high_count
            and one.robustness_score >= two.robustness_score,
        }

    async def get_verdict_statistics(
        self, org_id: str | None = None, since: datetime | None = None
    ) -> dict[str, VerdictStatistics]:
        """Return counts, means and sums of the results with each verdict that occurs.

        ``since`` is an aware time; None for all results.
        """
        organization = valid.optional_text(org_id, "org_id")
        begin = FIRST_TIMESTAMP if since is None else valid.timestamp(since, "since")
        async with self._database.read() as connection:
            rows = self._queries.get_verdict_statistics(
                connection, org_id=organization, since=begin
            )
            return {
                row["verdict"]: {
                    "total": row["total"],
                    "mean_confidence": row["mean_confidence"],
                    "mean_robustness": row["mean_robustness"],
                    "mean_duration_seconds": row["mean_duration_seconds"],
                    "critical_findings": row["critical_findings"],
                    "high_findings": row["high_findings"],
                    "all_findings": row["all_findings"],
                }
                async for row in rows
            }

    # In flight

    async def save_inflight(
        self,
        gauntlet_id: str,
        status: InflightStatus,
        input_type: str | None = None,
        input_summary: str | None = None,
        input_hash: str | None = None,
        persona: str | None = None,
        profile: str | None = None,
        agents: Iterable[str] | None = None,
        org_id: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> bool:
        """Store what is in flight; of what is there already only the status changes.

        False when that has ended, and stays so. Raises
        :class:`~aragora_sql.errors.TenantMismatchError` when it is another organization's, or
        nobody's.
        """
        row: dict[str, Any] = {
            "gauntlet_id": valid.key(gauntlet_id, "gauntlet_id"),
            "status": valid.choice(status, "status", INFLIGHT_STATUSES),
            "input_type": valid.optional_text(input_type, "input_type"),
            "input_summary": valid.optional_text(input_summary, "input_summary"),
            "input_hash": valid.optional_text(input_hash, "input_hash"),
            "persona": valid.optional_text(persona, "persona"),
            "profile": valid.optional_text(profile, "profile"),
            "agents": valid.array(agents, "agents"),
            "config": valid.document(config, "config"),
            "org_id": valid.optional(org_id, "org_id", valid.key),
        }
        async with self._database.connection() as connection:
            if await self._queries.save_inflight(connection, **row):
                return True
            stored = await self._queries.get_inflight(
                connection, gauntlet_id=row["gauntlet_id"], org_id=None
            )
        if stored is not None and row["org_id"] not in {None, stored["org_id"]}:
            raise TenantMismatchError(row["gauntlet_id"], "org_id")
        return False

    async def update_inflight_status(
        self,
        gauntlet_id: str,
        status: InflightStatus,
        current_phase: str | None = None,
        progress_percent: float | None = None,
        error: str | None = None,
        *,
        org_id: str | None = None,
    ) -> bool:
        """Note how something in flight stands; what is None stays.

        ``progress_percent`` is 0 to 100. False when there is none that has not ended.
        """
        row: dict[str, Any] = {
            "gauntlet_id": valid.key(gauntlet_id, "gauntlet_id"),
            "status": valid.choice(status, "status", INFLIGHT_STATUSES),
            "current_phase": valid.optional_text(current_phase, "current_phase"),
            "progress_percent": valid.optional(
                progress_percent, "progress_percent", lambda v, a: valid.number(v, a, most=100)
            ),
            "error": valid.optional_text(error, "error"),
            "org_id": valid.optional_text(org_id, "org_id"),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.update_inflight(connection, **row))

    async def get_inflight(
        self, gauntlet_id: str, org_id: str | None = None
    ) -> InflightGauntlet | None:
        """Return what is in flight, or None."""
        key = valid.text(gauntlet_id, "gauntlet_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_inflight(connection, gauntlet_id=key, org_id=organization)
        return None if row is None else record_of(InflightGauntlet, **row)

    async def list_inflight(
        self,
        status: InflightStatus | None = None,
        org_id: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[InflightGauntlet]:
        """Return a page of what is in flight, newest first, in one status or in any."""
        word = valid.optional(status, "status", lambda v, a: valid.choice(v, a, INFLIGHT_STATUSES))
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "gauntlet_id")
        async with self._database.read() as connection:
            if organization is None:
                rows = self._queries.list_inflight(connection, status=word, **page)
            else:
                rows = self._queries.list_org_inflight(
                    connection, org_id=organization, status=word, **page
                )
            return [record_of(InflightGauntlet, **row) async for row in rows]

    async def list_stale_inflight(
        self,
        max_age_seconds: float = 7200,
        status: InflightStatus | None = None,
        limit: int = 100,
    ) -> list[InflightGauntlet]:
        """Return what was not heard of for so many seconds, the longest first.

        ``status`` None: what is ``pending`` or ``running``. By the clock of the database.
        """
        age = valid.number(max_age_seconds, "max_age_seconds", most=LONGEST_AGE)
        word = valid.optional(status, "status", lambda v, a: valid.choice(v, a, INFLIGHT_STATUSES))
        row_limit = valid.limit(limit)
        found: list[InflightGauntlet] = []
        async with self._database.read() as connection:
            for one in UNDER_WAY if word is None else (word,):
                rows = self._queries.list_stale_inflight(
                    connection, status=one, age_seconds=age, row_limit=row_limit
                )
                found += [record_of(InflightGauntlet, **row) async for row in rows]
        found.sort(key=lambda flight: (flight.updated_at, flight.gauntlet_id))
        return found[:row_limit]

    async def delete_inflight(self, gauntlet_id: str, org_id: str | None = None) -> bool:
        """Delete what is in flight; False when there is nothing of this id."""
        key = valid.text(gauntlet_id, "gauntlet_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_inflight(
                    connection, gauntlet_id=key, org_id=organization
                )
            )

    async def cleanup_completed_inflight(self, max_age_seconds: float = 3600) -> int:
        """Delete what ended (also ``interrupted``) so many seconds ago or earlier; count it."""
        age = valid.number(max_age_seconds, "max_age_seconds", most=LONGEST_AGE)

        async def ended(status: str) -> int:
            async def batch() -> int:
                async with self._database.connection() as connection:
                    return await self._queries.delete_ended_inflight(
                        connection, status=status, age_seconds=age, row_limit=BATCH
                    )

            return await in_batches(batch)

        return sum([await ended(status) for status in ENDED])


def _verdict(value: Any) -> Verdict | None:
    return valid.optional(value, "verdict", lambda v, a: valid.choice(v, a, VERDICTS))


def _severity(value: Any) -> int:
    """Return 1 for critical to 4 for low; 0 for any or none."""
    word = valid.optional(value, "min_severity", lambda v, a: valid.choice(v, a, SEVERITIES))
    return 0 if word is None else SEVERITIES.index(word) + 1
