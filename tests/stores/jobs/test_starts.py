"""Claims start behind what ended jobs leave in the index; PostgreSQL only.

A snapshot of another session keeps that there, so without a start each claim walks over all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.database.waiting import outside
from tests.stores.jobs.cases import CLAIM, CLAIM_ONE
from tests.stores.jobs.test_costs import postgres_blocks
from tests.stores.samples import fetch, run

FAR = 1_500


@pytest.fixture
async def store(postgres_database: PostgresDatabase) -> AsyncIterator[JobQueueStore]:
    queue = JobQueueStore(postgres_database)
    await queue.initialize()
    yield queue
    await queue.close()


@pytest.fixture
async def other(
    postgres_database: PostgresDatabase, postgres_dsn: str
) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def others(
    postgres_database: PostgresDatabase, postgres_dsn: str
) -> AsyncIterator[list[JobQueueStore]]:
    """Stores with pools of their own."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(4):
            database = await PostgresDatabase.connect(postgres_dsn, 1, 2)
            stack.push_async_callback(database.close)
            made.append(JobQueueStore(database))
        yield made


async def hold_snapshot(connection: asyncpg.Connection) -> None:
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.fetchval("SELECT count(*) FROM pg_catalog.pg_class")


async def pass_jobs(
    store: JobQueueStore, count: int, job_type: str = "a", priority: int = 0
) -> list[Job]:
    """Let jobs through the queue; return the last of them."""
    jobs: list[Job] = []
    for _ in range(0, count, 500):
        await store.enqueue_many([{"job_type": job_type, "priority": priority}] * 500)
        jobs = await store.claim("w", 500, [job_type])
        await store.complete_many(jobs)
    return jobs


async def starts(store: JobQueueStore) -> list[tuple[Any, ...]]:
    """Return type, priority and number of the starts that count."""
    rows = await fetch(
        store.database,
        "SELECT job_type, priority, min(number) AS number FROM job_queue_starts "
        "GROUP BY job_type, priority HAVING NOT bool_and(is_return) ORDER BY job_type, priority",
    )
    return [tuple(row.values()) for row in rows if row["number"] > 0]


async def take(store: JobQueueStore, limit: int = 1, types: list[str] | None = None) -> list[str]:
    return [job.id for job in await store.claim("w", limit, types)]


QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("claim_jobs_of_type", CLAIM_ONE),
    ("claim_jobs", {**CLAIM, "job_types": None}),
    ("claim_jobs", {**CLAIM, "job_types": ["a", "b"]}),
    ("look_for_jobs", {"job_types": None}),
    ("look_for_jobs", {"job_types": ["a"]}),
]


@pytest.mark.parametrize("with_jobs", [True, False])
async def test_a_claim_does_not_walk_over_what_a_snapshot_keeps(
    store: JobQueueStore, other: asyncpg.Connection, with_jobs: bool
) -> None:
    """Blocks are counted: of 16,000 jobs that have ended few are among them."""
    await hold_snapshot(other)
    for priority in (0, 5):
        await pass_jobs(store, 2_000, priority=priority)

    async def cost() -> list[int]:
        if with_jobs:
            await store.enqueue_many([{"job_type": "a", "priority": n % 3} for n in range(20)])
        await run(store.database, "ANALYZE")
        return [await postgres_blocks(store.database, *one) for one in QUERIES]

    few = await cost()
    for priority in (0, 5):
        await pass_jobs(store, 6_000, priority=priority)
    many = await cost()
    # What passed since the last move may be walked over: some thirty of them are in a block.
    assert [a - b for a, b in zip(many, few, strict=True) if a > b + 80] == []
    assert [start[:2] for start in await starts(store)] == [("a", 0), ("a", 5)]
    # What the test relies on: without the starts it is seen.
    await run(store.database, "DELETE FROM job_queue_starts")
    assert await postgres_blocks(store.database, *QUERIES[0]) > few[0] + 200


async def test_claims_keep_their_order_above_and_below_starts(store: JobQueueStore) -> None:
    for priority in (5, 0, 9):
        await pass_jobs(store, 2_000, priority=priority)
    assert len(await starts(store)) == 3
    given = [(n, n % 12 - 1) for n in range(100)]
    await store.enqueue_many(
        [{"id": f"{n:03}", "job_type": "a", "priority": priority} for n, priority in given]
    )
    expected = [f"{n:03}" for n, _ in sorted(given, key=lambda one: (-one[1], one[0]))]
    assert await take(store, 40, ["a"]) == expected[:40]
    assert await take(store, 40, ["a", "b"]) == expected[40:80]
    assert await take(store, 40) == expected[80:]


