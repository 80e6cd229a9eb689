"""Where the extension pgvector is installed it is used, and what is found stays the same."""

from __future__ import annotations

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.continuum import ContinuumMemory, MemoryTier
from tests.stores.pgvector import COUNTED, DIMS, vectors, wait_until_counted


@pytest.fixture
async def continuum(counting_pool: asyncpg.Pool) -> ContinuumMemory:
    store = ContinuumMemory(PostgresDatabase(counting_pool))
    await store.initialize()
    return store


async def found(store: ContinuumMemory, **words: object) -> list[tuple[str, float]]:
    query = [1.0] * (DIMS - 1) + [1.5]
    matches = await store.hybrid_search("", 60, vector=query, **words)  # type: ignore[arg-type]
    return [(one.entry.id, one.similarity or 0.0) for one in matches]


async def test_the_extension_finds_what_is_found_without_it(
    pgvector_administrator: asyncpg.Connection,
    continuum: ContinuumMemory,
    counting_pool: asyncpg.Pool,
) -> None:
    await continuum.add_many(
        {
            "memory_id": name,
            "content": "x",
            "vector": vector,
            "tier": tuple(MemoryTier)[place % 4],
            "tenant_id": f"t{place % 3}",
        }
        for place, (name, vector) in enumerate(vectors().items())
    )
    await continuum.add("other", "of another model", vector=[1.0, 2.0])
    questions: list[dict[str, object]] = [
        {},
        {"tenant_id": "t1"},
        {"tiers": ["slow", "fast"]},
        {"min_importance": 0.9},
    ]
    without = [await found(continuum, **question) for question in questions]
    assert [len(answer) for answer in without] == [50, 50, 50, 0]
    assert not await pgvector_administrator.fetchval(COUNTED)

    # Where Supabase has it: in a schema that no search_path names.
    await pgvector_administrator.execute("CREATE SCHEMA extensions")
    await pgvector_administrator.execute("CREATE EXTENSION vector SCHEMA extensions")
    assert [await found(continuum, **question) for question in questions] == without

    await wait_until_counted(pgvector_administrator, counting_pool, len(vectors()))


async def test_vectors_that_are_too_long_for_the_extension(
    pgvector_administrator: asyncpg.Connection, continuum: ContinuumMemory
) -> None:
    await pgvector_administrator.execute("CREATE EXTENSION vector")
    long = [1.0] * 16_001
    await continuum.add("long", "x", vector=long)
    (match,) = await continuum.hybrid_search("", 5, vector=long)
    assert match.entry.id == "long"
    assert match.similarity == pytest.approx(1.0, abs=1e-12)
