"""Recall: the best entries by score, by words, by vectors, in time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

import pytest

from aragora_sql.errors import TenantRequiredError
from aragora_sql.stores.continuum import ContinuumEntry, ContinuumMemory
from aragora_sql.stores.continuum import store as store_module
from aragora_sql.stores.continuum.tiers import TIERS
from aragora_sql.stores.terms import search_terms
from tests.stores.continuum.conftest import Clock

DECAYS = {"fast": 24, "medium": 1, "slow": 0.14, "glacial": 0.03}
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]


def score(entry: ContinuumEntry, clock: Clock, query: str = "") -> float:
    """The score as the docs say it."""
    days = max(0, (clock.now - entry.updated_at).total_seconds() / 86400)
    terms = search_terms(query)
    found = sum(term in search_terms(entry.content) for term in terms)
    relevance = found / len(terms) if terms else 1
    strength = entry.importance * (1 + entry.surprise_score)
    return relevance * strength / (1 + days * DECAYS[entry.tier])


@dataclass
class Filled:
    """A memory with entries of all kinds."""

    continuum: ContinuumMemory
    clock: Clock
    entries: list[ContinuumEntry]

    def best(self, query: str = "", limit: int = 10, **wanted: Any) -> list[str]:
        """The ids of the best entries, by a look at all."""
        chosen = [
            one
            for one in self.entries
            if score(one, self.clock, query) > 0
            and all(getattr(one, name) in values for name, values in wanted.items())
        ]
        chosen.sort(key=lambda one: one.id)
        chosen.sort(key=lambda one: one.updated_at, reverse=True)
        chosen.sort(key=lambda one: score(one, self.clock, query), reverse=True)
        return [one.id for one in chosen[:limit]]


@pytest.fixture
async def filled(
    continuum: ContinuumMemory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Filled:
    # small, so that the bounds decide in a small memory too
    monkeypatch.setattr(store_module, "REACHES", (1, 2, 4))
    monkeypatch.setattr(store_module, "MOST_MATCHES", 30)
    chance = random.Random(5)  # noqa: S311
    documents = [
        {
            "id": f"m{n}",
            "tier": chance.choice(TIERS),
            "content": " ".join(chance.choices(WORDS, [40, 20, 8, 4, 2, 1], k=2)),
            "importance": chance.choice([0.5, round(chance.random(), 3)]),
            "surprise_score": chance.choice([0.0, round(chance.random() / 2, 3)]),
            "tenant_id": chance.choice(["t1", "t2", None]),
            "updated_at": clock.now.isoformat(),
        }
        for n in range(600)
    ]
    for document in documents:
        clock.pass_hours(-chance.random() * 3)
        document["updated_at"] = clock.now.isoformat()
    clock.pass_hours(1200)
    await continuum.restore_snapshot({"version": 4, "entries": documents})
    entries = await continuum.get_many(f"m{n}" for n in range(600))
    return Filled(continuum, clock, entries)


async def test_retrieve_gives_the_best_of_all(filled: Filled) -> None:
    memory = filled.continuum
    for limit in (1, 10, 700):
        found = await memory.retrieve(limit=limit)
        assert [one.id for one in found] == filled.best(limit=limit)
    for one in found:
        assert one.score == pytest.approx(score(one, filled.clock), rel=1e-12)
        assert one.relevance == 1.0
    for tier in TIERS:
        found = await memory.retrieve(tier=tier, limit=5)
        assert [one.id for one in found] == filled.best(limit=5, tier=[tier])
    found = await memory.retrieve(tiers=["fast", "slow"], limit=20)
    assert [one.id for one in found] == filled.best(limit=20, tier=["fast", "slow"])
    found = await memory.retrieve(include_glacial=False)
    assert [one.id for one in found] == filled.best(tier=["fast", "slow", "medium"])


async def test_retrieve_of_a_query_gives_the_best_of_all(filled: Filled) -> None:
    memory = filled.continuum
    for query in ("alpha", "zeta", "ALPHA beta", "beta, zeta!", "gamma delta epsilon", "omega"):
        for limit in (1, 10, 700):
            found = await memory.retrieve(query, limit=limit)
            assert [one.id for one in found] == filled.best(query, limit), query
        for one in found:
            assert one.score == pytest.approx(score(one, filled.clock, query), rel=1e-12)


async def test_retrieve_of_a_tenant_sees_no_other(filled: Filled) -> None:
    memory = filled.continuum
    for query in (None, "alpha", "epsilon beta"):
        found = await memory.retrieve(query, limit=50, tenant_id="t1")
        assert [one.id for one in found] == filled.best(query or "", 50, tenant_id=["t1"])
    assert await memory.retrieve(tenant_id="unknown") == []
    with pytest.raises(TenantRequiredError):
        await memory.retrieve(enforce_tenant_isolation=True)
    found = await memory.retrieve(tenant_id="t2", enforce_tenant_isolation=True)
    assert {one.tenant_id for one in found} == {"t2"}


async def test_retrieve_of_important_entries_only(filled: Filled) -> None:
    found = await filled.continuum.retrieve(min_importance=0.75, limit=700)
    important = [one.id for one in filled.entries if one.importance >= 0.75]
    assert sorted(one.id for one in found) == sorted(important)


async def test_retrieve_leaves_out_what_is_expired(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.add("past", "x", importance=1.0, expires_at=clock.now)
    await continuum.add("future", "x", expires_at=clock.now.replace(microsecond=1))
    for query in (None, "x"):
        assert [one.id for one in await continuum.retrieve(query)] == ["future"]


async def test_retrieve_scores_never_grow_with_age_or_fall_below_zero(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.add("m", "x", "fast", 0.8)
    scores = []
    for hours in (-5, 5, 1, 1, 1000, 1e5):
        clock.pass_hours(hours)
        scores.append((await continuum.retrieve())[0].score)
    assert scores[0] == scores[1] == 0.8
    assert scores[2] == pytest.approx(0.4)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


async def test_retrieve_of_nothing(continuum: ContinuumMemory) -> None:
    assert await continuum.retrieve() == []
    assert await continuum.retrieve("x") == []
    await continuum.add("m", "x")
    assert await continuum.retrieve("?!") == []
    assert await continuum.retrieve(limit=0) == []
    assert await continuum.retrieve(tiers=[]) == []
    assert [one.id for one in await continuum.retrieve(" ")] == ["m"]
    # a tier and a query are a filter, not an id
    assert await continuum.retrieve("m", tier="slow") == []


async def test_get_glacial_insights(continuum: ContinuumMemory) -> None:
    await continuum.add("g1", "token bucket", "glacial", 0.3)
    await continuum.add("g2", "bucket", "glacial", 0.9)
    await continuum.add("dull", "bucket", "glacial", 0.29)
    await continuum.add("slow", "bucket", "slow")
    assert [one.id for one in await continuum.get_glacial_insights()] == ["g2", "g1"]
    assert [one.id for one in await continuum.get_glacial_insights("token")] == ["g1"]


async def test_get_cross_session_patterns(continuum: ContinuumMemory) -> None:
    await continuum.add("g", "security", "glacial", 0.2)
    await continuum.add("s", "security", "slow", 0.9)
    await continuum.add("dull", "security", "slow", 0.19)
    await continuum.add("f", "security", "fast")
    assert [one.id for one in await continuum.get_cross_session_patterns("Security")] == ["s", "g"]
    only = await continuum.get_cross_session_patterns(include_slow=False)
    assert [one.id for one in only] == ["g"]


async def test_prewarm_for_query_makes_nothing_younger(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.add("a", "token", tenant_id="t1", metadata={"k": 1})
    await continuum.add("b", "token", tenant_id="t2")
    stored = clock.now
    clock.pass_hours(1)
    assert await continuum.prewarm_for_query("token", "t1") == 1
    (a, b) = await continuum.get_many(["a", "b"])
    assert (a.last_prewarmed_at, a.updated_at, a.metadata) == (clock.now, stored, {"k": 1})
    assert b.last_prewarmed_at is None
    assert await continuum.prewarm_for_query("unknown") == 0


async def test_get_timeline_entries_around_one(continuum: ContinuumMemory, clock: Clock) -> None:
    for n in range(9):
        await continuum.add(f"m{n}", "x", TIERS[n % 2], n / 10, tenant_id=f"t{n % 3 > 0}")
        if n != 4:  # two of the same time
            clock.pass_hours(1)
    timeline = await continuum.get_timeline_entries("m4", before=2)
    assert timeline is not None
    assert timeline.anchor.id == "m4"
    assert [one.id for one in timeline.before] == ["m2", "m3"]
    assert [one.id for one in timeline.after] == ["m5", "m6", "m7"]
    timeline = await continuum.get_timeline_entries("m5", 1, 0)
    assert timeline is not None
    assert ([one.id for one in timeline.before], timeline.after) == (["m4"], [])
    timeline = await continuum.get_timeline_entries(
        "m4", 9, 9, [TIERS[0]], 0.1, "tTrue", enforce_tenant_isolation=True
    )
    assert timeline is not None
    assert [one.id for one in timeline.before] == ["m2"]
    assert [one.id for one in timeline.after] == ["m8"]
    assert await continuum.get_timeline_entries("m4", tenant_id="tFalse") is None
    assert await continuum.get_timeline_entries("unknown") is None


async def test_hybrid_search_fuses_both_ranks(continuum: ContinuumMemory) -> None:
    vectors: dict[str, list[float]] = {
        "same": [2, 0],
        "near": [1, 0.5],
        "far": [0, 3],
        "opposite": [-1, 0],
        "longer": [1, 0, 0],
    }
    for name, vector in vectors.items():
        await continuum.add(name, "token" if name in ("far", "near") else "other", vector=vector)
    await continuum.add("words", "token bucket", importance=0.9)
    found = await continuum.hybrid_search("token bucket", vector=[5, 0])
    ranks = {one.entry.id: (one.vector_rank, one.keyword_rank) for one in found}
    assert ranks == {
        "near": (2, 3),
        "far": (3, 2),
        "same": (1, None),
        "opposite": (4, None),
        "words": (None, 1),
    }
    for one in found:
        vector_rank, keyword_rank = ranks[one.entry.id]
        expected = (0.6 / (60 + vector_rank) if vector_rank else 0) + (
            0.4 / (60 + keyword_rank) if keyword_rank else 0
        )
        assert one.score == pytest.approx(expected, rel=1e-12)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    similarities = {one.entry.id: one.similarity for one in found}
    assert similarities["words"] is None
    assert similarities["near"] == pytest.approx(1 / math.hypot(1, 0.5))
    assert similarities["opposite"] == -1.0
    by_words = await continuum.hybrid_search("token", 1, vector_weight=0.0, vector=[5, 0])
    assert [one.entry.id for one in by_words] == ["words"]
    only = await continuum.hybrid_search("", tiers=["fast"], vector=[5, 0])
    assert only == []


async def test_hybrid_search_ranks_by_the_exact_cosine(continuum: ContinuumMemory) -> None:
    chance = random.Random(3)  # noqa: S311
    vectors = {f"m{n:02}": [chance.gauss(0, 1) for _ in range(48)] for n in range(70)}
    await continuum.add_many(
        {"memory_id": name, "content": "x", "vector": vector, "tenant_id": f"t{name[-1] > '4'}"}
        for name, vector in vectors.items()
    )
    query = [chance.gauss(0, 1) for _ in range(48)]

    def cosine(vector: list[float]) -> float:
        return sum(map(float.__mul__, vector, query)) / math.hypot(*vector) / math.hypot(*query)

    found = await continuum.hybrid_search("", 100, vector=query)
    wanted = sorted(vectors, key=lambda name: -cosine(vectors[name]))[:50]
    assert [one.entry.id for one in found] == wanted
    for one in found:
        assert one.similarity == pytest.approx(cosine(vectors[one.entry.id]), abs=1e-12)
    mine = await continuum.hybrid_search("", 100, vector=query, tenant_id="tTrue")
    assert {one.entry.tenant_id for one in mine} == {"tTrue"}
