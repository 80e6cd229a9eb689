"""What a crash of the server takes away: only claims that were not to wait for the disk."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import AragoraSQLError
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.database.waiting import until


async def ready_to_crash(server: EmbeddedServer) -> Callable[[], Awaitable[None]]:
    victim, witness = [await asyncpg.connect(server.dsn()) for _ in range(2)]
    pid = await victim.fetchval("SELECT pg_backend_pid()")

    async def crash() -> None:
        """Kill a server process: all of them end, and what was not on disk is gone."""
        os.kill(pid, signal.SIGKILL)
        # The server ends the others when it has noticed.
        await until(witness.is_closed)
        victim.terminate()

    return crash


async def stats_after_recovery(queue: JobQueueStore) -> Counter[str]:
    async with asyncio.timeout(240):
        while True:
            try:
                return await queue.get_stats()
            except AragoraSQLError:
                await asyncio.sleep(0.05)


async def test_a_crash_takes_claims_that_did_not_wait_at_most() -> None:
    with EmbeddedServer(durable=True) as server:
        database = await PostgresDatabase.connect(server.dsn(), 1, 2)
        queue = JobQueueStore(database, durable_claims=False)
        await queue.initialize()
        await queue.enqueue_many([{"job_type": "a"}] * 60)
        kept = await queue.claim("first", 20, ["a"])
        assert await queue.complete_many(kept[:10]) == []
        crash = await ready_to_crash(server)
        doubtful = await queue.claim("first", 20, ["a"])
        await crash()
        stats = await stats_after_recovery(queue)
        assert (stats["total"], stats["completed"]) == (60, 10)
        # Claims are written in order: the end of a job has brought its claim to the disk.
        assert stats["processing"] in {10, 30}
        again = await queue.claim("second", 60, ["a"])
        assert len(again) == stats["pending"]
        # The worker of before can end what was not given out again.
        lost = await queue.complete_many([*kept[10:], *doubtful])
        assert set(lost) == {job.id for job in doubtful} & {job.id for job in again}
        assert await queue.complete_many(again) == []
        assert await queue.get_stats() == {"completed": 60, "total": 60}
        await queue.close()
        await database.close()


async def test_claims_outlive_a_crash() -> None:
    with EmbeddedServer(durable=True) as server:
        database = await PostgresDatabase.connect(server.dsn(), 1, 2)
        queue = JobQueueStore(database)
        await queue.initialize()
        await queue.enqueue_many([{"job_type": "a"}] * 20)
        crash = await ready_to_crash(server)
        claimed = await queue.claim("first", 20, ["a"])
        await crash()
        assert await stats_after_recovery(queue) == {"processing": 20, "total": 20}
        assert await queue.complete_many(claimed) == []
        await queue.close()
        await database.close()
