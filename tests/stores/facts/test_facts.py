"""The store of facts on each engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from aragora_sql.errors import (
    AlreadyTakenError,
    FactNotFoundError,
    InvalidInputError,
    SupersessionCycleError,
)
from aragora_sql.stores.facts import Fact, FactStore
from tests.conftest import OpenDatabase
from tests.stores.samples import days_ago, fetch_value, run


def said(facts: Any) -> list[str]:
    return [fact.statement for fact in facts]


async def test_add_fact_then_get_fact(facts: FactStore) -> None:
    metadata = {"x": 0.1 + 0.2, "large": 2**60}
    fact = await facts.add_fact(
        "Token buckets  limit Bursts",
        "w1",
        ["e2", "e1"],
        ["doc"],
        0.1 + 0.2,
        ["limits"],
        metadata,
        "byzantine_agreed",
    )
    assert fact.id.startswith("fact_")
    assert (fact.evidence_ids, fact.source_documents, fact.topics) == (
        ["e2", "e1"],
        ["doc"],
        ["limits"],
    )
    assert (fact.confidence, fact.metadata, fact.is_verified) == (0.1 + 0.2, metadata, True)
    assert await facts.get_fact(fact.id) == fact
    assert await facts.get_fact(fact.id, workspace_id="w2") is None
    # Case and blanks make no other statement; what is there is returned as it is.
    assert await facts.add_fact("token buckets limit\tBURSTS", "w1", confidence=1) == fact
    with pytest.raises(AlreadyTakenError, match="statement"):
        await facts.add_fact(fact.statement, "w1", deduplicate=False)
    assert (await facts.add_fact(fact.statement, "w2", deduplicate=False)).id != fact.id
    assert not (await facts.add_fact("other", "w1")).is_verified


async def test_add_fact_at_once_stores_a_statement_once(open_database: OpenDatabase) -> None:
    stores = [FactStore(await open_database()) for _ in range(3)]
    await stores[0].initialize()
    found = await asyncio.gather(
        *(stores[n % 3].add_fact("same", "w1", confidence=n / 12) for n in range(12))
    )
    assert len({fact.id for fact in found}) == 1
    assert await fetch_value(stores[0].database, "SELECT count(*) FROM facts") == 1


async def test_update_fact_and_delete_fact(facts: FactStore) -> None:
    fact, other = await facts.add_fact("a", "w1", topics=["old"]), await facts.add_fact("b", "w1")
    changed = await facts.update_fact(
        fact.id, 1, "contested", "proof", ["e"], ["new topic"], {"a": None}, workspace_id="w1"
    )
    assert changed == await facts.get_fact(fact.id)
    assert changed is not None
    assert (changed.confidence, changed.validation_status) == (1.0, "contested")
    assert (changed.consensus_proof_id, changed.evidence_ids) == ("proof", ["e"])
    assert (changed.topics, changed.metadata) == (["new topic"], {"a": None})
    assert changed.updated_at > changed.created_at
    assert (await facts.query_facts("old"), said(await facts.query_facts("topic"))) == ([], ["a"])
    assert await facts.update_fact(fact.id, 0, workspace_id="w2") is None
    assert await facts.update_fact("nobody", 0) is None
    await facts.add_relation(fact.id, other.id, "supports")
    assert not await facts.delete_fact(fact.id, workspace_id="w2")
    assert await facts.delete_fact(fact.id)
    assert not await facts.delete_fact(fact.id)
    assert await facts.get_relations(other.id) == []
    # It is found no more, and may be stored again.
    assert await facts.query_facts("a topic") == []
    assert (await facts.add_fact("a", "w1")).id != fact.id


async def test_query_facts_ranks_by_words_then_by_confidence(facts: FactStore) -> None:
    await facts.add_fact("A token bucket of Zoë", "w1", confidence=0.1)
    await facts.add_fact("leaky BUCKET", "w1", confidence=0.9, topics=["queues"])
    await facts.add_fact("other", "w2", topics=["bucket list", "queues"], source_documents=["d"])
    found = await facts.query_facts("Bucket, TOKEN!")
    assert [(one.statement, one.to_dict()["matched"]) for one in found] == [
        ("A token bucket of Zoë", 2),
        ("leaky BUCKET", 1),
        ("other", 1),
    ]
    assert said(await facts.query_facts("bucket", limit=1, offset=1)) == ["other"]
    assert said(await facts.query_facts("bucket", {"workspace_id": "w2"})) == ["other"]
    assert said(await facts.query_facts("bucket", {"topics": ["queues", "bucket list"]})) == [
        "other"
    ]
    assert said(await facts.query_facts("bucket", {"source_documents": ["d"]})) == ["other"]
    assert said(await facts.query_facts("zoe", {"min_confidence": 0.1})) == [
        "A token bucket of Zoë"
    ]
    assert await facts.query_facts("zoe", {"min_confidence": 0.2}) == []
    for nothing in ("...", "buck", 'NEAR("token")x'):
        assert said(await facts.query_facts(nothing)) in ([], ["A token bucket of Zoë"])
    # Without a query all are listed.
    assert said(await facts.query_facts(" ", limit=2, offset=1)) == said(
        (await facts.list_facts())[1:]
    )


async def test_list_facts_filters_and_pages(facts: FactStore) -> None:
    for number in range(6):
        fact = await facts.add_fact(
            f"f{number}",
            f"w{number % 2}",
            confidence=(number // 2) / 4,
            topics=["all", f"t{number % 3}"],
            validation_status="contested" if number == 4 else "unverified",
        )
    order = ["f5", "f4", "f3", "f2", "f1", "f0"]
    chosen: tuple[tuple[Any, list[str]], ...] = (
        ({}, order),
        ({"workspace_id": "w1"}, ["f5", "f3", "f1"]),
    )
    for filters, wanted in chosen:
        seen: list[Any] = []
        while page := await facts.list_facts(filters, 2, after=seen[-1] if seen else None):
            seen += page
        assert said(seen) == wanted
    assert said(await facts.list_facts({"topics": ["t1", "all"]})) == ["f4", "f1"]
    assert said(await facts.list_facts({"validation_status": "contested"})) == ["f4"]
    assert said(await facts.list_facts({"min_confidence": 0.5})) == ["f5", "f4"]
    assert said(await facts.list_facts({"created_after": fact.created_at})) == ["f5"]
    assert await facts.list_facts({"created_before": days_ago(1)}) == []
    first = (await facts.list_facts())[-1]
    await facts.update_fact(first.id, superseded_by=fact.id)
    assert said(await facts.list_facts()) == order[:-1]
    assert said(await facts.list_facts({"include_superseded": True})) == order


async def test_add_relation_get_relations_and_get_contradictions(facts: FactStore) -> None:
    a, b, c = [(await facts.add_fact(name, "w1")).id for name in "abc"]
    x = (await facts.add_fact("x", "w2")).id
    relation = await facts.add_relation(a, b, "contradicts", 0.75, "ann", {"y": 1})
    assert relation.id.startswith("rel_")
    assert (relation.confidence, relation.created_by) == (0.75, "ann")
    back = await facts.add_relation(c, a, "contradicts")
    implied = await facts.add_relation(a, x, "implies")
    assert await facts.get_relations(a) == [relation, back, implied]
    assert await facts.get_relations(a, "contradicts", as_target=False) == [relation]
    assert await facts.get_relations(a, as_source=False) == [back]
    assert await facts.get_relations(a, as_source=False, as_target=False) == []
    assert await facts.get_relations(a, workspace_id="w2") == []
    assert sorted(said(await facts.get_contradictions(a))) == ["b", "c"]
    assert said(await facts.get_contradictions(b)) == ["a"]
    await facts.update_fact(b, superseded_by=x)
    assert said(await facts.get_contradictions(a, workspace_id="w1")) == ["c"]
    assert await facts.get_contradictions(a, workspace_id="w2") == []
    for pair, argument in (((a, "no"), "target"), (("no", a), "source")):
        for kind in ("supports", "supersedes"):
            with pytest.raises(FactNotFoundError, match=f"{argument}_fact_id"):
                await facts.add_relation(*pair, kind)
    with pytest.raises(FactNotFoundError, match="target_fact_id"):
        await facts.add_relation(a, x, "supports", workspace_id="w1")


async def test_update_fact_and_add_relation_make_no_circle_of_superseded_facts(
    facts: FactStore,
) -> None:
    a, b, c = [(await facts.add_fact(name, "w1")).id for name in "abc"]
    await facts.add_relation(b, a, "supersedes")
    await facts.update_fact(b, superseded_by=c)
    for newer, older in ((a, c), (a, b), (a, a)):
        with pytest.raises(SupersessionCycleError, match="superseded_by"):
            await facts.update_fact(older, superseded_by=newer)
        with pytest.raises(SupersessionCycleError, match="target_fact_id"):
            await facts.add_relation(newer, older, "supersedes")
    with pytest.raises(FactNotFoundError, match="superseded_by"):
        await facts.update_fact(c, superseded_by="nobody")
    assert (await facts.get_fact(c) or await facts.add_fact("d", "w1")).superseded_by is None
    # It is none of these, and no circle.
    await facts.add_relation(a, c, "contradicts")
    await facts.add_relation(c, a, "supersedes")


async def test_add_relation_at_once_closes_no_circle(open_database: OpenDatabase) -> None:
    stores = [FactStore(await open_database()) for _ in range(3)]
    await stores[0].initialize()
    ids = [(await stores[0].add_fact(f"f{n}", "w1")).id for n in range(6)]

    async def supersede(n: int) -> bool:
        try:
            if n % 2:
                await stores[n % 3].add_relation(ids[n], ids[(n + 1) % 6], "supersedes")
            else:
                await stores[n % 3].update_fact(ids[(n + 1) % 6], superseded_by=ids[n])
        except SupersessionCycleError:
            return False
        return True

    assert sum(await asyncio.gather(*(supersede(n) for n in range(6)))) == 5


async def test_get_statistics_of_a_workspace_or_of_all(facts: FactStore) -> None:
    a = await facts.add_fact("a", "w1", confidence=1, validation_status="formally_proven")
    b = await facts.add_fact("b", "w1", confidence=0.5)
    c = await facts.add_fact("c", "w2", confidence=0)
    await facts.add_relation(a.id, b.id, "supports")
    await facts.add_relation(c.id, b.id, "supports")
    assert await facts.get_statistics("w1") == {
        "total_facts": 2,
        "verified_facts": 1,
        "by_status": {"formally_proven": 1, "unverified": 1},
        "average_confidence": 0.75,
        "total_relations": 1,
    }
    everything = await facts.get_statistics()
    assert (everything["total_facts"], everything["total_relations"]) == (3, 2)
    await run(facts.database, "DELETE FROM facts")
    assert (await facts.get_statistics())["average_confidence"] == 0.0


async def test_delete_fact_shows_what_it_superseded(facts: FactStore) -> None:
    old, other, middle, new = [await facts.add_fact(name, "w1") for name in ("a", "b", "c", "d")]
    of_w2 = await facts.add_fact("e", "w2")
    for fact in (old, other, of_w2):
        await facts.update_fact(fact.id, superseded_by=middle.id)
    await facts.update_fact(middle.id, superseded_by=new.id)
    assert said(await facts.list_facts()) == ["d"]
    # Not of its workspace: nothing is changed.
    assert not await facts.delete_fact(middle.id, workspace_id="w2")
    assert (await fact_of(facts, old.id)).superseded_by == middle.id
    # Of a chain a link goes: what came before it is superseded by what comes after it.
    assert await facts.delete_fact(middle.id, workspace_id="w1")
    for fact in (old, other, of_w2):
        assert (await fact_of(facts, fact.id)).superseded_by == new.id
    assert said(await facts.list_facts()) == ["d"]
    with pytest.raises(SupersessionCycleError):
        await facts.update_fact(new.id, superseded_by=old.id)
    # The end goes: what it superseded is there again.
    assert await facts.delete_fact(new.id)
    assert sorted(said(await facts.list_facts())) == ["a", "b", "e"]
    assert (await fact_of(facts, old.id)).updated_at > old.updated_at
    assert said(await facts.query_facts("a")) == ["a"]


async def test_delete_fact_of_a_circle_or_of_a_chain_with_a_hole(facts: FactStore) -> None:
    """Databases that were filled by an earlier release may have both."""
    a, b, c, d = [await facts.add_fact(name, "w1") for name in "abcd"]
    for fact, newer in ((a, b.id), (b, a.id), (c, d.id), (d, "gone")):
        await run(
            facts.database, f"UPDATE facts SET superseded_by = '{newer}' WHERE id = '{fact.id}'"
        )
    assert await facts.list_facts() == []
    assert await facts.delete_fact(b.id)
    assert await facts.delete_fact(d.id)
    assert sorted(said(await facts.list_facts())) == ["a", "c"]


async def test_delete_fact_and_update_fact_at_once_hide_nothing_for_ever(
    open_database: OpenDatabase,
) -> None:
    stores = [FactStore(await open_database()) for _ in range(2)]
    await stores[0].initialize()

    async def supersede(older: str, newer: str) -> None:
        with contextlib.suppress(FactNotFoundError):
            await stores[0].update_fact(older, superseded_by=newer)

    for number in range(10):
        old = await stores[0].add_fact(f"old {number}", "w1")
        new = await stores[0].add_fact(f"new {number}", "w1")
        await asyncio.gather(supersede(old.id, new.id), stores[1].delete_fact(new.id))
        assert (await fact_of(stores[0], old.id)).superseded_by is None


@pytest.mark.parametrize("name", ["topics", "source_documents"])
async def test_list_facts_and_query_facts_with_values_that_are_no_texts(
    facts: FactStore, name: str
) -> None:
    for number, values in enumerate((["t1", None], [None], [["t2"]], [{"t2": 1}], ["t1", "t2"])):
        fact = await facts.add_fact(f"bucket {number}", "w1")
        encoded = json.dumps(values)
        await run(facts.database, f"UPDATE facts SET {name} = '{encoded}' WHERE id = '{fact.id}'")
    wanted: list[tuple[list[str], list[str]]] = [
        (["t1"], ["bucket 4", "bucket 0"]),
        (["t2"], ["bucket 4"]),
        (["t1", "t2"], ["bucket 4"]),
        (['["t2"]'], []),
        (['{"t2":1}'], []),
    ]
    for chosen, found in wanted:
        for workspace in (None, "w1"):
            filters: Any = {name: chosen, "workspace_id": workspace}
            assert said(await facts.list_facts(filters)) == found
            assert said(await facts.query_facts("bucket", filters)) == found
    everything: Any = {name: []}
    assert len(await facts.list_facts(everything)) == 5


async def test_query_facts_without_a_query_takes_large_numbers(facts: FactStore) -> None:
    for name in "abc":
        await facts.add_fact(name, "w1")
    largest = 2**31 - 1
    assert len(await facts.query_facts("", limit=largest, offset=1)) == 2
    assert await facts.query_facts("", limit=1, offset=largest) == []
    assert await facts.query_facts(" ", limit=largest, offset=largest) == []
    for query in ("", "word"):
        with pytest.raises(InvalidInputError, match=f"offset: must be at most {largest}"):
            await facts.query_facts(query, limit=1, offset=largest + 1)
        with pytest.raises(InvalidInputError, match=f"limit: must be at most {largest}"):
            await facts.query_facts(query, limit=largest + 1, offset=1)


async def fact_of(facts: FactStore, key: str) -> Fact:
    """Return a fact that is there."""
    found = await facts.get_fact(key)
    assert found is not None
    return found
