"""Job queue: leases, retries, schedules and limits, and the worker that works on it."""

from aragora_sql.stores.jobs.handlers import (
    Handler,
    PermanentJobError,
    PostponeJobError,
    RetryJobError,
    StopReason,
    stop_reason,
)
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import (
    FINISHED,
    WAITING,
    FinishedWord,
    Job,
    JobCount,
    JobEntry,
    JobLimit,
    JobLoad,
    JobSchedule,
    JobStatus,
    JobStatusWord,
    NewJob,
    RetryPolicy,
    UndecodableDocument,
)
from aragora_sql.stores.jobs.store import (
    JobQueueStore,
)
from aragora_sql.stores.jobs.worker import JobWorker, WorkerStats

__all__ = [
    "FINISHED",
    "WAITING",
    "FinishedWord",
    "Handler",
    "Job",
    "JobCount",
    "JobEntry",
    "JobLimit",
    "JobLoad",
    "JobOutcome",
    "JobQueueStore",
    "JobSchedule",
    "JobStatus",
    "JobStatusWord",
    "JobWorker",
    "NewJob",
    "PermanentJobError",
    "PostponeJobError",
    "RetryJobError",
    "RetryPolicy",
    "StopReason",
    "UndecodableDocument",
    "WorkerStats",
    "stop_reason",
]
