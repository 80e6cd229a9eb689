"""What the conformance suite needs to know of the job queue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aragora_sql.database.values import dump_json
from aragora_sql.stores.jobs import JobQueueStore
from aragora_sql.stores.paging import LAST_TIMESTAMP
from tests.stores.cases import (
    BLANK_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
)
from tests.stores.samples import numbers, run

CLAIM_ONE = {
    "worker_id": "w",
    "job_type": "a",
    "row_limit": 10,
    "lease_seconds": 60.0,
    "durable": False,
}
CLAIM = {"worker_id": "w", "row_limit": 10, "lease_seconds": 60.0, "durable": False}
END_AND_CLAIM = {"worker_id": "w", "row_limit": 10, "lease_seconds": 60.0}
ENDS = dump_json([["key 1", "w", 1, None], ["key 2", "w", None, {"x": 1}]])
CLAIMS = dump_json([["key 1", "w", 1], ["key 2", "w", None]])
STORED = dump_json([["key 1", "w", 1, "completed", None, None]])
FAILURES = dump_json([["key 1", "w", 1, "retry", "x", None]])

HOT = [
    Hot("claim_jobs_of_type", CLAIM_ONE),
    Hot("claim_jobs", {**CLAIM, "job_types": None}),
    Hot("claim_jobs", {**CLAIM, "job_types": ["a", "b"]}),
    Hot("look_for_jobs", {"job_types": ["a", "b"]}, True),
    Hot("look_for_jobs", {"job_types": None}, True),
    Hot("promote_jobs", {"row_limit": 10}),
    Hot("complete_jobs", {"claims": ENDS}),
    Hot("complete_and_claim_jobs_of_type", {"claims": ENDS, **END_AND_CLAIM, "job_type": "a"}),
    Hot("complete_and_claim_jobs", {"claims": ENDS, **END_AND_CLAIM, "job_types": ["a", "b"]}),
    Hot(
        "fail_jobs",
        {
            "outcomes": FAILURES,
            "base_seconds": 1.0,
            "max_seconds": 9.0,
            "jitter": 0.1,
        },
    ),
    Hot("extend_leases", {"claims": CLAIMS, "lease_seconds": 60.0}),
    Hot("release_jobs", {"claims": CLAIMS}),
    Hot("recover_jobs", {"job_types": None, "grace_seconds": 0.0, "row_limit": 10}, True),
    Hot("cancel_job", {"id": "key", "running": True}),
    Hot("list_cancel_requests", {"ids": ["key 1", "key 2"]}),
    Hot("list_stored_outcomes", {"outcomes": STORED}),
    Hot("retry_jobs", {"ids": ["key 1", "key 2"], "notify": False}),
    Hot(
        "list_finished_ids",
        {
            "status": "cancelled",
            "job_type": None,
            "after_time": datetime(1, 1, 1, tzinfo=UTC),
            "after_number": 0,
            "row_limit": 10,
        },
    ),
    Hot("get_job", {"id": "key"}),
    Hot("find_job_of_key", {"unique_key": "key"}),
    Hot(
        "purge_jobs",
        {"status": "completed", "age_seconds": 0.0, "row_limit": 10},
    ),
    # archive_jobs is in the committed plans only: run twice here, it would store its jobs twice.
    Hot("delete_archived_jobs", {"numbers": [1, 2]}),
    Hot("get_archived_job", {"id": "old finished 1"}),
    Hot(
        "list_history",
        {
            "status": None,
            "job_type": None,
            "before_time": LAST_TIMESTAMP,
            "before_id": "",
            "row_limit": 10,
            "documents": True,
        },
    ),
    Hot("purge_history", {"age_seconds": 0.0, "row_limit": 10}),
]

ALWAYS = "'2001-01-01T00:00:00.000000Z'"
NEVER = "'2101-01-01T00:00:00.000000Z'"
# columns and values of the jobs that a claim can't give out
OUT_OF_REACH = {
    "finished": ("status, job_type, completed_at", f"'completed', 'a', {ALWAYS}"),
    "dead": ("status, job_type, completed_at, priority", f"'failed', 'a', {ALWAYS}, 9"),
    "scheduled": ("status, job_type, scheduled_at, priority", f"'scheduled', 'a', {NEVER}, 9"),
    "blocked": ("status, job_type, priority", "'pending', 'blocked', 9"),
    "running": (
        "status, job_type, worker_id, lease_expires_at, priority",
        f"'processing', 'a', 'w', {NEVER}, 9",
    ),
}


async def add_rows(
    jobs: JobQueueStore,
    kind: str,
    first: int,
    last: int,
    kinds: Mapping[str, tuple[str, str]] = OUT_OF_REACH,
) -> None:
    """Store jobs of a kind, numbered from ``first`` to ``last``."""
    columns, values = kinds[kind]
    await run(
        jobs.database,
        f"INSERT INTO job_queue (id, {columns}) SELECT '{kind} ' || n, {values} "
        f"FROM {numbers(jobs.database, last)} WHERE n >= {first}",
    )


async def add(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")


async def count(jobs: JobQueueStore) -> int:
    return len(await jobs.list_jobs(limit=1000))


async def fill(jobs: JobQueueStore) -> None:
    """Store thousands of jobs that can't be claimed beside two hundred that can."""
    for kind in OUT_OF_REACH:
        await add_rows(jobs, kind, 1, 4000 if kind != "running" else 100)
    await jobs.enqueue_many([{"job_type": "ab"[n % 2]} for n in range(200)])
    await jobs.set_limit("blocked", 0)
    if jobs.database.dialect == "postgres":
        await run(
            jobs.database,
            "INSERT INTO job_queue_starts (job_type, priority, number) "
            f"SELECT 'z' || n, 1, n FROM {numbers(jobs.database, 3000)}",
        )
    await run(
        jobs.database,
        "INSERT INTO job_history (id, number, job_type, payload, status, priority, attempts, "
        "max_attempts, claim_count, unique_while_running, completed_at, created_at, updated_at) "
        "SELECT 'old ' || id, number, job_type, payload, status, priority, attempts, max_attempts, "
        "claim_count, unique_while_running, completed_at, created_at, updated_at "
        "FROM job_queue WHERE completed_at IS NOT NULL",
    )


