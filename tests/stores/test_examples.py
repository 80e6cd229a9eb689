"""The examples of the documentation, and what several stores do on one pool or database."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import aragora_sql
from aragora_sql import (
    ConsensusStrength,
    DissentRetriever,
    DissentType,
    IntegrationConfig,
    JobWorker,
    PostgresConsensusMemory,
    PostgresCritiqueStore,
    PostgresJobQueueStore,
    SQLiteConsensusMemory,
    SQLiteCritiqueStore,
    SQLiteDatabase,
    SQLiteJobQueueStore,
    close_postgres_pool,
    close_sqlite_databases,
    get_integration_store,
    get_job_queue_store,
    get_postgres_consensus_memory,
    get_postgres_critique_store,
    get_postgres_job_queue_store,
    get_postgres_pool,
    get_sqlite_consensus_memory,
    get_sqlite_critique_store,
    get_sqlite_job_queue_store,
)
from aragora_sql.stores.jobs.records import Job
from tests.stores.samples import KEY, critique, dissent

pytestmark = pytest.mark.usefixtures("closed_at_the_end")


async def test_the_example_of_consensus_memory(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    memory = await get_postgres_consensus_memory()
    memory = await get_postgres_consensus_memory(dsn=postgres_dsn)
    await memory.store_consensus(
        topic="Rate limiting approach",
        conclusion="Use token bucket algorithm",
        strength="strong",
        confidence=0.85,
        participating_agents=["claude", "gpt4"],
        agreeing_agents=["claude", "gpt4"],
    )
    results = await memory.find_similar("rate limiting", limit=5)
    assert [result["topic"] for result in results] == ["Rate limiting approach"]


async def test_the_example_of_the_critique_store(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", postgres_dsn)
    store = await get_postgres_critique_store()
    await store.store_debate(
        debate_id="debate-123",
        task="Design a rate limiter",
        final_answer="Use token bucket",
        consensus_reached=True,
        confidence=0.9,
    )
    stats = await store.get_stats()
    assert stats["total_debates"] == stats["consensus_debates"] == 1
    assert stats["avg_consensus_confidence"] == 0.9


async def test_the_example_of_a_pool(postgres_dsn: str) -> None:
    pool = await get_postgres_pool(dsn=postgres_dsn, min_size=1, max_size=3)
    memory = PostgresConsensusMemory(pool)
    await memory.initialize()
    assert await memory.count() == 0
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT 1") == 1
    assert await get_postgres_pool(dsn=postgres_dsn) is pool
    await close_postgres_pool()
    assert pool.is_closing()


async def test_the_same_calls_work_on_a_file(tmp_path: Path) -> None:
    memory = await get_sqlite_consensus_memory(tmp_path / "new folder" / "file.db")
    await memory.store_consensus("Topic", "Conclusion", "weak", 0.5, [], [])
    store = await get_sqlite_critique_store(str(tmp_path / "new folder" / "file.db"))
    assert store.database is memory.database
    await close_sqlite_databases()
    again = SQLiteConsensusMemory(tmp_path / "new folder" / "file.db")
    assert await again.count() == 1


async def test_stores_share_a_database_in_memory() -> None:
    database = SQLiteDatabase(":memory:")
    memory, store = SQLiteConsensusMemory(database), SQLiteCritiqueStore(database)
    await memory.initialize()
    await store.initialize()
    async with database.transaction():
        await memory.store_consensus("Topic", "Conclusion", "weak", 0.5, [], [])
        await store.store_debate("d", "Task")
    assert await memory.count() == await store.count_debates() == 1
    await database.close()


async def test_every_kind_of_value_comes_through_a_pool_of_the_application(
    postgres_dsn: str,
) -> None:
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=3) as pool:
        memory, store = PostgresConsensusMemory(pool), PostgresCritiqueStore(pool)
        await memory.initialize()
        await store.initialize()
        record = await memory.store_consensus(
            topic="Rate limiting approach",
            conclusion="Use token bucket algorithm",
            strength=ConsensusStrength.STRONG,
            confidence=0.1 + 0.2,
            participating_agents=["claude"],
            agreeing_agents=[],
            metadata={"nested": [1, 2.5, None, True, "ünïcødé", 10**40, 1e17]},
            belief_cruxes=[{"claim": "c"}],
        )
        objection = await memory.store_dissent(**dissent(record.id, metadata={"a": [1]}))
        (similar,) = await memory.find_similar("rate limiting")
        assert similar.dissent_ids == [objection.id]
        assert similar.metadata == record.metadata
        assert await memory.get_dissents(record.id) == [objection]
        assert (await memory.get_stats()).by_strength == {"strong": 1}
        await store.store_debate("d", "Task", grounded_verdict={"v": 1}, critiques=[critique()])
        (debate,) = await store.get_debates_with_critiques_batch(["d"])
        assert debate.grounded_verdict == {"v": 1}
        assert debate.critiques[0].issues == ["Missing error handling"]
        assert debate.critiques[0].led_to_improvement is False
        (pattern,) = await store.store_pattern("Bug")
        await store.store_embeddings({pattern.id: b"\x00\xff"})
        ((_, embedding),) = (await store.get_patterns_batch([pattern.id])).values()
        assert embedding == b"\x00\xff"
        async with memory.database.transaction():
            await store.delete_debate("d")
            await memory.delete_consensus(record.id)
        await memory.database.close()
        # It is the application's: it stays open, and has its own idea of JSON.
        assert await pool.fetchval("SELECT '{}'::jsonb") == "{}"
        assert await pool.fetchval("SELECT count(*) FROM critiques") == 0


async def test_stores_on_one_pool_share_transactions(postgres_dsn: str) -> None:
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=3) as pool:
        memory, store = PostgresConsensusMemory(pool), PostgresCritiqueStore(pool)
        with suppress(ZeroDivisionError):
            async with memory.database.transaction():
                await store.store_debate("d", "Task")
                raise ZeroDivisionError
        assert await store.count_debates() == 0


async def test_a_codec_of_the_application_is_left_alone(postgres_dsn: str) -> None:
    async def set_codec(connection: asyncpg.Connection[Any]) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )

    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1, init=set_codec) as pool:
        memory = PostgresConsensusMemory(pool)
        record = await memory.store_consensus(
            "Topic", "Conclusion", "weak", 0.5, ["a"], [], metadata={"a": {"b": [1]}}
        )
        assert await memory.get_consensus(record.id) == record
        assert await pool.fetchval("SELECT metadata FROM consensus") == {"a": {"b": [1]}}


def test_the_package_names_what_an_application_needs() -> None:
    for name in aragora_sql.__all__:
        assert getattr(aragora_sql, name) is not None
    assert {"ConsensusMemory", "CritiqueStore", "get_consensus_memory"} <= set(dir(aragora_sql))
    assert DissentType("risk_warning") is DissentType.RISK_WARNING
    assert DissentRetriever.__name__ == "DissentRetriever"
    with pytest.raises(AttributeError, match="unheard_of"):
        getattr(aragora_sql, "unheard_of")  # noqa: B009 - the type check knows that it is not there


async def test_the_example_of_the_job_queue(
    location: str | Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    jobs = await get_job_queue_store()
    kind = SQLiteJobQueueStore if isinstance(location, Path) else PostgresJobQueueStore
    assert type(jobs) is kind
    assert f"Using {kind.__name__}" in caplog.text
    given = await jobs.enqueue("a", {"x": 1})

    async def work(job: Job) -> dict[str, int]:
        return {"y": job.payload["x"] + 1}

    assert (await JobWorker(jobs, {"a": work}).run(until_empty=True)).completed == 1
    again = await (
        get_sqlite_job_queue_store()
        if isinstance(location, Path)
        else get_postgres_job_queue_store()
    )
    done = await again.get(given.id)
    assert done is not None
    assert done.result == {"y": 2}


async def test_the_key_of_the_environment_seals_secrets(
    location: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    integrations = await get_integration_store()
    config = IntegrationConfig(integration_type="slack", settings={"bot_token": "t"})
    with suppress(ZeroDivisionError):
        async with integrations.database.transaction():
            await integrations.save(config)
            raise ZeroDivisionError
    assert await integrations.list_all() == []
    await integrations.save(config)
    assert (await integrations.list_all())[0].settings == {"bot_token": "t"}
