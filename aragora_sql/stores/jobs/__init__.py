"""Job queue: leases, retries, schedules and limits, and the worker that works on it."""

from aragora_sql.stores.jobs.handlers import (
    Handler,
    PermanentJobError,
    RetryJobError,
    StopReason,
    stop_reason,
)
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import (
    FINISHED,
    WAITING,
    Job,
    JobCount,
    JobLimit,
    JobStatus,
    NewJob,
    RetryPolicy,
    UndecodableDocument,
)
from aragora_sql.stores.jobs.schedules import JobSchedule
from aragora_sql.stores.jobs.store import (
    JobQueueStore,
    PostgresJobQueueStore,
    SQLiteJobQueueStore,
    get_postgres_job_queue_store,
    get_sqlite_job_queue_store,
)
from aragora_sql.stores.jobs.worker import JobWorker, WorkerStats

__all__ = [
    "FINISHED",
    "WAITING",
    "Handler",
    "Job",
    "JobCount",
    "JobLimit",
    "JobOutcome",
    "JobQueueStore",
    "JobSchedule",
    "JobStatus",
    "JobWorker",
    "NewJob",
    "PermanentJobError",
    "PostgresJobQueueStore",
    "RetryJobError",
    "RetryPolicy",
    "SQLiteJobQueueStore",
    "StopReason",
    "UndecodableDocument",
    "WorkerStats",
    "get_postgres_job_queue_store",
    "get_sqlite_job_queue_store",
    "stop_reason",
]