async def prepare(jobs: JobQueueStore) -> str:
    """Return the id of a job of a type that is not claimed."""
    await jobs.enqueue_many([{"job_type": "a"} for _ in range(100)])
    return (await jobs.enqueue("kept")).id


ROUND_TRIPS = {
    "enqueue": Call(1, lambda s, kept: s.enqueue("a")),
    "enqueue_many": Call(1, lambda s, kept: s.enqueue_many([{"job_type": "a"}] * 50)),
    "claim of one type": Call(3, lambda s, kept: s.claim("w", 5, ["a"]), at_most=True),
    "get": Call(1, lambda s, kept: s.get(kept)),
    "list_jobs": Call(1, lambda s, kept: s.list_jobs()),
    "list_jobs of a status": Call(1, lambda s, kept: s.list_jobs("pending")),
    "get_archived": Call(1, lambda s, kept: s.get_archived(kept)),
    "list_history": Call(1, lambda s, kept: s.list_history()),
    "get_stats": Call(1, lambda s, kept: s.get_stats()),
    "get_counts": Call(1, lambda s, kept: s.get_counts()),
    "get_load": Call(1, lambda s, kept: s.get_load()),
    "get_limits": Call(1, lambda s, kept: s.get_limits()),
    "set_limit": Call(4, lambda s, kept: s.set_limit("other", 3)),
    "pause": Call(4, lambda s, kept: s.pause("other")),
    "resume": Call(5, lambda s, kept: s.resume("other")),
    "has_work": Call(1, lambda s, kept: s.has_work()),
    "list_schedules": Call(1, lambda s, kept: s.list_schedules()),
    "run_due without any": Call(1, lambda s, kept: s.run_due()),
    "cancel": Call(1, lambda s, kept: s.cancel(kept)),
    "recover_stale_jobs": Call(3, lambda s, kept: s.recover_stale_jobs(), at_most=True),
}

NOT_DURATIONS: list[Any] = [-1, math.nan, math.inf, True, "1"]

BAD_ARGUMENTS = [
    BadArgument("enqueue", "job", [*UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG], named="job_type"),
    *keys_of("claim", "worker_id"),
    *keys_of("dequeue", "worker_id"),
    *limits_of("claim", "list_jobs", "list_history"),
    BadArgument("claim", "lease_seconds", [0, *NOT_DURATIONS]),
    BadArgument("list_jobs", "status", ["done", "", 5]),
    BadArgument("purge", "older_than", [*NOT_DURATIONS, None]),
    BadArgument("purge", "batch_size", [0, -1, 1.0, True, "1", None]),
    BadArgument("purge", "statuses", [["pending"], ["done"], "completed", 5]),
    BadArgument("purge", "archive", [1, "yes", None]),
    BadArgument("purge_history", "older_than", [*NOT_DURATIONS, None]),
    BadArgument("purge_history", "batch_size", [0, -1, 1.0, True, "1", None]),
    BadArgument("list_history", "status", ["pending", "done", "", 5]),
    BadArgument("list_history", "documents", [1, "yes", None]),
    *keys_of("set_limit", "job_type"),
    BadArgument("set_limit", "max_running", [-1, 1.0, True, "1"]),
    BadArgument("recover_stale_jobs", "stale_threshold_seconds", NOT_DURATIONS),
    BadArgument("wait_for_jobs", "timeout", [-1, math.nan, True, "1"]),
    *keys_of("pause", "job_type"),
    *keys_of("resume", "job_type"),
    BadArgument("cancel", "running", [1, "yes", None]),
    *keys_of("set_schedule", "name"),
    *keys_of("set_schedule", "job_type"),
    BadArgument("set_schedule", "time_zone", ["X", "", 5, None]),
    BadArgument("set_schedule", "enabled", [1, "yes", None]),
    BadArgument("update", "priority", [2**40, 1.0, True, "1"]),
    BadArgument("update", "max_attempts", [0, -1, 1.0, True, "1"]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "claim": {"worker_id": "w"},
    "cancel": {"job_id": "x"},
    "purge": {"older_than": 1},
    "purge_history": {"older_than": 1},
    "set_schedule": {"name": "s", "cron": "0 0 1 1 *", "job_type": "a"},
    "set_limit": {"job_type": "a", "max_running": 1},
    "update": {"job_id": "x"},
}

CASES = StoreCases(
    make=JobQueueStore,
    add=add,
    count=count,
    foreign_table="job_queue (id TEXT PRIMARY KEY, data TEXT)",
    fill=fill,
    hot=HOT,
    # a handful of rows
    small_tables=frozenset({"job_queue_limits", "l"}),
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"lease_seconds": lambda s: s.claim("w", lease_seconds=0)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
