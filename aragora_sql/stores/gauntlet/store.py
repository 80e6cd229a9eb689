"""Runs of gauntlets and their cases; ``results`` has what they found and what is in flight.

Its queries: ``sql/postgres/gauntlet/queries.sql`` and ``sql/sqlite/gauntlet/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aragora_sql.errors import GauntletRunEndedError, TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.gauntlet.records import (
    CASE_ENDS,
    RUN_STATUSES,
    CaseEnd,
    CaseStatistics,
    GauntletCase,
    GauntletRun,
    QueueAnalytics,
    RunStatus,
    run_parameters,
)
from aragora_sql.stores.gauntlet.results import GauntletResultStore
from aragora_sql.stores.paging import LastRow, key_of, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aragora_sql.queries.typed.gauntlet import GauntletQueries, GauntletRunRow

__all__ = ["GauntletStore"]

Document = dict[str, Any]


class GauntletStore(Store):
    """Keeps runs of gauntlets; ``results`` keeps what they found, and what is in flight.

    Runs are documents: dictionaries with timestamps as ISO-8601 text in UTC. A run that is
    ``completed``, ``failed`` or ``cancelled`` stays so. Lists return pages: ``limit=``, and
    ``after=`` the last one of the page before.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "gauntlet"
    _queries: GauntletQueries

    @cached_property
    def results(self) -> GauntletResultStore:
        """The results, and what is in flight, in the same database."""
        return GauntletResultStore(self._database)

    # Runs

    async def save(self, data: Mapping[str, Any]) -> None:
        """Store a run's document, or replace the one of its ``run_id``.

        ``run_id`` and ``template_id`` are needed; members that are not known are kept. Of a stored
        one the creation stays, and whose it is, and so do the start and the end unless others are
        given. Raises :class:`~aragora_sql.errors.GauntletRunEndedError` when it has ended in
        another status, :class:`~aragora_sql.errors.TenantMismatchError` when an organization stores
        one that belongs to another one, or to none.
        """
        row = run_parameters(data)
        async with self._database.connection() as connection:
            if await self._queries.save_run(connection, **row):
                return
            stored = await self._queries.get_run(connection, run_id=row["run_id"])
        if stored is not None and row["org_id"] not in {None, stored["org_id"]}:
            raise TenantMismatchError(row["run_id"], "data.org_id")
        raise GauntletRunEndedError(row["run_id"])

    async def get(self, run_id: str) -> Document | None:
        """Return a run's document, or None."""
        key = valid.text(run_id, "run_id")
        async with self._database.read() as connection:
            row = await self._queries.get_run(connection, run_id=key)
        return None if row is None else record_of(GauntletRun, **row).to_document()

    async def exists(self, run_id: str) -> bool:
        """Tell whether there is a run of this id."""
        key = valid.text(run_id, "run_id")
        async with self._database.read() as connection:
            return await self._queries.run_exists(connection, run_id=key)

    async def delete(self, run_id: str) -> bool:
        """Delete a run with its cases; False when there is none of this id."""
        key = valid.text(run_id, "run_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_run(connection, run_id=key))

    async def count(self) -> int:
        """Return the number of runs."""
        async with self._database.read() as connection:
            return await self._queries.count_runs(connection)

    async def update_status(
        self, run_id: str, status: RunStatus, result_data: Mapping[str, Any] | None = None
    ) -> bool:
        """Let a run go to a status; False when there is none of this id, or it has ended.

        It starts when it first runs, and ends when it is ``completed``, ``failed`` or
        ``cancelled``, by the clock of the database; one that ends without running has no start.
        It is one statement: of two ends at once one counts.
        """
        key = valid.key(run_id, "run_id")
        word = valid.choice(status, "status", RUN_STATUSES)
        data = valid.optional(result_data, "result_data", valid.document)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.update_run_status(
                    connection, run_id=key, status=word, result_data=data
                )
            )

    async def list_all(self, limit: int = 1000, *, after: LastRow | None = None) -> list[Document]:
        """Return a page of the runs, newest first."""
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(self._queries.list_runs(connection, **page))

    async def list_by_status(
        self, status: RunStatus, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the runs in a status, newest first."""
        word = valid.choice(status, "status", RUN_STATUSES)
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_runs_in_status(connection, status=word, **page)
            )

    async def list_by_template(
        self, template_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the runs by a template, newest first."""
        template = valid.text(template_id, "template_id")
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_runs_of_template(connection, template_id=template, **page)
            )

    async def list_by_workspace(
        self, workspace_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the runs of a workspace, newest first."""
        workspace = valid.text(workspace_id, "workspace_id")
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_runs_of_workspace(connection, workspace_id=workspace, **page)
            )

    async def list_by_org(
        self, org_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the runs of an organization, newest first."""
        organization = valid.text(org_id, "org_id")
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(
                self._queries.list_runs_of_org(connection, org_id=organization, **page)
            )

    async def list_active(
        self, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[Document]:
        """Return a page of the runs that have not ended, newest first."""
        page = newest_page(limit, after, "run_id")
        async with self._database.read() as connection:
            return await _documents(self._queries.list_active_runs(connection, **page))

    async def get_queue_analytics(self, limit: int = 1000) -> QueueAnalytics:
        """Return how many runs wait and run, and the queue: those that run first, then the oldest.

        ``limit`` is how many of the queue come at most; the counts are of all.
        """
        row_limit = valid.integer(limit, "limit", least=1)
        async with self._database.read() as connection:
            rows = [row async for row in self._queries.list_queue(connection, row_limit=row_limit)]
        pending = rows[0]["pending_count"] if rows else 0
        running = rows[0]["running_count"] if rows else 0
        return {
            "total_active": pending + running,
            "pending_count": pending,
            "running_count": running,
            "queue": [
                {
                    "run_id": row["run_id"],
                    "template_id": row["template_id"],
                    "status": row["status"],
                    "created_at": row["created_at"],
                    "position_in_status": row["position_in_status"],
                }
                for row in rows
            ],
        }

    # Cases

    async def save_case(
        self,
        run_id: str,
        case_id: str,
        name: str,
        input_text: str = "",
        expected_output: str | None = None,
    ) -> bool:
        """Store a case of a run, or replace one; False when that has ended, and stays as it is.

        Raises :class:`~aragora_sql.errors.MissingParentError` when there is no such run.
        """
        row: dict[str, Any] = {
            "run_id": valid.key(run_id, "run_id"),
            "case_id": valid.key(case_id, "case_id"),
            "name": valid.identifier(name, "name"),
            "input": valid.text(input_text, "input_text"),
            "expected_output": valid.optional_text(expected_output, "expected_output"),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.save_case(connection, **row))

    async def start_case(self, run_id: str, case_id: str) -> bool:
        """Let a case run; False when there is none that waits."""
        run, case = valid.text(run_id, "run_id"), valid.text(case_id, "case_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.start_case(connection, run_id=run, case_id=case))

    async def finish_case(
        self,
        run_id: str,
        case_id: str,
        status: CaseEnd,
        actual_output: str | None = None,
        score: float | None = None,
        duration_ms: float | None = None,
    ) -> bool:
        """End a case with ``passed``, ``failed``, ``error`` or ``skipped``.

        ``score`` is 0 to 1, ``duration_ms`` in milliseconds. False when there is none that has not
        ended: of two ends at once one counts.
        """
        row: dict[str, Any] = {
            "run_id": valid.text(run_id, "run_id"),
            "case_id": valid.text(case_id, "case_id"),
            "status": valid.choice(status, "status", CASE_ENDS),
            "actual_output": valid.optional_text(actual_output, "actual_output"),
            "score": valid.optional(score, "score", valid.fraction),
            "duration_ms": valid.optional(
                duration_ms, "duration_ms", lambda v, a: valid.number(v, a, most=1e300)
            ),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.finish_case(connection, **row))

    async def list_cases(
        self, run_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[GauntletCase]:
        """Return a page of the cases of a run, in the order of their identifiers."""
        run, row_limit = valid.text(run_id, "run_id"), valid.limit(limit)
        (last,) = key_of(after, {"case_id": valid.text}, ("",))
        async with self._database.read() as connection:
            rows = self._queries.list_cases(
                connection, run_id=run, after_id=last, row_limit=row_limit
            )
            return [record_of(GauntletCase, **row) async for row in rows]

    async def get_case_statistics(self, run_id: str) -> dict[str, CaseStatistics]:
        """Return how many cases of a run are in each status that occurs, with their mean score."""
        run = valid.text(run_id, "run_id")
        async with self._database.read() as connection:
            rows = self._queries.count_cases(connection, run_id=run)
            return {
                row["status"]: {"total": row["total"], "mean_score": row["mean_score"]}
                async for row in rows
            }


async def _documents(rows: AsyncIterator[GauntletRunRow]) -> list[Document]:
    return [record_of(GauntletRun, **row).to_document() async for row in rows]
