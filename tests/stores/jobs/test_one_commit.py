"""What goes into one commit: ends with the next claim, and enqueues of one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import DatabaseError
from aragora_sql.stores.jobs.leases import claim_of
from aragora_sql.stores.jobs.outcomes import COMPLETED, EncodedOutcome, encode_outcome
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.database.waiting import outside
from tests.stores.samples import fetch, run


def ends(jobs: Iterable[Job], result: dict[str, int] | None = None) -> list[EncodedOutcome]:
    return [encode_outcome(claim_of(job, None, ""), COMPLETED, 1000, result) for job in jobs]


async def types_of(jobs: JobQueueStore, types: list[str]) -> dict[str, int]:
    running = {one.job_type: one.running for one in await jobs.get_limits()}
    return {job_type: running[job_type] for job_type in types}


@pytest.mark.parametrize("types", [["a"], ["a", "b"]])
async def test_finish_and_claim_does_what_both_do(jobs: JobQueueStore, types: list[str]) -> None:
    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(6)])
    held = await jobs.claim("w", 2, ["a"])
    finished, claimed = await jobs.finish_and_claim(ends(held, {"x": 1}), "w", 3, types, 60.0)
    assert finished == dict.fromkeys(ids[:2], "completed")
    assert [job.id for job in claimed] == ids[2:5]
    assert [job.payload["n"] for job in claimed] == [2, 3, 4]
    for job in held:
        done = await jobs.get(job.id)
        assert done is not None
        assert (done.status, done.result, done.worker_id) == ("completed", {"x": 1}, "w")
        assert done.completed_at is not None
        assert done.lease_expires_at is None
    for job in claimed:
        stored = await jobs.get(job.id)
        assert stored == job
    # What is finished already is so, and nothing is claimed where nothing is left.
    finished, claimed = await jobs.finish_and_claim(ends([*held, *claimed]), "w", 9, types, 60.0)
    assert [job.id for job in claimed] == ids[5:]
    assert finished == dict.fromkeys(ids[2:5], "completed")


async def test_finish_and_claim_leaves_what_another_worker_holds(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 3)
    (lost,) = await jobs.claim("first", 1, ["a"])
    assert await jobs.release([lost]) == [lost.id]
    (again,) = await jobs.claim("second", 1, ["a"])
    assert again.id == lost.id
    finished, claimed = await jobs.finish_and_claim(ends([lost]), "first", 1, ["a"], 60.0)
    assert finished == {}
    assert len(claimed) == 1
    await jobs.complete(again)


@pytest.mark.parametrize("types", [["a"], ["a", "b"]])
async def test_finish_and_claim_uses_the_places_that_it_frees(
    jobs: JobQueueStore, types: list[str]
) -> None:
    await jobs.set_limit("a", 2)
    await jobs.enqueue_many([{"job_type": "a"}] * 5)
    held = await jobs.claim("w", 5, ["a"])
    assert len(held) == 2
    finished, claimed = await jobs.finish_and_claim(ends(held), "w", 5, types, 60.0)
    assert (len(finished), len(claimed)) == (2, 2)
    assert await types_of(jobs, ["a"]) == {"a": 2}
    await jobs.pause("a")
    finished, nothing = await jobs.finish_and_claim(ends(claimed), "w", 5, types, 60.0)
    assert (len(finished), nothing) == (2, [])
    assert await types_of(jobs, ["a"]) == {"a": 0}


@pytest.mark.parametrize("types", [["a"], ["a", "b"]])
async def test_limits_that_change_meanwhile_are_kept(postgres_dsn: str, types: list[str]) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 4)
    jobs = JobQueueStore(database)
    await jobs.initialize()
    for job_type in ("a", "b"):
        await jobs.set_limit(job_type, 3)
    await jobs.enqueue_many([{"job_type": "a"}] * 9)
    await jobs.enqueue_many([{"job_type": "b"}])
    held = await jobs.claim("w", 2, ["a"])
    held += await jobs.claim("w", 1, ["b"])
    async with database.transaction():
        others = await jobs.claim("other", 1, ["a"])
        working = outside(jobs.finish_and_claim(ends(held), "w", 5, types, 60.0))
        await until_somebody_waits(postgres_dsn)
    # It read the limits before the other claim was committed, and counts with what was.
    finished, claimed = await working
    assert len(others) == 1
    assert len(finished) == 3
    assert [job.job_type for job in claimed] == ["a", "a"]
    assert await types_of(jobs, ["a", "b"]) == {"a": 3, "b": 0}
    await jobs.close()
    await database.close()


async def until_somebody_waits(dsn: str) -> None:
    watching = await PostgresDatabase.connect(dsn, 1, 1)
    query = (
        "SELECT count(*) AS n FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(60):
        while not (await fetch(watching, query))[0]["n"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    await watching.close()


async def note_commits(database: PostgresDatabase) -> None:
    await run(
        database,
        """
        CREATE TABLE commits (id text, status text, xid bigint);
        CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO commits VALUES (new.id, new.status, txid_current());
            RETURN NULL;
        END $$;
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON job_queue
        FOR EACH ROW EXECUTE FUNCTION note_commit();
        """,
    )


async def test_a_worker_ends_a_batch_and_claims_the_next_in_one_commit(postgres_dsn: str) -> None:
    async def handle(job: Job) -> None:
        pass

    database = await PostgresDatabase.connect(postgres_dsn, 1, 4)
    jobs = JobQueueStore(database)
    await jobs.initialize()
    await jobs.enqueue_many([{"job_type": "a"}] * 50)
    await note_commits(database)
    stats = await JobWorker(jobs, {"a": handle}, concurrency=1, batch_size=10).run(
        until_empty=True, handle_signals=False
    )
    assert stats.completed == 50
    commits = await fetch(
        database,
        "SELECT count(*) FILTER (WHERE status = 'completed') AS ended, "
        "count(*) FILTER (WHERE status = 'processing') AS claimed "
        "FROM commits GROUP BY xid ORDER BY xid",
    )
    counts = [(row["ended"], row["claimed"]) for row in commits]
    assert counts == [(0, 10), (10, 10), (10, 10), (10, 10), (10, 10), (10, 0)]
    await jobs.close()
    await database.close()


async def test_enqueues_of_one_moment_share_commits(postgres_dsn: str) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 8)
    jobs = JobQueueStore(database)
    await jobs.initialize()
    await note_commits(database)
    stored = await asyncio.gather(*(jobs.enqueue("a", {"n": n}) for n in range(40)))
    assert [job.payload["n"] for job in stored] == list(range(40))
    (row,) = await fetch(database, "SELECT count(DISTINCT xid) AS n FROM commits")
    # The first is alone, and the others come meanwhile.
    assert row["n"] == 2
    await jobs.close()
    await database.close()


async def test_enqueues_of_one_moment_give_what_is_stored(jobs: JobQueueStore) -> None:
    made = await asyncio.gather(
        *(
            jobs.enqueue(
                "a",
                {"n": n, "x": 1.5},
                priority=n % 3,
                delay_seconds=3600 if n % 2 else None,
                user_id=f"u{n}",
                time_limit_seconds=7,
            )
            for n in range(20)
        )
    )
    for n, job in enumerate(made):
        assert await jobs.get(job.id) == job
        assert (job.payload["n"], job.priority, job.user_id) == (n, n % 3, f"u{n}")
        assert job.status == ("scheduled" if n % 2 else "pending")


async def test_a_job_that_is_refused_fails_none_that_came_with_it(jobs: JobQueueStore) -> None:
    trigger = {
        "postgres": (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'not this one'; END$$;"
            "CREATE TRIGGER refused BEFORE INSERT ON job_queue FOR EACH ROW "
            "WHEN (new.user_id = 'u3') EXECUTE FUNCTION refuse();"
        ),
        "sqlite": (
            "CREATE TRIGGER refused BEFORE INSERT ON job_queue WHEN new.user_id = 'u3' "
            "BEGIN SELECT raise(ABORT, 'not this one'); END;"
        ),
    }
    await run(jobs.database, trigger[jobs.database.dialect])
    made = await asyncio.gather(
        *(jobs.enqueue("a", user_id=f"u{n}") for n in range(8)), return_exceptions=True
    )
    failed = [n for n, one in enumerate(made) if isinstance(one, BaseException)]
    assert failed == [3]
    assert isinstance(made[3], DatabaseError)
    assert "not this one" in str(made[3])
    assert (await jobs.get_stats())["total"] == 7


async def test_a_unique_key_keeps_others_out_of_one_moment(jobs: JobQueueStore) -> None:
    made = await asyncio.gather(*(jobs.enqueue("a", unique_key="k") for _ in range(6)))
    assert len({job.id for job in made}) == 1
    assert (await jobs.get_stats())["total"] == 1
