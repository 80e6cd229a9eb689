"""Text that is not UTF-8, as SQL can write it into a SQLite file; PostgreSQL refuses it."""

from __future__ import annotations

import json

import pytest

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.statement import Statement
from aragora_sql.errors import DuplicateKeyError, UnreadableValueError
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.jobs.records import Job, UndecodableDocument
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.stores.samples import run

BAD_DOCUMENT = "CAST(x'7b2261223a22ff227d' AS TEXT)"
BAD_TEXT = "CAST(x'61ff62' AS TEXT)"


@pytest.fixture
async def queue(sqlite_database: SQLiteDatabase) -> JobQueueStore:
    store = JobQueueStore(sqlite_database)
    await store.initialize()
    return store


async def damage(queue: JobQueueStore, job_id: str, column: str) -> None:
    bad = BAD_DOCUMENT if column in {"payload", "result"} else BAD_TEXT
    await run(queue.database, f"UPDATE job_queue SET {column} = {bad} WHERE id = '{job_id}'")


@pytest.mark.parametrize("column", ["payload", "user_id", "unique_key", "error", "workspace_id"])
async def test_only_the_damaged_job_of_a_batch_fails(
    queue: JobQueueStore, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await queue.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(6)])
    await damage(queue, ids[2], column)
    seen: list[int] = []

    async def handle(job: Job) -> None:
        seen.append(job.payload["n"])

    stats = await JobWorker(queue, {"a": handle}).run(until_empty=True)
    assert stats.completed == 5
    assert sorted(seen) == [0, 1, 3, 4, 5]
    counts = {(c.status, c.total) for c in await queue.get_counts()}
    assert counts == {("completed", 5), ("failed", 1)}
    assert f"job {ids[2]} (a) has failed" in caplog.text
    assert "is not UTF-8 text" in caplog.text


async def test_a_claim_of_many_types_and_one_in_a_transaction_go_on_too(
    queue: JobQueueStore,
) -> None:
    ids = [(await queue.enqueue(kind)).id for kind in ("a", "b", "a")]
    await damage(queue, ids[0], "payload")
    async with queue.database.transaction():
        claimed = await queue.claim("w", 3)
        assert [job.id for job in claimed] == ids[1:]
        await queue.complete(claimed[0])
    assert {(c.status, c.total) for c in await queue.get_counts()} == {
        ("completed", 1),
        ("failed", 1),
        ("processing", 1),
    }


async def test_lists_go_on(queue: JobQueueStore) -> None:
    ids = await queue.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(3)])
    await damage(queue, ids[0], "user_id")
    await damage(queue, ids[1], "payload")
    for listed in (await queue.list_jobs(), await queue.list_jobs("pending")):
        assert [job.id for job in listed] == list(reversed(ids))
        assert listed[0].payload == {"n": 2}
        assert isinstance(listed[1].payload, UndecodableDocument)
        assert listed[2].payload == {"n": 0}
        assert listed[2].user_id == "a\ufffdb"
        json.dumps([job.to_dict() for job in listed])
    one = await queue.get(ids[1])
    assert one is not None
    assert isinstance(one.payload, UndecodableDocument)
    assert "is not UTF-8 text" in one.payload.reason
    # Mended, it is worked on.
    await queue.update(ids[1], payload={"n": 7})
    assert [job.payload for job in await queue.claim("w", 3)] == [{"n": 7}, {"n": 2}]


async def test_a_key_that_a_damaged_job_keeps(queue: JobQueueStore) -> None:
    given = await queue.enqueue("a", unique_key="k")
    await damage(queue, given.id, "payload")
    assert (await queue.enqueue("a", unique_key="k")).id == given.id
    assert await queue.cancel(given.id)
    assert (await queue.retry(given.id)).status == "pending"


# Other stores: the row is named, and the connection is as good as before.


async def test_a_list_of_debates_names_the_row(sqlite_database: SQLiteDatabase) -> None:
    store = ConsensusMemory(sqlite_database)
    await store.initialize()
    stored = [
        await store.store_consensus(f"topic {n}", "c", "strong", 0.5, ["a"], ["a"])
        for n in range(3)
    ]
    bad = stored[1].id
    await run(sqlite_database, f"UPDATE consensus SET conclusion = {BAD_TEXT} WHERE id = '{bad}'")
    for _ in range(2):
        with pytest.raises(UnreadableValueError) as caught:
            await store.get_recent()
        assert str(caught.value).startswith("consensus.")
        assert f"'{bad}'" in str(caught.value)
        assert "column conclusion: a stored value is not UTF-8 text" in str(caught.value)
    assert (await store.get_consensus(stored[0].id)) is not None


async def test_findings_name_the_row_of_a_damaged_document(
    sqlite_database: SQLiteDatabase,
) -> None:
    store = FindingWorkflowStore(sqlite_database)
    await store.initialize()
    await store.create("f-1")
    await run(sqlite_database, f"UPDATE finding_workflows SET extra = {BAD_DOCUMENT}")
    with pytest.raises(UnreadableValueError, match=r"workflow\..*'f-1'.*column extra: .* UTF-8"):
        await store.get("f-1")


async def test_a_statement_that_only_counts_does_not_read_text(
    sqlite_database: SQLiteDatabase,
) -> None:
    store = CritiqueStore(sqlite_database)
    await store.initialize()
    await run(sqlite_database, f"INSERT INTO debates (id, task) VALUES ('d', {BAD_TEXT})")
    counted = Statement("test.touch", "UPDATE debates SET task = task RETURNING task")
    async with sqlite_database.connection() as connection:
        assert await connection.execute(counted, {}) == 1
        assert await connection.execute_many(counted, [{}, {}]) == 2
        # What names a key of a broken rule reads text as ever.
        twice = Statement("test.twice", "INSERT INTO debates (id, task) VALUES ('d', 'x')")
        with pytest.raises(DuplicateKeyError, match="debates"):
            await connection.execute(twice, {})
