"""The queue of deliveries: the job queue, whose jobs take their deliveries along.

A delivery has the state of its job. Where a job is finished or given back, its delivery follows in
the same transaction; what others do to a job (a recovery of all types, a command) is followed by
:meth:`DeliveryJobs.settle`, which every worker calls as often as it looks after leases.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.queries import load_queries
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.jobs import JobQueueStore, RetryPolicy
from aragora_sql.stores.jobs.leases import Claim
from aragora_sql.stores.jobs.outcomes import COMPLETED, EncodedOutcome
from aragora_sql.stores.webhooks.records import DELIVERY_JOB

if TYPE_CHECKING:
    from aragora_sql.queries.typed.webhooks import WebhooksQueries

__all__ = ["DELIVERY_RETRIES", "DeliveryJobs"]

# 1 s, 2 s, 4 s, … up to 5 minutes, give or take a quarter.
DELIVERY_RETRIES = RetryPolicy(base_seconds=1.0, max_seconds=300.0, jitter=0.25)
SETTLE_BATCH = 500


class DeliveryJobs(JobQueueStore):
    """A job queue, for jobs of all types, in which deliveries of webhooks follow their jobs."""

    _webhooks: WebhooksQueries

    def __init__(self, database: Database, *, retry_policy: RetryPolicy | None = None) -> None:
        super().__init__(database, retry_policy=retry_policy or DELIVERY_RETRIES)
        self._webhooks = load_queries("webhooks", database.dialect)

    async def finish_encoded(self, outcomes: list[EncodedOutcome]) -> dict[str, str]:
        """Finish claimed jobs, and let the deliveries of those that failed follow."""
        failed = [outcome.job_id for outcome in outcomes if outcome.kind != COMPLETED]
        if not failed:
            # A delivery is marked as delivered before its job is completed.
            return await super().finish_encoded(outcomes)
        async with self._database.transaction() as connection:
            finished = await super().finish_encoded(outcomes)
            await self._webhooks.follow_jobs(connection, job_ids=sorted(failed))
        return finished

    async def release_claims(self, claims: Iterable[Claim]) -> list[str]:
        """Give claims back, and let the deliveries follow."""
        async with self._database.transaction() as connection:
            released = await super().release_claims(claims)
            await self._webhooks.follow_jobs(connection, job_ids=sorted(released))
        return released

    async def recover_stale_jobs(
        self,
        stale_threshold_seconds: float = 0.0,
        job_types: Iterable[str] | None = None,
    ) -> int:
        """Take jobs away from workers whose lease ran out, and settle deliveries."""
        recovered = await super().recover_stale_jobs(stale_threshold_seconds, job_types)
        await self.settle()
        return recovered

    async def settle(self) -> int:
        """Bring deliveries and jobs together that others have parted; return the number of changes.

        A delivery follows a job that was recovered, cancelled or has died without it. One that is
        open and has no job, as it was deleted or the delivery is of an older file, gets one, with
        the attempts that are left and not before its time. Safe to call from any number of
        processes at once.
        """
        followed = await in_batches(self._follow_strays)
        return followed + await in_batches(partial(self.adopt, SETTLE_BATCH))

    async def _follow_strays(self) -> int:
        # What is locked is looked at again: since it was found, others may have settled it.
        async with self._database.transaction() as connection:
            rows = self._webhooks.lock_strays(connection, row_limit=SETTLE_BATCH)
            strays = [row async for row in rows]
            lost = [row["delivery_id"] for row in strays if row["is_lost"]]
            found = [row["job_id"] for row in strays if not row["is_lost"]]
            changed = 0
            if lost:
                changed += await self._webhooks.forget_jobs(connection, delivery_ids=lost)
            if found:
                changed += await self._webhooks.follow_jobs(connection, job_ids=found)
            return changed

    async def adopt(self, limit: int) -> int:
        """Give up to so many deliveries without a job one; return how many got one."""
        async with self._database.transaction() as connection:
            rows = self._webhooks.lock_jobless(connection, row_limit=limit)
            found = [row async for row in rows]
            if not found:
                return 0
            jobs: list[Any] = [
                {
                    "id": row["delivery_id"],
                    "job_type": DELIVERY_JOB,
                    "max_attempts": max(row["max_attempts"] - row["attempts"], 1),
                    "scheduled_at": row["next_retry_at"],
                    "user_id": row["user_id"],
                    "workspace_id": row["workspace_id"],
                }
                for row in found
            ]
            ids = await self.enqueue_many(jobs)
            await self._webhooks.set_jobs(connection, delivery_ids=ids)
            await self._webhooks.follow_jobs(connection, job_ids=ids)
        return len(ids)
