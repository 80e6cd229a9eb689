"""Vectors of nodes on each engine: kept, replaced, archived, ranked, seen."""

from __future__ import annotations

import math
import random
from typing import Any

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.knowledge import KnowledgeMound
from tests.stores.knowledge.test_nodes import save
from tests.stores.pgvector import DIMS, vectors, wait_until_counted
from tests.stores.samples import fetch_value


def keys(matches: Any) -> list[str]:
    return [one.node.id for one in matches]


async def test_hybrid_search_fuses_both_ranks(mound: KnowledgeMound) -> None:
    given: dict[str, list[float]] = {
        "same": [2, 0],
        "near": [1, 0.5],
        "far": [0, 3],
        "opposite": [-1, 0],
        "longer": [1, 0, 0],
    }
    for key, vector in given.items():
        word = "token" if key in ("far", "near") else "other"
        await save(mound, key, content=f"{word} of {key}", vector=vector, topics=["t"])
    await save(mound, "words", content="token bucket", confidence=0.9)
    await save(mound, "elsewhere", content="token", workspace_id="w2", vector=[1, 0], tier="fast")
    found = await mound.hybrid_search("token bucket", "w1", [5, 0])
    ranks = {one.node.id: (one.vector_rank, one.keyword_rank) for one in found}
    # Of equal confidence the later id is first.
    assert ranks == {
        "near": (2, 2),
        "far": (3, 3),
        "same": (1, None),
        "opposite": (4, None),
        "words": (None, 1),
    }
    for one in found:
        vector_rank, keyword_rank = ranks[one.node.id]
        expected = (0.6 / (60 + vector_rank) if vector_rank else 0) + (
            0.4 / (60 + keyword_rank) if keyword_rank else 0
        )
        assert one.score == pytest.approx(expected, rel=1e-12)
        assert one.node == await mound.get_node(one.node.id)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    similarities = {one.node.id: one.similarity for one in found}
    assert similarities["words"] is None
    assert similarities["near"] == pytest.approx(1 / math.hypot(1, 0.5))
    assert similarities["opposite"] == -1.0
    assert keys(await mound.hybrid_search("token", "w1", [5, 0], 1, 0.0)) == ["words"]
    assert keys(await mound.hybrid_search("token", "w2")) == ["elsewhere"]
    assert keys(await mound.hybrid_search("", None, [1, 0], 2)) == ["elsewhere", "same"]
    assert keys(await mound.hybrid_search("", None, [1, 0], filters={"tier": "fast"})) == [
        "elsewhere"
    ]
    assert await mound.hybrid_search("", None, [1, 0], 0) == []


async def test_hybrid_search_ranks_by_the_exact_cosine(mound: KnowledgeMound) -> None:
    chance = random.Random(3)  # noqa: S311
    given = {f"m{n:02}": [chance.gauss(0, 1) for _ in range(48)] for n in range(60)}
    async with mound.database.transaction():
        for key, vector in given.items():
            await save(mound, key, vector=vector)
    query = [chance.gauss(0, 1) for _ in range(48)]

    def cosine(vector: list[float]) -> float:
        return sum(map(float.__mul__, vector, query)) / math.hypot(*vector) / math.hypot(*query)

    found = await mound.hybrid_search("", "w1", query, 100)
    assert keys(found) == sorted(given, key=lambda key: -cosine(given[key]))[:50]
    for one in found:
        assert one.similarity == pytest.approx(cosine(given[one.node.id]), abs=1e-12)


async def test_hybrid_search_shows_an_actor_what_it_may_see(mound: KnowledgeMound) -> None:
    levels: tuple[Any, ...] = ("private", "workspace", "organization", "public", "system")
    for level in levels:
        await save(mound, level, visibility=level, metadata={"org_id": "acme"}, vector=[1, 2])
    await save(mound, "hidden", visibility="public", is_discoverable=False, vector=[1, 2])

    async def seen(**actor: Any) -> set[str]:
        near = set(keys(await mound.hybrid_search("", None, [1, 1], **actor)))
        if "actor_id" in actor:
            both = await mound.hybrid_search("content", None, [1, 1], **actor)
            assert set(keys(both)) == near
        return near

    everybody = {"public", "system"}
    ann = {"actor_id": "ann", "actor_workspace_id": "w9"}
    assert await seen() == {*levels, "hidden"}
    assert await seen(**ann) == everybody
    assert await seen(**ann | {"actor_workspace_id": "w1"}) == {*everybody, "workspace"}
    assert await seen(**ann, actor_org_id="acme") == {*everybody, "organization"}
    await mound.save_access_grant("private", "role", "editor")
    assert await seen(**ann, actor_roles=["editor"]) == {*everybody, "private"}
    # Nobody is let in by half an actor.
    for half in ({"actor_workspace_id": "w1"}, {"actor_roles": ["editor"]}, {"actor_org_id": "o"}):
        with pytest.raises(InvalidInputError, match="actor_id"):
            await seen(**half)


async def test_a_vector_is_replaced_archived_restored_and_deleted(mound: KnowledgeMound) -> None:
    async def similarity(*vector: float) -> float | None:
        (one,) = await mound.hybrid_search("", "w1", vector)
        return one.similarity

    await save(mound, "a", vector=[3, 4])
    assert await similarity(3, 4) == pytest.approx(1)
    await save(mound, "a", content="other words")
    assert await similarity(3, 4) == pytest.approx(1)
    # It goes to the node that has the content, also with other dimensions.
    assert await save(mound, "b", content="other words", vector=[1e300, 0, 1e300]) == "a"
    assert await mound.hybrid_search("", "w1", [3, 4]) == []
    assert await similarity(1, 0, 1) == pytest.approx(1)
    with pytest.raises(InvalidInputError, match=r"node_data\.vector"):
        await save(mound, "a", vector=[0, 0])
    count = "SELECT count(*) FROM knowledge_vectors"
    assert await mound.archive_node("a")
    assert await fetch_value(mound.database, count) == 0
    assert await mound.restore_archived_node("a", "w1")
    assert await similarity(1, 0, 1) == pytest.approx(1)
    await mound.delete_node("a")
    assert await fetch_value(mound.database, count) == 0


async def test_the_extension_pgvector_finds_what_is_found_without_it(
    pgvector_administrator: asyncpg.Connection, counting_pool: asyncpg.Pool
) -> None:
    mound = KnowledgeMound(PostgresDatabase(counting_pool))
    await mound.initialize()
    given = vectors()
    async with mound.database.transaction():
        for place, (key, vector) in enumerate(given.items()):
            await save(mound, key, vector=vector, workspace_id=f"w{place % 2}")

    async def found() -> list[list[tuple[str, float | None]]]:
        query = [1.0] * (DIMS - 1) + [1.5]
        return [
            [
                (one.node.id, one.similarity)
                for one in await mound.hybrid_search("", workspace, query, 60)
            ]
            for workspace in (None, "w1")
        ]

    without = await found()
    assert [len(answer) for answer in without] == [50, 50]
    await pgvector_administrator.execute("CREATE SCHEMA extensions")
    await pgvector_administrator.execute("CREATE EXTENSION vector SCHEMA extensions")
    assert await found() == without
    await wait_until_counted(pgvector_administrator, counting_pool, len(given))
