"""Where the extension pgvector is installed it is used, and what is found stays the same."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.continuum import ContinuumMemory, MemoryTier
from tests.conftest import MISSING_PROGRAM
from tests.schema.conftest import until

COUNTED = "SELECT sum(calls) FROM pg_stat_user_functions WHERE funcname LIKE 'vector%'"
DIMS = 24


@pytest.fixture
async def administrator(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_dsn)
    offered = "SELECT true FROM pg_available_extensions WHERE name = 'vector'"
    if not await connection.fetchval(offered):
        pytest.skip(f"{MISSING_PROGRAM}the extension vector of the server")
    yield connection
    await connection.close()


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool whose connections count the calls of functions."""
    pool = await asyncpg.create_pool(
        postgres_dsn, min_size=1, max_size=2, server_settings={"track_functions": "all"}
    )
    yield pool
    await pool.close()


@pytest.fixture
async def continuum(pool: asyncpg.Pool) -> ContinuumMemory:
    store = ContinuumMemory(PostgresDatabase(pool))
    await store.initialize()
    return store


def vectors() -> dict[str, list[float]]:
    """Vectors at random, and many that differ by less than 24 bits can tell."""
    chance = random.Random(5)  # noqa: S311
    made = {f"r{n:03}": [chance.gauss(0, 1) for _ in range(DIMS)] for n in range(200)}
    near = [1.0] * DIMS
    for n in range(80):
        made[f"n{n:03}"] = [near[0] + chance.uniform(-1, 1) * 1e-7, *near[1:]]
    return made


async def found(store: ContinuumMemory, **words: object) -> list[tuple[str, float]]:
    query = [1.0] * (DIMS - 1) + [1.5]
    matches = await store.hybrid_search("", 60, vector=query, **words)  # type: ignore[arg-type]
    return [(one.entry.id, one.similarity or 0.0) for one in matches]


async def test_the_extension_finds_what_is_found_without_it(
    administrator: asyncpg.Connection, continuum: ContinuumMemory, pool: asyncpg.Pool
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
    assert not await administrator.fetchval(COUNTED)

    # Where Supabase has it: in a schema that no search_path names.
    await administrator.execute("CREATE SCHEMA extensions")
    await administrator.execute("CREATE EXTENSION vector SCHEMA extensions")
    assert [await found(continuum, **question) for question in questions] == without

    # A connection tells what it counted when it ends.
    await pool.close()

    async def counted() -> bool:
        return (await administrator.fetchval(COUNTED) or 0) >= len(vectors())

    await until(counted)


async def test_vectors_that_are_too_long_for_the_extension(
    administrator: asyncpg.Connection, continuum: ContinuumMemory
) -> None:
    await administrator.execute("CREATE EXTENSION vector")
    long = [1.0] * 16_001
    await continuum.add("long", "x", vector=long)
    (match,) = await continuum.hybrid_search("", 5, vector=long)
    assert match.entry.id == "long"
    assert match.similarity == pytest.approx(1.0, abs=1e-12)
