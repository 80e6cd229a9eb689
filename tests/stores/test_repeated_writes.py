"""Writes of stores that may be done twice are run again when their answer is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from aragora_sql.database import Database, Retries
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import CommitOutcomeUnknownError, DuplicateKeyError
from aragora_sql.schema import apply_schema
from aragora_sql.stores.audit.store import AuditStore
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.notifications.store import NotificationStore
from aragora_sql.stores.sessions.store import SessionStore
from tests.database.waiting import outside
from tests.proxy import CountingProxy
from tests.stores.samples import row_counts, workflow_checkpoint

STORES = ("audit", "checkpoints", "consensus", "jobs", "notifications", "sessions")
SOON = datetime.now(UTC) + timedelta(days=1)
QUICK = Retries(attempts=20, seconds=20.0, first_pause=0.001, longest_pause=0.05)

# Given another number it writes another row.
AUDIT: WeakKeyDictionary[Database, AuditStore] = WeakKeyDictionary()

Write = Callable[[Database, int], Awaitable[object]]


async def store_consensus(database: Database, number: int) -> object:
    return await ConsensusMemory(database).store_consensus(
        f"t{number}", "c", "strong", 0.5, ["a"], ["a"]
    )


async def append_entry(database: Database, number: int) -> object:
    # One that knows the end of the chain appends with a single statement.
    store = AUDIT.setdefault(database, AuditStore(database))
    return await store.append("e", "a", "r", f"{number}", "append")


async def save_checkpoint(database: Database, number: int) -> object:
    return await CheckpointStore(database).save(workflow_checkpoint(f"w{number}"))


WRITES: dict[str, tuple[str, Write]] = {
    "audit.append": ("immutable_audit_entries", append_entry),
    "checkpoints.save": ("workflow_checkpoints", save_checkpoint),
    "consensus.store_consensus": ("consensus", store_consensus),
    "consensus.record_vote": (
        "debate_votes",
        lambda database, number: ConsensusMemory(database).record_vote("d", f"u{number}", "yes"),
    ),
    "jobs.enqueue": (
        "job_queue",
        lambda database, number: JobQueueStore(database).enqueue("t", {"n": number}),
    ),
    "jobs.enqueue, unique": (
        "job_queue",
        lambda database, number: JobQueueStore(database).enqueue("t", unique_key=f"k{number}"),
    ),
    "notifications.set_preference": (
        "notification_preferences",
        lambda database, number: NotificationStore(database).set_preference(
            "o", f"u{number}", "inbox", True
        ),
    ),
    "sessions.add": (
        "token_blacklist",
        lambda database, number: SessionStore(database).add(f"{number:032}", SOON),
    ),
    "sessions.revoke_user": (
        "token_revocations",
        lambda database, number: SessionStore(database).revoke_user(f"u{number}", SOON),
    ),
}


@pytest.fixture
async def direct(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    await apply_schema(database, STORES)
    yield database
    await database.close()


@pytest.fixture
async def proxied(
    direct: PostgresDatabase, counted_postgres: CountingProxy
) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    database.retries = QUICK
    yield database
    await database.close()


async def lose_answer(proxy: CountingProxy, direct: Database, table: str, work: Any) -> Any:
    """Have the server do something, and cut the connection before it can answer."""
    before = (await row_counts(direct)).get(table, 0)
    proxy.stall(replies_only=True)
    task = outside(work)
    async with asyncio.timeout(20):
        while (await row_counts(direct)).get(table, 0) == before:
            assert not task.done(), task.exception()
    await proxy.drop()
    proxy.resume()
    return await task


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_whose_answer_is_lost_is_done_once(
    counted_postgres: CountingProxy,
    direct: PostgresDatabase,
    proxied: PostgresDatabase,
    name: str,
) -> None:
    table, write = WRITES[name]
    # The statements are prepared: from here on a single one does it.
    await write(proxied, 1)
    before = (await row_counts(direct)).get(table, 0)
    result = await lose_answer(counted_postgres, direct, table, write(proxied, 2))
    assert (await row_counts(direct))[table] == before + 1
    if name.startswith(("consensus.store", "audit", "jobs")):
        # The record that is there is what the caller got.
        rows = await _ids(direct, table)
        assert result.id in rows
    if name == "audit.append":
        assert (await AuditStore(direct).verify_integrity()).is_valid


async def _ids(database: Database, table: str) -> list[str]:
    from tests.stores.samples import fetch

    return [row["id"] for row in await fetch(database, f"SELECT id FROM {table}")]


async def test_an_id_that_a_caller_gave_may_be_another_job(
    counted_postgres: CountingProxy, direct: PostgresDatabase, proxied: PostgresDatabase
) -> None:
    """It is not run again: the error says that it may be there, and how to find out."""
    await JobQueueStore(proxied).enqueue("t", id="first")
    work = JobQueueStore(proxied).enqueue("t", id="mine")
    with pytest.raises(CommitOutcomeUnknownError, match=r"retrying\(\) with a key finds out"):
        await lose_answer(counted_postgres, direct, "job_queue", work)
    with pytest.raises(DuplicateKeyError):
        await JobQueueStore(proxied).enqueue("t", id="mine")


async def test_within_a_unit_of_work_nothing_is_run_again(
    counted_postgres: CountingProxy, direct: PostgresDatabase, proxied: PostgresDatabase
) -> None:
    async def work() -> None:
        async with proxied.connection():
            await store_consensus(proxied, 2)

    await store_consensus(proxied, 1)
    with pytest.raises(CommitOutcomeUnknownError):
        await lose_answer(counted_postgres, direct, "consensus", work())
    assert (await row_counts(direct))["consensus"] == 2


async def test_a_database_that_is_away_for_a_moment(
    counted_postgres: CountingProxy, direct: PostgresDatabase, proxied: PostgresDatabase
) -> None:
    """Connections that break while nothing is sent cost a write nothing but time."""
    for number in range(3):
        await counted_postgres.drop()
        await store_consensus(proxied, number)
    assert (await row_counts(direct))["consensus"] == 3