async def test_a_late_commit_of_a_lower_number_is_claimed_first(
    store: JobQueueStore, others: list[JobQueueStore]
) -> None:
    late = others[0]
    async with late.database.transaction():
        await late.enqueue("a", id="late")
        # Its transaction has not ended, so claims do not start behind it.
        await outside(pass_jobs(store, 3_000))
        assert await outside(starts(store)) == []
        await outside(store.enqueue("a", id="next"))
    assert await take(store, 2, ["a"]) == ["late", "next"]
    await pass_jobs(store, 3_000)
    assert len(await starts(store)) == 1


async def test_a_number_that_was_taken_before_the_proposal_is_waited_for(
    store: JobQueueStore, other: asyncpg.Connection
) -> None:
    """The row comes after all steps that can be taken meanwhile; only the lock is there before."""
    await other.execute("BEGIN; LOCK TABLE job_queue IN ROW EXCLUSIVE MODE")
    number = await other.fetchval(
        "SELECT nextval(pg_get_serial_sequence('job_queue', 'number')::regclass)"
    )
    await pass_jobs(store, 3_000)
    await other.execute(
        f"INSERT INTO job_queue (number, id, job_type) VALUES ({number}, 'late', 'a'); COMMIT"
    )
    await store.enqueue("a", id="next")
    assert await take(store, 2, ["a"]) == ["late", "next"]


async def back_by_release(store: JobQueueStore, job: Job) -> None:
    await store.release([job])


async def back_by_failure(store: JobQueueStore, job: Job) -> None:
    await store.fail(job, "x", delay_seconds=0)


async def back_by_recovery(store: JobQueueStore, job: Job) -> None:
    await run(
        store.database,
        "UPDATE job_queue SET lease_expires_at = now() - interval '1 hour' WHERE id = 'back'",
    )
    assert await store.recover_stale_jobs() == 1


async def back_by_promotion(store: JobQueueStore, job: Job) -> None:
    await store.fail(job, "x", delay_seconds=600)
    await run(
        store.database,
        "UPDATE job_queue SET scheduled_at = now() - interval '1 hour' WHERE id = 'back'",
    )
    assert await store._promote() == 1


async def back_by_retry(store: JobQueueStore, job: Job) -> None:
    await store.complete(job)
    await store.retry("back")


async def back_by_retry_of_all(store: JobQueueStore, job: Job) -> None:
    await store.fail(job, "x", False)
    assert await store.retry_dead() == {"back": True}


async def back_by_hand(store: JobQueueStore, job: Job) -> None:
    await run(
        store.database,
        "UPDATE job_queue SET status = 'pending', worker_id = NULL, lease_expires_at = NULL "
        "WHERE id = 'back'",
    )


async def back_by_new_row(store: JobQueueStore, job: Job) -> None:
    """Nothing says so at once where a row is written with a number of its own."""
    await run(store.database, "DELETE FROM job_queue WHERE id = 'back'")
    await run(
        store.database,
        f"INSERT INTO job_queue (number, id, job_type) VALUES ({job.number}, 'back', 'a')",
    )
    await store.recover_stale_jobs()


