"""What an application imports: stores by environment, by DSN, on a pool of its own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
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
    PostgresConsensusMemory,
    PostgresCritiqueStore,
    SQLiteConsensusMemory,
    SQLiteCritiqueStore,
    SQLiteDatabase,
    close_databases,
    close_postgres_pool,
    close_sqlite_databases,
    get_consensus_memory,
    get_critique_store,
    get_postgres_consensus_memory,
    get_postgres_critique_store,
    get_postgres_pool,
    get_sqlite_consensus_memory,
    get_sqlite_critique_store,
)
from aragora_sql.errors import (
    DatabaseUnavailableError,
    DSNNotConfiguredError,
    QueryFileError,
    SchemaVersionError,
)
from aragora_sql.queries.files import packaged_sql_dir
from tests.stores.samples import critique, dissent, run


@pytest.fixture(autouse=True)
async def closed_at_the_end() -> AsyncIterator[None]:
    yield
    await close_databases()


@pytest.fixture
def environment(location: str | Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment that names the engine of the test; returns the prefix of its classes."""
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
        return "SQLite"
    monkeypatch.setenv("DATABASE_URL", location)
    monkeypatch.setenv("ARAGORA_DB_POOL_SIZE", "4")
    return "Postgres"


# By environment


async def test_the_environment_chooses_the_engine(
    environment: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "aragora_sql"):
        memory = await get_consensus_memory()
        critiques = await get_critique_store()
    assert type(memory).__name__ == f"{environment}ConsensusMemory"
    assert type(critiques).__name__ == f"{environment}CritiqueStore"
    assert f"Using {environment}ConsensusMemory" in caplog.messages
    assert f"Using {environment}CritiqueStore" in caplog.messages
    assert await memory.count() == await critiques.count_debates() == 0


async def test_the_stores_of_an_environment_share_transactions(environment: str) -> None:
    memory, again = await get_consensus_memory(), await get_consensus_memory()
    critiques = await get_critique_store()
    with suppress(ZeroDivisionError):
        async with memory.database.transaction():
            await critiques.store_debate("d", "Task")
            await again.store_consensus("Topic", "Conclusion", "weak", 0.5, [], [])
            raise ZeroDivisionError
    assert await memory.count() == await critiques.count_debates() == 0


async def test_closing_twice_is_harmless_and_the_next_call_opens_again(environment: str) -> None:
    memory = await get_consensus_memory()
    await memory.store_consensus("Topic", "Conclusion", "weak", 0.5, [], [])
    await close_databases()
    await close_databases()
    assert await (await get_consensus_memory()).count() == 1


async def test_instances_that_ask_at_once_get_the_same_database(environment: str) -> None:
    stores = await asyncio.gather(*(get_consensus_memory() for _ in range(10)))
    await asyncio.gather(
        *(store.store_consensus("Topic", "Conclusion", "weak", 0.5, [], []) for store in stores)
    )
    assert [await store.count() for store in stores] == [10] * 10


async def test_the_backend_that_is_asked_for_is_used(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ARAGORA_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "sqlite")
    assert isinstance(await get_consensus_memory(), SQLiteConsensusMemory)
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgresql")
    assert isinstance(await get_critique_store(), PostgresCritiqueStore)


async def test_postgres_without_a_dsn_is_never_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ARAGORA_DB_BACKEND", "postgres")
    for get in (get_consensus_memory, get_critique_store, get_postgres_consensus_memory):
        with pytest.raises(DSNNotConfiguredError, match="PostgreSQL DSN not configured"):
            await get()
    assert not (tmp_path / "aragora.db").exists()


# The document's examples


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


# A pool of the application


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


# What goes wrong at the door


async def test_a_server_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError) as caught:
        await get_consensus_memory()
    assert "secret" not in str(caught.value)


async def test_a_database_of_a_newer_release_is_refused(environment: str) -> None:
    memory = await get_consensus_memory()
    await run(memory.database, "UPDATE _schema_versions SET version = 99")
    with pytest.raises(SchemaVersionError, match="newer"):
        await get_consensus_memory()


async def test_a_query_that_a_store_needs_is_missed_when_it_is_made(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "sql"
    for path in packaged_sql_dir().rglob("*.sql"):
        copy = tree / path.relative_to(packaged_sql_dir())
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        copy.write_text(text.replace("-- name: get_debate(", "-- name: read_debate("))
    monkeypatch.setenv("ARAGORA_SQL_DIR", str(tree))
    assert await (await get_consensus_memory()).count() == 0
    with pytest.raises(QueryFileError, match="get_debate"):
        await get_critique_store()


def test_the_package_names_what_an_application_needs() -> None:
    for name in aragora_sql.__all__:
        assert getattr(aragora_sql, name) is not None
    assert {"ConsensusMemory", "CritiqueStore", "get_consensus_memory"} <= set(dir(aragora_sql))
    assert DissentType("risk_warning") is DissentType.RISK_WARNING
    assert DissentRetriever.__name__ == "DissentRetriever"
    with pytest.raises(AttributeError, match="unheard_of"):
        getattr(aragora_sql, "unheard_of")  # noqa: B009 - the type check knows that it is not there
