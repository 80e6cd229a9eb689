"""The types of the queries of the store gauntlet.

Made by ``aragora-sql stubs`` from
``sql/postgres/gauntlet/queries.sql`` and ``sql/sqlite/gauntlet/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

VerdictWord = Literal[
    "pass",
    "approved",
    "conditional",
    "approved_with_conditions",
    "needs_review",
    "fail",
    "rejected",
    "unknown",
]

class SaveRunParameters(TypedDict):
    """One set of parameters of save_run."""

    run_id: str
    template_id: str
    status: str
    config_data: Any
    result_data: Any
    started_at: datetime | None
    completed_at: datetime | None
    triggered_by: str | None
    workspace_id: str | None
    org_id: str | None
    tags: Any
    extra: Any
    created_at: datetime | None

class GauntletRunRow(TypedDict):
    """A row of get_run, list_runs, list_runs_in_status, list_runs_of_template,
    list_runs_of_workspace, list_runs_of_org, list_active_runs."""

    run_id: str
    template_id: str
    status: str
    config_data: Any
    result_data: Any
    started_at: datetime | None
    completed_at: datetime | None
    triggered_by: str | None
    workspace_id: str | None
    org_id: str | None
    tags: Any
    extra: Any
    created_at: datetime
    updated_at: datetime

class ListQueueRow(TypedDict):
    """A row of list_queue."""

    run_id: str
    template_id: str
    status: str
    created_at: datetime
    position_in_status: int
    pending_count: int
    running_count: int

class SaveCaseParameters(TypedDict):
    """One set of parameters of save_case."""

    run_id: str
    case_id: str
    name: str
    input: str
    expected_output: str | None

class GauntletCaseRow(TypedDict):
    """A row of list_cases."""

    run_id: str
    case_id: str
    name: str
    input: str
    expected_output: str | None
    actual_output: str | None
    status: str
    score: float | None
    duration_ms: float | None
    created_at: datetime
    finished_at: datetime | None

class CountCasesRow(TypedDict):
    """A row of count_cases."""

    status: str
    total: int
    mean_score: float | None

class SaveResultParameters(TypedDict):
    """One set of parameters of save_result."""

    gauntlet_id: str
    input_hash: str
    input_summary: str
    result: Any
    verdict: VerdictWord
    confidence: float
    robustness_score: float
    critical_count: int
    high_count: int
    medium_count: int
    low_count: int
    total_findings: int
    agents_used: Any
    template_used: str | None
    duration_seconds: float
    org_id: str | None
    content_hash: str
    created_at: datetime | None

class GauntletResultRow(TypedDict):
    """A row of get_result."""

    gauntlet_id: str
    input_hash: str
    input_summary: str
    result: Any
    verdict: VerdictWord
    confidence: float
    robustness_score: float
    critical_count: int
    high_count: int
    medium_count: int
    low_count: int
    total_findings: int
    agents_used: Any
    template_used: str | None
    duration_seconds: float
    org_id: str | None
    content_hash: str
    created_at: datetime

class GauntletSummaryRow(TypedDict):
    """A row of list_results, list_verdict_results, list_org_results, list_history."""

    gauntlet_id: str
    input_hash: str
    input_summary: str
    verdict: VerdictWord
    confidence: float
    robustness_score: float
    critical_count: int
    high_count: int
    medium_count: int
    low_count: int
    total_findings: int
    agents_used: Any
    template_used: str | None
    duration_seconds: float
    org_id: str | None
    created_at: datetime

class GetVerdictStatisticsRow(TypedDict):
    """A row of get_verdict_statistics."""

    verdict: VerdictWord
    total: int
    mean_confidence: float
    mean_robustness: float
    mean_duration_seconds: float
    critical_findings: int
    high_findings: int
    all_findings: int

class SaveInflightParameters(TypedDict):
    """One set of parameters of save_inflight."""

    gauntlet_id: str
    status: str
    input_type: str | None
    input_summary: str | None
    input_hash: str | None
    persona: str | None
    profile: str | None
    agents: Any
    config: Any
    org_id: str | None

class InflightGauntletRow(TypedDict):
    """A row of get_inflight, list_inflight, list_org_inflight, list_stale_inflight."""

    gauntlet_id: str
    status: str
    input_type: str | None
    input_summary: str | None
    input_hash: str | None
    persona: str | None
    profile: str | None
    agents: Any
    config: Any
    current_phase: str | None
    progress_percent: float
    error: str | None
    org_id: str | None
    created_at: datetime
    updated_at: datetime

class GauntletQueries(Protocol):
    """The queries of the store gauntlet."""

    async def save_run(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
        template_id: str,
        status: str,
        config_data: Any,
        result_data: Any,
        started_at: datetime | None,
        completed_at: datetime | None,
        triggered_by: str | None,
        workspace_id: str | None,
        org_id: str | None,
        tags: Any,
        extra: Any,
        created_at: datetime | None,
    ) -> int:
        """Store a run, or replace one, unless it has ended otherwise, or an organization stores
        one that is not

        its own. When it was made, and whose it is, stays, and when it started and ended unless
        others are
        given.

        Operation !: the number of rows changed.
        """

    async def update_run_status(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
        status: str,
        result_data: Any,
    ) -> int:
        """Let a run that has not ended go to a status: it starts once, and ends once.

        Operation !: the number of rows changed.
        """

    async def get_run(self, connection: Connection, /, *, run_id: str) -> GauntletRunRow | None:
        """Return one run.

        Operation ^: the first row, or None.
        """

    async def run_exists(self, connection: Connection, /, *, run_id: str) -> bool:
        """Tell whether there is a run.

        Operation $: the first value of the first row, or None.
        """

    async def delete_run(self, connection: Connection, /, *, run_id: str) -> int:
        """Delete a run with its cases.

        Operation !: the number of rows changed.
        """

    async def count_runs(self, connection: Connection, /) -> int:
        """Count all runs.

        Operation $: the first value of the first row, or None.
        """

    def list_runs(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs, newest first, from a place on.

        Operation (none): every row.
        """

    def list_runs_in_status(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs in a status, newest first, from a place on.

        Operation (none): every row.
        """

    def list_runs_of_template(
        self,
        connection: Connection,
        /,
        *,
        template_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs by a template, newest first, from a place on.

        Operation (none): every row.
        """

    def list_runs_of_workspace(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs of a workspace, newest first, from a place on.

        Operation (none): every row.
        """

    def list_runs_of_org(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs of an organization, newest first, from a place on.

        Operation (none): every row.
        """

    def list_active_runs(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletRunRow]:
        """List runs that have not ended, newest first, from a place on.

        Operation (none): every row.
        """

    def list_queue(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[ListQueueRow]:
        """List the runs that have not ended, those that run first, then the oldest, each with its
        place among

        those of its status and the counts of all.

        Operation (none): every row.
        """

    async def save_case(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
        case_id: str,
        name: str,
        input: str,
        expected_output: str | None,
    ) -> int:
        """Store a case of a run, or replace one that has not ended.

        Operation !: the number of rows changed.
        """

    async def start_case(self, connection: Connection, /, *, run_id: str, case_id: str) -> int:
        """Let a case that waits run.

        Operation !: the number of rows changed.
        """

    async def finish_case(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
        case_id: str,
        status: str,
        actual_output: str | None,
        score: float | None,
        duration_ms: float | None,
    ) -> int:
        """End a case that has not ended.

        Operation !: the number of rows changed.
        """

    def list_cases(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletCaseRow]:
        """List the cases of a run in the order of their identifiers, from a place on.

        Operation (none): every row.
        """

    def count_cases(
        self,
        connection: Connection,
        /,
        *,
        run_id: str,
    ) -> AsyncIterator[CountCasesRow]:
        """Count the cases of a run by status, with their mean score.

        Operation (none): every row.
        """

    async def save_result(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        input_hash: str,
        input_summary: str,
        result: Any,
        verdict: VerdictWord,
        confidence: float,
        robustness_score: float,
        critical_count: int,
        high_count: int,
        medium_count: int,
        low_count: int,
        total_findings: int,
        agents_used: Any,
        template_used: str | None,
        duration_seconds: float,
        org_id: str | None,
        content_hash: str,
        created_at: datetime | None,
    ) -> int:
        """Store a result, or replace one, unless an organization stores one that is not its own.
        When it was

        made, and whose it is, stays.

        Operation !: the number of rows changed.
        """

    async def get_result(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        org_id: str | None,
    ) -> GauntletResultRow | None:
        """Return a result, of one organization or of any.

        Operation ^: the first row, or None.
        """

    async def delete_result(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        org_id: str | None,
    ) -> int:
        """Delete a result, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def count_results(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
        verdict: VerdictWord | None,
    ) -> int:
        """Count results, of one organization or of all, with one verdict or with any.

        Operation $: the first value of the first row, or None.
        """

    def list_results(
        self,
        connection: Connection,
        /,
        *,
        severity: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletSummaryRow]:
        """List results, newest first, from a place on, with findings of a severity (1 critical to
        4 low)

        or a worse one, or (0) all.

        Operation (none): every row.
        """

    def list_verdict_results(
        self,
        connection: Connection,
        /,
        *,
        verdict: VerdictWord,
        severity: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletSummaryRow]:
        """List results with a verdict, newest first, from a place on, with findings of a severity
        or a

        worse one, or all.

        Operation (none): every row.
        """

    def list_org_results(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        verdict: VerdictWord | None,
        severity: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletSummaryRow]:
        """List results of an organization, newest first, from a place on, with one verdict or with
        any, and

        findings of a severity or a worse one, or all.

        Operation (none): every row.
        """

    def list_history(
        self,
        connection: Connection,
        /,
        *,
        input_hash: str,
        org_id: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[GauntletSummaryRow]:
        """List results of an input, newest first, from a place on, of one organization or of all.

        Operation (none): every row.
        """

    def get_verdict_statistics(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
        since: datetime,
    ) -> AsyncIterator[GetVerdictStatisticsRow]:
        """Count results by verdict since a time, of one organization or of all, with means and
        sums.

        Operation (none): every row.
        """

    async def save_inflight(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        status: str,
        input_type: str | None,
        input_summary: str | None,
        input_hash: str | None,
        persona: str | None,
        profile: str | None,
        agents: Any,
        config: Any,
        org_id: str | None,
    ) -> int:
        """Store what is in flight; of what is there only the status changes, and not once it has
        ended, nor when

        an organization stores what is not its own.

        Operation !: the number of rows changed.
        """

    async def update_inflight(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        status: str,
        current_phase: str | None,
        progress_percent: float | None,
        error: str | None,
        org_id: str | None,
    ) -> int:
        """Note how something in flight stands that has not ended; what is NULL stays; of one

        organization or of any.

        Operation !: the number of rows changed.
        """

    async def get_inflight(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        org_id: str | None,
    ) -> InflightGauntletRow | None:
        """Return what is in flight, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_inflight(
        self,
        connection: Connection,
        /,
        *,
        status: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InflightGauntletRow]:
        """List what is in flight, newest first, from a place on, in one status or in any.

        Operation (none): every row.
        """

    def list_org_inflight(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        status: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InflightGauntletRow]:
        """List what an organization has in flight, newest first, from a place on, in one status or
        in any.

        Operation (none): every row.
        """

    def list_stale_inflight(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        age_seconds: float,
        row_limit: int,
    ) -> AsyncIterator[InflightGauntletRow]:
        """List what is in flight in a status and was not heard of for so many seconds, the longest
        first.

        Operation (none): every row.
        """

    async def delete_inflight(
        self,
        connection: Connection,
        /,
        *,
        gauntlet_id: str,
        org_id: str | None,
    ) -> int:
        """Delete what is in flight, of one organization or of any.

        Operation !: the number of rows changed.
        """

    async def end_inflight(self, connection: Connection, /, *, gauntlet_id: str) -> str | None:
        """Delete what is in flight, and return whose it was.

        Operation $: the first value of the first row, or None.
        """

    async def delete_ended_inflight(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete some of what ended in a status so many seconds ago or earlier.

        Operation !: the number of rows changed.
        """