Back = Callable[[JobQueueStore, Job], Awaitable[None]]
WAYS: list[Back] = [
    back_by_release,
    back_by_failure,
    back_by_recovery,
    back_by_promotion,
    back_by_retry,
    back_by_retry_of_all,
    back_by_hand,
    back_by_new_row,
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_job_that_comes_back_below_the_start_is_claimed_first(
    store: JobQueueStore, way: Back
) -> None:
    await store.enqueue("a", id="back")
    (job,) = await store.claim("w", 1, ["a"])
    await pass_jobs(store, 2_000)
    (start,) = await starts(store)
    assert start[2] > job.number + 1_000
    await store.enqueue("a", id="next")
    await way(store, job)
    assert await take(store, 2, ["a"]) == ["back", "next"]
    # It goes on from there.
    await pass_jobs(store, 4_000)
    (later,) = await starts(store)
    assert later[2] > start[2]


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_one_that_comes_back_in_a_long_transaction_is_claimed_first(
    store: JobQueueStore, other: asyncpg.Connection, level: str
) -> None:
    await store.enqueue("a", id="back")
    (job,) = await store.claim("w", 1, ["a"])
    await other.execute(f"BEGIN ISOLATION LEVEL {level}")
    await other.fetchval("SELECT count(*) FROM job_queue")
    await pass_jobs(store, 2_000)
    assert len(await starts(store)) == 1
    await other.execute(
        "UPDATE job_queue SET status = 'pending', worker_id = NULL, lease_expires_at = NULL "
        "WHERE id = 'back'"
    )
    await pass_jobs(store, 2_000)
    await other.execute("COMMIT")
    await store.enqueue("a", id="next")
    assert await take(store, 2, ["a"]) == ["back", "next"]
    assert job.id == "back"


async def test_what_comes_back_is_no_start_by_itself(
    store: JobQueueStore, other: asyncpg.Connection
) -> None:
    """A transaction on an old snapshot says of each job that it came back."""
    await store.enqueue_many([{"id": name, "job_type": "a"} for name in ("first", "second")])
    await store.enqueue("a", id="back", priority=3)
    await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await other.execute("UPDATE job_queue SET priority = 0 WHERE id = 'back'; COMMIT")
    assert len(await fetch(store.database, "SELECT id FROM job_queue_starts")) == 1
    assert await take(store, 3, ["a"]) == ["first", "second", "back"]
    await pass_jobs(store, 3_000)
    assert len(await starts(store)) == 1


async def test_another_priority_or_type_below_a_start_is_claimed_first(
    store: JobQueueStore,
) -> None:
    await store.enqueue("b", id="type")
    await store.enqueue("a", id="priority", priority=-1)
    await pass_jobs(store, 2_000, priority=3)
    await pass_jobs(store, 2_000)
    await store.enqueue("a", id="next", priority=3)
    await store.update("priority", priority=3)
    await run(store.database, "UPDATE job_queue SET job_type = 'a' WHERE id = 'type'")
    assert await take(store, 3, ["a"]) == ["priority", "next", "type"]


async def test_many_that_come_back_at_once_leave_one_row(store: JobQueueStore) -> None:
    await store.enqueue_many([{"id": f"{n:03}", "job_type": "a"} for n in range(100)])
    early = await store.claim("w", 100, ["a"])
    await pass_jobs(store, 2_000)
    await store.release(early)
    (count,) = await fetch(store.database, "SELECT count(*) AS rows FROM job_queue_starts")
    assert count["rows"] <= 3
    assert await take(store, 200, ["a"]) == [job.id for job in early]


async def test_an_emptied_queue_starts_from_the_first_number(store: JobQueueStore) -> None:
    await pass_jobs(store, 2_000)
    await run(store.database, "TRUNCATE job_queue RESTART IDENTITY")
    assert await starts(store) == []
    await store.enqueue("a", id="first")
    assert await take(store, 2, ["a"]) == ["first"]


async def test_a_start_does_not_move_within_a_transaction_of_the_caller(
    store: JobQueueStore,
) -> None:
    await store.enqueue_many([{"job_type": "a"}] * FAR)
    async with store.database.transaction():
        assert len(await store.claim("w", FAR, ["a"])) == FAR
    assert await fetch(store.database, "SELECT id FROM job_queue_starts") == []
    await pass_jobs(store, 2_000)
    assert len(await starts(store)) == 1


async def test_claims_hold_when_a_start_can_not_be_moved(
    store: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    await run(
        store.database, "ALTER TABLE job_queue_starts ADD CONSTRAINT none CHECK (job_type = 'b')"
    )
    await store.enqueue_many([{"job_type": "a"}] * FAR)
    assert len(await store.claim("w", FAR, ["a"])) == FAR
    (record,) = caplog.records
    assert "claims of type 'a' start where they did" in record.message


async def test_claims_of_many_at_once_give_each_job_once(
    store: JobQueueStore, others: list[JobQueueStore]
) -> None:
    """Four workers and two that give jobs back: nothing is lost, and nothing is given twice."""
    total = 8_000
    await store.enqueue_many([{"id": f"{n:05}", "job_type": "a"} for n in range(total)])
    ended: list[str] = []

    async def work(one: JobQueueStore, name: str) -> None:
        while jobs := await one.claim(name, 50, ["a"]):
            back = [job for job in jobs if job.attempts == 1 and job.number % 7 == 0][:5]
            kept = [job for job in jobs if job not in back]
            assert await one.complete_many(kept) == []
            for job in back:
                await one.fail(job, "x", delay_seconds=0)
            ended.extend(job.id for job in kept)

    await asyncio.gather(*(work(one, f"w{n}") for n, one in enumerate(others)))
    assert sorted(ended) == [f"{n:05}" for n in range(total)]
