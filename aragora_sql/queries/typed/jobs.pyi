"""The types of the queries of the store jobs.

Made by ``aragora-sql stubs`` from
``sql/postgres/jobs/queries.sql`` and ``sql/sqlite/jobs/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

StatusWord = Literal[
    "pending",
    "scheduled",
    "retrying",
    "processing",
    "completed",
    "failed",
    "cancelled",
]

class StoredJobRow(TypedDict):
    """A row of enqueue_job, enqueue_group, find_job_of_key, retry_job, update_job, get_job,
    list_jobs, list_jobs_of_status."""

    id: str
    number: int
    job_type: str
    payload_text: str
    status: StatusWord
    priority: int
    attempts: int
    max_attempts: int
    claim_count: int
    worker_id: str | None
    unique_key: str | None
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result_text: str | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    time_limit_seconds: float | None
    unique_while_running: bool
    cancel_requested_at: datetime | None
    trace_parent: str | None

class ListIdsRow(TypedDict):
    """A row of list_ids, retry_jobs."""

    id: str

class ListActiveKeysRow(TypedDict):
    """A row of list_active_keys."""

    unique_key: str
    id: str

class ClaimJobsRow(TypedDict):
    """A row of claim_jobs, claim_jobs_of_type."""

    id: str
    number: int
    job_type: str
    payload_text: str
    priority: int
    attempts: int
    max_attempts: int
    time_limit_seconds: float | None
    claim_count: int
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result_text: str | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    trace_parent: str | None

class AdvanceStartRow(TypedDict):
    """A row of advance_start."""

    id: int | None

class LookForJobsRow(TypedDict):
    """A row of look_for_jobs."""

    ready: bool
    blocked: bool
    due_in_seconds: float | None

class CompleteJobsRow(TypedDict):
    """A row of complete_jobs, fail_jobs, list_stored_outcomes, release_jobs, recover_jobs."""

    id: str
    status: StatusWord

class CompleteAndClaimJobsOfTypeRow(TypedDict):
    """A row of complete_and_claim_jobs_of_type, complete_and_claim_jobs."""

    id: str
    number: int
    job_type: str
    status: StatusWord
    payload_text: str | None
    priority: int | None
    attempts: int | None
    max_attempts: int | None
    time_limit_seconds: float | None
    claim_count: int | None
    unique_key: str | None
    unique_while_running: bool | None
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result_text: str | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    trace_parent: str | None

class ExtendLeasesRow(TypedDict):
    """A row of extend_leases."""

    id: str
    lease_expires_at: datetime

class CancelJobRow(TypedDict):
    """A row of cancel_job."""

    status: StatusWord

class ListCancelRequestsRow(TypedDict):
    """A row of list_cancel_requests."""

    id: str
    claim_count: int

class ListFinishedIdsRow(TypedDict):
    """A row of list_finished_ids."""

    id: str
    number: int
    completed_at: datetime

class JobCountRow(TypedDict):
    """A row of count_jobs."""

    job_type: str
    status: StatusWord
    total: int
    created_at: datetime

class JobLoadRow(TypedDict):
    """A row of count_unfinished_jobs."""

    job_type: str
    status: StatusWord
    total: int
    oldest_seconds: float
    expired: int

class ArchiveJobsRow(TypedDict):
    """A row of archive_jobs."""

    number: int

class GetArchivedJobRow(TypedDict):
    """A row of get_archived_job, list_history."""

    id: str
    number: int
    job_type: str
    payload_text: str
    status: StatusWord
    priority: int
    attempts: int
    max_attempts: int
    claim_count: int
    worker_id: str | None
    unique_key: str | None
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result_text: str | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    started_at: datetime | None
    completed_at: datetime
    created_at: datetime
    updated_at: datetime
    time_limit_seconds: float | None
    unique_while_running: bool
    cancel_requested_at: datetime | None
    trace_parent: str | None

class JobLimitRow(TypedDict):
    """A row of list_limits."""

    job_type: str
    max_running: int | None
    running: int
    updated_at: datetime
    paused: bool

class StoredJobScheduleRow(TypedDict):
    """A row of set_schedule, list_schedules."""

    name: str
    cron: str
    time_zone: str
    enabled: bool
    job_type: str
    payload_text: str
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    next_run_at: datetime
    last_run_at: datetime | None
    created_at: datetime
    updated_at: datetime

class SetScheduleParameters(TypedDict):
    """One set of parameters of set_schedule."""

    name: str
    cron: str
    time_zone: str
    enabled: bool
    job_type: str
    payload: Any
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    next_run_at: datetime

class ListDueSchedulesRow(TypedDict):
    """A row of list_due_schedules."""

    name: str
    cron: str
    time_zone: str
    next_run_at: datetime
    clock: datetime

class AdvanceScheduleRow(TypedDict):
    """A row of advance_schedule."""

    job_type: str
    payload_text: str
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None

class JobsQueries(Protocol):
    """The queries of the store jobs."""

    async def enqueue_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        job_type: str,
        payload: Any,
        priority: int,
        max_attempts: int,
        time_limit_seconds: float | None,
        scheduled_at: datetime | None,
        delay_seconds: float | None,
        unique_key: str | None,
        unique_while_running: bool,
        user_id: str | None,
        workspace_id: str | None,
        trace_parent: str | None,
        notify: bool,
    ) -> StoredJobRow | None:
        """Store a job, unless another one keeps its unique key out; wake those who wait for jobs.

        Operation ^: the first row, or None.
        """

    async def enqueue_jobs(self, connection: Connection, /, *, jobs: Any, notify: bool) -> int:
        """Store many jobs, each a list of the values that enqueue_job takes; those that another
        job of their key keeps out are left out.

        Operation !: the number of rows changed.
        """

    def enqueue_group(
        self,
        connection: Connection,
        /,
        *,
        jobs: Any,
        notify: bool,
    ) -> AsyncIterator[StoredJobRow]:
        """Store many jobs as enqueue_jobs does, and return them.

        Operation (none): every row.
        """

    async def enqueue_plain_jobs(
        self,
        connection: Connection,
        /,
        *,
        jobs: Any,
        job_types: Sequence[str] | None,
        notify: bool,
    ) -> int:
        """Store many jobs given as lists of id, type and payload; job_types are those whose
        workers are told.

        Operation !: the number of rows changed.
        """

    def list_ids(
        self,
        connection: Connection,
        /,
        *,
        ids: Sequence[str],
    ) -> AsyncIterator[ListIdsRow]:
        """List which of some jobs exist.

        Operation (none): every row.
        """

    def list_active_keys(
        self,
        connection: Connection,
        /,
        *,
        unique_keys: Sequence[str],
    ) -> AsyncIterator[ListActiveKeysRow]:
        """List the jobs that keep others of some unique keys out.

        Operation (none): every row.
        """

    async def find_job_of_key(
        self,
        connection: Connection,
        /,
        *,
        unique_key: str,
    ) -> StoredJobRow | None:
        """Return the job that keeps others of its unique key out.

        Operation ^: the first row, or None.
        """

    def claim_jobs(
        self,
        connection: Connection,
        /,
        *,
        worker_id: str | None,
        job_types: Sequence[str] | None,
        row_limit: int,
        lease_seconds: float,
        durable: bool,
    ) -> AsyncIterator[ClaimJobsRow]:
        """Claim pending jobs of some types (NULL: all): by priority, then in the order of their
        enqueueing.

        Operation (none): every row.
        """

    def claim_jobs_of_type(
        self,
        connection: Connection,
        /,
        *,
        worker_id: str | None,
        job_type: str,
        row_limit: int,
        lease_seconds: float,
        durable: bool,
    ) -> AsyncIterator[ClaimJobsRow]:
        """Claim pending jobs of one type: by priority, then in the order of their enqueueing.

        Operation (none): every row.
        """

    def advance_start(
        self,
        connection: Connection,
        /,
        *,
        job_type: str,
        priority: int,
        number: int | None,
    ) -> AsyncIterator[AdvanceStartRow]:
        """Go one step towards letting claims of a type and priority start at a number that was
        claimed; no row: not now.

        The steps are commits of their own. The number is proposed; then those who may have taken
        a lower
        one, or give a job back without having seen the proposal, are noted: they hold the lock of
        writers
        of the table. When none of them is left, what they did is visible, and whoever comes later
        has
        seen the proposal (job_queue_return). So no job below the new start is pending, or becomes
        so
        without a row of its own.

        Operation (none): every row.
        """

    async def mend_starts(self, connection: Connection, /) -> int:
        """Take away the starts above pending jobs that were put there by hand.

        Operation !: the number of rows changed.
        """

    async def promote_jobs(self, connection: Connection, /, *, row_limit: int) -> int:
        """Make jobs pending whose time has come.

        Operation !: the number of rows changed.
        """

    async def look_for_jobs(
        self,
        connection: Connection,
        /,
        *,
        job_types: Sequence[str] | None,
    ) -> LookForJobsRow:
        """Tell whether a job of these types can be claimed, whether a limit keeps one back, and
        when the next

        waiting one of any type is due.

        Operation ^: the first row, or None.
        """

    def complete_jobs(
        self,
        connection: Connection,
        /,
        *,
        claims: Any,
    ) -> AsyncIterator[CompleteJobsRow]:
        """Finish claimed jobs as completed: each a list of id, worker, claim count and result.

        Operation (none): every row.
        """

    def complete_and_claim_jobs_of_type(
        self,
        connection: Connection,
        /,
        *,
        claims: Any,
        worker_id: str | None,
        job_type: str,
        row_limit: int,
        lease_seconds: float,
    ) -> AsyncIterator[CompleteAndClaimJobsOfTypeRow]:
        """Finish claimed jobs as complete_jobs does, and claim pending ones of one type, in one
        commit.

        Of those that have ended the id, number, type, status and times are given; the places they
        leave can be taken.

        Operation (none): every row.
        """

    def complete_and_claim_jobs(
        self,
        connection: Connection,
        /,
        *,
        claims: Any,
        worker_id: str | None,
        job_types: Sequence[str],
        row_limit: int,
        lease_seconds: float,
    ) -> AsyncIterator[CompleteAndClaimJobsOfTypeRow]:
        """Finish claimed jobs as complete_jobs does, and claim pending ones of some types, in one
        commit.

        Of those that have ended the id, number, type, status and times are given; the places they
        leave can be taken.

        Operation (none): every row.
        """

    def fail_jobs(
        self,
        connection: Connection,
        /,
        *,
        outcomes: Any,
        base_seconds: float,
        max_seconds: float,
        jitter: float,
    ) -> AsyncIterator[CompleteJobsRow]:
        """Finish attempts that failed: each a list of id, worker, claim count, 'retry',
        'postponed', 'failed' or 'cancelled', error, delay.

        An attempt that is postponed does not count.

        Operation (none): every row.
        """

    def list_stored_outcomes(
        self,
        connection: Connection,
        /,
        *,
        outcomes: Any,
    ) -> AsyncIterator[CompleteJobsRow]:
        """List which outcomes are stored already: each a list of id, worker, claim count, outcome,
        error, result.

        Operation (none): every row.
        """

    def extend_leases(
        self,
        connection: Connection,
        /,
        *,
        claims: Any,
        lease_seconds: float,
    ) -> AsyncIterator[ExtendLeasesRow]:
        """Give claims, each a list of id, worker and claim count, a new lease from now on.

        Operation (none): every row.
        """

    def release_jobs(
        self,
        connection: Connection,
        /,
        *,
        claims: Any,
    ) -> AsyncIterator[CompleteJobsRow]:
        """Give claimed jobs back that were not worked on: the attempt does not count.

        Operation (none): every row.
        """

    def recover_jobs(
        self,
        connection: Connection,
        /,
        *,
        job_types: Sequence[str] | None,
        grace_seconds: float,
        row_limit: int,
    ) -> AsyncIterator[CompleteJobsRow]:
        """Take jobs away from workers whose lease ran out: pending again, or failed after the last
        attempt.

        Operation (none): every row.
        """

    async def cancel_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        running: bool,
    ) -> CancelJobRow | None:
        """Cancel a job that waits; of one that is processed ask its worker to stop it, when
        running is true.

        Operation ^: the first row, or None.
        """

    def list_cancel_requests(
        self,
        connection: Connection,
        /,
        *,
        ids: Sequence[str],
    ) -> AsyncIterator[ListCancelRequestsRow]:
        """List which of some claimed jobs are to be stopped.

        Operation (none): every row.
        """

    async def retry_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        notify: bool,
    ) -> StoredJobRow | None:
        """Make a finished job pending again, from its first attempt on.

        Operation ^: the first row, or None.
        """

    def list_finished_ids(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord,
        job_type: str | None,
        after_time: datetime,
        after_number: int,
        row_limit: int,
    ) -> AsyncIterator[ListFinishedIdsRow]:
        """List the ids of jobs that were finished with a status, the earliest first, a page after
        the other.

        Operation (none): every row.
        """

    def retry_jobs(
        self,
        connection: Connection,
        /,
        *,
        ids: Sequence[str],
        notify: bool,
    ) -> AsyncIterator[ListIdsRow]:
        """Make finished jobs pending again, from their first attempt on; leave out those whose key
        another keeps.

        Operation (none): every row.
        """

    async def update_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        priority: int | None,
        max_attempts: int | None,
        payload: Any,
        scheduled_at: datetime | None,
        notify: bool,
    ) -> StoredJobRow | None:
        """Change what is not NULL of a job that waits.

        Operation ^: the first row, or None.
        """

    async def get_job(self, connection: Connection, /, *, id: str) -> StoredJobRow | None:
        """Return one job.

        Operation ^: the first row, or None.
        """

    def list_jobs(
        self,
        connection: Connection,
        /,
        *,
        job_type: str | None,
        before_number: int | None,
        row_limit: int,
        documents: bool,
    ) -> AsyncIterator[StoredJobRow]:
        """List jobs, newest first, one page after the other.

        Without documents payload_text is empty, and neither they nor results are read.

        Operation (none): every row.
        """

    def list_jobs_of_status(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord,
        job_type: str | None,
        before_number: int | None,
        row_limit: int,
        documents: bool,
    ) -> AsyncIterator[StoredJobRow]:
        """List jobs of one status, newest first: all of a rare one are looked at, of others the
        newest.

        Without documents payload_text is empty, and neither they nor results are read.

        Operation (none): every row.
        """

    def count_jobs(self, connection: Connection, /) -> AsyncIterator[JobCountRow]:
        """Count jobs by type and status, with the creation of the oldest.

        Operation (none): every row.
        """

    def count_unfinished_jobs(self, connection: Connection, /) -> AsyncIterator[JobLoadRow]:
        """Count the jobs that wait or run by type and status, with the seconds since the oldest
        could first

        be claimed (0 where none could yet), and how many leases have run out.

        Operation (none): every row.
        """

    async def purge_jobs(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete jobs that were finished so long ago.

        Operation !: the number of rows changed.
        """

    def archive_jobs(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord,
        age_seconds: float,
        row_limit: int,
    ) -> AsyncIterator[ArchiveJobsRow]:
        """Copy jobs that were finished so long ago into the history, and tell which.

        Operation (none): every row.
        """

    async def delete_archived_jobs(
        self,
        connection: Connection,
        /,
        *,
        numbers: Sequence[int],
    ) -> int:
        """Delete jobs that were copied into the history in the same transaction.

        Operation !: the number of rows changed.
        """

    async def get_archived_job(
        self,
        connection: Connection,
        /,
        *,
        id: str,
    ) -> GetArchivedJobRow | None:
        """Return one job of the history; of an id that was given again the one that ended last.

        Operation ^: the first row, or None.
        """

    def list_history(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord | None,
        job_type: str | None,
        before_time: datetime,
        before_id: str,
        row_limit: int,
        documents: bool,
    ) -> AsyncIterator[GetArchivedJobRow]:
        """List jobs of the history, those that ended last first, from a place on.

        Without documents payload_text is empty, and neither they nor results are read.

        Operation (none): every row.
        """

    async def purge_history(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete jobs of the history that were finished so long ago, the earliest first.

        Operation !: the number of rows changed.
        """

    async def lock_limits(self, connection: Connection, /) -> None:
        """Keep out whoever claims or finishes jobs until the transaction ends, so that the
        counters can be set.

        Operation #: nothing: a script.
        """

    async def set_limit(self, connection: Connection, /, *, job_type: str, max_running: int) -> int:
        """Limit how many jobs of a type are processed at once.

        Operation !: the number of rows changed.
        """

    async def delete_limit(self, connection: Connection, /, *, job_type: str) -> int:
        """Take the limit of a type away; a type that is paused keeps its row, with the largest
        number.

        Operation !: the number of rows changed.
        """

    async def pause_type(self, connection: Connection, /, *, job_type: str) -> int:
        """Let no job of a type be claimed until it is resumed.

        Operation !: the number of rows changed.
        """

    async def resume_type(self, connection: Connection, /, *, job_type: str) -> int:
        """Let jobs of a paused type be claimed again.

        Operation !: the number of rows changed.
        """

    async def delete_unlimited(self, connection: Connection, /, *, job_type: str) -> int:
        """Delete the row of a type that has no limit and is not paused.

        Operation !: the number of rows changed.
        """

    def list_limits(self, connection: Connection, /) -> AsyncIterator[JobLimitRow]:
        """List the limits by type; a paused type may have none (NULL).

        Operation (none): every row.
        """

    async def find_wrong_limits(self, connection: Connection, /) -> bool:
        """Tell whether a counter differs from the jobs that are processed.

        Operation $: the first value of the first row, or None.
        """

    async def recount_limits(self, connection: Connection, /) -> int:
        """Set the counters to the number of jobs that are processed.

        Operation !: the number of rows changed.
        """

    async def set_schedule(
        self,
        connection: Connection,
        /,
        *,
        name: str,
        cron: str,
        time_zone: str,
        enabled: bool,
        job_type: str,
        payload: Any,
        priority: int,
        max_attempts: int,
        time_limit_seconds: float | None,
        unique_key: str | None,
        unique_while_running: bool,
        user_id: str | None,
        workspace_id: str | None,
        next_run_at: datetime,
    ) -> StoredJobScheduleRow:
        """Store a schedule, or change it; its next run stays, unless the times of its runs change.

        Operation ^: the first row, or None.
        """

    def list_schedules(self, connection: Connection, /) -> AsyncIterator[StoredJobScheduleRow]:
        """List the schedules by name.

        Operation (none): every row.
        """

    async def delete_schedule(self, connection: Connection, /, *, name: str) -> int:
        """Delete a schedule; the jobs that it has enqueued stay.

        Operation !: the number of rows changed.
        """

    def list_due_schedules(self, connection: Connection, /) -> AsyncIterator[ListDueSchedulesRow]:
        """List the schedules whose run is due, with the clock of the database.

        Operation (none): every row.
        """

    async def find_next_schedule(self, connection: Connection, /) -> float | None:
        """Tell in how many seconds the next run of a schedule is due; NULL: there is none.

        Operation $: the first value of the first row, or None.
        """

    async def advance_schedule(
        self,
        connection: Connection,
        /,
        *,
        name: str,
        run_at: datetime | None,
        next_run_at: datetime,
    ) -> AdvanceScheduleRow | None:
        """Take the run of a schedule that is due, and return what to enqueue; nothing when another
        took it.

        Operation ^: the first row, or None.
        """

    async def find_notify_queue_usage(self, connection: Connection, /) -> float | None:
        """Tell how full the server's queue of NOTIFY messages is, from 0 to 1; NULL where there is
        none.

        Operation $: the first value of the first row, or None.
        """
